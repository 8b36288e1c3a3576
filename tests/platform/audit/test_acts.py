"""Whatever the code writes into the trail has words for people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import taawun
from taawun.capabilities.intel.models import Import
from taawun.cooperation.agreements.models import PartyInstrument
from taawun.cooperation.federation.models import Release
from taawun.platform.audit.acts import Act, SystemPart, uuid_of, words_of
from taawun.platform.registry import registry

PACKAGE: Final = Path(taawun.__file__).parent
# verbs that the code puts together
MADE: Final = {
    "agreements.": frozenset(PartyInstrument.Kind.values),
    "intel.import-": frozenset(Import.State.values) - {Import.State.WAITING},
    "federation.ended-": frozenset(Release.Gone.values) - {Release.Gone.SOURCE, Release.Gone.ASIDE},
    "partners.": frozenset({"key-rotated", "key-revoked", "recovery-key-changed"}),
    "partners.own-key-": frozenset({"rotated", "revoked"}),
    "partners.quarantine-": frozenset({"taken-in", "dropped"}),
}


def calls(name: str) -> Iterator[ast.Call]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", getattr(node.func, "id", "")) == name
            ):
                yield node


def verbs(given: ast.expr) -> Iterator[str]:
    if isinstance(given, ast.IfExp):
        yield from verbs(given.body)
        yield from verbs(given.orelse)
    elif isinstance(given, ast.Constant) and isinstance(given.value, str) and "." in given.value:
        yield given.value
    elif isinstance(given, ast.JoinedStr):
        beginning = given.values[0]
        assert isinstance(beginning, ast.Constant)
        assert isinstance(beginning.value, str)
        if beginning.value.startswith("urn:"):
            return
        yield from (beginning.value + ending for ending in MADE[beginning.value])


def test_every_verb_of_the_code_has_words_and_no_words_are_without_a_verb() -> None:
    used = {
        verb
        for call in calls("record")
        # the second argument, or the first where the actor was given before
        for given in call.args[:2]
        for verb in verbs(given)
        if not verb.startswith("urn:")
    }
    assert len(used) > 40
    assert used == {act.name for act in registry.all(Act)}


def test_every_part_of_the_system_that_acts_has_a_name_for_people() -> None:
    acting = {
        call.args[0].value
        for call in calls("SystemActor")
        if call.args and isinstance(call.args[0], ast.Constant)
    }
    assert acting == {part.name for part in registry.all(SystemPart)}


def test_a_verb_that_nobody_registered_stands_as_it_is() -> None:
    assert words_of("gone.act") == "gone.act"


def test_an_id_is_found_in_a_urn_and_by_itself() -> None:
    whole = "01936d6e-0000-7000-8000-000000000001"
    assert str(uuid_of(f"urn:uuid:{whole}")) == whole
    assert str(uuid_of(whole)) == whole
    assert uuid_of("urn:taawun:nation:XN") is None
