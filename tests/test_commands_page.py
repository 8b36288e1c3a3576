"""The page of commands says what the commands take, no more and no less."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from taawun.node.cli import COMMANDS, Parser

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"


def parser_of(name: str, module: str) -> Parser:
    """What reads the arguments of a command."""
    parser = Parser(prog=f"taawun {name}")
    import_module(module).add_arguments(parser)
    return parser


def blocks(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    """For a command and each of its verbs: its heading, and the rows of its table."""
    rows, verbs = [], {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            verbs = action.choices
        elif not isinstance(action, argparse._HelpAction):
            rows.append(f"| {told(action)} | {meaning(action)} |")
    yield f"`{parser.prog}`", rows
    for verb in verbs.values():
        yield from blocks(verb)


def told(action: argparse.Action) -> str:
    """An argument as it is written."""
    if not action.option_strings:
        shown = str(action.metavar or next(iter(action.choices or ()), action.dest.upper()))
        return f"`{shown}…`" if action.nargs in {"+", "*"} else f"`{shown}`"
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return f"`{action.option_strings[-1]}{value}`" + (" (needed)" if action.required else "")


def meaning(action: argparse.Action) -> str:
    """What an argument is for, and what it may be."""
    assert action.help, f"{action.dest} says nothing of itself"
    choices = list(action.choices or ())
    return action.help.strip() + (f" ({', '.join(map(str, choices))})" if len(choices) > 1 else "")


def written() -> dict[str, list[str]]:
    """The rows of each table of the page, by the command above it."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            found.setdefault(heading, [])
        elif line.startswith("| `"):
            found[heading].append(line)
    return found


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, module, _line in COMMANDS])
def test_a_command_takes_what_its_page_says(name: str, module: str) -> None:
    page = written()
    for heading, rows in blocks(parser_of(name, module)):
        assert page.get(heading) == rows, "\n".join([heading, *rows])


def test_the_page_tells_of_no_command_that_is_not_there() -> None:
    real = {heading for name, module, _line in COMMANDS for heading, _rows in blocks(parser_of(name, module))}
    told_of = {heading for heading in written() if re.match(r"`taawun ", heading)}
    assert told_of == real
