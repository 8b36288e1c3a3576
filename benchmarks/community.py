"""What a release costs in a community: published to all the other parties of one multilateral agreement.

    python benchmarks/community.py [--parties 57] [--releases 100] [--postgresql]

Makes a node of its own in a temporary folder, with so many parties that it compared, all signatories of one agreement
whose clause lets any of them give to any other. Prints the CPU time of one publication: the decision about every party,
the release, the signed entry, the row of the trail, and the mark at every reader that there is news. Ends with 1 where
that takes 50 ms or more.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from string import ascii_uppercase

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

WANTED_MS = 50.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parties", type=int, default=57)
    parser.add_argument("--releases", type=int, default=100)
    parser.add_argument("--postgresql", action="store_true", help="on a temporary PostgreSQL")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        settings = {
            "TAAWUN_HOME": stack.enter_context(tempfile.TemporaryDirectory()),
            "TAAWUN_BASE_URL": "http://127.0.0.1:8000",
        }
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
        cost = measure(chosen.parties, chosen.releases)
    return 0 if cost < WANTED_MS else 1


def measure(parties: int, count: int) -> float:
    """CPU milliseconds of one publication."""
    from benchmarks.pull import composed
    from tests.cast import agreement_in_force, establish_node, partner

    from taawun.capabilities.intel.actions.reporting import KIND
    from taawun.cooperation.federation.actions import Draft, publish
    from taawun.cooperation.federation.models import Passage
    from taawun.cooperation.partners.identity.keys import create_keys
    from taawun.cooperation.partners.models import LaneReader, Partner
    from taawun.cooperation.people.actors import SystemActor
    from taawun.foundation.tlp import Tlp

    create_keys()
    establish_node()
    # a party is called by its nation's letters in the agreement
    codes = [first + second for first in "ABCDEFGH" for second in ascii_uppercase]
    agreement_in_force(*(partner(f"CERT {code}", nation=code) for code in codes[: parties - 1]))
    spent = []
    for number in range(count):
        report, content = composed(number, 2048)
        draft = Draft(
            kind=KIND,
            subject=f"urn:taawun:stix:{report}",
            version="2026-11-20T07:58:00.000Z",
            title=f"report {number}",
            tlp=Tlp.GREEN,
            content=content,
        )
        begun = time.process_time()
        publish(SystemActor("benchmark"), draft)
        spent.append((time.process_time() - begun) * 1e3)
    assert LaneReader.objects.count() == parties - 1
    assert Passage.objects.count() == count
    assert Partner.objects.filter(wants_push=True).count() == parties - 1
    spent.sort()
    print(
        f"a release to the {parties - 1} other parties of one agreement: {spent[count // 2]:.1f} CPU-ms at the median,"
        f" {spent[-1]:.1f} for the first, which opens the lane and compiles the policy (bar {WANTED_MS:.0f})"
    )
    return spent[count // 2]


if __name__ == "__main__":
    sys.exit(main())
