"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Finding", "gathered"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Args:
        check: which check found it, a stable word.
        level: ``fault`` where something does not work or is lost soon, ``advice`` where it should be otherwise.
        what: one sentence.
        mend: what to do, one sentence.
    """

    check: str
    level: Literal["fault", "advice"]
    what: str
    mend: str


def gathered(checks: Iterable[tuple[str, Callable[[], Iterable[Finding]]]]) -> list[Finding]:
    """All that checks find, in order. One that falls over is told, and does not keep the others from looking.

    Args:
        checks: each with its name.
    """
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check()
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody looks for what is wrong
            said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            found.append(
                Finding(name, "fault", f"This cannot be looked at: {said}.", "Mend the other findings first.")
            )
    return found
