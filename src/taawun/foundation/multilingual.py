"""Text that people wrote in one or more languages, and the honest choice among them.

A reader gets the text in the language asked for; where it is missing, in another one, marked as a fallback,
so that a page can say which language it shows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Self, get_args

from taawun.foundation.errors import CodedError

# The languages of the interface: whatever lists them is derived from here.
Language = Literal["ar", "en", "fr"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
# each in its own name, so that whoever landed in a wrong language finds theirs
OWN_NAMES: Final[Mapping[str, str]] = MappingProxyType({"ar": "العربية", "en": "English", "fr": "Français"})
FALLBACK_ORDER: Final = ("en", "ar", "fr")
MAX_CHARACTERS: Final = 500
MAX_PROSE: Final = 20_000
_MAX_LANGUAGES: Final = 50
# RFC 5646, section 2.1, as far as tags of human texts go: language, script, region, variants.
_TAG: Final = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?(?:-[a-z0-9]{5,8})*")

# C0 and C1 controls other than tab and line feed, halves of surrogate pairs, and what turns the direction of the text
# around it (Unicode Standard Annex 9): a name with an override reads as another name. Marks (U+200E, U+200F) may stand.
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


# scripts that run from right to left, by the languages that are written in them
_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


def is_rtl(tag: str) -> bool:
    """Whether a language is written from right to left."""
    return tag.partition("-")[0] in _RIGHT_TO_LEFT


# its letters, which is what `dir=auto` of HTML looks at (Unicode Standard Annex 9, rules P2 and P3)
_FIRST_LETTER: Final = re.compile(
    r"([\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc])|([A-Za-z\u00c0-\u024f])"
)


def script_of(words: str) -> Literal["und-Arab", "und-Latn"] | None:
    """The script that a text begins in, as the tag of a language nobody told us; None for one in neither.

    Source: RFC 5646, section 4.1 ("und"); ISO 15924.
    """
    found = _FIRST_LETTER.search(words)
    if found is None:
        return None
    return "und-Arab" if found[1] else "und-Latn"


def is_fit(words: str) -> bool:
    """Whether a text reads as what it is: no character in it controls the line, or turns its direction."""
    return _UNFIT.search(words) is None


class TextRefused(CodedError):
    """A text that is not accepted.

    Codes: ``not-a-text``, ``no-language``, ``bad-language``, ``empty``, ``too-long``, ``bad-character``.
    """


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as a reader gets it.

    Attributes:
        value: the words.
        language: the language they are in, for the ``lang`` attribute.
        is_fallback: whether another language was asked for.
    """

    value: str
    language: str
    is_fallback: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A short text in one or more languages; equal texts hold the same words in the same languages.

    Attributes:
        by_language: language tag (BCP 47) to words; at least one, in the order of their tags, read-only.
    """

    longest: ClassVar[int] = MAX_CHARACTERS
    by_language: Mapping[str, str]

    def __post_init__(self) -> None:
        words = _checked(self.by_language, self.longest)
        object.__setattr__(self, "by_language", MappingProxyType(words))

    @classmethod
    def of(cls, *, en: str = "", ar: str = "", fr: str = "") -> Self:
        """Make a text from words in the languages of the house; those left empty are left out.

        Raises:
            TextRefused: when all are empty, or one is too long or is not :func:`is_fit`.
        """
        given = {"ar": ar, "en": en, "fr": fr}
        return cls({language: words for language, words in given.items() if words})

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a text from a JSON object such as ``{"ar": "تعاون", "en": "Cooperation"}``.

        Args:
            value: what the JSON parser gave; keys are language tags, each value 1 to 500 characters.

        Returns:
            The text.

        Raises:
            TextRefused: when the value is anything else; the sentence names the language.
        """
        if not isinstance(value, Mapping):
            raise TextRefused(
                "not-a-text", "A text is an object of languages, such as {'en': 'Cooperation'}."
            )
        return cls(value)

    def to_json(self) -> dict[str, str]:
        """Write the text as a JSON object of languages, in the order of their tags."""
        return dict(self.by_language)

    def in_language(self, language: str) -> Rendered:
        """Give the text in a language, or the nearest there is.

        ``fr-CA`` is served by ``fr`` without being a fallback; ``fr`` by ``fr-CA`` likewise. Otherwise
        English, Arabic, French, then any other are tried in this order.

        Args:
            language: the language tag asked for.

        Returns:
            The words, the language they are in, and whether it is another language than asked for.
        """
        for found in (language, *self._of_same_language(language)):
            if found in self.by_language:
                return Rendered(self.by_language[found], found, is_fallback=False)
        fallback = next(each for each in (*FALLBACK_ORDER, *self.by_language) if each in self.by_language)
        return Rendered(self.by_language[fallback], fallback, is_fallback=True)

    def _of_same_language(self, language: str) -> list[str]:
        primary = language.partition("-")[0]
        return [primary, *(each for each in self.by_language if each.partition("-")[0] == primary)]

    def __hash__(self) -> int:
        return hash(tuple(self.by_language.items()))

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, str]]]:
        # A read-only view cannot be pickled; caches and workers need the text to be.
        return type(self), (dict(self.by_language),)


@dataclass(frozen=True, slots=True)
class Prose(Text):
    """A text of several paragraphs in one or more languages, each paragraph on a line of its own.

    Empty lines do not count. It differs from a :class:`Text` in its length alone: at most 20,000 characters in each
    language.
    """

    longest: ClassVar[int] = MAX_PROSE

    # a dataclass would make one of its own that a subclass of a class with slots cannot call
    __hash__ = Text.__hash__

    @staticmethod
    def paragraphs(words: str) -> list[str]:
        """The paragraphs of one language's words, without blanks at their edges."""
        return [found for line in words.splitlines() if (found := line.strip())]


# Any: a mapping is invariant in its keys, and this one may have come straight from a JSON parser.
def _checked(by_language: Mapping[Any, object], longest: int) -> dict[str, str]:
    if not by_language:
        raise TextRefused("no-language", "A text needs words in at least one language.")
    if len(by_language) > _MAX_LANGUAGES:
        raise TextRefused("bad-language", f"A text has at most {_MAX_LANGUAGES} languages.")
    words: dict[str, str] = {}
    for language in sorted(by_language, key=str):
        if not isinstance(language, str) or _TAG.fullmatch(language) is None:
            shown = repr(language)[:40]
            raise TextRefused("bad-language", f"{shown} is no language tag; write one like 'ar' or 'pt-BR'.")
        words[language] = _checked_words(language, by_language[language], longest)
    return words


def _checked_words(language: str, words: object, longest: int) -> str:
    if not isinstance(words, str):
        raise TextRefused("not-a-text", f"The text in '{language}' must be a string.")
    if not words.strip():
        raise TextRefused("empty", f"The text in '{language}' is empty; write it or leave the language out.")
    if len(words) > longest:
        raise TextRefused(
            "too-long", f"The text in '{language}' has {len(words)} characters; at most {longest} fit."
        )
    if not is_fit(words):
        raise TextRefused(
            "bad-character",
            f"The text in '{language}' holds a control character, or one that turns the direction of text; remove it.",
        )
    return words
