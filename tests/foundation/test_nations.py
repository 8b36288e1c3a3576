"""Codes of nations."""

from __future__ import annotations

import pycountry
import pytest

from taawun.foundation.nations import ASSIGNED, is_code, is_user_assigned


def test_the_assigned_codes_are_those_of_the_standard() -> None:
    assert {each.alpha_2 for each in pycountry.countries} == ASSIGNED


@pytest.mark.parametrize(
    ("code", "is_theirs"),
    [
        *((code, True) for code in ("AA", "QM", "QZ", "XA", "XB", "XK", "XZ", "ZZ")),
        *((code, False) for code in ("AB", "QA", "QL", "ZA", "MY", "x1", "X", "XAA", "")),
    ],
)
def test_codes_that_the_standard_leaves_to_its_users(code: str, is_theirs: bool) -> None:
    assert is_user_assigned(code) is is_theirs


@pytest.mark.parametrize("code", ["AB", "EU", "UN", "my", "M", "MYS", "X1", "X\u0130", "ХА", ""])
def test_anything_else_is_no_code(code: str) -> None:
    assert not is_code(code)
