"""Let a person of this node who forgot their password choose a new one. The link is shown once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, CannotDo
from taawun.node.commands.django import start

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun person` takes."""
    parser.add_argument("what", choices=("reset-link",), help="print a link for a new password")
    parser.add_argument("--person", required=True, help="e-mail address of the person")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Make the link and print it."""
    start()
    from taawun.cooperation.people import actions
    from taawun.cooperation.people.actors import SystemActor
    from taawun.cooperation.people.errors import PeopleError
    from taawun.cooperation.people.letters import password_link
    from taawun.cooperation.people.models import Person, has_address

    person = Person.objects.filter(has_address(arguments.person)).first()
    if person is None:
        raise CannotDo(f"{arguments.person} is nobody on this node; invite them first")
    try:
        minted = actions.make_password_link(SystemActor("console"), person)
    except PeopleError as refused:
        raise CannotDo(str(refused)) from None
    link = password_link(person, minted.secret)
    print(json.dumps({"link": link}) if arguments.json else link)
    return DONE
