"""A newcomer and what was sent before it joined: from where it reads, who decides that, and what never reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.agreements import actions as agreeing
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP
from taawun.cooperation.agreements.document import Document, Narrowing, parse, write
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, Newcomer, Version
from taawun.cooperation.agreements.queries import forget_policy, standing_of
from taawun.cooperation.federation.actions import publish, withdraw
from taawun.cooperation.federation.exchange.regaining import regain
from taawun.cooperation.federation.exchange.serving import readers
from taawun.cooperation.federation.history import earlier_for, let_newcomers_in
from taawun.cooperation.federation.ledger import Wanted, cells
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.federation.queries import readable_now, readable_releases, withdrawals_signed
from taawun.cooperation.partners.identity.keys import node_key, own_lineage
from taawun.cooperation.partners.logs import floors, joining
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.logs.joining import audience_at, were_named
from taawun.cooperation.partners.models import GENESIS, Lane, LaneEntry, LaneReader, Partner, PolicyGeneration
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    partner,
    sign_version,
)
from tests.cooperation.federation.newcomers import accede, entries_of, offers
from tests.cooperation.federation.test_actions import draft
from tests.lanes import TheirLane, talk_lane

pytestmark = pytest.mark.usefixtures("notes")

ANY = ("any",)


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT", nation="XS")


@pytest.fixture
def east(cast: Cast) -> PartnerNode:
    return partner("Eastern CERT", nation="XE")


def agreed(*others: PartnerNode, history: str = "all", **changes: Any) -> Agreement:
    """An agreement that others may join, with one clause among all."""
    to_all = clause(senders=ANY, receivers=ANY, history=history, **changes)
    return agreement_in_force(*others, accession="by-invitation", clauses=(to_all,))


def served(reader: PartnerNode) -> list[tuple[str, str, bool]]:
    """Of all entries that a partner is served: kind, subject, and whether their content comes along."""
    return [
        (header.kind, header.subject, content is not None)
        for offer in offers(reader)
        for header, content in entries_of(reader, offer)
    ]


def subjects(reader: PartnerNode) -> list[str]:
    """The releases that a partner can read now."""
    return [subject for kind, subject, is_there in served(reader) if kind == "tests.note" and is_there]


def confirm(cast: Cast, agreement: Agreement, newcomer: PartnerNode, *, reads_earlier: bool = True) -> None:
    agreeing.confirm_newcomer(cast.officer.actor, agreement, newcomer.node, reads_earlier=reads_earlier)


# ---- from where it reads --------------------------------------------------------------------------------------------


def test_from_its_accession_on_a_newcomer_reads_the_same_lane_from_a_signed_floor(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, history="from-accession")
    publish(cast.analyst.actor, draft("urn:test:before"))
    accede(cast.officer.actor, agreement, east)
    # there is nothing for it yet, and not so much as the lane's name
    assert (let_newcomers_in(), offers(east)) == (0, [])
    publish(cast.analyst.actor, draft("urn:test:after"))
    [lane] = Lane.objects.filter(purpose="clause")
    [offer] = offers(east)
    assert offer["lane"] == str(lane.id)
    floor = floors.read(str(offer["floor"]), own_lineage())
    before = LaneEntry.objects.get(lane=lane, seq=1)
    assert (floor.lane, floor.reader, floor.agreement, floor.clause) == (
        lane.id,
        east.node,
        agreement.id,
        "1",
    )
    assert (floor.seq, floor.prev) == (2, before.digest)
    found = entries_of(east, offer)
    assert [(each.seq, each.kind) for each, _content in found] == [(2, "lane.joined"), (3, "tests.note")]
    assert found[0][0].prev == floor.prev
    assert found[0][0].audience == tuple(sorted([south.node, east.node]))
    # those for whom it was opened read on, and are told who came
    assert [kind for kind, _subject, _content in served(south)] == [
        "lane.opened",
        "tests.note",
        "lane.joined",
        "tests.note",
    ]
    assert "floor" not in offers(south)[0]


def test_with_the_history_nobody_reads_anything_before_somebody_here_confirms_it(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    accede(cast.officer.actor, agreement, east)
    publish(cast.analyst.actor, draft("urn:test:2"))
    assert (let_newcomers_in(), offers(east)) == (0, [])
    confirm(cast, agreement, east)
    [offer] = offers(east)
    floor = floors.read(str(offer["floor"]), own_lineage())
    assert (floor.seq, floor.prev) == (0, GENESIS)
    assert served(east) == [
        ("lane.opened", f"urn:taawun:node:{settings.BASE_URL}", True),
        ("tests.note", "urn:test:1", True),
        ("tests.note", "urn:test:2", True),
        ("lane.joined", f"urn:taawun:node:{settings.BASE_URL}", True),
    ]
    publish(cast.analyst.actor, draft("urn:test:3"))
    assert subjects(east) == ["urn:test:1", "urn:test:2", "urn:test:3"]
    assert Lane.objects.filter(purpose="clause").count() == 1
    said = Entry.objects.get(verb="federation.newcomer-reads").details
    assert (said["party"], said["clause"], said["from"]) == (east.node, "1", 0)
    # done once, whoever looks again
    assert let_newcomers_in() == 0


def test_confirmed_for_its_accession_on_it_reads_what_was_sent_since(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:before"))
    accede(cast.officer.actor, agreement, east)
    publish(cast.analyst.actor, draft("urn:test:since"))
    confirm(cast, agreement, east, reads_earlier=False)
    assert [(kind, subject) for kind, subject, _content in served(east)] == [
        ("tests.note", "urn:test:since"),
        ("lane.joined", f"urn:taawun:node:{settings.BASE_URL}"),
    ]
    assert floors.read(str(offers(east)[0]["floor"]), own_lineage()).seq == 2


def test_what_stands_before_its_floor_is_not_there_for_it_however_it_asks(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, history="from-accession")
    publish(cast.analyst.actor, draft("urn:test:before", content=b'{"before":1}'))
    accede(cast.officer.actor, agreement, east)
    publish(cast.analyst.actor, draft("urn:test:after"))
    [offer] = offers(east)
    assert [header.seq for header, _content in entries_of(east, offer, after=-1)] == [2, 3]
    entries = LaneEntry.objects.filter(lane_id=str(offer["lane"])).order_by("seq")
    digests = [each.content_digest for each in entries]
    answers = [east.request("GET", f"/federation/blobs/{digest}").status_code for digest in digests]
    assert answers == [404, 404, 200, 200]


# ---- what never reaches it ------------------------------------------------------------------------------------------


def test_red_and_narrowed_and_withdrawn_releases_never_reach_a_newcomer(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    west = partner("Western CERT", nation="XW")
    agreement = agreed(south, west, tlp_max=Tlp.RED)
    publish(cast.analyst.actor, draft("urn:test:plain"))
    publish(cast.analyst.actor, draft("urn:test:red", tlp=Tlp.RED, persons=("a@cert.example",)))
    publish(cast.analyst.actor, draft("urn:test:narrow"), [south.node])
    publish(cast.analyst.actor, draft("urn:test:all-by-name"), [south.node, west.node])
    gone = publish(cast.analyst.actor, draft("urn:test:withdrawn"))
    withdraw(cast.analyst.actor, gone, "Wrong.")
    accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    assert subjects(east) == ["urn:test:plain"]
    headers = [
        (header.subject, header.persons, header.action)
        for offer in offers(east)
        for header, _content in entries_of(east, offer)
        if header.kind == "tests.note"
    ]
    # of what was for some, or for persons, it does not see so much as a header
    assert headers == [
        ("urn:test:plain", (), "publish"),
        ("urn:test:withdrawn", (), "publish"),
        ("urn:test:withdrawn", (), "withdraw"),
    ]
    assert set(subjects(south)) == {
        "urn:test:plain",
        "urn:test:red",
        "urn:test:narrow",
        "urn:test:all-by-name",
    }


def test_what_a_declaration_leaves_out_is_left_out_of_the_history(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:green", tlp=Tlp.GREEN))
    publish(cast.analyst.actor, draft("urn:test:amber", tlp=Tlp.AMBER))
    accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    agreeing.declare(cast.officer.actor, agreement, [Narrowing("1", "gives", Tlp.GREEN)], "")
    assert subjects(east) == ["urn:test:green"]


def test_while_it_is_suspended_no_content_is_served_and_the_chain_is(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    agreeing.suspend(cast.officer.actor, agreement, "")
    assert (subjects(east), len(served(east))) == ([], 3)


# ---- whoever confirms --------------------------------------------------------------------------------------------


def test_the_preview_counts_exactly_what_a_newcomer_then_reads(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, tlp_max=Tlp.RED)
    first = publish(cast.analyst.actor, draft("urn:test:1", tlp=Tlp.GREEN))
    publish(cast.analyst.actor, draft("urn:test:2", tlp=Tlp.AMBER))
    publish(cast.analyst.actor, draft("urn:test:3", tlp=Tlp.AMBER))
    publish(cast.analyst.actor, draft("urn:test:red", tlp=Tlp.RED, persons=("a@cert.example",)))
    publish(cast.analyst.actor, draft("urn:test:narrow"), [south.node])
    withdraw(cast.analyst.actor, publish(cast.analyst.actor, draft("urn:test:gone")), "")
    accede(cast.officer.actor, agreement, east)
    issued = LaneEntry.objects.get(subject=first.subject, lane__sender=None).issued
    rows = earlier_for(agreement, east.node)
    assert [(each.clause, each.kind, each.tlp, each.count) for each in rows] == [
        ("1", "tests.note", Tlp.GREEN, 1),
        ("1", "tests.note", Tlp.AMBER, 2),
    ]
    assert rows[0].since == issued
    confirm(cast, agreement, east)
    assert len(subjects(east)) == sum(each.count for each in rows)
    # and of whom the clause gives nothing earlier there is nothing to ask
    assert earlier_for(agreed(south, history="from-accession"), east.node) == []


def test_what_a_partner_may_read_now_is_what_its_lanes_serve_it(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    def may_read(partner: PartnerNode) -> list[str]:
        found = readable_now(Release.objects.order_by("id"), partner.row.id)
        assert list(found.values_list("subject", flat=True)) == subjects(partner)
        return subjects(partner)

    def listed(partner: PartnerNode) -> list[str]:
        query = {"readable_by": str(partner.row.id)}
        items = cast.analyst.api.get("/federation/releases", **query).json()["items"]
        return [each["subject"] for each in reversed(items)]

    agreement = agreed(south, tlp_max=Tlp.AMBER)
    publish(cast.analyst.actor, draft("urn:test:all"))
    publish(cast.analyst.actor, draft("urn:test:some", tlp=Tlp.AMBER), audience=[south.node])
    withdraw(cast.analyst.actor, publish(cast.analyst.actor, draft("urn:test:gone")), "It was wrong.")
    both = ["urn:test:all", "urn:test:some"]
    assert (may_read(south), listed(south)) == (both, both)
    accede(cast.officer.actor, agreement, east)
    # the clause would let it have what was sent before; it reads no lane yet
    assert list(readable_releases(east.node).values_list("subject", flat=True)) == []
    assert (may_read(east), listed(east)) == ([], [])
    confirm(cast, agreement, east)
    assert (may_read(east), listed(east)) == (["urn:test:all"], ["urn:test:all"])
    # another that reads from its accession on is allowed what stands before its floor, and is not served it
    west = partner("Western CERT", nation="XW")
    accede(cast.officer.actor, agreement, west, ref="west")
    confirm(cast, agreement, west, reads_earlier=False)
    publish(cast.analyst.actor, draft("urn:test:after"))
    assert readable_releases(west.node).count() == 2
    assert (may_read(west), listed(west)) == (["urn:test:after"], ["urn:test:after"])
    agreeing.suspend(cast.officer.actor, agreement, "We check something.")
    assert [may_read(each) for each in (south, east, west)] == [[], [], []]


def test_what_went_over_a_clause_that_gives_it_no_more_is_not_told_to_be_readable_by_another(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south, clauses=(clause(),))
    publish(cast.analyst.actor, draft("urn:test:1"))
    first = agreement.versions.get().document()
    other = (clause(kinds=("tests.other",)), clause(ref="2"))
    text = parse(write(replace(first, version=2, supersedes=first.digest, clauses=other)))
    second = Version.objects.create(
        agreement=agreement, number=2, text=text.text, digest=text.digest, depositary=settings.BASE_URL
    )
    sign_version(second, settings.BASE_URL, node_key())
    sign_version(second, south.node, south.key)
    publish(cast.analyst.actor, draft("urn:test:2"))
    found = readable_now(Release.objects.order_by("id"), south.row.id)
    assert list(found.values_list("subject", flat=True)) == subjects(south) == ["urn:test:2"]


def test_a_confirmation_is_taken_back_until_the_newcomer_has_signed_for_something(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    talk = accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    agreeing.take_back_newcomer(cast.officer.actor, agreement, east.node)
    assert (subjects(east), Newcomer.objects.count()) == ([], 0)
    # what follows is nothing that it may see a header of: it goes over a lane of the others
    publish(cast.analyst.actor, draft("urn:test:2"))
    assert "urn:test:2" not in [subject for _kind, subject, _content in served(east)]
    assert set(subjects(south)) == {"urn:test:1", "urn:test:2"}
    confirm(cast, agreement, east)
    assert set(subjects(east)) == {"urn:test:1", "urn:test:2"}
    lane = LaneEntry.objects.get(subject="urn:test:1", lane__sender=None).lane
    last = LaneEntry.objects.filter(lane=lane).order_by("-seq")[0]
    receipt = {"lane": str(lane.id), "from": 0, "to_seq": last.seq, "head": last.digest, "exceptions": []}
    talk.say("receipt", receipt)
    assert talk.deliver()[-1] == ("done", "")
    with pytest.raises(StepRefused) as refused:
        agreeing.take_back_newcomer(cast.officer.actor, agreement, east.node)
    assert refused.value.code == "read-already"
    assert subjects(east) != []


def test_who_reads_from_its_accession_on_is_not_given_more_later_and_less_at_any_time(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:before"))
    accede(cast.officer.actor, agreement, east)
    publish(cast.analyst.actor, draft("urn:test:since"))
    confirm(cast, agreement, east, reads_earlier=False)
    with pytest.raises(StepRefused) as refused:
        confirm(cast, agreement, east)
    assert refused.value.code == "begun-already"
    assert subjects(east) == ["urn:test:since"]
    other = partner("Northern CERT", nation="XO")
    accede(cast.officer.actor, agreement, other, "other")
    confirm(cast, agreement, other)
    assert subjects(other) == ["urn:test:before", "urn:test:since"]
    confirm(cast, agreement, other, reads_earlier=False)
    assert subjects(other) == []


def test_who_did_not_accede_cannot_be_confirmed_nor_taken_back(cast: Cast, south: PartnerNode) -> None:
    agreement = agreed(south)
    for act, code in ((confirm, "no-newcomer"), (_take_back, "not-confirmed")):
        with pytest.raises(StepRefused) as refused:
            act(cast, agreement, south)
        assert refused.value.code == code


def _take_back(cast: Cast, agreement: Agreement, newcomer: PartnerNode) -> None:
    agreeing.take_back_newcomer(cast.officer.actor, agreement, newcomer.node)


# ---- what is said about a newcomer -----------------------------------------------------------------------------------


def _floor_two(cast: Cast, south: PartnerNode, east: PartnerNode) -> tuple[Lane, Any]:
    """A lane of which a newcomer reads entries 2 and 3, and its talk lane."""
    agreement = agreed(south, history="from-accession")
    publish(cast.analyst.actor, draft("urn:test:before"))
    talk = accede(cast.officer.actor, agreement, east)
    publish(cast.analyst.actor, draft("urn:test:after"))
    return Lane.objects.get(purpose="clause"), talk


@pytest.mark.parametrize(("first", "outcome"), [(2, ("done", "")), (1, ("refused", "malformed"))])
def test_a_newcomer_signs_for_nothing_that_it_does_not_read(
    cast: Cast, south: PartnerNode, east: PartnerNode, first: int, outcome: tuple[str, str]
) -> None:
    lane, talk = _floor_two(cast, south, east)
    receipt = {"lane": str(lane.id), "from": first, "to_seq": 3, "head": lane.head_digest, "exceptions": []}
    talk.say("receipt", receipt)
    assert talk.deliver()[-1] == outcome
    assert LaneReader.objects.get(partner=east.row, lane=lane).receipt_seq == (
        3 if outcome[0] == "done" else 1
    )


def test_why_something_was_withdrawn_is_not_told_to_who_never_could_read_it(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    _floor_two(cast, south, east)
    withdraw(cast.analyst.actor, Release.objects.get(subject="urn:test:before"), "Because of a person.")
    told = LaneEntry.objects.filter(kind="withdrawn", lane__sender=None)
    assert [each.lane.readers.get().partner.node for each in told] == [south.node]


def test_what_stands_below_its_floor_is_taken_back_out_of_its_sight(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    whole, _talk = _floor_two(cast, south, east)
    withdraw(cast.analyst.actor, Release.objects.get(subject="urn:test:before"), "")
    withdraw(cast.analyst.actor, Release.objects.get(subject="urn:test:after"), "")
    seen = [(kind, subject) for kind, subject, _content in served(east) if kind != "lane.joined"]
    assert seen == [("tests.note", "urn:test:after"), ("tests.note", "urn:test:after")]
    # those who read it are told by a lane of theirs, and sign for it there
    entry = LaneEntry.objects.get(action="withdraw", subject="urn:test:before")
    assert entry.lane_id != whole.id
    assert [each.partner.node for each in entry.lane.readers.all()] == [south.node]
    assert ("tests.note", "urn:test:before", False) in served(south)
    passage = Passage.objects.select_related("entry").get(release__subject="urn:test:before")
    assert withdrawals_signed([passage]) == {}
    signed = {"from": 0, "to_seq": entry.seq, "head": entry.digest, "exceptions": []}
    talk = talk_lane(south)
    talk.say("receipt", {"lane": str(entry.lane_id), **signed})
    assert talk.deliver()[-1] == ("done", "")
    assert set(withdrawals_signed([passage])) == {(whole.id, south.row.id)}


@pytest.mark.parametrize("is_withdrawal_first", [False, True])
def test_a_restored_node_knows_again_what_it_took_back_on_another_lane_in_whatever_order_it_is_told(
    cast: Cast, south: PartnerNode, east: PartnerNode, is_withdrawal_first: bool
) -> None:
    _floor_two(cast, south, east)
    withdraw(cast.analyst.actor, Release.objects.get(subject="urn:test:before"), "")
    entries = list(LaneEntry.objects.filter(subject="urn:test:before", lane__sender=None).order_by("issued"))
    assert [each.action for each in entries] == ["publish", "withdraw"]
    # both were said after the backup
    Passage.objects.filter(release__subject="urn:test:before").delete()
    Release.objects.filter(subject="urn:test:before").delete()
    LaneEntry.objects.filter(id__in=[each.id for each in entries]).update(state=LaneEntry.State.DONE)
    for entry in reversed(entries) if is_withdrawal_first else entries:
        regain(entry, said_in(entry.header), None)
    release = Release.objects.get(subject="urn:test:before")
    assert (release.state, release.passages.filter(ended=None).exists()) == ("withdrawn", False)


def test_what_is_taken_back_between_an_accession_and_the_first_release_after_it_is_out_of_its_sight(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, history="from-accession")
    publish(cast.analyst.actor, draft("urn:test:before"))
    accede(cast.officer.actor, agreement, east)
    withdraw(cast.analyst.actor, Release.objects.get(subject="urn:test:before"), "")
    publish(cast.analyst.actor, draft("urn:test:after"))
    assert [(kind, subject) for kind, subject, _content in served(east) if kind != "lane.joined"] == [
        ("tests.note", "urn:test:after")
    ]


def test_the_ledger_counts_for_a_newcomer_what_it_reads(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    _floor_two(cast, south, east)
    found = {each.partner: each.sums.deliveries for each in cells(Wanted())}
    assert found == {south.row.id: 2, east.row.id: 1}
    [mine] = cells(Wanted(partner=east.row.id))
    assert (mine.sums.given, mine.sums.deliveries) == (1, 1)


def test_who_has_not_signed_is_served_no_lane_and_not_told_of_any(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    to_all = clause(senders=ANY, receivers=ANY)
    agreement = agreement_proposed(south, east, entry_into_force=2, clauses=(to_all,))
    version = agreement.versions.get()
    sign_version(version, settings.BASE_URL, node_key())
    sign_version(version, south.node, south.key)
    publish(cast.analyst.actor, draft("urn:test:1"))
    LaneReader.objects.get_or_create(lane=Lane.objects.get(purpose="clause"), partner=east.row)
    assert subjects(south) == ["urn:test:1"]
    assert served(east) == []


def test_who_leaves_sees_no_header_of_what_follows(cast: Cast, south: PartnerNode, east: PartnerNode) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    talk = accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    _leave(agreement, east, talk)
    publish(cast.analyst.actor, draft("urn:test:2"))
    assert (subjects(south), subjects(east)) == (["urn:test:1", "urn:test:2"], [])
    assert _subjects_of(served(east)) == {"urn:test:1"}


def test_who_is_left_out_by_a_declaration_sees_no_header_of_what_follows_until_it_is_lifted(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, east)
    publish(cast.analyst.actor, draft("urn:test:1"))
    without = [Narrowing("1", "gives", without=(_ref_of(agreement, east),))]
    said = agreeing.declare(cast.officer.actor, agreement, without, "")
    publish(cast.analyst.actor, draft("urn:test:2"))
    assert (let_newcomers_in(), subjects(south), subjects(east)) == (0, ["urn:test:1", "urn:test:2"], [])
    assert _subjects_of(served(east)) == {"urn:test:1"}
    # what follows the lifting goes over the lane that it reads already, and what was sent without it stays theirs
    agreeing.lift(cast.officer.actor, agreement, said.id, "")
    assert let_newcomers_in() == 0
    publish(cast.analyst.actor, draft("urn:test:3"))
    assert subjects(east) == ["urn:test:1", "urn:test:3"]
    assert _subjects_of(served(east)) == {"urn:test:1", "urn:test:3"}
    assert set(subjects(south)) == {"urn:test:1", "urn:test:2", "urn:test:3"}
    assert Lane.objects.filter(purpose="clause").count() == 2
    # nobody shows it a head of the lane of the others
    without_it = Lane.objects.get(entries__subject="urn:test:2")
    assert audience_at(without_it) == {south.node}


def test_who_declares_and_lifts_again_and_again_makes_no_more_than_one_lane_of_it(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, east)
    publish(cast.analyst.actor, draft("urn:test:0"))
    talk = talk_lane(east)
    for cycle in range(3):
        chosen = _declare(agreement, east, talk)
        publish(cast.analyst.actor, draft(f"urn:test:{cycle}-without"))
        let_newcomers_in()
        _lift(agreement, east, talk, chosen)
        # the sweep may come before the next release, or after it
        if cycle != 1:
            let_newcomers_in()
        publish(cast.analyst.actor, draft(f"urn:test:{cycle}-with"))
        let_newcomers_in()
    lanes = Lane.objects.filter(purpose="clause").order_by("opened")
    assert [sorted(lane.readers.values_list("partner__node", flat=True)) for lane in lanes] == [
        sorted([south.node, east.node]),
        [south.node],
    ]
    withal = {"urn:test:0", *(f"urn:test:{cycle}-with" for cycle in range(3))}
    without = {f"urn:test:{cycle}-without" for cycle in range(3)}
    assert (set(subjects(east)), set(subjects(south))) == (withal, withal | without)
    assert not LaneEntry.objects.filter(kind="lane.joined").exists()


def test_a_withdrawal_reaches_every_copy_wherever_the_lane_goes_on_meanwhile(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, east)
    both = publish(cast.analyst.actor, draft("urn:test:both"))
    talk = talk_lane(east)
    chosen = _declare(agreement, east, talk)
    one = publish(cast.analyst.actor, draft("urn:test:one"))
    withdraw(cast.analyst.actor, both, "")
    _lift(agreement, east, talk, chosen)
    publish(cast.analyst.actor, draft("urn:test:after"))
    withdraw(cast.analyst.actor, one, "")
    found = {
        reader.node: [
            (header.subject, header.action)
            for offer in offers(reader)
            for header, _content in entries_of(reader, offer)
            if header.kind == "tests.note"
        ]
        for reader in (south, east)
    }
    assert found[east.node] == [
        ("urn:test:both", "publish"),
        ("urn:test:both", "withdraw"),
        ("urn:test:after", "publish"),
    ]
    assert sorted(found[south.node]) == [
        ("urn:test:after", "publish"),
        ("urn:test:both", "publish"),
        ("urn:test:both", "withdraw"),
        ("urn:test:one", "publish"),
        ("urn:test:one", "withdraw"),
    ]


def test_who_is_new_while_somebody_is_left_out_reads_all_lanes_of_the_clause_and_goes_with_either(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    west = partner("Western CERT", nation="XW")
    agreement = agreed(south, east)
    publish(cast.analyst.actor, draft("urn:test:0"))
    talk = talk_lane(east)
    chosen = _declare(agreement, east, talk)
    publish(cast.analyst.actor, draft("urn:test:1"))
    accede(cast.officer.actor, agreement, west)
    confirm(cast, agreement, west)
    publish(cast.analyst.actor, draft("urn:test:2"))
    _lift(agreement, east, talk, chosen)
    publish(cast.analyst.actor, draft("urn:test:3"))
    _declare(agreement, east, talk)
    publish(cast.analyst.actor, draft("urn:test:4"))
    let_newcomers_in()
    assert set(subjects(west)) == set(subjects(south)) == {f"urn:test:{n}" for n in range(5)}
    assert _subjects_of(served(east)) == {"urn:test:0", "urn:test:3"}
    assert Lane.objects.filter(purpose="clause").count() == 2


def test_who_takes_less_of_a_clause_reads_its_lane_on(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, east)
    publish(cast.analyst.actor, draft("urn:test:green", tlp=Tlp.GREEN))
    agreeing.declare(cast.officer.actor, agreement, [Narrowing("1", "gives", Tlp.GREEN)], "")
    publish(cast.analyst.actor, draft("urn:test:more", tlp=Tlp.GREEN))
    assert Lane.objects.filter(purpose="clause").count() == 1
    assert subjects(east) == ["urn:test:green", "urn:test:more"]


def test_whose_descriptor_lapsed_is_served_no_header_and_reads_all_it_missed_once_it_is_renewed(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreed(south, east)
    publish(cast.analyst.actor, draft("urn:test:1"))
    begin = now()
    with frozen(begin + timedelta(days=29)):
        Partner.objects.filter(pk=south.row.pk).update(descriptor_valid_until=now() + timedelta(days=1))
        _policy_anew()
        publish(cast.analyst.actor, draft("urn:test:2"))
        assert (offers(east), let_newcomers_in()) == ([], 0)
        assert subjects(south) == ["urn:test:1", "urn:test:2"]
        Partner.objects.filter(pk=east.row.pk).update(descriptor_valid_until=now() + timedelta(days=1))
        _policy_anew()
        # the lane is the one that it read before
        assert Lane.objects.filter(purpose="clause").count() == 1
        assert subjects(east) == ["urn:test:1", "urn:test:2"]


def test_who_joined_and_whose_descriptor_lapsed_is_served_no_lane_before_it_is_renewed(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    Partner.objects.filter(pk=east.row.pk).update(descriptor_valid_until=now() - timedelta(seconds=1))
    _policy_anew()
    publish(cast.analyst.actor, draft("urn:test:1"))
    assert offers(east) == []
    Partner.objects.filter(pk=east.row.pk).update(descriptor_valid_until=now() + timedelta(days=1))
    _policy_anew()
    assert subjects(east) == ["urn:test:1"]


def test_whose_descriptor_lapsed_and_whom_a_later_version_leaves_out_joins_no_lane_of_it(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south, east)
    before = standing_of(agreement).current
    assert before is not None
    parties = tuple(each for each in before.parties if each.node != east.node)
    later = parse(write(replace(before, version=2, parties=parties)))
    row = Version.objects.create(agreement=agreement, number=2, text=later.text, digest=later.digest)
    for node, key in ((settings.BASE_URL, node_key()), (south.node, south.key)):
        sign_version(row, node, key)
    Partner.objects.filter(pk=east.row.pk).update(descriptor_valid_until=now() - timedelta(seconds=1))
    _policy_anew()
    publish(cast.analyst.actor, draft("urn:test:1"))
    let_newcomers_in()
    assert not LaneReader.objects.filter(partner=east.row, lane__purpose="clause").exists()


def test_who_left_and_whose_descriptor_lapses_then_sees_no_header_of_what_follows(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    talk = accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    _leave(agreement, east, talk)
    Partner.objects.filter(pk=east.row.pk).update(descriptor_valid_until=now() - timedelta(seconds=1))
    _policy_anew()
    publish(cast.analyst.actor, draft("urn:test:2"))
    Partner.objects.filter(pk=east.row.pk).update(descriptor_valid_until=now() + timedelta(days=1))
    _policy_anew()
    assert _subjects_of(served(east)) == {"urn:test:1"}


def _leave(agreement: Agreement, east: PartnerNode, talk: TheirLane) -> None:
    _say(agreement, east, talk, {"kind": "left"})


def _say(agreement: Agreement, east: PartnerNode, talk: TheirLane, word: dict[str, Any]) -> str:
    """East signs and sends an instrument; its id."""
    said = {
        "id": str(uuid4()),
        "agreement": str(agreement.id),
        "digest": _current(agreement).digest,
        "node": east.node,
        "at": timestamp(now()),
        "note": "",
        "to": [settings.BASE_URL],
        **word,
    }
    talk.say("agreement.declared", {"instrument": east.key.sign(canonical(said), INSTRUMENT_TYP)})
    assert talk.deliver()[-1] == ("done", "")
    return str(said["id"])


def _current(agreement: Agreement) -> Document:
    document = standing_of(agreement).current
    assert document is not None
    return document


def _declare(agreement: Agreement, east: PartnerNode, talk: TheirLane) -> str:
    """East takes nothing of the clause from this node; the id of what it said."""
    us = next(each.ref for each in _current(agreement).parties if each.node == settings.BASE_URL)
    narrows = [{"clause": "1", "direction": "takes", "without": [us]}]
    return _say(agreement, east, talk, {"kind": "declared", "narrows": narrows})


def _lift(agreement: Agreement, east: PartnerNode, talk: TheirLane, chosen: str) -> None:
    _say(agreement, east, talk, {"kind": "lifted", "lifts": chosen})


def _policy_anew() -> None:
    PolicyGeneration.bump()
    forget_policy()


def _ref_of(agreement: Agreement, reader: PartnerNode) -> str:
    party = _current(agreement).party_of(reader.node)
    assert party is not None
    return party.ref


def _subjects_of(found: Sequence[tuple[str, str, bool]]) -> set[str]:
    return {subject for kind, subject, _content in found if kind == "tests.note"}


# ---- versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("history", "reads"), [("all", True), ("from-accession", False)])
def test_what_was_sent_under_an_earlier_version_is_history_only_where_its_clause_gave_it_then_too(
    cast: Cast, south: PartnerNode, east: PartnerNode, history: str, reads: bool
) -> None:
    agreement = agreed(south, history=history)
    publish(cast.analyst.actor, draft("urn:test:first"))
    first = agreement.versions.get().document()
    to_all = clause(senders=ANY, receivers=ANY, history="all")
    text = parse(write(replace(first, version=2, supersedes=first.digest, clauses=(to_all,))))
    second = Version.objects.create(
        agreement=agreement, number=2, text=text.text, digest=text.digest, depositary=settings.BASE_URL
    )
    sign_version(second, settings.BASE_URL, node_key())
    sign_version(second, south.node, south.key)
    publish(cast.analyst.actor, draft("urn:test:second"))
    accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    seen = ["urn:test:first", "urn:test:second"] if reads else ["urn:test:second"]
    assert subjects(east) == seen
    # and of the other not so much as a header
    assert _subjects_of(served(east)) == set(seen)
    assert Lane.objects.filter(purpose="clause").count() == 1


def test_whom_a_lane_is_for_is_asked_without_walking_through_its_releases(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses its plan by the size of the tables")
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    [lane] = Lane.objects.filter(purpose="clause")
    both = {south.node, east.node}
    joined = "SEARCH partners_laneentry USING INDEX partners_joined (lane_id=?)"
    place = (
        "SEARCH partners_laneentry USING INDEX sqlite_autoindex_partners_laneentry_1 (lane_id=? AND seq=?)"
    )
    with CaptureQueriesContext(connection) as asked:
        assert audience_at(lane) == both
    assert _plans(asked) == [joined, place]
    with CaptureQueriesContext(connection) as asked:
        assert were_named(lane.id) == both
    assert _plans(asked) == [place, joined]
    with CaptureQueriesContext(connection) as asked:
        assert readers([lane]) == {lane.id: both}
    assert [each for each in _plans(asked) if "laneentry" in each] == [place, joined]


def _plans(asked: CaptureQueriesContext) -> list[str]:
    """How the database goes about each query."""
    plans = []
    for each in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {each['sql']}")
            plans += [str(row[3]) for row in cursor.fetchall()]
    return plans


def test_a_lane_on_which_as_many_joined_as_may_is_not_joined_and_another_goes_on(
    cast: Cast, south: PartnerNode, east: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "MOST_JOINED", 1)
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    accede(cast.officer.actor, agreement, east)
    confirm(cast, agreement, east)
    west = partner("Western CERT", nation="XW")
    accede(cast.officer.actor, agreement, west, ref="west")
    confirm(cast, agreement, west)
    publish(cast.analyst.actor, draft("urn:test:2"))
    lanes = Lane.objects.filter(purpose="clause").order_by("opened")
    assert [LaneEntry.objects.filter(lane=lane, kind="lane.joined").count() for lane in lanes] == [1, 0]
    assert [set(subjects(each)) for each in (south, east, west)] == [
        {"urn:test:1", "urn:test:2"},
        {"urn:test:1", "urn:test:2"},
        {"urn:test:2"},
    ]
