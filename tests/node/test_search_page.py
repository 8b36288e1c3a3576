"""The search page asks every room, shows what this reader may see, and marks why it was found."""

from __future__ import annotations

import pytest
from django.test import Client

from taawun.foundation.multilingual import Text
from taawun.node.search_page import highlighted
from taawun.platform.registry import registry
from taawun.platform.web.search import Found, SearchSource
from tests.cast import Cast, agreement_in_force, clause, partner
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

SEARCH = "/en/search/"


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("Southern CERT", "south", "<mark>Southern</mark> CERT"),
        ("Équipe du Sud", "equipe sud", "<mark>Équipe</mark> du <mark>Sud</mark>"),
        ("تقارير الوِزارات", "وزارات", "تقارير <mark>الوِزارات</mark>"),
        ("تقارير وزارات", "الوزارات", "تقارير <mark>وزارات</mark>"),
        ("a <b> south", "south", "a &lt;b&gt; <mark>south</mark>"),
        ("<south>", "south", "&lt;<mark>south</mark>&gt;"),
        ("Southern", "", "Southern"),
        ("Southern", "!?", "Southern"),
        ("", "south", ""),
        ("port ٤٢", "42", "port <mark>٤٢</mark>"),
    ],
)
def test_words_are_marked_as_the_search_folds_them(text: str, asked: str, expected: str) -> None:
    assert highlighted(text, asked) == expected


def test_a_stranger_is_led_to_the_sign_in() -> None:
    assert Client().get(SEARCH)["Location"].startswith("/en/account/login/")


def test_every_room_answers_and_one_can_be_chosen(cast: Cast) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south, clauses=(clause("1", title=Text.of(en="Southern winds")),))
    client = cast.observer.browser()
    everything = read(client.get(SEARCH, {"q": "southern"}))
    assert everything.all("a", href=f"/en/partners/{south.row.id}/")
    assert everything.all("a", href=f"/en/agreements/{held.id}/")
    assert everything.all("a", href=f"/en/agreements/{held.id}/#clause-1")
    alone = read(client.get(SEARCH, {"q": "southern", "in": "partners"}))
    assert alone.all("a", href=f"/en/partners/{south.row.id}/")
    assert not alone.all("a", href=f"/en/agreements/{held.id}/")
    assert alone.all("input", type="hidden", name="in", value="partners")


def test_a_room_that_is_not_the_readers_does_not_answer(cast: Cast) -> None:
    partner("Southern CERT")
    shown = read(cast.stranger.browser().get(SEARCH, {"q": "southern"}))
    assert "Southern CERT" not in shown.text.replace("Northern", "")
    assert "Nothing found" in shown.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "Accents, vowel marks and the article make no difference."),
        ({"q": "   "}, "Accents, vowel marks and the article make no difference."),
        ({"q": "?!"}, "Write at least one word or number."),
        ({"q": "zebra"}, "Nothing found"),
        ({"q": "zebra", "in": "nowhere"}, "Nothing found"),
    ],
)
def test_what_finds_nothing_says_why(cast: Cast, query: dict[str, str], sentence: str) -> None:
    assert sentence in read(cast.analyst.browser().get(SEARCH, query)).text


def test_what_was_asked_is_escaped_and_stays_in_both_fields(cast: Cast) -> None:
    asked = '"><script>alert(1)</script>'
    answer = cast.analyst.browser().get(SEARCH, {"q": asked})
    assert "<script>alert(1)" not in answer.content.decode()
    assert [each["value"] for each in read(answer).all("input", type="search", name="q")] == [asked, asked]


def test_a_room_with_more_than_is_shown_says_so(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    many = SearchSource(
        "many",
        "Many",
        "read:people",
        lambda _actor, _text, limit: [Found(f"Thing {n}", "/x", "Thing") for n in range(limit)],
    )
    monkeypatch.setitem(registry._parts[SearchSource], "many", many)
    shown = read(cast.analyst.browser().get(SEARCH, {"q": "thing"}))
    assert shown.text.count("Thing ") >= 10
    assert shown.all("a", href="?q=thing&in=many")
