"""Making report rows from the report objects of STIX, whoever brought them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from taawun.capabilities.intel.models import Report, ReportObject, ReportReader, StixObject
from taawun.foundation.clock import now
from taawun.foundation.folding import search_text
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from taawun.capabilities.intel.models import Import
    from taawun.capabilities.intel.store import Prepared
    from taawun.cooperation.people.models import Person

__all__ = ["REPORT_TYPES", "fill", "reports_from_import", "technique_topics"]

REPORT_TYPES: Final = frozenset({"report", "grouping"})
_TECHNIQUE: Final = re.compile(r"T\d{4}(\.\d{3})?")


def reports_from_import(held: Import, prepared: Sequence[Prepared]) -> list[Report]:
    """A draft of ours for every report an import brought; one that is here already is left as it is."""
    made = []
    for each in prepared:
        if each.type not in REPORT_TYPES or Report.objects.filter(stix_id=each.stix_id).exists():
            continue
        report = Report(stix_id=each.stix_id, organisation=held.organisation, author=held.person)
        fill(report, each, readers=[held.person] if held.person else [])
        made.append(report)
    return made


def fill(report: Report, each: Prepared, *, readers: Iterable[Person]) -> None:
    """Write a report row from its STIX object, with the objects it names.

    Args:
        report: new or held.
        each: its STIX object.
        readers: whom it names here if it is RED.
    """
    value = orjson.loads(each.text)
    refs = [ref for ref in value.get("object_refs", []) if isinstance(ref, str)]
    report.title = (each.name or each.stix_id)[:300]
    report.summary = each.summary
    report.search = search_text(report.title, report.summary)
    report.tlp = each.tlp
    report.languages = [value["lang"]] if isinstance(value.get("lang"), str) else []
    report.topics = technique_topics(refs)
    report.changed = now()
    report.save()
    ReportObject.objects.filter(report=report).exclude(stix_id__in=refs).delete()
    ReportObject.objects.bulk_create(
        (ReportObject(report=report, stix_id=ref[:160]) for ref in dict.fromkeys(refs)), ignore_conflicts=True
    )
    if each.tlp == Tlp.RED:
        ReportReader.objects.bulk_create(
            (ReportReader(report=report, person=person) for person in readers), ignore_conflicts=True
        )


def technique_topics(stix_ids: Collection[str]) -> list[str]:
    """The ATT&CK techniques among these objects, as topics: ``attack:T1566.002``."""
    patterns = [each for each in stix_ids if each.startswith("attack-pattern--")]
    topics = set()
    texts = StixObject.objects.filter(stix_id__in=patterns, is_current=True).values_list("text", flat=True)
    for text in texts:
        for reference in orjson.loads(text).get("external_references", []):
            external = reference.get("external_id", "")
            if reference.get("source_name") == "mitre-attack" and _TECHNIQUE.fullmatch(external):
                topics.add(f"attack:{external}")
    return sorted(topics)
