"""`taawun token create`: a token for a person, shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from taawun.cooperation.people.models import ApiToken
from taawun.foundation.clock import frozen, now
from tests.cast import Caller

if TYPE_CHECKING:
    from tests.cast import Cast
    from tests.node.commands.console import Console


def test_a_token_is_printed_once_and_works(cast: Cast, console: Console) -> None:
    email = cast.analyst.row.email
    with frozen(now()) as clock:
        plain = console.run(
            "token", "create", "--person", email.upper(), "--scope", "read:intel, write:intel"
        )
        kept = ApiToken.objects.latest("created")
        assert (kept.person, kept.scopes) == (cast.analyst.row, ["read:intel", "write:intel"])
        assert (kept.name, kept.expires) == ("made at the console", clock.now() + timedelta(days=90))
    assert (plain.code, plain.err, plain.out.count("\n")) == (0, "", 1)
    assert Caller(plain.out.strip()).get("/me").status_code == 200


def test_a_token_as_json_has_what_was_asked(cast: Cast, console: Console) -> None:
    options = ("--scope", "all", "--name", "for a script", "--days", "3", "--json")
    with frozen(now()) as clock:
        ended = console.run("token", "create", "--person", cast.analyst.row.email, *options)
        kept = ApiToken.objects.get(name="for a script")
        assert kept.expires == clock.now() + timedelta(days=3)
    assert (ended.code, ended.err, list(ended.json)) == (0, "", ["token"])
    assert kept.scopes == sorted(cast.analyst.actor.permissions)
    assert Caller(ended.json["token"]).get("/me").status_code == 200


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["in words", "as JSON"])
@pytest.mark.parametrize(
    ("who", "scope", "told"),
    [
        ("nobody", "read:intel", "taawun: nobody@cert.example is nobody on this node; invite them first\n"),
        ("former", "read:intel", "taawun: {} is nobody on this node; invite them first\n"),
        (
            "analyst",
            "manage:people",
            "taawun: You do not have these permissions yourself, so a token cannot: manage:people.\n",
        ),
    ],
)
def test_a_token_that_cannot_be_is_told_in_one_line(
    cast: Cast, console: Console, form: list[str], who: str, scope: str, told: str
) -> None:
    before = ApiToken.objects.count()
    person = dict(cast)[who].person
    email = person.email if person else "nobody@cert.example"
    ended = console.run("token", "create", "--person", email, "--scope", scope, *form)
    assert (ended.code, ended.out, ended.err) == (3, "", told.format(email))
    assert ApiToken.objects.count() == before


def test_without_a_node_there_is_nobody_to_make_a_token_for(db: None, console: Console) -> None:
    ended = console.run("token", "create", "--person", "a@cert.example", "--scope", "read:intel")
    told = f"taawun: there is no node in {settings.HOME}; run `taawun init` first, or set TAAWUN_HOME\n"
    assert (ended.code, ended.out, ended.err) == (3, "", told)
