"""Who may see and do what with intelligence, inside this node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from taawun.capabilities.intel.composing import identity_id
from taawun.capabilities.intel.models import NamedReader, Report, ReportReader, StixObject
from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.rules import Granted, Refused
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.rules import Answer

__all__ = [
    "can_edit",
    "can_publish",
    "can_withdraw",
    "is_passed_on",
    "visible_imports",
    "visible_objects",
    "visible_reports",
    "visible_sightings",
]


def visible_objects(actor: Actor) -> Q:
    """Objects the actor may see: RED names its persons, AMBER+STRICT stays inside its organisation.

    A party sees nothing here: what it may have reaches it over lanes.
    """
    person = _reader(actor)
    if not isinstance(person, PersonActor):
        return person
    # a list, not a question for each row: nobody is named on many, and there may be many that name others
    named = NamedReader.objects.filter(person_id=person.id).values("source__object")
    return _marked(person) | Q(tlp=Tlp.RED, id__in=named)


def visible_reports(actor: Actor) -> Q:
    """Reports the actor may see; a RED one is its author's and the persons' it names."""
    person = _reader(actor)
    if not isinstance(person, PersonActor):
        return person
    named = ReportReader.objects.filter(report=OuterRef("pk"), person_id=person.id)
    return _marked(person) | (Q(tlp=Tlp.RED) & (Q(author_id=person.id) | Q(Exists(named))))


def visible_sightings(actor: Actor) -> Q:
    """Sightings of objects the actor may see, by the marking of the sighting too.

    Ours bears the strictest marking of what was seen, so it is read by its author and by whoever may see a version
    that is marked as strictly; a partner's bears its own.
    """
    if isinstance(actor, SystemActor):
        return Q()
    visible = StixObject.objects.filter(visible_objects(actor))
    seen = visible.filter(is_current=True)
    of_visible = Q(Exists(seen.filter(stix_id=OuterRef("of"))))
    ours = Q(Exists(visible.filter(stix_id=OuterRef("of"), tlp__gte=OuterRef("tlp"))))
    if isinstance(actor, PersonActor):
        ours |= Q(person_id=actor.id)
    return of_visible & ((Q(seen_by="") & ours) | Q(Exists(seen.filter(stix_id=OuterRef("stix_id")))))


def visible_imports(actor: Actor) -> Q:
    """Imports by one's own organisations; what was brought as RED is for the person who brought it."""
    if isinstance(actor, SystemActor):
        return Q()
    if not isinstance(actor, PersonActor) or "write:intel" not in actor.permissions:
        return Q(pk__in=[])
    return Q(organisation_id__in=actor.organisations) & (Q(default_tlp__lt=Tlp.RED) | Q(person_id=actor.id))


def _reader(actor: Actor) -> PersonActor | Q:
    """The person who reads, or the whole answer for who is none: the system sees all, anybody else nothing."""
    if isinstance(actor, SystemActor):
        return Q()
    if not isinstance(actor, PersonActor) or "read:intel" not in actor.permissions:
        return Q(pk__in=[])
    return actor


def _marked(person: PersonActor) -> Q:
    return Q(tlp__lte=Tlp.AMBER) | Q(tlp=Tlp.AMBER_STRICT, organisation_id__in=person.organisations)


def can_edit(report: Report) -> Answer:
    """Only what is ours can be changed; a change of a published report is a new version when it is published."""
    answer = can_publish(report)
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


def can_publish(report: Report) -> Answer:
    """Our own drafts, and new versions of what we published."""
    if report.origin:
        return Refused(
            "not-ours", _("This report is a partner's. Write one of your own that names its objects.")
        )
    if report.state == Report.State.WITHDRAWN:
        return Refused("withdrawn", _("This report was withdrawn. Make a new one."))
    return Granted()


def can_withdraw(report: Report) -> Answer:
    """Only what we published."""
    if report.state != Report.State.PUBLISHED or report.origin:
        return Refused("not-published", _("Only a report that this node published can be withdrawn."))
    return Granted()
