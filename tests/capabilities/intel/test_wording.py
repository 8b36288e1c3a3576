"""Every sentence about a file and its objects, in every language of the interface."""

from __future__ import annotations

import re

import pytest
from django.utils.translation import gettext, override

from taawun.capabilities.intel.stix import SENTENCES, ReadingRefused
from taawun.capabilities.intel.wording import (
    ISSUES,
    issue_markup,
    issue_sentence,
    refusal_sentence,
    type_name,
)

# numbers and rows of words are written as in the nation of the node, which is in the database
pytestmark = pytest.mark.django_db
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
@pytest.mark.parametrize("code", sorted(ISSUES))
def test_every_issue_has_a_sentence_in_every_language(language: str, code: str) -> None:
    names = _PLACEHOLDER.findall(SENTENCES.get(code, ""))
    params = {name: f"<{name}>" for name in names}
    with override(language):
        sentence = issue_sentence(code, params)
        if code in SENTENCES and language != "en":
            assert gettext(SENTENCES[code]) != SENTENCES[code], "it is not translated"
    assert sentence.strip()
    assert all(f"<{name}>" in sentence for name in names)


def test_what_a_sentence_quotes_keeps_its_direction_in_arabic() -> None:
    with override("ar"):
        assert "\u200evalid_from\u200e" in issue_sentence("missing-property", {"property": "valid_from"})
    assert "\u200e" not in issue_sentence("missing-property", {"property": "valid_from"})


@pytest.mark.parametrize(
    ("language", "code", "params", "sentence"),
    [
        ("en", "too-many", {"limit": "1"}, "There is more than 1 entry here."),
        ("en", "too-few", {"limit": "2"}, "There are fewer than 2 entries here."),
        ("en", "object-too-large", {"size": "16777217", "limit": "16777216"},
         "The object has 16,777,217 characters; at most 16,777,216 are accepted."),
        ("ar", "too-few", {"limit": "2"}, "هنا أقل من عنصرين."),
        ("ar", "too-many", {"limit": "20"}, "هنا أكثر من ٢٠ عنصرًا."),
        ("fr", "too-many", {"limit": "1"}, "Il y a ici plus de 1 entrée."),
        ("en", "not-in-list", {"value": "x", "allowed": "a, b, c"},
         "“x” is not one of the values the standard lists: a, b, or c."),
        ("fr", "misp-completed", {"kind": "attribute"}, "attribut"),
    ],
)  # fmt: skip
def test_numbers_and_rows_of_words_are_those_of_the_language(
    language: str, code: str, params: dict[str, str], sentence: str
) -> None:
    with override(language):
        assert sentence in issue_sentence(code, params)


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_what_another_program_said_is_marked_as_english_and_escaped(language: str) -> None:
    with override(language):
        markup = issue_markup("misp-warning", {"text": "Unknown <b> & more"})
    assert '<q lang="en" dir="ltr">Unknown &lt;b&gt; &amp; more</q>' in markup
    assert "\u0001" not in markup
    assert "<b>" not in markup


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_what_a_page_quotes_stands_by_itself_and_what_fits_a_line_is_not_broken(language: str) -> None:
    late, early = "2024-01-31T12:00:00.000Z", "2024-01-30T12:00:00.000Z"
    with override(language):
        times = issue_markup("modified-before-created", {"later": late, "earlier": early})
        listed = issue_markup("not-in-list", {"value": "two words", "allowed": "a, b"})
        kinds = issue_markup("wrong-type", {"found": "a list", "expected": "a text"})
    for value in (late, early):
        assert f'(<bdi dir="ltr" class="quoted whole">{value}</bdi>)' in times
    assert '<bdi dir="ltr" class="quoted">two words</bdi>' in listed
    assert all(f'<bdi dir="ltr" class="quoted whole">{value}</bdi>' in listed for value in "ab")
    assert "<bdi" not in kinds, "words of the language are no values"
    assert "\u200e" not in times + listed + kinds


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_prefix_of_an_identifier_is_quoted_with_its_hyphens(language: str) -> None:
    with override(language):
        for code in ("wrong-prefix", "bad-identifier"):
            markup = issue_markup(code, {"value": "x", "type": "indicator"})
            assert '<bdi dir="ltr" class="quoted whole">indicator--</bdi>' in markup


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_example_of_a_timestamp_is_quoted_too(language: str) -> None:
    with override(language):
        markup = issue_markup("bad-timestamp", {"value": "x"})
    assert '<bdi dir="ltr" class="quoted whole">2024-01-31T12:00:00.000Z</bdi>' in markup


def test_a_sentence_that_quotes_nobody_is_escaped_as_well() -> None:
    assert "&lt;b&gt;" in issue_markup("bad-hash", {"value": "<b>"})


def test_what_stands_there_and_what_is_expected_are_named_in_the_language() -> None:
    params = {"found": "a list", "expected": "a text or a number"}
    assert issue_sentence("wrong-type", params) == "Here stands a list; it must be a text or a number."
    with override("fr"):
        assert "une liste" in issue_sentence("wrong-type", params)
        assert "un texte ou un nombre" in issue_sentence("wrong-type", params)


@pytest.mark.parametrize(
    ("language", "line", "expected"),
    [
        ("en", 3, "x.json: Line 3: what is wrong in detail"),
        ("fr", 3, "Ligne 3, colonne 4\u00a0: "),
        ("fr", 0, "Ce n’est pas du JSON"),
        ("ar", 3, "السطر ٣"),
    ],
)
def test_a_refusal_names_the_place_in_the_readers_language(language: str, line: int, expected: str) -> None:
    refused = ReadingRefused("not-json", "x.json: Line 3: what is wrong in detail", line, 4)
    with override(language):
        assert refusal_sentence(refused).startswith(expected)


def test_a_refusal_that_is_not_known_here_is_told_in_its_own_words() -> None:
    with override("fr"):
        assert refusal_sentence(ReadingRefused("new-code", "Something new.")) == "Something new."


@pytest.mark.parametrize(
    ("type_", "name"), [("domain-name", "Domain"), ("x-own-thing", "x-own-thing"), ("indicator", "Indicator")]
)
def test_a_type_is_called_as_people_call_it(type_: str, name: str) -> None:
    assert type_name(type_) == name
