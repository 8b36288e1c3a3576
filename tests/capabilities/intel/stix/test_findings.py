import re
from pathlib import Path

import pytest

from taawun.capabilities.intel import stix
from taawun.capabilities.intel.stix import SENTENCES, Issue, IssueList
from taawun.capabilities.intel.stix.findings import Severity, kind_of, pointer, shown

FOLDER = Path(stix.__file__).parent


def issue(severity: Severity, number: int) -> Issue:
    return Issue(severity, "no-type", f"objects/{number}", None, "", "", {})


def test_every_code_that_is_raised_has_a_sentence_and_every_sentence_a_code():
    source = "".join(path.read_text() for path in FOLDER.glob("*.py") if path.name != "findings.py")
    raised = set(re.findall(r'Finding\(\s*"(?:error|warning|info)", "([^"]+)"', source))
    raised |= set(re.findall(r'_warn\(\s*"([^"]+)"', source))
    raised |= set(re.findall(r'_note\(\s*"(?:error|warning|info)",\s*"([^"]+)"', source))
    assert raised <= SENTENCES.keys()
    assert [code for code in SENTENCES if f'"{code}"' not in source] == []


def test_every_sentence_is_one_sentence_with_named_placeholders_only():
    for code, sentence in SENTENCES.items():
        assert sentence.isprintable(), code
        assert re.sub(r"%\(\w+\)s", "", sentence).count("%") == 0, code


@pytest.mark.parametrize(
    ("path", "text"),
    [((), ""), (("objects", 17, "pattern"), "objects/17/pattern"), (("a/b", "c~d"), "a~1b/c~0d")],
)
def test_a_place_is_written_as_a_pointer(path, text):
    assert pointer(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("two\nlines\x00\u202e", "two�lines��"),
        ("x" * 81, "x" * 80 + "…"),
        ("x" * 80, "x" * 80),
        (7, "7"),
        (None, "null"),
        (True, "true"),
        ([1, "ä"], '[1, "ä"]'),
    ],
)
def test_a_value_is_shown_in_one_line_without_what_is_invisible(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("", "a text"),
        (1, "a number"),
        (1.5, "a number"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_a_kind_of_value_has_a_name(value, text):
    assert kind_of(value) == text


def test_issues_keep_their_order_and_each_severity_has_its_own_room():
    issues = IssueList(2)
    for number in range(4):
        issues.add(issue("warning", number))
        issues.add(issue("error", number))
    assert [(each.severity, each.place[-1]) for each in issues] == [
        ("warning", "0"),
        ("error", "0"),
        ("warning", "1"),
        ("error", "1"),
    ]
    assert (issues.errors, issues.warnings, issues.infos, issues.not_kept, len(issues)) == (4, 4, 0, 4, 4)
