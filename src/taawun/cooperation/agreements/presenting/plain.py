"""Sentences that were made for a page, as words without markup: for paper, and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Run", "plain", "runs"]

# what a browser does not show to somebody who reads
_UNSEEN = frozenset({"button", "svg", "title"})


@dataclass(frozen=True, slots=True)
class Run:
    """Words that are set in one way.

    Args:
        text: the words.
        is_code: whether they are technical and stand from left to right whatever surrounds them.
        is_isolated: whether their direction must not turn what surrounds them: a name in a sentence.
        language: the language they are in, where it is not the sentence's; else empty.
        is_strong: whether they stand out.
    """

    text: str
    is_code: bool = False
    is_isolated: bool = False
    language: str = ""
    is_strong: bool = False


def plain(markup: str) -> str:
    """The words of a sentence without its markup."""
    return "".join(run.text for run in runs(markup))


def runs(markup: str) -> tuple[Run, ...]:
    """The words of a sentence, taken apart where they are set differently.

    Args:
        markup: a sentence as :mod:`taawun.cooperation.agreements.presenting.sentences` makes it.
    """
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return _joined(reader.found)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Run] = []
        self._open: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br":
            self._open.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(tag in _UNSEEN or "unseen" in has.get("class", "").split() for tag, has in self._open):
            return
        is_code = any(
            tag == "code" or (has.get("dir") == "ltr" and not has.get("lang")) for tag, has in self._open
        )
        isolated = is_code or any(tag == "bdi" or has.get("dir") == "auto" for tag, has in self._open)
        language = next((has["lang"] for _tag, has in reversed(self._open) if has.get("lang")), "")
        self.found.append(Run(data, is_code=is_code, is_isolated=isolated, language=language))


def _joined(found: Sequence[Run]) -> tuple[Run, ...]:
    return tuple(run for run in found if run.text)
