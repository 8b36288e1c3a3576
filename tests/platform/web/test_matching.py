"""What a list of the database finds by words, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taawun.cooperation.people.models import Nation, Organisation, Person
from taawun.platform.web.matching import has_words

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

NAMES = ("Élodie Ngô", "مُؤَشِّرات الوزارة", "Hameçonnage_2026.json", "ЖАННА", "Zaynab Q.")


def _found(text: str) -> list[str]:
    people = Person.objects.order_by("name")
    return list(people.filter(has_words(people, text, "name")).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("élodie", ["Élodie Ngô"]),
        ("ELODIE", ["Élodie Ngô"]),
        ("ngo elo", ["Élodie Ngô"]),
        ("مؤشرات", ["مُؤَشِّرات الوزارة"]),
        ("وزارة", ["مُؤَشِّرات الوزارة"]),
        ("hameconnage", ["Hameçonnage_2026.json"]),
        ("٢٠٢٦", ["Hameçonnage_2026.json"]),
        ("жанна", ["ЖАННА"]),
        ("zaynab elodie", []),
        ("aynab", []),
        ("?!", []),
        ("", []),
    ],
)
def test_rows_are_found_by_words_that_are_folded(text: str, names: list[str]) -> None:
    Person.objects.bulk_create(
        Person(name=name, email=f"n{number}@x.example", password="!") for number, name in enumerate(NAMES)
    )
    assert _found(text) == names


def test_texts_by_language_are_searched_in_every_language() -> None:
    north = Organisation.objects.create(
        names={"en": "Northern CERT", "fr": "Équipe du Nord", "ar": "فريق الشّمال"}
    )
    Organisation.objects.create(names={"en": "Southern CERT"})
    everybody = Organisation.objects.all()
    for text in ("northern", "equipe", "شمال", "cert nord"):
        assert [each.id for each in everybody.filter(has_words(everybody, text, "names"))] == [north.id]


def test_keys_of_any_type_are_matched() -> None:
    Nation.objects.create(code="XN", names={"fr": "Île du Nord"})
    Nation.objects.create(code="XS", names={"fr": "Île du Sud"})
    nations = Nation.objects.order_by("code")
    assert [each.code for each in nations.filter(has_words(nations, "ile", "names"))] == ["XN", "XS"]
    assert [each.code for each in nations.filter(has_words(nations, "ile sud", "names"))] == ["XS"]


def test_one_parameter_bears_all_keys_that_match_however_many(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    Person.objects.bulk_create(
        Person(name=f"Élève {number:04}", email=f"n{number}@x.example", password="!")
        for number in range(2_000)
    )
    people = Person.objects.order_by("-name").prefetch_related("memberships")
    with django_assert_num_queries(2):
        found = people.filter(has_words(people, "eleve", "name"))
        names = list(found.values_list("name", flat=True))
    assert names == [f"Élève {number:04}" for number in reversed(range(2_000))]
    _sql, parameters = found.query.sql_with_params()
    assert len(parameters) == 1
