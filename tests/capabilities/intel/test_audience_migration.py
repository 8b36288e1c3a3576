"""What a node held before there were audiences gets its audience, and each audience its current version."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import AddConstraint, RemoveConstraint, RemoveField, RemoveIndex
from django.db.migrations.executor import MigrationExecutor

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.models import Report, StixObject
from taawun.capabilities.intel.queries import ObjectFilters
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import bring, indicator, report
from tests.capabilities.intel.stix.examples import identifier
from tests.cast import Cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.migrations.operations.base import Operation
    from django.db.migrations.state import ProjectState

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
    executor = MigrationExecutor(connection)
    with connection.schema_editor() as editor:
        _as_before(editor, executor)

    MigrationExecutor(connection).migrate(executor.loader.graph.leaf_nodes())

    assert _audiences() == rows
    bring(indicator(3, name="alpha"), actor=cast.analyst.actor)
    assert queries.objects(cast.analyst.actor, ObjectFilters(text="alpha")).count() == 3


def _as_before(editor: Any, executor: MigrationExecutor) -> None:
    """Take the columns away again, which the migration itself has no way to."""
    before = executor.loader.project_state([("intel", "0003_recorded_here")])
    state = executor.loader.project_state([("intel", "0005_beginnings")])
    for each in _steps_back(before):
        changed = state.clone()
        each.state_forwards("intel", changed)
        each.database_forwards("intel", editor, state, changed)
        state = changed
    # what follows it is migrated again after it
    for name in ("0005_beginnings", "0004_audiences"):
        executor.recorder.record_unapplied("intel", name)


def _steps_back(before: ProjectState) -> Iterator[Operation]:
    yield RemoveIndex("stixobject", "intel_by_tlp")
    objects, reports = ("intel_text_once", "intel_one_current"), ("intel_report_once",)
    for model, names in (("stixobject", objects), ("report", reports)):
        yield from (RemoveConstraint(model, name) for name in names)
        yield RemoveField(model, "audience")
        old = {each.name: each for each in before.models["intel", model].options["constraints"]}
        yield from (AddConstraint(model, old[name]) for name in names)
