"""Characters that turn the direction of the text around them are shown as marks, wherever a page quotes them.

A file name with a right-to-left override (U+202E) before “gnp.exe” reads as that of a picture, and is a program's. What
is stored, exported or signed keeps such characters; only what a person reads shows them.

Source: Unicode Standard Annex #9, sections 2.1 to 2.5 and 6.3; Unicode Technical Standard #39, section 5.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["TURNING", "shown", "visible_page"]

# embeddings and overrides with their end, isolates with theirs; the direction marks (U+200E, U+200F, U+061C) turn
# nothing but themselves, and our own Arabic sentences use them
TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
# and what paper cannot show: controls other than tab and line feed, and halves of surrogate pairs
_CONTROLLING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# those of pages as UTF-8: a page without any is let through at the cost of one search for a byte
_IN_UTF8: Final = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
# what a form sends back and what a button copies is the text itself. Text that is quoted elsewhere in a page has its
# quotation marks and angle brackets escaped, so it cannot pass for one of these
_EXACT: Final = r'<textarea\b.*?</textarea>|\b(?:value|data-copy)="[^"]*"'
_IN_PAGE: Final = re.compile(f"{_EXACT}|({TURNING.pattern})", re.DOTALL)


def visible_page(html: bytes) -> bytes:
    """A page of ours in UTF-8, whose text and attributes show such characters as marks: ``[U+202E]``.

    Fields of forms and the values that buttons copy keep them. A page without any comes back as the same object.
    """
    if not _IN_UTF8.search(html):
        return html
    return _IN_PAGE.sub(lambda found: _mark(found[1]) if found[1] else found[0], html.decode()).encode()


def shown(words: str) -> str:
    """Words as whoever reads them may see them: such characters, and others that control a line, as marks."""
    return _CONTROLLING.sub(lambda found: _mark(found[0]), words)


def _mark(character: str) -> str:
    return f"[U+{ord(character):04X}]"
