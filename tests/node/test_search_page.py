"""The search page asks every room, shows what this reader may see, and marks why it was found."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse

from taawun.cooperation.people.finding import find_nations, find_people
from taawun.cooperation.people.models import Community, Membership, Organisation, Person
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import now
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.node.search_page import highlighted
from taawun.platform.registry import registry
from taawun.platform.web.formats import reader_locale
from taawun.platform.web.search import Found, Narrowing, SearchSource, Wanted
from taawun.platform.web.unit import unit
from tests.capabilities.intel.factories import bring, indicator, report, sender
from tests.capabilities.intel.stix.examples import identifier, sdo
from tests.cast import Cast, agreement_in_force, clause, partner, person
from tests.pages import read

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

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


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("elodie", "Élodie Ngô"),
        ("ÉLODIE ngo", "Élodie Ngô"),
        ("مؤمنه هاشمي", "مُؤمِنة الهاشمي"),
        ("ecole", "School of the North"),
        ("مدرسة", "School of the North"),
        ("gale", "Gale Union"),
        ("union tempetes", "Gale Union"),
        ("xn", "Northland"),
        ("شمال", "Northland"),
        ("northland", "Northland"),
    ],
)
def test_people_organisations_communities_and_nations_are_found_by_folded_words(
    cast: Cast, asked: str, title: str
) -> None:
    known: dict[str, tuple[str, object]] = {
        "Élodie Ngô": ("person", person(Role.OBSERVER, name="Élodie Ngô").id),
        "مُؤمِنة الهاشمي": ("person", person(Role.OBSERVER, name="مُؤمِنة الهاشمي").id),
    }
    organisation = Organisation.objects.create(
        names={"en": "School of the North", "fr": "École du Nord", "ar": "مَدْرسة"},
        kind=Organisation.Kind.UNIVERSITY,
    )
    community = Community.objects.create(code="gale", names={"en": "Gale Union", "fr": "Union des Tempêtes"})
    known |= {
        organisation.names["en"]: ("organisation", organisation.id),
        community.names["en"]: ("community", community.id),
    }
    known["Northland"] = ("nation", "XN")
    shown = read(cast.observer.browser().get(SEARCH, {"q": asked}))
    found = {each["href"] for each in shown.all("a")}
    assert {each: reverse(name, args=[key]) in found for each, (name, key) in known.items()} == {
        each: each == title for each in known
    }
    assert f"{title} {known[title][0].capitalize()}" in shown.text


def test_a_person_is_told_with_the_organisations_where_they_work(cast: Cast) -> None:
    made = person(Role.OBSERVER, Role.ANALYST, name="Gale Winter")
    school = Organisation.objects.create(names={"en": "School"}, kind=Organisation.Kind.UNIVERSITY)
    Membership.objects.create(person=made, organisation=school, role=Role.RESEARCHER)
    assert find_people(cast.observer.actor, Wanted("gale"), 10) == [
        Found("Gale Winter", f"/en/people/{made.id}/", "Person", "Northern CERT and School")
    ]
    assert find_people(cast.administrator.actor, Wanted("gale"), 10) == [
        Found("Gale Winter", f"/en/people/{made.id}/", "Person", f"Northern CERT, School, and {made.email}")
    ]
    assert find_people(None, Wanted("gale"), 10) == []


def test_an_address_finds_its_person_for_nobody_but_them_and_who_manages_them(cast: Cast) -> None:
    school = Organisation.objects.create(names={"en": "School"}, kind=Organisation.Kind.UNIVERSITY)
    student = person(Role.TRAINEE, name="Gale Winter", organisation=school)
    dean = actor_of(person(Role.ADMINISTRATOR, organisation=school))
    for address, names in (
        (student.email, {"administrator": 1, "dean": 1, "student": 1, "officer": 0, "analyst": 0}),
        (cast.analyst.row.email, {"administrator": 1, "dean": 0, "student": 0, "officer": 0, "analyst": 1}),
    ):
        actors = {
            "administrator": cast.administrator.actor,
            "dean": dean,
            "student": actor_of(student),
            "officer": cast.officer.actor,
            "analyst": cast.analyst.actor,
        }
        for text in (address, address.upper(), address.partition("@")[0]):
            found = {name: len(find_people(actor, Wanted(text), 10)) for name, actor in actors.items()}
            assert found == names, text
    page = cast.officer.browser().get(SEARCH, {"q": "gale"}).content.decode()
    assert "Winter" in page
    assert student.email not in page


def test_among_thousands_of_persons_so_many_are_found_as_are_asked_for_the_active_first(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Person.objects.bulk_create(
        Person(name=f"Gale {number:04}", email=f"g{number}@x.example", password="!", is_active=number > 2)
        for number in range(3_000)
    )
    actor = cast.observer.actor
    with unit():
        reader_locale()
        # the persons, and where these work: nobody asks for organisations any more
        with django_assert_num_queries(2):
            found = find_people(actor, Wanted("gale"), 11)
    assert [each.title for each in found] == [f"Gale {number:04}" for number in range(3, 14)]
    assert [each.title for each in find_people(actor, Wanted("gale 0001"), 11)] == ["Gale 0001"]


def test_nations_and_communities_are_found_so_many_as_are_asked_for(cast: Cast) -> None:
    del cast
    Community.objects.create(code="south", names={"en": "Southern Union"})
    found = find_nations(None, Wanted("south"), 3)
    assert [(each.title, each.kind_label, each.snippet) for each in found] == [
        ("Southern Union", "Community", "south"),
        ("South Georgia & South Sandwich Islands", "Nation", "GS"),
        ("South Korea", "Nation", "KR"),
    ]


def test_people_and_nations_stand_after_what_the_node_is_there_for(cast: Cast) -> None:
    shown = read(cast.analyst.browser().get(SEARCH, {"q": "gale"}))
    tabs = [each["href"] for each in shown.all("a") if "in=" in each["href"]]
    assert [each.rpartition("in=")[2] for each in tabs][-2:] == ["people", "nations"]


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
