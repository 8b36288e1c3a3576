"""Everybody asks from one address here, and a test goes on from no limit that another one met."""

from __future__ import annotations

from taawun.cooperation.partners.exchange.access import PARTNERS, UNCOMPARED
from taawun.cooperation.partners.exchange.serving import ANYBODY, INTRODUCTIONS
from taawun.cooperation.partners.logs.witness import TELLINGS
from taawun.cooperation.people.views.sign_in import VISITS
from taawun.platform.web.api import ADDRESSES, TOKENS

__all__ = ["nobody_asked_before"]


def nobody_asked_before() -> None:
    """Forget who asked how often."""
    for each in (PARTNERS, UNCOMPARED, ANYBODY, INTRODUCTIONS, TELLINGS, VISITS, ADDRESSES, TOKENS):
        each.empty()
