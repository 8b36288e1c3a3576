"""The search page asks every room, shows what this reader may see, and marks why it was found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from taawun.foundation.clock import now
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.node.search_page import highlighted
from taawun.platform.registry import registry
from taawun.platform.web.search import Found, Narrowing, SearchSource
from tests.capabilities.intel.factories import bring, indicator, report, sender
from tests.capabilities.intel.stix.examples import identifier, sdo
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


def test_a_search_is_narrowed_by_kind_marking_source_and_days_that_stand_in_its_address(cast: Cast) -> None:
    south = sender("Southern CERT")
    bring(
        indicator(1, name="Gale ours"), sdo("malware", 2, name="Gale malware", is_family=False), tlp=Tlp.GREEN
    )
    south.publish(report(3, identifier("indicator", 4), name="Gale report"), indicator(4, name="Gale theirs"))
    client = cast.analyst.browser()
    today, tomorrow = (f"{now() + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    everything = {"Gale ours", "Gale malware", "Gale theirs", "Gale report"}
    for query, wanted in (
        ({}, everything),
        ({"kind": "malware"}, {"Gale malware"}),
        ({"tlp": "TLP:GREEN"}, {"Gale ours", "Gale malware"}),
        ({"origin": "own"}, {"Gale ours", "Gale malware"}),
        ({"origin": south.node}, {"Gale theirs", "Gale report"}),
        ({"origin": south.node, "kind": "indicator"}, {"Gale theirs"}),
        ({"since": today, "until": today}, everything),
        ({"since": tomorrow}, set()),
        ({"until": "never", "tlp": "TLP:PINK"}, everything),
        ({"since": "1900-01-01", "until": "8999-12-30"}, everything),
        ({"since": "0001-01-01", "until": "9999-12-31"}, everything),
    ):
        for words in ("gale", ""):
            if not words and not set(query) & {"kind", "origin"}:
                continue
            page = read(client.get(SEARCH, {"q": words, **query}))
            assert {each for each in everything if each in page.text} == wanted, (words, query)
    narrowed = read(client.get(SEARCH, {"q": "gale", "tlp": "TLP:GREEN", "since": tomorrow}))
    assert narrowed.all("option", value="TLP:GREEN", selected="")
    assert narrowed.all("input", name="since", value=tomorrow)
    assert (
        "Nothing that you may see has these words, and this kind, marking, source and time." in narrowed.text
    )
    # both ways out: by itself beside the filters, and where nothing was found
    assert len(narrowed.all("a", href="?q=gale")) == 2
    assert narrowed.all("a", href=f"?q=gale&tlp=TLP%3AGREEN&since={tomorrow}&in=intel.objects")


def test_a_room_that_is_not_the_readers_does_not_answer(cast: Cast) -> None:
    partner("Southern CERT")
    shown = read(cast.stranger.browser().get(SEARCH, {"q": "southern"}))
    assert "Southern CERT" not in shown.text.replace("Northern", "")
    assert "Nothing found" in shown.text
    # nor are there filters, which would tell its choices
    assert shown.all("select") == []


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


def test_the_way_to_the_rest_of_a_room_keeps_what_narrows_the_search(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = SearchSource(
        "many",
        "Many",
        "read:intel",
        lambda _actor, _text, limit: [Found(f"Thing {n}", "/x", "Thing") for n in range(limit)],
        frozenset(Narrowing),
    )
    monkeypatch.setitem(registry._parts[SearchSource], "many", many)
    shown = read(cast.analyst.browser().get(SEARCH, {"q": "thing", "tlp": "TLP:GREEN"}))
    # in the tab, and below what is shown
    assert len(shown.all("a", href="?q=thing&tlp=TLP%3AGREEN&in=many")) == 2
