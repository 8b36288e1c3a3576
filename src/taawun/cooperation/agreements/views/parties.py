"""Who the parties of a draft are: a guest or a partner is named in it, and taken out of it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.cooperation.agreements import actions, waiting
from taawun.cooperation.agreements.forms import GuestForm, NodeForm
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.views.asking import draft_or_text, edition_in, tried_on_draft
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["draft_parties"]

_FEWEST_NODES = 2


@dataclass(frozen=True, slots=True)
class _Row:
    """A party on the page.

    Args:
        party: which.
        host: for a guest, whose guest it is.
        stays_for: why it cannot be taken out; empty where it can.
    """

    party: Party
    host: Party | None
    stays_for: str


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def draft_parties(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Name one more guest or partner in the draft, or take a party out; each is saved as it is done."""
    held = get_object_or_404(Agreement, id=agreement_id)
    base = draft_or_text(held)
    step = request.POST.get("do", "") if request.method == "POST" else None
    guest = GuestForm(request.POST if step == "guest" else None, document=base)
    node = NodeForm(request.POST if step == "node" else None, document=base)
    parties, refusal = _changed(base, step, guest, node)
    status = 200 if step is None else 422
    if parties is not None:
        changed = replace(base, parties=tuple(parties))
        refusal, status = tried_on_draft(
            lambda: actions.edit_draft(actor, held, changed, edition=edition_in(request))
        )
        if not refusal:
            messages.success(request, _("The parties of the draft are changed. Nobody else has seen it."))
            return redirect("agreement-draft-parties", held.id)
    context = {
        "agreement": held,
        "rows": [_Row(each, base.party(each.host), _stays_for(base, each)) for each in base.parties],
        "guest": guest,
        "node": node,
        "refusal": refusal,
        "edition": held.draft_edition if step is None else edition_in(request),
    }
    return render(request, "agreements/draft_parties.html", context, status=status)


def _changed(
    base: Document, step: str | None, guest: GuestForm, node: NodeForm
) -> tuple[Sequence[Party] | None, str]:
    """The parties as they are to be, or None with the reason; a form tells its reasons itself."""
    for form in (guest, node):
        if form.is_bound:
            return ([*base.parties, form.party()], "") if form.is_valid() else (None, "")
    if step is None:
        return None, ""
    verb, _dash, ref = step.partition("-")
    leaving = base.party(ref)
    if verb != "remove" or leaving is None:
        return None, _("This party is not in the draft any more. Load the page again.")
    if reason := _stays_for(base, leaving):
        return None, reason
    return [each for each in base.parties if each is not leaving], ""


def _stays_for(document: Document, party: Party) -> str:
    """Why a party cannot be taken out of a text; empty where it can."""
    if party is document.depositary:
        return _("The depositary stays: it numbers the versions.")
    if party.node and party.node == settings.BASE_URL:
        return _("This is our node.")
    guests = [each.ref for each in document.parties if each.kind == "guest" and each.host == party.ref]
    if guests:
        return _("It is the host of %(guests)s. Take out its guests first.") % {
            "guests": formats.listed(guests)
        }
    nodes = sum(each.kind == "node" for each in document.parties)
    if party.kind == "node" and nodes <= _FEWEST_NODES:
        return _("An agreement needs at least two nodes.")
    clauses = [each.ref for each in document.clauses if party.ref in {*each.senders, *each.receivers}]
    if clauses:
        return _("These clauses name it: %(clauses)s. Change them first.") % {
            "clauses": formats.listed([formats.digits(ref) for ref in clauses])
        }
    return ""
