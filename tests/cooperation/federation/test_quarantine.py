"""What came under a key that was revoked since: set aside at once, decided by a person, and believed again in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from taawun.cooperation.agreements import doubting
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP, SIGNATURE_TYP, terminate
from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.agreements.models import Agreement, DoubtedWord, PartyInstrument, PartySignature
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.federation.actions import let_go, share_onward
from taawun.cooperation.federation.duties import GRACE
from taawun.cooperation.federation.exchange import readable
from taawun.cooperation.federation.models import Deletion, Passage, Release
from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.identity import descriptor, keys, own_keys, quarantine, rotation
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import canonical, parse
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.lanes import TheirLane, clause_lane, nothing_to_fetch, talk_lane
from tests.pages import read

SAFE, NEXT = SigningKey.generate(), SigningKey.generate()


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    found = partner(issued=now() - timedelta(days=5))
    Partner.objects.filter(id=found.row.id).update(recovery=SAFE.public.to_jwk())
    found.row.refresh_from_db()
    return found


def _revoked(south: PartnerNode, since: Any) -> PartnerNode:
    """The south has revoked its key, and this node learns it."""
    tokens = rotation.write(
        id=uuid7(),
        node=south.node,
        key=rotation.CURRENT,
        old=south.key.kid,
        new=NEXT.public,
        at=now(),
        by=rotation.BY_RECOVERY,
        revoked_since=since,
        signers=(SAFE, NEXT),
    )
    token = descriptor.write(
        node=south.node,
        kind="nation",
        nation="XS",
        name=Text.of(en="Southern CERT"),
        nation_name=Text.of(en="Southland"),
        contacts=[],
        key=NEXT,
        recovery_jwk=SAFE.public.to_jwk(),
        at=now(),
        rotations=[list(tokens)],
    )
    row = actions.learn_descriptor(south.row, token)
    quarantine.carry_out(row)
    return PartnerNode(row, NEXT)


def _goes_on(lane: TheirLane, south: PartnerNode) -> None:
    """The lane is its sender's of now, and its new key stands for what it serves."""
    lane.sender = south
    lane.row.refresh_from_db()


def _states(lane: TheirLane) -> list[tuple[str, str]]:
    return lane.outcomes()[1:]


@pytest.fixture
def lane(south: PartnerNode, notes: Notes) -> TheirLane:
    """A clause lane on which something came before the theft, and something after it."""
    with frozen(now() - timedelta(days=2)) as clock:
        made = clause_lane(south, agreement_in_force(south))
        made.write(kind="tests.note", subject="urn:x:1")
        made.deliver()
        clock.advance(timedelta(days=1))
        # dated back to before the theft, which proves nothing
        made.write(kind="tests.note", subject="urn:x:2", issued=now() - timedelta(days=1))
        made.deliver()
    assert [each[0] for each in notes.received] == ["urn:x:1", "urn:x:2"]
    return made


def _since() -> Any:
    return now() - timedelta(hours=36)


# ---- releases -------------------------------------------------------------------------------------------------------


def test_what_had_been_taken_in_after_the_theft_is_out_of_sight_at_once(
    lane: TheirLane, south: PartnerNode, notes: Notes
) -> None:
    _revoked(south, _since())
    assert notes.withdrawn == ["urn:x:2"]
    assert dict(Release.objects.values_list("subject", "state")) == {"urn:x:1": "live", "urn:x:2": "aside"}
    assert _states(lane) == [("done", ""), ("quarantined", "revoked-key")]
    assert Passage.objects.get(entry__seq=2).ended is not None
    assert Notice.objects.get(kind="partners.quarantined").level == "alarm"


def test_what_was_shared_onward_is_served_to_nobody_while_it_is_in_quarantine(
    south: PartnerNode, cast: Cast, notes: Notes
) -> None:
    east = partner("Eastern CERT", nation="XE")
    agreement_in_force(east)
    lane = clause_lane(south, agreement_in_force(south, clauses=(clause(onward=Onward("public")),)))
    lane.write(kind="tests.note", tlp=Tlp.GREEN, subject="urn:x:1")
    lane.deliver()
    share_onward(cast.analyst.actor, Release.objects.get())
    ours = Lane.objects.get(sender=None, purpose="clause", readers__partner=east.row)
    given = LaneEntry.objects.get(lane=ours, kind="tests.note")
    assert readable(ours, [given], east.row) == [True]
    _revoked(south, _since())
    assert Release.objects.get().state == "aside"
    assert readable(ours, [given], east.row) == [False]


def test_a_kill_while_it_is_set_aside_loses_nothing_of_it(
    lane: TheirLane, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_over(*_given: object) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(Notes, "withdraw", fall_over)
        patched.setattr("taawun.cooperation.federation.exchange.setting_aside.now", fall_over)
        row = _revoked(south, _since()).row
    assert _states(lane)[1] == ("quarantined", "to-set-aside")
    assert quarantine.carry_out(row) == 1
    assert quarantine.carry_out(row) == 0
    assert (notes.withdrawn, _states(lane)[1]) == (["urn:x:2"], ("quarantined", "revoked-key"))


def test_what_arrives_later_under_the_revoked_key_is_never_opened(
    lane: TheirLane, south: PartnerNode, notes: Notes
) -> None:
    lane.write(kind="tests.note", subject="urn:x:3", issued=now() - timedelta(days=9))
    _goes_on(lane, _revoked(south, _since()))
    lane.write(kind="tests.note", subject="urn:x:4")
    lane.deliver()
    assert _states(lane)[1:] == [("quarantined", "revoked-key")] * 2 + [("done", "")]
    assert [each[0] for each in notes.received] == ["urn:x:1", "urn:x:2", "urn:x:4"]
    assert not Release.objects.filter(subject="urn:x:3").exists()


def test_an_administrator_takes_in_what_is_genuine_and_it_is_as_it_was(
    lane: TheirLane, south: PartnerNode, notes: Notes, cast: Cast
) -> None:
    _goes_on(lane, _revoked(south, _since()))
    [entry] = quarantine.in_quarantine(lane.sender.row)
    for member in (cast.analyst, cast.officer, cast.stranger):
        with pytest.raises(NotAllowed):
            quarantine.take_in(member.actor, lane.sender.row, [entry.id])
    assert quarantine.take_in(cast.administrator.actor, lane.sender.row, [entry.id]) == 1
    process_pending(lane.row, lane.sender.row, nothing_to_fetch)
    assert _states(lane) == [("done", ""), ("done", "")]
    assert notes.received[-1][0] == "urn:x:2"
    assert Release.objects.get(subject="urn:x:2").state == "live"
    assert Passage.objects.get(entry__seq=2).ended is None
    row = AuditEntry.objects.get(verb="partners.quarantine-taken-in")
    assert (row.details["count"], row.details["entries"]) == (1, [f"{lane.row.id} 2"])
    assert not Notice.objects.filter(kind="partners.quarantined", resolved=None).exists()
    with pytest.raises(PartnerRefused) as refused:
        quarantine.drop(cast.administrator.actor, lane.sender.row, [entry.id])
    assert refused.value.code == "not-in-quarantine"


def test_what_is_dropped_is_gone_and_its_header_stays(
    lane: TheirLane, south: PartnerNode, cast: Cast
) -> None:
    row = _revoked(south, _since()).row
    assert quarantine.drop(cast.administrator.actor, row, None) == 1
    assert _states(lane) == [("done", ""), ("refused", "dropped")]
    assert Release.objects.get(subject="urn:x:2").state == "withdrawn"
    assert LaneEntry.objects.get(lane=lane.row, seq=2).header == lane.entries[2].token
    assert AuditEntry.objects.filter(verb="partners.quarantine-dropped").count() == 1


def test_a_revocation_as_of_a_later_instant_sets_nothing_aside(
    lane: TheirLane, south: PartnerNode, notes: Notes
) -> None:
    _revoked(south, now())
    assert (notes.withdrawn, _states(lane)) == ([], [("done", ""), ("done", "")])


def test_the_machine_interface_lists_and_decides(lane: TheirLane, south: PartnerNode, cast: Cast) -> None:
    row = _revoked(south, _since()).row
    api = cast.administrator.api
    listed = api.get(f"/partners/{row.id}/quarantine").json()["items"]
    assert [(each["seq"], each["kind"], each["key"]) for each in listed] == [(2, "tests.note", south.key.kid)]
    told = api.get(f"/partners/{row.id}/keys").json()
    assert [(each["kid"], each["is_current"]) for each in told] == [(south.key.kid, False), (NEXT.kid, True)]
    path = f"/partners/{row.id}/quarantine/take-in"
    assert api.post(path, {"entries": [listed[0]["id"]]}).json() == {"count": 1}
    assert api.post(path, {"entries": [listed[0]["id"]]}).status_code == 409
    assert api.get("/node/keys").json()["keys"][0]["is_current"]


def test_the_page_shows_what_waits_and_takes_a_decision(
    lane: TheirLane, south: PartnerNode, cast: Cast, pages: object
) -> None:
    row = _revoked(south, _since()).row
    browser = cast.administrator.browser()
    page = f"/en/partners/{row.id}/quarantine/"
    shown = read(browser.get(page))
    assert "tests.note" in shown.text
    (box,) = shown.all("input", name="chosen")
    assert "Nothing in quarantine fits" in read(browser.get(f"{page}?q=reports")).text
    [saved] = json.loads(browser.get(f"{page}?format=json&q=note").getvalue())
    assert (str(saved["id"]), saved["kind"], saved["key"]) == (box["value"], "tests.note", south.key.kid)
    # what is chosen is decided at the address of its button, all of it by a button of its own
    assert browser.post(f"{page}?decide=drop").status_code == 409
    assert "Choose at least one of them." in read(browser.post(f"{page}?decide=drop"), 409).text
    assert browser.post(f"{page}?decide=take-in", {"chosen": box["value"]}).status_code == 302
    assert browser.post(page, {"decide": "drop-all"}).status_code == 302
    assert "Nothing is in quarantine" in browser.get(page).content.decode()
    assert "revoked" in browser.get(f"/en/partners/{row.id}/").content.decode()
    assert "recovery key" in browser.get("/en/partners/keys/").content.decode()


# ---- what a clause asks all the same --------------------------------------------------------------------------------


def _kept(south: PartnerNode, **asked: Any) -> tuple[Agreement, TheirLane]:
    """What came after the theft under a clause that asks something, and was set aside."""
    with frozen(now() - timedelta(days=1)):
        agreement = agreement_in_force(south, clauses=(clause(**asked),))
        made = clause_lane(south, agreement)
        made.write(kind="tests.note", subject="urn:x:1", content=b'{"secret":1}')
        made.deliver()
    # it was agreed before the theft
    PartySignature.objects.filter(node=south.node).update(received=now() - timedelta(days=2))
    _goes_on(made, _revoked(south, _since()))
    assert (Release.objects.get().state, contents.has(made.entries[1].header.digest)) == ("aside", True)
    return agreement, made


def _said(why: str, lane: TheirLane) -> bool:
    """Whether this node has signed that it keeps the entry no more."""
    entry = LaneEntry.objects.get(kind="deleted", lane__sender=None)
    said = parse(contents.get(entry.content_digest))
    return (said["why"], said["entries"]) == (why, [{"seq": 1, "digest": lane.entries[1].digest}])


def test_what_is_in_quarantine_goes_when_its_days_are_over(
    south: PartnerNode, notes: Notes, cast: Cast
) -> None:
    _agreement, lane = _kept(south, retention_days=10)
    with frozen(now() + timedelta(days=8)):
        assert let_go() == 0
    with frozen(now() + timedelta(days=10)):
        assert let_go() == 1
        assert let_go() == 0
        assert quarantine.take_in(cast.administrator.actor, lane.sender.row, None) == 0
    release = Release.objects.get()
    assert (release.state, release.gone, notes.withdrawn) == ("ended", "retention", ["urn:x:1"])
    assert not contents.has(lane.entries[1].header.digest)
    assert _said("retention", lane)
    assert lane.outcomes()[1] == ("withdrawn", "revoked-key")


def test_what_is_in_quarantine_goes_with_its_agreement(south: PartnerNode, notes: Notes, cast: Cast) -> None:
    agreement, lane = _kept(south, on_termination="delete")
    # what came later was never taken in
    lane.write(kind="tests.note", subject="urn:x:2", key=south.key)
    lane.deliver()
    assert lane.outcomes()[2] == ("quarantined", "revoked-key")
    terminate(cast.officer.actor, agreement, "")
    with frozen(now() + 2 * GRACE):
        assert let_go() == 1
    assert (Release.objects.get().state, lane.outcomes()[2]) == ("ended", ("unopened", "ended"))
    assert not contents.has(lane.entries[1].header.digest)
    assert _said("agreement", lane)


def test_what_was_dropped_out_of_quarantine_is_said_to_be_deleted_at_its_day(
    south: PartnerNode, notes: Notes, cast: Cast
) -> None:
    _agreement, lane = _kept(south, retention_days=10)
    quarantine.drop(cast.administrator.actor, lane.sender.row, None)
    with frozen(now() + timedelta(days=10)):
        assert let_go() == 1
    assert _said("retention", lane)
    assert lane.outcomes()[1] == ("refused", "dropped")
    assert Release.objects.get().state == "withdrawn"


def test_what_is_in_quarantine_over_two_lanes_goes_with_the_later_of_them(
    south: PartnerNode, notes: Notes
) -> None:
    clauses = (clause("1", retention_days=10), clause("2", retention_days=20))
    with frozen(now() - timedelta(days=1)):
        agreement = agreement_in_force(south, clauses=clauses)
        lanes = [clause_lane(south, agreement, ref) for ref in ("1", "2")]
        for lane in lanes:
            lane.write(kind="tests.note", subject="urn:x:1", content=b'{"secret":1}')
            lane.deliver()
    _revoked(south, _since())
    with frozen(now() + timedelta(days=10)):
        assert let_go() == 1
    assert (Release.objects.get().state, notes.withdrawn) == ("aside", ["urn:x:1"])
    assert Deletion.objects.get().is_held
    with frozen(now() + timedelta(days=20)):
        assert let_go() == 1
    assert (Release.objects.get().state, notes.withdrawn) == ("ended", ["urn:x:1"])
    assert not Deletion.objects.filter(is_held=True).exists()
    assert not contents.has(lanes[0].entries[1].header.digest)


def test_what_its_source_takes_back_goes_out_of_quarantine(south: PartnerNode, notes: Notes) -> None:
    _agreement, lane = _kept(south)
    lane.withdraw(lane.entries[1])
    lane.deliver()
    release = Release.objects.get()
    assert (release.state, release.gone, lane.outcomes()[1][0]) == ("withdrawn", "source", "withdrawn")
    assert not contents.has(lane.entries[1].header.digest)


def test_what_its_source_takes_back_on_one_lane_goes_out_of_quarantine_on_all(
    south: PartnerNode, notes: Notes
) -> None:
    with frozen(now() - timedelta(days=1)):
        agreement = agreement_in_force(south, clauses=(clause("1"), clause("2")))
        lanes = [clause_lane(south, agreement, ref) for ref in ("1", "2")]
        for lane in lanes:
            lane.write(kind="tests.note", subject="urn:x:1", content=b'{"secret":1}')
            lane.deliver()
    PartySignature.objects.filter(node=south.node).update(received=now() - timedelta(days=2))
    _goes_on(lanes[0], _revoked(south, _since()))
    lanes[0].withdraw(lanes[0].entries[1])
    lanes[0].deliver()
    release = Release.objects.get()
    assert (release.state, release.gone) == ("withdrawn", "source")
    assert [lane.outcomes()[1][0] for lane in lanes] == ["withdrawn", "withdrawn"]
    assert not contents.has(lanes[0].entries[1].header.digest)


# ---- words on agreements --------------------------------------------------------------------------------------------


def _signature(south: PartnerNode, key: SigningKey, agreement: Any, digest: str, at: Any) -> str:
    payload = {
        "id": str(uuid7()),
        "agreement": str(agreement.id),
        "digest": digest,
        "node": south.node,
        "at": timestamp(at),
        "to": [settings.BASE_URL],
    }
    return key.sign(canonical(payload), SIGNATURE_TYP)


def test_a_word_under_the_revoked_key_counts_again_from_when_it_did_once_it_is_repeated(
    south: PartnerNode, notes: Notes
) -> None:
    agreement = agreement_in_force(south)
    PartySignature.objects.filter(node=south.node).delete()
    digest = agreement.versions.get().digest
    with frozen(now() - timedelta(days=1)) as clock:
        lane = talk_lane(south)
        token = _signature(south, south.key, agreement, digest, now())
        lane.say("agreement.signed", {"signature": token})
        clock.advance(timedelta(minutes=1))
        assert lane.deliver()[-1] == ("done", "")
    before = PartySignature.objects.get(node=south.node)
    assert standing_of(agreement).state == "in-force"

    _goes_on(lane, _revoked(south, _since()))
    assert not PartySignature.objects.filter(node=south.node).exists()
    assert standing_of(agreement).state == "proposed"
    assert (DoubtedWord.objects.get().at, lane.outcomes()[-1]) == (before.at, ("quarantined", "revoked-key"))

    # the old token again, though in a message of the new key, is not the word of now
    lane.say("agreement.signed", {"signature": token})
    assert lane.deliver()[-1] == ("refused", "revoked-key")
    lane.say("agreement.signed", {"signature": NEXT.sign(peek(token).payload, SIGNATURE_TYP)})
    assert lane.deliver()[-1] == ("done", "")
    after = PartySignature.objects.get(node=south.node)
    assert (after.at, after.received, peek(after.token).kid) == (before.at, before.received, NEXT.kid)
    assert standing_of(agreement).state == "in-force"
    assert not DoubtedWord.objects.exists()


def test_a_word_of_a_thief_that_somebody_else_passed_on_goes_with_the_revocation_and_what_was_there_before_stays(
    south: PartnerNode, notes: Notes
) -> None:
    west = partner("Western CERT", nation="XW")
    agreement = agreement_in_force(south, west)
    PartySignature.objects.filter(node=south.node).update(received=now() - timedelta(days=2))
    digest = agreement.versions.get().digest
    lane, theirs = talk_lane(south), talk_lane(west)
    said = {
        "id": str(uuid7()),
        "kind": "suspended",
        "note": "",
        "agreement": str(agreement.id),
        "digest": digest,
        "node": south.node,
        "at": timestamp(now()),
        "to": [settings.BASE_URL],
    }
    word = south.key.sign(canonical(said), INSTRUMENT_TYP)
    theirs.say(
        "agreement.evidence",
        {
            "agreement": str(agreement.id),
            "documents": [],
            "signatures": [],
            "instruments": [{"instrument": word}],
            "keys": [south.key.public.to_jwk()],
        },
    )
    assert theirs.deliver()[-1] == ("done", "")
    assert standing_of(agreement).state == "suspended"

    _goes_on(lane, _revoked(south, _since()))
    assert standing_of(agreement).state == "in-force"
    assert not PartyInstrument.objects.filter(node=south.node).exists()
    # passed on once more it is not believed either
    theirs.say(
        "agreement.evidence",
        {
            "agreement": str(agreement.id),
            "documents": [],
            "signatures": [],
            "instruments": [{"instrument": word}],
            "keys": [south.key.public.to_jwk()],
        },
    )
    assert theirs.deliver()[-1] == ("refused", "revoked-key")
    assert standing_of(agreement).state == "in-force"


def test_this_node_repeats_its_own_words_when_it_revokes_its_key(
    south: PartnerNode, settings: Any, tmp_path: Any, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    settings.HOME = tmp_path
    keys.create_keys()
    agreement = agreement_in_force(south)
    own = PartySignature.objects.get(node=settings.BASE_URL)
    recovery = SigningKey.from_pem(keys.recovery_file().read_bytes())
    done = own_keys.revoke(SystemActor("console"), recovery, now() - timedelta(days=3))
    again = PartySignature.objects.get(node=settings.BASE_URL)
    assert (done.repeated, peek(again.token).kid, again.at) == (1, keys.node_key().kid, own.at)
    assert peek(again.token).payload == peek(own.token).payload
    last = LaneEntry.objects.filter(lane=Lane.objects.get(sender=None, purpose="talk")).latest("seq")
    assert last.kind == "agreement.signed"
    assert standing_of(agreement).state == "in-force"
    assert doubting.repeat(now()) == 0
