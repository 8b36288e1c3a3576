"""The room's router, and what all of its operations need."""

from __future__ import annotations

from ninja import Router

from taawun.foundation.multilingual import Text, TextRefused
from taawun.platform.web.api import Refusal

__all__ = ["router", "words"]

router = Router(tags=["people"])


def words(value: dict[str, str], pointer: str) -> Text:
    """A text that came in a body.

    Raises:
        Refusal: 422 with the place.
    """
    try:
        return Text.from_json(value)
    except TextRefused as refused:
        raise Refusal(422, refused.code, str(refused), pointer=pointer) from None
