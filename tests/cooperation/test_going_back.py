"""Migrations of federation and partners go back over rows that the earlier tables cannot hold, and forward again."""

from __future__ import annotations

from errno import ENOSPC
from importlib import import_module
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from taawun.cooperation.federation.actions import Draft, publish
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.models import Lane, Partner
from taawun.foundation.tlp import Tlp
from tests.cast import SYSTEM, Cast, agreement_in_force, partner
from tests.cooperation.conftest import Notes

pytestmark = pytest.mark.django_db(transaction=True)


def _there_and_back(app: str, name: str) -> None:
    """Migrate back to before a migration, and forward to where we were."""
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([(app, name)])
    finally:
        MigrationExecutor(connection).migrate(leaves)


def test_what_a_partner_vouched_for_by_two_sources_stays_two_releases(cast: Cast) -> None:
    via = partner()
    for source in ("", "https://one.example", "https://two.example"):
        Release.objects.create(
            kind="tests.note",
            tlp=1,
            subject="urn:x",
            version="1",
            digest="d" * 64,
            size=1,
            origin=via.row,
            source=source,
        )
    _there_and_back("federation", "0003_lists")
    versions = set(Release.objects.values_list("version", flat=True))
    assert (len(versions), "1" in versions) == (3, True)


def test_a_lane_that_is_never_continued_stays_beside_the_one_that_took_its_place(cast: Cast) -> None:
    same = {"purpose": "clause", "agreement": uuid4(), "clause": "1", "audience_digest": "a" * 64}
    closed, other = (Lane.objects.create(**same, is_closed=is_closed) for is_closed in (True, False))
    _there_and_back("partners", "0007_told_heads")
    found = dict(Lane.objects.values_list("id", "audience_digest"))
    assert found[other.id] == "a" * 64
    assert found[closed.id] != "a" * 64


def test_what_passed_over_a_public_lane_is_forgotten_and_nobody_reads_that_lane(
    cast: Cast, notes: Notes
) -> None:
    Partner.objects.filter(id=partner().row.id).update(is_follower=True)
    draft = Draft("tests.note", "urn:x", "1", "A note", Tlp.CLEAR, b"{}")
    publish(SYSTEM, draft, in_public=True)
    _there_and_back("federation", "0011_by_lane")
    assert not Passage.objects.exists()
    _there_and_back("partners", "0012_swept")
    lane = Lane.objects.get(purpose="public")
    assert (lane.is_closed, lane.readers.count(), lane.head_seq) == (True, 0, 1)


def test_a_migration_that_is_cut_off_before_its_end_goes_on_at_the_next_start(
    cast: Cast, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rows that it fills in, cut off at its very last step, as a kill or a full disk does."""
    agreement_in_force(partner())
    publish(SYSTEM, Draft("tests.note", "urn:x", "1", "A note", Tlp.CLEAR, b"{}"))
    last = import_module("taawun.cooperation.federation.migrations.0008_counted").Migration.operations[-1]

    def cut_off(*_of: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([("federation", "0007_quarantined_ways")])
        with monkeypatch.context() as while_cut_off:
            while_cut_off.setattr(last, "database_forwards", cut_off)
            with pytest.raises(OSError, match="No space left"):
                MigrationExecutor(connection).migrate(leaves)
    finally:
        MigrationExecutor(connection).migrate(leaves)
    passage = Passage.objects.get()
    assert (passage.kind, passage.lane.purpose, passage.size) == ("tests.note", "clause", 2)
