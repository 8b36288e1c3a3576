"""The body of `taawun test`: everything that must hold before a change is taken, in one go.

It needs no Django and reads no settings: each step is a process of its own, and pytest makes its own node. Steps that
leave a core free run beside each other: the journeys, for one, mostly wait for their nodes.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias
from xml.etree import ElementTree as ET

import taawun

__all__ = ["add_arguments", "browser_program", "run"]

CHECKOUT = Path(taawun.__file__).resolve().parents[2]
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ARABIC_FONT = Path("/usr/share/fonts/truetype/noto/NotoNaskhArabic-Regular.ttf")
NOTHING_COLLECTED = 5  # pytest's exit code when no test matches
_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 20.0  # for pytest to stop its workers and their nodes


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must hold: what it is called, and the command that ends with 0 when it does."""

    name: str
    command: tuple[str, ...]
    is_pytest: bool = False


Lane: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; the counts are tests, and stay 0 for a step that is not pytest."""

    step: Step
    ok: bool
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun test` takes."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="run only these tests, without the checks")
    parser.add_argument(
        "--quick", action="store_true", help="without PostgreSQL, the browser, the journeys and slow tests"
    )


def run(chosen: argparse.Namespace) -> int:
    """Runs the checks, and when they hold the tests: all of them, whichever fail.

    Args:
        chosen: test files or folders (then only these are run, without the checks), and whether it is quick (without
            PostgreSQL, the browser, the journeys and what is marked slow).

    Returns:
        0 when everything held, 1 when something did not, 3 when the tests are not here, 130 when interrupted.
    """
    if not (CHECKOUT / "tests" / "conftest.py").exists():
        _say("the tests are not in an installed package; run `./taawun test` in a checkout of the source")
        return 3
    paths = tuple(str(Path(path).resolve()) for path in chosen.paths)
    if not chosen.quick:
        _prepare_browser()
    outcomes: list[Outcome] = []
    try:
        for lanes in _rounds(paths, quick=chosen.quick):
            outcomes += _perform(lanes)
            if not all(outcome.ok for outcome in outcomes):
                break
    except KeyboardInterrupt:
        return 130
    return _conclude(outcomes)


@functools.cache
def browser_program() -> Path | None:
    """The Chromium or Chrome of this machine that answers when it is called, or None."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found is None:
            continue
        # Ubuntu's chromium-browser is a script that only asks for a snap
        answer = subprocess.run([found, "--version"], capture_output=True, check=False, timeout=60)
        if answer.returncode == 0:
            return Path(found)
    return None


def _rounds(paths: tuple[str, ...], *, quick: bool) -> Iterator[tuple[Lane, ...]]:
    """What is run round by round: lanes beside each other, and in a lane one step after the other."""
    python = sys.executable
    # what pytest makes of each file of tests is kept; on a new checkout, four processes would each make it themselves
    only_read = ("--collect-only", "-k", "nothing_is_called_so")
    if not paths:
        yield (
            (Step("mypy", (python, "-m", "mypy", "--no-error-summary")),),
            (
                Step("ruff check", (python, "-m", "ruff", "check", "--quiet")),
                Step("ruff format", (python, "-m", "ruff", "format", "--check", "--quiet")),
                Step("imports", (str(Path(python).with_name("lint-imports")), "--no-logo")),
                _pytest("pytest reads the tests", *only_read),
            ),
        )
    # a single file starts faster than the processes it could be spread over
    spread = () if paths else ("-n", "2", "--dist", "worksteal")
    apart = "not browser and not journey"
    if quick:
        yield ((_pytest("pytest on SQLite", *spread, "-m", f"{apart} and not slow", *paths),),)
        return
    # a file stays with one process: its tests share two nodes, which take most of their time to wait for each other
    # and files come in the order of the tests (conftest.py), not by how many each has: the longest have few
    by_file = () if paths else ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    on_postgres = ("--database", "postgres", "-m", f"database and not any_database and {apart}")
    yield (
        (_pytest("pytest on SQLite", *spread, "-m", apart, *paths),),
        # both lanes take about as long: while one waits, for a node or for a server, the other has the cores
        (
            _pytest("pytest, browser and journeys", *by_file, "-m", "browser or journey", *paths),
            _pytest("pytest on PostgreSQL", *spread, *on_postgres, *paths),
        ),
    )


def _pytest(name: str, *arguments: str) -> Step:
    return Step(name, (sys.executable, "-m", "pytest", "-q", "-r", "fEs", *arguments), is_pytest=True)


def _perform(lanes: tuple[Lane, ...]) -> list[Outcome]:
    """Runs lanes beside each other; the first writes as it goes, of the others each step when it has ended."""
    outcomes: list[Outcome] = []
    with ExitStack() as ending:
        waiting = [iter(lane) for lane in lanes]
        running: dict[int, _Running] = {}
        while True:
            for number, lane in enumerate(waiting):
                if number in running:
                    if (outcome := running[number].ended()) is None:
                        continue
                    outcomes.append(outcome)
                    del running[number]
                if (step := next(lane, None)) is not None:
                    running[number] = ending.enter_context(_Running(step, is_quiet=number > 0))
            if not running:
                planned = [step for lane in lanes for step in lane]
                return sorted(outcomes, key=lambda outcome: planned.index(outcome.step))
            time.sleep(_LOOK_SECONDS)


class _Running:
    """A step that runs, and is stopped should this be left before it has ended."""

    def __init__(self, step: Step, *, is_quiet: bool) -> None:
        self.step = step
        self._folder = tempfile.TemporaryDirectory(prefix="taawun-test-")
        home = Path(self._folder.name)
        self._report, self._written = home / "report.xml", home / "written"
        # mypy's plugin reads the settings: not those of a node that lives on this machine
        environment = os.environ | {"TAAWUN_HOME": str(home)}
        # some containers set it; hundreds of Pythons are started, and each would compile everything anew
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [*step.command, *([f"--junit-xml={self._report}"] if step.is_pytest else [])]
        self._started = time.monotonic()
        _say(f"{step.name}{', beside it' if is_quiet else ''}")
        with ExitStack() as opened:
            output = opened.enter_context(self._written.open("wb")) if is_quiet else None
            self._process = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT if is_quiet else None,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._process.poll() is None:
                # from a terminal Ctrl+C reached it as well; told twice, pytest would leave its nodes behind
                if not os.isatty(0):
                    self._process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_GRACE_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._folder.cleanup()

    def ended(self) -> Outcome | None:
        """How it ended, or None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        seconds = time.monotonic() - self._started
        if self._written.exists():
            print()  # the first lane stands in the middle of a line
            _say(f"{self.step.name} has ended")
            sys.stdout.write(self._written.read_text(encoding="utf-8", errors="replace"))
        ok = code == 0 or (self.step.is_pytest and code == NOTHING_COLLECTED)
        counts = _counts(self._report) if self._report.exists() else (0, 0, 0)
        return Outcome(self.step, ok, seconds, *counts)


def _counts(report: Path) -> tuple[int, int, int]:
    suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - pytest wrote it a moment ago
    if suite is None:
        return 0, 0, 0
    tests, failures, errors, skipped = (
        int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")
    )
    return tests - failures - errors - skipped, failures + errors, skipped


def _conclude(outcomes: list[Outcome]) -> int:
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    not_held = [outcome.step for outcome in outcomes if not outcome.ok]
    print()
    for outcome in outcomes:
        counts = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"
        word = "ok" if outcome.ok else "FAILED"
        told = f"{counts}; " if outcome.step.is_pytest else ""
        print(f"{outcome.step.name:<30}{word:<8}{told}{outcome.seconds:.1f} s")
    if not_held:
        failed = max(failed, 1)
        after = "" if any(step.is_pytest for step in not_held) else " (what comes after was not run)"
        print(f"failed: {', '.join(step.name for step in not_held)}{after}")
    elif passed == 0:
        failed = 1
        print("no test was run: nothing here matches")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _prepare_browser() -> None:
    wanted = [] if browser_program() else ["chromium"]
    if not ARABIC_FONT.exists():
        wanted.append("fonts-noto-core")
    if sys.platform.startswith("linux") and os.geteuid() == 0 and shutil.which("apt-get") and wanted:
        _say(f"installing {' and '.join(wanted)} with apt-get (once)")
        _apt_get("update")
        _apt_get("install", "-y", "--no-install-recommends", *wanted)
        browser_program.cache_clear()
    if browser_program() is None:
        _say("no Chromium or Chrome is installed: the tests in the browser are skipped")


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        _say(f"apt-get {arguments[0]} ended with {done.returncode} (see above)")


def _say(sentence: str) -> None:
    sys.stdout.flush()
    print(f"taawun test: {sentence}", flush=True)
