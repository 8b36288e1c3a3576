"""Writing reports, and publishing, renewing and withdrawing them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.capabilities.intel.collecting import collect
from taawun.capabilities.intel.composing import bundle, report_object
from taawun.capabilities.intel.errors import EditedMeanwhile, ReportRefused
from taawun.capabilities.intel.models import Report, ReportObject, ReportReader, StixObject
from taawun.capabilities.intel.rules import can_edit, can_publish, can_withdraw, visible_objects
from taawun.capabilities.intel.stix import validate
from taawun.capabilities.intel.store import Origin as StoredFrom
from taawun.capabilities.intel.store import Prepared, store, version_key
from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.federation import actions as federation
from taawun.cooperation.federation.decisions import Preview, preview
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.origins import narrowest
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.models import Organisation, Person
from taawun.cooperation.people.queries import host
from taawun.cooperation.people.rules import ensure, require
from taawun.foundation.clock import now
from taawun.foundation.folding import search_text
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Collection

    from taawun.capabilities.intel.collecting import Collected
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "KIND",
    "ReportFields",
    "create_report",
    "edit_report",
    "preview_report",
    "publish_report",
    "subject_of",
    "urn",
    "withdraw_report",
]

KIND: Final = "intel.report"
_TOPIC: Final = re.compile(r"[a-z0-9][a-z0-9-]*:\S{1,120}")
_MOST_OBJECTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class ReportFields:
    """What a person writes of a report.

    Args:
        title: at most 300 characters.
        summary: Markdown-free text, at most 100,000 characters.
        tlp: its marking.
        topics: ``vocabulary:id`` terms.
        object_ids: STIX identifiers of what it speaks of.
        languages: BCP 47 codes.
        persons: for RED: e-mail addresses of the persons it is for.
    """

    title: str
    summary: str
    tlp: Tlp
    topics: tuple[str, ...] = ()
    object_ids: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()


def urn(report: Report) -> str:
    """The report as audit names it."""
    return f"urn:uuid:{report.id}"


def subject_of(stix_id: str) -> str:
    """What a release about a STIX object is about."""
    return f"urn:taawun:stix:{stix_id}"


@transaction.atomic
def create_report(actor: Actor, fields: ReportFields) -> Report:
    """Begin a report; it is a draft that nobody outside sees.

    Raises:
        NotAllowed: the actor may not.
        ReportRefused: with the field that is wrong.
    """
    require(actor, "write:intel")
    report = Report(
        stix_id=f"report--{uuid.uuid4()}",
        organisation=_organisation(actor),
        author_id=actor.id if isinstance(actor, PersonActor) else None,
    )
    _write(actor, report, fields)
    record(actor, "intel.report-created", urn(report), {})
    return report


@transaction.atomic
def edit_report(actor: Actor, report: Report, fields: ReportFields, *, edition: int) -> Report:
    """Change a report of ours. Receivers see the change when it is published as a new version.

    Args:
        actor: who.
        report: which.
        fields: all of its fields.
        edition: the edition the editor had before them.

    Raises:
        NotAllowed: the actor may not, or the report is not ours.
        EditedMeanwhile: somebody else changed it.
        ReportRefused: with the field that is wrong.
    """
    require(actor, "write:intel")
    held = Report.objects.select_for_update().get(id=report.id)
    ensure(can_edit(held))
    if held.edition != edition:
        raise EditedMeanwhile(
            "edited-meanwhile",
            _("Somebody else changed this report meanwhile. Load it again and repeat your change."),
        )
    if fields.tlp < held.tlp and held.state == Report.State.PUBLISHED:
        raise ReportRefused("tlp-lowered", _("The marking of a published report is never lowered."), "tlp")
    held.edition += 1
    _write(actor, held, fields)
    record(actor, "intel.report-edited", urn(held), {"edition": held.edition})
    return held


def _write(actor: Actor, report: Report, fields: ReportFields) -> None:
    _check(actor, fields)
    report.title, report.summary, report.tlp = fields.title.strip(), fields.summary.strip(), fields.tlp
    report.topics = sorted(set(fields.topics))
    report.languages, report.persons = list(fields.languages), list(fields.persons)
    report.search = search_text(report.title, report.summary)
    report.changed = now()
    report.save()
    ReportObject.objects.filter(report=report).exclude(stix_id__in=fields.object_ids).delete()
    ReportObject.objects.bulk_create(
        (ReportObject(report=report, stix_id=each) for each in dict.fromkeys(fields.object_ids)),
        ignore_conflicts=True,
    )
    if isinstance(actor, PersonActor) and fields.tlp == Tlp.RED:
        named = Person.objects.filter(email__in=fields.persons)
        ReportReader.objects.bulk_create(
            (ReportReader(report=report, person=person) for person in named), ignore_conflicts=True
        )


def _check(actor: Actor, fields: ReportFields) -> None:
    if not fields.title.strip() or len(fields.title) > 300:  # noqa: PLR2004 - the column's length
        raise ReportRefused("title", _("A report needs a title of at most 300 characters."), "title")
    if len(fields.summary) > 100_000:  # noqa: PLR2004 - more than any summary
        raise ReportRefused("summary", _("The summary is longer than 100,000 characters."), "summary")
    for topic in fields.topics:
        if not _TOPIC.fullmatch(topic):
            raise ReportRefused(
                "topics",
                _("“%(topic)s” is no topic: write vocabulary:id, as in attack:T1566.") % {"topic": topic},
                "topics",
            )
    if len(fields.object_ids) > _MOST_OBJECTS:
        raise ReportRefused("objects", _("A report speaks of at most 20,000 objects."), "objects")
    seen = set(
        StixObject.objects.filter(
            visible_objects(actor), stix_id__in=fields.object_ids, is_current=True
        ).values_list("stix_id", flat=True)
    )
    missing = [each for each in fields.object_ids if each not in seen]
    if missing:
        raise ReportRefused(
            "objects",
            _("There is no such object here: %(object)s.") % {"object": missing[0][:160]},
            "objects",
        )


def preview_report(actor: Actor, report: Report, audience: Collection[str] | None = None) -> Preview:
    """Who would receive the report, by which clause; who would not, and why. Changes nothing.

    Raises:
        NotAllowed: the actor may not publish it.
        ReportRefused: it cannot be published as it is.
    """
    require(actor, "publish:intel")
    ensure(can_publish(report))
    return preview(_draft(report, _collect(actor, report), b"{}", "").facts(audience))


@transaction.atomic
def publish_report(
    actor: Actor, report: Report, audience: Collection[str] | None = None, *, edition: int | None = None
) -> Report:
    """Sign the report with its objects and send it to whom the clauses allow.

    Args:
        actor: who.
        report: which.
        audience: party keys that were chosen; None for all the clauses allow.
        edition: the edition the publisher had before them, if it is to be held to it.

    Raises:
        NotAllowed: the actor may not.
        EditedMeanwhile: somebody else changed it since.
        ReportRefused: it cannot be published as it is; the message says what to mend.
        NobodyReceives: no clause in force allows it to anybody.
    """
    require(actor, "publish:intel")
    held = Report.objects.select_for_update().get(id=report.id)
    ensure(can_publish(held))
    if edition is not None and held.edition != edition:
        raise EditedMeanwhile(
            "edited-meanwhile",
            _("Somebody else changed this report meanwhile. Look at it again before it is published."),
        )
    collected = _collect(actor, held)
    value = report_object(held, _previous(held), collected.refs, now())
    text = orjson.dumps(value).decode()
    problems = [each for each in validate(value, size=len(text)) if each.severity == "error"]
    if problems:
        raise ReportRefused(
            "not-valid", _("The report cannot be written as STIX: %(code)s.") % {"code": problems[0].code}
        )
    content = bundle([text, *collected.texts], sorted({Tlp(held.tlp), *collected.levels}))
    if len(content) > settings.MAX_UPLOAD_BYTES:
        raise ReportRefused(
            "too-large",
            _("With its objects the report is larger than a partner accepts. Leave some out."),
            "objects",
        )
    release = federation.publish(actor, _draft(held, collected, content, value["modified"]), audience)
    _keep_version(held, value, text, release)
    held.state, held.release, held.changed = Report.State.PUBLISHED, release, now()
    held.save(update_fields=["state", "release", "changed"])
    record(actor, "intel.report-published", urn(held), {"version": release.version})
    return held


def _collect(actor: Actor, report: Report) -> Collected:
    collected = collect(actor, report)
    if not collected.refs:
        raise ReportRefused(
            "no-objects", _("A report speaks of at least one object. Add one first."), "objects"
        )
    stricter = [each for each in collected.stricter]
    if stricter:
        raise ReportRefused(
            "stricter-objects",
            _(
                "%(count)s of its objects are marked more strictly than the report, the first is %(object)s. Raise the "
                "report's marking or leave them out."
            )
            % {"count": len(stricter), "object": stricter[0]},
            "tlp",
        )
    return collected


def _draft(report: Report, collected: Collected, content: bytes, version: str) -> federation.Draft:
    return federation.Draft(
        kind=KIND,
        subject=subject_of(report.stix_id),
        version=version,
        title=report.title,
        tlp=Tlp(report.tlp),
        content=content,
        topics=frozenset(report.topics),
        languages=tuple(report.languages),
        persons=tuple(report.persons),
        origin=narrowest(collected.origins, current_policy()),
    )


def _previous(report: Report) -> dict[str, Any] | None:
    # Any: a STIX object is JSON of any shape
    held = StixObject.objects.filter(stix_id=report.stix_id, is_current=True).first()
    return orjson.loads(held.text) if held else None


def _keep_version(report: Report, value: dict[str, Any], text: str, release: Release) -> None:
    prepared = Prepared(
        stix_id=report.stix_id,
        type=value["type"],
        version=version_key(value["modified"]),
        name=report.title,
        summary=report.summary,
        search=report.search,
        tlp=Tlp(report.tlp),
        text=text,
        received="",
        references=tuple(("object_refs", ref) for ref in value["object_refs"]),
    )
    readers = [each.person for each in report.readers.select_related("person")]
    for _counts in store([prepared], StoredFrom(report.organisation, release=release, readers=readers)):
        pass


@transaction.atomic
def withdraw_report(actor: Actor, report: Report, reason: str) -> Report:
    """Take a published report back in all its versions, at every receiver.

    Raises:
        NotAllowed: the actor may not, or this node did not publish it.
    """
    require(actor, "publish:intel")
    held = Report.objects.select_for_update().get(id=report.id)
    ensure(can_withdraw(held))
    live = Release.objects.filter(
        subject=subject_of(held.stix_id), origin__isnull=True, state=Release.State.LIVE
    )
    for release in live:
        federation.withdraw(actor, release, reason)
    held.state, held.changed = Report.State.WITHDRAWN, now()
    held.save(update_fields=["state", "changed"])
    record(actor, "intel.report-withdrawn", urn(held), {"reason": reason[:2000]})
    return held


def _organisation(actor: Actor) -> Organisation:
    if isinstance(actor, PersonActor) and actor.organisations:
        own = host()
        if own.id not in actor.organisations:
            return Organisation.objects.filter(id__in=actor.organisations).order_by("created")[0]
    return host()
