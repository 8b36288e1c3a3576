"""What the ledger costs: the sums of a hundred thousand releases over eight lanes, counted, and shown as a page.

    python benchmarks/ledger.py [--releases 100000] [--postgresql]

Makes a node of its own in a temporary folder (SQLite, or a temporary PostgreSQL). Half of the releases are ours, each
with a partner's receipt; an entry has a header of 600 bytes, as real ones do. CPU time of this process; on PostgreSQL
the time on the wall is what counts, since another process does the work. Ends with 1 where the page takes more than
0.1 s.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

BAR = 0.1  # seconds of CPU for the page
LANES = 8
BATCH = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=100_000)
    parser.add_argument("--postgresql", action="store_true", help="on a temporary PostgreSQL")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        (Path(home) / "static").mkdir()
        settings = {"TAAWUN_HOME": home, "TAAWUN_SECOND_FACTOR": "optional"}
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
        call_command("collectstatic", verbosity=0, interactive=False)
        stack.callback(connection.close)
        agreement = fill(chosen.releases)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        page = measure(agreement)
    if page > BAR:
        print(f"missed: the page takes {page:.2f} s")
    return 1 if page > BAR else 0


def fill(count: int) -> UUID:
    """So many releases over eight lanes, spread over two years; the id of one of the agreements."""
    from tests.cast import establish_node, partner

    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.federation.models import Passage, Receipt, Release
    from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
    from taawun.foundation.clock import now
    from taawun.foundation.digests import sha256

    establish_node()
    lanes, others, agreements = list[Lane](), list[Partner](), list[UUID]()
    for number in range(LANES):
        other = partner(nation="XS").row
        held = Agreement.objects.create(id=uuid4(), number=number + 1, titles={"en": f"Agreement {number}"})
        is_ours = number < LANES // 2
        lane = Lane.objects.create(
            purpose=Lane.Purpose.CLAUSE, sender=None if is_ours else other, agreement=held.id, clause="1"
        )
        if is_ours:
            LaneReader.objects.create(lane=lane, partner=other)
        lanes.append(lane)
        others.append(other)
        agreements.append(held.id)
    begun, step = now() - timedelta(days=730), timedelta(days=730) / count
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        releases = Release.objects.bulk_create(
            Release(
                kind="intel.report" if number % 3 else "intel.sighting",
                tlp=1,
                subject=f"urn:x:{number}",
                digest=sha256(str(number).encode()),
                size=2048,
                origin=lanes[number % LANES].sender,
            )
            for number in numbers
        )
        entries = LaneEntry.objects.bulk_create(
            LaneEntry(
                lane=lanes[number % LANES],
                seq=number // LANES,
                header="h" * 600,
                digest=release.digest,
                kind=release.kind,
                subject=release.subject,
                action="publish",
                content_digest=release.digest,
                size=2048,
                issued=begun + number * step,
                recorded=begun + number * step,
                state=LaneEntry.State.DONE,
            )
            for number, release in zip(numbers, releases, strict=True)
        )
        Passage.objects.bulk_create(
            Passage(
                **Passage.place_of(entry),
                release=release,
                entry=entry,
                size=entry.size,
                agreement=agreements[number % LANES],
                document="d" * 64,
                clause="1",
            )
            for number, release, entry in zip(numbers, releases, entries, strict=True)
        )
        Receipt.objects.bulk_create(
            Receipt(
                **Receipt.place_of(entry),
                entry=entry,
                partner=others[number % LANES],
                outcome="done",
                at=entry.recorded,
            )
            for number, entry in zip(numbers, entries, strict=True)
            if lanes[number % LANES].sender is None
        )
    return agreements[0]


def measure(agreement: UUID) -> float:
    """Print what each question costs; the CPU-seconds of the page."""
    from django.conf import settings
    from django.test import Client
    from tests.cast import person

    from taawun.cooperation.federation.ledger import Wanted, cells
    from taawun.cooperation.people.permissions import Role

    settings.ALLOWED_HOSTS = ["*"]
    client = Client(raise_request_exception=True)
    client.force_login(person(Role.ADMINISTRATOR), "allauth.account.auth_backends.AuthenticationBackend")
    for name, work in {
        "sums of all time": lambda: cells(Wanted()),
        "sums of one agreement": lambda: cells(Wanted(agreement=agreement)),
    }.items():
        print(f"{name}: {best(work)}")
    best(lambda: client.get("/en/releases/ledger/"))

    def page() -> object:
        answer = client.get("/en/releases/ledger/?since=all")
        assert answer.status_code == 200, answer.status_code
        return answer

    cpu = float(str(best(page)).split(maxsplit=1)[0]) / 1e3
    print(
        f"page of all time: {best(page)}; of twelve months: {best(lambda: client.get('/en/releases/ledger/'))}"
    )
    return cpu


def best(work: Callable[[], object]) -> str:
    """The best of five rounds, CPU and wall."""
    rounds = []
    for _round in range(5):
        begun, wall = time.process_time(), time.monotonic()
        work()
        rounds.append((time.process_time() - begun, time.monotonic() - wall))
    cpu, wall = min(rounds)
    return f"{cpu * 1e3:.0f} ms CPU, {wall * 1e3:.0f} ms on the wall"


if __name__ == "__main__":
    raise SystemExit(main())
