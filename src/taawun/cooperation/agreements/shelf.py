"""Documents that were read before: a version's text never changes, so its digest is enough to find it again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from taawun.cooperation.agreements.document import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from taawun.cooperation.agreements.document import Document

__all__ = ["document", "missing"]

# bytes of text; what is kept in memory is some five times that. Ten thousand agreements of two clauses fit.
_MAX_BYTES: Final = 24 * 1024 * 1024


class _Shelf:
    """Documents by digest, the least lately used thrown out when there is too much of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, Document] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> Document | None:
        with self._lock:
            found = self._held.get(digest)
            if found is not None:
                self._held.move_to_end(digest)
            return found

    def put(self, digest: str, document: Document) -> None:
        with self._lock:
            if digest in self._held:
                return
            self._held[digest] = document
            self._bytes += len(document.text)
            while self._bytes > self._most and len(self._held) > 1:
                _digest, gone = self._held.popitem(last=False)
                self._bytes -= len(gone.text)


_shelf: Final = _Shelf(_MAX_BYTES)


def document(digest: str, text: Callable[[], bytes]) -> Document:
    """The document with a digest.

    Args:
        digest: SHA-256 of its exact text, as the database holds it.
        text: gives the text where the document is not remembered.

    Raises:
        DocumentRefused: the text is no document; it was one when it was stored.
    """
    found = _shelf.get(digest)
    if found is None:
        found = parse(text())
        # what does not bear the digest it is asked for by is read, and never remembered under another's name
        if found.digest == digest:
            _shelf.put(digest, found)
    return found


def missing(digests: Iterable[str]) -> list[str]:
    """Those of these digests whose documents are not remembered, in their order."""
    return [each for each in digests if _shelf.get(each) is None]
