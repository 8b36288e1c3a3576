"""What the demonstration says while it plays: one line a step, and how long it took."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from taawun.node.demo.nodes import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Narrator"]


@dataclass
class Narrator:
    """Tells the story.

    Args:
        out: where to.
        checks: how many things were checked so far.
    """

    out: IO[str] = field(default_factory=lambda: sys.stdout)
    checks: int = 0
    _step: int = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A numbered step; its time is printed when it ends well."""
        self._step += 1
        print(f"{self._step:2}. {title}", file=self.out, flush=True)
        start = time.monotonic()
        try:
            yield
        except DemoFailed:
            print("    ✗ this did not come out as it must", file=self.out, flush=True)
            raise
        print(f"    {time.monotonic() - start:.1f} s", file=self.out, flush=True)

    def say(self, line: str) -> None:
        """A line of the step."""
        print(f"    {line}", file=self.out, flush=True)

    def check(self, sentence: str, *, holds: bool, found: object = None) -> None:
        """A thing that must be so.

        Raises:
            DemoFailed: it is not.
        """
        if not holds:
            raise DemoFailed(f"it should be that {sentence}; found: {found!r}")
        self.checks += 1
        print(f"    ✓ {sentence}", file=self.out, flush=True)
