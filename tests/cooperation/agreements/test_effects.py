"""What a change of text comes to, and which clause of one text is which of the other."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from django.utils.translation import override

from taawun.cooperation.agreements.document import Clause, Document
from taawun.cooperation.agreements.presenting import compare
from taawun.cooperation.agreements.presenting.differences import word_changes
from taawun.cooperation.agreements.presenting.effects import effects, paired
from taawun.cooperation.agreements.presenting.plain import plain
from taawun.cooperation.people.models import Organisation
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from tests.cast import PartnerNode, clause, document, partner


@pytest.fixture
def south(node: Organisation) -> PartnerNode:
    return partner("Southern CERT")


def told(south: PartnerNode, before: tuple[Clause, ...], after: tuple[Clause, ...]) -> list[str]:
    base = document(south)
    return [plain(each) for each in effects(replace(base, clauses=before), replace(base, clauses=after))]


def test_what_ratification_means_is_among_what_a_change_comes_to(south: PartnerNode) -> None:
    base = document(south)
    us, them = base.parties
    ratified = replace(base, parties=(us, replace(them, ratifies=True)))
    assert [plain(each) for each in effects(base, ratified)] == [
        "It binds Southern CERT only after its ratification: its signature alone does not."
    ]
    assert [plain(each) for each in effects(ratified, base)] == [
        "It binds Southern CERT by its signature alone, without ratification."
    ]
    assert effects(ratified, ratified) == []


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({}, []),
        ({"purpose": ("defence",)}, []),
        (
            {"tlp_max": Tlp.RED},
            ["Clause 2 now also carries TLP:AMBER+STRICT and TLP:RED to Northern CERT and Southern CERT."],
        ),
        (
            {"tlp_max": Tlp.CLEAR},
            ["Clause 2 no longer carries TLP:GREEN and TLP:AMBER to Northern CERT and Southern CERT."],
        ),
        ({"receivers": ("xs",)}, ["Clause 2 no longer reaches Northern CERT."]),
        ({"senders": ("us",)}, ["Clause 2 no longer lets Southern CERT give."]),
        (
            {"kinds": ("intel.sighting",)},
            [
                "Clause 2 now also carries sightings to Northern CERT and Southern CERT.",
                "Clause 2 no longer carries threat reports to Northern CERT and Southern CERT.",
            ],
        ),
    ],
)
def test_a_changed_clause_says_who_gets_what_from_now_on(
    south: PartnerNode, changes: dict[str, Any], sentences: list[str]
) -> None:
    before = clause("2", kinds=("intel.report",))
    assert told(south, (before,), (replace(before, **changes),)) == sentences


def test_a_clause_that_comes_or_goes_says_whom_it_reaches(south: PartnerNode) -> None:
    first, second = clause("1"), clause("2", receivers=("xs",), kinds=("intel.report",), tlp_max=Tlp.GREEN)
    came = ["Clause 2 now also reaches Southern CERT: threat reports, up to TLP:GREEN."]
    assert told(south, (first,), (first, second)) == came
    assert told(south, (first, second), (first,)) == ["Clause 2 no longer reaches Southern CERT."]


def test_a_clause_that_was_put_between_moves_the_others_and_changes_none(south: PartnerNode) -> None:
    one, two = clause("1", title=Text.of(en="One")), clause("2", title=Text.of(en="Two"), tlp_max=Tlp.GREEN)
    new = clause("1", title=Text.of(en="New"), tlp_max=Tlp.CLEAR)
    after = (new, replace(one, ref="2"), replace(two, ref="3"))
    assert [
        (pair.before and pair.before.ref, pair.after and pair.after.ref) for pair in paired((one, two), after)
    ] == [
        (None, "1"),
        ("1", "2"),
        ("2", "3"),
    ]
    base = document(south)
    found = compare(replace(base, clauses=(one, two)), replace(base, clauses=after))
    assert [(section.clause, section.kind) for section in found.sections] == [
        ("1", "added"),
        ("2", "moved"),
        ("3", "moved"),
    ]
    assert len(found.effects) == 1


def test_a_clause_that_was_renumbered_and_changed_is_known_by_its_title(south: PartnerNode) -> None:
    one = clause("1", title=Text.of(en="Reports"))
    other = clause("1", title=Text.of(en="Something else"), tlp_max=Tlp.CLEAR)
    changed = replace(one, ref="2", tlp_max=Tlp.GREEN)
    pairs = paired((one,), (other, changed))
    assert [(pair.before, pair.is_moved) for pair in pairs] == [(None, False), (one, True)]


def test_a_long_text_of_one_word_is_compared_in_no_time() -> None:
    long = "a " * 10_000
    begun = time.process_time()
    left, right = word_changes("begin " + long + "x end", "begin " + long + "y z end")
    assert time.process_time() - begun < 1
    assert left.endswith("<del>x</del> end")
    assert right.endswith("<ins>y z</ins> end")


def test_five_hundred_clauses_that_all_moved_are_paired_in_no_time(south: PartnerNode) -> None:
    before = tuple(clause(str(number), title=Text.of(en=f"Clause of {number}")) for number in range(1, 501))
    after = tuple(replace(each, ref=str(int(each.ref) + 1)) for each in before)
    begun = time.process_time()
    pairs = paired(before, after)
    assert time.process_time() - begun < 1
    assert all(pair.is_moved for pair in pairs)
    assert len(pairs) == 500


def test_effects_are_told_in_the_readers_language(south: PartnerNode) -> None:
    base: Document = document(south)
    after = replace(base, clauses=(replace(base.clauses[0], tlp_max=Tlp.RED),))
    with override("ar"):
        [sentence] = effects(base, after)
    assert "البند ١" in plain(sentence)
