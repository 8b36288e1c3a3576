"""How much a header may name: what leaves is held to what is taken in."""

from __future__ import annotations

from typing import Any

import pytest

from taawun.cooperation.federation.actions import Draft, publish
from taawun.cooperation.federation.bounds import are_within, fitting
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.models import LaneEntry
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes

NOTHING: dict[str, tuple[str, ...]] = {"topics": (), "audience": (), "persons": (), "languages": ()}
MOST = {"topics": (2_000, 140), "audience": (250, 340), "persons": (100, 254), "languages": (100, 64)}


@pytest.mark.parametrize("name", MOST)
def test_a_list_has_so_many_members_and_each_so_many_characters(name: str) -> None:
    most, longest = MOST[name]
    for given, is_within in (
        (("x",) * most, True),
        (("x",) * (most + 1), False),
        (("x" * longest,), True),
        (("x" * (longest + 1),), False),
    ):
        assert are_within(**(NOTHING | {name: given})) is is_within


@pytest.mark.parametrize(
    "changes",
    [
        {"persons": tuple(f"{number}@cert.example" for number in range(101))},
        {"topics": frozenset({"x:" + "t" * 139})},
        # each of them may stand there, but they are more than one header says
        {"topics": frozenset(f"x:{'t' * 133}{number:05}" for number in range(2_000))},
    ],
)
def test_what_its_receivers_would_not_open_is_not_published(
    cast: Cast, notes: Notes, changes: dict[str, Any]
) -> None:
    agreement_in_force(partner(), clauses=(clause(tlp_max=Tlp.RED),))
    draft = Draft(
        **{
            "kind": "tests.note",
            "subject": "urn:test:1",
            "version": "1",
            "title": "Note",
            "tlp": Tlp.GREEN,
            "content": b"{}",
            **changes,
        }
    )
    with pytest.raises(ReleaseRefused, match="than a partner takes") as refused:
        publish(cast.analyst.actor, draft)
    assert refused.value.code == "long-header"
    assert not Release.objects.exists()
    assert not LaneEntry.objects.filter(kind="tests.note").exists()


def test_of_topics_that_others_gave_as_many_go_back_as_fit() -> None:
    few = {"attack:T1566", "attack:T1059"}
    assert fitting(few) == few
    many = fitting(f"x:{number:04}" for number in range(5_000))
    assert (len(many), min(many), max(many)) == (2_000, "x:0000", "x:1999")
    long = fitting("ﷺ" * 120 + str(number) for number in range(1_000))
    assert sum(len(each.encode()) for each in long) <= 24 * 1024
    assert len(long) > 50
