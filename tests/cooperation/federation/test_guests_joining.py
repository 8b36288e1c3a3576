"""A guest that a later version names: lanes that are there already are for it from then on, and it misses nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import forget_policy
from taawun.cooperation.federation import late_guests
from taawun.cooperation.federation.actions import publish
from taawun.cooperation.federation.history import let_newcomers_in
from taawun.cooperation.federation.models import GuestCopy, Passage, Release
from taawun.cooperation.partners.exchange.wire import LaneOffer
from taawun.cooperation.partners.logs import contents, floors
from taawun.cooperation.partners.logs.chain import Header, said_in
from taawun.cooperation.partners.logs.joining import JOINED
from taawun.cooperation.partners.logs.offers import Offered
from taawun.cooperation.partners.models import Lane, LaneEntry, PolicyGeneration
from taawun.foundation.clock import now
from taawun.foundation.strict_json import parse
from tests.cast import (
    Caller,
    Cast,
    PartnerNode,
    agreement_in_force,
    clause,
    document,
    partner,
    sign_version,
)
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_guests import (
    ABROAD,
    KEY,
    UNIVERSITY,
    _follow,
    _reading,
    listed,
    note_draft,
    token,
)
from tests.lanes import TheirLane, clause_lane, talk_lane

pytestmark = pytest.mark.usefixtures("notes")


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    """A partner."""
    del cast  # the node is there before it meets anybody
    return partner("Southern CERT", nation="XS")


def names_also(agreement: Agreement, south: PartnerNode, guest: Any, **changes: Any) -> str:
    """Let a version follow that names a guest too; its digest."""
    first = agreement.versions.get()
    text = first.document()
    made = replace(text, version=2, supersedes=first.digest, parties=(*text.parties, guest), **changes)
    _follow(agreement, south, made)
    return agreement.versions.get(number=2).digest


def said(lane: Lane) -> tuple[list[str], list[object]]:
    """Whom the last ``lane.joined`` of a lane names as its readers, and as new."""
    entry = LaneEntry.objects.filter(lane=lane, kind=JOINED).order_by("seq").last()
    assert entry is not None
    content = parse(contents.get(entry.content_digest))
    assert content["audience"] == list(said_in(entry.header).audience)
    return content["audience"], content["joined"]


# ---- at the sender ------------------------------------------------------------------------------------------------
def test_a_guest_of_a_node_that_reads_a_lane_already_is_said_to_join_it(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south)
    publish(cast.analyst.actor, note_draft(1))
    names_also(agreement, south, ABROAD)
    publish(cast.analyst.actor, note_draft(2))
    publish(cast.analyst.actor, note_draft(3))
    lane = Lane.objects.get(purpose="clause")
    kinds = list(LaneEntry.objects.filter(lane=lane).order_by("seq").values_list("kind", flat=True))
    # once, before the first release that is for it
    assert kinds == ["lane.opened", "tests.note", JOINED, "tests.note", "tests.note"]
    assert said(lane) == (sorted([south.node, f"{south.node}#lab"]), [])


def test_what_a_guest_read_that_joined_later_is_its_receipt_as_well(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_in_force(south)
    publish(cast.analyst.actor, note_draft(1))
    names_also(agreement, south, ABROAD)
    publish(cast.analyst.actor, note_draft(2))
    passage = Passage.objects.select_related("entry").get(release__subject="urn:test:2")
    talk = talk_lane(south)
    talk.say("read", _reading(passage))
    assert talk.deliver()[-1] == ("done", "")
    assert GuestCopy.objects.get().guest == f"{south.node}#lab"


def test_a_host_says_nothing_of_entries_before_its_floor(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_in_force(south)
    publish(cast.analyst.actor, note_draft(1))
    east = partner("Eastern CERT", nation="XE")
    first = agreement.versions.get()
    text = first.document()
    joining = document(east).parties[1]
    lab = replace(ABROAD, host="xe")
    made = replace(text, version=2, supersedes=first.digest, parties=(*text.parties, joining, lab))
    _follow(agreement, south, made)
    sign_version(agreement.versions.get(number=2), east.node, east.key)
    publish(cast.analyst.actor, note_draft(2))
    talk = talk_lane(east)
    before, after = Passage.objects.select_related("entry").order_by("id")
    talk.say("read", _reading(before))
    talk.say("read", _reading(after))
    assert talk.deliver()[-2:] == [("refused", "other-head"), ("done", "")]
    assert [each.passage_id for each in GuestCopy.objects.all()] == [after.id]


def test_its_own_guest_reads_what_was_sent_before_where_the_clause_gives_the_history(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south, clauses=(clause(history="all"),))
    release = publish(cast.analyst.actor, note_draft(1))
    names_also(agreement, south, UNIVERSITY)
    let_newcomers_in()
    guest = Caller(token(cast, agreement))
    assert listed(guest) == ["urn:test:1"]
    assert guest.get(f"/guest/contents/{release.digest}").status_code == 200
    # done again, nothing more is there
    forget_policy()
    let_newcomers_in()
    assert GuestCopy.objects.count() == 1


def test_its_own_guest_reads_nothing_that_was_sent_before_without_the_history(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south)
    publish(cast.analyst.actor, note_draft(1))
    names_also(agreement, south, UNIVERSITY, clauses=(clause(history="all"),))
    let_newcomers_in()
    publish(cast.analyst.actor, note_draft(2))
    # whoever published under a version that gave no history counted on it
    assert listed(Caller(token(cast, agreement))) == ["urn:test:2"]


# ---- at the host --------------------------------------------------------------------------------------------------
def _joined(lane: TheirLane, *audience: str, **changes: Any) -> None:
    lane.write(kind=JOINED, subject=f"urn:taawun:node:{lane.sender.node}", audience=audience, **changes)


def test_what_comes_for_a_guest_that_joined_later_lies_here_for_it(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_in_force(south)
    lane = clause_lane(south, agreement, audience=())
    lane.entries.clear()
    LaneEntry.objects.filter(lane=lane.row).delete()
    lane.open(audience=(settings.BASE_URL,))
    lane.write(kind="tests.note")
    lane.deliver()
    lane.members["agreement"] = names_also(agreement, south, UNIVERSITY)
    _joined(lane, settings.BASE_URL, KEY)
    entry = lane.write(kind="tests.note")
    assert lane.deliver()[-1] == ("done", "")
    guest = Caller(token(cast, agreement))
    assert listed(guest) == [entry.header.subject]


def _of_a_guest_alone(south: PartnerNode, history: str) -> tuple[Agreement, TheirLane]:
    """A lane of South's to East alone, until a version names a guest of this node too."""
    east = partner("Eastern CERT", nation="XE")
    to_east = clause(senders=("xs",), receivers=("xe",), history=history)
    agreement = agreement_in_force(south, east, clauses=(to_east,))
    first = agreement.versions.get().digest
    row = Lane(purpose=Lane.Purpose.CLAUSE, sender=south.row, agreement=agreement.id, clause="1")
    lane = TheirLane(south, row, agreement=first, clause="1")
    lane.open(audience=(east.node,))
    lane.write(kind="tests.note")
    to_both = clause(senders=("xs",), receivers=("xe", "uni"), history=history)
    second = names_also(agreement, south, UNIVERSITY, clauses=(to_both,))
    sign_version(agreement.versions.get(number=2), east.node, east.key)
    lane.members["agreement"] = second
    _joined(lane, east.node, KEY)
    lane.write(kind="tests.note")
    return agreement, lane


def _begin(lane: TheirLane, seq: int) -> None:
    """Read a lane from a floor on."""
    row = lane.row
    assert row.agreement is not None
    prev = lane.entries[seq - 1].digest if seq else "0" * 64
    floor = floors.Floor(row.id, settings.BASE_URL, row.agreement, "1", seq, prev, now())
    offer = LaneOffer(
        lane=row.id,
        purpose="clause",
        agreement=row.agreement,
        clause="1",
        head=lane.head(),
        floor=floors.write(floor, lane.sender.key),
    )
    begun = Offered(lane.sender.row).lane_of(offer)
    assert begun is not None
    lane.row = begun


def test_a_node_that_joins_for_its_guest_alone_holds_for_it_what_comes(
    cast: Cast, south: PartnerNode
) -> None:
    agreement, lane = _of_a_guest_alone(south, "from-accession")
    _begin(lane, 2)
    assert lane.deliver() == [("done", "")] * 2
    assert listed(Caller(token(cast, agreement))) == ["urn:test:3"]
    assert Release.objects.get().is_for_guests


def test_a_node_that_joins_for_its_guest_alone_holds_for_it_the_history_too(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement, lane = _of_a_guest_alone(south, "all")
    _begin(lane, 0)
    lane.deliver()
    let_newcomers_in()
    # what was laid ready last stands first, so whoever goes on from where they were finds it
    assert listed(Caller(token(cast, agreement))) == ["urn:test:1", "urn:test:3"]
    assert notes.received == []


def test_what_was_joined_before_the_agreement_was_known_here_is_laid_ready_once_it_is(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south, clauses=(clause(history="all"),))
    lane = clause_lane(south, agreement, audience=())
    lane.entries.clear()
    lane.open(audience=(settings.BASE_URL,))
    lane.write(kind="tests.note")
    _joined(lane, settings.BASE_URL, KEY)
    lane.deliver()
    names_also(agreement, south, UNIVERSITY)
    assert GuestCopy.objects.count() == 0
    let_newcomers_in()
    assert listed(Caller(token(cast, agreement))) == ["urn:test:1"]


def test_what_names_its_readers_is_read_once_however_often_what_is_agreed_changes(
    cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement = agreement_in_force(south, clauses=(clause(history="all"),))
    lane = clause_lane(south, agreement, audience=())
    lane.entries.clear()
    lane.open(audience=(settings.BASE_URL,))
    for _ in range(3):
        lane.write(kind="tests.note", audience=(settings.BASE_URL,))
    lane.write(kind="tests.note")
    _joined(lane, settings.BASE_URL, KEY)
    lane.deliver()
    names_also(agreement, south, UNIVERSITY)
    read: list[str] = []

    def counted(header: str) -> Header:
        read.append(header)
        return said_in(header)

    monkeypatch.setattr(late_guests, "said_in", counted)
    found = []
    for _ in range(3):
        PolicyGeneration.bump()
        forget_policy()
        let_newcomers_in()
        found.append(len(read))
    assert found == [4, 4, 4]
    assert listed(Caller(token(cast, agreement))) == ["urn:test:4"]
