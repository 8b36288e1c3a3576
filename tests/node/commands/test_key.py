"""`taawun key`: which keys the node has, a new one, a revocation, and what it says when it cannot."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from taawun.cooperation.partners.identity import keys
from taawun.cooperation.partners.models import OwnRotation
from taawun.cooperation.people.models import Organisation
from taawun.foundation import fingerprint
from taawun.foundation.clock import now, timestamp
from taawun.foundation.signing import SigningKey
from tests.cast import partner
from tests.node.commands.console import Console


@pytest.fixture
def home(node: Organisation, settings: Settings, tmp_path: Path) -> Path:
    """A home with keys of its own, that the other tests do not share."""
    settings.HOME = tmp_path
    keys.create_keys()
    return tmp_path


@pytest.fixture
def recovery(home: Path, tmp_path: Path) -> Path:
    """The private recovery key on a disk that was put in."""
    return keys.recovery_file().rename(tmp_path / "disk.pem")


def test_the_keys_are_shown_with_what_is_read_on_the_telephone(console: Console, home: Path) -> None:
    kid = keys.node_key().kid
    told = console.run("key", "show", "--json")
    assert (told.code, told.json["current"], told.json["retired"], told.json["since"]) == (0, kid, [], None)
    assert told.json["words"] == list(fingerprint.words(kid, "en"))
    assert told.json["recovery_file"] == str(keys.recovery_file())
    shown = console.run("key", "show")
    assert f"signs with {kid}\n" in shown.out
    assert "It still lies in" in shown.out
    keys.recovery_file().unlink()
    assert console.run("key", "show", "--json").json["recovery_file"] is None
    assert "It still lies in" not in console.run("key", "show").out


def test_a_new_key_follows_and_is_shown_with_the_one_before(console: Console, home: Path) -> None:
    partner()
    first = keys.node_key().kid
    told = console.run("key", "rotate", "--json")
    assert (told.code, told.json["retired"], told.json["partners"]) == (0, first, 1)
    assert told.json["revoked_since"] is None
    shown = console.run("key", "show", "--json").json
    assert (shown["current"], [each["kid"] for each in shown["retired"]]) == (told.json["current"], [first])
    assert f"before it {first} until " in console.run("key", "show").out
    assert console.run("key", "rotate").out.startswith("The node signs with ")


def test_a_key_is_revoked_with_the_recovery_key_from_a_disk(
    console: Console, home: Path, recovery: Path
) -> None:
    first, since = keys.node_key().kid, timestamp(now() - timedelta(hours=3))
    told = console.run("key", "revoke", "--since", since, "--recovery", str(recovery), "--json")
    assert (told.code, told.json["retired"], told.json["revoked_since"]) == (0, first, since)
    assert console.run("key", "show", "--json").json["retired"][0]["revoked_since"] == since
    # it was read, and is nowhere on the node
    assert not keys.recovery_file().exists()
    assert f"under {told.json['current']} they set aside" in (
        console.run("key", "revoke", "--since", since, "--recovery", str(recovery)).out
    )


def test_a_new_recovery_key_is_written_where_it_was_asked_for(
    console: Console, home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new.pem"
    told = console.run(
        "key", "replace-recovery", "--recovery", str(keys.recovery_file()), "--out", str(out), "--json"
    )
    assert (told.code, told.json["file"]) == (0, str(out))
    assert SigningKey.from_pem(out.read_bytes()).kid == told.json["recovery"]
    assert out.stat().st_mode & 0o777 == 0o600
    assert console.run("key", "show", "--json").json["recovery"] == told.json["recovery"]
    assert not keys.recovery_file().exists()
    again = console.run("key", "replace-recovery", "--recovery", str(out), "--out", str(out))
    assert (again.code, again.out) == (3, "")
    assert again.err == f"taawun: there is a file {out} already; choose another name\n"


def test_a_key_for_the_environment_is_made_and_followed(
    console: Console, home: Path, tmp_path: Path, settings: Settings
) -> None:
    settings.NODE_KEY = SigningKey.generate().to_pem().decode()
    refused = console.run("key", "rotate")
    assert (refused.code, refused.out, refused.err.count("\n")) == (3, "", 1)
    assert "`taawun key make FILE`" in refused.err
    made = console.run("key", "make", str(tmp_path / "next.pem"), "--json")
    settings.NODE_KEY += (tmp_path / "next.pem").read_text()
    assert console.run("key", "rotate", "--json").json["current"] == made.json["kid"]


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (("key",), 2, "`taawun key --help` tells how it is used"),
        (("key", "turn"), 2, "invalid choice: 'turn'"),
        (("key", "revoke", "--recovery", "{recovery}"), 2, "--since"),
        (
            ("key", "revoke", "--since", "yesterday", "--recovery", "{recovery}"),
            2,
            "'yesterday' is no instant",
        ),
        (("key", "revoke", "--since", "{since}"), 2, "--recovery"),
        (("key", "revoke", "--since", "{since}", "--recovery", "{home}/none.pem"), 2, "cannot be read"),
        (("key", "revoke", "--since", "{since}", "--recovery", "{home}/junk.pem"), 2, "cannot be used"),
        (
            ("key", "revoke", "--since", "{since}", "--recovery", "{home}/keys/node.pem"),
            3,
            "not the recovery key",
        ),
        (
            ("key", "revoke", "--since", "2999-01-01T00:00:00Z", "--recovery", "{recovery}"),
            3,
            "instant that is past",
        ),
        (
            ("key", "revoke", "--since", "{since}", "--recovery", "{recovery}", "--key", "x"),
            3,
            "none of this node",
        ),
        (
            ("key", "replace-recovery", "--recovery", "{home}/keys/node.pem", "--out", "{home}/o"),
            3,
            "not the recovery",
        ),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_and_changes_nothing(
    console: Console, home: Path, recovery: Path, asked: tuple[str, ...], code: int, told: str
) -> None:
    (home / "junk.pem").write_text("junk")
    names = {"recovery": str(recovery), "home": str(home), "since": timestamp(now() - timedelta(days=1))}
    kid = keys.node_key().kid
    ended = console.run(*(each.format(**names) for each in asked))
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert told in ended.err
    assert keys.node_key().kid == kid
    assert not OwnRotation.objects.exists()
    assert not (home / "o").exists()
