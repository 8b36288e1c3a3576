"""Prove the audit trail and the lanes unbroken.

Every row and every entry is read, its place in its chain recomputed and its signature verified.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, FINDINGS, CannotDo
from taawun.node.commands.django import start

if TYPE_CHECKING:
    import argparse

    from taawun.cooperation.partners.logs.proving import LanesProof
    from taawun.platform.audit.actions import Verification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun audit` takes."""
    parser.add_argument("what", choices=("verify",), help="recompute the chains")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Verify and say what was found."""
    start()
    from taawun.cooperation.partners.errors import KeyUnusable
    from taawun.cooperation.partners.logs.proving import prove_lanes
    from taawun.platform.audit.actions import verify

    trail = verify()
    try:
        lanes = prove_lanes(_show_progress)
    except KeyUnusable as problem:
        raise CannotDo(str(problem)) from None
    if arguments.json:
        print(json.dumps(_as_json(trail, lanes)))
    else:
        _tell_trail(trail)
        _tell_lanes(lanes)
    return DONE if trail.broken_at is None and not lanes.broken else FINDINGS


def _show_progress(entries: int) -> None:
    """A line on a terminal, nothing in a pipe."""
    if sys.stderr.isatty():
        print(f"\r{entries} entries of lanes", end="\r", file=sys.stderr, flush=True)


def _as_json(trail: Verification, lanes: LanesProof) -> dict[str, object]:
    return {
        "rows": trail.rows,
        "broken_at": trail.broken_at,
        "unsealed": trail.unsealed,
        "head": trail.head,
        "lanes": lanes.lanes,
        "entries": lanes.entries,
        "broken_lanes": [
            {
                "lane": str(each.lane),
                "sender": each.sender,
                "seq": each.seq,
                "code": each.code,
                "detail": each.detail,
            }
            for each in lanes.broken
        ],
    }


def _tell_trail(found: Verification) -> None:
    if found.broken_at is None:
        print(f"{found.rows} rows, unbroken; {found.unsealed} wait for their seal. Head: {found.head}")
        return
    from taawun.platform.audit.models import Entry

    row = Entry.objects.filter(seq=found.broken_at).first()
    # what it says may be what was changed; whoever looks for it in a backup needs its place and its id
    what = f"{row.id}, which says {row.verb} of {row.at:%Y-%m-%d %H:%M:%S} UTC" if row else "which is missing"
    print(
        f"The trail is broken at row {found.broken_at} ({what}): it was changed, or a row before it is gone. Stop the "
        "node, keep a copy of its database, restore the newest backup into another TAAWUN_HOME, and compare from this "
        "row on.",
        file=sys.stderr,
    )


def _tell_lanes(found: LanesProof) -> None:
    whole = found.lanes - len(found.broken)
    print(f"{whole} of {found.lanes} lanes unbroken; {found.entries} entries fit.")
    for each in found.broken:
        print(
            f"Lane {each.lane} of {each.sender} is broken at entry {each.seq} ({each.code}): {each.detail}. "
            "Compare with a backup.",
            file=sys.stderr,
        )
