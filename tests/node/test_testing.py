"""`taawun test`: which steps, in which order, and how it ends."""

import sys
from pathlib import Path

import pytest

from taawun.node import testing
from taawun.node.cli import main


def names(paths: tuple[str, ...], *, quick: bool) -> list[str]:
    return [step.name for step in testing._steps(paths, quick=quick)]


CHECKS = ["ruff check", "ruff format", "mypy", "imports"]


@pytest.mark.parametrize(
    ("paths", "quick", "expected"),
    [
        ((), False, [*CHECKS, "pytest on SQLite", "pytest, browser and journeys", "pytest on PostgreSQL"]),
        ((), True, [*CHECKS, "pytest on SQLite"]),
        (("a",), False, ["pytest on SQLite", "pytest, browser and journeys", "pytest on PostgreSQL"]),
        (("a",), True, ["pytest on SQLite"]),
    ],
)
def test_the_steps_depend_on_path_and_quick(paths: tuple[str, ...], quick: bool, expected: list[str]):
    assert names(paths, quick=quick) == expected


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Lets `run` perform these snippets of Python, or test files, instead of its own steps."""

    def step(number: int, snippet: str) -> testing.Step:
        name = f"step {number}"
        if not snippet.startswith("def test"):
            return testing.Step(name, (sys.executable, "-c", snippet))
        file = tmp_path / f"test_{number}.py"
        file.write_text(snippet, encoding="utf-8")
        (tmp_path / "none.ini").touch()
        plain = ("-q", "-p", "no:cacheprovider", "-c", str(tmp_path / "none.ini"))
        return testing.Step(name, (sys.executable, "-m", "pytest", *plain, str(file)), is_pytest=True)

    def plan(*snippets: str) -> None:
        steps = [step(number, snippet) for number, snippet in enumerate(snippets)]
        monkeypatch.setattr(testing, "_steps", lambda paths, quick: iter(steps))
        monkeypatch.setattr(testing, "_prepare_browser", lambda: None)

    return plan


PASSES = "def test_it():\n    assert True\n"
FAILS = "def test_it():\n    assert False\ndef test_other():\n    assert True\n"


@pytest.mark.parametrize(
    ("snippets", "code", "last", "told"),
    [
        (("pass", PASSES, PASSES), 0, "2 passed, 0 failed", "step 2"),
        (("pass", FAILS, PASSES), 1, "1 passed, 1 failed", "stopped at: step 1"),
        (("raise SystemExit(1)", PASSES), 1, "0 passed, 1 failed", "stopped at: step 0"),
        (("pass",), 1, "0 passed, 1 failed", "no test was run"),
    ],
)
def test_it_stops_at_the_first_failure_and_ends_with_the_counts(
    planned, capfd: pytest.CaptureFixture[str], snippets: tuple[str, ...], code: int, last: str, told: str
):
    planned(*snippets)

    assert main(["test"]) == code

    printed = capfd.readouterr().out
    assert printed.splitlines()[-1] == last
    assert told in printed


def test_without_the_source_it_says_where_the_tests_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(testing, "CHECKOUT", tmp_path)

    assert main(["test"]) == 3
    assert "in a checkout of the source" in capsys.readouterr().out


def test_a_browser_that_only_asks_for_another_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, code in (("chromium", 1), ("google-chrome", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert testing.browser_program.__wrapped__() == tmp_path / "google-chrome"
