"""See this node's keys; let a new one follow, revoke one, replace the recovery key.

What is done here is in force at once in every process of the node, and partners are told at once. The private recovery
key is read from a file that does not stay on the node; `-` reads it from standard input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from taawun.foundation.clock import TimestampRefused, parse_timestamp, timestamp
from taawun.node.cli import DONE, CannotDo, WrongUse, taken
from taawun.node.commands.django import start

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from taawun.cooperation.partners.identity.own_keys import Rotated
    from taawun.foundation.signing import SigningKey

# a PEM file of one Ed25519 key has about 120 bytes
_MOST_BYTES: Final = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun key` takes."""
    steps = parser.add_subparsers(
        dest="what", required=True, metavar="show|rotate|revoke|replace-recovery|make"
    )
    show = steps.add_parser("show", help="the keys of this node, and where the recovery key is")
    rotate = steps.add_parser("rotate", help="sign with a new key; the present one says so")
    rotate.add_argument(
        "--recovery", help="the recovery key says so, where the present key is lost (PEM file, or -)"
    )
    revoke = steps.add_parser("revoke", help="sign with a new key, and let partners doubt the old one")
    revoke.add_argument(
        "--since",
        required=True,
        type=taken(_instant),
        help="from when on the old key is not to be believed: 2026-10-01T08:30:00Z",
    )
    revoke.add_argument("--recovery", required=True, help="the private recovery key (PEM file, or -)")
    revoke.add_argument(
        "--key", default="", help="thumbprint of an earlier key that is revoked with all that followed"
    )
    replace = steps.add_parser(
        "replace-recovery", help="a new recovery key; the old one and the present key say so"
    )
    replace.add_argument(
        "--recovery", required=True, help="the private recovery key there is (PEM file, or -)"
    )
    replace.add_argument("--out", required=True, help="where the new one is written; move it off the machine")
    make = steps.add_parser(
        "make", help="write a key to a file, for a node whose key stands in TAAWUN_NODE_KEY"
    )
    make.add_argument("file", help="where it is written")
    for each in (show, rotate, revoke, replace, make):
        each.add_argument("--json", action="store_true", help="print the result as JSON")


def _instant(text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except TimestampRefused:
        raise ValueError(f"{text[:40]!a} is no instant like 2026-10-01T08:30:00Z") from None


def run(arguments: argparse.Namespace) -> int:
    """Do the step that was asked for."""
    start()
    from taawun.cooperation.partners.errors import KeyUnusable, PartnerRefused

    steps = {
        "show": _show,
        "rotate": _rotate,
        "revoke": _revoke,
        "replace-recovery": _replace_recovery,
        "make": _make,
    }
    try:
        return steps[arguments.what](arguments)
    except (KeyUnusable, PartnerRefused) as refused:
        raise CannotDo(str(refused)) from None
    except OSError as problem:
        raise CannotDo(f"the key cannot be kept: {problem}; nothing was changed, run this again") from None


def _show(arguments: argparse.Namespace) -> int:
    from django.conf import settings

    from taawun.cooperation.partners.identity import keys
    from taawun.foundation import fingerprint

    own = keys.own_keys()
    is_here = keys.recovery_file().exists()
    current = keys.own_lineage().current
    if arguments.json:
        told = {
            "node": settings.BASE_URL,
            "current": own.signing.kid,
            "since": timestamp(current.since) if current.since else None,
            "words": list(fingerprint.words(own.signing.kid, "en")),
            "digits": list(fingerprint.digits(own.signing.kid)),
            "retired": [
                {
                    "kid": each.kid,
                    "since": timestamp(each.since) if each.since else None,
                    "until": timestamp(each.until) if each.until else None,
                    "revoked_since": timestamp(each.revoked_since) if each.revoked_since else None,
                }
                for each in own.retired
            ],
            "recovery": own.recovery["kid"] if own.recovery else None,
            "recovery_file": str(keys.recovery_file()) if is_here else None,
        }
        print(json.dumps(told))
        return DONE
    print(f"{settings.BASE_URL} signs with {own.signing.kid}")
    print(f"  {' '.join(fingerprint.words(own.signing.kid, 'en'))}")
    print(f"  {' '.join(fingerprint.digits(own.signing.kid))}")
    for each in own.retired:
        until = timestamp(each.until) if each.until else ""
        doubt = f", revoked since {timestamp(each.revoked_since)}" if each.revoked_since else ""
        print(f"before it {each.kid} until {until}{doubt}")
    print(
        f"recovery key: {own.recovery['kid'] if own.recovery else 'none; partners cannot be told of a lost key'}"
    )
    if is_here:
        print(
            f"It still lies in {keys.recovery_file()}: move it to paper or a disk in a safe, then delete it here."
        )
    return DONE


def _rotate(arguments: argparse.Namespace) -> int:
    from taawun.cooperation.partners.identity import own_keys
    from taawun.cooperation.people.actors import SystemActor

    recovery = _private(arguments.recovery) if arguments.recovery else None
    return _tell(arguments, own_keys.rotate(SystemActor("console"), recovery))


def _revoke(arguments: argparse.Namespace) -> int:
    from taawun.cooperation.partners.identity import own_keys
    from taawun.cooperation.people.actors import SystemActor

    recovery = _private(arguments.recovery)
    done = own_keys.revoke(SystemActor("console"), recovery, arguments.since, arguments.key)
    return _tell(arguments, done)


def _tell(arguments: argparse.Namespace, done: Rotated) -> int:
    if arguments.json:
        told = {
            "current": done.kid,
            "retired": done.retired,
            "at": timestamp(done.at),
            "revoked_since": timestamp(done.revoked_since) if done.revoked_since else None,
            "partners": done.partners,
            "repeated": done.repeated,
        }
        print(json.dumps(told))
        return DONE
    print(f"The node signs with {done.kid} now. {done.partners} partners are told of it.")
    if done.revoked_since:
        print(
            f"What they first received after {timestamp(done.revoked_since)} under {done.retired} they set aside, and "
            f"ask you about it. {done.repeated} signatures on agreements were made anew."
        )
    return DONE


def _replace_recovery(arguments: argparse.Namespace) -> int:
    from taawun.cooperation.partners.identity import keys, own_keys
    from taawun.cooperation.people.actors import SystemActor
    from taawun.foundation.signing import SigningKey

    old, new, place = _private(arguments.recovery), SigningKey.generate(), Path(arguments.out)
    _write(place, new)
    try:
        own_keys.replace_recovery(SystemActor("console"), old, new.public)
    except BaseException:
        # a file that no partner knows of would be taken for the recovery key one day
        place.unlink(missing_ok=True)
        raise
    # the one that `init` left here says nothing any more
    if keys.recovery_file().resolve() != place.resolve():
        keys.recovery_file().unlink(missing_ok=True)
    if arguments.json:
        print(json.dumps({"recovery": new.kid, "file": str(place)}))
        return DONE
    print(f"The recovery key is {new.kid} now; it lies in {place}.")
    print("Move it to paper or a disk in a safe, then delete it here. The old one is good for nothing.")
    return DONE


def _make(arguments: argparse.Namespace) -> int:
    from taawun.foundation.signing import SigningKey

    key, place = SigningKey.generate(), Path(arguments.file)
    _write(place, key)
    if arguments.json:
        print(json.dumps({"kid": key.kid, "file": str(place)}))
        return DONE
    print(
        f"{key.kid} lies in {place}. Put it behind the present key in TAAWUN_NODE_KEY, restart the node, then run"
    )
    print("`taawun key rotate`. After that the first of the two can go.")
    return DONE


def _write(place: Path, key: SigningKey) -> None:
    from taawun.cooperation.partners.identity.keys import write_secret

    try:
        write_secret(place, key)
    except FileExistsError:
        raise CannotDo(f"there is a file {place} already; choose another name") from None


def _private(name: str) -> SigningKey:
    from taawun.foundation.signing import SignatureRefused, SigningKey

    try:
        if name == "-":
            pem = sys.stdin.buffer.read(_MOST_BYTES)
        else:
            with Path(name).open("rb") as file:
                pem = file.read(_MOST_BYTES)
    except OSError as problem:
        raise WrongUse(f"the recovery key cannot be read: {problem}") from None
    try:
        return SigningKey.from_pem(pem)
    except SignatureRefused as refused:
        raise WrongUse(f"--recovery {name} cannot be used: {refused}") from None
