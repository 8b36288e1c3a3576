"""`taawun up` does not start what cannot work: it says so in one line and ends with 3."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.core.checks import Error

from tests.node.commands.console import in_own_process

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import Settings

    from taawun.cooperation.people.models import Organisation
    from tests.node.commands.console import Console, Ended


def _refused(ended: Ended, told: str) -> None:
    assert (ended.code, ended.out, ended.err) == (3, "", f"taawun: {told}\n")


def test_without_a_node_there_is_nothing_to_run(db: None, console: Console) -> None:
    home = settings.HOME
    _refused(console.run("up"), f"there is no node in {home}; run `taawun init` first, or set TAAWUN_HOME")


def test_rooms_that_do_not_fit_together_are_not_run(
    node: Organisation, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [Error("Two rooms have one name.", hint="Rename one."), Error("And\nthis.")]
    monkeypatch.setattr("django.core.checks.run_checks", lambda: wrong)
    _refused(console.run("up"), "Two rooms have one name. Rename one.; And this.")


def test_a_room_that_cannot_be_imported_is_named(
    node: Organisation, console: Console, settings: Settings
) -> None:
    settings.ROOT_URLCONF = "taawun.nowhere"
    told = "the addresses of a room that its apps.py names cannot be read: No module named 'taawun.nowhere'"
    _refused(console.run("up"), told)


def test_a_key_that_is_none_is_told(node: Organisation, console: Console, settings: Settings) -> None:
    settings.NODE_KEY = "junk"
    _refused(
        console.run("up"),
        "the node's key in TAAWUN_NODE_KEY cannot be used: This is no unencrypted PEM private key (PKCS #8).",
    )


def test_a_key_that_is_missing_is_told_with_its_place(
    node: Organisation, console: Console, settings: Settings, tmp_path: Path
) -> None:
    settings.HOME = tmp_path
    place = tmp_path / "keys" / "node.pem"
    told = f"the node's key is missing: put {place} back, or set TAAWUN_NODE_KEY"
    _refused(console.run("up"), told)


def test_a_lost_secret_of_sessions_is_told_with_its_place(
    node: Organisation,
    console: Console,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("taawun.cooperation.partners.identity.keys.check_key", lambda: None)
    monkeypatch.setattr(settings.ENVIRONMENT, "text", lambda _name: "")
    settings.HOME = tmp_path
    told = f"what signs sessions is missing: put {tmp_path / 'secret-key'} back, or set TAAWUN_SECRET_KEY"
    _refused(console.run("up"), told)


# ---- in a process of its own, which reads its settings --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAAWUN_TIME_ZONE", "Nowhere"),
        ("TAAWUN_NODE_KEY", "junk"),
        ("TAAWUN_TRUSTED_PROXIES", "junk"),
        ("TAAWUN_OUTBOUND_ALLOW", "%%%"),
        ("TAAWUN_WEB_WORKERS", "0"),
        ("TAAWUN_BASE_URL", "https://cert.example:junk"),
        ("TAAWUN_DATABASE_URL", "postgresql://h:junk/t"),
        ("TAAWUN_DATABASE_URL", "postgresql://h/t?sslmod=require"),
        ("TAAWUN_EMAIL_URL", "smtp://h:junk"),
        ("TAAWUN_EMAIL_FROM", "nobody"),
    ],
)
def test_a_setting_that_cannot_work_stops_the_node_with_one_sentence(
    tmp_path: Path, name: str, value: str
) -> None:
    ended = in_own_process(tmp_path, "up", **{name: value})
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith(f"taawun: {name}: ")


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("node.env", b"\xff\xfe", "{}: it cannot be read: 'utf-8' codec can't decode"),
        ("secret-key", b"\xff\xfe", "TAAWUN_SECRET_KEY: {} cannot be read: 'ascii' codec can't decode"),
        ("secret-key", b"\n", "TAAWUN_SECRET_KEY: {} is empty; write a long random text into it"),
        (
            "taawun.sqlite3",
            b"junk" * 1000,
            "the database cannot be used: file is not a database; see TAAWUN_DATABASE",
        ),
    ],
)
def test_a_file_of_the_home_that_cannot_be_used_is_named(
    tmp_path: Path, file: str, content: bytes, told: str
) -> None:
    place = tmp_path / file
    place.write_bytes(content)
    ended = in_own_process(tmp_path, "up")
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith(f"taawun: {told.format(place)}")


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://u:secret@/t?host={tmp_path}"
    ended = in_own_process(tmp_path, "up", TAAWUN_DATABASE_URL=url)
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith("taawun: the database cannot be used: connection is bad: ")
    assert "secret" not in ended.err


# ---- the server -------------------------------------------------------------------------------------------------


def test_a_port_that_somebody_else_has_is_told(node: Organisation, console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = console.run("up", "--only", "web", "--port", str(port))
    told = f"127.0.0.1 port {port} cannot be listened at (Address already in use). Choose another, or end the server "
    _refused(ended, f"{told}that has it.")
