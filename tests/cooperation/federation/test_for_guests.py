"""What came for this node and for a guest of it: each has it by its own clause, and by nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.actions import let_go, share_onward
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.exchange.setting_aside import set_aside
from taawun.cooperation.federation.kinds import ContentRefused
from taawun.cooperation.federation.models import Deletion, Passage, Release
from taawun.cooperation.federation.ways import best_way
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.foundation.clock import frozen, now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cast import Caller, Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_exchange import DONE, note
from tests.cooperation.federation.test_guests import KEY, hosting, listed, token
from tests.cooperation.federation.test_onward import elsewhere, unknown
from tests.cooperation.federation.test_onward import onward as onward_on
from tests.lanes import Entry, TheirLane, clause_lane


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    """A partner."""
    del cast  # the node is there before it meets anybody
    return partner("Southern CERT", nation="XS")


PUBLIC, NONE = Onward("public"), Onward("none")


def both_ways(
    south: PartnerNode,
    *,
    guest_first: bool = False,
    days: int | None = None,
    onward: Onward = PUBLIC,
    is_direct: bool = True,
) -> tuple[Agreement, TheirLane, TheirLane, Entry]:
    """The same release over a clause for this node, and over one for its guest alone."""
    for_node = clause("1", senders=("xs",), receivers=("us",), retention_days=days, onward=onward)
    for_guest = clause("2", senders=("xs",), receivers=("uni",), onward=PUBLIC)
    agreement = hosting(south, for_node, for_guest)
    node = clause_lane(south, agreement, "1")
    guest = clause_lane(south, agreement, "2")
    guest.entries.clear()
    guest.open(audience=(KEY,))
    if is_direct:
        entry, _other = note(node), note(guest)
    else:
        # by the word of who shares it onward: its source's own would end every way at once
        source = partner("Source", nation="XA")
        first = note(elsewhere(source, **unknown()))
        Partner.objects.filter(id=source.row.id).delete()
        entry, _other = onward_on(node, first), onward_on(guest, first)
    for lane in (guest, node) if guest_first else (node, guest):
        assert lane.deliver()[-1] == DONE
    return agreement, node, guest, entry


def is_for_the_guest_alone(cast: Cast, agreement: Agreement, notes: Notes) -> None:
    """The node has it no more in any way, and the guest has."""
    release = Release.objects.get()
    assert (release.state, release.is_for_guests) == ("live", True)
    assert notes.withdrawn == ["urn:test:1"]
    shown = cast.analyst.api.get(f"/federation/releases/{release.id}").json()
    assert shown["subject"] is None
    with pytest.raises(ReleaseRefused) as refused:
        share_onward(cast.analyst.actor, release)
    assert refused.value.code == "for-guests"
    guest = Caller(token(cast, agreement))
    assert listed(guest) == ["urn:test:1"]
    assert guest.get(f"/guest/contents/{release.digest}").status_code == 200


@pytest.mark.parametrize("guest_first", [True, False])
def test_what_its_sender_takes_back_from_this_node_its_guest_alone_keeps(
    cast: Cast, south: PartnerNode, notes: Notes, guest_first: bool
) -> None:
    agreement, node, _guest, entry = both_ways(south, guest_first=guest_first, is_direct=False)
    node.withdraw(entry)
    node.deliver()
    is_for_the_guest_alone(cast, agreement, notes)


def test_after_the_time_of_its_own_clause_this_node_has_it_no_more(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement, _node, guest, entry = both_ways(south, days=7)
    agreement_in_force(partner("Eastern CERT", nation="XE"))
    share_onward(cast.analyst.actor, Release.objects.get())
    with frozen(now() + timedelta(days=8)):
        let_go()
    is_for_the_guest_alone(cast, agreement, notes)
    told = AuditEntry.objects.get(verb="federation.kept-for-guests")
    assert "urn:test:1" not in str(told.details)
    # what this node made of it for others is gone, and its bytes lie here still, for the guest
    assert not Passage.objects.filter(entry__lane__sender=None, ended=None).exists()
    gone = LaneEntry.objects.filter(lane__sender=None, action="withdraw", subject="urn:test:1")
    assert gone.count() == 1
    assert Deletion.objects.get().is_held
    # with the guest's way they go too
    guest.withdraw(guest.entries[-1])
    guest.deliver()
    assert not contents.has(entry.header.digest)
    assert set(notes.withdrawn) == {"urn:test:1"}
    assert not Deletion.objects.get().is_held


def test_what_comes_for_this_node_again_is_handed_to_its_room_again(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    _agreement, node, _guest, entry = both_ways(south, days=7)
    with frozen(now() + timedelta(days=8)):
        let_go()
    again = entry.header
    node.write(
        kind="tests.note",
        subject=again.subject,
        version=again.version,
        content=entry.content,
        origin=again.origin,
    )
    assert node.deliver()[-1] == DONE
    release = Release.objects.get()
    assert (release.is_for_guests, len(notes.received)) == (False, 2)


@pytest.mark.parametrize("guest_first", [True, False])
def test_how_far_it_goes_from_here_is_said_by_the_clause_for_this_node(
    cast: Cast, south: PartnerNode, notes: Notes, guest_first: bool
) -> None:
    both_ways(south, guest_first=guest_first, onward=NONE)
    release = Release.objects.get()
    assert (release.onward, release.is_for_guests) == ("none", False)
    way = best_way(release)
    assert way is not None
    assert way.clause == "1"


def test_what_came_for_this_node_under_a_thiefs_key_is_set_aside_though_its_guest_has_it_another_way(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement, node, _guest, _entry = both_ways(south)
    row = LaneEntry.objects.get(lane=node.row, seq=1)
    set_aside(row, for_good=False)
    is_for_the_guest_alone(cast, agreement, notes)
    # taken in after all, it is as it was
    LaneEntry.objects.filter(id=row.id).update(state="pending", cleared=now())
    node.deliver()
    release = Release.objects.get()
    assert (release.is_for_guests, len(notes.received)) == (False, 2)


def test_what_only_a_thiefs_key_still_speaks_for_is_out_of_sight_when_the_other_way_ends(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    both = clause("1", senders=("xs",)), clause("2", senders=("xs",))
    agreement = hosting(south, *both)
    source = partner("Source", nation="XA")
    first = note(elsewhere(source, **unknown()))
    Partner.objects.filter(id=source.row.id).delete()
    lanes = [clause_lane(south, agreement, ref) for ref in ("1", "2")]
    entries = [onward_on(lane, first) for lane in lanes]
    for lane in lanes:
        lane.deliver()
    set_aside(LaneEntry.objects.get(lane=lanes[0].row, seq=1), for_good=False)
    assert Release.objects.get().state == "live"
    lanes[1].withdraw(entries[1])
    lanes[1].deliver()
    assert Release.objects.get().state == "aside"
    assert notes.withdrawn == ["urn:test:1"]


@pytest.mark.parametrize("is_over", [False, True])
def test_what_no_room_takes_leaves_what_stood_for_guests_as_it_was(
    cast: Cast, south: PartnerNode, notes: Notes, is_over: bool
) -> None:
    agreement = hosting(south, clause("1", senders=("xs",)), clause("2", senders=("xs",), receivers=("uni",)))
    guest = clause_lane(south, agreement, "2")
    guest.entries.clear()
    guest.open(audience=(KEY,))
    entry = note(guest)
    guest.deliver()
    if is_over:
        guest.withdraw(entry)
        guest.deliver()
    before = Release.objects.values("state", "gone", "is_for_guests", "onward").get()
    notes.problem = ContentRefused("no-note", "It is no note.")
    node = clause_lane(south, agreement, "1", issued=now())
    note(node)
    assert node.deliver()[-1] == ("refused", "no-note")
    assert Release.objects.values("state", "gone", "is_for_guests", "onward").get() == before


# ---- what nobody here reads ---------------------------------------------------------------------------------------
def _for_guests_alone(south: PartnerNode, **changes: Any) -> tuple[TheirLane, Entry]:
    agreement = hosting(south, clause(senders=("xs",), receivers=("uni",)))
    lane = clause_lane(south, agreement, audience=(KEY,))
    entry = note(lane, **changes)
    lane.deliver()
    return lane, entry


def test_the_trail_does_not_tell_what_came_for_guests_alone(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    lane, entry = _for_guests_alone(south)
    lane.withdraw(entry)
    lane.deliver()
    for verb in ("federation.received", "federation.withdrawn-by-source"):
        assert "urn:test:1" not in str(AuditEntry.objects.get(verb=verb).details), verb


def test_nor_does_a_notice(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    lane, _entry = _for_guests_alone(south)
    note(lane, content=b'{"other":1}')
    assert lane.deliver()[-1] == ("refused", "conflict")
    release = Release.objects.get()
    assert release.tlp == Tlp.GREEN
    assert Notice.objects.get(kind="federation.conflict").params["subject"] == f"urn:uuid:{release.id}"
