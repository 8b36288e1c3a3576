"""The languages of the interface stand in one place; what cannot be derived from it is there for each of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from taawun.cooperation.people.models import Person
from taawun.foundation import fingerprint
from taawun.foundation.multilingual import FALLBACK_ORDER, LANGUAGES, OWN_NAMES
from taawun.foundation.signing import SigningKey
from taawun.node import catalogues

PACKAGE = Path(catalogues.__file__).resolve().parent.parent
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
