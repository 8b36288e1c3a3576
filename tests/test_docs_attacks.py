"""The page of attacks is true: each is tried by a test that exists, and a node says the words that it quotes."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "attacks.md"
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| attack")
]
# what the protocol says must be tried against it
MUST = {
    "replay of a request",
    "clock skew",
    "a forged key",
    "a stolen key",
    "a rotated key",
    "a lane with an entry changed, missing, repeated, out of order or cut off",
    "a fork shown to two receivers",
    "a redirect, or a private address in a descriptor, also one that a name is rebound to",
    "an oversized body, or a small one that becomes a huge one",
    "a slow body on every worker at once",
    "duplicate delivery",
    "a partner gone for long",
    "a node restored from an old backup",
    "a terminated agreement with a deletion duty",
    "a clause changed while releases are in flight",
    "a party suspended while releases are in flight",
    "a newcomer reads what was sent before it came",
    "a narrowed audience re-shared",
}


@cache
def _said() -> frozenset[str]:
    """Every sentence that a node says, with … for what is put into it."""
    with (CHECKOUT / "src/taawun/locale/fr/LC_MESSAGES/django.po").open("rb") as file:
        catalogue = read_po(file)
    sentences = [
        str(each)
        for message in catalogue
        for each in ((message.id,) if isinstance(message.id, str) else message.id)
    ]
    return frozenset(re.sub(r"%\(\w+\)[sd]|\{\}", "…", sentence) for sentence in sentences)


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        each.name
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    )


def test_all_that_must_be_tried_is_there() -> None:
    assert sorted(MUST - {row[0] for row in ROWS}) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_an_attack_is_tried_by_tests_that_exist_and_told_in_words_that_a_node_says(row: list[str]) -> None:
    _attack, happens, told, mend, tried = row
    assert happens
    assert mend
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+|\*)`", tried)
    assert named
    for place, name in named:
        path = CHECKOUT / place
        assert path.is_file(), place
        assert name == "*" or name in _tests_of(path), f"{place}::{name}"
    words = re.findall(r"“((?:[^“”]|“…”)+)”", told)
    assert words or told in {"nothing", "nothing: nobody was let in", "the same"}
    assert [each for each in words if each not in _said()] == []
