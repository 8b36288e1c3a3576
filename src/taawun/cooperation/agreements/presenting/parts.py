"""What other rooms show on the page of an agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.home import Line

__all__ = ["AgreementSection", "ClauseFigure"]


@dataclass(frozen=True, slots=True)
class AgreementSection:
    """What another room shows on the page of an agreement: lines, or something that it draws itself.

    Args:
        name: unique, for example ``federation-ledger``.
        label: the heading; a lazy translation.
        permission: who sees it.
        lines: what concerns this agreement, the most important first; nothing is shown where there are none.
        drawing: markup, beside the clauses; asked for where a version was proposed.
    """

    name: str
    label: Any  # a lazy translation
    permission: str
    lines: Callable[[PersonActor, Agreement], Sequence[Line]] | None = None
    drawing: Callable[[PersonActor, Agreement], SafeString] | None = None


@dataclass(frozen=True, slots=True)
class ClauseFigure:
    """A number that another room tells of each clause: a column of the clauses on the page of an agreement.

    Args:
        name: unique, for example ``federation-flowed``.
        label: the head of the column; a lazy translation.
        permission: who sees it.
        figures: the numbers by the refs of clauses; a clause that is missing has none.
    """

    name: str
    label: Any  # a lazy translation
    permission: str
    figures: Callable[[Agreement], Mapping[str, int]]
