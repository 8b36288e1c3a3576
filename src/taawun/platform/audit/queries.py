"""Reading the trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taawun.platform.audit.models import Entry

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["Filters", "entries"]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader of the trail asks for; empty means all.

    Args:
        verb: the verb, or its room when it ends in a dot (``agreements.``).
        subject: the URN acted on.
        actor: the actor's id.
    """

    verb: str = ""
    subject: str = ""
    actor: str = ""


def entries(filters: Filters) -> QuerySet[Entry]:
    """Rows of the trail, newest first. Who may ask is the caller's question (``read:audit``)."""
    rows = Entry.objects.order_by("-id")
    if filters.verb.endswith("."):
        rows = rows.filter(verb__startswith=filters.verb)
    elif filters.verb:
        rows = rows.filter(verb=filters.verb)
    if filters.subject:
        rows = rows.filter(subject=filters.subject)
    if filters.actor:
        rows = rows.filter(actor_id=filters.actor)
    return rows
