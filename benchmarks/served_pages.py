"""The pages of a full node as they are served: to many readers at once, and to a browser. Part of ``pages.py``."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.full_node import settings_of
from benchmarks.pace import pace
from benchmarks.publish import cpu_of

from taawun.node.demo.nodes import free_ports, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.full_node import FullNode
    from benchmarks.pages import Page
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

READERS, P95_MS = 8, 150.0
SLOW_DOWN, PAINT_MS, FIRST_VISIT_KB = 4, 500.0, 120.0
# as a page is read from the line its columns find their width; what is below this is called good (Web Vitals, CLS)
MOVED = 0.1
# what moved since the beginning, which the browser keeps. Asked when all is there: a script of ours that ran before
# the page's own took 80 ms of the first paint, slowed down
_WATCH = """
new Promise((resolve) => {
  window.moved = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(resolve, 100);
})
"""
_PAINTED = 'performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null'


class Server:
    """The real server with two web processes, and no worker.

    Args:
        home: of the node.
    """

    def __init__(self, home: Path) -> None:
        self.port = free_ports(1)[0]
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process, below which all of it is."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it and wait until it answers."""
        web = [sys.executable, "-m", "taawun", "up", "--only", "web", "--port", str(self.port)]
        env = {**os.environ, **settings_of(self._home, os.environ.get("TAAWUN_DATABASE_URL", ""))}
        self._process = subprocess.Popen(
            web, env={**env, "TAAWUN_WEB_WORKERS": "2"}, stdin=subprocess.DEVNULL
        )
        wait_for("the server", self._answers, seconds=180)

    def _answers(self) -> bool | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK or None
        except OSError:
            return None
        finally:
            connection.close()

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None


# ---- many readers -----------------------------------------------------------------------------------------------


class Reader:
    """One that reads page after page over one connection, with as little work of its own as can be.

    Args:
        server: which is asked.
        node: whose pages they are.
    """

    def __init__(self, server: Server, node: FullNode) -> None:
        from django.conf import settings

        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._cookies = {
            name: f"{settings.SESSION_COOKIE_NAME}={comer.session}" for name, comer in node.comers.items()
        }

    def get(self, page: Page) -> tuple[int, float]:
        """The status of the answer, and after how many milliseconds it was there."""
        headers = {"Cookie": self._cookies[page.comer], "Accept-Encoding": "gzip"}
        begun = time.perf_counter()
        self._connection.request("GET", page.path, headers=headers)
        with closing(self._connection.getresponse()) as answer:
            answer.read()
        return answer.status, (time.perf_counter() - begun) * 1e3

    def read(self, pages: Sequence[Page]) -> list[tuple[Page, int, float]]:
        """Read pages one after the other."""
        return [(page, *self.get(page)) for page in pages]


def read_all(server: Server, node: FullNode, pages: Sequence[Page]) -> list[str]:
    """Eight readers read every page, each in an order of its own; what missed the bar."""
    with ThreadPoolExecutor(READERS) as pool:

        def by_all(shares: list[list[Page]]) -> list[tuple[Page, int, float]]:
            told = pool.map(lambda share: Reader(server, node).read(share), shares)
            return [each for one in told for each in one]

        # twice, so that both processes have every template at hand
        seen = by_all([list(pages[at::READERS]) for at in range(READERS)])
        by_all([list(pages[at::READERS]) for at in reversed(range(READERS))])
        there = [page for page, status, _ms in seen if status == http.client.OK]
        shares = [random.Random(number).sample(there, len(there)) for number in range(READERS)]
        before, paced, begun = cpu_of(server.pid), pace(), time.perf_counter()
        told = by_all(shares)
        lasted, spent = time.perf_counter() - begun, cpu_of(server.pid) - before
    paced = (paced + pace()) / 2
    waits = sorted(ms for _page, _status, ms in told)
    middle, p95 = waits[len(waits) // 2], waits[int(len(waits) * 0.95)]
    each = spent / len(told) * 1e3
    print(
        f"{READERS} readers of {len(there)} pages, two web processes: {middle:.0f} ms at the median, {p95:.0f} ms for"
        f" the slowest in twenty ({p95 / P95_MS:.2f} of the bar of {P95_MS:.0f} ms), {len(told) / lasted:.0f} pages a"
        f" second, {each:.1f} CPU-ms a page at a pace of {paced:.2f}"
    )
    # how much of the two processors the server had: with less of them the waits are those of the machine; and how the
    # waits are to what a page costs, which is the same at any pace
    print(
        f"the server had {spent / lasted / 2:.0%} of two processors; the slowest in twenty waited {p95 / each:.1f}"
        " times as long as a page takes",
        flush=True,
    )
    return [f"{READERS} readers: {p95:.0f} ms for the slowest in twenty"] if p95 >= P95_MS else []


# ---- a browser --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Painted:
    """How a page came up in a browser.

    Args:
        ms: until something of it was painted, at the median.
        moved: how far what was painted moved, as browsers count it (Layout Instability API); 0 is nothing.
        kb: what a first visit brought, in kB as they were sent.
    """

    ms: float
    moved: float
    kb: float


def paint(server: Server, node: FullNode, language: str, times: int, only: str = "") -> list[str]:
    """What a browser with a slow processor paints, and when, of so many visits; what missed a bar."""
    from playwright.sync_api import sync_playwright

    from taawun.node.testing import browser_program

    program = browser_program()
    if program is None:
        print("no Chromium is installed, so that nothing was painted")
        return ["nothing was painted"]
    # Playwright keeps an event loop on this thread, which makes Django refuse the database without this
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    missed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=as_root)
        for name, path, comer in _painted(node):
            if only not in name:
                continue
            address = f"http://127.0.0.1:{server.port}/{language}/{path}"
            _warm(server, node, comer, f"/{language}/{path}")
            found = _visit(partial(_opened, browser, server, node, comer), address, times)
            print(
                f"{found.ms:6.0f} ms until the first paint ({found.ms / PAINT_MS:.2f}), moved {found.moved:.4f},"
                f" {found.kb:5.0f} kB at a first visit ({found.kb / FIRST_VISIT_KB:.2f})  {name}",
                flush=True,
            )
            if found.ms >= PAINT_MS or found.moved >= MOVED or found.kb >= FIRST_VISIT_KB:
                missed.append(f"{name}: {found.ms:.0f} ms, moved {found.moved:.4f}, {found.kb:.0f} kB")
        moved = _swap(browser, server, node, language)
        print(f"moved {moved:.4f} as the live part of the first page was swapped, and a list sorted")
        missed += [f"a swapped part moved the page by {moved:.4f}"] if moved else []
        browser.close()
    return missed


def _painted(node: FullNode) -> list[tuple[str, str, str]]:
    things = node.things | node.large
    return [
        ("home", "", "analyst"),
        ("objects", "intel/objects/", "analyst"),
        ("reports", "intel/", "analyst"),
        ("a report with its graph", f"intel/reports/{things['report_id']}/", "analyst"),
        ("releases", "releases/", "analyst"),
        ("the ledger", "releases/ledger/", "analyst"),
        ("agreements", "agreements/", "analyst"),
        ("an agreement of all", f"agreements/{things['agreement_id']}/", "analyst"),
        ("a partner", f"partners/{things['partner_id']}/", "administrator"),
        ("people", "people/", "administrator"),
        ("the trail", "audit/", "administrator"),
        ("search", "search/?q=common", "analyst"),
        ("one's profile", "people/profile/", "administrator"),
    ]


def _warm(server: Server, node: FullNode, comer: str, path: str) -> None:
    """Let both processes have the page's templates at hand: each connection goes to either."""
    from benchmarks.pages import Page

    page = Page(path, path, comer)
    with ThreadPoolExecutor(READERS) as pool:
        readers = [Reader(server, node) for _ in range(READERS)]
        for _again in range(2):
            list(pool.map(lambda reader: reader.get(page), readers))


def _opened(browser: Browser, server: Server, node: FullNode, comer: str) -> Tab:
    from django.conf import settings

    context = browser.new_context(viewport={"width": 1440, "height": 900})
    session = node.comers[comer].session
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": f"http://127.0.0.1:{server.port}"}]
    )
    return context.new_page()


def _visit(opened: Callable[[], Tab], address: str, visits: int) -> Painted:
    """Open a page in new windows, which keep nothing of before."""
    times, moved, bytes_brought = list[float](), 0.0, 0.0
    for _again in range(visits):
        tab = opened()
        brought: list[float] = []
        told = tab.context.new_cdp_session(tab)
        told.on("Network.loadingFinished", lambda said, to=brought: to.append(said["encodedDataLength"]))
        told.send("Network.enable")
        told.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_DOWN})
        answer = tab.goto(address, wait_until="networkidle")
        assert answer, address
        assert answer.ok, f"{address} was answered {answer.status}"
        tab.wait_for_function(f"({_PAINTED}) !== null")
        times.append(float(tab.evaluate(_PAINTED)))
        tab.evaluate(_WATCH)
        moved = max(moved, float(tab.evaluate("window.moved")))
        bytes_brought = max(bytes_brought, sum(brought) / 1000)
        tab.context.close()
    times.sort()
    return Painted(times[len(times) // 2], moved, bytes_brought)


def _swap(browser: Browser, server: Server, node: FullNode, language: str) -> float:
    """How far the page moves as a live part is asked for anew, and as a list is sorted in its place."""
    tab = _opened(browser, server, node, "analyst")
    base = f"http://127.0.0.1:{server.port}/{language}"
    tab.goto(f"{base}/", wait_until="networkidle")
    tab.evaluate(_WATCH)
    still = float(tab.evaluate("window.moved"))
    # as if the browser had another one: the next answer is a whole part
    with tab.expect_response(lambda answer: "x-taawun-part" in answer.request.headers, timeout=90_000):
        tab.evaluate(
            'document.querySelectorAll("[data-part]").forEach((each) => { each.dataset.etag = ""; })'
        )
    tab.wait_for_timeout(500)
    moved = float(tab.evaluate("window.moved")) - still
    tab.goto(f"{base}/intel/objects/", wait_until="networkidle")
    tab.evaluate(_WATCH)
    still = float(tab.evaluate("window.moved"))
    # by a script: what moves soon after a person's click is not counted
    with tab.expect_response(lambda answer: "sort=" in answer.url):
        tab.evaluate('document.querySelector("a.sort").click()')
    tab.wait_for_timeout(500)
    moved += float(tab.evaluate("window.moved")) - still
    tab.context.close()
    return moved
