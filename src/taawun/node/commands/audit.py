"""Prove the audit trail unbroken: every row is read and its place in the chain recomputed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, FINDINGS
from taawun.node.commands.django import start

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun audit` takes."""
    parser.add_argument("what", choices=("verify",))
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Verify and say what was found."""
    start()
    from taawun.platform.audit.actions import verify

    found = verify()
    if arguments.json:
        print(
            json.dumps(
                {
                    "rows": found.rows,
                    "broken_at": found.broken_at,
                    "unsealed": found.unsealed,
                    "head": found.head,
                }
            )
        )
    elif found.broken_at is None:
        print(f"{found.rows} rows, unbroken; {found.unsealed} wait for their seal. Head: {found.head}")
    else:
        print(
            f"The trail is broken at row {found.broken_at}: it was changed, or a row is missing. "
            "Compare with a backup.",
            file=sys.stderr,
        )
    return DONE if found.broken_at is None else FINDINGS
