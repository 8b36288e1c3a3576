"""The part that a room above registers to show a sheet of its own, drawn by itself, on the page of an agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["AgreementSheet"]


@dataclass(frozen=True, slots=True)
class AgreementSheet:
    """A sheet on the page of every agreement that was proposed.

    Args:
        name: unique.
        label: its heading; a lazy translation.
        permission: who sees it.
        body: what stands in it; markup.
    """

    name: str
    label: Any  # a lazy translation
    permission: str
    body: Callable[[PersonActor, Agreement], SafeString]
