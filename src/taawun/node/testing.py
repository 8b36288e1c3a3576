"""The body of `taawun test`: everything that must hold before a change is taken, in one go.

It needs no Django and reads no settings: each step is a process of its own, and pytest makes its own node.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must hold: what it is called, and the command that ends with 0 when it does."""

    name: str
    command: tuple[str, ...]
    is_pytest: bool = False


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
    """Runs the checks and tests, stopping after the first step that fails.

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
    outcomes = []
    try:
        for step in _steps(paths, quick=chosen.quick):
            outcomes.append(_perform(step))
            if not outcomes[-1].ok:
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


def _steps(paths: tuple[str, ...], *, quick: bool) -> Iterator[Step]:
    python = sys.executable
    if not paths:
        yield Step("ruff check", (python, "-m", "ruff", "check", "--quiet"))
        yield Step("ruff format", (python, "-m", "ruff", "format", "--check", "--quiet"))
        yield Step("mypy", (python, "-m", "mypy", "--no-error-summary"))
        yield Step("imports", (str(Path(python).with_name("lint-imports")), "--no-logo"))
    # a single file starts faster than the processes it could be spread over
    spread = () if paths else ("-n", "2", "--dist", "worksteal")
    apart = "not browser and not journey"
    if quick:
        yield _pytest("pytest on SQLite", *spread, "-m", f"{apart} and not slow", *paths)
        return
    yield _pytest("pytest on SQLite", *spread, "-m", apart, *paths)
    # a file stays with one process: its tests share two nodes, which take most of their time to wait for each other
    by_file = () if paths else ("-n", "2", "--dist", "loadfile")
    yield _pytest("pytest, browser and journeys", *by_file, "-m", "browser or journey", *paths)
    on_postgres = ("--database", "postgres", "-m", f"database and not any_database and {apart}")
    yield _pytest("pytest on PostgreSQL", *spread, *on_postgres, *paths)


def _pytest(name: str, *arguments: str) -> Step:
    return Step(name, (sys.executable, "-m", "pytest", "-q", "-r", "fEs", *arguments), is_pytest=True)


def _perform(step: Step) -> Outcome:
    _say(step.name)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="taawun-test-") as folder:
        report = Path(folder) / "report.xml"
        # mypy's plugin reads the settings: not those of a node that lives on this machine
        environment = os.environ | {"TAAWUN_HOME": folder}
        # some containers set it; hundreds of Pythons are started, and each would compile everything anew
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [*step.command, *([f"--junit-xml={report}"] if step.is_pytest else [])]
        code = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode
        ok = code == 0 or (step.is_pytest and code == NOTHING_COLLECTED)
        counts = _counts(report) if report.exists() else (0, 0, 0)
    return Outcome(step, ok, time.monotonic() - started, *counts)


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
    last = outcomes[-1]
    print()
    for outcome in outcomes:
        counts = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"
        word = "ok" if outcome.ok else "FAILED"
        told = f"{counts}; " if outcome.step.is_pytest else ""
        print(f"{outcome.step.name:<30}{word:<8}{told}{outcome.seconds:.1f} s")
    if not last.ok:
        failed = max(failed, 1)
        print(f"stopped at: {last.step.name} (what comes after it was not run)")
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
