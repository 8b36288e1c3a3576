"""What a node held before there were audiences gets its audience, and each audience its current version."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.models import Report, StixObject
from taawun.capabilities.intel.queries import ObjectFilters
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import bring, indicator, report
from tests.capabilities.intel.stix.examples import identifier
from tests.cast import Cast

migration = importlib.import_module("taawun.capabilities.intel.migrations.0004_audiences")
LATER = "2026-01-01T00:00:00.000Z"


def _audiences() -> list[tuple[Any, ...]]:
    return list(StixObject.objects.order_by("id").values_list("stix_id", "version", "audience", "is_current"))


@pytest.mark.django_db
def test_rows_get_the_audiences_that_the_store_would_give_them(cast: Cast) -> None:
    for number, tlp in enumerate(Tlp, start=1):
        named = identifier("indicator", number)
        bring(indicator(number), report(number, named), actor=cast.analyst.actor, tlp=tlp)
    bring(indicator(1, modified=LATER), actor=cast.analyst.actor, tlp=Tlp.RED)
    objects, reports = _audiences(), list(Report.objects.order_by("id").values_list("audience", flat=True))
    assert {kind.partition(":")[0] for _id, _version, kind, _is in objects} == {
        "",
        "organisation",
        "persons",
    }
    # as it was: one row was current in the whole node, and nothing said for whom
    StixObject.objects.filter(stix_id=identifier("indicator", 1), audience="").update(is_current=False)
    StixObject.objects.exclude(stix_id=identifier("indicator", 1)).update(audience="")
    StixObject.objects.filter(is_current=True).update(audience="")
    Report.objects.update(audience="")

    migration.say_whom_for(apps, None)
    migration.choose_again(apps, None)

    assert _audiences() == objects
    assert list(Report.objects.order_by("id").values_list("audience", flat=True)) == reports


@pytest.mark.django_db(transaction=True)
def test_a_database_with_rows_is_migrated_and_still_searched(cast: Cast) -> None:
    bring(indicator(1, name="alpha"), actor=cast.analyst.actor, tlp=Tlp.GREEN)
    bring(indicator(2, name="alpha"), actor=cast.analyst.actor, tlp=Tlp.AMBER_STRICT)
    rows = _audiences()
    _there_and_back()

    assert _audiences() == rows
    bring(indicator(3, name="alpha"), actor=cast.analyst.actor)
    assert queries.objects(cast.analyst.actor, ObjectFilters(text="alpha")).count() == 3


@pytest.mark.django_db(transaction=True)
def test_on_the_way_back_the_strictest_of_each_stays_with_all_that_brought_it(cast: Cast) -> None:
    for tlp in (Tlp.GREEN, Tlp.AMBER_STRICT):
        bring(
            indicator(1, name="alpha"),
            report(1, identifier("indicator", 1)),
            actor=cast.analyst.actor,
            tlp=tlp,
        )
    assert (StixObject.objects.count(), Report.objects.count()) == (4, 2)

    _there_and_back()

    held = StixObject.objects.get(stix_id=identifier("indicator", 1))
    assert (held.tlp, held.is_current, held.audience.partition(":")[0]) == (
        Tlp.AMBER_STRICT,
        True,
        "organisation",
    )
    assert held.sources.count() == 2
    assert Report.objects.get().tlp == Tlp.AMBER_STRICT
    assert queries.objects(cast.analyst.actor, ObjectFilters(text="alpha")).count() == 1


def _there_and_back() -> None:
    """Migrate back to before there were audiences, and forward to where we were."""
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([("intel", "0003_recorded_here")])
    finally:
        MigrationExecutor(connection).migrate(leaves)
