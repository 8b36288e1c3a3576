"""Create this node: its keys, its database, its organisation and its first administrator."""

from __future__ import annotations

import json
import os
import secrets
import sys
from typing import TYPE_CHECKING, Final

from django.conf.locale import LANG_INFO

from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.foundation.nations import is_code
from taawun.node.cli import DONE, CannotDo, WrongUse, taken
from taawun.node.commands.django import is_initialised, start
from taawun.node.environment import Environment, SettingRefused
from taawun.node.values import address

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

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
    parser.add_argument(
        "--language", choices=LANGUAGES, help="the administrator's language; en where it is not said"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _called(language: str) -> str:
    """What a language is called in English, as everything at the console is said."""
    return str(LANG_INFO[language]["name"])


def run(arguments: argparse.Namespace) -> int:
    """Make the node and print the administrator's invitation."""
    if not _has_address():
        # first of all: what is read at the start depends on it
        asked = "Public address of this node, like https://cert.example (empty to try it out on this machine)"
        arguments.base_url = _ask(arguments, "base_url", asked, _address, otherwise="")
    if arguments.base_url:
        os.environ["TAAWUN_BASE_URL"] = arguments.base_url
    start(initialised=False)
    if is_initialised():
        raise CannotDo("there is a node here already; choose another TAAWUN_HOME for a second one")
    name = _ask(arguments, "name", "Name of the organisation that runs this node")
    nation = _ask(
        arguments,
        "nation",
        "Two-letter code of its nation (empty for a secretariat or donor)",
        _nation,
        otherwise="",
    )
    email = _ask(arguments, "admin_email", "E-mail address of the first administrator", _email)
    arguments.language = _ask(
        arguments,
        "language",
        f"Language of the administrator: {', '.join(LANGUAGES)} (empty for en)",
        _language,
        otherwise="en",
    )
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


def _has_address() -> bool:
    try:
        return Environment().is_given("TAAWUN_BASE_URL")
    except SettingRefused as refused:
        raise CannotDo(str(refused)) from None


def _ask(
    arguments: argparse.Namespace,
    option: str,
    question: str,
    read: Callable[[str], str] = str,
    *,
    otherwise: str | None = None,
) -> str:
    """What an option says, or else whoever sits at the terminal, who is asked until it can be used.

    Args:
        arguments: of the command.
        option: by which it is given.
        question: how it is asked for.
        read: takes an answer; raises ValueError with the sentence that is told. What an option says is looked at
            where it is used.
        otherwise: what holds where nothing is answered; None where an answer is needed.

    Raises:
        WrongUse: there is nobody to ask, or they left.
    """
    given: str | None = getattr(arguments, option)
    if given is not None:
        return given
    if not arguments.yes and sys.stdin.isatty():
        try:
            return _answer(question, read, otherwise)
        except EOFError:
            raise WrongUse("the questions were not all answered; nothing was made") from None
    if otherwise is not None:
        return otherwise
    raise WrongUse(
        f"--{option.replace('_', '-')} is missing; give it, or run `taawun init` on a terminal and be asked"
    )


def _answer(question: str, read: Callable[[str], str], otherwise: str | None) -> str:
    while True:
        answer = input(f"{question}: ").strip()
        if answer:
            try:
                return read(answer)
            except ValueError as wrong:
                print(wrong)
        elif otherwise is not None:
            return otherwise
        else:
            print("This is needed.")


def _address(answer: str) -> str:
    try:
        return address(answer)
    except ValueError as wrong:
        raise ValueError(f"{wrong}.") from None


def _nation(answer: str) -> str:
    if not is_code(answer.upper()):
        raise ValueError(f"“{answer}” is no code of ISO 3166-1, like JO or MY.")
    return answer


def _email(answer: str) -> str:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    try:
        validate_email(answer)
    except ValidationError:
        raise ValueError(f"“{answer}” is not an e-mail address.") from None
    return answer


def _language(answer: str) -> str:
    if answer.lower() not in LANGUAGES:
        raise ValueError(f"“{answer}” is none of {', '.join(LANGUAGES)}.")
    return answer.lower()


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
