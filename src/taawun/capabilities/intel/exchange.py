"""How intelligence travels: the release kinds it publishes, and how it takes one in and out again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db.models import CharField, UUIDField
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from taawun.capabilities.intel.actions.reporting import KIND as REPORT
from taawun.capabilities.intel.actions.reporting import WARNING, subject_of
from taawun.capabilities.intel.actions.sighting import KIND as SIGHTING
from taawun.capabilities.intel.actions.sighting import MOST_AHEAD
from taawun.capabilities.intel.bulk import one_writer
from taawun.capabilities.intel.collecting import MOST_TRAVELLING
from taawun.capabilities.intel.composing import MAY_COUNT, identity_id
from taawun.capabilities.intel.models import Report, Sighting, StixObject
from taawun.capabilities.intel.preparing import Origin, Prepared, prepared_from, version_key
from taawun.capabilities.intel.queries import name_under
from taawun.capabilities.intel.reports import REPORT_TYPES, fill, make_together
from taawun.capabilities.intel.stix import ReadingRefused, read
from taawun.capabilities.intel.stix.validation import parse_time
from taawun.capabilities.intel.store import remove_release, store, store_together
from taawun.cooperation.federation.kinds import ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import Release
from taawun.cooperation.people.queries import host, persons_at
from taawun.foundation.clock import SKEW, now
from taawun.foundation.tlp import Tlp
from taawun.platform.web.questions import Question, given
from taawun.platform.work.rows import update_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from taawun.cooperation.federation.kinds import Arrival
    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.people.models import Organisation, Person

__all__ = ["RELEASE_KINDS"]

# what a report names and needs, and besides it: the report, what it was made from, who speaks, five markings
_MOST: Final = MOST_TRAVELLING + 8
# as many as one statement may hold
_CHUNK: Final = 5_000


# ---- taking in --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bundle:
    """What came: every object, and the one among them that the header speaks of."""

    objects: list[Prepared]
    about: Prepared


def read_report(header: Header, content: bytes) -> _Bundle:
    """Read a report with its objects.

    Raises:
        ContentRefused: the bundle is not what its header says, or something in it is not valid.
    """
    return _opened(header, content, REPORT_TYPES, "no-report")


def receive_report(arrival: Arrival) -> None:
    """Take in a report with its objects; it is the partner's, never ours to change.

    Raises:
        ContentRefused: something in it is said in our name.
    """
    release, bundle = arrival.release, _bundle_of(arrival)
    about, origin = bundle.about, _origin(arrival)
    _check_name(bundle.objects, origin)
    _store(bundle.objects, origin)
    Release.objects.filter(id=release.id).update(**Release.called(about.name))
    _show_newest(arrival, about, origin)


def _show_newest(arrival: Arrival, about: Prepared, origin: Origin) -> None:
    audience, release = about.audience(origin), arrival.release
    held = Report.objects.filter(stix_id=about.stix_id, origin=arrival.partner.node, audience=audience)
    report = held.first()
    if report is None:
        report = _new_report(about, arrival, origin.organisation)
    elif _holds_newer(report, release):
        return
    _show(report, release, about, origin.readers, arrival.topics)


def receive_reports(arrivals: Sequence[Arrival]) -> None:
    """Take in many reports of one partner, each of which names no persons, as :func:`receive_report` does one by one.

    Raises:
        ContentRefused: something in one of them is said in our name.
    """
    partner, organisation = arrivals[0].partner, host()
    origin = Origin(organisation=organisation, node=partner.node)
    bundles = [(each, _bundle_of(each)) for each in arrivals]
    _check_name([found for _each, bundle in bundles for found in bundle.objects], origin)
    store_together([(each.release, bundle.objects) for each, bundle in bundles], origin)
    for each, bundle in bundles:
        each.release.title = bundle.about.name[:300]
    update_rows((each.release for each, _bundle in bundles), ("title",))
    ids = Counter(bundle.about.stix_id for _each, bundle in bundles)
    held = set(Report.objects.filter(stix_id__in=ids, origin=partner.node).values_list("stix_id", flat=True))
    made = []
    for each, bundle in bundles:
        about = bundle.about
        if ids[about.stix_id] == 1 and about.stix_id not in held:
            report = _new_report(about, each, organisation)
            report.state, report.release = Report.State.RECEIVED, each.release
            report.topics, report.is_warning = sorted(set(each.topics)), each.release.kind == WARNING
            made.append((report, about))
        else:
            _show_newest(each, about, origin)
    make_together(made)


def _holds_newer(report: Report, release: Release) -> bool:
    """Whether a later version is here already: over another lane, or after a delay, an earlier one may follow it."""
    held = report.release
    return (
        held is not None
        and held.state == Release.State.LIVE
        and held.id != release.id
        and version_key(held.version) > version_key(release.version)
    )


def _new_report(about: Prepared, arrival: Arrival, organisation: Organisation) -> Report:
    return Report(stix_id=about.stix_id, origin=arrival.partner.node, organisation=organisation)


def _show(
    report: Report,
    release: Release,
    about: Prepared | StixObject,
    readers: Sequence[Person],
    topics: Iterable[str],
) -> None:
    report.state, report.release = Report.State.RECEIVED, release
    fill(report, about, tlp=Tlp(about.tlp), readers=readers)
    report.topics, report.is_warning = sorted(set(topics)), release.kind == WARNING
    report.persons = list(release.persons)
    report.save(update_fields=["topics", "persons", "is_warning"])


def read_sighting(header: Header, content: bytes) -> _Bundle:
    """Read a sighting, and what it is of.

    Raises:
        ContentRefused: as for a report.
    """
    return _opened(header, content, {"sighting"}, "no-sighting")


def receive_sighting(arrival: Arrival) -> None:
    """Take in a partner's sighting of something.

    Raises:
        ContentRefused: as for a report; also when another partner spoke under this identifier.
    """
    bundle = _bundle_of(arrival)
    about, origin = bundle.about, _origin(arrival)
    _check_name(bundle.objects, origin)
    # before it is looked at who spoke first: of two partners one would else replace what the other said
    one_writer()
    held = Sighting.objects.filter(stix_id=about.stix_id).first()
    if held and held.seen_by != arrival.partner.node:
        raise ContentRefused("not-theirs", "a sighting with this identifier came from somebody else")
    first, last = _seen_from(orjson.loads(about.text))
    if not first <= last <= now() + MOST_AHEAD + SKEW:
        raise ContentRefused("not-valid", "it was last seen before it was first seen, or will be")
    _store(bundle.objects, origin)
    _note(bundle, arrival.release, seen_by=arrival.partner.node)


def _note(bundle: _Bundle, release: Release, *, seen_by: str) -> None:
    about, value = bundle.about, orjson.loads(bundle.about.text)
    of = _seen(value["sighting_of_ref"], bundle.objects)
    first, last = _seen_from(value)
    Sighting.objects.update_or_create(
        stix_id=about.stix_id,
        defaults={
            "of": of,
            "count": value.get("count", 1),
            "first_seen": first,
            "last_seen": last,
            "note": about.summary,
            "tlp": about.tlp,
            "release": release,
            "seen_by": seen_by,
            "is_count": value.get("summary") is True,
            # what is a sum already is not summed again
            "may_count": value.get(MAY_COUNT) is True and value.get("summary") is not True,
            "withdrawn": None,
        },
    )
    Release.objects.filter(id=release.id).update(**Release.called(name_under(of, about.tlp)))


# Any: a STIX object is JSON of any shape
def _seen_from(value: dict[str, Any]) -> tuple[datetime, datetime]:
    """When it was seen first, and last."""
    last = _time(value.get("last_seen") or value.get("first_seen") or value["created"])
    return (_time(value["first_seen"]) if value.get("first_seen") else last), last


def _seen(stix_id: str, prepared: Collection[Prepared]) -> str:
    """What was seen: the observable, where the sighting is of observed data that came with it and names only that."""
    observed = next((each for each in prepared if each.stix_id == stix_id), None)
    if observed is None or observed.type != "observed-data":
        return stix_id
    named = [target for relation, target in observed.references if relation == "object_refs"]
    return named[0] if len(named) == 1 else stix_id


def _time(text: str) -> datetime:
    found = parse_time(text)
    if found is None:
        raise ContentRefused("not-valid", f"{text[:40]} is no time")
    return found


def _bundle_of(arrival: Arrival) -> _Bundle:
    found = arrival.read
    if not isinstance(found, _Bundle):
        raise TypeError("an arrival of intelligence is read before it is taken in")
    return found


def _opened(header: Header, content: bytes, types: Collection[str], absent: str) -> _Bundle:
    """Every object of a content, checked, and the one its header speaks of; one that is not valid refuses all."""
    try:
        reading = read(content, default_tlp=header.tlp)
    except ReadingRefused as refused:
        raise ContentRefused(refused.code, str(refused)) from None
    if reading.format != "stix-2.1":
        raise ContentRefused("not-stix-2.1", "between nodes STIX 2.1 travels and nothing else")
    prepared = list(islice(prepared_from(reading), _MOST + 1))
    if len(prepared) > _MOST:
        raise ContentRefused("too-many-objects", f"at most {_MOST} objects travel in one release")
    if reading.issues.errors:
        first = next(each for each in reading.issues if each.severity == "error")
        raise ContentRefused("not-valid", f"{first.place}: {first.code}")
    if any(each.tlp > header.tlp for each in prepared):
        # its clause was asked about the header's marking alone
        raise ContentRefused("marking", "an object is marked more strictly than the release that carries it")
    candidates = [
        each for each in prepared if each.type in types and subject_of(each.stix_id) == header.subject
    ]
    if not candidates:
        raise ContentRefused(absent, "the bundle does not hold what its header names")
    about = next((each for each in candidates if each.version == version_key(header.version)), None)
    if about is None:
        raise ContentRefused("other-version", "the bundle holds another version than its header names")
    # it travelled under the header's marking, so here it is not held under a weaker one
    marked = replace(about, tlp=header.tlp)
    return _Bundle([*(each for each in prepared if each is not about), marked], marked)


def _check_name(prepared: Collection[Prepared], origin: Origin) -> None:
    """Refuse what is said in this node's own name, unless this node said it: the reader could not tell it from ours.

    A partner that names what is ours in a report of its own sends it along.
    """
    own = identity_id()
    said = {each.stix_id: each.audience(origin) for each in prepared if own in {each.stix_id, each.creator}}
    ids = sorted(said)
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        held = StixObject.objects.filter(stix_id__in=some, origin="", state=StixObject.State.LIVE)
        ours = set(held.values_list("stix_id", "audience"))
        if any((each, "") not in ours and (each, said[each]) not in ours for each in some):
            raise ContentRefused(
                "our-name", "something in it is said in this node's name, which did not say it"
            )


def check_given_by_guest(bundle: object) -> None:
    """Hold what a guest of this node gives to what only this node may say; this node keeps none of it in its store.

    Raises:
        ContentRefused: something in it is said in this node's name.
    """
    own = identity_id()
    if isinstance(bundle, _Bundle) and any(own in {each.stix_id, each.creator} for each in bundle.objects):
        raise ContentRefused(
            "our-name", "something in it is said in the name of the node that hosts you: say it in your own"
        )


def _store(prepared: list[Prepared], origin: Origin) -> None:
    for _counts in store(prepared, origin):
        pass


def _origin(arrival: Arrival) -> Origin:
    return Origin(
        organisation=host(),
        release=arrival.release,
        node=arrival.partner.node,
        readers=_named(arrival.release),
    )


def _named(release: Release) -> list[Person]:
    """Persons whom a RED release names, of the organisation that it came to or is of; any other names nobody."""
    return persons_at(release.persons, release.organisation or host()) if release.tlp == Tlp.RED else []


# ---- taking out -------------------------------------------------------------------------------------------------


def withdraw_report(release: Release) -> None:
    """Take out a version of a report and what it brought, unless another release or import brought it too.

    Where an earlier version still stands, the report shows that one; otherwise only its place is left.
    """
    remove_release(release)
    Release.objects.filter(id=release.id).update(**Release.called(""))
    for report in Report.objects.filter(release=release):
        before = _version_before(report, release)
        if before is None:
            _close(report)
        else:
            earlier, row = before
            topics = earlier.topics.values_list("topic", flat=True)
            _show(report, earlier, row, _named(earlier), topics)


def _version_before(report: Report, gone: Release) -> tuple[Release, StixObject] | None:
    live = Release.objects.filter(subject=gone.subject, origin=gone.origin, state=Release.State.LIVE)
    releases = sorted(live.exclude(id=gone.id), key=lambda each: version_key(each.version), reverse=True)
    for release in releases:
        row = StixObject.objects.filter(
            stix_id=report.stix_id,
            sources__release=release,
            version=version_key(release.version),
            audience=report.audience,
        ).first()
        if row is not None and row.state == StixObject.State.LIVE:
            return release, row
    return None


def _close(report: Report) -> None:
    report.state, report.changed = Report.State.WITHDRAWN, now()
    report.title = report.summary = report.search = ""
    report.save(update_fields=["state", "changed", "title", "summary", "search"])
    report.named_objects.all().delete()


def withdraw_sighting(release: Release) -> None:
    """Take out a sighting."""
    remove_release(release)
    Release.objects.filter(id=release.id).update(**Release.called(""))
    Sighting.objects.filter(release=release).update(withdrawn=now(), note="")


# ---- known again after a restore -----------------------------------------------------------------------------------


def regain_report(release: Release, header: Header, content: bytes) -> None:
    """A report that this node had published and forgotten: its objects, and its page, from which it can be withdrawn.

    Who wrote it is not in what was published; so it stands under the organisation of the release, or of the node.
    """
    bundle = _opened(header, content, REPORT_TYPES, "no-report")
    about, own = bundle.about, identity_id()
    origin = Origin(organisation=release.organisation or host(), release=release, readers=_named(release))
    held = set(
        StixObject.objects.filter(stix_id__in=[each.stix_id for each in bundle.objects]).values_list(
            "stix_id", flat=True
        )
    )
    # what somebody else said and that is here still is held as they said it
    _store(
        [each for each in bundle.objects if each is about or each.creator == own or each.stix_id not in held],
        origin,
    )
    Release.objects.filter(id=release.id).update(**Release.called(about.name))
    report = Report.objects.filter(stix_id=about.stix_id, origin="").order_by("audience").first()
    if report is None:
        report = Report(stix_id=about.stix_id, organisation=origin.organisation)
    elif _holds_newer(report, release):
        return
    report.state, report.release = Report.State.PUBLISHED, release
    fill(report, about, tlp=Tlp(about.tlp), readers=origin.readers)
    report.topics = sorted(release.topics.values_list("topic", flat=True))
    report.persons, report.is_warning = list(release.persons), release.kind == WARNING
    report.save(update_fields=["topics", "persons", "is_warning"])


def regain_withdrawal(release: Release) -> None:
    """A report that this node had withdrawn."""
    Report.objects.filter(release=release, origin="").update(state=Report.State.WITHDRAWN, changed=now())


def regain_sighting(release: Release, header: Header, content: bytes) -> None:
    """A sighting that this node had told and forgotten; which person saw it was not told."""
    bundle = _opened(header, content, {"sighting"}, "no-sighting")
    _store(bundle.objects, Origin(organisation=release.organisation or host(), release=release))
    _note(bundle, release, seen_by="")


def regain_sighting_withdrawal(release: Release) -> None:
    """A sighting that this node had withdrawn."""
    Sighting.objects.filter(release=release, seen_by="").update(withdrawn=now(), note="")


# ---- addresses --------------------------------------------------------------------------------------------------


def _report_address(release: Release) -> str:
    told = _REPORTS_OF.ask(subject=release.subject)
    of_it = [(brought, report) for report, brought, origin in told if origin == release.origin_id]
    # the one it brought, else the one that most may read
    report = dict(of_it).get(release.id) or (of_it[0][1] if of_it else None)
    return reverse("report", kwargs={"report_id": report}) if report else ""


def _sighting_address(release: Release) -> str:
    seen = _SIGHTINGS_OF.ask(release=release.id)
    return reverse("object", kwargs={"stix_id": seen[0][0]}) if seen else ""


# the first page and a partner's ask for each release that they show
_REPORTS_OF: Final = Question(
    lambda: (
        Report.objects.filter(release__subject=given("subject", CharField()))
        .order_by("audience")
        .values_list("id", "release_id", "release__origin_id")
    )
)
_SIGHTINGS_OF: Final = Question(
    lambda: Sighting.objects.filter(release=given("release", UUIDField())).order_by("id").values_list("of")
)


_REPORT: Final = ReleaseKind(
    REPORT,
    _("Threat report"),
    "publish:intel",
    receive_report,
    withdraw_report,
    _report_address,
    "read:intel",
    read_report,
    receive_together=receive_reports,
    regain=regain_report,
    regain_withdrawal=regain_withdrawal,
    check_guest=check_given_by_guest,
)

RELEASE_KINDS: Final = (
    _REPORT,
    replace(_REPORT, name=WARNING, label=_("Early warning"), is_urgent=True),
    ReleaseKind(
        SIGHTING,
        _("Sighting"),
        "publish:intel",
        receive_sighting,
        withdraw_sighting,
        _sighting_address,
        "read:intel",
        read_sighting,
        regain=regain_sighting,
        regain_withdrawal=regain_sighting_withdrawal,
        check_guest=check_given_by_guest,
    ),
)
