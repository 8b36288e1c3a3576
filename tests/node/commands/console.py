"""A console: `taawun` with arguments, and what became of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taawun.node.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["Console", "Ended", "in_own_process"]


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


def in_own_process(home: Path, *arguments: str, **given: str) -> Ended:
    """Run a command of another node, which reads its own settings.

    Args:
        home: the node's.
        arguments: of the command.
        given: further settings.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TAAWUN_HOME": str(home),
        **given,
    }
    command = [sys.executable, "-P", "-m", "taawun", *arguments]
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
