"""The help of every page: it is there, in three languages that say the same, in the words of the pages."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
from django.urls import URLResolver, get_resolver

from taawun.node import catalogues
from taawun.platform.registry import registry
from taawun.platform.web.help import HelpTopic

TOPICS = registry.all(HelpTopic)
LANGUAGES = ("en", "ar", "fr")
each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


def pages() -> Iterator[str]:
    """The name of every address below the language."""

    def names(resolver: URLResolver, before: str) -> Iterator[str]:
        for each in resolver.url_patterns:
            if isinstance(each, URLResolver):
                yield from names(each, before + str(each.pattern))
            elif (before + str(each.pattern)).startswith("en/"):
                yield each.name or str(each.pattern)

    return names(get_resolver(), "")


def text(topic: HelpTopic, language: str) -> str:
    return topic.source(language).read_text(encoding="utf-8")


@cache
def said(language: str) -> dict[str, set[str]]:
    """What each sentence of the code reads in this language, by context perhaps one of several."""
    found: dict[str, set[str]] = {}
    chosen = next(each for each in catalogues.LANGUAGES if each.code == language)
    for message in catalogues._read(chosen, catalogues.PACKAGE):
        if isinstance(message.id, str):
            found.setdefault(message.id, set()).add(str(message.string))
    return found


def test_every_page_has_one_topic_and_every_topic_names_pages_that_exist():
    served = Counter(page for topic in TOPICS for page in topic.pages)
    every = set(pages())

    assert sorted(every - served.keys()) == [], "name these addresses in the help_topics.py of their room"
    assert sorted(served.keys() - every) == []
    assert {page: count for page, count in served.items() if count > 1} == {}


def test_every_text_belongs_to_a_topic():
    expected = {topic.source(language) for topic in TOPICS for language in LANGUAGES}

    assert set(catalogues.PACKAGE.rglob("help/*.md")) == expected


@each_topic
def test_a_topic_has_the_same_parts_in_every_language(topic: HelpTopic):
    headings, links = (
        {language: re.findall(pattern, text(topic, language), re.MULTILINE) for language in LANGUAGES}
        for pattern in (r"^(#+|\d\.|-) ", r"\]\(([^)]*)\)")
    )

    assert headings["ar"] == headings["en"] == headings["fr"]
    assert headings["en"][0] == "#"
    assert links["ar"] == links["en"] == links["fr"]
    assert set(links["en"]) <= {f"help:{each.name}" for each in TOPICS}


@each_topic
def test_what_a_topic_sets_in_bold_stands_on_a_page_in_the_same_words(topic: HelpTopic):
    bold = {language: re.findall(r"\*\*(.+?)\*\*", text(topic, language)) for language in LANGUAGES}

    for language in ("ar", "fr"):
        known = said(language)
        unknown = [words for words in bold["en"] if words not in known]
        assert unknown == [], "no page says this; a text sets nothing else in bold"
        pairs = zip(bold["en"], bold[language], strict=True)
        assert [pair for pair in pairs if pair[1] not in known[pair[0]]] == []


@each_topic
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_short_and_plain(topic: HelpTopic, language: str):
    written = text(topic, language)

    assert 120 <= len(re.findall(r"\w+", written)) <= 450
    assert re.findall(r"[<>&]", written) == []
    if language == "ar":
        # which digits a reader uses their territory decides, so a text writes numbers as words
        outside = re.sub(r"`[^`]*`|^\d\. ", "", written, flags=re.MULTILINE)
        assert re.findall(r"\d", outside) == []
