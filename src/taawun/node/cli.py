"""The `taawun` command: one module a command, exit codes that scripts may count on.

0 done, 1 done with findings that matter, 2 wrong use, 3 could not (one line on standard error, with the mend).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final, NoReturn, TypeVar

from taawun import __version__

__all__ = ["CannotDo", "Parser", "WrongUse", "main", "taken", "whole_number"]

T = TypeVar("T")

DONE: Final = 0
FINDINGS: Final = 1
WRONG_USE: Final = 2
COULD_NOT: Final = 3

# name, module, one line for the help; a module is imported only when its command is used
COMMANDS: Final = (
    ("init", "taawun.node.commands.init", "create this node"),
    ("up", "taawun.node.commands.up", "run this node: migrations, web, worker"),
    ("person", "taawun.node.commands.person", "let somebody who forgot their password choose a new one"),
    ("token", "taawun.node.commands.token", "make an API token"),
    ("intel", "taawun.node.commands.intel", "bring intelligence in and out"),
    ("doctor", "taawun.node.commands.doctor", "check this deployment and say what is wrong"),
    ("backup", "taawun.node.commands.backup", "put everything of this node into one file"),
    ("restore", "taawun.node.commands.restore", "put a node back from such a file"),
    ("key", "taawun.node.commands.key", "see, replace and revoke the keys of this node"),
    ("audit", "taawun.node.commands.audit", "prove the audit trail and the lanes unbroken"),
    ("lane", "taawun.node.commands.lane", "carry lanes on a disk"),
    ("demo", "taawun.node.commands.demo", "two nodes, an agreement, and a report that travels"),
    ("test", "taawun.node.testing", "run the checks and tests (in a checkout)"),
)


class CannotDo(Exception):
    """The command could not do it; its sentence names the mend."""


class WrongUse(Exception):
    """The command was not asked as it can be asked; its sentence names the mend."""


class Parser(argparse.ArgumentParser):
    """Refuses options in one line, as everything else is refused."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse for whatever it cannot take."""
        raise WrongUse(f"{message.rstrip('.')}; `{self.prog} --help` tells how it is used")


def taken(read: Callable[[str], T]) -> Callable[[str], T]:
    """What takes the value of an option.

    Args:
        read: turns its text into the value; raises ValueError with the sentence that is told.
    """

    def take(text: str) -> T:
        try:
            return read(text)
        except ValueError as problem:
            raise argparse.ArgumentTypeError(str(problem)) from None

    return take


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """What takes a number of an option, from the least to the most there is."""

    def read(text: str) -> int:
        number = (
            int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else least - 1
        )
        if not least <= number <= most:
            raise ValueError(f"{text[:40]!a} is not a whole number from {least} to {most}")
        return number

    return taken(read)


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: without the program's name; the process's own by default.

    Returns:
        The exit code.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in {"-h", "--help", "help"}:
        _help()
        return DONE if given else WRONG_USE
    if given[0] in {"-V", "--version"}:
        print(f"taawun {__version__}")
        return DONE
    module = next((module for name, module, _line in COMMANDS if name == given[0]), None)
    if module is None:
        print(f"taawun: there is no command {given[0]!r}; `taawun --help` lists them", file=sys.stderr)
        return WRONG_USE
    return _run(module, given)


def _run(module: str, given: list[str]) -> int:
    command = import_module(module)
    parser = Parser(prog=f"taawun {given[0]}", description=command.__doc__)
    command.add_arguments(parser)
    try:
        chosen = parser.parse_args(given[1:])
        return int(command.run(chosen))
    except (CannotDo, WrongUse) as why:
        # a value of an option may hold a line break, and the sentence quotes it
        print(f"taawun: {' '.join(str(why).split())}", file=sys.stderr)
        return WRONG_USE if isinstance(why, WrongUse) else COULD_NOT
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read our output went away; nothing is wrong with what was done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else WRONG_USE


def _help() -> None:
    print(
        "usage: taawun COMMAND [...]\n\nTaawun lets countries help each other against cyber attacks without giving"
    )
    print("up control of their data. Commands (each takes --help):\n")
    for name, _module, line in COMMANDS:
        print(f"  {name:8} {line}")
