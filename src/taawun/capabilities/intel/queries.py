"""Reading intelligence, as somebody may see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, CharField, IntegerField, Max, Q, QuerySet, UUIDField
from django.db.models.expressions import RawSQL

from taawun.capabilities.intel.composing import text_under
from taawun.capabilities.intel.models import (
    JOB,
    Import,
    ImportIssue,
    Reference,
    Report,
    Sighting,
    StixObject,
)
from taawun.capabilities.intel.rules import (
    current_objects,
    holding,
    listed_objects,
    listed_sightings,
    sees_narrow,
    visible_imports,
    visible_objects,
    visible_reports,
)
from taawun.capabilities.intel.search import (
    given_word,
    is_identifier,
    is_newest_cheaper,
    matching,
    newest_matching,
    values_of,
    with_beginnings,
    with_words,
    words_begin,
    words_of,
)
from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import host
from taawun.foundation.identifiers import lowest_uuid7
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.queries import Filters, entries
from taawun.platform.web.drafts import Standing
from taawun.platform.web.paging import WrittenPages, mark
from taawun.platform.web.questions import Question, given, place
from taawun.platform.work.models import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from taawun.cooperation.people.actors import Actor
    from taawun.platform.web.paging import Page

__all__ = [
    "NOT_LISTED",
    "ListedObject",
    "ListedReport",
    "ObjectFilters",
    "ReportFilters",
    "current_among",
    "edited",
    "home_of",
    "imports",
    "issues_of",
    "jobs_of",
    "name_under",
    "object_named",
    "objects",
    "objects_and_first",
    "objects_of",
    "page_of_objects",
    "page_of_reports",
    "report_named",
    "reports",
    "reports_naming",
    "sees_import",
    "sightings",
    "sightings_of",
    "texts_of",
    "texts_with",
    "versions_of",
]


# what no list of objects shows, and what most of an object is
NOT_LISTED: Final = ("text", "received", "search")
# a page is nearly always full with the first of these, and to look at them costs next to nothing; with the others it
# is full where somebody else's newest are passed over
_NEWEST, _NEXT_NEWEST = 500, 5_000
_NEWEST_PER_ROW: Final = 4
_ABOVE_ALL: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ObjectFilters:
    """What a reader of objects asks for; empty means all.

    Args:
        text: words, searched folded, or a STIX identifier.
        type: a STIX type.
        tlp: a marking's rank, or None.
        report: key of a report, for what it names.
        origin: empty for what is our own word, else the address of the partner whose word it is; None for all.
        since: what came at this instant or later.
        until: what came before this instant.
    """

    text: str = ""
    type: str = ""
    tlp: int | None = None
    report: UUID | None = None
    origin: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """Newest first, as :func:`taawun.platform.web.paging.page` takes it.

        What all of them have in common is named before: it changes no order, and says that an index holds it.
        PostgreSQL would walk all objects from the newest for a kind that it knows to be common, and cannot know that
        tens of thousands of others came last.
        """
        if self.type:
            return ("type", "-id")
        if self.tlp is not None:
            return ("tlp", "-id")
        return ("-id",) if self.origin is None else ("origin", "-id")


@dataclass(frozen=True, slots=True)
class ReportFilters:
    """What a reader of reports asks for; empty means all.

    Args:
        text: words, searched folded.
        state: a state.
        tlp: a marking's rank, or None.
        only_warnings: only early warnings.
        origin: empty for ours, else the address of the partner whose it is; None for all.
        since: what was here at this instant or later.
        until: what was here before this instant.
    """

    text: str = ""
    state: str = ""
    tlp: int | None = None
    only_warnings: bool = False
    origin: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def home_of(actor: Actor) -> Organisation:
    """The organisation in whose name an actor brings things: the host where a role in it is why, or for no person."""
    own = host()
    if not isinstance(actor, PersonActor):
        return own
    theirs = holding(actor, "write:intel") | holding(actor, "publish:intel") or actor.organisations
    if own.id in theirs:
        return own
    return Organisation.objects.filter(id__in=theirs).order_by("created", "id").first() or own


def objects(actor: Actor, filters: ObjectFilters) -> QuerySet[StixObject]:
    """Objects as they show to the actor, newest first; without their texts."""
    return objects_and_first(actor, filters)[0]


def objects_and_first(
    actor: Actor, filters: ObjectFilters
) -> tuple[QuerySet[StixObject], Callable[[int | None], Iterator[QuerySet[StixObject]]] | None]:
    """The same, and what finds the first of them, or the first behind a key, and then more, where that costs less.

    A common word is in half of all objects: to look among the newest of them is enough for a page.
    """
    if filters.report is not None:
        return _named_and_fit(actor, filters.report, filters), None
    shown = _shown(actor, filters.type, filters.tlp)
    shown = shown.defer(*NOT_LISTED).order_by(*filters.order)
    below = None
    if filters.origin is not None:
        # from and to the same, as above
        shown = shown.filter(origin__gte=filters.origin, origin__lte=filters.origin)
    if filters.since is not None:
        shown = shown.filter(id__gte=_first_since(filters.since))
    if filters.until is not None:
        below = _first_since(filters.until)
        shown = shown.filter(id__lt=below)

    def first(behind: int | None) -> Iterator[QuerySet[StixObject]]:
        bounds = [each for each in (below, behind) if each is not None]
        # what is narrowed may be rare, and to look for it among more than a few is to look twice
        is_narrowed = filters.type or filters.tlp is not None or filters.origin is not None
        for most in (_NEWEST,) if is_narrowed else (_NEWEST, _NEXT_NEWEST):
            newest = newest_matching(filters.text, most, min(bounds, default=None))
            if newest is not None:
                yield shown.filter(newest)

    return shown.filter(matching(filters.text)), first


def _first_since(at: datetime) -> int:
    """The key from which on objects came at an instant or later.

    Keys rise with time, for whoever writes to the store takes its turn first: so the day need not be an index, and a
    search for words can begin at it.
    """
    low, high = 0, 1 + (StixObject.objects.aggregate(newest=Max("id"))["newest"] or 0)
    while low < high:
        middle = (low + high) // 2
        key, created = next(iter(_FROM_KEY.ask(key=middle)), (middle, at))
        low, high = (low, middle) if created >= at else (key + 1, high)
    return low


_FROM_KEY: Final = Question(
    lambda: (
        StixObject.objects.filter(id__gte=given("key", BigIntegerField()))
        .order_by("id")
        .values_list("id", "created")[:1]
    )
)


def _named_and_fit(actor: Actor, report_id: UUID, filters: ObjectFilters) -> QuerySet[StixObject]:
    """What a report names, as it shows beside the report, and of it what fits."""
    report = report_named(actor, report_id)
    if report is None:
        return StixObject.objects.none()
    named = objects_of(actor, report).exclude(type="relationship").filter(matching(filters.text))
    if filters.type:
        named = named.filter(type=filters.type)
    if filters.tlp is not None:
        named = named.filter(tlp=filters.tlp)
    return named.defer(*NOT_LISTED).order_by(*filters.order)


# Any: values, or what stands for a value that is given with each asking
def _shown(actor: Actor, type_: Any, tlp: Any, *, is_compared: bool | None = None) -> QuerySet[StixObject]:
    shown = StixObject.objects.filter(listed_objects(actor, is_compared=is_compared))
    # from and to the same: of what equals a constant PostgreSQL forgets that it orders anything
    if type_:
        shown = shown.filter(type__gte=type_, type__lte=type_)
    return shown if tlp is None else shown.filter(tlp__gte=tlp, tlp__lte=tlp)


class ListedObject(NamedTuple):
    """An object as a list for programs has it: its text, the marking it is held under, and what orders it."""

    id: int
    type: str
    tlp: int
    text: str


@dataclass(frozen=True, slots=True)
class _ObjectForm:
    actor: Actor
    is_compared: bool
    has_type: bool
    has_tlp: bool
    is_id: bool
    words: int
    newest: int | None = None


def _objects_of_form(form: _ObjectForm) -> QuerySet[StixObject, Any]:
    type_ = given("type", CharField()) if form.has_type else ""
    tlp = given("tlp", IntegerField()) if form.has_tlp else None
    shown = _shown(form.actor, type_, tlp, is_compared=form.is_compared)
    if form.is_id:
        wanted = Q(stix_id=given("id", CharField()))
    else:
        below = None if form.newest is None else place("below", BigIntegerField())
        wanted = with_words(form.words, given_word, form.newest, below)
    return shown.filter(wanted).values_list(*ListedObject._fields)


_OBJECTS: Final = WrittenPages(StixObject, _objects_of_form, ListedObject)


def page_of_objects(
    actor: Actor, filters: ObjectFilters, *, after: str | None, limit: int
) -> Page[ListedObject]:
    """One page of the same for a program, which reads all that is held and may ask often.

    Raises:
        BadCursor: ``after`` was not given out by this list.
    """
    words = words_of(filters.text)
    if words is None:
        return _OBJECTS.page([], order=filters.order, after=after, limit=limit)
    form = _ObjectForm(
        actor,
        is_compared=sees_narrow(actor),
        has_type=bool(filters.type),
        has_tlp=filters.tlp is not None,
        is_id=is_identifier(filters.text),
        words=len(words),
    )
    sooner = []
    if words and not form.is_id and is_newest_cheaper():
        sooner = [replace(form, newest=max(_NEWEST, _NEWEST_PER_ROW * limit))]
    # all of a list agree in what orders it before the key, so what is behind a mark has a lesser one
    behind = mark(after, StixObject, filters.order)
    values = {
        "type": filters.type,
        "tlp": filters.tlp,
        "id": filters.text.strip(),
        "below": behind[-1] if behind else _ABOVE_ALL,
        **values_of(words),
    }
    return _OBJECTS.page([*sooner, form], order=filters.order, after=after, limit=limit, **values)


def object_named(actor: Actor, stix_id: str) -> StixObject | None:
    """The version of an object that shows to the actor, if they may see any."""
    return StixObject.objects.filter(listed_objects(actor), stix_id=stix_id).first()


def versions_of(actor: Actor, stix_id: str) -> QuerySet[StixObject]:
    """Every version of an object the actor may see, newest first; withdrawn ones have lost their content.

    One text stands there once for every audience that has it.
    """
    return StixObject.objects.filter(visible_objects(actor), stix_id=stix_id).order_by("-version", "-id")


def current_among(actor: Actor, stix_ids: Collection[str]) -> dict[str, StixObject]:
    """These objects by identifier, as they show to the actor; without their texts."""
    if not stix_ids:
        return {}
    found = StixObject.objects.filter(listed_objects(actor), stix_id__in=set(stix_ids))
    return {each.stix_id: each for each in found.defer(*NOT_LISTED)}


def texts_of(actor: Actor, stix_ids: Collection[str]) -> Iterator[str]:
    """These objects as they show to the actor, as texts that leave."""
    found = StixObject.objects.filter(listed_objects(actor), stix_id__in=set(stix_ids)).order_by("id")
    for text, tlp in found.values_list("text", "tlp").iterator(chunk_size=500):
        yield text_under(text, Tlp(tlp))


def name_under(stix_id: str, tlp: Tlp) -> str:
    """What an object is called, as far as everybody who reads at a marking may know; empty where it is not told.

    Observed data is called by what was observed.
    """
    held = StixObject.objects.filter(state=StixObject.State.LIVE, tlp__lte=min(tlp, Tlp.AMBER))
    rows = held.order_by("-is_current", "id").values_list("id", "name")
    row = rows.filter(stix_id=stix_id).first()
    if row is None or row[1]:
        return row[1] if row else ""
    observed = Reference.objects.filter(source=row[0], relation="object_refs").order_by("id").values("target")
    named = rows.filter(stix_id__in=observed).exclude(name="").first()
    return named[1] if named else ""


def reports(actor: Actor, filters: ReportFilters | None = None) -> QuerySet[Report]:
    """Reports the actor may see, newest first."""
    wanted = filters or ReportFilters()
    found = _filtered(actor, wanted.state, wanted.tlp, only_warnings=wanted.only_warnings)
    if wanted.origin is not None:
        found = found.filter(origin=wanted.origin)
    if wanted.since is not None:
        found = found.filter(id__gte=lowest_uuid7(wanted.since))
    if wanted.until is not None:
        found = found.filter(id__lt=lowest_uuid7(wanted.until))
    return found.filter(words_begin(wanted.text)).select_related("release__origin", "author").order_by("-id")


# Any: as above
def _filtered(actor: Actor, state: Any, tlp: Any, *, only_warnings: bool) -> QuerySet[Report]:
    found = Report.objects.filter(visible_reports(actor))
    if state:
        found = found.filter(state=state)
    if tlp is not None:
        found = found.filter(tlp=tlp)
    return found.filter(is_warning=True) if only_warnings else found


class ListedReport(NamedTuple):
    """What a list tells of a report; of the author the name, of its release the node it came from."""

    id: UUID
    stix_id: str
    title: str
    tlp: int
    state: str
    topics: list[str]
    is_warning: bool
    edition: int
    created: datetime
    changed: datetime
    author: str | None
    node: str | None


@dataclass(frozen=True, slots=True)
class _ReportForm:
    actor: Actor
    has_state: bool
    has_tlp: bool
    only_warnings: bool
    words: int


def _reports_of_form(form: _ReportForm) -> QuerySet[Report, Any]:
    state = given("state", CharField()) if form.has_state else ""
    tlp = given("tlp", IntegerField()) if form.has_tlp else None
    found = _filtered(form.actor, state, tlp, only_warnings=form.only_warnings)
    own = ListedReport._fields[:-2]
    told = found.filter(with_beginnings(form.words, given_word))
    return told.values_list(*own, "author__name", "release__origin__node")


_REPORTS: Final = WrittenPages(Report, _reports_of_form, ListedReport)


def page_of_reports(
    actor: Actor, filters: ReportFilters, *, after: str | None, limit: int
) -> Page[ListedReport]:
    """One page of the same for a program.

    Raises:
        BadCursor: ``after`` was not given out by this list.
    """
    words = words_of(filters.text)
    if words is None:
        return _REPORTS.page([], order=("-id",), after=after, limit=limit)
    form = _ReportForm(
        actor,
        has_state=bool(filters.state),
        has_tlp=filters.tlp is not None,
        only_warnings=filters.only_warnings,
        words=len(words),
    )
    values = {"state": filters.state, "tlp": filters.tlp, **values_of(words)}
    return _REPORTS.page([form], order=("-id",), after=after, limit=limit, **values)


def report_named(actor: Actor, report_id: UUID) -> Report | None:
    """A report by its key, if the actor may see it."""
    return reports(actor).select_related("organisation").filter(id=report_id).first()


def edited(actor: Actor, arguments: Mapping[str, Any]) -> Standing | None:
    """Which edition a report has, and who saved it when; None where the actor does not see it.

    Args:
        actor: who asks.
        arguments: of the address at which it is edited.
    """
    found = report_named(actor, arguments["report_id"])
    if found is None:
        return None
    verb, subject = "intel.report-edited", f"urn:uuid:{found.id}"
    last = entries(Filters(verb=verb, subject=subject)).first()
    return Standing(str(found.edition), last.actor_label, last.at) if last else Standing(str(found.edition))


def objects_of(actor: Actor, report: Report, *, is_inner: bool = False) -> QuerySet[StixObject]:
    """What a report names, as the actor may see it.

    Of a partner's report these are the versions it came with; of ours the current ones, which are what would be
    published.

    Args:
        actor: who asks.
        report: one they may see.
        is_inner: whether the query will stand within another.
    """
    found = StixObject.objects.filter(_version_of(actor, report, is_inner=is_inner), id__in=_named_by(report))
    return found.filter(state=StixObject.State.LIVE).order_by("type", "id")


def _named_by(report: Report) -> RawSQL:
    """Keys of all that a report names and that is here, in any version.

    As a join: of a list of identifiers SQLite makes a table first, which for 100,000 takes as long as to look for them.
    """
    report_id = UUIDField().get_db_prep_value(report.pk, connection)
    return RawSQL(
        "SELECT held.id FROM intel_reportobject named JOIN intel_stixobject held ON held.stix_id = named.stix_id"
        " WHERE named.report_id = %s",
        (report_id,),
    )


def texts_with(actor: Actor, report: Report) -> Iterator[str]:
    """The report's own object and what it names, as texts that leave, as far as the actor may see it."""
    own = StixObject.objects.filter(_version_of(actor, report), stix_id=report.stix_id)
    named = objects_of(actor, report).exclude(stix_id=report.stix_id)
    for found in (own, named):
        for text, tlp in found.values_list("text", "tlp").iterator(chunk_size=500):
            yield text_under(text, Tlp(tlp))


def _version_of(actor: Actor, report: Report, *, is_inner: bool = False) -> Q:
    """Which version of an object counts for a report."""
    if report.origin:
        return visible_objects(actor) & Q(sources__release=report.release_id)
    shown = current_objects if is_inner else listed_objects
    return shown(actor, within=Tlp(report.tlp))


def reports_naming(actor: Actor, stix_id: str) -> QuerySet[Report]:
    """Reports that name an object."""
    return reports(actor).filter(named_objects__stix_id=stix_id)


def sightings(actor: Actor, of: str = "") -> QuerySet[Sighting]:
    """Sightings the actor may see, newest first.

    Args:
        actor: who asks.
        of: STIX identifier of what was seen; empty for all.
    """
    found = Sighting.objects.filter(listed_sightings(actor), withdrawn__isnull=True)
    return (found.filter(of=of) if of else found).order_by("-id")


def sightings_of(actor: Actor, stix_ids: Collection[str] | QuerySet[StixObject]) -> QuerySet[Sighting]:
    """Sightings of any of these objects, newest first.

    Args:
        actor: who asks.
        stix_ids: identifiers, or a query for the objects.
    """
    if isinstance(stix_ids, QuerySet):
        return sightings(actor).filter(of__in=stix_ids.order_by().values("stix_id"))
    return sightings(actor).filter(of__in=list(stix_ids))


def issues_of(actor: Actor, held: Import) -> QuerySet[ImportIssue]:
    """What an import noticed, in the order of the file, as far as the actor may see what it is about.

    An issue quotes its object, which may be marked more strictly than the file. Whoever brought the file knows it.
    """
    issues = ImportIssue.objects.filter(owner=held).order_by("id")
    if isinstance(actor, SystemActor) or (isinstance(actor, PersonActor) and actor.id == held.person_id):
        return issues
    seen = StixObject.objects.filter(visible_objects(actor), sources__imported=held)
    return issues.filter(object_id__in=seen.values("stix_id"))


def imports(actor: Actor) -> QuerySet[Import]:
    """Imports the actor may see, newest first."""
    return Import.objects.filter(visible_imports(actor)).select_related("person").order_by("-id")


def named_by_import(actor: Actor, import_id: UUID, most: int) -> list[str]:
    """Identifiers of what an import brought, as the actor sees it, in the order in which it was stored.

    Args:
        actor: who asks.
        import_id: which.
        most: how many at most.

    Returns:
        Them, without what only ties others together; a report takes ties along by itself.
    """
    found = StixObject.objects.filter(
        current_objects(actor), sources__imported__in=imports(actor).filter(id=import_id).values("id")
    )
    return list(found.exclude(type="relationship").order_by("id").values_list("stix_id", flat=True)[:most])


def sees_import(actor: Actor, import_id: str) -> bool:
    """Whether the actor may see an import, and so the job that takes it in."""
    return imports(actor).filter(id=import_id).exists()


def jobs_of(held: Collection[Import]) -> dict[UUID, Job]:
    """The newest job of each of these imports: how far it is."""
    wanted = {str(each.id): each.id for each in held}
    jobs = Job.objects.filter(kind=JOB, subject_id__in=wanted).order_by("id")
    return {wanted[job.subject_id]: job for job in jobs}
