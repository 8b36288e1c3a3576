"""Make an API token for a person of this node. It is shown once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, CannotDo, WrongUse, whole_number
from taawun.node.commands.django import start
from taawun.node.commands.persons import person_called

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun token` takes."""
    parser.add_argument("what", choices=("create",), help="make one")
    parser.add_argument("--person", required=True, help="e-mail address of the person")
    parser.add_argument(
        "--scope", required=True, help="permissions, separated by commas: read:intel,write:intel"
    )
    parser.add_argument("--name", default="made at the console", help="what it is for")
    parser.add_argument(
        "--days", type=whole_number(1, 366), default=90, help="how many days it lives, at most 366"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Make the token and print it."""
    start()
    from taawun.cooperation.people import actions, queries
    from taawun.cooperation.people.errors import PeopleError
    from taawun.cooperation.people.permissions import matrix

    asked = [scope.strip() for scope in arguments.scope.split(",") if scope.strip()]
    known = matrix().names
    unknown = [scope for scope in asked if scope not in known and asked != ["all"]]
    if unknown or not asked:
        raise WrongUse(
            f"--scope names no permission: {', '.join(unknown)!a}; there are {', '.join(sorted(known))}"
        )
    person = person_called(arguments.person)
    actor = queries.actor_of(person)
    try:
        minted = actions.create_token(
            actor,
            person,
            name=arguments.name,
            scopes=sorted(actor.permissions) if asked == ["all"] else asked,
            life=timedelta(days=arguments.days),
        )
    except PeopleError as refused:
        raise CannotDo(str(refused)) from None
    print(json.dumps({"token": minted.secret}) if arguments.json else minted.secret)
    return DONE
