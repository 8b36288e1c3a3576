"""Two nodes of invented nations on this machine, an agreement between them, and a report that travels."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from taawun.node.cli import DONE, FINDINGS, CannotDo

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from taawun.node.demo.nodes import RunningNode
    from taawun.node.demo.story import Material, Story

_REPORT: Final = Path("misp-events", "kryptocibule__misp-kryptocibule.json")
_ENDING: Final = (signal.SIGINT, signal.SIGTERM)
_ATTACK: Final = Path("attack", "enterprise-attack-stix20.json.gz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun demo` takes."""
    parser.add_argument(
        "--once", action="store_true", help="play it through unattended, check every step, and end"
    )
    parser.add_argument(
        "--report", metavar="FILE", help="play it with a STIX or MISP file of yours (plain or .gz)"
    )
    parser.add_argument(
        "--home", metavar="DIR", help="keep the two nodes in this new folder; else they are removed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Play it."""
    from taawun.node.demo.cast import NORTH, SOUTH
    from taawun.node.demo.narration import Narrator
    from taawun.node.demo.nodes import DemoFailed, RunningNode, free_ports
    from taawun.node.demo.story import Story

    material = _material(arguments.report)
    for each in _ENDING:
        signal.signal(each, _interrupted)
    with tempfile.TemporaryDirectory(prefix="taawun-demo-") as temporary:
        home = _home(arguments.home) or Path(temporary)
        ports = free_ports(2)
        north = RunningNode(NORTH, home / "north", ports[0])
        south = RunningNode(SOUTH, home / "south", ports[1])
        story = Story(north, south, material, Narrator())
        try:
            _play(story, once=arguments.once)
        except DemoFailed as failed:
            print(f"taawun: the demonstration failed: {failed}", file=sys.stderr)
            _show_logs(north, south)
            return FINDINGS
        finally:
            north.stop()
            south.stop()
    return DONE


def _play(story: Story, *, once: bool) -> None:
    story.until_shared()
    if once:
        story.after_that()
        print(
            f"\nAll {story.tell.checks} checks hold. The report was with the partner "
            f"{story.release_seconds:.1f} s after it was published."
        )
        return
    _invite_to_walk(story)
    threading.Event().wait()


def _invite_to_walk(story: Story) -> None:
    print("\nBoth nodes are running. Sign in and walk the same path; every password is the same:\n")
    print(f"    {story.password}\n")
    for node in (story.north, story.south):
        print(f"{node.nation.organisation[0]}: {node.base}/")
        for player in node.nation.players:
            print(f"    {player.role:14} {player.email:34} {player.name} ({player.language})")
    print(
        "\nTry: the south's analyst opens the report that arrived; the north's officer suspends the agreement;"
    )
    print("the north's analyst asks who would receive the report then. Stop with Ctrl+C.", flush=True)


def _material(report: str | None) -> Material:
    from taawun.node.demo import sample
    from taawun.node.demo.story import Material

    data = Path(os.environ.get("TAAWUN_DATA") or Path(__file__).resolve().parents[5] / "shared" / "data")
    attack = data / _ATTACK if (data / _ATTACK).is_file() else None
    if report:
        return Material(Path(report).name, _checked(Path(report)), attack)
    if (data / _REPORT).is_file():
        return Material("KryptoCibule (a real MISP event)", (data / _REPORT).read_bytes(), attack)
    return Material("an invented report", sample.bundle(), attack)


def _checked(path: Path) -> bytes:
    """The file's bytes, looked at before two nodes are started for it."""
    from taawun.capabilities.intel.stix import ReadingRefused, read
    from taawun.foundation.tlp import Tlp

    data = _read(path)
    try:
        read(data, default_tlp=Tlp.GREEN, name=path.name)
    except ReadingRefused as refused:
        place = f" (line {refused.line}, column {refused.column})" if refused.line else ""
        raise CannotDo(f"{refused}{place}") from None
    return data


def _read(path: Path) -> bytes:
    import gzip
    import zlib

    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as problem:
        raise CannotDo(f"{path} cannot be read: {problem}") from None


def _home(given: str | None) -> Path | None:
    if given is None:
        return None
    home = Path(given).absolute()
    if home.exists() and any(home.iterdir()):
        raise CannotDo(f"{home} is not empty; name a new folder for the two nodes")
    return home


def _show_logs(*nodes: RunningNode) -> None:
    for node in nodes:
        if node.log.exists():
            print(
                f"--- the end of {node.nation.key}'s log ---\n{node.log.read_text()[-3000:]}", file=sys.stderr
            )


def _interrupted(number: int, frame: FrameType | None) -> None:
    del number, frame
    # both nodes are ended from here on; whoever asks once more, as an impatient hand does, would leave one behind
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
