"""Intelligence in the reader's words: badges, values, sightings, what may be done with it, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Sum
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.actions.reporting import subject_of
from taawun.capabilities.intel.actions.sighting import is_sightable
from taawun.capabilities.intel.models import Import, Reference, Report, StixObject
from taawun.capabilities.intel.stix.identity import OBSERVABLE_TYPES
from taawun.capabilities.intel.wording import type_name
from taawun.cooperation.agreements.models import Version
from taawun.cooperation.agreements.presenting.sentences import kept, listed, on_end, onward
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.presenting import arrived_at, can_see, clause_marks, with_passages
from taawun.cooperation.federation.rules import reader_of
from taawun.cooperation.partners.models import Partner
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.components import Fact, Moment
from taawun.platform.web.templatetags.components import code, text, tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from taawun.capabilities.intel.models import Sighting
    from taawun.cooperation.agreements.document import Clause
    from taawun.cooperation.federation.presenting import ClauseMark, ReleaseRow
    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "Badge",
    "ObjectRow",
    "Outcome",
    "SightingRow",
    "Terms",
    "history",
    "import_badge",
    "import_counts",
    "import_outcome",
    "is_technical",
    "names_of",
    "object_history",
    "object_rows",
    "release_of",
    "report_badge",
    "sighted",
    "sighting_rows",
    "terms_of",
]

_OBSERVED: Final = ("object_refs", "sighting_of_ref")
# what bears a value as its name, or words as people write them
_VALUE_OR_WORDS: Final = frozenset({"indicator", "x-misp-attribute"})


# ---- states -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Badge:
    """A state as its badge shows it: a key of the shell's ``STATES``, and the word."""

    name: str
    word: str


def report_badge(report: Report) -> Badge:
    """Where a report stands."""
    names = {
        Report.State.DRAFT: "draft",
        Report.State.PUBLISHED: "active",
        Report.State.RECEIVED: "received",
        Report.State.WITHDRAWN: "withdrawn",
    }
    state = Report.State(report.state)
    return Badge(names[state], str(state.label))


class Outcome(StrEnum):
    """What an import brought, where it is over."""

    TAKEN_IN = "taken-in"
    # nothing that was not known before
    NOTHING_NEW = "nothing-new"
    ALL_REFUSED = "all-refused"


def import_outcome(held: Import) -> Outcome | None:
    """What an import that was done brought; None for any other."""
    if held.state != Import.State.DONE:
        return None
    if held.counts.get("new"):
        return Outcome.TAKEN_IN
    return Outcome.NOTHING_NEW if held.counts.get("known") else Outcome.ALL_REFUSED


def import_badge(held: Import) -> Badge:
    """How far an import is; of one that brought nothing, why."""
    outcome = import_outcome(held)
    if outcome is Outcome.ALL_REFUSED:
        return Badge("failed", pgettext("an import", "nothing taken in, all refused"))
    if outcome is Outcome.NOTHING_NEW:
        return Badge("superseded", pgettext("an import", "nothing new"))
    names = {
        Import.State.WAITING: "running",
        Import.State.DONE: "done",
        Import.State.REFUSED: "failed",
        Import.State.FAILED: "failed",
    }
    state = Import.State(held.state)
    return Badge(names[state], str(state.label))


def import_counts(held: Import) -> list[Fact]:
    """What came of an import, number by number; those of nothing are left out."""
    labels = {
        "new": _("New here"),
        "known": _("Known already"),
        "differing": _("Held with other content as well"),
        "refused": _("Refused"),
        "errors": _("Errors"),
        "warnings": _("Warnings"),
        "remarks": _("Remarks"),
        "not_listed": _("Not listed below"),
    }
    return [
        Fact(label, formats.number(held.counts[name]))
        for name, label in labels.items()
        if held.counts.get(name)
    ]


# ---- objects ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ObjectRow:
    """An object as lists show it.

    Args:
        object: the row.
        kind: its type in words.
        name: what it is called; its identifier where it has no name.
        is_technical: whether that is code.
        sightings: how often it was seen, as far as the reader may know.
        is_sightable: whether it can be seen at all.
    """

    object: StixObject
    kind: str
    name: str
    is_technical: bool
    sightings: int
    is_sightable: bool

    @property
    def marking(self) -> Tlp:
        """Its marking."""
        return Tlp(self.object.tlp)

    @property
    def url(self) -> str:
        """Its page."""
        return reverse("object", args=[self.object.stix_id])


def object_rows(actor: PersonActor, objects: Sequence[StixObject]) -> list[ObjectRow]:
    """Rows of a list of objects."""
    seen = sighted(actor, [each.stix_id for each in objects])
    called = names_of(actor, objects)
    return [
        ObjectRow(
            each,
            type_name(each.type),
            called[each.pk],
            is_technical(each),
            seen.get(each.stix_id, 0),
            is_sightable(each),
        )
        for each in objects
    ]


def names_of(actor: PersonActor, objects: Iterable[StixObject]) -> dict[int, str]:
    """What each object is called, by its key.

    Observed data and sightings have no name of their own; they are called by what was observed, and where the reader
    may not see that, by their identifier.
    """
    held = list(objects)
    named = {each.pk: each.name or each.stix_id for each in held}
    nameless = [each.pk for each in held if not each.name]
    if not nameless:
        return named
    references = Reference.objects.filter(source__in=nameless, relation__in=_OBSERVED).order_by("-id")
    observed = dict(references.values_list("source_id", "target"))
    others = queries.current_among(actor, observed.values())
    for key, target in observed.items():
        if target in others and others[target].name:
            named[key] = others[target].name
    return named


def is_technical(row: StixObject) -> bool:
    """Whether what it is called is code: set from left to right, and worth copying."""
    if not row.name or row.type in OBSERVABLE_TYPES:
        return True
    is_one_value = row.name.isascii() and " " not in row.name
    return row.type in _VALUE_OR_WORDS and (is_one_value or row.name.startswith("["))


def sighted(actor: PersonActor, stix_ids: Sequence[str]) -> dict[str, int]:
    """How often each of these objects was seen; those that nobody saw are left out."""
    found = (
        queries.sightings_of(actor, stix_ids)
        .exclude(is_count=True, seen_by="")
        .order_by()
        .values("of")
        .annotate(times=Sum("count"))
    )
    return {each["of"]: each["times"] for each in found}


# ---- sightings --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SightingRow:
    """A sighting, who made it, and what was seen."""

    sighting: Sighting
    partner: Partner | None
    name: str

    @property
    def month(self) -> str:
        """The month in which it was last seen, of a count; empty where it is none."""
        return formats.month(f"{self.sighting.last_seen:%Y-%m}") if self.sighting.is_count else ""


def sighting_rows(actor: PersonActor, sightings: Sequence[Sighting]) -> list[SightingRow]:
    """Rows of a list of sightings."""
    partners = {each.node: each for each in Partner.objects.filter(node__in={s.seen_by for s in sightings})}
    seen = queries.current_among(actor, [each.of for each in sightings])
    called = names_of(actor, seen.values())
    names = {stix_id: called[each.pk] for stix_id, each in seen.items()}
    return [SightingRow(each, partners.get(each.seen_by), names.get(each.of, each.of)) for each in sightings]


# ---- where a report came from, and what may be done with it -----------------------------------------------------
def release_of(report: Report) -> Release | None:
    """The newest release of a report, with the lanes it travelled over."""
    return with_passages(Release.objects.filter(id=report.release_id)).first() if report.release_id else None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the receiver may do with a report by one clause."""

    mark: ClauseMark
    facts: tuple[Fact, ...]


def terms_of(release: Release) -> list[Terms]:
    """What may be done with a partner's release, clause by clause, in the versions under which it came."""
    passages = list(release.passages.all())
    versions = {
        each.digest: each.document()
        for each in Version.objects.filter(digest__in={passage.document for passage in passages})
    }
    found: dict[tuple[UUID | None, str], Terms] = {}
    for passage in passages:
        if passage.is_public:
            (mark,) = clause_marks([passage])
            found.setdefault((None, ""), Terms(mark, _public_facts(release)))
        document = versions.get(passage.document)
        clause = (
            next((each for each in document.clauses if each.ref == passage.clause), None)
            if document
            else None
        )
        if clause:
            (mark,) = clause_marks([passage])
            found.setdefault((passage.agreement, passage.clause), Terms(mark, _clause_facts(clause, release)))
    return list(found.values())


def _public_facts(release: Release) -> tuple[Fact, ...]:
    return (
        Fact(_("Marking"), tlp(Tlp(release.tlp))),
        Fact(_("Onward"), _("with anybody")),
        Fact(_("Kept for"), _("no limit")),
    )


def _clause_facts(clause: Clause, release: Release) -> tuple[Fact, ...]:
    facts = [Fact(_("Marking"), tlp(Tlp(release.tlp))), Fact(_("Onward"), onward(clause))]
    if clause.purpose:
        facts.append(Fact(_("Purpose"), listed([text(each) for each in clause.purpose])))
    facts += [Fact(_("Kept for"), kept(clause.retention_days)), Fact(_("If it ends"), on_end(clause))]
    return tuple(facts)


def history(actor: PersonActor, report: Report, sightings: Iterable[SightingRow]) -> list[Moment]:
    """What happened to a report, newest first: its versions, its withdrawal, and who saw something of it.

    Args:
        actor: who reads. A version that names other persons, and why it was withdrawn, is told only to those.
        report: one they may see.
        sightings: of what it names.
    """
    origin = report.release.origin_id if report.release else None
    releases = Release.objects.filter(subject=subject_of(report.stix_id), origin=origin).order_by("id")
    reader = reader_of(actor)
    moments = [Moment(_("Begun here") if not report.origin else _("First held here"), report.created)]
    for number, release in enumerate((each for each in releases if can_see(reader, each)), 1):
        moments += _release_moments(release, number)
    moments += [_sighting_moment(row) for row in sightings]
    return sorted(moments, key=lambda each: each.at or report.created, reverse=True)


def object_history(
    versions: Sequence[StixObject], releases: Iterable[ReleaseRow], sightings: Iterable[SightingRow]
) -> list[Moment]:
    """What happened to an object, newest first: its versions, how it came and went, and who saw it.

    Args:
        versions: those that the reader sees, the newest first.
        releases: in which it came or went.
        sightings: of it.
    """
    moments: list[tuple[datetime, Moment]] = []
    for number, each in enumerate(reversed(versions), 1):
        words = _("First held here") if number == 1 else _("Version %(number)s held here")
        told = words % {"number": formats.digits(number)}
        detail = code(each.version, copy=False) if each.version else ""
        moments.append((each.created, Moment(told, each.created, detail)))
    for row in releases:
        words = _("Published by this node") if row.is_given else pgettext("an object", "Received")
        url = reverse("release", args=[row.release.id])
        at = row.release.issued if row.is_given else arrived_at(row.release) or row.release.issued
        moments.append((at, Moment(words, at, text(row.title), url=url)))
    moments += [(each.sighting.created, _sighting_moment(each)) for each in sightings]
    return [each for _at, each in sorted(moments, key=itemgetter(0), reverse=True)]


def _release_moments(release: Release, number: int) -> list[Moment]:
    url = reverse("release", args=[release.id])
    shown = formats.digits(number)
    words = _("Version %(number)s received") if release.origin_id else _("Version %(number)s published")
    moments = [Moment(words % {"number": shown}, release.issued, text(release.publisher), url=url)]
    if release.withdrawn:
        words = _("Version %(number)s withdrawn") % {"number": shown}
        moments.append(Moment(words, release.withdrawn, text(release.withdrawal_reason), marked=True))
    return moments


def _sighting_moment(row: SightingRow) -> Moment:
    words = ngettext("Seen %(count)s time", "Seen %(count)s times", row.sighting.count)
    name = text(row.partner.name) if row.partner else pgettext("who saw it", "by us")
    return Moment(
        words % {"count": formats.number(row.sighting.count)},
        row.sighting.created,
        format_html("{} <bdi>{}</bdi>", code(row.name[:60], copy=False), name),
        marked=row.partner is not None,
        url=reverse("object", args=[row.sighting.of]),
    )
