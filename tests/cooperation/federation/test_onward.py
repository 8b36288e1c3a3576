"""Sharing onward: what came goes on as it came, as far as every hop lets it, and is taken back on the same way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.agreements.policy import Denied, Origin
from taawun.cooperation.federation.actions import (
    Draft,
    let_go,
    preview_onward,
    publish,
    share_onward,
    take_back_onward,
    withdraw,
)
from taawun.cooperation.federation.errors import NobodyReceives, ReleaseRefused
from taawun.cooperation.federation.exchange import readable
from taawun.cooperation.federation.exchange.regaining import regain
from taawun.cooperation.federation.models import Passage, Receipt, Release
from taawun.cooperation.partners.logs import lanes
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import frozen, now
from taawun.foundation.signing import SigningKey
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.acts import words_of
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.newcomers import accede
from tests.cooperation.federation.test_actions import draft as _draft
from tests.cooperation.federation.test_exchange import DONE, note
from tests.lanes import Entry, TheirLane, clause_lane
from tests.pages import read

PUBLIC, PARTIES, NONE = Onward("public"), Onward("parties"), Onward("none")


@pytest.fixture
def source(cast: Cast, notes: Notes) -> PartnerNode:
    return partner("Source", nation="XA")


@pytest.fixture
def via(source: PartnerNode) -> PartnerNode:
    return partner("Via", nation="XB")


@pytest.fixture
def east(source: PartnerNode) -> PartnerNode:
    return partner("East", nation="XC")


def elsewhere(sender: PartnerNode, **members: Any) -> TheirLane:
    """A lane between two other nodes, of which nothing comes here."""
    lane = TheirLane(sender, Lane(purpose="clause", sender=sender.row, id=uuid4()), **members)
    lane.open()
    return lane


def unknown(**members: Any) -> dict[str, Any]:
    """Under an agreement that is not known here."""
    return {"agreement": "ab" * 32, "clause": "9", **members}


def onward(lane: TheirLane, first: Entry, **changes: Any) -> Entry:
    """The same release on another lane, with the header under which it came."""
    about = first.header
    members: dict[str, Any] = {
        "subject": about.subject,
        "version": about.version,
        "tlp": about.tlp,
        "topics": about.topics,
        "content": first.content,
        "origin": first.token,
    }
    return lane.write(kind="tests.note", **(members | changes))


def digest_of(agreement: Agreement) -> str:
    return Version.objects.get(agreement=agreement).digest


# ---- sharing -------------------------------------------------------------------------------------------------------


def received(
    source: PartnerNode, rule: Onward, *others: PartnerNode, **changes: Any
) -> tuple[Release, Entry]:
    """What a source sent here under a clause with this rule, to which others may be parties."""
    agreement = agreement_in_force(source, *others, clauses=(clause(onward=rule),))
    lane = clause_lane(source, agreement)
    entry = note(lane, **changes)
    assert lane.deliver()[-1] == DONE
    return Release.objects.get(), entry


def test_a_release_goes_on_as_it_came_with_the_header_under_which_it_came(
    cast: Cast, source: PartnerNode, east: PartnerNode
) -> None:
    release, first = received(source, PUBLIC, topics=("attack:T1566",), licence="CC0-1.0", languages=("en",))
    agreement_in_force(east)
    assert share_onward(cast.analyst.actor, release) == release
    (passage,) = Passage.objects.filter(entry__lane__sender=None)
    header = said_in(passage.entry.header)
    assert header.origin == first.token
    assert (header.digest, header.size, header.tlp, header.subject, header.version) == (
        first.header.digest,
        first.header.size,
        Tlp.GREEN,
        "urn:test:1",
        "1",
    )
    assert (header.topics, header.licence, header.languages) == (("attack:T1566",), "CC0-1.0", ("en",))
    assert readable(passage.entry.lane, [passage.entry], east.row) == [True]
    assert AuditEntry.objects.get(verb="federation.shared-onward").details["receivers"] == [east.node]
    # again is nothing
    share_onward(cast.analyst.actor, release)
    assert Passage.objects.count() == 2


def test_who_may_not_publish_its_kind_shares_nothing_onward(
    cast: Cast, source: PartnerNode, east: PartnerNode
) -> None:
    release, _first = received(source, PUBLIC)
    agreement_in_force(east)
    with pytest.raises(NotAllowed):
        share_onward(cast.observer.actor, release)
    assert not Passage.objects.filter(entry__lane__sender=None).exists()


@pytest.mark.parametrize(
    ("rule", "tlp", "goes"),
    [
        ("none", Tlp.CLEAR, False),
        ("public", Tlp.GREEN, True),
        ("public", Tlp.AMBER, False),
        ("parties", Tlp.GREEN, True),
        ("parties", Tlp.AMBER, False),
        ("named", Tlp.AMBER, True),
        ("named", Tlp.AMBER_STRICT, False),
    ],
)
def test_how_far_it_goes_is_for_its_source_to_say(
    cast: Cast, source: PartnerNode, east: PartnerNode, rule: str, tlp: Tlp, goes: bool
) -> None:
    named = (east.node,) if rule == "named" else ()
    agreement = agreement_in_force(
        source, east, clauses=(clause(onward=Onward(rule, named), tlp_max=Tlp.AMBER_STRICT),)
    )
    lane = clause_lane(source, agreement)
    note(lane, tlp=tlp)
    assert lane.deliver()[-1] == DONE
    # under the same agreement: it has gone by from its source to nobody else
    release = Release.objects.get()
    parties = {each.party for each in preview_onward(release).receivers}
    assert parties == ({east.node} if goes else set())
    if not goes:
        with pytest.raises(NobodyReceives):
            share_onward(cast.analyst.actor, release)


def test_red_goes_on_to_nobody(cast: Cast, source: PartnerNode, east: PartnerNode) -> None:
    rule = Onward("named", (east.node,))
    agreement = agreement_in_force(source, east, clauses=(clause(onward=rule, tlp_max=Tlp.RED),))
    lane = clause_lane(source, agreement)
    note(lane, tlp=Tlp.RED, persons=(cast.analyst.row.email,))
    lane.deliver()
    assert not preview_onward(Release.objects.get()).receivers


def test_nobody_is_sent_what_came_from_or_through_them(
    source: PartnerNode, via: PartnerNode, east: PartnerNode
) -> None:
    received(source, PUBLIC)
    agreement_in_force(via, east)
    release = Release.objects.get()
    decided = preview_onward(release)
    assert {each.party for each in decided.receivers} == {via.node, east.node}
    (back,) = [each.decision for each in decided.others if each.party == source.node]
    assert isinstance(back, Denied)
    assert back.reason == "has-it"


def test_a_narrowed_audience_goes_on_within_its_bounds(
    cast: Cast, source: PartnerNode, via: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreement_in_force(source, via, east, clauses=(clause(onward=PUBLIC),))
    lane = clause_lane(source, agreement)
    note(lane, audience=(settings.BASE_URL, via.node))
    lane.deliver()
    release = Release.objects.get()
    assert {each.party for each in preview_onward(release).receivers} == {via.node}
    with pytest.raises(NobodyReceives):
        share_onward(cast.analyst.actor, release, [east.node])
    share_onward(cast.analyst.actor, release, [via.node, east.node])
    (passage,) = Passage.objects.filter(entry__lane__sender=None)
    assert said_in(passage.entry.header).audience == (via.node,)
    assert readable(passage.entry.lane, [passage.entry], east.row) == [False]


def test_our_own_is_published_and_not_shared_onward(cast: Cast, east: PartnerNode) -> None:
    agreement_in_force(east)
    draft = Draft("tests.note", "urn:test:1", "1", "Note", Tlp.GREEN, b"{}")
    own = publish(cast.analyst.actor, draft)
    for verb in (share_onward, lambda actor, release: take_back_onward(actor, release, "")):
        with pytest.raises(ReleaseRefused) as refused:
            verb(cast.analyst.actor, own)
        assert refused.value.code == "ours"


def test_what_fits_no_header_with_its_way_is_refused_and_nothing_is_sent(
    cast: Cast, source: PartnerNode, east: PartnerNode
) -> None:
    topics = tuple(f"attack:{'T' * 100}{number}" for number in range(260))
    release, _first = received(source, PUBLIC, topics=topics)
    agreement_in_force(east)
    with pytest.raises(ReleaseRefused) as refused:
        share_onward(cast.analyst.actor, release)
    assert refused.value.code == "long-header"
    assert not LaneEntry.objects.filter(lane__sender=None, action="publish", kind="tests.note").exists()


# ---- receiving -----------------------------------------------------------------------------------------------------


def test_what_is_shared_onward_is_its_sources_where_its_signature_verifies(
    source: PartnerNode, via: PartnerNode, notes: Notes
) -> None:
    first = note(elsewhere(source, **unknown()))
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, first)
    assert lane.deliver() == [DONE, DONE]
    release = Release.objects.get()
    assert (release.origin, release.source) == (source.row, "")
    assert release.passages.get().entry.lane.sender == via.row
    assert notes.received == [("urn:test:1", "1", first.content)]
    # the agreement of the first hop is not known here, so it goes no further
    assert release.facts().origin == Origin("none")


def test_a_source_nobody_here_knows_is_vouched_for_by_who_shares_it(via: PartnerNode) -> None:
    stranger = PartnerNode(Partner(node="https://stranger.example"), SigningKey.generate())
    first = note(elsewhere(stranger, **unknown()))
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, first)
    assert lane.deliver() == [DONE, DONE]
    release = Release.objects.get()
    assert (release.origin, release.source) == (via.row, "https://stranger.example")


def test_one_whose_fingerprint_nobody_compared_proves_nothing_by_its_key(via: PartnerNode) -> None:
    met = partner("Met", state=Partner.State.MET)
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, note(elsewhere(met, **unknown())))
    assert lane.deliver()[-1] == DONE
    assert Release.objects.get().source == met.node


@pytest.mark.parametrize("direct_first", [True, False])
def test_directly_and_onward_it_is_one_copy_with_both_provenances(
    source: PartnerNode, via: PartnerNode, notes: Notes, direct_first: bool
) -> None:
    direct = clause_lane(source, agreement_in_force(source, clauses=(clause(onward=PUBLIC),)))
    first = note(direct, audience=(settings.BASE_URL, via.node))
    carried = clause_lane(via, agreement_in_force(via))
    onward(carried, note(elsewhere(source, **unknown())))
    for lane in (direct, carried) if direct_first else (carried, direct):
        assert lane.deliver() == [DONE, DONE]
    release = Release.objects.get()
    assert release.passages.count() == 2
    assert notes.received == [("urn:test:1", "1", first.content)]
    # what the source itself allows counts, by whatever way it came first
    assert release.facts().origin == Origin("public", bound=frozenset({settings.BASE_URL, via.node}))


def test_it_goes_on_as_far_as_every_hop_that_is_known_here_lets_it(
    source: PartnerNode, via: PartnerNode, east: PartnerNode, cast: Cast
) -> None:
    """Four nodes: the source's own agreement is known here, though nothing came over it."""
    common = agreement_in_force(source, via, clauses=(clause(onward=PUBLIC),))
    first = note(elsewhere(source, agreement=digest_of(common), clause="1"))
    lane = clause_lane(via, agreement_in_force(via, clauses=(clause(onward=PUBLIC),)))
    entry = onward(lane, first)
    lane.deliver()
    release = Release.objects.get()
    assert release.facts().origin == Origin("public")
    agreement_in_force(east)
    share_onward(cast.analyst.actor, release)
    (passage,) = Passage.objects.filter(entry__lane__sender=None)
    header = said_in(passage.entry.header)
    assert header.origin == entry.token
    assert said_in(header.origin).origin == first.token
    # every hop's signature is on it
    assert [each.party for each in preview_onward(release).receivers] == [east.node]


@pytest.mark.parametrize("second", [NONE, PARTIES])
def test_the_strictest_hop_counts(
    source: PartnerNode, via: PartnerNode, east: PartnerNode, second: Onward
) -> None:
    common = agreement_in_force(source, via, clauses=(clause(onward=PUBLIC),))
    lane = clause_lane(via, agreement_in_force(via, clauses=(clause(onward=second),)))
    onward(lane, note(elsewhere(source, agreement=digest_of(common), clause="1")))
    lane.deliver()
    agreement_in_force(east)
    assert not preview_onward(Release.objects.get()).receivers


def test_what_is_marked_above_the_clause_by_which_it_is_said_to_have_come_is_refused(
    source: PartnerNode, via: PartnerNode
) -> None:
    common = agreement_in_force(source, via, clauses=(clause(onward=PUBLIC, tlp_max=Tlp.CLEAR),))
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, note(elsewhere(source, agreement=digest_of(common), clause="1"), tlp=Tlp.GREEN))
    assert lane.deliver()[-1] == ("refused", "origin-not-theirs")


def test_what_stands_by_another_way_alone_goes_on_as_far_as_that_one_lets_it(
    cast: Cast, source: PartnerNode
) -> None:
    with frozen(now()) as clock:
        wide = clause(onward=PUBLIC, retention_days=1)
        for held in (wide, clause(onward=NONE)):
            lane = clause_lane(source, agreement_in_force(source, clauses=(held,)))
            note(lane)
            assert lane.deliver()[-1] == DONE
        assert Release.objects.get().onward == "public"
        clock.advance(timedelta(days=2))
        let_go()
        release = Release.objects.get()
        assert (release.state, release.onward) == ("live", "none")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tlp": Tlp.CLEAR}, "origin-differs"),
        ({"tlp": Tlp.AMBER}, "origin-differs"),
        ({"topics": ("attack:T1059",)}, "origin-differs"),
        ({"content": b'{"note":2}'}, "origin-differs"),
        ({"subject": "urn:test:9"}, "origin-differs"),
        ({"version": "2"}, "origin-differs"),
        ({"licence": "CC0-1.0"}, "origin-differs"),
        ({"languages": ("fr",)}, "origin-differs"),
        ({"persons": ("a@xb.example",)}, "origin-differs"),
        ({"origin": "no.header.atall"}, "origin-malformed"),
    ],
)
def test_what_a_resharer_changed_is_refused_with_an_alarm(
    source: PartnerNode, via: PartnerNode, notes: Notes, changes: dict[str, Any], code: str
) -> None:
    first = note(elsewhere(source, **unknown()))
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, first, **changes)
    assert lane.deliver()[-1] == ("refused", code)
    assert not Release.objects.exists()
    assert notes.received == []
    notice = Notice.objects.get(kind="federation.origin")
    assert (notice.level, notice.params["reason"], notice.params["node"]) == ("alarm", code, via.node)


def test_a_source_that_is_known_here_cannot_be_made_up(source: PartnerNode, via: PartnerNode) -> None:
    forged = note(elsewhere(source, **unknown()), key=via.key)
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, forged)
    assert lane.deliver()[-1] == ("refused", "origin-signature")
    assert not Release.objects.exists()


def test_the_header_of_a_lane_to_somebody_else_cannot_be_replayed(
    source: PartnerNode, via: PartnerNode, east: PartnerNode
) -> None:
    """Who was not sent it says that it was: its audience, or the clause where it is known here, says otherwise."""
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, note(elsewhere(source, **unknown()), audience=(east.node,)))
    assert lane.deliver()[-1] == ("refused", "origin-not-theirs")
    other = agreement_in_force(source, east, clauses=(clause(onward=PUBLIC),))
    onward(lane, note(elsewhere(source, agreement=digest_of(other), clause="1")))
    assert lane.deliver()[-1] == ("refused", "origin-not-theirs")
    assert not Release.objects.exists()


def test_who_shares_on_what_its_source_keeps_from_us_is_found_out(
    source: PartnerNode, via: PartnerNode
) -> None:
    lane = clause_lane(via, agreement_in_force(via, clauses=(clause(tlp_max=Tlp.AMBER_STRICT),)))
    for changes, agreement in (
        ({"audience": (via.node,)}, "ab" * 32),
        ({"tlp": Tlp.AMBER_STRICT}, "ab" * 32),
        ({}, digest_of(agreement_in_force(source, via, clauses=(clause(onward=NONE),)))),
        ({"tlp": Tlp.AMBER}, digest_of(agreement_in_force(source, via, clauses=(clause(onward=PUBLIC),)))),
    ):
        onward(lane, note(elsewhere(source, agreement=agreement, clause="1"), **changes))
        assert lane.deliver()[-1] == ("refused", "origin-not-onward"), changes
    assert not Release.objects.exists()


def test_what_is_ours_and_comes_back_is_kept_unopened(cast: Cast, via: PartnerNode, notes: Notes) -> None:
    agreement = agreement_in_force(via, clauses=(clause(onward=PUBLIC),))
    publish(cast.analyst.actor, Draft("tests.note", "urn:test:1", "1", "Note", Tlp.GREEN, b"{}"))
    ours = LaneEntry.objects.get(kind="tests.note")
    lane = clause_lane(via, agreement)
    lane.write(
        kind="tests.note", subject="urn:test:1", version="1", content=b"{}", tlp=Tlp.GREEN, origin=ours.header
    )
    assert lane.deliver()[-1] == ("unopened", "came-from-here")
    assert Release.objects.count() == 1


def test_a_blocked_source_waits_until_it_is_not(source: PartnerNode, via: PartnerNode) -> None:
    Partner.objects.filter(id=source.row.id).update(state=Partner.State.BLOCKED)
    lane = clause_lane(via, agreement_in_force(via))
    onward(lane, note(elsewhere(source, **unknown())))
    assert lane.deliver()[-1] == ("pending", "source-blocked")
    Partner.objects.filter(id=source.row.id).update(state=Partner.State.VERIFIED)
    assert lane.deliver()[-1] == DONE


# ---- taken back ----------------------------------------------------------------------------------------------------


def test_what_its_source_takes_back_is_taken_back_from_whom_we_shared_it_with(
    cast: Cast, source: PartnerNode, east: PartnerNode, notes: Notes
) -> None:
    agreement = agreement_in_force(source, clauses=(clause(onward=PUBLIC),))
    lane = clause_lane(source, agreement)
    first = note(lane)
    lane.deliver()
    agreement_in_force(east)
    share_onward(cast.analyst.actor, Release.objects.get())
    gone = lane.withdraw(first)
    assert lane.deliver()[-1] == DONE
    ours = Lane.objects.get(sender=None, purpose="clause", readers__partner=east.row)
    last = LaneEntry.objects.filter(lane=ours).latest("seq")
    assert (last.action, last.subject) == ("withdraw", "urn:test:1")
    # with the source's own word, which counts wherever its key is known
    assert said_in(last.header).origin == gone.token
    assert notes.withdrawn == ["urn:test:1"]
    release = Release.objects.get()
    assert (release.state, release.gone) == ("withdrawn", "source")
    # once: what is said again changes nothing
    lane.withdraw(first)
    lane.deliver()
    assert LaneEntry.objects.filter(lane=ours).latest("seq") == last


def test_a_resharers_withdrawal_ends_its_way_and_the_sources_ends_all(
    source: PartnerNode, via: PartnerNode, east: PartnerNode, notes: Notes
) -> None:
    first = note(elsewhere(source, **unknown()))
    lanes = [clause_lane(each, agreement_in_force(each)) for each in (via, east)]
    entries = [onward(lane, first) for lane in lanes]
    for lane in lanes:
        lane.deliver()
    release = Release.objects.get()
    lanes[0].withdraw(entries[0])
    assert lanes[0].deliver()[-1] == DONE
    release.refresh_from_db()
    assert (release.state, notes.withdrawn) == ("live", [])
    there = elsewhere(source, **unknown())
    note(there)
    lanes[0].write(
        kind="tests.note",
        subject="urn:test:1",
        version="1",
        action="withdraw",
        content=None,
        origin=there.withdraw(there.entries[-1]).token,
    )
    assert lanes[0].deliver()[-1] == ("done", f"by-source:{source.row.id}")
    release.refresh_from_db()
    assert (release.state, release.gone, notes.withdrawn) == ("withdrawn", "source", ["urn:test:1"])


def test_who_is_not_its_source_cannot_withdraw_it_for_all(
    source: PartnerNode, via: PartnerNode, notes: Notes
) -> None:
    direct = clause_lane(source, agreement_in_force(source))
    first = note(direct)
    direct.deliver()
    lane = clause_lane(via, agreement_in_force(via))
    there = elsewhere(source, **unknown())
    note(there)
    forged = there.forged(there.withdraw(there.entries[-1]), key=via.key)
    lane.write(
        kind="tests.note",
        subject="urn:test:1",
        version="1",
        action="withdraw",
        content=None,
        origin=forged.token,
    )
    lane.withdraw(first)
    assert lane.deliver()[1:] == [DONE, DONE]
    assert Release.objects.get().state == "live"
    assert notes.withdrawn == []
    assert Notice.objects.get(kind="federation.origin").params["reason"] == "origin-signature"


@pytest.mark.parametrize("is_held", [True, False])
def test_what_its_source_withdrew_is_not_revived_by_a_late_copy(
    source: PartnerNode, via: PartnerNode, east: PartnerNode, notes: Notes, is_held: bool
) -> None:
    there = elsewhere(source, **unknown())
    first = note(there)
    lane, late = (clause_lane(each, agreement_in_force(each)) for each in (via, east))
    entry = onward(lane, first)
    if is_held:
        lane.deliver()
    lane.write(
        kind="tests.note",
        subject=entry.header.subject,
        version="1",
        action="withdraw",
        content=None,
        origin=there.withdraw(first).token,
    )
    lane.deliver()
    onward(late, first)
    assert late.deliver()[-1] == ("withdrawn", "withdrawn-by-source")
    assert not Release.objects.filter(state="live").exists()
    assert len(notes.received) == int(is_held)


def test_what_we_shared_is_taken_back_by_us_and_stays_here(
    cast: Cast, source: PartnerNode, east: PartnerNode, notes: Notes
) -> None:
    release, _first = received(source, PUBLIC)
    agreement_in_force(east)
    share_onward(cast.analyst.actor, release)
    take_back_onward(cast.analyst.actor, release, "a mistake")
    ours = Lane.objects.get(sender=None, purpose="clause", readers__partner=east.row)
    last = LaneEntry.objects.filter(lane=ours).latest("seq")
    assert (last.action, said_in(last.header).origin) == ("withdraw", "")
    release.refresh_from_db()
    assert (release.state, notes.withdrawn) == ("live", [])
    given = LaneEntry.objects.filter(lane=ours, kind="tests.note", action="publish").order_by("seq")
    # its content is here still, and theirs no more
    assert readable(ours, list(given.all()), east.row) == [False]
    with pytest.raises(ReleaseRefused) as refused:
        take_back_onward(cast.analyst.actor, release, "")
    assert refused.value.code == "not-shared"
    share_onward(cast.analyst.actor, release)
    assert LaneEntry.objects.filter(lane=ours).latest("seq").action == "publish"
    assert readable(ours, list(given.all()), east.row) == [False, True]


def test_what_stands_on_several_lanes_of_a_clause_ends_with_one_withdrawal_on_one_of_them(
    via: PartnerNode, source: PartnerNode, east: PartnerNode, notes: Notes
) -> None:
    first = note(elsewhere(source, **unknown()))
    Partner.objects.filter(id=source.row.id).delete()  # by the word of who shares it onward alone
    agreement = agreement_in_force(via, east)
    whole = clause_lane(via, agreement)
    some = clause_lane(via, agreement, audience=(settings.BASE_URL, east.node))
    for lane in (whole, some):
        entry = onward(lane, first)
        lane.deliver()
    assert Passage.objects.filter(ended=None).count() == 2
    # who joined the whole lane further on is not to see this: it is said to the others alone
    some.withdraw(entry)
    assert some.deliver()[-1] == DONE
    assert not Passage.objects.filter(ended=None).exists()
    release = Release.objects.get()
    assert (release.state, notes.withdrawn) == ("withdrawn", ["urn:test:1"])
    [told] = AuditEntry.objects.filter(subject=f"urn:uuid:{release.id}", verb__startswith="federation.ended")
    assert (told.actor_id, told.verb) == (via.node, "federation.ended-sender")
    assert words_of(told.verb) == "Release withdrawn by who shared it onward"


def test_a_withdrawal_on_one_lane_leaves_what_was_shared_again_since_on_another(
    via: PartnerNode, source: PartnerNode, east: PartnerNode, notes: Notes
) -> None:
    first = note(elsewhere(source, **unknown()))
    Partner.objects.filter(id=source.row.id).delete()
    agreement = agreement_in_force(via, east)
    whole = clause_lane(via, agreement)
    some = clause_lane(via, agreement, audience=(settings.BASE_URL, east.node))
    some.withdraw(onward(some, first))
    onward(whole, first)
    # the later lane is read first
    whole.deliver()
    some.deliver()
    assert Release.objects.get().state == "live"
    assert notes.withdrawn == []


def test_a_restored_node_knows_again_that_it_took_back_both_by_one_word(
    cast: Cast, source: PartnerNode, east: PartnerNode, notes: Notes
) -> None:
    release, _first = received(source, PUBLIC)
    west = partner("West", nation="XD")
    to_all = clause(senders=("any",), receivers=("any",))
    agreement = agreement_in_force(east, west, clauses=(to_all,))
    share_onward(cast.analyst.actor, release, [east.node])
    share_onward(cast.analyst.actor, release, [east.node, west.node])
    some, both = Passage.objects.filter(entry__lane__sender=None).order_by("id")
    # the word on the one lane was lost, and that on the other is not for all who read the first
    gone = lanes.append(
        some.entry.lane,
        [
            lanes.Item(
                kind="tests.note",
                subject=release.subject,
                version=release.version,
                action="withdraw",
                tlp=Tlp.GREEN,
                content=None,
                agreement=digest_of(agreement),
                clause="1",
            )
        ],
    )[0]
    regain(gone, said_in(gone.header), None)
    assert [Passage.objects.get(id=each.id).ended is None for each in (some, both)] == [False, True]
    Passage.objects.filter(id=some.id).update(ended=None)
    LaneReader.objects.filter(lane=both.entry.lane, partner=west.row).delete()
    regain(gone, said_in(gone.header), None)
    assert [Passage.objects.get(id=each.id).ended is None for each in (some, both)] == [False, False]


@pytest.mark.parametrize("is_to_all_first", [True, False])
def test_what_went_to_all_and_to_exactly_its_earlier_readers_is_taken_back_from_each_copy(
    cast: Cast, source: PartnerNode, east: PartnerNode, notes: Notes, is_to_all_first: bool
) -> None:
    release, _first = received(source, PUBLIC)
    west = partner("West", nation="XD")
    to_all = clause(senders=("any",), receivers=("any",))
    agreement = agreement_in_force(east, accession="by-invitation", clauses=(to_all,))
    for audience in (None, [east.node]) if is_to_all_first else ([east.node], None):
        share_onward(cast.analyst.actor, release, audience)
    accede(cast.officer.actor, agreement, west)
    publish(cast.analyst.actor, _draft("urn:test:after"))
    take_back_onward(cast.analyst.actor, release, "")
    assert not Passage.objects.filter(entry__lane__sender=None, release=release, ended=None).exists()
    said = LaneEntry.objects.filter(lane__sender=None, action="withdraw")
    # once, on the lane of those who read it, and out of the newcomer's sight
    assert [
        (each.lane.is_whole, list(each.lane.readers.values_list("partner__node", flat=True))) for each in said
    ] == [(False, [east.node])]


# ---- pages and the machine interface -------------------------------------------------------------------------------


def test_a_person_asks_who_would_receive_it_onward_and_shares_it(
    cast: Cast, source: PartnerNode, east: PartnerNode, pages: None
) -> None:
    release, _first = received(source, PUBLIC)
    agreement_in_force(east)
    address, browser = f"/en/releases/{release.id}/onward/", cast.analyst.browser()
    shown = browser.get(address).content.decode()
    assert "East" in shown
    assert "It came from there, or through there." in shown
    assert "Sign and share onward to 1 party" in shown
    assert browser.post(address, {"shown": [], "receivers": []}).status_code == 422
    answer = browser.post(address, {"shown": [east.node], "receivers": [east.node]})
    assert (answer.status_code, answer["Location"]) == (302, f"/en/releases/{release.id}/")
    page = browser.get(f"/en/releases/{release.id}/").content.decode()
    assert "Shared onward to" in page
    assert "By which way it came" in page
    answer = browser.post(f"{address}withdraw/", {"reason": "a mistake"})
    assert answer.status_code == 302
    assert LaneEntry.objects.filter(lane__sender=None).latest("id").kind == "withdrawn"


def test_who_may_not_publish_its_kind_is_not_offered_to_share_it_onward(
    cast: Cast, source: PartnerNode, pages: None
) -> None:
    release, _first = received(source, PUBLIC)
    address = f"/en/releases/{release.id}/"
    assert read(cast.analyst.browser().get(address)).all("a", href=f"{address}onward/")
    assert not read(cast.observer.browser().get(address)).all("a", href=f"{address}onward/")


def test_a_machine_does_the_same_and_sees_each_hop(
    pages: None, cast: Cast, source: PartnerNode, via: PartnerNode, east: PartnerNode
) -> None:
    stranger = PartnerNode(Partner(node="https://stranger.example"), SigningKey.generate())
    common = agreement_in_force(via, clauses=(clause(onward=PUBLIC),))
    lane = clause_lane(via, common)
    onward(lane, note(elsewhere(stranger, **unknown())))
    lane.deliver()
    release = Release.objects.get()
    api, base = cast.analyst.api, f"/federation/releases/{release.id}"
    (passage,) = api.get(f"{base}/passages").json()["items"]
    assert [(hop["node"], hop["signature"]) for hop in passage["hops"]] == [
        ("https://stranger.example", "not-verified"),
        (via.node, "verified"),
    ]
    told = api.get(base).json()
    assert (told["source"], told["onward"]) == ("https://stranger.example", "none")
    agreement_in_force(east)
    refused = {each["party"]: each["reason"] for each in api.get(f"{base}/onward").json()["others"]}
    assert refused[east.node] == "onward"
    answer = api.post(f"{base}/onward", {})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:nobody-receives")
    answer = api.post(f"{base}/onward/withdraw", {"reason": ""})
    assert answer.json()["type"] == "urn:taawun:problem:not-shared"
    page = cast.analyst.browser().get(f"/en/releases/{release.id}/").content.decode()
    assert "not verified by us" in page


def test_a_source_sees_which_of_its_direct_partners_signed_for_a_withdrawal(
    cast: Cast, east: PartnerNode, pages: None
) -> None:
    agreement_in_force(east)
    draft = Draft("tests.note", "urn:test:1", "1", "Note", Tlp.GREEN, b"{}")
    release = withdraw(cast.analyst.actor, publish(cast.analyst.actor, draft), "a mistake")
    address, api = f"/en/releases/{release.id}/", cast.analyst.api
    assert "not signed for yet" in cast.analyst.browser().get(address).content.decode()
    (passage,) = api.get(f"/federation/releases/{release.id}/passages").json()["items"]
    assert passage["withdrawal_signed_by"] == []
    gone = LaneEntry.objects.get(kind="tests.note", action="withdraw")
    Receipt.objects.create(
        **Receipt.place_of(gone), entry=gone, partner=east.row, outcome="done", at=gone.issued
    )
    (passage,) = api.get(f"/federation/releases/{release.id}/passages").json()["items"]
    assert passage["withdrawal_signed_by"] == [east.node]
    assert "signed for <" in " ".join(cast.analyst.browser().get(address).content.decode().split())


def test_a_withdrawal_that_is_too_long_to_be_carried_on_is_said_without_its_sources_word(
    cast: Cast, source: PartnerNode, east: PartnerNode
) -> None:
    theirs = clause_lane(source, agreement_in_force(source, clauses=(clause(onward=PUBLIC),)))
    about = note(theirs).header
    theirs.deliver()
    agreement_in_force(east)
    share_onward(cast.analyst.actor, Release.objects.get())
    # a header of its source that leaves no room for ours beside it
    theirs.write(
        kind="tests.note",
        subject=about.subject,
        version=about.version,
        action="withdraw",
        content=None,
        topics=tuple(f"attack:T{number:0130}" for number in range(330)),
    )
    assert len(theirs.entries[-1].token) > 48 * 1024
    assert theirs.deliver()[-1] == DONE
    ours = Lane.objects.get(sender=None, purpose="clause")
    said = said_in(LaneEntry.objects.filter(lane=ours).latest("seq").header)
    assert (said.action, said.subject, said.origin) == ("withdraw", "urn:test:1", "")
    assert Release.objects.get().state == "withdrawn"
