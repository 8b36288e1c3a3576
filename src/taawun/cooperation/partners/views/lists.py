"""The lists of partners, and of the lanes with one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from taawun.cooperation.partners import queries
from taawun.cooperation.partners.forms import LaneFilters, PartnerFilters
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.partners.presenting import (
    fingerprint_of,
    lane_lines,
    lanes_in_step,
    standing,
)
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.multilingual import Text
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.listing import Column, Empty, Held, Stored, Table, show
from taawun.platform.web.paging import batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.partners.models import Lane
    from taawun.cooperation.partners.presenting import Standing
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["partner_lanes", "partners"]

_MANAGE = "manage:partners"
_LANE_ORDER: Final = ("-opened", "id")


# ---- the list -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Row:
    partner: Partner
    standing: Standing
    lanes: str


PARTNERS: Final = Table(
    name="partners",
    caption=gettext_lazy("Partners"),
    columns=(
        Column("partner", gettext_lazy("Partner"), sort="nation"),
        Column("state", gettext_lazy("State")),
        Column("lanes", gettext_lazy("Lanes")),
        Column("contact", gettext_lazy("Last contact")),
    ),
    orders={"nation": ("nation", "node")},
    sort="nation",
    unfit=Empty(
        gettext_lazy("No partner fits"), gettext_lazy("None has this name, nation, address or state.")
    ),
    saved=("id", "node", "nation", "name", "state", "kid", "last_contact"),
    flat=lambda row: {**row, "name": Text.from_json(row["name"]).in_language("en").value},
)


@require_safe
@signed_in("read:partners")
def partners(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """The nodes that this one knows."""
    may_manage = _MANAGE in actor.permissions

    def draw(found: list[Partner]) -> list[_Row]:
        steps = lanes_in_step(found)
        return [_Row(each, standing(each), _lanes_in_words(*steps[each.id])) for each in found]

    return show(
        request,
        PARTNERS,
        "partners/partners.html",
        form=PartnerFilters(request.GET),
        find=lambda wanted: Held(queries.matching(wanted.get("q", ""), wanted.get("state", ""))),
        draw=draw,
        save=_saved,
        empty=Empty(
            _("No partner yet"),
            _(
                "Nothing leaves this node without a partner to send it to. Add one by the address of its node; its "
                "administrator adds yours."
            )
            if may_manage
            else _(
                "Nothing leaves this node without a partner to send it to. An administrator adds one by the address "
                "of its node."
            ),
            ((_("Add a partner…"), reverse("partner-add")),) if may_manage else (),
        ),
        context={
            "may_manage": may_manage,
            "awaited": returning.awaited().filter(answered=None, given_up=None),
            "own": fingerprint_of(settings.BASE_URL, node_key().kid),
            "own_node": settings.BASE_URL,
            "is_reachable": settings.REACHABLE,
        },
    )


def _lanes_in_words(moving: int, lanes: int) -> str:
    if not lanes:
        return "—"
    if not moving:
        return _("no lane in step")
    sentence = ngettext(
        "%(moving)s of %(lanes)s lane in step", "%(moving)s of %(lanes)s lanes in step", lanes
    )
    return sentence % {"moving": formats.number(moving), "lanes": formats.number(lanes)}


def _saved(found: Iterable[Partner]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in found:
        yield {
            "id": str(each.id),
            "node": each.node,
            "nation": each.nation,
            "name": each.name.to_json(),
            "state": each.state,
            "kid": each.kid,
            "last_contact": each.last_contact,
        }


# ---- lanes ------------------------------------------------------------------------------------------------------
LANES: Final = Table(
    name="lanes",
    caption=gettext_lazy("Lanes"),
    columns=(
        Column("carries", gettext_lazy("Carries")),
        Column("direction", gettext_lazy("Direction")),
        Column("state", gettext_lazy("State")),
        Column("entries", gettext_lazy("Entries"), is_number=True),
        Column("last", gettext_lazy("Last entry")),
        Column("opened", gettext_lazy("Opened"), sort="-opened", is_shown=False),
    ),
    orders={"opened": ("opened", "-id")},
    sort="-opened",
    unfit=Empty(
        gettext_lazy("No lane fits"),
        gettext_lazy("None of this partner’s lanes has this direction and this state."),
    ),
    saved=(
        "id",
        "direction",
        "purpose",
        "agreement",
        "clause",
        "state",
        "stop_reason",
        "head",
        "known",
        "acknowledged",
        "opened",
        "last_entry",
    ),
)


@require_safe
@signed_in("read:partners")
def partner_lanes(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Every lane between this node and a partner, and how far each is."""
    known = get_object_or_404(Partner, id=partner_id)
    own_page = reverse("partner", args=[known.id])
    return show(
        request,
        LANES,
        "partners/lanes.html",
        form=LaneFilters(request.GET),
        find=lambda wanted: Stored(
            queries.lanes_with(known, wanted.get("direction", ""), wanted.get("state", ""))
        ),
        draw=lane_lines,
        save=_saved_lanes,
        empty=Empty(
            _("No lane yet"),
            _("The first opens when the two nodes have spoken."),
            ((called(known.name), own_page),),
        ),
        context={"partner": known, "may_manage": _MANAGE in actor.permissions},
    )


def _saved_lanes(found: QuerySet[Lane]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row, and the annotation of lanes_with
    for batch in batches(found, order=_LANE_ORDER):
        lanes: list[Any] = batch
        for lane in lanes:
            is_ours = lane.sender_id is None
            yield {
                "id": str(lane.wire_id),
                "direction": "sent" if is_ours else "received",
                "purpose": lane.purpose,
                "agreement": str(lane.agreement) if lane.agreement else None,
                "clause": lane.clause or None,
                "state": lane.state,
                "stop_reason": lane.stop_reason or None,
                "head": lane.head_seq,
                "known": lane.known_seq,
                "acknowledged": lane.receipt_seq if is_ours else lane.acknowledged_seq,
                "opened": lane.opened,
                "last_entry": lane.last_entry,
            }
