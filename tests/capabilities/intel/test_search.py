"""Finding objects by words, on whichever database the tests run."""

from __future__ import annotations

import pytest

from taawun.capabilities.intel.models import Report, StixObject
from taawun.capabilities.intel.search import index_words, matching, words_begin
from taawun.cooperation.people.models import Organisation
from tests.capabilities.intel.factories import bring, indicator
from tests.capabilities.intel.stix.examples import identifier, sco, sdo

pytestmark = pytest.mark.django_db

FIRST = identifier("indicator", 1)


def found(question: str) -> list[str]:
    return list(
        StixObject.objects.filter(matching(question)).order_by("stix_id").values_list("stix_id", flat=True)
    )


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("حملة على بريد الوزارات", "وزارات"),
        ("حملة على بريد وزارات", "الوزارات"),
        ("وزارة الداخلية", "والوزاره"),
        ("مُؤَشِّرات الاختراق", "مؤشرات"),
        ("تصيّد بيانات الدخول", "تصيد البيانات"),
        ("إعلان أمني", "اعلان"),
        ("مبنى قديم", "مبني"),
        ("نطاق ١٩٨", "198"),
        ("کلید فارسی", "كليد"),
        ("Hameçonnage à la douane", "hameconnage DOUANE"),
        ("Œuvre piégée", "oeuvre piegee"),
        ("Credential phishing, wave 3", "phish"),
        ("Straße", "strasse"),
    ],
)
def test_words_find_each_other_however_they_are_written(node: Organisation, name: str, question: str) -> None:
    bring(indicator(1, name=name), indicator(2, name="something else"))
    assert found(question) == [FIRST]


@pytest.mark.parametrize(
    "question",
    [
        "customs-duty.example",
        "https://customs-duty.example",
        "'customs-duty.example'",
        "9f2c0d4e71ab",
        "9F2C0D4E",
        "2e5ab1",
        "0x1f",
        "T1566.002",
        FIRST,
    ],
)
def test_an_object_is_found_by_its_pattern_hash_number_or_identifier(
    node: Organisation, question: str
) -> None:
    pattern = (
        "[url:value = 'https://customs-duty.example/login' OR file:hashes.MD5 = '9f2c0d4e71ab' "
        "OR file:name = '2e5ab10' OR file:size = '0x1f9']"
    )
    reference = {"source_name": "mitre-attack", "external_id": "T1566.002"}
    bring(indicator(1, pattern=pattern, external_references=[reference]), indicator(2))
    assert found(question) == [FIRST]


def test_a_file_is_found_by_its_hash(node: Organisation) -> None:
    digest = "8d21f0c4" * 8
    bring(sco("file", 3, hashes={"SHA-256": digest}), indicator(1))
    assert found(digest[:20]) == [identifier("file", 3)]


def test_every_word_of_the_question_must_begin_a_word(node: Organisation) -> None:
    bring(indicator(1, name="password spraying on webmail"), indicator(2, name="password store"))
    assert found("password") == [FIRST, identifier("indicator", 2)]
    assert found("pass spray") == [FIRST]
    assert found("word") == []
    assert found("password zebra") == []


@pytest.mark.parametrize("question", ["", "   "])
def test_an_empty_question_finds_everything(node: Organisation, question: str) -> None:
    bring(indicator(1), indicator(2))
    assert len(found(question)) == 2


@pytest.mark.parametrize("question", ["---", "«»", "'", '"', "؟", "'; DROP TABLE x", "a:* & b", "NEAR(", "*"])
def test_marks_of_the_databases_own_languages_mean_nothing(node: Organisation, question: str) -> None:
    bring(indicator(1, name="plain"))
    assert found(question) == []


def test_beyond_twelve_words_a_question_is_cut(node: Organisation) -> None:
    bring(indicator(1, name="w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12"))
    assert found("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 absent") == [FIRST]


def test_a_word_too_long_for_the_index_is_found_by_its_beginning(node: Organisation) -> None:
    bring(indicator(1, name="ﷺ" * 130, pattern=f"[file:name = '{'a' * 1900}']"))
    assert found("a" * 3000) == [FIRST]
    assert max(map(len, StixObject.objects.get(stix_id=FIRST).search.split())) == 128


def test_a_withdrawn_or_changed_object_is_no_longer_found_by_its_old_words(node: Organisation) -> None:
    bring(indicator(1, name="obsolete"))
    StixObject.objects.filter(stix_id=FIRST).update(search=index_words("renewed"))
    assert found("obsolete") == []
    assert found("renewed") == [FIRST]
    StixObject.objects.filter(stix_id=FIRST).update(search="")
    assert found("renewed") == []


def test_a_very_long_text_is_indexed_by_its_beginning(node: Organisation) -> None:
    bring(sdo("note", 1, content="x", abstract="short", object_refs=[FIRST]), indicator(1, name="n" * 40_000))
    assert found("short") == [identifier("note", 1)]


@pytest.mark.parametrize(
    ("title", "question", "is_found"),
    [
        ("تقرير عن الوزارات", "وزارات", True),
        ("Campagne d'hameçonnage", "hameconnage campagne", True),
        ("Campagne d'hameçonnage", "ameconnage", False),
        ("Anything", "", True),
        ("Anything", "؟", False),
    ],
)
def test_reports_are_searched_alike(node: Organisation, title: str, question: str, is_found: bool) -> None:
    Report.objects.create(
        stix_id="report--1", title=title, search=index_words(title), tlp=0, organisation=node
    )
    assert Report.objects.filter(words_begin(question)).exists() is is_found
