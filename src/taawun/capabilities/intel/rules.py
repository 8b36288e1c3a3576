"""Who may see and do what with intelligence, inside this node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from taawun.capabilities.intel.models import NamedReader, Report, ReportReader
from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.rules import Granted, Refused
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.rules import Answer

__all__ = ["can_edit", "can_publish", "can_withdraw", "visible_objects", "visible_reports"]


def visible_objects(actor: Actor) -> Q:
    """Objects the actor may see: RED names its persons, AMBER+STRICT stays inside its organisation.

    A party sees nothing here: what it may have reaches it over lanes.
    """
    if isinstance(actor, SystemActor):
        return Q()
    if not isinstance(actor, PersonActor) or "read:intel" not in actor.permissions:
        return Q(pk__in=[])
    named = NamedReader.objects.filter(object=OuterRef("pk"), person_id=actor.id)
    return (
        Q(tlp__lte=Tlp.AMBER)
        | Q(tlp=Tlp.AMBER_STRICT, organisation_id__in=actor.organisations)
        | (Q(tlp=Tlp.RED) & Q(Exists(named)))
    )


def visible_reports(actor: Actor) -> Q:
    """Reports the actor may see; a RED one is its author's and the persons' it names."""
    if isinstance(actor, SystemActor):
        return Q()
    if not isinstance(actor, PersonActor) or "read:intel" not in actor.permissions:
        return Q(pk__in=[])
    named = ReportReader.objects.filter(report=OuterRef("pk"), person_id=actor.id)
    mine = Q(author_id=actor.id) | Q(Exists(named))
    return (
        Q(tlp__lte=Tlp.AMBER)
        | Q(tlp=Tlp.AMBER_STRICT, organisation_id__in=actor.organisations)
        | (Q(tlp=Tlp.RED) & mine)
    )


def can_edit(report: Report) -> Answer:
    """Only what is ours can be changed; a change of a published report is a new version when it is published."""
    if report.state == Report.State.RECEIVED:
        return Refused("not-ours", _("This report is a partner's. Add a note of your own instead."))
    if report.state == Report.State.WITHDRAWN:
        return Refused("withdrawn", _("This report was withdrawn. Make a new one."))
    return Granted()


def can_publish(report: Report) -> Answer:
    """Our own drafts, and new versions of what we published."""
    return can_edit(report)


def can_withdraw(report: Report) -> Answer:
    """Only what we published."""
    if report.state != Report.State.PUBLISHED:
        return Refused("not-published", _("Only a report that this node published can be withdrawn."))
    return Granted()
