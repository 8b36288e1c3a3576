"""Where in a JSON text something stands: line, column and JSON pointer (RFC 6901).

The fast scanner of the standard library tells that a text offends, not always where. This one walks the text
token by token, without recursion, and is used only once a text is already refused.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

# Possessive quantifiers: a string of many megabytes is passed in one step and without backtracking.
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},:]|[^\s\[\]{},:"]++|"', re.DOTALL)
# Walking costs about a second for this many tokens; what offends later is placed by the start of the value.
_MOST_TOKENS: Final = 500_000
_LONGEST_SEGMENT: Final = 100
_LONGEST_POINTER: Final = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of JSON text and where it stands.

    Attributes:
        kind: ``open``, ``close``, ``key``, ``string`` or ``scalar`` (a number or a literal).
        position: characters before it.
        text: as it is written.
        value: the unescaped text of a key or string; empty for the others.
        depth: how many containers it is in, an opening bracket counting itself.
        repeated: whether it is a key its object already has.
    """

    kind: str
    position: int
    text: str
    value: str
    depth: int
    repeated: bool = False


@dataclass(slots=True)
class _Container:
    is_object: bool
    expects_key: bool
    keys: set[str] = field(default_factory=set)
    key: str = ""
    index: int = 0

    def segment(self) -> str:
        return pointer_segment(self.key) if self.is_object else f"/{self.index}"


class Walker:
    """Walks one value of a JSON text; iterate over it for its tokens."""

    def __init__(self, text: str, start: int, pointer: str, depth: int) -> None:
        """Prepare a walk.

        Args:
            text: the whole text.
            start: where the value starts, in characters.
            pointer: the JSON pointer of the value.
            depth: how many containers the value is in.
        """
        self._text = text
        self._start = start
        self._pointer = pointer
        self._outer_depth = depth
        self._containers: list[_Container] = []

    def pointer(self) -> str:
        """Tell the JSON pointer of the place the walk has reached; the end of a very long one is cut.

        It costs a step a container: ask for it once, not at each token.
        """
        whole = self._pointer + "".join(each.segment() for each in self._containers)
        return whole if len(whole) <= _LONGEST_POINTER else whole[:_LONGEST_POINTER] + "…"

    def __iter__(self) -> Iterator[Token]:
        """Yield the tokens until the value ends, the text breaks off, or half a million are walked."""
        for match in itertools.islice(_TOKEN.finditer(self._text, self._start), _MOST_TOKENS):
            written = match.group()
            if written == '"':
                return
            token = self._take(written, match.start())
            if token is not None:
                yield token
                self._enter(token)
            if not self._containers:
                return

    def _take(self, written: str, position: int) -> Token | None:
        inner = self._containers[-1] if self._containers else None
        depth = self._outer_depth + len(self._containers)
        if written in "[{":
            return Token("open", position, written, "", depth + 1)
        if written in "]}":
            if inner is not None:
                self._containers.pop()
            return Token("close", position, written, "", depth)
        if written in ",:":
            self._punctuate(inner, written)
            return None
        if written[0] != '"':
            return Token("scalar", position, written, "", depth)
        return self._string(inner, written, position, depth)

    @staticmethod
    def _punctuate(inner: _Container | None, written: str) -> None:
        if inner is None:
            return
        if inner.is_object:
            inner.expects_key = written == ","
        elif written == ",":
            inner.index += 1

    @staticmethod
    def _string(inner: _Container | None, written: str, position: int, depth: int) -> Token | None:
        try:
            value = json.loads(written, strict=False) if "\\" in written else written[1:-1]
        except ValueError:
            # A broken escape: the text is refused for it at this very place.
            value = ""
        if inner is None or not inner.expects_key:
            return Token("string", position, written, value, depth)
        repeated = value in inner.keys
        inner.keys.add(value)
        inner.key = value
        return Token("key", position, written, value, depth, repeated)

    def _enter(self, token: Token) -> None:
        if token.kind == "open":
            is_object = token.text == "{"
            self._containers.append(_Container(is_object, expects_key=is_object))


def pointer_segment(name: str) -> str:
    """Write one step of a JSON pointer, fit for a message: long names are cut, controls are escaped.

    Args:
        name: the key of a member, as hostile as it may be.

    Returns:
        The step with its slash; it can be stored, encoded and shown whatever the key is.
    """
    cut = name if len(name) <= _LONGEST_SEGMENT else name[:_LONGEST_SEGMENT] + "…"
    escaped = cut.replace("~", "~0").replace("/", "~1")
    return "/" + "".join(each if each.isprintable() else repr(each)[1:-1] for each in escaped)


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Tell line and column of a position, both counted from 1, the column in characters."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
