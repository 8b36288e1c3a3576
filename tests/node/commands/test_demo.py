"""`taawun demo`: what it cannot play with is told before two nodes are started."""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from taawun.node.commands.demo import _ATTACK, _material

if TYPE_CHECKING:
    from pathlib import Path

    from tests.node.commands.console import Console


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "{} cannot be read: [Errno 2] No such file or directory"),
        (
            gzip.compress(b"{}", mtime=0)[:10] + b"\xff" * 9,
            "{} cannot be read: Error -3 while decompressing data",
        ),
        (b"{", "file.json: Line 1, column 2: this is not JSON"),
        (b'{"hello": "world"}', "file.json: This is an object, but not a STIX object"),
    ],
    ids=["missing", "not packed well", "no JSON", "no intelligence"],
)
def test_a_report_that_cannot_be_read_is_told(
    console: Console, tmp_path: Path, content: bytes | None, told: str
) -> None:
    place = tmp_path / "file.json"
    if content is not None:
        place.write_bytes(content)
    ended = console.run("demo", "--once", "--report", str(place))
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith(f"taawun: {told.format(place)}")


def test_a_folder_that_holds_something_is_not_taken_for_the_nodes(console: Console, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    ended = console.run("demo", "--once", "--home", str(tmp_path))
    told = f"taawun: {tmp_path} is not empty; name a new folder for the two nodes\n"
    assert (ended.code, ended.out, ended.err) == (3, "", told)


def test_who_asks_it_to_end_more_than_once_leaves_no_node_behind() -> None:
    script = """
import os, signal
from taawun.node.commands import demo
for each in demo._ENDING:
    signal.signal(each, demo._interrupted)
try:
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    print("both nodes are stopped")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "both nodes are stopped\n", "")


def test_it_is_played_with_real_intelligence_where_that_is_at_hand(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAAWUN_DATA", str(data_dir))
    real = _material(None)
    assert real.name == "KryptoCibule (a real MISP event)"
    assert b"KryptoCibule" in real.report
    assert real.attack == data_dir / _ATTACK
    monkeypatch.setenv("TAAWUN_DATA", str(tmp_path))
    assert (_material(None).name, _material(None).attack) == ("an invented report", None)
