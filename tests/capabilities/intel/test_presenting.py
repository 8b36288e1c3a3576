"""Which names are set as code."""

from __future__ import annotations

import pytest

from taawun.capabilities.intel.models import StixObject
from taawun.capabilities.intel.presenting import is_technical


@pytest.mark.parametrize(
    ("type_", "name", "expected"),
    [
        ("indicator", "198.51.100.7", True),
        ("indicator", "host1.example", True),
        ("indicator", "[domain-name:value = 'host1.example']", True),
        ("indicator", "Loader of the first wave", False),
        ("indicator", "\u0645\u0624\u0634\u0631 \u0627\u0644\u062a\u0635\u064a\u062f", False),
        ("indicator", "\u0645\u0624\u0634\u0631", False),
        ("x-misp-attribute", "d41d8cd98f00b204e9800998ecf8427e", True),
        ("x-misp-attribute", "\u062a\u0639\u0644\u064a\u0642", False),
        ("domain-name", "\u0645\u062b\u0627\u0644.example", True),
        ("observed-data", "", True),
        ("malware", "Loader", False),
    ],
)
def test_a_value_is_code_and_words_are_words(type_: str, name: str, expected: bool) -> None:
    assert is_technical(StixObject(type=type_, name=name)) == expected
