"""One folding of words for the index and the query, so that a search finds what a reader would call the same.

Latin letters lose case and accents; Arabic letters lose vowel marks and the spellings that people mix (hamza
carriers, final yeh and heh); digits of every script become 0 to 9. An Arabic word behind an article is kept
in both forms. Both sides of a search are folded alike, so over-folding only widens what is found.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

# Letters that Arabic, Persian and Urdu writers and keyboards exchange for one another.
_SAME_LETTER: Final = {
    "أ": "ا",
    "إ": "ا",
    "آ": "ا",
    "ٱ": "ا",
    "ى": "ي",
    "ی": "ي",
    "ئ": "ي",
    "ؤ": "و",
    "ة": "ه",
    "ۀ": "ه",
    "ە": "ه",
    "ہ": "ه",
    "ھ": "ه",
    "ک": "ك",
    "ـ": "",
    # Joiners and marks of direction steer how a word is drawn, not which word it is.
    "\u200c": "",
    "\u200d": "",
    "\u200e": "",
    "\u200f": "",
    "\u061c": "",
    "\u00ad": "",
    # Latin letters that have no decomposition; sharp s and the ligatures are covered by NFKC and casefold.
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ł": "l",
    "ı": "i",
}
_TO_SAME_LETTER: Final = str.maketrans(_SAME_LETTER)
# in letters; what is longer than a name is not looked through again and again
_LONGEST_NAME: Final = 120
# Vowel signs of Indic scripts and their like, which folding keeps; Python counts them out of words.
_VOWEL_SIGNS: Final = "".join(
    each
    for each in map(chr, range(0x0300, 0x2000))
    if unicodedata.category(each).startswith("M") and not unicodedata.combining(each)
)
_WORD: Final = re.compile(rf"(?:[^\W_]|[{_VOWEL_SIGNS}])+")
# An article, alone or behind a conjunction or preposition, when at least two letters of the word remain.
_ARTICLE: Final = re.compile(r"(?:[وف]?(?:[بك]?ال|لل))(?=[ء-ي]{2})")


def fold(text: str) -> str:
    """Fold a text for searching; spaces and punctuation stay.

    Args:
        text: any text.

    Returns:
        Its folded form; folding it again changes nothing.
    """
    if text.isascii():
        return text.lower()
    # Casefolding may undo the normal form, and normalising may bring back a cased letter: until it rests.
    folded = _fold_once(text)
    while (again := _fold_once(folded)) != folded:
        folded = again
    return folded


def tokens(text: str) -> list[str]:
    """Cut a text into folded words of letters and digits, in their order.

    An Arabic word behind an article (ال، وال، بال، كال، فال، لل and their compounds) is given twice: as it
    stands, then without the article. This is what an index holds; a query asks with :func:`query_terms`.

    Args:
        text: any text.

    Returns:
        The words; empty when there are none.
    """
    return list(_tokens(text))


def query_terms(text: str) -> list[str]:
    """Cut a query into the words that must all be found in what :func:`tokens` or :func:`search_text` gave.

    Each word once and without its article, because the index holds every word in that form: so «الوزارات» and
    «وزارات» find each other.

    Args:
        text: what a person typed.

    Returns:
        The folded words in their order; empty when there are none.
    """
    return list(_query_terms(text))


# a list asks each of its rows with the same words
@lru_cache(maxsize=64)
def _query_terms(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_without_article(word) for word in _words(text)))


def words_match(text: str, among: Iterable[str]) -> bool:
    """Whether every word of a query begins a word of some texts.

    Args:
        text: what a person typed; empty matches everything.
        among: the texts, in whatever languages.
    """
    return words_matcher(text)(among)


def words_matcher(text: str) -> Callable[[Iterable[str]], bool]:
    """The same for thousands of rows, whose query is cut and folded once.

    Args:
        text: what a person typed; empty matches everything.

    Returns:
        Tells of some texts whether every word of the query begins a word of them.
    """
    wanted = _query_terms(text)

    def match(among: Iterable[str]) -> bool:
        held = {token for each in among for token in _tokens_of(each)} if wanted else set()
        return all(any(token.startswith(word) for token in held) for word in wanted)

    return match


def search_text(*texts: str) -> str:
    """Write the words of some texts as one line for a search column.

    Args:
        texts: for example a title, a description and some aliases.

    Returns:
        Each folded word once, in the order of its first use, separated by single spaces.
    """
    return " ".join(dict.fromkeys(token for text in texts for token in _tokens(text)))


def _fold_once(text: str) -> str:
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_TO_SAME_LETTER)
    letters = (each for each in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", "".join(map(_digit, letters))).translate(_TO_SAME_LETTER)


def _digit(character: str) -> str:
    return str(unicodedata.digit(character)) if character.isdecimal() else character


def _words(text: str) -> Iterator[str]:
    return (match.group() for match in _WORD.finditer(fold(text)))


def _without_article(word: str) -> str:
    article = _ARTICLE.match(word)
    return word if article is None else word[article.end() :]


def _tokens_of(text: str) -> tuple[str, ...]:
    return _tokens_of_name(text) if len(text) <= _LONGEST_NAME else tuple(_tokens(text))


# every search looks through the same names of nations, partners and people; to fold an Arabic one takes 48 µs
@lru_cache(maxsize=10_000)
def _tokens_of_name(text: str) -> tuple[str, ...]:
    return tuple(_tokens(text))


def _tokens(text: str) -> Iterator[str]:
    for word in _words(text):
        yield word
        bare = _without_article(word)
        if bare != word:
            yield bare
