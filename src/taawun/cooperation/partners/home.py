"""What partners tell on the first page, beside the navigation, and to the search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from taawun.cooperation.partners import queries
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.partners.presenting import standing
from taawun.foundation.clock import now
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.guide import GuideStep
from taawun.platform.web.home import Check, Line
from taawun.platform.web.questions import Question
from taawun.platform.web.search import Found, Wanted

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.safestring import SafeString

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["STEPS", "checks", "count_waiting", "counts", "find", "side_note", "uncompared", "waiting"]

_MANAGE = "manage:partners"
_MOST = 20
_MOST_SILENT: Final = 5


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


def counts(actor: PersonActor) -> dict[str, int]:
    """How many they are, as the first page asks."""
    return {"partners.uncompared": count_waiting(actor)}


def count_waiting(actor: PersonActor) -> int:
    """How many fingerprints wait for this actor to compare them."""
    return sum(rows for (rows,) in _UNCOMPARED.ask()) if _MANAGE in actor.permissions else 0


_UNCOMPARED: Final = Question(
    lambda: uncompared().order_by().values("state").annotate(rows=Count("id")).values_list("rows")
)


def uncompared() -> QuerySet[Partner]:
    """Partners whose fingerprint nobody has compared, the oldest first."""
    return Partner.objects.filter(state=Partner.State.MET).order_by("created", "id")


def checks(actor: PersonActor) -> list[Check]:
    """Whether the partners are in step; for those who can do something about it. Nothing without partners."""
    if _MANAGE not in actor.permissions:
        return []
    at = now()
    partners = Partner.objects.filter(state=Partner.State.VERIFIED).order_by("last_contact", "node")
    silent = [each for each in partners if each.failures or not each.is_current(at)]
    found = [
        Check(
            _said_of(partner),
            is_well=False,
            mend=_("What you hold is unchanged; what waits is sent when it is back."),
            url=reverse("partner", args=[partner.id]),
        )
        for partner in silent[:_MOST_SILENT]
    ]
    more = len(silent) - len(found)
    if more:
        words = ngettext("%(count)s more partner is silent.", "%(count)s more partners are silent.", more)
        found.append(Check(words % {"count": formats.number(more)}, is_well=False, url=reverse("partners")))
    if not silent and partners:
        found.append(Check(_("All partners are in step."), is_well=True))
    return found


def _said_of(partner: Partner) -> SafeString:
    if partner.last_contact is None:
        return formats.with_names(_("%(name)s has not answered yet."), name=_name(partner))
    return formats.with_names(
        _("%(name)s does not answer; the last contact was %(when)s."),
        name=_name(partner),
        when=formats.ago(partner.last_contact),
    )


def _next_to_compare() -> str:
    first = uncompared().first()
    return reverse("partner-verify", args=[first.id]) if first else reverse("partners")


STEPS: Final = (
    GuideStep(
        "partners.found",
        40,
        gettext_lazy("Add a partner"),
        gettext_lazy(
            "Cooperation begins with another node: you know its address, and its administrator knows yours."
        ),
        lambda _actor: Partner.objects.exists(),
        gettext_lazy("Add a partner…"),
        lambda: reverse("partner-add"),
        permission=_MANAGE,
    ),
    GuideStep(
        "partners.compared",
        50,
        gettext_lazy("Compare the fingerprint words"),
        gettext_lazy("By telephone, with the administrator of that node. Until then it receives nothing."),
        lambda _actor: Partner.objects.filter(verified__isnull=False).exists(),
        gettext_lazy("Compare…"),
        _next_to_compare,
        permission=_MANAGE,
        after="partners.found",
    ),
)


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
    return called(partner.name)
