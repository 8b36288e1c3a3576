"""Bringing files in: exact counts, refusals that store nothing, and runs that end early."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils.translation import override

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.errors import ImportRefused
from taawun.capabilities.intel.models import (
    JOB,
    Import,
    ImportIssue,
    Report,
    ReportObject,
    ReportReader,
    Source,
    StixObject,
)
from taawun.capabilities.intel.stix import reading
from taawun.capabilities.intel.wording import issue_sentence
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from taawun.platform.files.models import FileUse, StoredFile
from taawun.platform.work.models import Job
from tests.capabilities.intel.factories import SYSTEM, Silent, bring, current, indicator, marked, report
from tests.capabilities.intel.stix.examples import bundle, identifier, old, sco, sdo
from tests.cast import Cast, person

pytestmark = pytest.mark.django_db

NO_READER = (
    "TLP:RED is for the person who imports it, and nobody is named here. Import it as a person of this node."
)
MISP = {
    "Event": {
        "uuid": "5f4e1234-0000-4000-8000-000000000001",
        "info": "Invented event",
        "date": "2026-01-31",
        "timestamp": "1769860800",
        "Orgc": {"name": "XN CERT", "uuid": "5f4e1234-0000-4000-8000-0000000000ff"},
        "Tag": [{"name": "tlp:green"}],
        "Attribute": [
            {
                "uuid": "5f4e1234-0000-4000-8000-000000000002",
                "type": "domain",
                "category": "Network activity",
                "value": "host.example",
                "to_ids": True,
                "timestamp": "1769860800",
            },
            {
                "uuid": "5f4e1234-0000-4000-8000-000000000003",
                "type": "ip-dst",
                "category": "Network activity",
                "value": "198.51.100.23",
                "to_ids": True,
                "timestamp": "1769860800",
            },
        ],
    }
}


# ---- what is taken ----------------------------------------------------------------------------------------------


def test_stix_2_1_is_taken_with_exact_counts(node: Organisation) -> None:
    held = bring(indicator(1), indicator(2), sco("domain-name", 3, value="host.example"))
    assert (held.state, held.format) == (Import.State.DONE, "stix-2.1")
    assert held.counts == {
        "new": 3,
        "known": 0,
        "differing": 0,
        "refused": 0,
        "errors": 0,
        "warnings": 0,
        "remarks": 0,
        "not_listed": 0,
    }
    assert StixObject.objects.count() == 3


def test_a_second_import_of_the_same_brings_nothing_new_and_remembers_the_source(node: Organisation) -> None:
    bring(indicator(1), indicator(2))
    again = bring(indicator(1), indicator(2), indicator(3))
    assert (again.counts["new"], again.counts["known"]) == (1, 2)
    assert Source.objects.filter(imported=again).count() == 3


def test_stix_2_0_is_raised_and_its_source_kept_as_received(node: Organisation) -> None:
    data = json.dumps(
        {
            "type": "bundle",
            "id": identifier("bundle"),
            "spec_version": "2.0",
            "objects": [
                old("indicator", 1, labels=["x"], pattern="[a:b = 'c']", valid_from="2024-01-31T12:00:00Z")
            ],
        }
    ).encode()
    held = bring(raw=data)
    row = current(identifier("indicator", 1))
    assert (held.format, held.counts["new"]) == ("stix-2.0", 1)
    assert json.loads(row.text)["spec_version"] == "2.1"
    assert "spec_version" not in json.loads(row.received)


def test_a_text_is_kept_exactly_as_it_stood_in_the_file(node: Organisation) -> None:
    stix_id = identifier("domain-name", 1)
    spaced = f'{{ "type" : "domain-name",\n "id": "{stix_id}", "value":"host.example" }}'
    bring(raw=f'{{"type":"bundle","id":"{identifier("bundle")}","objects":[{spaced}]}}'.encode())
    assert current(stix_id).text == spaced


def test_a_misp_event_becomes_a_draft_report_under_its_own_marking(node: Organisation) -> None:
    held = bring(raw=json.dumps(MISP).encode())
    made = Report.objects.get()
    assert (held.format, held.counts["refused"]) == ("misp", 0)
    assert (made.title, made.state, made.tlp) == ("Invented event", Report.State.DRAFT, Tlp.GREEN)
    names = set(StixObject.objects.filter(stix_id__in=_named(made)).values_list("name", flat=True))
    assert any("host.example" in name for name in names)
    assert any("198.51.100.23" in name for name in names)


def _named(of: Report) -> list[str]:
    named = ReportObject.objects.filter(report=of).order_by("id")
    return list(named.values_list("stix_id", flat=True))


def test_a_report_becomes_a_draft_with_what_it_names(cast: Cast) -> None:
    technique = sdo(
        "attack-pattern",
        5,
        name="Phishing",
        external_references=[{"source_name": "mitre-attack", "external_id": "T1566.002"}],
    )
    value = report(1, identifier("indicator", 1), technique["id"], lang="ar", description="What happened.")
    bring(indicator(1), technique, value, actor=cast.analyst.actor)
    made = Report.objects.get()
    assert (made.title, made.summary, made.author) == ("Report 1", "What happened.", cast.analyst.person)
    assert (made.languages, made.topics) == (["ar"], ["attack:T1566.002"])
    assert _named(made) == [identifier("indicator", 1), technique["id"]]


def test_an_untouched_draft_follows_a_newer_version_and_an_edited_one_does_not(cast: Cast) -> None:
    first = report(1, identifier("indicator", 1), name="First")
    newer = {**first, "modified": "2024-02-01T00:00:00.000Z", "name": "Second"}
    newest = {**first, "modified": "2024-03-01T00:00:00.000Z", "name": "Third"}
    bring(indicator(1), first)
    bring(newer)
    made = Report.objects.get()
    assert made.title == "Second"
    fields = actions.ReportFields("Edited", "", Tlp.CLEAR, object_ids=(identifier("indicator", 1),))
    actions.edit_report(cast.analyst.actor, made, fields, edition=1)
    bring(newest)
    bring(first)
    assert Report.objects.get().title == "Edited"


def test_the_marking_of_a_draft_is_not_lowered_by_a_newer_version(node: Organisation) -> None:
    bring(indicator(1), marked(report(1, identifier("indicator", 1)), Tlp.AMBER))
    newer = {**report(1, identifier("indicator", 1)), "modified": "2024-02-01T00:00:00.000Z"}
    bring(newer, tlp=Tlp.CLEAR)
    assert Report.objects.get().tlp == Tlp.AMBER


def test_an_objects_own_marking_stands_before_the_importers(node: Organisation) -> None:
    bring(marked(indicator(1), Tlp.AMBER), indicator(2), tlp=Tlp.GREEN)
    assert current(identifier("indicator", 1)).tlp == Tlp.AMBER
    assert current(identifier("indicator", 2)).tlp == Tlp.GREEN


def test_a_red_file_is_for_the_person_who_brought_it(cast: Cast) -> None:
    bring(indicator(1), report(1, identifier("indicator", 1)), actor=cast.analyst.actor, tlp=Tlp.RED)
    assert list(ReportReader.objects.values_list("person_id", flat=True)) == [cast.analyst.row.pk]


def test_a_red_file_that_no_person_brings_is_refused_at_the_door(node: Organisation) -> None:
    with pytest.raises(ImportRefused) as caught:
        actions.begin_import(SYSTEM, bundle(indicator(1)), name="file", default_tlp=Tlp.RED)
    assert (caught.value.code, str(caught.value)) == ("no-reader", NO_READER)
    assert _nothing_stored()


def test_what_a_file_marks_red_is_refused_where_no_person_brings_it(node: Organisation) -> None:
    objects = (indicator(1), marked(indicator(2), Tlp.RED))
    held = bring(*objects, tlp=Tlp.GREEN)
    issue = held.issues.get()
    assert (held.state, held.counts["refused"]) == (Import.State.REFUSED, 1)
    assert (issue.code, issue.place, issue.object_id) == ("no-reader", "objects/1", objects[1]["id"])
    assert issue_sentence(issue.code, issue.params) == NO_READER
    assert not StixObject.objects.exists()
    rest = bring(*objects, tlp=Tlp.GREEN, leave_out_refused=True)
    assert (rest.state, rest.counts["new"], rest.counts["refused"]) == (Import.State.DONE, 1, 1)


def test_what_is_brought_by_somebody_of_another_organisation_stays_inside_theirs(cast: Cast) -> None:
    sector = Organisation.objects.create(names={"en": "Sector CERT"})
    guest = person("analyst", organisation=sector)
    bring(indicator(1), actor=actor_of(guest), tlp=Tlp.AMBER_STRICT)
    assert current(identifier("indicator", 1)).organisation == sector


# ---- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "line", "column", "pointer"),
    [
        (b'{"type":"bundle",\n "objects":[{"a":1,}]}', "not-json", 2, 20, "/objects/0/a"),
        (b'{"type":"bundle","objects":[\n{"a":1,"a":2}]}', "duplicate-key", 2, 8, "/objects/0/a"),
        (b'{"type":"bundle","objects":[' + b"[" * 200 + b"]" * 200 + b"]}", "too-deep", 1, None, None),
        (b'{"type":"bundle",\n"objects":["\xff\xfe"]}', "not-utf8", 2, 13, ""),
        (b'{"type":"bundle","objects":["\\u0000"]}', "nul-character", 1, 29, "/objects/0"),
        (b'{"type":"bundle","objects":[NaN]}', "not-finite", 1, 29, "/objects/0"),
        (b'{"type":"bundle","objects":[]} x', "trailing-data", 1, 32, ""),
        (b'{"hello":"world"}', "not-intelligence", 0, 0, ""),
        (b"[]", "no-objects", 0, 0, ""),
        (b"", "not-json", 1, 1, ""),
    ],
)
def test_what_is_no_sound_file_is_refused_at_the_door_with_its_place_and_nothing_is_stored(
    cast: Cast, data: bytes, code: str, line: int, column: int | None, pointer: str | None
) -> None:
    with pytest.raises(ImportRefused) as caught:
        actions.begin_import(cast.analyst.actor, data, name="bad.json", default_tlp=Tlp.AMBER)
    refused = caught.value
    assert (refused.code, refused.line) == (code, line)
    if column is not None:
        assert (refused.column, refused.pointer) == (column, pointer)
    assert _nothing_stored()


def test_a_file_over_the_limit_is_refused_before_it_is_read(cast: Cast) -> None:
    with override_settings(MAX_UPLOAD_BYTES=10), pytest.raises(ImportRefused) as caught:
        actions.begin_import(cast.analyst.actor, b"x" * 11, name="big", default_tlp=Tlp.AMBER)
    assert (caught.value.code, str(caught.value)) == (
        "too-large",
        "The file has 11 B; at most 10 B are accepted. Send it in parts.",
    )
    assert _nothing_stored()


def _nothing_stored() -> bool:
    return not (
        Import.objects.exists()
        or StixObject.objects.exists()
        or StoredFile.objects.exists()
        or FileUse.objects.exists()
        or Job.objects.exists()
        or Entry.objects.filter(verb__startswith="intel.").exists()
    )


@pytest.mark.parametrize(
    ("language", "beginning"),
    [
        ("en", "bad.json: Line 1, column 2: this is not JSON: expecting a member's name in double quotes."),
        ("fr", "Ligne 1, colonne 2\u00a0: "),
        ("ar", "السطر ١، العمود ٢: "),
    ],
)
def test_a_refusal_speaks_the_readers_language(cast: Cast, language: str, beginning: str) -> None:
    with override(language), pytest.raises(ImportRefused) as caught:
        actions.begin_import(cast.analyst.actor, b"{x}", name="bad.json", default_tlp=Tlp.AMBER)
    assert str(caught.value).startswith(beginning)


def test_one_refused_object_refuses_the_file_and_nothing_of_it_is_stored(node: Organisation) -> None:
    bad = {**indicator(2), "valid_from": "yesterday"}
    held = bring(indicator(1), bad, report(1, identifier("indicator", 1)))
    assert held.state == Import.State.REFUSED
    assert (held.counts["new"], held.counts["refused"], held.counts["errors"]) == (0, 1, 1)
    assert not StixObject.objects.exists()
    assert not Report.objects.exists()
    issue = ImportIssue.objects.get(severity="error")
    assert (issue.code, issue.place, issue.line, issue.object_id) == (
        "bad-timestamp",
        "objects/1/valid_from",
        1,
        bad["id"],
    )
    assert issue_sentence(issue.code, issue.params) == (
        "“yesterday” is no STIX timestamp; it must read like 2024-01-31T12:00:00.000Z."
    )


def test_the_rest_is_taken_when_refused_objects_are_to_be_left_out(node: Organisation) -> None:
    bad = {**indicator(2), "valid_from": "yesterday", "modified": "never"}
    held = bring(indicator(1), bad, indicator(3), leave_out_refused=True)
    assert held.state == Import.State.DONE
    # the object is counted once, whatever number of faults it has
    assert (held.counts["new"], held.counts["refused"], held.counts["errors"]) == (2, 1, 2)
    assert not StixObject.objects.filter(stix_id=bad["id"]).exists()


def test_a_version_that_is_here_with_other_content_is_told_and_kept(node: Organisation) -> None:
    bring(indicator(1, name="first"))
    held = bring(indicator(1, name="other"))
    issue = held.issues.get()
    assert (held.counts["new"], held.counts["differing"]) == (1, 1)
    assert (issue.severity, issue.code, issue.object_id) == (
        "info",
        "held-differs",
        identifier("indicator", 1),
    )
    assert issue_sentence(issue.code, issue.params).startswith("This version is here already")


def test_beyond_a_thousand_issues_of_a_kind_the_rest_is_counted(node: Organisation) -> None:
    held = bring(*({**indicator(number), "valid_from": "x"} for number in range(1, 1204)))
    assert (held.issues.count(), held.counts["not_listed"], held.counts["refused"]) == (1000, 203, 1203)


@pytest.mark.parametrize("who", ["administrator", "officer", "observer", "trainee", "stranger", "former"])
def test_who_may_not_write_brings_nothing_in(cast: Cast, who: str) -> None:
    with pytest.raises(NotAllowed):
        actions.begin_import(dict(cast)[who].actor, bundle(indicator(1)), name="file", default_tlp=Tlp.CLEAR)
    assert _nothing_stored()


def test_a_large_event_of_misp_is_converted_by_the_worker_and_not_at_the_door(
    node: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def converted(_document: object) -> None:
        raise AssertionError("the door converted it")

    with monkeypatch.context() as patched:
        patched.setattr(reading, "convert", converted)
        held = actions.begin_import(SYSTEM, json.dumps(MISP).encode(), name="x", default_tlp=Tlp.CLEAR)
    assert actions.run_import(Silent(), str(held.id))["refused"] == 0


# ---- the trail, the job, and runs that end early ----------------------------------------------------------------


def test_an_import_is_a_job_and_two_rows_of_the_trail(cast: Cast) -> None:
    held = bring(indicator(1), actor=cast.analyst.actor)
    job = Job.objects.get(kind=JOB)
    rows = Entry.objects.filter(subject=f"urn:uuid:{held.id}").order_by("id")
    assert job.subject_id == str(held.id)
    assert [(row.verb, row.actor_label) for row in rows] == [
        ("intel.import-begun", "Analyst"),
        ("intel.import-done", "Analyst"),
    ]


def test_progress_tells_objects_and_ends_at_the_whole(node: Organisation) -> None:
    data = bundle(*(indicator(number) for number in range(1, 1102)))
    held = actions.begin_import(SYSTEM, data, name="file", default_tlp=Tlp.CLEAR)
    said = Silent()
    assert actions.run_import(said, str(held.id))["new"] == 1101
    assert said.said == [(500, None), (1000, None), (500, 1101), (1000, 1101), (1101, 1101)]


class Stopped(Exception):
    """The worker died here."""


class Dying(Silent):
    """A reporter whose worker dies when so many objects are stored."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def progress(self, done: int, total: int | None = None) -> None:
        super().progress(done, total)
        if total is not None and done >= self.at:
            raise Stopped


@pytest.mark.parametrize("at", [500, 1000, 1101])
def test_an_import_that_is_run_again_after_it_broke_off_loses_and_doubles_nothing(
    node: Organisation, at: int
) -> None:
    objects = [indicator(number) for number in range(1, 1101)]
    data = bundle(*objects, report(1, *(each["id"] for each in objects[:3])))
    held = actions.begin_import(SYSTEM, data, name="file", default_tlp=Tlp.CLEAR)
    with pytest.raises(Stopped):
        actions.run_import(Dying(at), str(held.id))
    held.refresh_from_db()
    assert held.state == Import.State.WAITING
    counts = actions.run_import(Silent(), str(held.id))
    assert (counts["new"], counts["known"], counts["differing"]) == (1101, 0, 0)
    assert StixObject.objects.filter(is_current=True).count() == StixObject.objects.count() == 1101
    assert Source.objects.count() == 1101
    assert Report.objects.get().named_objects.count() == 3


def test_an_import_that_is_done_is_not_done_again(node: Organisation) -> None:
    held = bring(indicator(1))
    assert actions.run_import(Silent(), str(held.id)) == held.counts
    assert Source.objects.count() == 1


def test_an_import_whose_job_failed_for_good_says_so(node: Organisation) -> None:
    held = actions.begin_import(SYSTEM, bundle(indicator(1)), name="file", default_tlp=Tlp.CLEAR)
    actions.give_up_import(str(held.id), "OSError: disk")
    held.refresh_from_db()
    assert (held.state, held.finished is None) == (Import.State.FAILED, False)
    done = bring(indicator(1))
    actions.give_up_import(str(done.id), "too late")
    done.refresh_from_db()
    assert done.state == Import.State.DONE


# ---- real files -------------------------------------------------------------------------------------------------


# test_import_killed.py takes the same file in on both databases
@pytest.mark.any_database
@pytest.mark.slow
def test_the_real_attack_bundle_is_taken_whole(node: Organisation, data_dir: Path) -> None:
    data = gzip.decompress((data_dir / "attack" / "enterprise-attack-stix20.json.gz").read_bytes())
    held = bring(raw=data)
    assert (held.format, held.counts["new"], held.counts["refused"]) == ("stix-2.0", 24771, 0)
    assert StixObject.objects.filter(type="relationship", is_current=True).count() == 20048


def test_a_real_misp_event_is_taken_as_a_draft_report(node: Organisation, data_dir: Path) -> None:
    path = data_dir / "misp-events" / "kryptocibule__misp-kryptocibule.json"
    held = bring(raw=path.read_bytes(), tlp=Tlp.GREEN)
    made = Report.objects.get()
    assert (held.format, held.counts["new"], held.counts["refused"]) == ("misp", 317, 0)
    assert (made.title, made.state) == ("KryptoCibule", Report.State.DRAFT)


def test_a_real_file_with_a_syntax_fault_is_refused_with_its_place(cast: Cast, data_dir: Path) -> None:
    path = data_dir / "misp-events" / "pypi_backdoor__malicious_pypi_packages.misp-event.json"
    with pytest.raises(ImportRefused) as caught:
        actions.begin_import(cast.analyst.actor, path.read_bytes(), name="x", default_tlp=Tlp.CLEAR)
    assert (caught.value.line, caught.value.column) == (37374, 9)
    assert caught.value.pointer == "/response/0/Event/Tag/6"
