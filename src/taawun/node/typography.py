"""How French and Arabic are set: the marks that differ from English, and the spaces around them.

French puts a narrow no-break space (U+202F) before ``? ! ;`` and a no-break space before ``:`` and inside « »
(Lexique des règles typographiques en usage à l'Imprimerie nationale, "Ponctuation"). Arabic has its own
``؟ ، ؛`` and writes « ». Each function returns the text as it should be: one comparison finds what is wrong,
and the same call mends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["arabic", "french", "protected"]

NO_BREAK = "\u00a0"
NARROW_NO_BREAK = "\u202f"

# What a reader does not read as a sentence: placeholders, markup, entities, addresses, code.
PROTECTED = re.compile(
    r"%\([^)]*\)[#0\- +]*[\d.]*[a-z]|%[sd%]|\{[^{}]*\}|<[^<>]+>|&#?\w+;|https?://[^\s<>«»]*[^\s<>«».,;:!?)]|`[^`]*`"
)
FIRST_MASK = 0xE000  # the private use area: no message has these characters of its own

CLOSES = r"(?=[\s»)\]…]|$)"
FRENCH_MARKS = re.compile(rf"(?<=[^\s?!;:])[ {NO_BREAK}{NARROW_NO_BREAK}]*([?!;:]+){CLOSES}")
FRENCH_OPEN = re.compile(r"«\s*(?=\S)")
FRENCH_CLOSE = re.compile(r"(?<=\S)\s*»")
FRENCH_APOSTROPHE = re.compile(r"(?<=[^\W\d_])'(?=\w|[\ue000-\uf8ff])")
ARABIC_MARK = re.compile(rf"(?<=\S)[?,;]{CLOSES}")
ARABIC_OF = {"?": "؟", ",": "،", ";": "؛"}
ENGLISH_QUOTES = re.compile(r'"([^"]*)"|“([^“”]*)”')


def french(text: str) -> str:
    """French text with its spaces, quotation marks and apostrophes as they should be."""

    def set_marks(plain: str) -> str:
        plain = ENGLISH_QUOTES.sub(_guillemets, plain)
        plain = FRENCH_APOSTROPHE.sub("’", plain)
        plain = FRENCH_OPEN.sub("«" + NO_BREAK, plain)
        plain = FRENCH_CLOSE.sub(NO_BREAK + "»", plain)
        return FRENCH_MARKS.sub(lambda found: _space_before(found[1]) + found[1], plain)

    return _around_protected(text, set_marks)


def arabic(text: str) -> str:
    """Arabic text with its own question mark, comma, semicolon and quotation marks.

    A mark inside a number or a technical value (``1,000``, ``a=b;c=d``) stays: nothing but a space, a closing
    mark or the end follows one that ends a part of a sentence.
    """

    def set_marks(plain: str) -> str:
        plain = ENGLISH_QUOTES.sub(_guillemets, plain)
        return ARABIC_MARK.sub(lambda found: ARABIC_OF[found[0]], plain)

    return _around_protected(text, set_marks)


def protected(text: str) -> list[str]:
    """The parts of a message that no translation may set otherwise, in order."""
    return PROTECTED.findall(text)


def _guillemets(quoted: re.Match[str]) -> str:
    return f"«{quoted[1] or quoted[2] or ''}»"


def _space_before(marks: str) -> str:
    return NO_BREAK if marks.startswith(":") else NARROW_NO_BREAK


def _around_protected(text: str, change: Callable[[str], str]) -> str:
    parts = protected(text)
    positions = iter(range(len(parts)))
    masked = PROTECTED.sub(lambda _found: chr(FIRST_MASK + next(positions)), text)
    changed = change(masked)
    for position, part in enumerate(parts):
        changed = changed.replace(chr(FIRST_MASK + position), part)
    return changed
