"""`taawun init`: a node with its keys, database, organisation and first administrator, in processes of their own."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

from tests.node.commands.console import Ended, in_own_process
from tests.tables import put_tables

GIVEN = (
    "--yes",
    "--nation",
    "xn",
    "--name",
    "Northern CERT",
    "--name-ar",
    "فريق الشمال",
    "--admin-email",
    "a@cert.example",
)


def _init(home: Path, *options: str) -> Ended:
    return in_own_process(home, "init", *options)


def test_a_node_is_made_once_and_then_runs_commands(tmp_path: Path) -> None:
    made = _init(tmp_path, *GIVEN, "--base-url", "https://cert.example/", "--language", "ar", "--json")
    assert (made.code, made.err) == (0, "")
    recovery = tmp_path / "keys" / "recovery.pem"
    assert made.json["invitation"].startswith("https://cert.example/ar/")
    assert made.json["recovery_key"] == str(recovery)
    for secret in (recovery, tmp_path / "keys" / "node.pem", tmp_path / "secret-key"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert (tmp_path / "node.env").read_text() == "TAAWUN_BASE_URL=https://cert.example\n"

    again = _init(tmp_path, *GIVEN)
    told = "taawun: there is a node here already; choose another TAAWUN_HOME for a second one\n"
    assert (again.code, again.out, again.err) == (3, "", told)

    proved = in_own_process(tmp_path, "audit", "verify", "--json")
    assert (proved.code, proved.json["broken_at"], proved.json["lanes"]) == (0, None, 0)
    # whoever copies a node that does not run finds all of it in the file of its database
    assert list(tmp_path.glob("taawun.sqlite3-*")) == []


def test_what_was_refused_can_be_asked_again_rightly(tmp_path: Path, tables: Path) -> None:
    put_tables(tmp_path, tables)
    for wrong, told in (
        (("--nation", "XNN"), "“XNN” is no code of ISO 3166-1."),
        (("--admin-email", "nobody"), "“nobody” is not an e-mail address."),
    ):
        refused = _init(tmp_path, *GIVEN, *wrong)
        assert (refused.code, refused.out, refused.err) == (2, "", f"taawun: {told}\n")
    key = (tmp_path / "keys" / "node.pem").read_bytes()
    made = _init(tmp_path, *GIVEN)
    assert (made.code, made.err) == (0, "")
    assert (
        "Its first administrator opens this link, once, within 14 days:\n\n  http://127.0.0.1:8000/en/"
        in made.out
    )
    assert f"The recovery key lies in {tmp_path / 'keys' / 'recovery.pem'}.\n" in made.out
    assert (tmp_path / "keys" / "node.pem").read_bytes() == key


def test_who_leaves_amid_the_questions_is_told_that_nothing_was_made(tmp_path: Path) -> None:
    terminal, theirs = pty.openpty()
    os.write(terminal, b"Northern CERT\n\x04")
    ended = subprocess.run(
        [sys.executable, "-m", "taawun", "init"],
        stdin=theirs,
        capture_output=True,
        text=True,
        env=os.environ | {"TAAWUN_HOME": str(tmp_path / "home")},
        check=False,
    )
    os.close(theirs)
    os.close(terminal)
    told = "taawun: the questions were not all answered; nothing was made\n"
    assert (ended.returncode, ended.stderr) == (2, told)
    assert not (tmp_path / "home" / "keys").exists()


def test_whoever_is_asked_is_asked_again_until_the_answer_can_be_used(tmp_path: Path, tables: Path) -> None:
    put_tables(tmp_path, tables)
    terminal, theirs = pty.openpty()
    os.write(
        terminal,
        b"cert.example\nhttps://cert.example/\n\nNorthern CERT\nXNN\nxn\nnobody\na@cert.example\nde\nAR\n",
    )
    ended = subprocess.run(
        [sys.executable, "-m", "taawun", "init"],
        stdin=theirs,
        capture_output=True,
        text=True,
        env=os.environ | {"TAAWUN_HOME": str(tmp_path)},
        check=False,
    )
    os.close(theirs)
    os.close(terminal)
    assert (ended.returncode, ended.stderr) == (0, "")
    told = [
        "'cert.example' is not an address like https://cert.example.",
        "This is needed.",
        "“XNN” is no code of ISO 3166-1, like JO or MY.",
        "“nobody” is not an e-mail address.",
        "“de” is none of ar, en, fr.",
        "The node is ready.",
    ]
    places = [ended.stdout.find(each) for each in told]
    assert -1 not in places
    assert places == sorted(places)
    assert "https://cert.example/ar/" in ended.stdout
    assert (tmp_path / "node.env").read_text() == "TAAWUN_BASE_URL=https://cert.example\n"


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    ended = _init(home, *GIVEN)
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith(f"taawun: {home / 'node.env'}: it cannot be read: [Errno 20] Not a directory")


def test_the_secretariat_of_a_community_has_no_nation(tmp_path: Path, tables: Path) -> None:
    put_tables(tmp_path, tables)
    given = ("--yes", "--name", "Secretariat", "--admin-email", "a@union.example", "--nation", "")
    refused = _init(tmp_path, *given, "--kind", "nation")
    assert (refused.code, refused.err) == (2, "taawun: A nation's node needs the nation's two-letter code.\n")
    assert _init(tmp_path, *given, "--kind", "community", "--base-url", "https://union.example").code == 0
    looked = in_own_process(tmp_path, "audit", "verify", "--json")
    assert looked.code == 0
