"""The fingerprint that two administrators read to each other."""

import base64
import hashlib
import itertools
import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.errors import CodedError
from taawun.foundation.fingerprint import FingerprintRefused, digits, words
from taawun.foundation.fingerprint_words import WORDS

# The thumbprint of the Ed25519 key in RFC 8037, appendix A.3.
KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
ENGLISH, FRENCH, ARABIC = (tuple(row[column] for row in WORDS) for column in range(3))

# What a poor line, or an accent, makes one sound of; and what search folding unifies.
ARABIC_SOUNDS = str.maketrans(
    {
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ء": "ا",
        "ى": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ة": "ه",
        "ح": "ه",
        "خ": "غ",
        "ص": "س",
        "ث": "س",
        "ط": "ت",
        "ض": "د",
        "ظ": "ز",
        "ذ": "ز",
        "ق": "ك",
    }
)
# Letters of one shape once the dots are lost, as on a poor fax; some only inside a word.
ARABIC_SHAPES = str.maketrans("أإآتثبئؤةخجذزشضظغق", "اااٮٮٮىوهححدرسصطعف")
ARABIC_INNER_SHAPES = str.maketrans("نيىئ", "ٮٮٮٮ")


def plain(word: str) -> str:
    """The word as search folding leaves it: no accents, no ligatures, lower case."""
    decomposed = unicodedata.normalize("NFKD", word.replace("œ", "oe"))
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark)).casefold()


def distance(one: str, other: str) -> int:
    """The fewest letters inserted, removed, replaced or swapped with a neighbour (string alignment)."""
    table = [[row + column for column in range(len(other) + 1)] for row in range(len(one) + 1)]
    for row, column in itertools.product(range(1, len(one) + 1), range(1, len(other) + 1)):
        replaced = table[row - 1][column - 1] + (one[row - 1] != other[column - 1])
        table[row][column] = min(table[row - 1][column] + 1, table[row][column - 1] + 1, replaced)
        if row > 1 and column > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]:
            table[row][column] = min(table[row][column], table[row - 2][column - 2] + 1)
    return table[-1][-1]


def too_near(spoken: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of words less than two letters apart."""
    pairs = itertools.combinations(sorted(spoken, key=len), 2)
    return [(one, other) for one, other in pairs if len(other) - len(one) < 2 and distance(one, other) < 2]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            (
                "telescope gazelle apple tulip carpet banana nightingale ostrich "
                "platinum farm lavender grass perfume broccoli coffee bakery"
            ),
        ),
        (
            "fr",
            (
                "télescope gazelle pomme tulipe tapis banane rossignol autruche "
                "platine ferme lavande herbe parfum brocoli café boulangerie"
            ),
        ),
        ("ar", "تلسكوب غزالة تفاحة توليب بساط موزة بلبل نعامة بلاتين مزرعة خزامى عشب عطر بروكلي قهوة مخبز"),
    ],
)
def test_one_key_reads_as_the_same_sixteen_meanings_in_each_language(language, expected):
    assert " ".join(words(KID, language)) == expected


def test_one_key_reads_as_eight_groups_of_five_digits():
    assert digits(KID) == ("05409", "31230", "20462", "17125", "78132", "46485", "30552", "31767")


@pytest.mark.parametrize("told", [lambda kid: words(kid, "en"), digits])
@pytest.mark.parametrize(
    "kid",
    [
        "",
        KID[:-1],
        KID + "A",
        KID + "=",
        KID + "\n",
        " " + KID[1:],
        KID.replace("_", "/"),
        KID[:-1] + "l",  # the spare bits are not zero: another spelling of the same bytes
        KID[:-1] + "ك",
        KID[:-1] + "４",
    ],
)
def test_what_is_no_thumbprint_is_refused(kid, told):
    with pytest.raises(FingerprintRefused) as refusal:
        told(kid)
    assert refusal.value.code == "malformed-kid"
    assert "43 characters" in str(refusal.value)


@pytest.mark.parametrize("language", ["", "EN", "de", "ar-SA"])
def test_a_language_without_words_is_refused_and_the_choice_is_named(language):
    with pytest.raises(FingerprintRefused) as refusal:
        words(KID, language)
    assert refusal.value.code == "unknown-language"
    assert "ar, en or fr" in str(refusal.value)
    assert isinstance(refusal.value, CodedError)


@given(st.binary(min_size=32, max_size=32))
def test_words_and_digits_are_the_digest_of_the_thumbprint(thumbprint):
    kid = base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
    digest = hashlib.sha256(thumbprint).digest()
    for language, column in (("en", ENGLISH), ("fr", FRENCH), ("ar", ARABIC)):
        assert bytes(column.index(word) for word in words(kid, language)) == digest[:16]
    assert int("".join(digits(kid))) == int(digest.hex(), 16) % 10**40
    assert [len(group) for group in digits(kid)] == [5] * 8


def test_there_are_256_rows_of_three_words():
    assert len(WORDS) == 256
    assert {len(row) for row in WORDS} == {3}


def test_the_rows_never_move():
    listed = "\n".join("|".join(row) for row in WORDS)
    assert (
        hashlib.sha256(listed.encode()).hexdigest()
        == "cfe4060f199b30732b9fc3284d0716aa831e780f1171ea9023c4ea80b2f60da5"
    )


@pytest.mark.parametrize("column", [ENGLISH, FRENCH, ARABIC])
def test_each_list_is_distinct_also_when_folded_for_search(column):
    assert len(set(column)) == 256
    assert len({plain(word).translate(ARABIC_SOUNDS) for word in column}) == 256


@pytest.mark.parametrize("column", [ENGLISH, FRENCH])
def test_any_two_latin_words_differ_by_two_letters_with_the_accents_off(column):
    assert too_near(map(plain, column)) == []


def test_any_two_arabic_words_differ_by_two_sounds():
    assert too_near(word.translate(ARABIC_SOUNDS) for word in ARABIC) == []


def test_no_two_arabic_words_share_a_shape_without_their_dots():
    inner = [word[:-1].translate(ARABIC_INNER_SHAPES) + word[-1] for word in ARABIC]
    assert len({word.translate(ARABIC_SHAPES) for word in inner}) == 256


@pytest.mark.parametrize(
    ("column", "letters", "longest"),
    [
        (ENGLISH, "abcdefghijklmnopqrstuvwxyz", 12),
        (FRENCH, "abcdefghijklmnopqrstuvwxyzàâçèéêëîïôûüœ", 12),
        (ARABIC, "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي", 9),
    ],
)
def test_each_word_is_one_short_lower_case_word_in_its_own_letters(column, letters, longest):
    for word in column:
        assert set(word) <= set(letters)
        assert 2 <= len(word) <= longest
        assert unicodedata.is_normalized("NFC", word)


def test_no_french_word_carries_an_article():
    assert not [word for word in FRENCH if word.split("'")[0] in {"l", "le", "la", "un", "une"}]


def test_no_word_is_a_marking():
    assert {"amber", "red", "green", "clear", "white", "strict"} & set(ENGLISH) == set()
