"""Check this deployment, and say what is wrong with the mend; also of a node that does not start."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, FINDINGS, CannotDo
from taawun.node.commands.django import start
from taawun.node.doctor import before
from taawun.node.doctor.findings import Finding, gathered

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun doctor` takes."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything that can be looked at."""
    found = gathered([("settings", before.check_settings)])
    if not any(_ends(each) for each in found):
        found += gathered(
            [("home", before.check_home), ("keys", before.check_keys), ("outbound", before.check_outbound)]
        )
        found += _inside()
    if arguments.json:
        print(json.dumps({"findings": [asdict(each) for each in found]}))
    else:
        for each in found:
            print(f"{each.level:6} {each.check}: {each.what} {each.mend}")
        if not found:
            print("Nothing is wrong.")
    return FINDINGS if found else DONE


def _ends(finding: Finding) -> bool:
    """Whether nothing else can be looked at: settings that cannot be read."""
    return "docs/settings.md" in finding.mend


def _inside() -> list[Finding]:
    try:
        start(initialised=False)
    except CannotDo as problem:
        return [
            Finding(
                "start", "fault", f"The node does not start: {problem}.", "Mend this first, then look again."
            )
        ]
    from taawun.node.doctor import inside

    return gathered(
        [
            ("database", inside.check_database),
            ("node", inside.check_node),
            ("files", inside.check_files),
            ("worker", inside.check_worker),
            ("partners", inside.check_partners),
            ("address", inside.check_address),
            ("mail", inside.check_mail),
            ("backup", inside.check_backup),
        ]
    )
