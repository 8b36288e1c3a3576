"""Bring intelligence in from files, and out as a STIX bundle."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from taawun.foundation.tlp import Tlp
from taawun.node.cli import DONE, FINDINGS, CannotDo, WrongUse, taken
from taawun.node.commands.django import start
from taawun.node.commands.persons import person_called

if TYPE_CHECKING:
    import argparse

    from taawun.capabilities.intel.models import Import
    from taawun.cooperation.people.actors import Actor
    from taawun.platform.work.models import Job

_LOOK_SECONDS: Final = 0.3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun intel` takes."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    bring = verbs.add_parser("import", help="STIX 2.1 (2.0 is upgraded) or MISP JSON")
    bring.add_argument(
        "files", nargs="+", metavar="FILE", help="a file, plain or .gz, or - for standard input"
    )
    bring.add_argument(
        "--tlp",
        type=taken(Tlp.parse),
        required=True,
        help="marking of objects that carry none, like TLP:AMBER",
    )
    bring.add_argument(
        "--person",
        metavar="E",
        help="e-mail address of the person of this node whose import it is; TLP:RED is for them alone and needs it",
    )
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
        "--tlp-max",
        type=taken(Tlp.parse),
        default=Tlp.AMBER,
        help="the strictest marking to let out; TLP:AMBER by default",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    if arguments.verb == "import" and arguments.tlp == Tlp.RED and not arguments.person:
        raise WrongUse(
            "what is TLP:RED is for the person who imports it, and nobody is named; add --person E"
        )
    start()
    return _import(arguments) if arguments.verb == "import" else _export(arguments)


def _import(arguments: argparse.Namespace) -> int:
    from taawun.cooperation.people.actors import SystemActor
    from taawun.cooperation.people.queries import actor_of

    actor = actor_of(person_called(arguments.person)) if arguments.person else SystemActor("console")
    worst = DONE
    for file in arguments.files:
        worst = max(worst, _import_one(actor, file, arguments))
    return worst


def _import_one(actor: Actor, file: str, arguments: argparse.Namespace) -> int:
    from taawun.capabilities.intel import actions
    from taawun.capabilities.intel.errors import ImportRefused
    from taawun.cooperation.people.errors import NotAllowed

    data = _read(file)
    try:
        held = actions.begin_import(
            actor,
            data,
            name=Path(file).name,
            default_tlp=arguments.tlp,
            leave_out_refused=arguments.leave_out_refused,
        )
    except (ImportRefused, NotAllowed) as refused:
        raise CannotDo(str(refused)) from None
    _work_through(held, Path(file).name)
    held.refresh_from_db()
    return _say(held, as_json=arguments.json)


def _work_through(held: Import, name: str) -> None:
    """Run the job here, or wait for the worker that took it first."""
    from taawun.platform.work.actions import run as run_job
    from taawun.platform.work.models import Job

    job = Job.objects.get(kind="intel.import", subject_id=str(held.id))
    over = threading.Event()
    shown = threading.Thread(target=_show_progress, args=(job, name, over), daemon=True)
    shown.start()
    try:
        run_job(job.id)
        while Job.objects.filter(id=job.id, finished__isnull=True).exists():
            time.sleep(_LOOK_SECONDS)
    finally:
        over.set()
        shown.join()


def _show_progress(job: Job, name: str, over: threading.Event) -> None:
    """A line on a terminal, nothing in a pipe."""
    from django.db import connection

    try:
        while sys.stderr.isatty() and not over.wait(_LOOK_SECONDS):
            job.refresh_from_db()
            of_all = f" of {job.total}" if job.total else ""
            print(f"\r{name}: {job.done}{of_all} objects", end="", file=sys.stderr, flush=True)
    finally:
        connection.close()
        if sys.stderr.isatty():
            print(file=sys.stderr)


def _say(held: Import, *, as_json: bool) -> int:
    from taawun.capabilities.intel.wording import issue_sentence

    if as_json:
        print(json.dumps({"file": held.name, "state": held.state, "format": held.format, **held.counts}))
    else:
        counts = held.counts
        print(
            f"{held.name}: {held.get_state_display()}; {counts['new']} new, {counts['known']} known, "
            f"{counts['refused']} refused, {counts['warnings']} warnings"
        )
        for issue in held.issues.exclude(severity="info").order_by("id")[:20]:
            line = f"line {issue.line}" if issue.line else ""
            where = ", ".join(part for part in (line, issue.place) if part)
            sentence = issue_sentence(issue.code, issue.params)
            print(f"  {issue.severity}: {where}: {sentence}" if where else f"  {issue.severity}: {sentence}")
    return DONE if held.state == held.State.DONE and not held.counts["refused"] else FINDINGS


def _read(file: str) -> bytes:
    import gzip
    import zlib

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as problem:
        raise CannotDo(f"{file} cannot be read: {problem}") from None


def _export(arguments: argparse.Namespace) -> int:
    from taawun.capabilities.intel.composing import bundle_chunks, text_under
    from taawun.capabilities.intel.queries import ObjectFilters, objects
    from taawun.cooperation.people.actors import SystemActor

    found = objects(SystemActor("console"), ObjectFilters(text=arguments.text, type=arguments.type))
    rows = found.filter(tlp__lte=arguments.tlp_max).values_list("text", "tlp").iterator(chunk_size=500)
    for chunk in bundle_chunks(text_under(text, Tlp(tlp)) for text, tlp in rows):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
    return DONE
