"""A passphrase from a file or from a terminal; never from the command line, which other processes read."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from taawun.node.cli import CannotDo, WrongUse

if TYPE_CHECKING:
    import argparse

__all__ = ["add_option", "asked_for", "chosen"]

# a backup lies where many may try for years: five words of a list, or as many characters as this
LEAST: Final = 16


def add_option(parser: argparse.ArgumentParser) -> None:
    """The option that names a file."""
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help="read the passphrase from the first line of a file"
    )


def chosen(arguments: argparse.Namespace) -> str:
    """A passphrase for something new: from the file, or asked for twice.

    Raises:
        WrongUse: there is none, or a short one.
        CannotDo: the file cannot be read.
    """
    said = _from_file(arguments) or _asked("Passphrase of the backup: ")
    if len(said) < LEAST:
        raise WrongUse(
            f"the passphrase has at least {LEAST} characters; five words that nobody would guess are good"
        )
    if not arguments.passphrase_file and _asked("The same again: ") != said:
        raise WrongUse("the two passphrases are not the same; run the command again")
    return said


def asked_for(arguments: argparse.Namespace) -> str:
    """The passphrase of something that is there.

    Raises:
        WrongUse, CannotDo: as for :func:`chosen`.
    """
    return _from_file(arguments) or _asked("Passphrase of the backup: ")


def _from_file(arguments: argparse.Namespace) -> str:
    if not arguments.passphrase_file:
        return ""
    try:
        lines = Path(arguments.passphrase_file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise CannotDo(f"the passphrase cannot be read: {problem}") from None
    if not lines or not lines[0]:
        raise WrongUse(f"{arguments.passphrase_file} holds no passphrase in its first line")
    return lines[0]


def _asked(question: str) -> str:
    if not sys.stdin.isatty():
        raise WrongUse("--passphrase-file is missing; give it, or run the command on a terminal and be asked")
    return getpass.getpass(question)
