"""`taawun test`: which steps, in which order, and how it ends."""

import itertools
import os
import sys
import time
from pathlib import Path

import pytest

from taawun.node import testing
from taawun.node.cli import main


def names(paths: tuple[str, ...], *, quick: bool) -> list[list[list[str]]]:
    """The names of the steps: of each lane of each round."""
    rounds = testing._rounds(paths, quick=quick)
    return [[[step.name for step in lane] for lane in lanes] for lanes in rounds]


CHECKS = [["mypy"], ["ruff check", "ruff format", "imports", "pytest reads the tests"]]
TESTS = [["pytest on SQLite"], ["pytest, browser and journeys", "pytest on PostgreSQL"]]


@pytest.mark.parametrize(
    ("paths", "quick", "expected"),
    [
        ((), False, [CHECKS, TESTS]),
        ((), True, [CHECKS, [["pytest on SQLite"]]]),
        (("a",), False, [TESTS]),
        (("a",), True, [[["pytest on SQLite"]]]),
    ],
)
def test_the_steps_depend_on_path_and_quick(
    paths: tuple[str, ...], quick: bool, expected: list[list[list[str]]]
):
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

    def plan(*rounds: tuple[tuple[str, ...], ...]) -> None:
        number = itertools.count()
        steps = [
            tuple(tuple(step(next(number), snippet) for snippet in lane) for lane in lanes)
            for lanes in rounds
        ]
        monkeypatch.setattr(testing, "_rounds", lambda paths, quick: iter(steps))
        monkeypatch.setattr(testing, "_prepare_browser", lambda: None)

    return plan


PASSES = "def test_it():\n    assert True\n"
FAILS = "def test_it():\n    assert False\ndef test_other():\n    assert True\n"


@pytest.mark.parametrize(
    ("rounds", "code", "last", "told"),
    [
        (((("pass",),), ((PASSES, PASSES),)), 0, "2 passed, 0 failed", ["step 2"]),
        (((("pass",),), ((PASSES,), (PASSES,))), 0, "2 passed, 0 failed", ["step 2"]),
        (((("pass",),), ((FAILS, PASSES), (FAILS,))), 1, "3 passed, 2 failed", ["failed: step 1, step 3\n"]),
        (
            ((("raise SystemExit(1)", "pass"),), ((PASSES,),)),
            1,
            "0 passed, 1 failed",
            ["failed: step 0 (what comes after was not run)", "step 1 "],
        ),
        (((("pass",),),), 1, "0 passed, 1 failed", ["no test was run"]),
    ],
)
def test_a_check_that_fails_ends_it_and_a_test_that_fails_only_after_all_were_run(
    planned,
    capfd: pytest.CaptureFixture[str],
    rounds: tuple[tuple[tuple[str, ...], ...], ...],
    code: int,
    last: str,
    told: list[str],
):
    planned(*rounds)

    assert main(["test"]) == code

    printed = capfd.readouterr().out
    assert printed.splitlines()[-1] == last
    assert [each for each in told if each not in printed] == []


def test_lanes_run_beside_each_other_and_what_the_second_writes_comes_whole(
    planned, capfd: pytest.CaptureFixture[str], tmp_path: Path
):
    # each waits for the other: one after the other they would wait for ever
    waits = "import pathlib, time\nwhile not pathlib.Path({theirs!r}).exists(): time.sleep(0.01)\n"
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    meets = "import pathlib\npathlib.Path({ours!r}).touch()\n" + waits
    planned(((meets.format(ours=one, theirs=two),), (meets.format(ours=two, theirs=one) + "print('met')\n",)))

    assert main(["test"]) == 1

    assert "taawun test: step 1 has ended\nmet\n" in capfd.readouterr().out


def test_who_interrupts_it_leaves_no_step_running(planned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pid = tmp_path / "pid"
    says = f"import os, pathlib, time\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
    planned(((says + "time.sleep(600)",),))

    def interrupt(_seconds: float) -> None:
        if pid.exists() and pid.read_text():
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)

    assert main(["test"]) == 130

    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


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
