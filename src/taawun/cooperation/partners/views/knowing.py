"""Who a partner says it is, whether that was compared, its keys, and what somebody here decides about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from taawun.cooperation.partners import actions, queries
from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.exchange.following import follow, unfollow
from taawun.cooperation.partners.forms import AddForm, CompareForm
from taawun.cooperation.partners.identity import keys, quarantine
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.partners.presenting import (
    PartnerSection,
    descriptor_facts,
    fingerprint_of,
    lane_lines,
    standing,
)
from taawun.cooperation.partners.restarts.presenting import fork_lines, restart_lines
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.partners.wording import last_problem
from taawun.cooperation.people.queries import host
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.queries import open_notices
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.home import Line
from taawun.platform.web.telling import Undo, tell_done

__all__ = [
    "add",
    "ask",
    "block",
    "follow_public",
    "forget",
    "give_up",
    "own_keys",
    "partner",
    "unblock",
    "unfollow_public",
    "verify",
]

_MANAGE = "manage:partners"
# of what is in quarantine a page shows the newest; a decision may be about all
_SHOWN = 200
# a partner's page shows some of its lanes; all of them have a page of their own
_LANES_SHOWN = 12


# ---- meeting one ----------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def add(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Ask a node to introduce itself."""
    form = AddForm(request.POST or None, initial={"node": request.GET.get("node", "")})
    if request.method == "POST" and form.is_valid():
        try:
            met = actions.meet(actor, form.cleaned_data["node"], calls_us=form.cleaned_data["calls_us"])
        except PartnerRefused as refused:
            form.add_error("node", str(refused))
        else:
            return redirect("partner", met.id)
    return render(request, "partners/add.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@signed_in(_MANAGE)
def ask(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Ask a partner's node again, now."""
    known = get_object_or_404(Partner, id=partner_id)
    actions.meet(actor, known.node)
    messages.info(request, _("Its node is asked again now."))
    return redirect("partner", known.id)


# ---- one of them ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Section:
    part: PartnerSection
    lines: Sequence[Line]
    links: Sequence[tuple[str, str]]


@require_safe
@signed_in("read:partners")
def partner(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """One partner: who it says it is, whether that was compared, and how its lanes stand."""
    known = get_object_or_404(Partner, id=partner_id)
    lanes = queries.lanes_with(known)
    context = {
        "partner": known,
        # one waits for a node that is being contacted
        "rhythm": 2 if known.state == Partner.State.CLAIMED else 20,
        "watches": f"audit notices partners:{known.id}",
        "standing": standing(known),
        "facts": descriptor_facts(known),
        "fingerprint": fingerprint_of(known.node, known.kid) if known.kid else None,
        "lanes": lane_lines(list(queries.troubled_first(lanes)[:_LANES_SHOWN])),
        "has_more_lanes": lanes[_LANES_SHOWN : _LANES_SHOWN + 1].exists(),
        "restarts": restart_lines(known),
        "forks": fork_lines(known),
        "problem": last_problem(known),
        "notices": _notices(actor, known),
        "awaited": returning.awaited().filter(partner=known, answered=None, given_up=None).first(),
        "keys": [*reversed(keys.lineage_of(known).keys)] if known.kid else [],
        "quarantined": _MANAGE in actor.permissions and quarantine.in_quarantine(known).exists(),
        "sections": [
            _Section(part, part.lines(actor, known), part.links(known))
            for part in registry.all(PartnerSection)
            if part.permission in actor.permissions
        ],
        "may_manage": _MANAGE in actor.permissions,
        "may_audit": "read:audit" in actor.permissions,
        "subject": actions.urn(known),
        "own": fingerprint_of(settings.BASE_URL, node_key().kid) if _is_waited_for(known) else None,
        "own_node": settings.BASE_URL,
        "is_claim": known.state == Partner.State.MET and not known.is_reachable,
    }
    return render(request, "partners/partner.html", context)


def _is_waited_for(known: Partner) -> bool:
    return known.state == Partner.State.CLAIMED and not known.is_reachable


def _notices(actor: PersonActor, known: Partner) -> list[tuple[str, str]]:
    found = open_notices(actor.permissions).filter(params__partner=str(known.id))[:20]
    kinds = ((registry.get(NoticeKind, notice.kind), notice.params) for notice in found)
    return [(kind.sentence(params), kind.mend(params)) for kind, params in kinds]


# ---- keys -----------------------------------------------------------------------------------------------------
@require_safe
@signed_in(_MANAGE)
def own_keys(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """This node's keys, and whether its recovery key was moved off."""
    del actor
    recovery = keys.recovery_jwk()
    context = {
        "keys": reversed(keys.own_lineage().keys),
        "recovery": recovery["kid"] if recovery else "",
        "is_recovery_here": keys.recovery_file().exists(),
    }
    return render(request, "partners/own_keys.html", context)


# ---- comparing, blocking --------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def verify(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Compare a partner's fingerprint with its administrator, and say that it is the same."""
    known = get_object_or_404(Partner, id=partner_id)
    if not known.kid or known.state == Partner.State.BLOCKED:
        return redirect("partner", known.id)
    form = CompareForm(request.POST or None, initial={"kid": known.kid})
    if request.method == "POST" and form.is_valid():
        try:
            actions.verify(actor, known, form.cleaned_data["kid"])
        except PartnerRefused as refused:
            # what is on the page is the new key now, and so must be what the next tick speaks about
            form = CompareForm(initial={"kid": known.kid})
            return _verify_page(request, known, form, str(refused))
        messages.success(
            request,
            _("The fingerprint is compared. Agreements with this partner can now be signed and used."),
        )
        return redirect("partner", known.id)
    return _verify_page(request, known, form)


def _verify_page(request: HttpRequest, known: Partner, form: CompareForm, refusal: str = "") -> HttpResponse:
    context = {
        "partner": known,
        "form": form,
        "refusal": refusal,
        "theirs": fingerprint_of(known.node, known.kid),
        "ours": fingerprint_of(settings.BASE_URL, node_key().kid),
        "host": host(),
    }
    return render(request, "partners/verify.html", context, status=422 if refusal or form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def block(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Stop all traffic with a partner, after asking."""
    known = get_object_or_404(Partner, id=partner_id)
    return _asked(
        request,
        known,
        partial(actions.block, actor, known),
        question=_("Block %(name)s?"),
        effects=[
            _("From this moment nothing is sent to it and nothing is taken from it, under any agreement."),
            _("What it holds of ours it keeps, and what we hold of it we keep."),
            _("After unblocking, its fingerprint has to be compared again before it receives anything."),
        ],
        action=_("Block this partner"),
        done=_("Nothing passes between this node and the partner now."),
        tone="alarm",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def unblock(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Let a blocked partner talk again, after asking."""
    known = get_object_or_404(Partner, id=partner_id)
    return _asked(
        request,
        known,
        partial(actions.unblock, actor, known),
        question=_("Unblock %(name)s?"),
        effects=[
            _("Messages pass again in both directions."),
            _("It receives nothing until its fingerprint has been compared anew."),
        ],
        action=_("Unblock this partner"),
        done=_("Its node is being asked again. Compare its fingerprint when it has answered."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def forget(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Forget a node that came under an address that is not its own, after asking."""
    known = get_object_or_404(Partner, id=partner_id)
    return _asked(
        request,
        known,
        partial(actions.forget_claim, actor, known),
        question=_("Forget %(name)s?"),
        effects=[
            _("Its key, its descriptor and what it has said are forgotten."),
            _("The node that calls next under this address is taken in its place; compare its fingerprint."),
        ],
        action=_("Forget this node"),
        done=_("It is forgotten. The node that calls next under this address is taken."),
        tone="alarm",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def give_up(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Wait for a partner no longer, after asking: this node was restored, and it is gone."""
    known = get_object_or_404(Partner, id=partner_id)
    return _asked(
        request,
        known,
        partial(returning.give_up, actor, known),
        question=_("Wait for %(name)s no longer?"),
        effects=[
            _(
                "What this node said to it since the backup stays unknown here, and nothing that it tells later is "
                "taken."
            ),
            _(
                "Only if it is gone for good, or is not believed: lanes that it reads are then never continued, and "
                "others are opened for the same purpose."
            ),
        ],
        action=_("Wait for it no longer"),
        done=_("This node waits for it no longer."),
        tone="alarm",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def follow_public(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Take in what a partner publishes to everybody, after asking."""
    known = get_object_or_404(Partner, id=partner_id)
    return _asked(
        request,
        known,
        partial(follow, actor, known),
        question=_("Follow the public lane of %(name)s?"),
        effects=[
            _(
                "What it publishes to everybody is taken in here, without an agreement; nothing but TLP:CLEAR is."
            ),
            _("It is told that this node reads it, and this node signs for what it takes in."),
            _("What it withdraws goes here too."),
        ],
        action=_("Follow its public lane"),
        done=_("Its public lane is read from its beginning. What it brings appears here."),
        undo="partner-unfollow",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def unfollow_public(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Take nothing more in of what a partner publishes to everybody, after asking."""
    known = get_object_or_404(Partner, id=partner_id)
    return _asked(
        request,
        known,
        partial(unfollow, actor, known),
        question=_("Follow the public lane of %(name)s no longer?"),
        effects=[
            _("Nothing more is taken in from it, and the partner is told so."),
            _("What came stays here, and goes when the partner withdraws it."),
        ],
        action=_("Follow it no longer"),
        done=_("Nothing more is taken in from its public lane."),
        undo="partner-follow",
    )


def _asked(  # noqa: PLR0913 - each is a part of one question
    request: HttpRequest,
    known: Partner,
    act: Callable[[], object],
    *,
    question: str,
    effects: Sequence[str],
    action: str,
    done: str,
    tone: str = "",
    undo: str = "",
) -> HttpResponseBase:
    """Ask, then act, and say on the partner's page what came of it; with the act of this name, which undoes it."""
    back = reverse("partner", args=[known.id])
    if request.method != "POST":
        asking = formats.with_names(question, name=_name(known))
        return confirm(request, question=asking, effects=effects, action=action, cancel_url=back, tone=tone)
    try:
        act()
    except PartnerRefused as refused:
        messages.error(request, str(refused))
    else:
        tell_done(request, done, Undo(reverse(undo, args=[known.id])) if undo else None)
    return redirect(back)


def _name(known: Partner) -> str:
    return called(known.name)
