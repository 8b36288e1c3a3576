"""What the modules of this interface share: the router, the media type, and the reading of a marking."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from ninja import Router

from taawun.foundation.tlp import Tlp, UnknownMarking
from taawun.platform.web import formats
from taawun.platform.web.api import (
    Refusal,
)

__all__ = ["STIX", "marking", "router"]

router = Router(tags=["intel"])

STIX: Final = "application/stix+json;version=2.1"


def marking(text: str, pointer: str = "/tlp") -> Tlp:
    """Read a marking that a caller wrote.

    Raises:
        Refusal: there is none that is called so.
    """
    try:
        return Tlp.parse(text)
    except UnknownMarking:
        names = formats.listed([tlp.label for tlp in Tlp])
        raise Refusal(
            422,
            "unknown-marking",
            _("Choose one of these markings: %(names)s.") % {"names": names},
            pointer=pointer,
        ) from None
