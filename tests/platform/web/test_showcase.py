"""The page of components says nothing that it does not show, in each language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils.translation import override

from taawun.platform import web
from taawun.platform.web.showcase.forms import sample_form
from taawun.platform.web.showcase.words import WORDS, said
from tests.cast import Cast
from tests.pages import read

HOME = Path(web.__file__).parent
SOURCES = [*(HOME / "showcase").glob("*.py"), HOME / "templates/web/showcase/components.html"]


def test_every_sentence_of_the_page_of_components_is_shown() -> None:
    sources = "".join(each.read_text() for each in SOURCES)
    used = set(re.findall(r"words\.(\w+)", sources)) | set(
        re.findall(r"(?:said|named)\(\"(\w+)\"\)", sources)
    )
    # those of the form's fields have their names
    used |= set(sample_form().fields)
    assert set(WORDS) - used == set()


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_page_of_components_opens_in_each_language(cast: Cast, pages: object, language: str) -> None:
    text = read(cast.trainee.browser().get(f"/{language}/components/")).text
    with override(language):
        assert said("page") in text
        assert said("mend") in text
