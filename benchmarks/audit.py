"""What the audit trail costs: CPU time of one row more in a write, of its seal, and of proving a long chain unbroken.

    python benchmarks/audit.py [--rows 1000000] [--postgresql]

Makes a node of its own in a temporary folder (SQLite, or a temporary PostgreSQL). A chain of so many rows is laid out,
with digests that hold, and walked; a row in its middle is changed, and the walk names it. Ends with 1 where a row costs
its write more than 0.2 ms of CPU, or the walk over a million takes more than 60 s.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taawun.platform.audit.models import Entry

WRITE: Final = 0.2e-3  # seconds
WALK: Final = 60.0  # seconds, for a million rows
WRITES: Final = 2_000
_BATCH: Final = 5_000

missed: list[str] = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgresql", action="store_true", help="on a temporary PostgreSQL")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        settings = {"TAAWUN_HOME": home}
        if chosen.postgresql:
            from tests.postgresql import TemporaryPostgres

            server = TemporaryPostgres()
            stack.callback(server.stop)
            settings["TAAWUN_DATABASE_URL"] = server.url
        os.environ.update(settings, DJANGO_SETTINGS_MODULE="taawun.node.settings")
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        call_command("migrate", verbosity=0)
        stack.callback(connection.close)
        writes()
        walk(chosen.rows)
    for each in missed:
        print(f"missed: {each}")
    return 1 if missed else 0


def writes() -> None:
    """A transaction with a row of the trail beside what it is of, against one without."""
    from django.db import transaction

    from taawun.cooperation.people.actors import SystemActor
    from taawun.platform.audit.actions import record, seal
    from taawun.platform.work.models import ScheduleState

    state = ScheduleState.objects.create(name="benchmark")
    actor, details = SystemActor("benchmark"), {"version": 3, "digest": "d" * 64, "tlp": "TLP:GREEN"}

    def each(*, recorded: bool) -> float:
        begun = time.process_time()
        for number in range(WRITES):
            with transaction.atomic():
                ScheduleState.objects.filter(name=state.name).update(error=str(number))
                if recorded:
                    record(actor, "benchmark.done", f"urn:uuid:{number}", details)
        return (time.process_time() - begun) / WRITES

    # in turn, so that what the machine does besides meets both
    pairs = [(each(recorded=False), each(recorded=True)) for _turn in range(3)]
    added = sorted(with_row - without for without, with_row in pairs)[1]
    begun = time.process_time()
    sealed = seal()
    seconds = (time.process_time() - begun) / sealed
    print(f"one row in a write: {added * 1e3:.3f} ms CPU; its seal, later: {seconds * 1e3:.3f} ms CPU")
    if added > WRITE:
        missed.append(f"a row adds {added * 1e3:.3f} ms to its write")


def walk(rows: int) -> None:
    """A chain of so many rows, proven, and then with one changed in its middle."""
    from taawun.platform.audit.actions import verify
    from taawun.platform.audit.models import Entry

    Entry.objects.all().delete()
    for batch in _chain(rows):
        Entry.objects.bulk_create(batch, batch_size=1_000)
    begun, wall = time.process_time(), time.monotonic()
    found = verify()
    seconds, taken = time.process_time() - begun, time.monotonic() - wall
    assert (found.rows, found.broken_at) == (rows, None)
    print(f"{rows} rows proven in {seconds:.1f} s CPU, {taken:.1f} s on the wall")
    if seconds * 1_000_000 / rows > WALK:
        missed.append(f"a million rows take {seconds * 1_000_000 / rows:.0f} s")
    Entry.objects.filter(seq=rows // 2).update(subject="urn:x:changed")
    assert verify().broken_at == rows // 2


def _chain(rows: int) -> Iterator[list[Entry]]:
    from taawun.platform.audit.actions import GENESIS, digest_of
    from taawun.platform.audit.models import Entry

    previous, batch = GENESIS, list[Entry]()
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    for seq in range(1, rows + 1):
        row = Entry(
            at=begun + timedelta(seconds=seq),
            actor_kind="person",
            actor_id=f"01920f4e-0000-7000-8000-{seq % 50:012}",
            actor_label="Anâlyst",
            verb="intel.report-published",
            subject=f"urn:uuid:01920f4e-0000-7000-8000-{seq:012}",
            details={
                "version": seq,
                "clauses": ["AG-001 § 1"],
                "tlp": "TLP:GREEN",
                "receivers": ["https://s.example"],
            },
            seq=seq,
        )
        row.digest = previous = digest_of(row, previous)
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


if __name__ == "__main__":
    raise SystemExit(main())
