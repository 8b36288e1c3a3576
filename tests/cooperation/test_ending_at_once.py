"""Two that end something, restart a lane or replace a key at once: neither waits for the other in a circle.

As :mod:`tests.test_at_once`, for what several acts may end at the same moment for different reasons.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings as node
from django.db import transaction

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.federation.actions import Draft, let_go, publish, share_onward
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.errors import ChainBroken, PartnerRefused
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.identity import keys, own_keys, quarantine
from taawun.cooperation.partners.identity.lineage import KnownKey, Lineage
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.partners.restarts import resets, restarting, statements
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from tests.at_once import ROUNDS, at_once, faults
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.lanes import TheirLane, clause_lane, nothing_to_fetch

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = SystemActor("tests")


def note(subject: str) -> Draft:
    return Draft("tests.note", subject, "1", "A note", Tlp.GREEN, b'{"a":1}')


def shared_onward(cast: Cast, source: PartnerNode, lane: TheirLane, number: int) -> Release:
    """What came from a source and went on to everybody else."""
    lane.write(kind="tests.note", subject=f"urn:{number}", version="1", content=b'{"n":%d}' % number)
    lane.deliver()
    return share_onward(cast.analyst.actor, Release.objects.get(subject=f"urn:{number}", origin=source.row))


def public_lane(source: PartnerNode, **changes: Any) -> TheirLane:
    return clause_lane(
        source, agreement_in_force(source, clauses=(clause(onward=Onward("public"), **changes),))
    )


def test_what_came_is_shared_onward_while_its_source_takes_it_back(cast: Cast, notes: Notes) -> None:
    source = partner()
    lane = public_lane(source)
    agreement_in_force(partner("Eastern CERT", nation="XE"))
    agreement_in_force(partner("Western CERT", nation="XW"))
    found = []
    for number in range(ROUNDS):
        entry = lane.write(kind="tests.note", subject=f"urn:{number}", version="1")
        lane.deliver()
        release = Release.objects.get(subject=f"urn:{number}")
        lane.withdraw(entry)
        lane.take()
        told = at_once(
            partial(share_onward, cast.analyst.actor, release),
            partial(process_pending, lane.row, source.row, nothing_to_fetch),
        )
        found += faults(told, ReleaseRefused)
        assert not Passage.objects.filter(release=release, ended=None).exists()
    assert found == []
    assert not LaneEntry.objects.filter(state="pending").exists()


def test_what_is_over_goes_while_it_is_taken_back(cast: Cast, notes: Notes) -> None:
    source = partner()
    lane = public_lane(source, retention_days=1)
    agreement_in_force(partner("Eastern CERT", nation="XE"))
    found = []
    for number in range(ROUNDS):
        release = shared_onward(cast, source, lane, number)
        Passage.objects.filter(release=release).exclude(ends=None).update(ends=now())
        lane.withdraw(lane.entries[-1])
        lane.take()
        takes = partial(process_pending, lane.row, source.row, nothing_to_fetch)
        found += faults(at_once(let_go, takes))
    assert found == []
    assert not Release.objects.filter(state="live").exists()
    assert not Passage.objects.filter(ended=None).exists()
    assert not LaneEntry.objects.filter(state="pending").exists()


def set_aside(lane: TheirLane, source: PartnerNode) -> None:
    """As though its key had been revoked: the last entry is in quarantine."""
    entry = LaneEntry.objects.filter(lane=lane.row).latest("seq")
    LaneEntry.objects.filter(id=entry.id).update(state="quarantined", reason="to-set-aside")
    quarantine.carry_out(source.row)


def test_what_is_in_quarantine_is_dropped_while_its_days_are_over(cast: Cast, notes: Notes) -> None:
    source = partner()
    lane = public_lane(source, retention_days=1)
    agreement_in_force(partner("Eastern CERT", nation="XE"))
    found = []
    for number in range(ROUNDS):
        release = shared_onward(cast, source, lane, number)
        set_aside(lane, source)
        Passage.objects.filter(release=release).exclude(ends=None).update(ends=now())
        drops = partial(quarantine.drop, cast.administrator.actor, source.row, None)
        found += faults(at_once(drops, let_go), PartnerRefused)
    assert found == []
    assert set(Release.objects.values_list("state", flat=True)) <= {"withdrawn", "ended"}
    assert not Passage.objects.filter(entry__lane__sender=None, ended=None).exists()


def test_what_is_in_quarantine_is_dropped_while_something_is_shared_onward(cast: Cast, notes: Notes) -> None:
    source, other = partner(), partner("Western CERT", nation="XW")
    lane, again = public_lane(source), public_lane(other)
    agreement_in_force(partner("Eastern CERT", nation="XE"))
    found = []
    for number in range(ROUNDS):
        shared_onward(cast, source, lane, number)
        set_aside(lane, source)
        again.write(kind="tests.note", subject=f"urn:{number}", version="1")
        again.deliver()
        live = Release.objects.get(subject=f"urn:{number}", origin=other.row)
        drops = partial(quarantine.drop, cast.administrator.actor, source.row, None)
        found += faults(at_once(drops, partial(share_onward, cast.analyst.actor, live)))
    assert found == []


def test_a_lane_is_restarted_while_the_worker_takes_in_what_waits_on_it(cast: Cast, notes: Notes) -> None:
    source = partner()
    lane = public_lane(source)
    agreement_in_force(partner("Eastern CERT", nation="XE"))
    administrator, found = cast.administrator.actor, []
    for number in range(ROUNDS):
        shared_onward(cast, source, lane, number)
        point = lane.entries[-1]
        lane.withdraw(point)
        lane.take()
        stop_lane(
            Lane.objects.get(id=lane.row.id), source.row, ChainBroken("gap", len(lane.entries), "a gap")
        )
        reset = restarting.propose(administrator, Lane.objects.get(id=lane.row.id))
        said = statements.Statement(
            id=reset.id,
            kind=statements.ANSWERED,
            lane=lane.row.wire_id,
            sender=source.node,
            reader=node.BASE_URL,
            seq=point.header.seq,
            digest=point.digest,
            at=now(),
            about=statements.digest_of(reset.proposal),
        )
        resets.take(administrator, source.row, statements.write(said, source.key))
        confirms = partial(restarting.confirm, administrator, reset)
        takes = partial(process_pending, lane.row, source.row, nothing_to_fetch)
        found += faults(at_once(confirms, takes))
        del lane.entries[-1]
        lane.row.refresh_from_db()
        assert (lane.row.state, lane.row.head_seq) == ("running", point.header.seq)
    assert found == []
    assert not Passage.objects.filter(ended=None).exists()


def test_a_key_is_revoked_while_what_it_signed_is_taken_back_by_its_source(cast: Cast, notes: Notes) -> None:
    via, source = partner("Western CERT", nation="XW"), partner()
    found = []
    own = public_lane(source)
    for number in range(ROUNDS):
        entry = own.write(kind="tests.note", subject=f"urn:{number}", version="1")
        own.deliver()
        lane = public_lane(via)
        theirs = lane.write(kind="tests.note", subject=f"urn:other:{number}", version="1")
        lane.deliver()
        # it came over the other lane as well
        both = Release.objects.get(subject=f"urn:{number}")
        Passage.objects.filter(entry__subject=theirs.header.subject).update(release=both)
        LaneEntry.objects.filter(lane=lane.row).update(kid=via.key.kid)
        own.withdraw(entry)
        own.take()
        keys = Lineage([KnownKey(via.key.public, revoked_since=now() - timedelta(days=1))])
        takes = partial(process_pending, own.row, source.row, nothing_to_fetch)
        found += faults(at_once(partial(_marked, via, keys), takes))
    assert found == []
    assert not LaneEntry.objects.filter(lane=own.row, state="pending").exists()


def _marked(node: PartnerNode, keys: Lineage) -> None:
    """As a descriptor does that tells of a revocation."""
    with transaction.atomic():
        one_speaker()
        Partner.objects.select_for_update().get(id=node.row.id)
        quarantine.mark(node.row, keys)


def test_the_nodes_key_is_replaced_while_something_is_published(
    cast: Cast, notes: Notes, settings: Any, tmp_path: Any
) -> None:
    settings.HOME = tmp_path
    keys.create_keys()
    agreement_in_force(partner())
    found = []
    for number in range(ROUNDS):
        publishes = partial(publish, cast.analyst.actor, note(f"urn:{number}"))
        found += faults(at_once(partial(own_keys.rotate, SYSTEM), publishes))
    assert found == []
    assert LaneEntry.objects.filter(kind="tests.note").count() == ROUNDS
