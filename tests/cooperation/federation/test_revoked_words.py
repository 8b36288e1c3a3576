"""What a thief said about releases proves nothing once the key is revoked; what was said truly is said again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from taawun.cooperation.federation.actions import Draft, let_go, publish, tell_reach
from taawun.cooperation.federation.exchange import acknowledge
from taawun.cooperation.federation.models import Deletion, Reach, Receipt, Release
from taawun.cooperation.partners.identity import keys, own_keys
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.signing import SigningKey
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, PartnerNode, agreement_in_force, clause
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_quarantine import _goes_on, _revoked, _since, south
from tests.lanes import TheirLane, clause_lane, talk_lane

__all__ = ["south"]

SYSTEM = SystemActor("tests")


@pytest.fixture
def given(south: PartnerNode, cast: Cast, notes: Notes) -> LaneEntry:
    """What was given to the south under a clause that deletes."""
    with frozen(now() - timedelta(days=2)):
        agreement_in_force(south, clauses=(clause(on_termination="delete"),))
        publish(SYSTEM, Draft("tests.note", "urn:ours:1", "1", "x", Tlp.GREEN, b'{"a":1}'))
    return LaneEntry.objects.get(kind="tests.note")


def _thief(south: PartnerNode, kind: str, payload: dict[str, object]) -> TheirLane:
    """Said with the stolen key, a day ago, and taken in."""
    with frozen(now() - timedelta(days=1)) as clock:
        lane = talk_lane(south)
        lane.say(kind, payload)
        clock.advance(timedelta(minutes=1))
        assert lane.deliver()[-1] == ("done", "")
    return lane


def _deleted(entry: LaneEntry) -> dict[str, object]:
    return {
        "lane": str(entry.lane_id),
        "why": "agreement",
        "at": timestamp(now()),
        "entries": [{"seq": entry.seq, "digest": entry.digest}],
    }


def test_that_something_was_deleted_is_owed_again_and_said_again_it_is_proven(
    south: PartnerNode, given: LaneEntry
) -> None:
    lane = _thief(south, "deleted", _deleted(given))
    assert Deletion.objects.filter(entry=given, partner=south.row).exists()
    _goes_on(lane, _revoked(south, _since()))
    assert not Deletion.objects.exists()
    lane.say("deleted", _deleted(given))
    assert lane.deliver()[-1] == ("done", "")
    assert Deletion.objects.get().partner == south.row


def test_a_count_is_gone_with_the_key_that_told_it(south: PartnerNode, given: LaneEntry) -> None:
    about = {"subject": "urn:ours:1", "version": "1", "digest": Release.objects.get().digest}
    lane = _thief(south, "reached", {"releases": [{**about, "parties": 7}]})
    assert Reach.objects.get().parties == 7
    _goes_on(lane, _revoked(south, _since()))
    assert not Reach.objects.exists()


def test_a_reason_is_gone_with_the_key_that_gave_it(south: PartnerNode, cast: Cast, notes: Notes) -> None:
    with frozen(now() - timedelta(days=2)):
        lane = clause_lane(south, agreement_in_force(south))
        entry = lane.write(kind="tests.note", subject="urn:x:1", version="1")
        lane.deliver()
    about = {"subject": "urn:x:1", "version": "1", "digest": entry.header.digest}
    _thief(south, "withdrawn", {**about, "reason": "It was a lie."})
    assert Release.objects.get().withdrawal_reason == "It was a lie."
    _revoked(south, _since())
    assert Release.objects.get().withdrawal_reason == ""


def test_a_node_that_revokes_its_key_says_again_what_it_had_signed(
    south: PartnerNode,
    cast: Cast,
    notes: Notes,
    settings: Any,
    tmp_path: Any,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    settings.HOME = tmp_path
    keys.create_keys()
    lane = clause_lane(south, agreement_in_force(south, clauses=(clause(retention_days=1),)))
    lane.write(kind="tests.note", subject="urn:x:1")
    lane.deliver()
    acknowledge(Lane.objects.get(id=lane.row.id), south.row)
    with frozen(now() + timedelta(days=2)):
        let_go()
        said = LaneEntry.objects.filter(lane__sender=None)
        assert (said.filter(kind="receipt").count(), said.filter(kind="deleted").count()) == (1, 1)
        recovery = SigningKey.from_pem(keys.recovery_file().read_bytes())
        done = own_keys.revoke(SystemActor("console"), recovery, now() - timedelta(days=3))
        assert done.repeated == 2 + 1  # the signature on the agreement, too
        let_go()
        acknowledge(Lane.objects.get(id=lane.row.id), south.row)
        assert (said.filter(kind="receipt").count(), said.filter(kind="deleted").count()) == (2, 2)
    assert Receipt.objects.count() == 0
    assert tell_reach() == 0
