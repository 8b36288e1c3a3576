"""What differs between two texts, member by member."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.cooperation.agreements.comparison import Change, compare

BASE: dict[str, Any] = {
    "version": 1,
    "title": {"en": "Sharing"},
    "notice_days": 30,
    "parties": [{"ref": "us", "nation": "XN"}, {"ref": "xs", "nation": "XS"}],
    "clauses": [
        {"ref": "1", "tlp_max": "TLP:GREEN", "kinds": ["intel.report"]},
        {"ref": "2.1", "tlp_max": "TLP:AMBER", "kinds": ["*"]},
    ],
}


def _differences(after: dict[str, Any], before: dict[str, Any] = BASE) -> list[tuple[str, Any, Any]]:
    found = compare(json.dumps(before).encode(), json.dumps(after).encode())
    return [(each.place, each.before, each.after) for each in found]


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({}, []),
        ({"version": 2, "supersedes": "0" * 64}, []),
        ({"notice_days": 60}, [("/notice_days", 30, 60)]),
        (
            {"title": {"en": "Giving", "fr": "Don"}},
            [("/title/en", "Sharing", "Giving"), ("/title/fr", None, "Don")],
        ),
        ({"valid_until": "2027"}, [("/valid_until", None, "2027")]),
        ({"parties": BASE["parties"][:1]}, [("/parties/xs", BASE["parties"][1], None)]),
        ({"clauses": list(reversed(BASE["clauses"]))}, []),
        (
            {
                "clauses": [
                    {"ref": "1", "tlp_max": "TLP:AMBER", "kinds": ["intel.report"]},
                    BASE["clauses"][1],
                ]
            },
            [("/clauses/1/tlp_max", "TLP:GREEN", "TLP:AMBER")],
        ),
        (
            {"clauses": [*BASE["clauses"], {"ref": "3"}]},
            [("/clauses/3", None, {"ref": "3"})],
        ),
        (
            {"clauses": [BASE["clauses"][0], {**BASE["clauses"][1], "kinds": ["*", "a.b"]}]},
            [("/clauses/2.1/kinds", ["*"], ["*", "a.b"])],
        ),
        ({"clauses": []}, [("/clauses", BASE["clauses"], [])]),
    ],
)
def test_each_change_has_its_place_and_both_values(
    changes: dict[str, Any], differences: list[tuple[str, Any, Any]]
) -> None:
    assert _differences({**BASE, **changes}) == differences


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", min_size=1, max_size=2), JSON, max_size=4)


@given(OBJECTS)
def test_a_text_does_not_differ_from_itself(value: dict[str, Any]) -> None:
    assert _differences(value, value) == []


@given(OBJECTS, OBJECTS)
def test_looking_from_the_other_side_swaps_before_and_after(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    there = compare(json.dumps(first).encode(), json.dumps(second).encode())
    back = compare(json.dumps(second).encode(), json.dumps(first).encode())
    assert [Change(each.place, each.after, each.before) for each in back] == list(there)
