"""A console: `taawun` with arguments, and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taawun.node.cli import main

if TYPE_CHECKING:
    import pytest

__all__ = ["Console", "Ended"]


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code.
        out: its standard output.
        err: its standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, which is one JSON value."""
        return json.loads(self.out)


class Console:
    """Runs commands of this process's node."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def run(self, *arguments: str) -> Ended:
        """Run a command to its end."""
        self._captured.readouterr()
        code = main(list(arguments))
        out, err = self._captured.readouterr()
        return Ended(code, out, err)
