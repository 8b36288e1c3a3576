"""The languages of the interface stand in one place; what cannot be derived from it is there for each of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

from taawun.cooperation.people.models import Person
from taawun.foundation import fingerprint
from taawun.foundation.multilingual import FALLBACK_ORDER, LANGUAGES, OWN_NAMES
from taawun.foundation.signing import SigningKey
from taawun.node import catalogues

PACKAGE = Path(catalogues.__file__).resolve().parent.parent
REPOSITORY = Path(__file__).resolve().parent.parent

# What an agreement, its paper and a page name is one thing, so it has one word. Patterns meet texts without marks.
# A word that stands for a thing which has another: language, word, the word instead.
STRAY = (
    ("fr", r"\brepartag", "retransmission"),  # onward
    ("fr", r"\bdénonc", "résiliation"),  # termination
    ("fr", r"\bpistes? d'audit", "journal d'audit"),
    ("fr", r"\bsign(e|ent|é|ée|és|ées) pour\b", "accuser réception"),
    ("fr", r"\brétablie?s? (depuis|d'une)\b", "restauré"),
    ("fr", r"\be-mail|\bcourriel", "adresse électronique, courrier électronique"),
    ("fr", r"\bpublications? émise", "publication publiée"),
    ("ar", "متلق", "مستلم"),  # receiver
    ("ar", "إيصال", "إقرار استلام"),  # receipt
    ("ar", "تصنيف", "وسم"),  # marking
    ("ar", "حظر", "حجب"),  # block
    ("ar", r"\b(ال)?مدير|\bمسؤول(?! عن)|\bالمسؤول(?! عن)", "إدارة العقدة، القائمون على شؤون الاتفاقيات"),
    ("ar", "مستضيف", "مضيف"),  # host of a guest
    ("ar", "(?<!م)ستقبل", "إدخال"),  # take in; المستقبل is the future
    ("ar", "النص الدقيق", "النص الحرفي"),  # exact text
    ("ar", r"منظم(ة|ات)(?! التعاون)", "مؤسسة"),  # organisation; a body of nations keeps its own name
)
# How a sentence has to say what its English says: language, the English, the words.
SAID = (
    ("fr", r"\b(tak(e|es|en|ing)|took)( it)? in\b(?! its place)", r"intègr|intégr"),
    ("fr", r"\bnewcomer", r"nouveaux? venu"),
    ("fr", r"\breceipt", r"accusés? de réception"),
    ("fr", r"\b(?<!security )officer", r"responsables? des accords"),
    ("fr", r"\bwithdrawals and receipts", r"retraits de contenus"),
    ("fr", r"\bnotice of|\bgive notice\b", r"préavis"),
    ("ar", r"\b(tak(e|es|en|ing)|took)( it)? in\b(?! its place)", r"دخل|دخال"),
    ("ar", r"\bnewcomer", r"منضم"),
    ("ar", r"\breceipt", r"إقرار.*استلام"),
    ("ar", r"\b(?<!security )officer", r"شؤون الاتفاقيات"),
    ("ar", r"\badministrator", r"إدار"),
    ("ar", r"\bratif", r"ص[او]دق"),
    ("ar", r"\bnotice of|\bgive notice\b", r"إخطار"),  # إشعار is what a person is told
    ("ar", r"\bdigests?\b", r"بصم\w+ ال?رقمي"),  # البصمة alone is the fingerprint
    ("ar", r"\btrail\b", r"سجل التدقيق"),
    ("ar", r"(?<!%\()\borganisation", r"مؤسس"),
)
LISTED = re.compile(r"""["']ar["'][^\n]*["']en["'][^\n]*["']fr["']""")


def test_whatever_lists_the_languages_lists_the_same() -> None:
    assert tuple(OWN_NAMES) == LANGUAGES
    assert sorted(FALLBACK_ORDER) == sorted(LANGUAGES)
    assert tuple(code for code, _name in settings.LANGUAGES) == LANGUAGES
    assert tuple(code for code, _name in Person._meta.get_field("language").choices or ()) == LANGUAGES
    # the sentences of the code are English
    assert {"en", *(language.code for language in catalogues.LANGUAGES)} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fingerprint_is_told_in_each_language(language: str) -> None:
    assert len(fingerprint.words(SigningKey.generate().kid, language)) == 16


def test_no_room_lists_the_languages_again() -> None:
    places = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "migrations" not in path.parts and path.name != "multilingual.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if LISTED.search(line) and not line.lstrip().startswith(("#", "-"))
    ]

    assert places == []


@pytest.mark.parametrize("language", [language.code for language in catalogues.LANGUAGES])
def test_one_thing_has_one_word(language: str) -> None:
    texts = list(_translated(language))
    texts += [("", _plain(path.read_text(encoding="utf-8"))) for path in _written_in(language)]

    assert [
        f"“{stray[0]}”: say “{instead}”"
        for code, word, instead in STRAY
        if code == language
        for _english, text in texts
        for stray in re.finditer(rf".{{,60}}(?:{word}).{{,30}}", text, re.IGNORECASE)
    ] == []
    assert [
        f"“{english}” is “{text}” and not {words}"
        for code, thing, words in SAID
        if code == language
        for english, text in texts
        if re.search(thing, english, re.IGNORECASE) and not re.search(words, text, re.IGNORECASE)
    ] == []


def _translated(language: str) -> Iterator[tuple[str, str]]:
    """Each sentence of a catalogue with its translation; the forms of a plural are one text."""
    [found] = [each for each in catalogues.LANGUAGES if each.code == language]
    with found.path(PACKAGE).open("rb") as file:
        for message in read_po(file):
            if message.id:
                english, texts = message.id, message.string
                yield (
                    english if isinstance(english, str) else " ".join(english),
                    _plain(texts if isinstance(texts, str) else " ".join(texts or ())),
                )


def _written_in(language: str) -> list[Path]:
    """The texts in that language beside the catalogue: the first page, and what agreements are drafted from."""
    drafting = PACKAGE / "cooperation" / "agreements" / "drafting"
    return [REPOSITORY / f"README.{language}.md", *sorted(drafting.glob("*.py"))]


def _plain(text: str) -> str:
    """Without Arabic marks, and with the apostrophe that a keyboard has."""
    return "".join(each for each in text if unicodedata.category(each) not in {"Mn", "Cf"}).replace("’", "'")


@pytest.mark.parametrize("language", [each.code for each in catalogues.LANGUAGES])
def test_no_translation_says_itself_twice(language: str) -> None:
    twice = [
        said
        for _english, said in _translated(language)
        for times in (2, 3)
        if len(said) > 20 and said[: len(said) // times] * times == said
    ]
    assert twice == []
