"""The page of an agreement's duties: what goes here and when, and what its parties proved that they deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.duties import duties_of, owed_under
from taawun.cooperation.federation.presenting import release_rows, with_passages
from taawun.cooperation.federation.queries import releases
from taawun.cooperation.federation.rules import reader_of
from taawun.cooperation.people.sessions import signed_in

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["agreement_duties"]

# what goes is shown this far; the list of releases has all of it
_SHOWN = 50


@require_safe
@signed_in("read:federation")
def agreement_duties(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponse:
    """What this node deletes because the agreement is over, and what its parties proved that they deleted."""
    held = get_object_or_404(Agreement, id=agreement_id)
    reader = reader_of(actor)
    owed = []
    for each in owed_under(held):
        found = with_passages(releases().filter(passages__in=each.passages).distinct())
        owed.append((each, each.passages.count(), release_rows(list(found[:_SHOWN]), reader)))
    context = {"agreement": held, "owed": owed, "duties": duties_of(held)}
    return render(request, "federation/duties.html", context)
