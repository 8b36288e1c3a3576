"""How fast a file of threat intelligence is read: STIX 2.0 raised to 2.1, validated and marked.

    python benchmarks/stix_reading.py

Reads the ATT&CK Enterprise bundle of TAAWUN_DATA, else of `shared/data` beside the checkout, three times,
and prints the best CPU time, the objects per CPU-second beside what `json.loads` alone needs, and the peak
memory. Ends with 1 below 4,000 objects per CPU-second, which storing them has to share.
"""

import gzip
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "src"))

from taawun.capabilities.intel.stix import read  # noqa: E402 - a script finds the package itself
from taawun.foundation.tlp import Tlp  # noqa: E402 - as above

ROUNDS = 3
WANTED_PER_SECOND = 4000
BUNDLE = Path("attack", "enterprise-attack-stix20.json.gz")


def main() -> int:
    given = os.environ.get("TAAWUN_DATA")
    path = (Path(given) if given else CHECKOUT.parent / "shared" / "data") / BUNDLE
    if not path.is_file():
        print(
            f"The bundle is not here: {path} (TAAWUN_DATA names another folder of real data)", file=sys.stderr
        )
        return 3
    data = gzip.decompress(path.read_bytes())
    count = 0

    def read_all() -> None:
        nonlocal count
        reading = read(data, default_tlp=Tlp.AMBER)
        count = sum(1 for _ in reading.objects)
        assert reading.issues.errors == 0

    seconds = best_cpu_seconds(read_all)
    # On Linux in KiB; taken before json.loads builds the whole bundle at once.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    baseline = best_cpu_seconds(lambda: json.loads(data))
    print(f"{path.name}: {len(data) / 1e6:.1f} MB, {count} objects")
    print(f"read, raised to 2.1, validated: {seconds:.2f} CPU-s, {count / seconds:,.0f} objects per CPU-s")
    print(f"json.loads alone: {baseline:.2f} CPU-s; reading takes {seconds / baseline:.1f} times as long")
    print(f"peak memory: {peak:.0f} MB, the file itself included")
    return 0 if count / seconds >= WANTED_PER_SECOND else 1


def best_cpu_seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
