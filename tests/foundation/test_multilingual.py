"""Texts in several languages: what is accepted, and which one a reader gets."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.multilingual import LANGUAGES, Rendered, Text, TextRefused

WORDS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=30
).filter(lambda words: words.strip() != "")


def test_the_house_speaks_three_languages():
    assert LANGUAGES == ("ar", "en", "fr")


@pytest.mark.parametrize(
    ("text", "asked", "rendered"),
    [
        (Text.of(en="Cooperation", ar="تعاون"), "ar", Rendered("تعاون", "ar", False)),
        (Text.of(en="Cooperation", ar="تعاون"), "fr", Rendered("Cooperation", "en", True)),
        (Text.of(ar="تعاون", fr="Coopération"), "en", Rendered("تعاون", "ar", True)),
        (Text.of(fr="Coopération"), "en", Rendered("Coopération", "fr", True)),
        (Text({"tr": "İş birliği", "ms": "Kerjasama"}), "en", Rendered("Kerjasama", "ms", True)),
        (Text({"fr": "Coopération", "en": "Cooperation"}), "fr-CA", Rendered("Coopération", "fr", False)),
        (Text({"pt-BR": "Cooperação", "en": "Cooperation"}), "pt", Rendered("Cooperação", "pt-BR", False)),
        (Text({"pt-BR": "Cooperação", "en": "Co-op"}), "pt-PT", Rendered("Cooperação", "pt-BR", False)),
    ],
)
def test_a_reader_gets_the_language_asked_for_or_a_marked_fallback(text, asked, rendered):
    assert text.in_language(asked) == rendered


def test_languages_left_empty_are_left_out():
    assert Text.of(en="Cooperation", fr="").to_json() == {"en": "Cooperation"}


@given(st.dictionaries(st.sampled_from(["ar", "en", "fr", "tr", "zh-Hant-TW", "es-419"]), WORDS, min_size=1))
def test_a_text_is_read_back_as_it_was_written(words):
    text = Text.from_json(words)
    assert text.to_json() == words
    assert list(text.to_json()) == sorted(words)
    assert Text.from_json(text.to_json()) == text
    assert hash(Text.from_json(dict(reversed(words.items())))) == hash(text)
    assert copy.deepcopy(text) == text
    # The bytes are made here: nothing foreign is unpickled.
    assert pickle.loads(pickle.dumps(text)) == text  # noqa: S301 - its own pickle, of a moment ago


@given(
    st.dictionaries(st.sampled_from(["ar", "en", "fr", "tr"]), WORDS, min_size=1), st.sampled_from(LANGUAGES)
)
def test_a_reader_always_gets_words_that_are_there(words, asked):
    rendered = Text.from_json(words).in_language(asked)
    assert words[rendered.language] == rendered.value
    assert rendered.is_fallback == (asked not in words)


def test_texts_with_other_words_or_languages_differ():
    assert Text.of(en="a") != Text.of(en="b")
    assert Text.of(en="a") != Text.of(fr="a")


def test_a_text_does_not_change_with_the_dictionary_it_came_from():
    words = {"en": "Cooperation"}
    text = Text.from_json(words)
    words["en"] = "changed"
    assert text.to_json() == {"en": "Cooperation"}
    text.to_json()["en"] = "changed"
    assert text.to_json() == {"en": "Cooperation"}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "not-a-text"),
        ("Cooperation", "not-a-text"),
        (["en"], "not-a-text"),
        ({}, "no-language"),
        ({"en": None}, "not-a-text"),
        ({"en": ["x"]}, "not-a-text"),
        ({"en": ""}, "empty"),
        ({"en": " \n"}, "empty"),
        ({"en": "x" * 501}, "too-long"),
        ({"en": "a\x00b"}, "bad-character"),
        ({"en": "a\x1b[31m"}, "bad-character"),
        ({"en": "\ud800"}, "bad-character"),
        *(
            ({"en": f"CERT {chr(each)}htroN"}, "bad-character")
            for each in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
        ),
        ({"EN": "x"}, "bad-language"),
        ({"english": "x"}, "bad-language"),
        ({"en_GB": "x"}, "bad-language"),
        ({"en-gb": "x"}, "bad-language"),
        ({"": "x"}, "bad-language"),
        ({7: "x"}, "bad-language"),
        ({"en\n": "x"}, "bad-language"),
        ({f"a{letter}{other}": "x" for letter in "abcdefgh" for other in "abcdefgh"}, "bad-language"),
    ],
)
def test_what_is_no_text_is_refused(value, code):
    with pytest.raises(TextRefused) as refused:
        Text.from_json(value)
    assert refused.value.code == code


def test_marks_of_direction_stand_in_a_text_of_two_scripts():
    words = "فريق CERT\u200f الوطني\u200e"
    assert Text.from_json({"ar": words}).in_language("ar").value == words


def test_exactly_five_hundred_characters_fit():
    assert Text.from_json({"ar": "ت" * 500}).in_language("ar").value == "ت" * 500


def test_a_text_without_any_words_is_refused():
    with pytest.raises(TextRefused) as refused:
        Text.of()
    assert refused.value.code == "no-language"
