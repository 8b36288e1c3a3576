"""Create this node: its keys, its database, its organisation and its first administrator."""

from __future__ import annotations

import json
import os
import secrets
import sys
from typing import TYPE_CHECKING, Final

from django.conf.locale import LANG_INFO

from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.node.cli import DONE, CannotDo, WrongUse, taken
from taawun.node.commands.django import is_initialised, start
from taawun.node.values import address

if TYPE_CHECKING:
    import argparse

    from taawun.cooperation.people.actors import SystemActor
    from taawun.cooperation.people.models import Organisation

_OTHERS: Final = tuple(language for language in LANGUAGES if language != "en")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun init` takes."""
    parser.add_argument("--yes", action="store_true", help="ask nothing; what is missing is an error")
    parser.add_argument("--name", help="name of the organisation that runs the node")
    for language in _OTHERS:
        parser.add_argument(f"--name-{language}", help=f"its name in {_called(language)}")
    parser.add_argument("--nation", help="two-letter code (ISO 3166-1) of the nation the node speaks for")
    parser.add_argument(
        "--kind",
        choices=("nation", "organisation", "community"),
        help="for whom the node speaks: a nation where one is named, else an organisation such as a donor; community"
        " for the secretariat of a community of nations",
    )
    parser.add_argument("--nation-name", help="what the nation calls itself, in English")
    for language in _OTHERS:
        parser.add_argument(f"--nation-name-{language}", help=f"the same in {_called(language)}")
    parser.add_argument("--admin-email", help="e-mail address of the first administrator")
    parser.add_argument(
        "--base-url", type=taken(address), help="the node's public address, like https://cert.example"
    )
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="the administrator's language")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _called(language: str) -> str:
    """What a language is called in English, as everything at the console is said."""
    return str(LANG_INFO[language]["name"])


def run(arguments: argparse.Namespace) -> int:
    """Make the node and print the administrator's invitation."""
    if arguments.base_url:
        os.environ["TAAWUN_BASE_URL"] = arguments.base_url
    start(initialised=False)
    if is_initialised():
        raise CannotDo("there is a node here already; choose another TAAWUN_HOME for a second one")
    name = _ask(arguments, "name", "Name of the organisation that runs this node")
    nation = _ask(
        arguments, "nation", "Two-letter code of its nation (empty for a secretariat or donor)", empty=True
    )
    email = _ask(arguments, "admin_email", "E-mail address of the first administrator")
    link, recovery = _create(arguments, name, nation.upper(), email)
    if arguments.json:
        print(json.dumps({"invitation": link, "recovery_key": recovery}))
        return DONE
    print(
        f"\nThe node is ready. Its first administrator opens this link, once, within 14 days:\n\n  {link}\n"
    )
    print(f"The recovery key lies in {recovery}.")
    print("Move it to paper or a disk in a safe, then delete it here. Only it can revoke the node's key.")
    print("\nNow run `taawun up`.")
    return DONE


def _ask(arguments: argparse.Namespace, option: str, question: str, *, empty: bool = False) -> str:
    given: str | None = getattr(arguments, option)
    if given is not None:
        return given
    if not arguments.yes and sys.stdin.isatty():
        try:
            while not (answer := input(f"{question}: ").strip()) and not empty:
                print("This is needed.")
        except EOFError:
            raise WrongUse("the questions were not all answered; nothing was made") from None
        return answer
    if empty:
        return ""
    raise WrongUse(
        f"--{option.replace('_', '-')} is missing; give it, or run `taawun init` on a terminal and be asked"
    )


def _create(arguments: argparse.Namespace, name: str, nation: str, email: str) -> tuple[str, str]:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import transaction
    from django.urls import reverse
    from django.utils.translation import override

    from taawun.cooperation.partners.identity.keys import create_keys
    from taawun.cooperation.people import actions
    from taawun.cooperation.people.actors import SystemActor
    from taawun.cooperation.people.errors import PeopleError
    from taawun.cooperation.people.permissions import Role

    call_command("migrate", verbosity=0, interactive=False)
    _write_secret_key()
    try:
        recovery = create_keys()
    except FileExistsError:
        # an earlier `init` was interrupted after this step; its keys are as good as new ones
        recovery = settings.HOME / "keys" / "recovery.pem"
    if arguments.base_url:
        (settings.HOME / "node.env").write_text(f"TAAWUN_BASE_URL={settings.BASE_URL}\n", encoding="utf-8")
    actor = SystemActor("init")
    try:
        with transaction.atomic():
            organisation = _host(actor, arguments, name, nation)
            minted = actions.invite(
                actor,
                email=email,
                organisation=organisation,
                roles=[Role.ADMINISTRATOR],
                language=arguments.language,
            )
    except PeopleError as refused:
        # the nation's code and the address are all that it can refuse
        raise WrongUse(str(refused)) from None
    with override(arguments.language):
        link = settings.BASE_URL + reverse("invitation-accept", args=[minted.secret])
    return link, str(recovery)


def _host(actor: SystemActor, arguments: argparse.Namespace, name: str, nation: str) -> Organisation:
    from taawun.cooperation.people import actions
    from taawun.cooperation.people.models import Organisation

    speaks_for = Organisation.NodeKind(arguments.kind or ("nation" if nation else "organisation"))
    kinds = {
        Organisation.NodeKind.NATION: Organisation.Kind.NATIONAL_CERT,
        Organisation.NodeKind.ORGANISATION: Organisation.Kind.OTHER,
        Organisation.NodeKind.COMMUNITY: Organisation.Kind.SECRETARIAT,
    }
    return actions.establish_host(
        actor,
        names=_text(arguments, "name", name),
        kind=kinds[speaks_for],
        node_kind=speaks_for,
        nation=nation or None,
        nation_names=(
            _text(arguments, "nation_name", arguments.nation_name) if arguments.nation_name else None
        ),
    )


def _text(arguments: argparse.Namespace, option: str, english: str) -> Text:
    given: dict[str, str | None] = {"en": english}
    given |= {language: getattr(arguments, f"{option}_{language}") for language in _OTHERS}
    return Text.from_json({language: value for language, value in given.items() if value})


def _write_secret_key() -> None:
    from django.conf import settings

    place = settings.HOME / "secret-key"
    if not place.exists():
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
