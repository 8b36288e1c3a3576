"""What partners tell on the first page, beside the navigation, and to the search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.cooperation.partners import queries
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.partners.presenting import standing
from taawun.foundation.clock import now
from taawun.platform.web import formats
from taawun.platform.web.home import Hint, Line
from taawun.platform.web.questions import Question
from taawun.platform.web.search import Found, Wanted

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["count_waiting", "find", "hints", "side_note", "uncompared", "waiting"]

_MANAGE = "manage:partners"
_MOST = 20


def waiting(actor: PersonActor) -> list[Line]:
    """Partners that answered and whose fingerprint nobody has compared; for those who may compare it."""
    if _MANAGE not in actor.permissions:
        return []
    return [
        Line(
            _("Compare the fingerprint of %(name)s") % {"name": _name(partner)},
            reverse("partner-verify", args=[partner.id]),
            format_html("{}", _("Until then it receives nothing")),
            partner.created,
            partner.nation,
            kind="partners.uncompared",
        )
        for partner in uncompared()[:_MOST]
    ]


def count_waiting(actor: PersonActor) -> int:
    """How many fingerprints wait for this actor to compare them."""
    return uncompared().count() if _MANAGE in actor.permissions else 0


def uncompared() -> QuerySet[Partner]:
    """Partners whose fingerprint nobody has compared, the oldest first."""
    return Partner.objects.filter(state=Partner.State.MET).order_by("created", "id")


def hints(actor: PersonActor) -> list[Hint]:
    """The first step on a node without partners."""
    if _MANAGE not in actor.permissions or Partner.objects.exists():
        return []
    return [
        Hint(
            _("Add a partner"),
            _(
                "Cooperation begins with another node: you know its address, and its administrator knows yours."
            ),
            _("Add a partner…"),
            reverse("partner-add"),
            order=10,
        )
    ]


_IN_STEP: Final = Question(
    lambda: (
        Partner.objects.filter(state=Partner.State.VERIFIED)
        .order_by()
        .values("state")
        .annotate(rows=Count("id"), well=Count("id", filter=Q(failures=0)), latest=Max("last_contact"))
        .values_list("rows", "well", "latest")
    )
)


def side_note() -> list[str]:
    """How many partners are in step, and when one was last heard; every page asks."""
    for rows, well, latest in _IN_STEP.ask():
        counts = {"well": formats.number(well), "all": formats.number(rows)}
        told = [_("Partners: %(well)s of %(all)s in step") % counts]
        if latest is None:
            return told
        is_today = formats.local(latest).date() == formats.local(now()).date()
        when = formats.time_of_day(latest) if is_today else formats.short_day(latest)
        return [*told, _("Last contact %(when)s") % {"when": when}]
    return []


def find(_actor: object, wanted: Wanted, limit: int) -> list[Found]:
    """Partners by name, nation or address."""
    return [
        Found(
            _name(partner),
            reverse("partner", args=[partner.id]),
            _("Partner"),
            _("%(address)s, %(state)s") % {"address": partner.node, "state": standing(partner).word},
        )
        for partner in queries.matching(wanted.text)[:limit]
    ]


def _name(partner: Partner) -> str:
    return partner.name.in_language(get_language() or "en").value
