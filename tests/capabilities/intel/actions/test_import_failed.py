"""An import that this node fails at: nothing of it stays, and it says so; one bad object costs no more than itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils.translation import override

from taawun.capabilities.intel import actions, preparing, reports, store
from taawun.capabilities.intel.models import (
    Import,
    ImportIssue,
    NamedReader,
    Reference,
    Report,
    ReportReader,
    Source,
    StixObject,
)
from taawun.capabilities.intel.preparing import Origin, Prepared
from taawun.capabilities.intel.stix import CheckedObject, checking, read
from taawun.capabilities.intel.stix.findings import Finding
from taawun.capabilities.intel.stix.validation import validate
from taawun.capabilities.intel.wording import issue_sentence
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from taawun.platform.work import actions as work
from taawun.platform.work.models import Job
from tests.capabilities.intel.factories import Silent, bring, current, indicator, report, sender
from tests.capabilities.intel.stix.examples import bundle, identifier, sco, sdo
from tests.cast import Cast
from tests.pages import pages, stranger_client

__all__ = ["pages", "stranger_client"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


class Failed(Exception):
    """The node failed here."""


class Failing(Silent):
    """A reporter whose node fails when so many objects are stored."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def progress(self, done: int, total: int | None = None) -> None:
        if total is not None and done >= self.at:
            raise Failed


def break_off(cast: Cast, *objects: dict[str, object], at: int = 1, tlp: Tlp = Tlp.GREEN) -> Import:
    """Begin an import, store so many of its objects, and fail for good."""
    held = actions.begin_import(cast.analyst.actor, bundle(*objects), name="file", default_tlp=tlp)
    with pytest.raises(Failed):
        actions.run_import(Failing(at), str(held.id))
    actions.give_up_import(str(held.id), "Failed: here")
    held.refresh_from_db()
    return held


# ---- nothing of it stays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [500, 1000, 1101])
@pytest.mark.parametrize("tlp", [Tlp.GREEN, Tlp.RED])
def test_an_import_that_fails_in_the_middle_leaves_nothing_behind(cast: Cast, at: int, tlp: Tlp) -> None:
    objects = [indicator(number) for number in range(1, 1101)]
    held = break_off(cast, *objects, report(1, objects[0]["id"]), at=at, tlp=tlp)
    assert held.state == Import.State.FAILED
    for model in (StixObject, Source, Reference, NamedReader, Report, ReportReader):
        assert not model._default_manager.exists()


def test_what_was_here_before_stays_as_it_was(cast: Cast) -> None:
    bring(indicator(1, name="first"), actor=cast.analyst.actor, tlp=Tlp.GREEN)
    newer = indicator(1, name="second", modified="2025-01-01T00:00:00.000Z")
    break_off(cast, indicator(1, name="first"), newer, indicator(2))
    assert list(StixObject.objects.values_list("stix_id", "name", "is_current")) == [
        (identifier("indicator", 1), "first", True)
    ]
    assert Source.objects.count() == 1


def test_what_came_from_a_partner_is_theirs_again(cast: Cast) -> None:
    south = sender()
    south.publish(report(1, identifier("indicator", 1)), indicator(1))
    break_off(cast, indicator(1))
    assert current(identifier("indicator", 1)).origin == south.node


def test_what_was_withdrawn_is_withdrawn_again(cast: Cast) -> None:
    south = sender()
    told = report(1, identifier("indicator", 1))
    south.publish(told, indicator(1))
    south.withdraw(told)
    break_off(cast, indicator(1), tlp=Tlp.AMBER)
    row = StixObject.objects.get(stix_id=identifier("indicator", 1))
    assert (row.state, row.text, row.name, row.is_current) == (StixObject.State.WITHDRAWN, "", "", False)


def test_drafts_that_it_made_go_and_one_that_followed_it_goes_back(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = report(1, identifier("indicator", 1), name="First")
    bring(indicator(1), first, actor=cast.analyst.actor, tlp=Tlp.GREEN)
    newer = {**first, "name": "Second", "modified": "2025-01-01T00:00:00.000Z"}
    data = bundle(newer, report(2, identifier("indicator", 1)))
    held = actions.begin_import(cast.analyst.actor, data, name="file", default_tlp=Tlp.GREEN)

    def fail(*_given: object) -> None:
        raise Failed

    monkeypatch.setattr("taawun.capabilities.intel.actions.importing._finish", fail)
    with pytest.raises(Failed):
        actions.run_import(Silent(), str(held.id))
    assert set(Report.objects.values_list("title", flat=True)) == {"Second", "Report 2"}
    actions.give_up_import(str(held.id), "Failed: here")
    assert list(Report.objects.values_list("title", flat=True)) == ["First"]


def test_a_draft_that_somebody_edited_meanwhile_is_left_to_them(cast: Cast) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.GREEN)
    data = bundle(report(1, identifier("indicator", 1)))
    held = actions.begin_import(cast.analyst.actor, data, name="file", default_tlp=Tlp.GREEN)
    reading = list(preparing.prepared_from(read(data, default_tlp=Tlp.GREEN)))
    origin = Origin(held.organisation, imported=held)
    for _counts in store.store(reading, origin):
        pass
    (made,) = reports.reports_from_import(held, reading)
    fields = actions.ReportFields("Mine", "", Tlp.GREEN, object_ids=(identifier("indicator", 1),))
    actions.edit_report(cast.analyst.actor, made, fields, edition=1)
    actions.give_up_import(str(held.id), "Failed: here")
    assert Report.objects.get().title == "Mine"


# ---- it says so -------------------------------------------------------------------------------------------------


def test_a_failed_import_says_why_in_three_languages_and_stands_in_the_trail(cast: Cast) -> None:
    held = break_off(cast, indicator(1))
    issue = held.issues.get()
    assert (issue.severity, issue.code, held.counts["errors"]) == ("error", "import-failed", 1)
    said = {}
    for language in ("en", "fr", "ar"):
        with override(language):
            said[language] = issue_sentence(issue.code, issue.params)
    assert said["en"] == (
        "This node failed at the file; its log says why. Nothing of it was kept. Tell an administrator, and import "
        "it again."
    )
    assert len(set(said.values())) == 3
    last = Entry.objects.filter(subject=f"urn:uuid:{held.id}").order_by("-id").first()
    assert last is not None
    assert (last.verb, last.actor_label) == ("intel.import-failed", "Analyst")


def test_giving_up_twice_is_one_row_of_the_trail(cast: Cast) -> None:
    held = break_off(cast, indicator(1))
    actions.give_up_import(str(held.id), "again")
    assert Entry.objects.filter(verb="intel.import-failed").count() == 1
    assert ImportIssue.objects.count() == 1


def test_a_job_whose_workers_died_in_the_middle_takes_everything_back(cast: Cast) -> None:
    objects = [indicator(number) for number in range(1, 601)]
    held = actions.begin_import(cast.analyst.actor, bundle(*objects), name="file", default_tlp=Tlp.GREEN)
    with pytest.raises(Failed):
        actions.run_import(Failing(500), str(held.id))
    assert StixObject.objects.count() == 500
    job = Job.objects.filter(subject_id=str(held.id))
    job.update(state=Job.State.RUNNING, heartbeat=None, attempts=work.MAX_ATTEMPTS)
    work.sweep()
    held.refresh_from_db()
    assert (held.state, StixObject.objects.count()) == (Import.State.FAILED, 0)


# ---- one object costs no more than itself -----------------------------------------------------------------------


def test_an_object_that_the_reader_fails_at_is_an_error_at_its_place(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(value: dict[str, object], *, size: int) -> tuple[Finding, ...]:
        if value["id"] == identifier("indicator", 2):
            raise Failed
        return validate(value, size=size)

    monkeypatch.setattr(checking, "validate", failing)
    held = bring(indicator(1), indicator(2), indicator(3), actor=cast.analyst.actor, leave_out_refused=True)
    assert (held.state, held.counts["new"], held.counts["refused"]) == (Import.State.DONE, 2, 1)
    issue = held.issues.get()
    assert (issue.code, issue.place, issue.object_id) == (
        "object-fault",
        "objects/1",
        identifier("indicator", 2),
    )


def test_an_object_that_the_store_fails_at_is_an_error_at_its_place(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = preparing.prepare

    def failing(checked: CheckedObject) -> Prepared:
        if checked.stix_id == identifier("indicator", 2):
            raise Failed
        return prepared(checked)

    monkeypatch.setattr(preparing, "prepare", failing)
    held = bring(indicator(1), indicator(2), actor=cast.analyst.actor)
    assert (held.state, StixObject.objects.count()) == (Import.State.REFUSED, 0)
    issue = held.issues.get()
    assert (issue.code, issue.place, issue.line, issue.object_id) == (
        "object-fault",
        "objects/1",
        1,
        identifier("indicator", 2),
    )


@pytest.mark.parametrize(
    "properties",
    [
        {"external_references": "abc"},
        {"external_references": 5},
        {"external_references": ["a", 5, {"external_id": 7}]},
        {"hashes": [1]},
    ],
)
def test_properties_that_an_observable_does_not_have_may_hold_anything(
    cast: Cast, properties: dict[str, object]
) -> None:
    value = sco("ipv4-addr", 1, value="198.51.100.7", **properties)
    assert bring(value, actor=cast.analyst.actor).counts["new"] == 1
    page = cast.analyst.browser().get(f"/en/intel/objects/{value['id']}/")
    assert page.status_code == 200


def test_the_same_from_a_partner_is_taken_and_stops_no_lane(cast: Cast) -> None:
    south = sender()
    odd = sco("ipv4-addr", 1, value="198.51.100.7", external_references=["a"])
    first = south.publish(report(1, odd["id"]), odd)
    second = south.publish(report(2, odd["id"]), odd)
    assert (first.state, second.state) == ("done", "done")


def test_a_property_name_of_more_than_250_characters_is_refused_at_its_place(cast: Cast) -> None:
    longest = "x" * 246 + "_ref"
    held = bring(indicator(1, **{longest: identifier("indicator", 2)}), actor=cast.analyst.actor)
    assert held.counts["new"] == 1
    held = bring(indicator(3, **{f"x{longest}": identifier("indicator", 2)}), actor=cast.analyst.actor)
    issue = held.issues.get()
    assert (held.state, issue.code, issue.severity) == (
        Import.State.REFUSED,
        "property-name-too-long",
        "error",
    )
    assert issue.place.startswith("objects/0/xxxx")


@pytest.mark.parametrize("refs", [7, 3, 0])
def test_a_report_names_more_than_one_statement_holds(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, refs: int
) -> None:
    monkeypatch.setattr(reports, "_CHUNK", 2)
    techniques = [
        sdo(
            "attack-pattern",
            number,
            name=f"Technique {number}",
            external_references=[{"source_name": "mitre-attack", "external_id": f"T100{number}"}],
        )
        for number in range(1, 6)
    ]
    stix_ids = [each["id"] for each in techniques]
    first = report(1, *stix_ids)
    bring(*techniques, first, actor=cast.analyst.actor)
    following = [*stix_ids[3:], *(identifier("malware", number) for number in range(refs))]
    bring(
        {**first, "object_refs": following, "modified": "2025-01-01T00:00:00.000Z"}, actor=cast.analyst.actor
    )
    made = Report.objects.get()
    assert made.topics == ["attack:T1004", "attack:T1005"]
    assert set(made.named_objects.values_list("stix_id", flat=True)) == set(following)


# ---- a transaction holds the writer for a moment ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "sizes"),
    [
        ([0] * 1001, [500, 500, 1]),
        ([4000] * 5, [2, 2, 1]),
        ([25_000, 0, 25_000], [1, 1, 1]),
        ([0, 10_000, 0, 1], [3, 1]),
        ([], []),
    ],
)
def test_a_batch_is_bounded_by_objects_and_by_what_they_name(
    node: object, named: list[int], sizes: list[int]
) -> None:
    (one,) = preparing.prepared_from(read(bundle(indicator(1)), default_tlp=Tlp.GREEN))
    objects = [replace(one, references=(("x_refs", "y"),) * number) for number in named]
    assert [len(batch) for batch in store._batches(objects)] == sizes
