"""What a page says after an act: what was done and, where it can be undone, the button that undoes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib import messages

if TYPE_CHECKING:
    from django.contrib.messages.storage.base import Message
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

__all__ = ["Undo", "tell_done", "undo_of"]


@dataclass(frozen=True, slots=True)
class Undo:
    """The opposite of what was done: an act like any other, checked and recorded as what it is.

    Args:
        url: where it is posted to.
        fields: what it posts, each name with its values.
    """

    url: str
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)


def tell_done(request: HttpRequest, sentence: _StrOrPromise, undo: Undo | None = None) -> None:
    """Say on the next page what was done.

    Args:
        request: that did it.
        sentence: what was done.
        undo: the act that undoes it; None where nothing does.
    """
    tags = json.dumps({"url": undo.url, "fields": dict(undo.fields)}) if undo else ""
    # the tags of a message travel with it; nothing else of ours is written there
    messages.success(request, sentence, extra_tags=tags)


def undo_of(message: Message) -> Undo | None:
    """The act that undoes what a message tells of, or None."""
    if not message.extra_tags:
        return None
    given = json.loads(message.extra_tags)
    return Undo(given["url"], given["fields"])
