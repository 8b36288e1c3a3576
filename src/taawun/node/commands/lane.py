"""Carry lanes on a disk: to and from a partner that no line reaches, or that a slow one reaches too late."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from taawun.node.cli import DONE, FINDINGS, CannotDo, taken
from taawun.node.commands.django import start

if TYPE_CHECKING:
    import argparse

    from taawun.cooperation.partners.models import Lane, Partner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun lane` takes."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    shown = verbs.add_parser("list", help="the lanes that are kept here, ours and our partners'")
    shown.add_argument("--json", action="store_true", help="print one JSON line a lane")
    out = verbs.add_parser("export", help="write a lane of this node into a file, for one of its readers")
    out.add_argument("lane", metavar="LANE", type=taken(UUID), help="its id, as `taawun lane list` prints it")
    out.add_argument("file", metavar="FILE", help="the file; one that is there is replaced")
    out.add_argument(
        "--for",
        dest="reader",
        metavar="PARTNER",
        default="",
        help="base address of the reader, where several read it",
    )
    out.add_argument(
        "--after",
        metavar="SEQ",
        type=taken(_number),
        default=-1,
        help="the last entry that the reader holds already",
    )
    out.add_argument("--json", action="store_true", help="print the result as JSON")
    bring = verbs.add_parser("import", help="take in a partner's lane from a file")
    bring.add_argument("file", metavar="FILE", help="what `taawun lane export` wrote there")
    bring.add_argument("--json", action="store_true", help="print the result as JSON")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError(f"{text[:40]!a} is not the number of an entry")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    start()
    from taawun.cooperation.partners.errors import KeyUnusable
    from taawun.cooperation.partners.logs.lane_files import FileRefused

    verbs = {"list": _list, "export": _export, "import": _import}
    try:
        return verbs[arguments.verb](arguments)
    except (FileRefused, KeyUnusable) as refused:
        raise CannotDo(str(refused)) from None
    except OSError as problem:
        raise CannotDo(f"{arguments.file}: {problem.strerror or problem}") from None


def _list(arguments: argparse.Namespace) -> int:
    from taawun.cooperation.partners.models import Lane

    for lane in Lane.objects.select_related("sender").order_by("sender__node", "purpose", "opened"):
        readers = [] if lane.sender else [each.node for each in _readers(lane)]
        said = {
            "lane": str(lane.wire_id),
            "sender": lane.sender.node if lane.sender else None,
            "readers": readers,
            "purpose": lane.purpose,
            "agreement": str(lane.agreement) if lane.agreement else None,
            "clause": lane.clause,
            "head": lane.head_seq,
            "state": lane.state,
        }
        if arguments.json:
            print(json.dumps(said))
            continue
        whose = f"from {lane.sender.node}" if lane.sender else f"to {', '.join(readers)}"
        what = f"clause {lane.clause}" if lane.clause else lane.purpose
        print(f"{lane.wire_id}  {what}, {whose}: {lane.head_seq + 1} entries, {lane.state}")
    return DONE


def _readers(lane: Lane) -> list[Partner]:
    from taawun.cooperation.partners.models import Partner

    return list(Partner.objects.filter(reads__lane=lane).order_by("node"))


def _export(arguments: argparse.Namespace) -> int:
    from taawun.cooperation.partners.logs.lane_files import export_lane
    from taawun.cooperation.partners.models import Lane
    from taawun.cooperation.people.actors import SystemActor

    lane = Lane.objects.filter(id=arguments.lane, sender=None).first()
    if lane is None:
        raise CannotDo(f"this node has no lane {arguments.lane}; `taawun lane list` prints them")
    readers = [each for each in _readers(lane) if arguments.reader in {"", each.node}]
    if len(readers) != 1:
        named = ", ".join(each.node for each in _readers(lane))
        raise CannotDo(f"name the reader for whom it is written with --for; these read the lane: {named}")
    done = export_lane(SystemActor("console"), lane, readers[0], Path(arguments.file), after=arguments.after)
    if arguments.json:
        print(json.dumps({"entries": done.entries, "contents": done.contents, "last": done.last}))
    else:
        print(
            f"{arguments.file}: {done.entries} entries, {done.contents} with their content, for {readers[0].node}"
        )
    return DONE


def _import(arguments: argparse.Namespace) -> int:
    from taawun.cooperation.partners.logs.lane_files import import_lane
    from taawun.cooperation.people.actors import SystemActor

    done = import_lane(SystemActor("console"), Path(arguments.file))
    if arguments.json:
        said = {"lane": str(done.lane), "sender": done.sender, "entries": done.entries, "new": done.new}
        print(json.dumps({**said, "waiting": done.waiting, "stopped": done.stopped}))
    else:
        print(
            f"{arguments.file}: {done.entries} entries of {done.sender}, {done.new} of them new; "
            f"{done.waiting} wait" + (f". The lane is stopped: {done.stopped}" if done.stopped else "")
        )
    return FINDINGS if done.stopped else DONE
