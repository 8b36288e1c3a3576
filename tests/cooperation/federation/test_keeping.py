"""What becomes of what was received when its time or its agreement is over, and what its sender has of that."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from taawun.cooperation.agreements.actions import suspend, terminate
from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.actions import (
    Draft,
    let_go,
    onward_counts,
    publish,
    share_onward,
    tell_reach,
    withdraw,
)
from taawun.cooperation.federation.bounds import MOST_PARTIES_REACHED
from taawun.cooperation.federation.duties import (
    DUE,
    GRACE,
    duties_of,
    ended_between,
    over_with_their_agreement,
)
from taawun.cooperation.federation.errors import NobodyReceives
from taawun.cooperation.federation.exchange import readable
from taawun.cooperation.federation.models import Deletion, Passage, Reach, Receipt, Release
from taawun.cooperation.federation.queries import reach_of
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.strict_json import parse
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.agreements.test_policy import US, B, C, on_day, standing
from tests.cooperation.agreements.test_policy import document as text
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_exchange import DONE, note
from tests.lanes import TheirLane, clause_lane, talk_lane

DAY = timedelta(days=1)
PUBLIC = Onward("public")


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


@pytest.fixture
def east(south: PartnerNode) -> PartnerNode:
    return partner("East", nation="XE")


def kept_for(south: PartnerNode, days: int | None, **changes: Any) -> tuple[Agreement, TheirLane]:
    """An agreement of one clause that gives this many days, and the partner's lane of it."""
    agreement = agreement_in_force(south, clauses=(clause(retention_days=days, **changes),))
    return agreement, clause_lane(south, agreement)


def statements(to: PartnerNode) -> list[dict[str, Any]]:
    """What this node signed to a partner that it keeps no more."""
    said = LaneEntry.objects.filter(kind="deleted", lane__readers__partner=to.row).order_by("seq")
    return [parse(contents.get(each.content_digest)) for each in said]


# ---- when the time of a clause is over -----------------------------------------------------------------------------


def test_what_its_clause_gives_days_goes_after_them_and_its_sender_has_it_in_writing(
    south: PartnerNode, notes: Notes
) -> None:
    _agreement, lane = kept_for(south, 30)
    first = note(lane)
    lane.deliver()
    at = Passage.objects.get().entry.recorded
    assert Passage.objects.get().ends == at + 30 * DAY
    with frozen(at + 30 * DAY - timedelta(seconds=1)):
        assert let_go() == 0
    with frozen(at + 30 * DAY):
        assert let_go() == 1
        assert let_go() == 0
    release = Release.objects.get()
    assert (release.state, release.gone, notes.withdrawn) == ("ended", "retention", ["urn:test:1"])
    assert not contents.has(first.header.digest)
    (said,) = statements(south)
    assert (said["lane"], said["why"]) == (str(lane.row.wire_id), "retention")
    assert said["entries"] == [{"seq": 1, "digest": first.digest}]
    deletion = Deletion.objects.get()
    assert str(deletion.said) == said["id"]


def test_what_has_no_limit_stays(south: PartnerNode) -> None:
    _agreement, lane = kept_for(south, None)
    note(lane)
    lane.deliver()
    with frozen(now() + 36_500 * DAY):
        assert let_go() == 0
    assert Release.objects.get().state == "live"


def test_what_another_clause_still_holds_stays_and_the_statement_says_so(
    south: PartnerNode, notes: Notes
) -> None:
    clauses = (clause("1", retention_days=10), clause("2", retention_days=20))
    agreement = agreement_in_force(south, clauses=clauses)
    for ref in ("1", "2"):
        lane = clause_lane(south, agreement, ref)
        note(lane)
        lane.deliver()
    at = Passage.objects.earliest("id").entry.recorded
    with frozen(at + 11 * DAY):
        assert let_go() == 1
    assert (Release.objects.get().state, notes.withdrawn) == ("live", [])
    assert [each["held"] for each in statements(south)[0]["entries"]] == [True]
    with frozen(at + 21 * DAY):
        assert let_go() == 1
        assert let_go() == 0
    assert (Release.objects.get().state, notes.withdrawn) == ("ended", ["urn:test:1"])
    later = [entry for said in statements(south)[1:] for entry in said["entries"]]
    # both are gone now, and both are said to be
    assert len(later) == 2
    assert not any("held" in entry for entry in later)


def test_what_was_shared_onward_is_taken_back_when_it_ends_here(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    _agreement, lane = kept_for(south, 1, onward=PUBLIC)
    note(lane)
    lane.deliver()
    agreement_in_force(east)
    share_onward(cast.analyst.actor, Release.objects.get())
    with frozen(now() + 2 * DAY):
        let_go()
    ours = Lane.objects.get(sender=None, purpose="clause", readers__partner=east.row)
    assert LaneEntry.objects.filter(lane=ours).latest("seq").action == "withdraw"


def test_people_are_told_before_and_find_it_in_the_list(cast: Cast, south: PartnerNode, pages: None) -> None:
    _agreement, lane = kept_for(south, 5)
    note(lane)
    lane.deliver()
    let_go()
    let_go()
    told = Notice.objects.get(kind="federation.ends-soon")
    assert (told.times, told.params["count"], told.resolved) == (1, "1", None)
    browser, release = cast.analyst.browser(), Release.objects.get()
    assert str(release.id) in browser.get("/en/releases/?ends=7").content.decode()
    answer: Any = browser.get(
        "/en/releases/?ends=7&format=json"
    )  # in pieces, which the client's type knows nothing of
    got = b"".join(answer.streaming_content)
    exported = json.loads(got)
    assert exported[0]["ends"]
    before = timestamp(now() + DAY)
    listed = cast.analyst.api.get("/federation/releases", ends_before=before).json()["items"]
    assert listed == []
    with frozen(now() + 6 * DAY):
        let_go()
        assert Notice.objects.get(kind="federation.ends-soon").resolved


def test_what_a_crash_left_unsaid_is_said_by_the_next_round(
    south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    _agreement, lane = kept_for(south, 1)
    note(lane)
    lane.deliver()

    def die(*_arguments: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken, frozen(now() + 2 * DAY):
        broken.setattr("taawun.cooperation.federation.actions.letting_go._say", die)
        with pytest.raises(SystemExit):
            let_go()
    assert Release.objects.get().state == "ended"
    assert statements(south) == []
    let_go()
    assert len(statements(south)) == 1


# ---- when an agreement is over -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on_end", "stays"), [("delete", False), ("keep", True)])
def test_what_came_under_an_agreement_goes_a_day_after_its_end_if_it_says_so(
    cast: Cast, south: PartnerNode, notes: Notes, on_end: str, stays: bool
) -> None:
    agreement, lane = kept_for(south, None, on_termination=on_end)
    note(lane)
    lane.deliver()
    terminate(cast.officer.actor, agreement, "")
    let_go()
    assert Release.objects.get().state == "live"
    assert Notice.objects.filter(kind="federation.ends-with-agreement", resolved=None).exists() != stays
    assert len(over_with_their_agreement()) == int(not stays)
    with frozen(now() + GRACE + timedelta(seconds=5)):
        let_go()
        release = Release.objects.get()
        assert (release.state, release.gone) == (("live", "") if stays else ("ended", "agreement"))
        assert [each["why"] for each in statements(south)] == ([] if stays else ["agreement"])
        assert not Notice.objects.filter(kind="federation.ends-with-agreement", resolved=None).exists()
    assert notes.withdrawn == ([] if stays else ["urn:test:1"])


def test_a_suspension_ends_nothing(cast: Cast, south: PartnerNode) -> None:
    agreement, lane = kept_for(south, None)
    note(lane)
    lane.deliver()
    suspend(cast.officer.actor, agreement, "")
    with frozen(now() + 100 * DAY):
        assert let_go() == 0
    assert Release.objects.get().state == "live"


def _given(cast: Cast, south: PartnerNode) -> tuple[Agreement, LaneEntry]:
    """An entry of ours that the partner signed for, under an agreement that deletes at its end."""
    agreement = agreement_in_force(south)
    publish(cast.analyst.actor, Draft("tests.note", "urn:ours:1", "1", "Note", Tlp.GREEN, b"{}"))
    entry = LaneEntry.objects.get(kind="tests.note")
    Receipt.objects.create(
        **Receipt.place_of(entry), entry=entry, partner=south.row, outcome="done", at=now()
    )
    return agreement, entry


def _statement(entry: LaneEntry, **changes: Any) -> dict[str, Any]:
    return {
        "lane": str(entry.lane_id),
        "why": "agreement",
        "at": timestamp(now()),
        "entries": [{"seq": entry.seq, "digest": entry.digest}],
        **changes,
    }


def test_what_a_party_owes_is_due_proven_or_overdue(cast: Cast, south: PartnerNode, pages: None) -> None:
    agreement, entry = _given(cast, south)
    assert duties_of(agreement) == []
    terminate(cast.officer.actor, agreement, "")
    (duty,) = duties_of(agreement)
    assert (duty.given, duty.proven, duty.is_overdue) == (1, 0, False)
    with frozen(now() + DUE + DAY):
        (duty,) = duties_of(agreement)
        assert duty.is_overdue
        let_go()
        assert Notice.objects.get(kind="federation.deletion-overdue").level == "alarm"
    talk = talk_lane(south)
    said = talk.say("deleted", _statement(entry))
    assert talk.deliver()[-1] == DONE
    (duty,) = duties_of(agreement)
    assert (duty.given, duty.proven, duty.left) == (1, 1, 0)
    deletion = Deletion.objects.get()
    assert (deletion.partner, str(deletion.said)) == (south.row, parse(said.content or b"")["id"])
    # again is nothing
    talk.say("deleted", _statement(entry))
    assert talk.deliver()[-1] == DONE
    assert Deletion.objects.count() == 1
    let_go()
    assert Notice.objects.get(kind="federation.deletion-overdue").resolved
    there = cast.analyst.api.get(f"/federation/agreements/{agreement.id}/duties").json()["there"]
    assert [(each["partner"], each["given"], each["proven"]) for each in there] == [(south.node, 1, 1)]
    browser = cast.analyst.browser()
    assert "proven" in browser.get(f"/en/releases/duties/{agreement.id}/").content.decode()
    rows = json.loads(browser.get(f"/en/releases/duties/{agreement.id}/?format=json").getvalue())
    assert [(each["partner"], each["given"], each["proven"], each["state"]) for each in rows] == [
        (south.node, 1, 1, "proven")
    ]
    answer = browser.get(f"/en/releases/duties/{agreement.id}/?format=csv")
    assert answer["Content-Disposition"] == f'attachment; filename="{agreement.code}-duties.csv"'
    head, row = answer.getvalue().decode("utf-8-sig").splitlines()
    assert head == "agreement,partner,name,ended,due,given,proven,held,last,state"
    assert row.startswith(f"{agreement.code},{south.node},Southern CERT,")
    assert "Deletion proven of 1 of 1" in browser.get(f"/en/agreements/{agreement.id}/").content.decode()
    release = Release.objects.get()
    assert "deleted there" in browser.get(f"/en/releases/{release.id}/").content.decode()


def test_an_agreement_is_over_between_two_once_one_of_them_has_left_it() -> None:
    left = standing(text(notice_days=3), said=(("left", "c", 6),))
    over = [ended_between(left, US, other, on_day(at)) for other in (B, C) for at in (8, 10)]
    assert over == [None, None, None, on_day(9)]


def test_nobody_signs_for_what_was_not_sent_to_them(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    _agreement, entry = _given(cast, south)
    other = talk_lane(east)
    other.say("deleted", _statement(entry))
    assert other.deliver()[-1] == ("refused", "unknown-lane")
    talk = talk_lane(south)
    for changes, code in (
        ({"entries": [{"seq": entry.seq, "digest": "0" * 64}]}, "other-head"),
        ({"entries": [{"seq": 99, "digest": entry.digest}]}, "other-head"),
        ({"entries": []}, "malformed"),
        ({"entries": [{"seq": entry.seq, "digest": entry.digest}] * 1001}, "malformed"),
        ({"entries": [{"seq": True, "digest": entry.digest}]}, "malformed"),
        ({"why": "because"}, "malformed"),
        ({"lane": "x"}, "malformed"),
        ({"at": "yesterday"}, "malformed"),
    ):
        talk.say("deleted", _statement(entry, **changes))
        assert talk.deliver()[-1] == ("refused", code), changes
    assert not Deletion.objects.exists()


def test_a_statement_is_not_believed_to_be_made_later_than_it_was_signed(
    cast: Cast, south: PartnerNode
) -> None:
    _agreement, entry = _given(cast, south)
    talk = talk_lane(south)
    said = talk.say("deleted", _statement(entry, at=timestamp(now() + 10 * DAY)))
    talk.deliver()
    assert Deletion.objects.get().at == said.header.issued


def test_a_statement_that_is_dated_back_is_no_older_than_what_it_is_about(
    cast: Cast, south: PartnerNode
) -> None:
    _agreement, entry = _given(cast, south)
    talk, before = talk_lane(south), now() - 10 * DAY
    talk.say("deleted", _statement(entry, at=timestamp(before)), issued=before)
    talk.deliver()
    assert Deletion.objects.get().at == entry.issued


def test_after_its_end_a_lane_carries_withdrawals_and_never_a_publish(cast: Cast, south: PartnerNode) -> None:
    agreement, entry = _given(cast, south)
    terminate(cast.officer.actor, agreement, "")
    with pytest.raises(NobodyReceives):
        publish(cast.analyst.actor, Draft("tests.note", "urn:ours:2", "1", "Note", Tlp.GREEN, b"{}"))
    assert readable(entry.lane, [entry], south.row) == [False]
    withdraw(cast.analyst.actor, Release.objects.get(), "over")
    last = LaneEntry.objects.filter(lane=entry.lane).latest("seq")
    assert last.action == "withdraw"
    # and what a partner publishes after it is not opened
    lane = clause_lane(south, agreement)
    note(lane)
    assert lane.deliver()[-1] == ("unopened", "terminated")


# ---- how far it reached --------------------------------------------------------------------------------------------


def test_how_far_it_reached_onward_is_told_to_who_sent_it_by_counts_alone(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    _agreement, lane = kept_for(south, None, onward=PUBLIC)
    first = note(lane)
    lane.deliver()
    agreement_in_force(east)
    release = share_onward(cast.analyst.actor, Release.objects.get())
    assert tell_reach() == 0
    sent = LaneEntry.objects.get(lane__sender=None, kind="tests.note")
    Receipt.objects.create(**Receipt.place_of(sent), entry=sent, partner=east.row, outcome="done", at=now())
    Reach.objects.create(release=release, partner=east.row, parties=4, at=now())
    assert onward_counts([release.id]) == {release.id: 5}
    assert tell_reach() == 1
    entry = LaneEntry.objects.get(kind="reached")
    told = parse(contents.get(entry.content_digest))
    assert told["releases"] == [
        {"subject": "urn:test:1", "version": "1", "digest": first.header.digest, "parties": 5}
    ]
    Reach.objects.update(parties=6)
    # what changed is told once a day
    assert tell_reach() == 0
    with frozen(now() + DAY):
        assert tell_reach() == 1
        assert tell_reach() == 0


def test_partners_that_count_as_many_as_they_may_spoil_no_count_of_this_node(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    _agreement, lane = kept_for(south, None, onward=PUBLIC)
    note(lane)
    lane.deliver()
    agreement_in_force(east)
    release = share_onward(cast.analyst.actor, Release.objects.get())
    for told_by in (east, partner("Western CERT", nation="XW")):
        Reach.objects.create(release=release, partner=told_by.row, parties=MOST_PARTIES_REACHED, at=now())
    assert tell_reach() == 1
    said = LaneEntry.objects.get(kind="reached")
    [told] = parse(contents.get(said.content_digest))["releases"]
    # what its receiver takes
    assert told["parties"] == MOST_PARTIES_REACHED


def test_two_that_share_one_release_with_each_other_do_not_count_each_other_without_end(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    lane = clause_lane(south, agreement_in_force(south, east, clauses=(clause(onward=PUBLIC),)))
    first = note(lane)
    lane.deliver()
    between = agreement_in_force(east, south, clauses=(clause(onward=PUBLIC),))
    share_onward(cast.analyst.actor, Release.objects.get())
    theirs = clause_lane(east, between)
    note(theirs, content=first.content, origin=first.token)
    assert theirs.deliver()[-1] == DONE
    talk = talk_lane(east)
    sent = LaneEntry.objects.get(kind="tests.note", lane__sender=None)
    Receipt.objects.create(**Receipt.place_of(sent), entry=sent, partner=east.row, outcome="done", at=now())
    about = {"subject": "urn:test:1", "version": "1", "digest": first.header.digest}
    for parties in (1, 2, 3):
        talk.say("reached", {"releases": [{**about, "parties": parties}]})
        talk.deliver()
        with frozen(now() + parties * DAY):
            tell_reach()
    told = LaneEntry.objects.filter(kind="reached", lane__sender=None)
    assert {each.lane.readers.get().partner for each in told} == {south.row}


def test_counts_are_kept_of_what_was_sent_to_who_counts(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    _given(cast, south)
    release = Release.objects.get()
    about = {"subject": "urn:ours:1", "version": "1", "digest": release.digest}
    other = talk_lane(east)
    other.say("reached", {"releases": [{**about, "parties": 3}]})
    assert other.deliver()[-1] == ("refused", "unknown-release")
    talk = talk_lane(south)
    for parties in (3, 2):
        talk.say("reached", {"releases": [{**about, "parties": parties}]})
        assert talk.deliver()[-1] == DONE
    assert reach_of(release) == (1, 2)
    told = cast.analyst.api.get(f"/federation/releases/{release.id}/reach").json()
    assert told == {"direct": 1, "onward": 2}
    malformed: tuple[dict[str, Any], ...] = (
        {"releases": []},
        {"releases": [{**about, "parties": -1}]},
        {"releases": [{**about, "parties": 10**9}]},
        {"releases": [about]},
        {},
    )
    for bad in malformed:
        talk.say("reached", bad)
        assert talk.deliver()[-1] == ("refused", "malformed"), bad


def test_one_that_cannot_be_let_go_keeps_no_other_here(
    south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _agreement, lane = kept_for(south, 1)
    for number in (1, 2):
        note(lane, number)
    lane.deliver()
    with monkeypatch.context() as broken, frozen(now() + 2 * DAY):
        broken.setattr(notes, "withdrawn", _Refusing("urn:test:1"))
        assert let_go() == 1
    assert sorted(Release.objects.values_list("subject", "state")) == [
        ("urn:test:1", "live"),
        ("urn:test:2", "ended"),
    ]
    with frozen(now() + 2 * DAY):
        assert let_go() == 1


class _Refusing(list[str]):
    """Takes note of nothing about one subject."""

    def __init__(self, subject: str) -> None:
        super().__init__()
        self.subject = subject

    def append(self, subject: str) -> None:
        """Fail on that one."""
        if subject == self.subject:
            raise RuntimeError(subject)
