"""Who may see and do what with intelligence, inside this node.

A version is held once for each audience (store.py), so a reader may see several that are current. One of them shows:
:func:`current_objects` says which, for lists, searches, pages and what travels alike.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import (
    BooleanField,
    CharField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    UUIDField,
)
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from taawun.capabilities.intel.composing import identity_id
from taawun.capabilities.intel.models import NamedReader, Report, ReportReader, Sighting, StixObject
from taawun.capabilities.intel.preparing import audience_of
from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.rules import Granted, Refused, places_of
from taawun.foundation.tlp import Tlp
from taawun.platform.web.kept import once_a_page
from taawun.platform.web.questions import Question, given

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.rules import Answer

__all__ = [
    "can_edit",
    "can_publish",
    "can_withdraw",
    "current_objects",
    "holding",
    "is_passed_on",
    "joined_objects",
    "listed_objects",
    "listed_sightings",
    "sees_narrow",
    "visible_imports",
    "visible_objects",
    "visible_reports",
    "visible_sightings",
]


def visible_objects(actor: Actor) -> Q:
    """Objects the actor may see: RED names its persons, and like AMBER+STRICT it stays inside its organisation.

    A party sees nothing here: what it may have reaches it over lanes.
    """
    person = _reader(actor)
    if not isinstance(person, PersonActor):
        return person
    # a list, not a question for each row: nobody is named on many, and there may be many that name others
    named = NamedReader.objects.filter(person_id=person.id).values("source__object")
    # whoever left the organisation was named as one of it
    return _marked(person) | Q(tlp=Tlp.RED, organisation_id__in=person.organisations, id__in=named)


def current_objects(actor: Actor, *, within: Tlp = Tlp.RED) -> Q:
    """Of every object the one version that shows to the actor.

    Of the current versions that they may see it is our own word before a partner's and the partner's who spoke first
    before another's; then the newest; of one version the one for the widest audience.

    Args:
        actor: who reads.
        within: the marking of what the objects are for: a version that is marked more strictly shows only where
            there is no other.
    """
    visible = visible_objects(actor)
    shown = visible & Q(is_current=True)
    if not sees_narrow(actor):
        return shown
    return shown & ~Q(Exists(_shown_before(visible, within)))


def listed_objects(actor: Actor, *, within: Tlp = Tlp.RED, is_compared: bool | None = None) -> Q:
    """The same for a query of these objects themselves, which stands in no other.

    To compare versions takes a tenth of a millisecond for a page, and to write the question down four: it is written
    down once for each reader.

    Args:
        actor: who reads.
        within: as for :func:`current_objects`.
        is_compared: what :func:`sees_narrow` says of them; it is asked where this is not told.
    """
    if is_compared is None:
        is_compared = sees_narrow(actor)
    compared_within = within if is_compared else None
    return Q(_Written(*_listed(actor, compared_within, connection.vendor), BooleanField()))


@lru_cache(maxsize=1024)
def _listed(actor: Actor, within: Tlp | None, _vendor: str) -> tuple[str, tuple[object, ...]]:
    """Which objects a list has, as SQL of the table and its parameters; without a marking none is compared."""
    visible = visible_objects(actor)
    shown = visible & Q(is_current=True)
    if within is not None:
        shown &= ~Q(Exists(_shown_before(visible, within)))
    return _condition(StixObject.objects.filter(shown))


def joined_objects(actor: Actor) -> Q:
    """The same for a query that joins the table of objects once: that the object of a row is one that shows."""
    return Q(_Written(*_joined(actor, connection.vendor), BooleanField()))


@lru_cache(maxsize=1024)
def _joined(actor: Actor, _vendor: str) -> tuple[str, tuple[object, ...]]:
    visible = visible_objects(actor) & Q(is_current=True)
    return _condition(
        StixObject.objects.filter(visible, ~Q(Exists(_shown_before(visible_objects(actor), Tlp.RED))))
    )


def _condition(found: QuerySet[Any]) -> tuple[str, tuple[object, ...]]:
    query = found.query
    try:
        sql, parameters = query.where.as_sql(query.get_compiler(connection=connection), connection)
    except EmptyResultSet:  # whoever may see nothing
        return "1 = 0", ()
    except FullResultSet:
        return "1 = 1", ()
    return sql, tuple(parameters)


class _Written(RawSQL):
    """A condition that names the table, and would be of another one in a query within a query."""

    def relabeled_clone(self, change_map: Mapping[str, str]) -> Self:
        raise TypeError(
            f"{sorted(change_map)}: within another query ask for current_objects or visible_sightings"
        )


def sees_narrow(actor: Actor) -> bool:
    """Whether the actor sees anything that is not for everybody; mostly not, and then nothing has to be compared."""
    if isinstance(actor, SystemActor):
        return StixObject.objects.filter(is_current=True, audience__gt="").exists()
    if not isinstance(actor, PersonActor):
        return False
    inside = {
        f"audience{number}": audience_of(Tlp.AMBER_STRICT, each, ())
        for number, each in enumerate(actor.organisations)
    }

    def read() -> bool:
        return any(map(any, _narrow(len(inside)).ask(person=actor.id, **inside)))

    return once_a_page(f"intel.narrow {actor.id} {' '.join(inside.values())}", read, bool)


@lru_cache(maxsize=16)
def _narrow(organisations: int) -> Question:
    """Whether anything is held for these organisations alone, and whether a person is named on anything."""
    inside = [given(f"audience{number}", CharField()) for number in range(organisations)]
    person = given("person", UUIDField())
    held = StixObject.objects.filter(is_current=True, audience__in=inside)
    named = NamedReader.objects.filter(person_id=person)
    return Question(lambda: Person.objects.filter(id=person).values_list(Exists(held), Exists(named)))


def _shown_before(visible: Q, within: Tlp) -> QuerySet[StixObject]:
    """Other current versions of an object that show before one: a total order, so that exactly one is left."""
    earliest = StixObject.objects.filter(visible, state=StixObject.State.LIVE).order_by("id").values("id")
    others = (
        StixObject.objects.filter(visible, stix_id=OuterRef("stix_id"), is_current=True)
        .exclude(audience=OuterRef("audience"))
        .alias(
            its_tlp=ExpressionWrapper(OuterRef("tlp"), IntegerField()),
            its_origin=ExpressionWrapper(OuterRef("origin"), CharField()),
            its_first=Subquery(
                earliest.filter(stix_id=OuterRef("stix_id"), origin=OuterRef("its_origin"))[:1]
            ),
            first=Subquery(earliest.filter(stix_id=OuterRef("stix_id"), origin=OuterRef("origin"))[:1]),
        )
    )
    renewed = Q(version__gt=OuterRef("version"))
    # as text the widest audience comes first
    wider = Q(version=OuterRef("version"), audience__lt=OuterRef("audience"))
    ours = Q(origin="") & ~Q(its_origin="")
    spoke_first = ~Q(origin="") & ~Q(its_origin="") & Q(first__lt=F("its_first"))
    before = ours | spoke_first | (Q(origin=OuterRef("origin")) & (renewed | wider))
    if within == Tlp.RED:
        return others.filter(before)
    fits, its_fits = Q(tlp__lte=within), Q(its_tlp__lte=within)
    return others.filter((fits & ~its_fits) | ((fits | ~its_fits) & before))


def visible_reports(actor: Actor) -> Q:
    """Reports the actor may see; a RED one is its author's and the persons' it names, inside its organisation."""
    person = _reader(actor)
    if not isinstance(person, PersonActor):
        return person
    named = ReportReader.objects.filter(report=OuterRef("pk"), person_id=person.id)
    red = Q(tlp=Tlp.RED, organisation_id__in=person.organisations)
    return _marked(person) | (red & (Q(author_id=person.id) | Q(Exists(named))))


def visible_sightings(actor: Actor) -> Q:
    """Sightings of objects the actor may see, by the marking of the sighting too.

    Ours is read by its author and by whoever may see it as the object that was recorded with it; a partner's bears
    its own marking.
    """
    if isinstance(actor, SystemActor):
        return Q()
    visible = StixObject.objects.filter(visible_objects(actor))
    seen = visible.filter(is_current=True)
    of_visible = Q(Exists(seen.filter(stix_id=OuterRef("of"))))
    # by its source too: anybody may bring something under the same identifier
    recorded = visible.filter(stix_id=OuterRef("stix_id"), sources__sighting=OuterRef("pk"))
    ours = Q(Exists(recorded))
    if isinstance(actor, PersonActor):
        ours |= Q(person_id=actor.id)
    return of_visible & ((Q(seen_by="") & ours) | Q(Exists(seen.filter(stix_id=OuterRef("stix_id")))))


def listed_sightings(actor: Actor) -> Q:
    """The same for a query of these sightings themselves, which stands in no other: written down once for a reader."""
    return Q(_Written(*_seen(actor, connection.vendor), BooleanField()))


@lru_cache(maxsize=1024)
def _seen(actor: Actor, _vendor: str) -> tuple[str, tuple[object, ...]]:
    return _condition(Sighting.objects.filter(visible_sightings(actor)))


def visible_imports(actor: Actor) -> Q:
    """Imports by one's own organisations; what was brought as RED is for the person who brought it."""
    if isinstance(actor, SystemActor):
        return Q()
    if not isinstance(actor, PersonActor) or "write:intel" not in actor.permissions:
        return Q(pk__in=[])
    theirs = holding(actor, "write:intel")
    return Q(organisation_id__in=theirs) & (Q(default_tlp__lt=Tlp.RED) | Q(person_id=actor.id))


def holding(actor: PersonActor, permission: str) -> frozenset[UUID]:
    """Ids of the organisations of theirs for which a permission lets somebody act.

    By a role in the organisation that runs the node for all of them; else where the role is: an analyst of the
    university who is a trainee of the nation's CERT publishes for the university alone.

    Args:
        actor: who.
        permission: its name.
    """
    return actor.organisations if permission in actor.everywhere else places_of(actor, permission)


def _reader(actor: Actor) -> PersonActor | Q:
    """The person who reads, or the whole answer for who is none: the system sees all, anybody else nothing."""
    if isinstance(actor, SystemActor):
        return Q()
    if not isinstance(actor, PersonActor) or "read:intel" not in actor.permissions:
        return Q(pk__in=[])
    return actor


def _marked(person: PersonActor) -> Q:
    return Q(tlp__lte=Tlp.AMBER) | Q(tlp=Tlp.AMBER_STRICT, organisation_id__in=person.organisations)


def can_edit(actor: Actor, report: Report) -> Answer:
    """Only what is ours can be changed; a change of a published report is a new version when it is published."""
    answer = _can_go_on(actor, report, "write:intel")
    if isinstance(answer, Granted) and is_passed_on(report):
        return Refused(
            "passed-on",
            _(
                "This report was passed on as its author wrote it. Write one of your own that names its objects."
            ),
        )
    return answer


def is_passed_on(report: Report) -> bool:
    """Whether what this node published is what somebody else wrote, to the letter."""
    release = report.release
    if report.state != Report.State.PUBLISHED or report.origin or release is None:
        return False
    left = StixObject.objects.filter(stix_id=report.stix_id, sources__release=release)
    return left.exclude(creator=identity_id()).exists()


def can_publish(actor: Actor, report: Report) -> Answer:
    """Drafts of one's own organisations, and new versions of what they published."""
    return _can_go_on(actor, report, "publish:intel")


def _can_go_on(actor: Actor, report: Report, permission: str) -> Answer:
    if report.origin:
        return Refused(
            "not-ours", _("This report is a partner's. Write one of your own that names its objects.")
        )
    if not _is_of_theirs(actor, report, permission):
        return _not_yours()
    if report.state == Report.State.WITHDRAWN:
        return Refused("withdrawn", _("This report was withdrawn. Make a new one."))
    return Granted()


def can_withdraw(actor: Actor, report: Report) -> Answer:
    """Only what one's own organisations published."""
    if report.state != Report.State.PUBLISHED or report.origin:
        return Refused("not-published", _("Only a report that this node published can be withdrawn."))
    return Granted() if _is_of_theirs(actor, report, "publish:intel") else _not_yours()


def _is_of_theirs(actor: Actor, report: Report, permission: str) -> bool:
    if isinstance(actor, SystemActor):
        return True
    return isinstance(actor, PersonActor) and report.organisation_id in holding(actor, permission)


def _not_yours() -> Refused:
    return Refused(
        "not-yours",
        _(
            "This report is another organisation's of this node. Write one of your own that names its objects, or "
            "ask somebody there."
        ),
    )
