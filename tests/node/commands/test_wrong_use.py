"""Whoever asks wrongly is told so in one line that names the mend, and ends with 2."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from taawun.node.cli import COMMANDS, main, whole_number

if TYPE_CHECKING:
    from taawun.cooperation.people.models import Organisation
    from tests.cast import Cast
    from tests.node.commands.console import Console

LEVELS = "TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT, TLP:RED"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("nonsense", "there is no command 'nonsense'; `taawun --help` lists them"),
        ("init --language xx", "argument --language: invalid choice: 'xx'"),
        (
            "init --base-url ftp://a",
            "argument --base-url: 'ftp://a' is not an address like https://cert.example",
        ),
        ("init --nmae X", "unrecognized arguments: --nmae X"),
        ("up --port 0", "argument --port: '0' is not a whole number from 1 to 65535"),
        ("up --port 65536", "argument --port: '65536' is not a whole number from 1 to 65535"),
        ("up --only half", "argument --only: invalid choice: 'half'"),
        ("token", "the following arguments are required: what, --person, --scope"),
        ("token create --person E", "the following arguments are required: --scope"),
        (
            "token create --person E --scope read:intel --days 99999999999",
            "argument --days: '99999999999' is not a whole number from 1 to 366",
        ),
        ("intel", "the following arguments are required: verb"),
        ("intel import a.json", "the following arguments are required: --tlp"),
        ("intel import --tlp FOO a.json", f"argument --tlp: 'FOO' is no TLP marking; use one of {LEVELS}"),
        ("intel import --tlp GREEN", "the following arguments are required: FILE"),
        ("intel export --tlp-max FOO", f"argument --tlp-max: 'FOO' is no TLP marking; use one of {LEVELS}"),
        ("audit", "the following arguments are required: what"),
        ("audit prove", "argument what: invalid choice: 'prove'"),
        ("demo --report", "argument --report: expected one argument"),
        ("test --quickly", "unrecognized arguments: --quickly"),
    ],
)
def test_wrong_options_end_in_2_with_one_line(console: Console, asked: str, told: str) -> None:
    ended = console.run(*asked.split())
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(f"taawun: {told}")
    assert "--help` " in ended.err


def test_a_value_with_line_breaks_is_still_told_in_one_line(console: Console) -> None:
    assert console.run("intel", "export", "one\ntwo").err.count("\n") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["name", "admin-email"])
@pytest.mark.parametrize("extra", [["--yes"], []], ids=["that asks nothing", "without a terminal"])
def test_init_without_what_it_needs_says_which_option(
    console: Console, missing: str, extra: list[str]
) -> None:
    given = {"name": "Northern CERT", "nation": "XN", "admin-email": "a@cert.example"}
    del given[missing]
    ended = console.run(
        "init", *extra, *(part for name, value in given.items() for part in (f"--{name}", value))
    )
    told = f"taawun: --{missing} is missing; give it, or run `taawun init` on a terminal and be asked\n"
    assert (ended.code, ended.out, ended.err) == (2, "", told)


@pytest.mark.parametrize(
    ("scope", "told"), [("read:intel,fly:kites", "'fly:kites'"), (" , ", "''"), ("all,read:intel", "'all'")]
)
def test_a_token_is_not_made_for_permissions_that_there_are_not(
    cast: Cast, console: Console, scope: str, told: str
) -> None:
    ended = console.run("token", "create", "--person", cast.analyst.row.email, "--scope", scope)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(
        f"taawun: --scope names no permission: {told}; there are approve:agreements, "
    )


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "\u0661", "1e1", "0x1", " 1", "11", "9" * 5000])
def test_a_number_is_written_in_plain_digits_within_its_limits(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number from 1 to 10"):
        whole_number(1, 10)(text)


def test_the_least_and_the_most_are_taken() -> None:
    assert [whole_number(1, 10)(text) for text in ("1", "10")] == [1, 10]


def test_without_a_command_the_help_is_shown(console: Console) -> None:
    bare, asked = console.run(), console.run("--help")
    assert (bare.code, asked.code, bare.out) == (2, 0, asked.out)
    assert all(f"  {name:8} {line}\n" in asked.out for name, _module, line in COMMANDS)


@pytest.mark.parametrize("name", [name for name, _module, _line in COMMANDS])
def test_every_command_tells_its_options(console: Console, name: str) -> None:
    ended = console.run(name, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"usage: taawun {name} ")


def test_whoever_interrupts_is_told_so_by_the_code(
    node: Organisation, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("taawun.platform.audit.actions.verify", interrupt)
    assert console.run("audit", "verify").code == 130


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("taawun ")
