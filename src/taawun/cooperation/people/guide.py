"""The first steps of a node that are about people: who runs it, how they sign in, and who else works here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.models import Membership, Organisation, Person
from taawun.foundation.multilingual import LANGUAGES
from taawun.platform.web.guide import GuideStep

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["STEPS"]


def _is_named(_actor: PersonActor) -> bool:
    """Whether the organisation that runs the node has a name in every language, and its nation too."""
    host = Organisation.objects.filter(is_host=True).select_related("nation").first()
    if host is None:
        return False
    is_of_nation = host.node_kind == Organisation.NodeKind.NATION
    return all(host.names.get(each) for each in LANGUAGES) and (not is_of_nation or host.nation is not None)


def _naming() -> str:
    return reverse("organisation-change", args=[Organisation.objects.get(is_host=True).id])


def _has_second_factor(actor: PersonActor) -> bool:
    return bool(is_mfa_enabled(Person(id=actor.id)))


def _is_not_alone(_actor: PersonActor) -> bool:
    held = Membership.objects.filter(person__is_active=True).order_by()
    return held.values("person").distinct()[1:2].exists()


def _has_mail(_actor: PersonActor) -> bool:
    return settings.EMAIL_URL is not None


STEPS: Final = (
    GuideStep(
        "people.named",
        10,
        _("Say who you are"),
        _("Partners read the name of your nation and organisation, each in their own language."),
        _is_named,
        _("Name the organisation…"),
        _naming,
        permission="manage:people",
    ),
    GuideStep(
        "people.second-factor",
        20,
        _("Protect how you sign in"),
        _("With a passkey or an app that shows codes, a password that was stolen opens nothing."),
        _has_second_factor,
        _("Set up a second factor…"),
        lambda: reverse("mfa_index"),
    ),
    GuideStep(
        "people.invited",
        30,
        _("Invite people"),
        _("Two officers approve an agreement, an analyst writes reports. Each of them comes in by a link."),
        _is_not_alone,
        _("Invite somebody…"),
        lambda: reverse("invite"),
        permission="manage:people",
    ),
    GuideStep(
        "people.mail",
        80,
        _("Let the node send e-mail"),
        _("Without it people are told nothing while they are away, and links are handed over by hand."),
        _has_mail,
        by_hand=_("Set this, then start the node again:"),
        console="TAAWUN_EMAIL_URL",
        permission="manage:notices",
    ),
)
