"""`taawun demo --once`, as a newcomer runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.journey

LIMIT_SECONDS = 300


def demo(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TAAWUN_DATA": str(data)}
    return subprocess.run(
        [sys.executable, "-m", "taawun", "demo", "--once", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def test_it_plays_through_without_any_data_at_hand(tmp_path: Path):
    done = demo(tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "“an invented report” was taken in" in done.stdout
    assert "checks hold" in done.stdout.splitlines()[-1]


def test_it_plays_with_a_real_misp_event_of_the_users_and_the_real_attack_bundle(data_dir: Path):
    done = demo(data_dir, "--report", str(data_dir / "misp-events" / "mozi__mozi.misp-event.json"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"new": 24771' in done.stdout
    assert (
        "the south holds “Who killed Mozi? Finally putting the IoT zombie botnet in its grave”" in done.stdout
    )


def test_a_file_that_is_no_intelligence_is_named_with_its_fault(tmp_path: Path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"type": "bundle",\n "objects": [}')

    done = demo(tmp_path, "--report", str(broken))

    assert done.returncode == 3
    assert "broken.json" in done.stderr
    assert "line 2" in done.stderr
