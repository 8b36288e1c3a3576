"""`taawun backup` and `taawun restore`: what breaks them off leaves the old node or the new one, and no half file."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taawun.foundation.digests import sha256
from taawun.node.running import hold
from tests.node.commands.console import Console, Ended, in_own_process
from tests.tables import put_tables

PASSPHRASE = "five words that nobody guesses"
LARGE = 40_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a node (`home`), a passphrase and a backup of it."""
    folder = tmp_path_factory.mktemp("made")
    home = put_tables(folder / "home", tables)
    given = ("--yes", "--nation", "xn", "--name", "Northern CERT", "--admin-email", "a@cert.example")
    assert in_own_process(home, "init", *given, "--base-url", "https://north.example").code == 0
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n")
    _store(home, os.urandom(LARGE))
    done = in_own_process(home, "backup", str(folder / "backup"), *_with(folder), "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "file": str(folder / "backup"),
        "encrypted": True,
        "bytes": (folder / "backup").stat().st_size,
        "rows": done.json["rows"],
        "files": 1,
        "file_bytes": LARGE,
        "damaged": [],
        "left_out": ["keys/recovery.pem"],
    }
    return folder


def _store(home: Path, data: bytes) -> None:
    """Put a file into a node that is not running."""
    script = (
        "import sys, django; django.setup()\n"
        "from taawun.platform.files.actions import store\n"
        "store([sys.stdin.buffer.read()], owner='urn:x', limit=10**9)"
    )
    subprocess.run(
        [sys.executable, "-c", script], input=data, env=_environment(home), check=True, timeout=120
    )


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TAAWUN_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "taawun.node.settings",
    }


def _with(folder: Path) -> tuple[str, str]:
    return "--passphrase-file", str(folder / "passphrase")


def _start(home: Path, *arguments: str, largest_file: int = 10**9) -> subprocess.Popen[str]:
    """Start a command on a disk that takes no file larger than this."""
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({largest_file}, {largest_file}))\n"
        "from taawun.node.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.Popen(
        [sys.executable, "-P", "-c", script, *arguments],
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out, err)


def _killed_once(process: subprocess.Popen[str], is_so: Callable[[], bool]) -> None:
    """Kill a process as soon as something is so."""
    ends = time.monotonic() + 120
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.005)
    process.kill()
    assert process.wait(timeout=30) == -signal.SIGKILL
    process.communicate()


def _size(places: list[Path]) -> int:
    return sum(each.stat().st_size for each in places if each.exists())


def _kid(home: Path) -> bytes:
    return (home / "keys" / "node.pem").read_bytes()


def _is_whole(home: Path) -> bool:
    proved = in_own_process(home, "audit", "verify", "--json")
    return proved.code == 0


# ---- making one -------------------------------------------------------------------------------------------------


def test_a_killed_backup_leaves_nothing_under_its_name(made: Path, tmp_path: Path) -> None:
    place = tmp_path / "backup"
    process = _start(made / "home", "backup", str(place), *_with(made))
    _killed_once(process, lambda: _size(list(tmp_path.glob(".backup.*.part"))) > 1_000_000)
    assert not place.exists()
    # and it is made again as though nothing had been
    assert in_own_process(made / "home", "backup", str(place), *_with(made)).code == 0
    assert place.exists()


def test_a_full_disk_leaves_nothing_at_all(made: Path, tmp_path: Path) -> None:
    ended = _ended(
        _start(made / "home", "backup", str(tmp_path / "backup"), *_with(made), largest_file=3_000_000)
    )
    told = (
        "taawun: the backup cannot be written: File too large; nothing is left of it, name a file on another "
    )
    assert (ended.code, ended.out, ended.err) == (3, "", f"{told}disk or make room\n")
    assert list(tmp_path.iterdir()) == []


def test_what_a_backup_holds_is_said(made: Path, tmp_path: Path) -> None:
    done = in_own_process(made / "home", "backup", str(tmp_path / "open"), "--unencrypted")
    assert done.code == 0
    assert "It is NOT encrypted and holds the node's secret key" in done.out
    assert "keys/recovery.pem is not in it" in done.out
    again = in_own_process(made / "home", "backup", str(tmp_path / "open"), "--unencrypted")
    assert (again.code, again.err) == (3, f"taawun: {tmp_path / 'open'} exists already; name a new file\n")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--passphrase-file is missing; give it, or run the command on a terminal and be asked"),
        (
            ("--unencrypted", "--passphrase-file", "x"),
            "--unencrypted and --passphrase-file exclude each other",
        ),
        (("--passphrase-file", "SHORT"), "the passphrase has at least 16 characters"),
        (("--passphrase-file", "EMPTY"), "EMPTY holds no passphrase in its first line"),
    ],
)
def test_a_passphrase_is_asked_for(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: str
) -> None:
    (tmp_path / "SHORT").write_text("short\n")
    (tmp_path / "EMPTY").write_text("\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ended = console.run("backup", str(tmp_path / "backup"), *options)
    assert (ended.code, told in ended.err) == (2, True), ended.err


# ---- putting it back --------------------------------------------------------------------------------------------


def test_a_new_machine_gets_the_node_with_its_address_and_key(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = in_own_process(home, "restore", str(made / "backup"), *_with(made), "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["node"], done.json["files"], done.json["awaited"]) == ("https://north.example", 1, [])
    assert (home / "node.env").read_text() == "TAAWUN_BASE_URL=https://north.example\n"
    assert _kid(home) == _kid(made / "home")
    assert (home / "secret-key").read_bytes() == (made / "home" / "secret-key").read_bytes()
    assert not (home / "keys" / "recovery.pem").exists()
    assert not (home / "restoring").exists()
    assert not (home / "files" / "restoring").exists()
    assert _is_whole(home)


def test_a_node_that_is_here_is_given_up_only_by_an_explicit_word(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made / "home", home)
    mine = b"a file that the backup does not know"
    _store(home, mine)
    file = home / "files" / sha256(mine)[:2] / sha256(mine)[2:4] / sha256(mine)
    refused = in_own_process(home, "restore", str(made / "backup"), *_with(made))
    told = f"taawun: there is a node in {home} already; restore into another TAAWUN_HOME, or say --replace to give up"
    assert (refused.code, refused.err) == (3, f"{told} the one that is here\n")
    assert file.exists()
    with hold(home):
        refused = in_own_process(home, "restore", str(made / "backup"), *_with(made), "--replace")
    assert (refused.code, refused.err) == (3, "taawun: the node is running; stop it first\n")
    assert in_own_process(home, "restore", str(made / "backup"), *_with(made), "--replace").code == 0
    assert not file.exists()
    assert (home / "keys" / "recovery.pem").exists()


def test_what_cannot_be_used_changes_nothing(made: Path, tmp_path: Path) -> None:
    home, whole = tmp_path / "home", (made / "backup").read_bytes()
    damaged = tmp_path / "damaged"
    for data, passphrase, told in (
        (whole[:-1000], PASSPHRASE, "the backup is damaged or not whole"),
        (whole[:500] + b"x" + whole[501:], PASSPHRASE, "the backup is damaged or not whole"),
        (whole, "another passphrase", "the passphrase does not open"),
        (b"a letter", PASSPHRASE, "is no backup of a node"),
    ):
        damaged.write_bytes(data)
        (tmp_path / "passphrase").write_text(passphrase)
        refused = in_own_process(home, "restore", str(damaged), *_with(tmp_path))
        assert (refused.code, told in refused.err, refused.err.count("\n")) == (3, True, 1), refused.err
        assert not (home / "keys").exists()
        assert not (home / "restoring").exists()
        assert not list(home.glob("*.restoring*"))


def test_a_node_keeps_its_address(made: Path, tmp_path: Path) -> None:
    refused = in_own_process(
        tmp_path / "home",
        "restore",
        str(made / "backup"),
        *_with(made),
        TAAWUN_BASE_URL="https://south.example",
    )
    assert (refused.code, "a node keeps its address, which its signatures cover" in refused.err) == (3, True)


def test_a_restore_on_a_full_disk_leaves_the_old_node(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made / "home", home, ignore=shutil.ignore_patterns("files"))

    ended = _ended(
        _start(home, "restore", str(made / "backup"), *_with(made), "--replace", largest_file=10_000_000)
    )
    assert (ended.code, "the node cannot be restored" in ended.err) == (3, True), ended.err
    assert not (home / "restoring").exists()
    assert _is_whole(home)


def test_a_restore_that_is_killed_before_it_is_proven_leaves_the_old_node(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made / "home", home, ignore=shutil.ignore_patterns("files"))
    before = (home / "taawun.sqlite3").read_bytes()
    process = _start(home, "restore", str(made / "backup"), *_with(made), "--replace")
    _killed_once(process, lambda: _size(list((home / "files" / "restoring").glob("*"))) > 1_000_000)
    assert (home / "taawun.sqlite3").read_bytes() == before
    assert _is_whole(home)
    assert in_own_process(home, "restore", str(made / "backup"), *_with(made), "--replace").code == 0
    assert not (home / "restoring").exists()


@pytest.mark.parametrize("place", ["finish_before_start", "finish_after_start"])
def test_a_restore_that_is_killed_after_it_was_decided_is_finished_by_the_next_command(
    made: Path, tmp_path: Path, place: str
) -> None:
    home = tmp_path / "home"
    script = (
        "import os, signal, sys\n"
        "import django; django.setup()\n"
        "from taawun.node.backup import switching\n"
        f"switching.{place} = lambda *_arguments: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from taawun.node.cli import main\n"
        "main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", script, "restore", str(made / "backup"), *_with(made)]
    killed = subprocess.run(command, env=_environment(home), check=False, timeout=120, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (home / "restoring" / "decided").exists()
    assert _is_whole(home)
    assert not (home / "restoring").exists()
    assert _kid(home) == _kid(made / "home")
    [file] = [each for each in (home / "files").rglob("*") if each.is_file()]
    assert (file.stat().st_size, file.name) == (LARGE, sha256(file.read_bytes()))
