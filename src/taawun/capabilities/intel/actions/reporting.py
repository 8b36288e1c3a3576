"""Writing reports, and publishing, renewing and withdrawing them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.capabilities.intel.actions.leaving import LeavesAs, keep_version, leaving_of, subject_of
from taawun.capabilities.intel.bulk import one_writer
from taawun.capabilities.intel.collecting import MOST_TRAVELLING, collect
from taawun.capabilities.intel.composing import (
    bundle,
)
from taawun.capabilities.intel.errors import EditedMeanwhile, ReportRefused
from taawun.capabilities.intel.models import Report, StixObject
from taawun.capabilities.intel.queries import home_of
from taawun.capabilities.intel.reports import LONGEST_TITLE, mark, name_objects, name_readers
from taawun.capabilities.intel.rules import (
    can_edit,
    can_publish,
    can_withdraw,
    visible_objects,
)
from taawun.capabilities.intel.search import index_words
from taawun.cooperation.agreements.document import TOPIC
from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.federation import actions as federation
from taawun.cooperation.federation.bounds import MOST_LANGUAGES, MOST_PERSONS
from taawun.cooperation.federation.decisions import Preview, preview
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.origins import narrowest
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.federation.standing import may_be_public
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.queries import persons_at
from taawun.cooperation.people.rules import ensure, require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.web.formats import number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from taawun.capabilities.intel.collecting import Collected
    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.rules import Answer

__all__ = [
    "KIND",
    "WARNING",
    "Previewed",
    "ReportFields",
    "create_report",
    "edit_report",
    "faults_of",
    "preview_report",
    "publish_report",
    "subject_of",
    "urn",
    "withdraw_report",
]

KIND: Final = "intel.report"
# a report that goes before everything else; clauses speak of it by itself
WARNING: Final = "intel.warning"
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_LONGEST_SUMMARY: Final = 100_000
_MOST_OBJECTS: Final = 20_000
_MOST_TOPICS: Final = 500
_LONGEST_REASON: Final = 2000
# of the slowest line that is thought of, 64 kbit/s, it takes half a minute
_MOST_OF_A_WARNING: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class ReportFields:
    """What a person writes of a report.

    Args:
        title: at most 300 characters.
        summary: plain text, at most 100,000 characters.
        tlp: its marking.
        topics: ``vocabulary:id`` terms.
        object_ids: STIX identifiers of what it speaks of.
        languages: BCP 47 codes.
        persons: for RED: e-mail addresses of the persons it is for.
        is_warning: whether it goes as an early warning, before everything else and under a kind of its own.
    """

    title: str
    summary: str
    tlp: Tlp
    topics: tuple[str, ...] = ()
    object_ids: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Previewed(Preview):
    """What publishing a report would do: who would receive it and who would not, and what would go.

    Args:
        receivers: who would receive it.
        others: who would not.
        objects: how many objects would go with it.
        missing: identifiers of objects it names that stay behind, because the publisher may not see them or they
            are here no more.
        leaves_as: ``own``, what we wrote; ``passed-on``, what somebody else wrote, to the letter; ``derived``, a
            report of ours that was made from somebody else's.
        public: whether it may go over the public lane, to anybody at all.
    """

    objects: int
    missing: tuple[str, ...]
    leaves_as: LeavesAs
    public: Answer


def urn(report: Report) -> str:
    """The report as audit names it."""
    return f"urn:uuid:{report.id}"


# ---- writing ----------------------------------------------------------------------------------------------------


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
        organisation=home_of(actor),
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
    held = _locked(report, edition)
    ensure(can_edit(actor, held))
    floor = _floor(actor, held)
    if fields.tlp < floor:
        raise ReportRefused(
            "tlp-lowered",
            _("This report was marked %(tlp)s before. A marking is never lowered.") % {"tlp": floor.label},
            "tlp",
        )
    held.edition += 1
    _write(actor, held, fields)
    record(actor, "intel.report-edited", urn(held), {"edition": held.edition})
    return held


def _locked(report: Report, edition: int | None) -> Report:
    held = Report.objects.select_for_update().get(id=report.id)
    if edition is not None and held.edition != edition:
        raise EditedMeanwhile(
            "edited-meanwhile",
            _("Somebody else changed this report meanwhile. Load it again and repeat what you did."),
        )
    return held


def _floor(actor: Actor, report: Report) -> Tlp:
    """The weakest marking it may have: that under which it was published, and those of its versions.

    Only of versions that the actor may see: what somebody else marked strictly for themselves binds nobody.
    """
    versions = StixObject.objects.filter(visible_objects(actor), stix_id=report.stix_id, origin="")
    published = report.tlp if report.state == Report.State.PUBLISHED else Tlp.CLEAR
    return max(Tlp(each) for each in (published, *versions.values_list("tlp", flat=True)))


def _write(actor: Actor, report: Report, fields: ReportFields) -> None:
    for fault in faults_of(actor, fields):
        raise fault
    report.title, report.summary = fields.title.strip(), fields.summary.strip()
    readers = persons_at(fields.persons, report.organisation)
    mark(report, fields.tlp, readers)
    _check_alone(report)
    report.topics = sorted(set(fields.topics))
    report.languages = list(fields.languages)
    report.is_warning = fields.is_warning
    # each once, in whatever letters
    report.persons = list({each.lower(): each for each in fields.persons}.values())
    report.search = index_words(f"{report.title} {report.summary}")
    report.changed = now()
    report.save()
    name_objects(report, fields.object_ids)
    name_readers(report, readers)


def _check_alone(report: Report) -> None:
    """Refuse a marking under which the same readers have another report of ours with this identifier."""
    others = Report.objects.filter(stix_id=report.stix_id, origin="", audience=report.audience)
    if others.exclude(pk=report.pk).exists():
        raise ReportRefused(
            "held-already",
            _("Its readers would have this report twice. Open the other one, or choose another marking."),
            "tlp",
        )


def faults_of(actor: Actor, fields: ReportFields) -> Iterator[ReportRefused]:
    """All that is wrong with what a person wrote, each with its field; the first of them is why it is not saved.

    Args:
        actor: who, for what they may see.
        fields: what they wrote.
    """
    if not fields.title.strip() or len(fields.title) > LONGEST_TITLE:
        yield ReportRefused("title", _("A report needs a title of at most 300 characters."), "title")
    if len(fields.summary) > _LONGEST_SUMMARY:
        yield ReportRefused("summary", _("The summary is longer than 100,000 characters."), "summary")
    yield from _faulty_terms(fields)
    if len(fields.object_ids) > _MOST_OBJECTS:
        yield ReportRefused("objects", _("A report speaks of at most 20,000 objects."), "objects")
        return
    visible = StixObject.objects.filter(visible_objects(actor), is_current=True)
    seen = set(visible.filter(stix_id__in=fields.object_ids).values_list("stix_id", flat=True))
    missing = [each for each in fields.object_ids if each not in seen]
    if missing:
        yield ReportRefused(
            "objects",
            _("There is no such object here: %(object)s.") % {"object": missing[0][:160]},
            "objects",
        )


def _faulty_terms(fields: ReportFields) -> Iterator[ReportRefused]:
    for name, terms, most in (
        ("topics", fields.topics, _MOST_TOPICS),
        ("languages", fields.languages, MOST_LANGUAGES),
        ("persons", fields.persons, MOST_PERSONS),
    ):
        if len(terms) > most:
            yield ReportRefused(
                name, _("At most %(most)s entries can stand here.") % {"most": number(most)}, name
            )
    for topic in fields.topics:
        if not TOPIC.fullmatch(topic):
            yield ReportRefused(
                "topics",
                _(
                    "“%(topic)s” is no topic: write the short name of a vocabulary, a colon and the identifier of a "
                    "term in it, as in attack:T1566 for technique T1566 of ATT&CK."
                )
                % {"topic": topic[:80]},
                "topics",
            )
    for language in fields.languages:
        if not _LANGUAGE.fullmatch(language):
            yield ReportRefused(
                "languages",
                _("“%(language)s” is no language code: write it as in en or pt-BR.")
                % {"language": language[:80]},
                "languages",
            )
    for person in fields.persons:
        if "@" not in person.strip("@") or len(person) > 254 or any(map(str.isspace, person)):  # noqa: PLR2004 - RFC 5321
            yield ReportRefused(
                "persons", _("“%(person)s” is no e-mail address.") % {"person": person[:80]}, "persons"
            )
    if fields.tlp == Tlp.RED and not fields.persons:
        yield ReportRefused(
            "persons", _("TLP:RED is for the persons it names. Write their e-mail addresses."), "persons"
        )


# ---- publishing -------------------------------------------------------------------------------------------------


def preview_report(actor: Actor, report: Report, audience: Collection[str] | None = None) -> Previewed:
    """Who would receive the report, by which clause; who would not, and why. Changes nothing.

    Args:
        actor: who asks.
        report: which.
        audience: party keys that were chosen; None for all the clauses allow.

    Raises:
        NotAllowed: the actor may not publish it.
        ReportRefused: it cannot be published as it is.
    """
    require(actor, "publish:intel")
    ensure(can_publish(actor, report))
    collected = _collect(actor, report)
    leaving = leaving_of(actor, report, collected)
    facts = _draft(report, collected, b"{}", "").facts(audience)
    decided = preview(facts)
    return Previewed(
        decided.receivers,
        decided.others,
        len(collected.texts),
        collected.missing,
        leaving.leaves_as,
        may_be_public(facts),
    )


@transaction.atomic
def publish_report(
    actor: Actor,
    report: Report,
    audience: Collection[str] | None = None,
    *,
    edition: int | None = None,
    in_public: bool = False,
) -> Report:
    """Sign the report with its objects and send it to whom the clauses allow.

    A report that was imported and stands as its author wrote it is passed on to the letter: the author stays its
    author, and the signed header says that it came through us. Once somebody here has changed it, it leaves as a
    report of ours, under an identifier of its own and derived from theirs (STIX 2.1, section 3.6.2).

    Args:
        actor: who.
        report: which.
        audience: party keys that were chosen; None for all the clauses allow.
        edition: the edition the publisher had before them, if it is to be held to it.
        in_public: whether it goes over the public lane, to anybody at all, as well.

    Raises:
        NotAllowed: the actor may not, or not to everybody.
        EditedMeanwhile: somebody else changed or published it since.
        ReportRefused: it cannot be published as it is; the message says what to mend.
        NobodyReceives: no clause in force allows it to anybody, and it does not go to everybody.
        ReleaseRefused: it may not go to everybody; the message says why.
    """
    require(actor, "publish:intel")
    # before the report is locked: an import locks the next version of it while it writes to the store
    one_writer()
    held = _locked(report, edition)
    ensure(can_publish(actor, held))
    collected = _collect(actor, held)
    leaving = leaving_of(actor, held, collected)
    held.stix_id = leaving.objects[0].stix_id
    texts = [*(each.text for each in leaving.objects), *collected.texts]
    content = bundle(texts, sorted({Tlp(held.tlp), *collected.levels}))
    if len(content) > settings.MAX_UPLOAD_BYTES:
        raise ReportRefused(
            "too-large",
            _("With its objects the report is larger than a partner accepts. Leave some out."),
            "objects",
        )
    if held.is_warning and len(content) > _MOST_OF_A_WARNING:
        raise ReportRefused(
            "warning-too-large",
            _(
                "An early warning goes before everything else on a slow line, so with its objects it has at most "
                "256 KiB. Leave some out, or publish it as a report that is none."
            ),
            "objects",
        )
    draft = _draft(held, collected, content, leaving.version)
    release = federation.publish(actor, draft, audience, in_public=in_public)
    keep_version(held, leaving, release)
    held.state, held.release, held.changed = Report.State.PUBLISHED, release, now()
    held.edition += 1
    held.save(update_fields=["stix_id", "state", "release", "changed", "edition"])
    record(actor, "intel.report-published", urn(held), {"version": release.version})
    return held


def _collect(actor: Actor, report: Report) -> Collected:
    floor = _floor(actor, report)
    if report.tlp < floor:
        raise ReportRefused(
            "tlp-lowered",
            _("A version of this report is marked %(tlp)s. A marking is never lowered; raise the report's.")
            % {"tlp": floor.label},
            "tlp",
        )
    collected = collect(actor, report)
    if not collected.refs:
        raise ReportRefused(
            "no-objects", _("A report speaks of at least one object. Add one first."), "objects"
        )
    if len(collected.texts) > MOST_TRAVELLING:
        raise ReportRefused(
            "too-many-objects",
            ngettext(
                "With what its objects need, %(count)s object would go; at most %(most)s can. Leave some out.",
                "With what its objects need, %(count)s objects would go; at most %(most)s can. Leave some out.",
                len(collected.texts),
            )
            % {"count": number(len(collected.texts)), "most": number(MOST_TRAVELLING)},
            "objects",
        )
    if collected.stricter:
        raise ReportRefused(
            "stricter-objects",
            ngettext(
                "%(count)s of its objects is marked more strictly than the report: %(object)s. Raise the report's "
                "marking or leave the object out.",
                "%(count)s of its objects are marked more strictly than the report, the first is %(object)s. Raise "
                "the report's marking or leave them out.",
                len(collected.stricter),
            )
            % {"count": number(len(collected.stricter)), "object": collected.stricter[0][:160]},
            "tlp",
        )
    return collected


def _draft(report: Report, collected: Collected, content: bytes, version: str) -> federation.Draft:
    return federation.Draft(
        kind=WARNING if report.is_warning else KIND,
        subject=subject_of(report.stix_id),
        version=version,
        title=report.title,
        tlp=Tlp(report.tlp),
        content=content,
        topics=frozenset(report.topics),
        languages=tuple(report.languages),
        persons=tuple(report.persons),
        origin=narrowest(collected.origins, current_policy()),
        organisation=report.organisation,
    )


# ---- withdrawing ------------------------------------------------------------------------------------------------


@transaction.atomic
def withdraw_report(actor: Actor, report: Report, reason: str, *, edition: int | None = None) -> Report:
    """Take a published report back in all its versions, at every receiver.

    Args:
        actor: who.
        report: which.
        reason: for the receivers and the trail; beyond 2,000 characters it is cut.
        edition: the edition that was looked at, if it is to be held to it.

    Raises:
        NotAllowed: the actor may not, or this node did not publish it.
        EditedMeanwhile: somebody else changed it since.
        ReportRefused: no reason was given.
    """
    require(actor, "publish:intel")
    held = _locked(report, edition)
    ensure(can_withdraw(actor, held))
    reason = reason.strip()[:_LONGEST_REASON]
    if not reason:
        raise ReportRefused("reason", _("Say why it is withdrawn: its receivers will ask."), "reason")
    live = Release.objects.filter(
        subject=subject_of(held.stix_id), origin__isnull=True, state=Release.State.LIVE
    )
    for release in live.order_by("id"):
        federation.withdraw(actor, release, reason)
    held.state, held.changed = Report.State.WITHDRAWN, now()
    held.edition += 1
    held.save(update_fields=["state", "changed", "edition"])
    record(actor, "intel.report-withdrawn", urn(held), for_the_trail(Tlp(held.tlp), {"reason": reason}))
    return held
