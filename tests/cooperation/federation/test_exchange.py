"""Taking in what partners publish: held to their own clause, once, with receipts, and out again when withdrawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from taawun.cooperation.agreements.actions import INSTRUMENT_TYP, SIGNATURE_TYP, resume, suspend
from taawun.cooperation.agreements.document import Onward, Party, write
from taawun.cooperation.agreements.document import parse as read
from taawun.cooperation.agreements.models import Version
from taawun.cooperation.agreements.policy import Origin
from taawun.cooperation.federation.actions import Draft, publish
from taawun.cooperation.federation.exchange import acknowledge
from taawun.cooperation.federation.kinds import ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import Passage, Receipt, Release, ReleaseTopic
from taawun.cooperation.federation.queries import receipts_of
from taawun.cooperation.partners.actions import verify
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.exchange.together import _Told
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import canonical, parse
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, document, partner, sign_version
from tests.cooperation.conftest import Notes
from tests.lanes import Entry, TheirLane, clause_lane, nothing_to_fetch, talk_lane

DONE = ("done", "")


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


def note(lane: TheirLane, number: int = 1, **changes: Any) -> Entry:
    """A note on a partner's lane; ``changes`` are members of the header, of several types."""
    members: dict[str, Any] = {
        "subject": f"urn:test:{number}",
        "version": "1",
        "content": b'{"note":%d}' % number,
    }
    return lane.write(kind="tests.note", **(members | changes))


# ---- what a clause covers -------------------------------------------------------------------------------------------


def test_a_release_is_taken_in_once_with_where_it_came_from(south: PartnerNode, notes: Notes) -> None:
    agreement = agreement_in_force(
        south, clauses=(clause("2.1", onward=Onward("named", ("https://c.example",))),)
    )
    lane = clause_lane(south, agreement, "2.1")
    entry = note(lane, topics=("attack:T1566",), licence="CC0-1.0", languages=("en",), tlp=Tlp.AMBER)
    assert lane.deliver() == [DONE, DONE]
    lane.take(lane.page())
    process_pending(lane.row, south.row, nothing_to_fetch)
    assert notes.received == [("urn:test:1", "1", entry.content)]
    release = Release.objects.get()
    assert (release.origin, release.digest, release.size) == (
        south.row,
        entry.header.digest,
        entry.header.size,
    )
    assert (release.licence, release.languages, release.issued) == ("CC0-1.0", ["en"], entry.header.issued)
    facts = release.facts()
    assert (facts.kind, facts.tlp, facts.topics) == ("tests.note", Tlp.AMBER, frozenset({"attack:T1566"}))
    assert facts.origin == Origin("named", named=frozenset({"https://c.example"}))
    passage = Passage.objects.get()
    assert (passage.release, passage.agreement, passage.clause) == (release, agreement.id, "2.1")
    assert passage.document == Version.objects.get().digest
    assert AuditEntry.objects.get(verb="federation.received").actor_id == south.node


@pytest.mark.parametrize(
    ("onward", "origin"),
    [
        (Onward("none"), Origin("none")),
        (Onward("parties"), Origin("parties")),
        (Onward("public"), Origin("public")),
    ],
)
def test_how_far_it_may_go_on_is_the_clauses_and_a_narrowed_audience_bounds_it(
    south: PartnerNode, notes: Notes, onward: Onward, origin: Origin
) -> None:
    agreement = agreement_in_force(south, clauses=(clause(onward=onward),))
    lane = clause_lane(south, agreement)
    audience = (settings.BASE_URL, "https://c.example")
    note(lane, 1)
    note(lane, 2, audience=audience)
    lane.deliver()
    lineage = agreement.id if onward.rule == "parties" else None
    found = [release.facts().origin for release in Release.objects.order_by("subject")]
    assert found == [
        Origin(origin.rule, lineage),
        Origin(origin.rule, lineage, bound=frozenset(audience)),
    ]


@pytest.mark.parametrize(
    ("members", "changes", "reason"),
    [
        ({}, {"kind": "tests.unheard"}, "unknown-kind"),
        ({}, {"tlp": Tlp.AMBER_STRICT}, "tlp"),
        ({"tlp_max": Tlp.RED}, {"tlp": Tlp.RED}, "red-unnamed"),
        ({"kinds": ("intel.*",)}, {}, "kind"),
        ({"topics": ("attack:T1566",)}, {}, "topics"),
        ({"topics": ("attack:T1566",)}, {"topics": ("attack:T1059",)}, "topics"),
        ({}, {"audience": ("https://other.example",)}, "not-in-audience"),
        ({}, {"audience": (settings.BASE_URL + "1",)}, "not-in-audience"),
        ({}, {"clause": "2"}, "other-clause"),
        # alike in as much of them as is kept
        ({}, {"topics": (f"x:{'t' * 138}1", f"x:{'t' * 138}2")}, "long-header"),
        ({}, {"audience": (settings.BASE_URL, f"https://{'x' * 340}.example")}, "long-header"),
        # asked about one by one, within the transaction that nobody else writes in
        ({"tlp_max": Tlp.RED}, {"tlp": Tlp.RED, "persons": ("a",) * 11_000}, "long-header"),
        ({"tlp_max": Tlp.RED}, {"tlp": Tlp.RED, "persons": ("a" * 255,)}, "long-header"),
        ({}, {"persons": ("a@cert.example",) * 101}, "long-header"),
        ({}, {"topics": tuple(f"x:{number}" for number in range(2_001))}, "long-header"),
        ({}, {"audience": (settings.BASE_URL,) * 251}, "long-header"),
        ({}, {"languages": ("en",) * 101}, "long-header"),
        ({}, {"languages": ("x" * 65,)}, "long-header"),
    ],
)
def test_what_the_clause_does_not_cover_is_kept_unopened(
    south: PartnerNode, notes: Notes, members: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    lane = clause_lane(south, agreement_in_force(south, clauses=(clause(**members),)))
    kind = changes.pop("kind", "tests.note")
    entry = lane.write(kind=kind, subject="urn:test:1", **changes)
    assert lane.deliver()[1] == ("unopened", reason)
    assert notes.received == []
    assert not Release.objects.exists()
    assert contents.get(entry.header.digest) == entry.content
    assert Notice.objects.get(kind="partners.entry-unopened").params["reason"] == reason


def test_as_many_as_a_header_may_name_are_taken_in(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south, clauses=(clause(tlp_max=Tlp.RED),)))
    note(
        lane,
        tlp=Tlp.RED,
        persons=(*(f"{number:03}@cert.example" for number in range(99)), "a" * 254),
        topics=tuple(f"x:{number}" for number in range(1_000)),
        audience=(settings.BASE_URL, *(f"https://{number}.example" for number in range(249))),
        languages=("x" * 64,) * 100,
    )
    assert lane.deliver()[1] == DONE


def test_topics_as_long_as_are_kept_are_taken_in_each(south: PartnerNode, notes: Notes) -> None:
    topics = tuple(f"x:{'t' * 137}{number}" for number in (1, 2))
    lane = clause_lane(south, agreement_in_force(south))
    note(lane, 1, topics=topics)
    assert lane.deliver()[1] == DONE
    assert set(ReleaseTopic.objects.values_list("topic", flat=True)) == set(topics)


def test_a_receipt_names_the_lane_as_its_sender_does(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    alias = uuid7()
    Lane.objects.filter(id=lane.row.id).update(alias=alias)
    lane.row.refresh_from_db()
    lane.entries.clear()
    lane.open()
    note(lane, 1)
    assert lane.deliver() == [DONE, DONE]
    acknowledge(lane.row, south.row)
    said = LaneEntry.objects.get(kind="receipt")
    assert parse(contents.get(said.content_digest))["lane"] == str(alias)


def test_what_is_named_for_us_or_for_our_guest_is_opened(south: PartnerNode, notes: Notes) -> None:
    guest = Party("guest", "guest", "", "us", "", Text.of(en="Guest"), "")
    base = document(south)
    agreement = agreement_in_force(
        south, parties=(*base.parties, guest), clauses=(clause(receivers=("guest",), tlp_max=Tlp.RED),)
    )
    lane = clause_lane(south, agreement)
    note(lane, 1, audience=(f"{settings.BASE_URL}#guest",))
    note(lane, 2, tlp=Tlp.RED, persons=("a@cert.example",))
    assert lane.deliver()[1:] == [DONE, DONE]
    assert Release.objects.get(subject="urn:test:2").persons == ["a@cert.example"]
    assert notes.received == []


# ---- what may come right later --------------------------------------------------------------------------------------


def test_what_comes_before_its_agreement_waits_for_it(south: PartnerNode, notes: Notes) -> None:
    text = document(south, depositary=south)
    row = Lane.objects.create(purpose="clause", sender=south.row, agreement=text.id, clause="1")
    lane = TheirLane(south, row, agreement=text.digest, clause="1")
    lane.open()
    note(lane)
    assert lane.deliver() == [DONE, ("pending", "unknown-agreement")]
    talk = talk_lane(south)
    talk.say("agreement.proposed", {"document": text.text.decode()})
    talk.deliver()
    assert lane.deliver() == [DONE, ("pending", "unsigned")]
    said = {
        "id": str(uuid7()),
        "agreement": str(text.id),
        "digest": text.digest,
        "node": south.node,
        "at": timestamp(),
        "to": [settings.BASE_URL],
    }
    talk.say("agreement.signed", {"signature": south.key.sign(canonical(said), SIGNATURE_TYP)})
    talk.deliver()
    sign_version(Version.objects.get(), settings.BASE_URL, node_key())
    assert lane.deliver() == [DONE, DONE]
    assert notes.received == [("urn:test:1", "1", b'{"note":1}')]


def test_what_comes_while_the_agreement_is_suspended_waits_until_it_is_resumed(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = agreement_in_force(south)
    lane = clause_lane(south, agreement)
    suspend(cast.officer.actor, agreement, "")
    note(lane)
    assert lane.deliver()[1] == ("pending", "suspended")
    resume(cast.officer.actor, agreement, "")
    assert lane.deliver()[1] == DONE


def test_what_comes_a_little_before_the_agreement_begins_is_taken_in_and_what_comes_earlier_waits(
    south: PartnerNode, notes: Notes
) -> None:
    begins = datetime(2027, 1, 1, tzinfo=UTC)
    Partner.objects.update(descriptor_valid_until=begins + timedelta(days=9))
    with frozen(begins - timedelta(days=1)) as clock:
        lane = clause_lane(south, agreement_in_force(south, valid_from=begins))
        note(lane)
        assert lane.deliver()[1] == ("pending", "not-begun")
        clock.advance(timedelta(days=1) - timedelta(seconds=61))
        assert lane.deliver()[1] == ("pending", "not-begun")
        clock.advance(timedelta(seconds=2))
        assert lane.deliver()[1] == DONE


def test_what_a_partner_sent_waits_while_it_is_not_verified(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    Partner.objects.filter(id=south.row.id).update(state=Partner.State.MET)
    note(lane)
    assert lane.deliver()[1] == ("pending", "not-verified")
    verify(cast.administrator.actor, south.row, south.key.kid)
    assert lane.deliver()[1] == DONE


def test_of_two_versions_the_one_that_is_yet_to_begin_is_waited_for(south: PartnerNode, notes: Notes) -> None:
    """The clause of the version in force does not cover it; the next one, signed already, does."""
    with frozen(now()) as clock:
        agreement = agreement_in_force(south, clauses=(clause(kinds=("intel.*",)),))
        first = Version.objects.get(agreement=agreement).document()
        text = read(
            write(replace(first, version=2, clauses=(clause(),), valid_from=now() + timedelta(hours=1)))
        )
        second = Version.objects.create(agreement=agreement, number=2, text=text.text, digest=text.digest)
        sign_version(second, settings.BASE_URL, node_key())
        sign_version(second, south.node, south.key)
        lane = clause_lane(south, agreement)
        note(lane)
        assert lane.deliver()[1] == ("pending", "not-begun")
        clock.advance(timedelta(hours=1))
        assert lane.deliver()[1] == DONE


def test_after_its_end_an_agreement_brings_withdrawals_and_nothing_else(
    south: PartnerNode, notes: Notes
) -> None:
    agreement = agreement_in_force(south)
    lane = clause_lane(south, agreement)
    first = note(lane, 1)
    lane.deliver()
    talk = talk_lane(south)
    said = {
        "id": str(uuid7()),
        "kind": "terminated",
        "agreement": str(agreement.id),
        "digest": Version.objects.get().digest,
        "node": south.node,
        "at": timestamp(),
        "note": "",
        "to": [settings.BASE_URL],
    }
    talk.say("agreement.declared", {"instrument": south.key.sign(canonical(said), INSTRUMENT_TYP)})
    talk.deliver()
    note(lane, 2)
    lane.withdraw(first)
    assert lane.deliver()[1:] == [("withdrawn", ""), ("unopened", "terminated"), DONE]
    assert notes.withdrawn == ["urn:test:1"]


# ---- the same thing again -------------------------------------------------------------------------------------------


def test_one_release_over_two_lanes_is_one_copy_with_both_provenances(
    south: PartnerNode, notes: Notes
) -> None:
    agreement = agreement_in_force(south, clauses=(clause("1"), clause("2")))
    lanes = [clause_lane(south, agreement, ref) for ref in ("1", "2")]
    for lane in lanes:
        note(lane)
        assert lane.deliver()[1] == DONE
    assert notes.received == [("urn:test:1", "1", b'{"note":1}')]
    assert list(Release.objects.get().passages.order_by("id").values_list("clause", flat=True)) == ["1", "2"]


def test_another_content_under_the_same_version_raises_the_alarm_and_the_first_stays(
    south: PartnerNode, notes: Notes
) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    note(lane)
    other = note(lane, content=b'{"note":"other"}')
    assert lane.deliver()[1:] == [DONE, ("refused", "conflict")]
    assert Release.objects.get().digest == sha256(b'{"note":1}')
    assert notes.received == [("urn:test:1", "1", b'{"note":1}')]
    notice = Notice.objects.get(kind="federation.conflict")
    assert (notice.level, notice.params) == (
        "alarm",
        {"node": south.node, "subject": "urn:test:1", "version": "1"},
    )
    assert contents.get(other.header.digest) == other.content


def test_two_partners_may_use_the_same_subject(south: PartnerNode, notes: Notes) -> None:
    east = partner(nation="XE")
    for each in (south, east):
        lane = clause_lane(each, agreement_in_force(each))
        note(lane, content=canonical({"by": each.node}))
        assert lane.deliver()[1] == DONE
    assert set(Release.objects.values_list("origin__node", flat=True)) == {south.node, east.node}


def test_a_content_that_its_kind_refuses_is_not_kept(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    entry = note(lane)
    notes.problem = ContentRefused("no-note", "there is no note in it")
    assert lane.deliver()[1] == ("refused", "no-note")
    assert (Release.objects.count(), Passage.objects.count()) == (0, 0)
    assert not contents.has(entry.header.digest)


def test_what_fell_over_half_way_leaves_nothing_and_is_taken_in_at_the_next_sync(
    south: PartnerNode, notes: Notes
) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    note(lane)
    notes.problem = RuntimeError("the machine stops")
    assert lane.deliver()[1] == ("pending", "own-fault")
    assert (Release.objects.count(), Passage.objects.count()) == (0, 0)
    assert not AuditEntry.objects.filter(verb="federation.received").exists()
    notes.problem = None
    assert lane.deliver()[1] == DONE
    assert (Release.objects.count(), len(notes.received)) == (1, 1)


# ---- withdrawal -----------------------------------------------------------------------------------------------------


def test_a_withdrawal_takes_the_release_out_and_leaves_its_header(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    first, second = note(lane, 1), note(lane, 2)
    lane.deliver()
    lane.withdraw(first)
    assert lane.deliver() == [DONE, ("withdrawn", ""), DONE, DONE]
    assert notes.withdrawn == ["urn:test:1"]
    assert list(Release.objects.order_by("subject").values_list("state", flat=True)) == ["withdrawn", "live"]
    assert (contents.has(first.header.digest), contents.has(second.header.digest)) == (False, True)
    assert LaneEntry.objects.get(lane=lane.row, seq=1).header == first.token
    assert Passage.objects.get(release__subject="urn:test:1").ended is not None
    audit = AuditEntry.objects.get(verb="federation.withdrawn-by-source")
    assert (audit.actor_id, audit.details) == (south.node, {"subject": "urn:test:1"})


def test_the_sources_withdrawal_on_one_lane_removes_every_provenance(
    south: PartnerNode, notes: Notes
) -> None:
    agreement = agreement_in_force(south, clauses=(clause("1"), clause("2")))
    lanes = [clause_lane(south, agreement, ref) for ref in ("1", "2")]
    entries = [note(lane) for lane in lanes]
    for lane in lanes:
        lane.deliver()
    for lane, entry in zip(lanes, entries, strict=True):
        lane.withdraw(entry)
        lane.deliver()
        assert Release.objects.get().state == "withdrawn"
        assert not Passage.objects.filter(ended=None).exists()
    assert notes.withdrawn == ["urn:test:1"]
    assert not contents.has(entries[0].header.digest)


def test_a_withdrawal_of_one_version_leaves_the_other(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    first = note(lane)
    note(lane, version="2", content=b'{"note":2}')
    lane.deliver()
    lane.withdraw(first)
    lane.deliver()
    assert dict(Release.objects.values_list("version", "state")) == {"1": "withdrawn", "2": "live"}


@pytest.mark.parametrize("count", [1, 5])
def test_a_withdrawal_that_comes_on_another_lane_before_what_it_withdraws_counts(
    south: PartnerNode, notes: Notes, count: int
) -> None:
    agreement = agreement_in_force(south)
    lane, beside = clause_lane(south, agreement), clause_lane(south, agreement)
    entries = [note(lane, number) for number in range(count)]
    beside.withdraw(entries[0])
    assert beside.deliver() == [DONE, DONE]
    assert lane.deliver() == [DONE, ("withdrawn", ""), *[DONE] * (count - 1)]
    assert Release.objects.count() == count - 1


def test_a_withdrawal_of_what_is_not_on_the_lane_touches_nothing(south: PartnerNode, notes: Notes) -> None:
    agreement = agreement_in_force(south, clauses=(clause("1"), clause("2")))
    lane, other = (clause_lane(south, agreement, ref) for ref in ("1", "2"))
    entry = note(lane)
    lane.deliver()
    other.withdraw(entry)
    assert other.deliver()[1] == DONE
    assert (Release.objects.get().state, notes.withdrawn) == ("live", [])


def test_what_was_never_opened_is_withdrawn_with_its_content(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    entry = note(lane, tlp=Tlp.AMBER_STRICT)
    assert lane.deliver()[1] == ("unopened", "tlp")
    lane.withdraw(entry)
    assert lane.deliver()[1:] == [("withdrawn", "tlp"), DONE]
    assert not contents.has(entry.header.digest)


def test_what_its_source_publishes_again_comes_back(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    lane.withdraw(note(lane))
    lane.deliver()
    note(lane)
    assert lane.deliver()[-1] == DONE
    assert (Release.objects.get().state, notes.received) == ("live", [("urn:test:1", "1", b'{"note":1}')])


def _reason(south: PartnerNode, **changes: object) -> tuple[str, str]:
    talk = talk_lane(south)
    release = Release.objects.get(subject="urn:test:1")
    told = {
        "subject": release.subject,
        "version": release.version,
        "digest": release.digest,
        "reason": "Wrong.",
    }
    talk.say("withdrawn", {name: value for name, value in (told | changes).items() if value is not None})
    return talk.deliver()[1]


@pytest.mark.parametrize("is_first", [True, False])
def test_the_source_says_why_it_took_a_release_back_before_or_after_it_did(
    south: PartnerNode, notes: Notes, is_first: bool
) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    first, _second = note(lane), note(lane, 2)
    lane.deliver()
    if is_first:
        assert _reason(south) == DONE
    lane.withdraw(first)
    lane.deliver()
    if not is_first:
        assert _reason(south) == DONE
    found = Release.objects.order_by("subject").values_list("state", "withdrawal_reason")
    assert list(found) == [("withdrawn", "Wrong."), ("live", "")]


def test_nobody_says_why_what_another_sent_was_taken_back(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    note(lane)
    lane.deliver()
    assert _reason(partner("Eastern CERT", nation="XE")) == ("refused", "unknown-release")
    assert _reason(partner("Western CERT", nation="XW"), reason=None) == ("refused", "malformed")
    assert _reason(south, digest="0" * 64) == ("refused", "unknown-release")
    assert Release.objects.get().withdrawal_reason == ""


# ---- receipts -------------------------------------------------------------------------------------------------------


def _receipts(node: PartnerNode) -> list[dict[str, Any]]:
    """The payloads of receipts that we sent; JSON of several types."""
    entries = LaneEntry.objects.filter(lane__readers__partner=node.row, lane__sender=None, kind="receipt")
    return [parse(contents.get(each.content_digest)) for each in entries.order_by("seq")]


def test_what_was_dealt_with_is_signed_for_in_one_message(south: PartnerNode, notes: Notes) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    note(lane, 1)
    lane.withdraw(note(lane, 2))
    note(lane, 3, tlp=Tlp.AMBER_STRICT)
    lane.deliver()
    for _ in range(2):
        acknowledge(lane.row, south.row)
    [receipt] = _receipts(south)
    assert {name: receipt[name] for name in ("lane", "from", "to_seq", "head")} == {
        "lane": str(lane.row.id),
        "from": 0,
        "to_seq": 4,
        "head": lane.entries[4].digest,
    }
    assert receipt["exceptions"] == [
        {"seq": 2, "outcome": "withdrawn", "reason": ""},
        {"seq": 4, "outcome": "unopened", "reason": "tlp"},
    ]
    lane.row.refresh_from_db()
    assert lane.row.acknowledged_seq == 4


def test_nothing_is_signed_for_beyond_what_still_waits(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    agreement = agreement_in_force(south)
    lane = clause_lane(south, agreement)
    note(lane, 1)
    lane.deliver()
    suspend(cast.officer.actor, agreement, "")
    note(lane, 2)
    note(lane, 3)
    lane.deliver()
    acknowledge(lane.row, south.row)
    acknowledge(lane.row, south.row)
    resume(cast.officer.actor, agreement, "")
    lane.deliver()
    acknowledge(lane.row, south.row)
    assert [(each["from"], each["to_seq"]) for each in _receipts(south)] == [(0, 1), (2, 3)]


@pytest.fixture
def ours(cast: Cast, south: PartnerNode) -> Release:
    """A release of ours that south may read."""
    agreement_in_force(south)
    return publish(
        cast.analyst.actor, Draft("tests.note", "urn:test:1", "1", "A note", Tlp.GREEN, b'{"note":1}')
    )


def _receipt(release: Release, **changes: object) -> dict[str, object]:
    entry = Passage.objects.get(release=release).entry
    return {
        "lane": str(entry.lane_id),
        "from": 0,
        "to_seq": 1,
        "head": entry.digest,
        "exceptions": [],
        **changes,
    }


def _sends(node: PartnerNode, payload: dict[str, object]) -> tuple[str, str]:
    talk = talk_lane(node)
    talk.say("receipt", payload)
    return talk.deliver()[1]


def test_a_receipt_is_kept_for_each_entry_it_covers(south: PartnerNode, ours: Release) -> None:
    assert [_sends(south, _receipt(ours)) for _ in range(2)] == [DONE, DONE]
    [receipt] = receipts_of(ours)
    assert (receipt.partner, receipt.outcome, receipt.reason) == (south.row, "done", "")
    assert Receipt.objects.count() == 2  # the opening of the lane was signed for, too
    assert LaneReader.objects.get(lane__purpose="clause").receipt_seq == 1


def test_a_receipt_that_is_dated_back_is_no_older_than_what_it_signs_for(
    south: PartnerNode, ours: Release
) -> None:
    talk = talk_lane(south)
    talk.say("receipt", _receipt(ours), issued=now() - timedelta(days=1))
    assert talk.deliver()[1] == DONE
    assert receipts_of(ours)[0].at == Passage.objects.get(release=ours).entry.issued


def test_a_receipt_says_what_was_not_taken_in(south: PartnerNode, ours: Release) -> None:
    exceptions = [{"seq": 1, "outcome": "refused", "reason": "no-note"}]
    assert _sends(south, _receipt(ours, exceptions=exceptions)) == DONE
    [receipt] = receipts_of(ours)
    assert (receipt.outcome, receipt.reason) == ("refused", "no-note")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lane": "none"}, "malformed"),
        ({"lane": 5}, "malformed"),
        ({"lane": None}, "malformed"),
        ({"lane": str(uuid4())}, "unknown-lane"),
        ({"from": "x"}, "malformed"),
        ({"from": -1}, "malformed"),
        ({"from": 0.0}, "malformed"),
        ({"from": False}, "malformed"),
        ({"from": "0"}, "malformed"),
        ({"from": 2}, "malformed"),
        ({"to_seq": None}, "malformed"),
        ({"to_seq": 5000}, "malformed"),
        ({"to_seq": 2}, "other-head"),
        ({"to_seq": 10**30, "from": 10**30}, "malformed"),
        ({"head": "d" * 64}, "other-head"),
        ({"head": None}, "other-head"),
        ({"exceptions": None}, "malformed"),
        ({"exceptions": [1]}, "malformed"),
        ({"exceptions": [{"seq": 1, "outcome": "lost", "reason": ""}]}, "malformed"),
        ({"exceptions": [{"seq": 1, "outcome": "refused"}]}, "malformed"),
        ({"exceptions": [{"seq": 1, "outcome": "pending", "reason": ""}]}, "malformed"),
    ],
)
def test_a_receipt_for_another_history_or_none_is_refused(
    south: PartnerNode, ours: Release, changes: dict[str, object], reason: str
) -> None:
    assert _sends(south, _receipt(ours, **changes)) == ("refused", reason)
    assert not Receipt.objects.exists()
    assert LaneReader.objects.get(lane__purpose="clause").receipt_seq == -1


def test_nobody_signs_for_a_lane_that_others_read(south: PartnerNode, ours: Release) -> None:
    assert _sends(partner(nation="XE"), _receipt(ours)) == ("refused", "unknown-lane")


def test_a_receipt_of_five_thousand_entries_is_taken_and_a_larger_one_is_not(
    cast: Cast, south: PartnerNode, ours: Release
) -> None:
    lane = Lane.objects.get(purpose="clause")
    entry = LaneEntry.objects.get(lane=lane, seq=1)
    LaneEntry.objects.bulk_create(
        LaneEntry(
            lane=lane,
            seq=seq,
            header="",
            digest=f"{seq:064}",
            kind="",
            subject="",
            action="publish",
            issued=entry.issued,
            state="done",
        )
        for seq in range(2, 5002)
    )
    assert _sends(south, _receipt(ours, to_seq=5000, head=f"{5000:064}")) == ("refused", "malformed")
    assert _sends(south, _receipt(ours, to_seq=4999, head=f"{4999:064}")) == DONE
    assert Receipt.objects.count() == 5000


# ---- many at once ---------------------------------------------------------------------------------------------------


def _many(south: PartnerNode, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> TheirLane:
    """More than a few notes, of a kind that takes many in at once and falls over."""

    def fall_over(_arrivals: object) -> None:
        raise fault

    kind = replace(registry.get(ReleaseKind, "tests.note"), receive_together=fall_over)
    monkeypatch.setitem(registry._parts[ReleaseKind], "tests.note", kind)
    lane = clause_lane(south, agreement_in_force(south))
    for number in range(8):
        note(lane, number)
    return lane


def test_a_fault_in_taking_many_in_at_once_is_told_once_and_each_is_taken_in(
    south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _Told.of.clear()
    lane = _many(south, monkeypatch, RuntimeError("a bug"))
    assert lane.deliver()[-1] == DONE
    assert len(notes.received) == 8
    told = [each for each in caplog.records if each.name.endswith("together")]
    assert [(each.levelname, each.exc_info is not None) for each in told] == [("ERROR", True)]
    assert "are taken in one by one, which is slow: RuntimeError" in told[0].getMessage()


def test_that_one_of_many_is_refused_is_no_fault(
    south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lane = _many(south, monkeypatch, ContentRefused("our-name", "said in our name"))
    assert lane.deliver()[-1] == DONE
    assert [each for each in caplog.records if each.name.endswith("together")] == []
