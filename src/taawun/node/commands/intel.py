"""Bring intelligence in from files, and out as a STIX bundle."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, FINDINGS, CannotDo
from taawun.node.commands.django import start

if TYPE_CHECKING:
    import argparse

    from taawun.capabilities.intel.models import Import
    from taawun.foundation.tlp import Tlp


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun intel` takes."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    bring = verbs.add_parser("import", help="STIX 2.1 (2.0 is upgraded) or MISP JSON")
    bring.add_argument(
        "files", nargs="+", metavar="FILE", help="a file, plain or .gz, or - for standard input"
    )
    bring.add_argument("--tlp", required=True, help="marking of objects that carry none, like TLP:AMBER")
    bring.add_argument(
        "--leave-out-refused",
        action="store_true",
        help="take the rest of a file when single objects are refused",
    )
    bring.add_argument("--json", action="store_true", help="print one JSON line a file")
    out = verbs.add_parser("export", help="current objects as one STIX 2.1 bundle")
    out.add_argument("--type", default="", help="only this STIX type")
    out.add_argument("--text", default="", help="only objects with these words")
    out.add_argument(
        "--tlp-max", default="TLP:AMBER", help="the strictest marking to let out; TLP:AMBER by default"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    start()
    return _import(arguments) if arguments.verb == "import" else _export(arguments)


def _import(arguments: argparse.Namespace) -> int:
    from taawun.foundation.tlp import Tlp, UnknownMarking

    try:
        tlp = Tlp.parse(arguments.tlp)
    except UnknownMarking as unknown:
        raise CannotDo(str(unknown)) from None
    worst = DONE
    for file in arguments.files:
        worst = max(worst, _import_one(file, tlp, arguments))
    return worst


def _import_one(file: str, tlp: Tlp, arguments: argparse.Namespace) -> int:
    from taawun.capabilities.intel import actions
    from taawun.capabilities.intel.errors import ImportRefused
    from taawun.cooperation.people.actors import SystemActor

    data = _read(file)
    try:
        held = actions.begin_import(
            SystemActor("console"),
            data,
            name=Path(file).name,
            default_tlp=tlp,
            leave_out_refused=arguments.leave_out_refused,
        )
    except ImportRefused as refused:
        raise CannotDo(str(refused)) from None
    # the console does the work itself; a worker that finds the job finds it done
    actions.run_import(_Progress(file), str(held.id))
    held.refresh_from_db()
    return _say(held, as_json=arguments.json)


def _say(held: Import, *, as_json: bool) -> int:
    from taawun.capabilities.intel.stix import SENTENCES

    if as_json:
        print(json.dumps({"file": held.name, "state": held.state, "format": held.format, **held.counts}))
    else:
        counts = held.counts
        print(
            f"{held.name}: {held.get_state_display()}; {counts['new']} new, {counts['known']} known, "
            f"{counts['refused']} refused, {counts['warnings']} warnings"
        )
        for issue in held.issues.exclude(severity="info").order_by("id")[:20]:
            where = f"line {issue.line}, " if issue.line else ""
            print(f"  {issue.severity}: {where}{issue.place}: {SENTENCES[issue.code] % issue.params}")
    return DONE if held.state == held.State.DONE and not held.counts["refused"] else FINDINGS


def _read(file: str) -> bytes:
    import gzip

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError) as problem:
        raise CannotDo(f"{file} cannot be read: {problem}") from None


class _Progress:
    """A line on a terminal, nothing in a pipe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._on_terminal = sys.stderr.isatty()

    def progress(self, done: int, total: int | None = None) -> None:
        """Show how far it is."""
        if self._on_terminal:
            end = "\n" if done == total else ""
            print(
                f"\r{self._name}: {done}{f' of {total}' if total else ''} objects", end=end, file=sys.stderr
            )


def _export(arguments: argparse.Namespace) -> int:
    from taawun.capabilities.intel.composing import bundle_chunks
    from taawun.capabilities.intel.queries import ObjectFilters, objects
    from taawun.cooperation.people.actors import SystemActor
    from taawun.foundation.tlp import Tlp, UnknownMarking

    try:
        most = Tlp.parse(arguments.tlp_max)
    except UnknownMarking as unknown:
        raise CannotDo(str(unknown)) from None
    found = objects(SystemActor("console"), ObjectFilters(text=arguments.text, type=arguments.type))
    texts = found.filter(tlp__lte=most).values_list("text", flat=True).iterator(chunk_size=500)
    for chunk in bundle_chunks(texts):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
    return DONE
