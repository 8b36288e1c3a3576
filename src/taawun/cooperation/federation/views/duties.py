"""The page of an agreement's duties: what goes here and when, and what its parties proved that they deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.duties import duties_of, owed_under
from taawun.cooperation.federation.queries import releases
from taawun.cooperation.federation.rows import release_rows
from taawun.cooperation.federation.rules import reader_of
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web.exports import as_csv, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.federation.duties import Duty
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["agreement_duties"]

# what goes is shown this far; the list of releases has all of it
_SHOWN = 50
_COLUMNS: Final = (
    "agreement",
    "partner",
    "name",
    "ended",
    "due",
    "given",
    "proven",
    "held",
    "last",
    "state",
)


@require_safe
@signed_in("read:federation")
def agreement_duties(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """What this node deletes because the agreement is over, and what its parties proved that they deleted."""
    held = get_object_or_404(Agreement, id=agreement_id)
    duties, reader = duties_of(held), reader_of(actor)
    if request.GET.get("format") in {"csv", "json"}:
        return _export(request.GET["format"], held, duties)
    owed = []
    for each in owed_under(held):
        found = releases().filter(passages__in=each.passages).distinct()
        owed.append((each, each.passages.count(), release_rows(list(found[:_SHOWN]), reader)))
    context = {"agreement": held, "owed": owed, "duties": duties}
    return render(request, "federation/duties.html", context)


def _export(ending: str, held: Agreement, duties: Sequence[Duty]) -> HttpResponseBase:
    """What each party has to delete and what it signed for, a row each: what an officer files."""
    rows = []
    for each in duties:
        state = "overdue" if each.is_overdue else "waiting" if each.left else "proven"
        counts = (each.given, each.proven, each.held)
        name = each.partner.name.to_json() if ending == "json" else each.partner.name.in_language("en").value
        values = (held.code, each.partner.node, name, each.ended, each.due, *counts, each.last, state)
        rows.append(dict(zip(_COLUMNS, values, strict=True)))
    if ending == "json":
        return as_json(f"{held.code}-duties", rows)
    return as_csv(f"{held.code}-duties", _COLUMNS, (list(row.values()) for row in rows))
