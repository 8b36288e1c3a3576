"""Folding for search: what a reader would call the same word folds to the same letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.folding import fold, query_terms, search_text, tokens, words_match, words_matcher


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("APT-29 Report", "apt-29 report"),
        ("Élève Cœur Ångström", "eleve coeur angstrom"),
        ("STRASSE straße", "strasse strasse"),
        ("İstanbul ılık", "istanbul ilik"),
        ("Łódź Øresund Đặng", "lodz oresund dang"),
        ("ﬁnance ＡＢＣ ²", "finance abc 2"),
        ("كِتَابٌ", "كتاب"),
        ("أمن إدارة آلة ٱلله", "امن اداره اله الله"),
        ("مستشفى مؤتمر قائمة", "مستشفي موتمر قايمه"),
        ("ســـلام", "سلام"),
        ("١٢٣ ۴۵۶", "123 456"),
        ("کتاب یک", "كتاب يك"),
        ("می\u200cخواهم", "ميخواهم"),
        ("ﷲ ﻻ", "الله لا"),
        ("日本語", "日本語"),
    ],
)
def test_a_text_folds(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" .,;_ ", []),
        ("IBM_365-x", ["ibm", "365", "x"]),
        ("T1059.001", ["t1059", "001"]),
        ("الوزارات", ["الوزارات", "وزارات"]),
        ("والوزارة", ["والوزاره", "وزاره"]),
        ("بالوزارة", ["بالوزاره", "وزاره"]),
        ("كالوزارة", ["كالوزاره", "وزاره"]),
        ("فالوزارة", ["فالوزاره", "وزاره"]),
        ("للوزارة", ["للوزاره", "وزاره"]),
        ("وبالوزارة", ["وبالوزاره", "وزاره"]),
        ("وللوزارة", ["وللوزاره", "وزاره"]),
        ("والد", ["والد"]),
        ("ال", ["ال"]),
        ("لل", ["لل"]),
        ("ال123", ["ال123"]),
        ("لُغَةٌ، اللُّغَة", ["لغه", "اللغه", "لغه"]),
        ("लोग บ้าน", ["लोग", "บาน"]),
    ],
)
def test_a_text_is_cut_into_words_and_an_article_is_also_left_off(text, words):
    assert tokens(text) == words


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("الوزارات", "وزارات الدول"),
        ("وزارات", "في الوزارات"),
        ("وزاره", "للوزارة"),
        ("بالوزارة", "والوزارة"),
        ("امن الشبكات", "أَمْنُ شبكات"),
        ("ELEVE", "un élève"),
        ("إلهام", "الهام"),
        ("٢٠٢٦", "2026"),
        ("مستشفي", "المستشفى"),
        ("كتاب", "کتاب"),
    ],
)
def test_a_query_finds_the_text(query, text):
    assert set(query_terms(query)) <= set(search_text(text).split(" "))


def test_a_query_does_not_find_another_word():
    assert not set(query_terms("وزارة")) <= set(tokens("وزير"))
    assert not set(query_terms("report")) <= set(tokens("reports"))


def test_a_search_text_holds_each_word_once_in_the_order_of_its_first_use():
    assert search_text("The Report", "a report on الأمن", "") == "the report a on الامن امن"
    assert search_text() == ""


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_the_words_of_a_folded_text_are_the_words_of_the_text(text):
    assert tokens(fold(text)) == tokens(text)


@given(st.text(), st.text())
def test_every_text_is_found_by_every_part_of_its_words(before, after):
    indexed = set(search_text(f"{before} {after}").split(" "))
    assert set(query_terms(before)) <= indexed
    assert set(query_terms(after)) <= indexed


@given(st.text())
def test_upper_case_finds_what_lower_case_finds_and_the_other_way_round(text):
    assert fold(fold(text).upper()) == fold(fold(text))


@pytest.mark.parametrize(
    ("text", "among", "matches"),
    [
        ("", (), True),
        ("?!", ("anything",), True),
        ("eleve", ("Élève",), True),
        ("el no", ("Élève", "du Nord"), True),
        ("nord el", ("Élève",), False),
        ("leve", ("Élève",), False),
        ("المؤشرات", ("مُؤَشِّرات",), True),
        ("a", (), False),
    ],
)
def test_every_word_of_a_query_begins_a_word_of_some_texts(
    text: str, among: tuple[str, ...], *, matches: bool
) -> None:
    assert words_match(text, among) is matches
    # one that is kept tells the same of every row, and looks at each by itself
    matcher = words_matcher(text)
    assert [matcher(among), matcher(("zebra",)), matcher(among)] == [matches, not query_terms(text), matches]
