"""Making report rows from the report objects of STIX, whoever brought them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

import orjson
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from taawun.capabilities.intel.bulk import insert, one_writer
from taawun.capabilities.intel.models import NamedReader, Report, ReportObject, ReportReader, StixObject
from taawun.capabilities.intel.preparing import Origin, audience_of
from taawun.capabilities.intel.rules import is_passed_on
from taawun.capabilities.intel.search import index_words
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.work.rows import insert_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from taawun.capabilities.intel.models import Import
    from taawun.capabilities.intel.preparing import Prepared
    from taawun.cooperation.people.models import Person

__all__ = [
    "LONGEST_TITLE",
    "REPORT_TYPES",
    "fill",
    "make_together",
    "mark",
    "name_objects",
    "name_readers",
    "reports_from_import",
    "reports_without_import",
    "technique_topics",
    "title_of",
]

T = TypeVar("T")

REPORT_TYPES: Final = frozenset({"report", "grouping"})
LONGEST_TITLE: Final = 300
# the first edition; whoever edits a report by hand makes the second
_AS_IMPORTED: Final = 1
_CHUNK: Final = 5_000
_TECHNIQUE: Final = re.compile(r"T\d{4}(\.\d{3})?")


def reports_from_import(held: Import, prepared: Sequence[Prepared]) -> list[Report]:
    """A draft of ours for every report an import brought.

    A draft that nobody has touched follows a newer version of its object that members of its own organisation bring
    for the same audience, and so does what was passed on as its author wrote it; any other report of ours is left as
    it is.
    """
    return [
        report
        for each in prepared
        if each.type in REPORT_TYPES and (report := _report_from_import(held, each)) is not None
    ]


@transaction.atomic
def _report_from_import(held: Import, each: Prepared) -> Report | None:
    # two imports of one report at once would each make it
    one_writer()
    readers = [held.person] if held.person else []
    audience = each.audience(Origin(held.organisation, imported=held, readers=readers))
    report = (
        Report.objects.select_for_update().filter(stix_id=each.stix_id, origin="", audience=audience).first()
    )
    if report is None:
        report = Report(stix_id=each.stix_id, organisation=held.organisation, author=held.person)
    elif (
        report.organisation_id != held.organisation_id
        or not _is_as_imported(report)
        or not _is_newest(each, audience)
    ):
        return None
    fill(report, each, tlp=max(each.tlp, Tlp(report.tlp or 0)), readers=readers)
    return report


def _is_as_imported(report: Report) -> bool:
    if report.state == Report.State.DRAFT:
        return report.edition == _AS_IMPORTED
    return is_passed_on(report)


def _is_newest(each: Prepared, audience: str) -> bool:
    held = StixObject.objects.filter(stix_id=each.stix_id, digest=each.digest, audience=audience)
    return held.filter(is_current=True).exists()


def mark(report: Report, tlp: Tlp, readers: Iterable[Person]) -> None:
    """Mark a report, and say whom it is for; the caller saves it.

    Args:
        report: new or held.
        tlp: the marking.
        readers: whom it names here if it is RED; its author always reads it.
    """
    persons = {person.pk for person in readers} | ({report.author_id} if report.author_id else set())
    report.tlp, report.audience = tlp, audience_of(tlp, report.organisation_id, persons)


def reports_without_import(held: Import, stix_ids: Iterable[str]) -> None:
    """Take back what an import did to drafts: those it made go, those that followed it show what is held now.

    Args:
        held: an import that broke off.
        stix_ids: what it had brought; it is taken back already.
    """
    reports = [each for each in stix_ids if each.partition("--")[0] in REPORT_TYPES]
    for report in Report.objects.filter(stix_id__in=reports, origin=""):
        if not _is_as_imported(report):
            continue
        held_for_it = StixObject.objects.filter(stix_id=report.stix_id, audience=report.audience)
        shown = held_for_it.filter(origin="", is_current=True).first()
        if shown is not None:
            readers = [report.author] if report.author else []
            fill(report, shown, tlp=Tlp(report.tlp), readers=readers)
        elif report.created >= held.created:
            report.delete()


def title_of(each: Prepared | StixObject) -> str:
    """What a report is called by its STIX object."""
    return (each.name or each.stix_id)[:LONGEST_TITLE]


def fill(report: Report, each: Prepared | StixObject, *, tlp: Tlp, readers: Iterable[Person]) -> None:
    """Write a report row from its STIX object, with the objects it names.

    Args:
        report: new or held.
        each: its STIX object.
        tlp: the marking of the report; never weaker than that of its object.
        readers: whom it names here if it is RED.
    """
    readers = list(readers)
    refs = _write(report, each, tlp, readers)
    report.topics = technique_topics(refs, report)
    report.save()
    name_objects(report, refs)
    name_readers(report, readers)


def make_together(made: Iterable[tuple[Report, Prepared]]) -> None:
    """Make many new reports, with the objects they name; each is marked as its object is, and none is RED.

    Args:
        made: new rows with their topics, each with its STIX object.
    """
    refs = [(report, _write(report, each, each.tlp, ())) for report, each in made]
    insert_rows(report for report, _refs in refs)
    named = ((report.pk, each) for report, stix_ids in refs for each in dict.fromkeys(stix_ids))
    insert(ReportObject, ("report", "stix_id"), named)


def _write(report: Report, each: Prepared | StixObject, tlp: Tlp, readers: Iterable[Person]) -> list[str]:
    """What a report's row says by its STIX object, all but its topics; identifiers of what it names."""
    value = orjson.loads(each.text)
    report.title = title_of(each)
    report.summary = each.summary
    report.search = index_words(f"{report.title} {report.summary}")
    mark(report, tlp, readers)
    report.languages = [value["lang"]] if isinstance(value.get("lang"), str) else []
    report.changed = now()
    return [ref for ref in value.get("object_refs", []) if isinstance(ref, str)]


def name_objects(report: Report, stix_ids: Collection[str]) -> None:
    """Let a report speak of these objects and no others."""
    held = ReportObject.objects.filter(report=report)
    wanted = dict.fromkeys(stix_ids)
    gone = [row for row, stix_id in held.values_list("id", "stix_id") if stix_id not in wanted]
    for some in _chunks(gone):
        ReportObject.objects.filter(id__in=some).delete()
    # a report may name a hundred thousand, and nobody else writes meanwhile
    insert(
        ReportObject,
        ("stix_id",),
        ((each,) for each in wanted),
        same={"report": report.pk},
        skip_known=True,
    )


def name_readers(report: Report, persons: Iterable[Person]) -> None:
    """Let a RED report name these persons of this node and no others; any other report names nobody."""
    wanted = {person.pk for person in persons} if report.tlp == Tlp.RED else set()
    ReportReader.objects.filter(report=report).exclude(person__in=wanted).delete()
    ReportReader.objects.bulk_create(
        (ReportReader(report=report, person_id=each) for each in sorted(wanted)), ignore_conflicts=True
    )


def technique_topics(stix_ids: Collection[str], report: Report) -> list[str]:
    """The ATT&CK techniques among these objects, as topics: ``attack:T1566.002``.

    Args:
        stix_ids: what the report names.
        report: whose topics they become; what its readers may not see gives it none.
    """
    patterns = [each for each in stix_ids if each.startswith("attack-pattern--")]
    held = StixObject.objects.filter(_known_to_readers(report), is_current=True)
    texts = (
        text
        for some in _chunks(patterns)
        for text in held.filter(stix_id__in=some).values_list("text", flat=True)
    )
    return sorted({topic for text in texts for topic in _topics_in(text)})


def _topics_in(text: str) -> Iterator[str]:
    for reference in orjson.loads(text).get("external_references", []):
        external = reference.get("external_id", "")
        if reference.get("source_name") == "mitre-attack" and _TECHNIQUE.fullmatch(external):
            yield f"attack:{external}"


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many as one statement may hold: SQLite counts them, and a file may name more."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


def _known_to_readers(report: Report) -> Q:
    """Objects that everybody who may read the report may see."""
    known = Q(tlp__lte=Tlp.AMBER)
    if report.tlp >= Tlp.AMBER_STRICT:
        known |= Q(tlp=Tlp.AMBER_STRICT, organisation=report.organisation_id)
    if report.tlp == Tlp.RED and report.author_id:
        named = NamedReader.objects.filter(source__object=OuterRef("pk"), person=report.author_id)
        known |= Q(tlp=Tlp.RED) & Q(Exists(named))
    return known
