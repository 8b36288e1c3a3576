"""The addresses at which a node that was restored is told what it had said (docs/protocol.md, "The return of a node").

A handler never calls another node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange import wire
from taawun.cooperation.partners.exchange.serving import content_response, signed
from taawun.cooperation.partners.exchange.wire import JSON_LINES
from taawun.cooperation.partners.identity import succession
from taawun.cooperation.partners.models import Holding, Lane
from taawun.cooperation.partners.restored import asking, forgotten, held, returning
from taawun.foundation import strict_json
from taawun.platform.web.problems import problem

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.partners.models import Partner

__all__ = ["blob", "lane", "listing"]

_PAGE_BYTES: Final = 8 * 1024 * 1024


@csrf_exempt
@require_http_methods(["GET", "POST"])
@signed
def listing(request: HttpRequest, partner: Partner) -> HttpResponse:
    """``/federation/held``: how far this node holds the caller's lanes; or, posted, the caller this node's."""
    if request.method == "POST":
        return _hear_listing(request, partner)
    lanes = Lane.objects.filter(sender=partner, part_of=None, head_seq__gte=0).order_by("opened")
    offers = [
        asking.HeldOffer(each.wire_id, each.head_seq, each.head_digest, each.floor_seq).said()
        for each in lanes[: wire.MOST_LANES]
    ]
    shown = succession.shown_by(partner)
    return _json({"lanes": offers, "rotations": shown} if shown else {"lanes": offers})


def _hear_listing(request: HttpRequest, partner: Partner) -> HttpResponse:
    if not returning.is_to_be_asked(partner):
        return _json({"wanted": []})
    try:
        told = asking.told(request.body)
        forgotten.hear(partner, told.rotations)
        returning.heard(partner)
        if not returning.may_take():
            # not before others had their say on our keys; it is asked, or comes, again
            return _json({"wanted": []})
        offers, missing = told.lanes, held.wanted(partner, told.lanes)
    except (strict_json.JsonRefused, AttributeError, KeyError, TypeError, ValueError) as why:
        if isinstance(why, ChainBroken):
            held.refuse(partner, why)
            return problem(409, "return-refused", f"What your node holds is not taken: {why}.")
        return problem(400, "malformed", f"The body is {{lanes: [{{lane, seq, digest}}]}}: {why}")
    if not missing and not held.waits_for_others(partner, offers):
        returning.answered(partner)
    return _json({"wanted": [{"lane": str(each.lane), "after": each.after} for each in missing]})


@csrf_exempt
@require_http_methods(["GET", "POST"])
@signed
def lane(request: HttpRequest, partner: Partner, lane_id: UUID) -> HttpResponse:
    """``/federation/held/{lane}``: entries of the caller's lane as JSON lines; or, posted, of this node's lane."""
    if request.method == "POST":
        return _hear_lines(request, partner, lane_id)
    found = Lane.called(partner, lane_id)
    if found is None:
        return problem(404, "no-such-lane", "This node holds no such lane of yours.")
    try:
        after, limit = (
            int(request.GET.get("after", "-1")),
            int(request.GET.get("limit", str(wire.PAGE_ENTRIES))),
        )
    except ValueError:
        return problem(400, "bad-page", "`after` and `limit` are whole numbers.")
    if after < -1 or limit < 1:
        return problem(400, "bad-page", "`after` is at least -1 and `limit` at least 1.")
    lines = held.held_for(partner, found, after, min(limit, wire.PAGE_ENTRIES), _PAGE_BYTES)
    return HttpResponse(b"".join(lines), content_type=JSON_LINES)


def _hear_lines(request: HttpRequest, partner: Partner, lane_id: UUID) -> HttpResponse:
    if not (returning.is_to_be_asked(partner) and returning.may_take()):
        # the return may have ended a moment ago; but of a lane that is none for this partner there never was one
        known = held.own(lane_id)
        if known is None or not known.readers.filter(partner=partner).exists():
            return problem(404, "no-such-lane", "There is no such lane for your node.")
        return _json({"taken": 0})
    try:
        return _json({"taken": held.take(partner, lane_id, request.body.splitlines(keepends=True))})
    except ChainBroken as broken:
        held.refuse(partner, broken)
        return problem(409, "return-refused", f"What your node holds is not taken: {broken}.")


@require_GET
@signed
def blob(request: HttpRequest, partner: Partner, lane_id: UUID, digest: str) -> HttpResponseBase:
    """``GET /federation/held/{lane}/{digest}``: a content that came over the caller's lane."""
    found = Lane.called(partner, lane_id)
    kept = Holding.objects.select_related("content").filter(lane=found, content_id=digest).first()
    if found is None or kept is None:
        return problem(404, "no-such-blob", "This node holds no such content of yours.")
    return content_response(request, kept.content)


def _json(said: object) -> HttpResponse:
    return HttpResponse(orjson.dumps(said), content_type="application/json")
