"""What a template of an agreement is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taawun.cooperation.agreements.document import ANY, Clause, Onward
from taawun.foundation.multilingual import Prose, Text
from taawun.foundation.tlp import Tlp

__all__ = ["Template", "between_all"]


@dataclass(frozen=True, slots=True)
class Template:
    """A start for an agreement.

    Args:
        name: stable, kebab-case.
        label: what a person reads in a list of templates; a lazy translation.
        purpose: when to take it; a lazy translation.
        title: of the agreement.
        preamble: of the agreement, a paragraph a line.
        clauses: of the agreement; ``any`` stands for every party.
        notice_days: days between a notice of termination and its effect.
        is_multilateral: whether it is meant for more than two parties.
        accession: ``closed`` or ``by-invitation``.
        signatures: how many parties must sign before it enters into force; None for all of them.
    """

    name: str
    label: Any  # a lazy translation
    purpose: Any  # a lazy translation
    title: Text
    preamble: Prose
    clauses: tuple[Clause, ...]
    notice_days: int
    is_multilateral: bool = False
    accession: str = "closed"
    signatures: int | None = None


def between_all(  # noqa: PLR0913 - each argument is one thing a clause decides
    ref: str,
    title: Text,
    kinds: tuple[str, ...],
    *,
    tlp_max: Tlp,
    purpose: Text,
    onward: str = "none",
    history: str = "from-accession",
    retention_days: int | None = None,
    on_termination: str = "keep",
) -> Clause:
    """A clause under which every party may send every other."""
    return Clause(
        ref=ref,
        title=title,
        senders=(ANY,),
        receivers=(ANY,),
        kinds=kinds,
        topics=(),
        tlp_max=tlp_max,
        purpose=(purpose,),
        onward=Onward(onward),
        history=history,
        retention_days=retention_days,
        on_termination=on_termination,
        recognises=(),
    )
