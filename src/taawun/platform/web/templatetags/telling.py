"""How a page says what was done: a notice and, where it can be undone, the button that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from taawun.platform.web.telling import undo_of

if TYPE_CHECKING:
    from django.contrib.messages.storage.base import Message
    from django.template.context import Context

register = template.Library()


@register.inclusion_tag("web/components/told.html", takes_context=True)
def told(context: Context, message: Message) -> dict[str, Any]:
    """A message of the last page: alarm for an error, gold for a warning, green for what was done."""
    tones = {"error": "alarm", "warning": "gold", "success": "green"}
    return {
        "tone": tones.get(message.level_tag, "neutral"),
        "message": message,
        "undo": undo_of(message),
        "csrf_token": context.get("csrf_token"),
    }
