"""How intelligence travels: the release kinds it publishes, and how it takes one in and out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from taawun.capabilities.intel.actions.reporting import KIND as REPORT
from taawun.capabilities.intel.actions.reporting import subject_of
from taawun.capabilities.intel.actions.sighting import KIND as SIGHTING
from taawun.capabilities.intel.composing import instant
from taawun.capabilities.intel.models import Report, Sighting
from taawun.capabilities.intel.reports import REPORT_TYPES, fill
from taawun.capabilities.intel.stix import ReadingRefused, read
from taawun.capabilities.intel.store import Origin, Prepared, prepare, remove_release, store
from taawun.cooperation.federation.kinds import ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import Release
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.queries import host
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from taawun.cooperation.federation.kinds import Arrival

__all__ = ["RELEASE_KINDS"]


def receive_report(arrival: Arrival) -> None:
    """Take in a report with its objects; it is the partner's, never ours to change."""
    release = arrival.release
    prepared = _prepared(arrival)
    about = next(
        (
            each
            for each in prepared
            if each.type in REPORT_TYPES and subject_of(each.stix_id) == release.subject
        ),
        None,
    )
    if about is None:
        raise ContentRefused("no-report", "the bundle does not hold the report that its header names")
    report = Report.objects.filter(stix_id=about.stix_id).first()
    if report and (report.release is None or report.release.origin_id != release.origin_id):
        raise ContentRefused("not-theirs", "a report with this identifier came from somebody else")
    _store(arrival, prepared)
    report = report or Report(stix_id=about.stix_id, organisation=host())
    report.state, report.release = Report.State.RECEIVED, release
    fill(report, about, readers=_named(release))
    report.topics = sorted(release.topics.values_list("topic", flat=True))
    report.persons = list(release.persons)
    report.save(update_fields=["topics", "persons"])
    Release.objects.filter(id=release.id).update(title=report.title)


def receive_sighting(arrival: Arrival) -> None:
    """Take in a partner's sighting of something."""
    prepared = _prepared(arrival)
    about = next((each for each in prepared if subject_of(each.stix_id) == arrival.release.subject), None)
    if about is None or about.type != "sighting":
        raise ContentRefused("no-sighting", "the bundle does not hold the sighting that its header names")
    held = Sighting.objects.filter(stix_id=about.stix_id).first()
    if held and held.seen_by != arrival.partner.node:
        raise ContentRefused("not-theirs", "a sighting with this identifier came from somebody else")
    _store(arrival, prepared)
    value = orjson.loads(about.text)
    moment = value.get("last_seen", value["created"])
    Sighting.objects.update_or_create(
        stix_id=about.stix_id,
        defaults={
            "of": value["sighting_of_ref"][:160],
            "count": value.get("count", 1),
            "first_seen": instant(value.get("first_seen", moment)),
            "last_seen": instant(moment),
            "note": value.get("description", ""),
            "tlp": about.tlp,
            "release": arrival.release,
            "seen_by": arrival.partner.node,
            "withdrawn": None,
        },
    )


def _prepared(arrival: Arrival) -> list[Prepared]:
    """Every object of an arrival, checked; one that is not valid refuses the whole."""
    release = arrival.release
    try:
        reading = read(arrival.content, default_tlp=Tlp(release.tlp))
    except ReadingRefused as refused:
        raise ContentRefused(refused.code, str(refused)) from None
    prepared = [prepare(each) for each in reading.objects]
    if reading.issues.errors:
        first = next(each for each in reading.issues if each.severity == "error")
        raise ContentRefused("not-valid", f"{first.place}: {first.code}")
    if any(each.tlp > release.tlp for each in prepared):
        # its clause was asked about the header's marking alone
        raise ContentRefused("marking", "an object is marked more strictly than the release that carries it")
    return prepared


def _store(arrival: Arrival, prepared: list[Prepared]) -> None:
    origin = Origin(
        organisation=host(),
        release=arrival.release,
        node=arrival.partner.node,
        readers=_named(arrival.release),
    )
    for _counts in store(prepared, origin):
        pass


def _named(release: Release) -> list[Person]:
    """Persons of this node whom a RED release names."""
    return [person for address in release.persons for person in Person.objects.filter(email__iexact=address)]


def withdraw(release: Release) -> None:
    """Take out what a release brought, unless another one brought it too."""
    remove_release(release.id)
    for report in Report.objects.filter(release=release):
        report.state, report.summary, report.search, report.changed = Report.State.WITHDRAWN, "", "", now()
        report.save(update_fields=["state", "summary", "search", "changed"])
        report.named_objects.all().delete()
    Sighting.objects.filter(release=release).update(withdrawn=now(), note="")


def _report_address(release: Release) -> str:
    report = Report.objects.filter(release=release).first()
    return reverse("report", kwargs={"report_id": report.id}) if report else ""


RELEASE_KINDS: Final = (
    ReleaseKind(REPORT, _("Threat report"), "publish:intel", receive_report, withdraw, _report_address),
    ReleaseKind(SIGHTING, _("Sighting"), "publish:intel", receive_sighting, withdraw, lambda _release: ""),
)
