"""The door for every JSON text that comes from outside (RFC 8259; where stricter, RFC 7493).

What two readers could take differently is refused, and every refusal names the place: text that is not
UTF-8, a key twice in one object, NaN and infinity, lone surrogates, NUL (which PostgreSQL cannot store), and
whatever is too large, too deep or too many. A byte order mark at the start is skipped.
"""

import codecs
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from taawun.foundation.errors import CodedError
from taawun.foundation.json_places import Token, Walker, line_and_column, pointer_segment

_MEBIBYTE: Final = 1024 * 1024
_LONGEST_NUMBER: Final = 400
# of the largest double: a reader that knows doubles only takes a larger whole number for infinity
_DIGITS_OF_LARGEST: Final = 309
_SPACE: Final = re.compile(r"[ \t\n\r]*+")
# Escapes that may stand for NUL or for half of a surrogate pair. Unescaped, neither gets past the decoder.
_SUSPECT_ESCAPE: Final = re.compile(r"\\u(?:0000|[dD])")
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a text may ask of the reader.

    Attributes:
        max_bytes: of the whole text.
        max_depth: containers inside each other; ``[]`` alone is 1.
        max_string: characters of one string or key.
        max_values: commas and opening brackets of the whole text, which bounds memory and time. Those inside
            strings count as well, so this is a bound, not a count.
    """

    max_bytes: int = 64 * _MEBIBYTE
    max_depth: int = 64
    max_string: int = 16 * _MEBIBYTE
    max_values: int = 2_000_000


DEFAULT_LIMITS: Final = Limits()


class JsonRefused(CodedError):
    """A JSON text that is not accepted; its sentence names the place.

    Codes: ``too-large``, ``not-utf8``, ``not-json``, ``trailing-data``, ``duplicate-key``, ``not-finite``,
    ``number-too-long``, ``too-deep``, ``too-many-values``, ``string-too-long``, ``nul-character``,
    ``lone-surrogate``; of :func:`objects_of` also ``not-an-object``, ``missing-array``, ``not-an-array``; of
    :func:`canonical` ``not-json-value``.

    Attributes:
        line: from 1; 0 where there is no text to point into.
        column: from 1, in characters; 0 where there is no text to point into.
        pointer: the JSON pointer (RFC 6901) of the place as far as it is known; long keys are cut in it, and
            what is not printable is escaped, so that it can be stored and shown.
    """

    def __init__(self, code: str, message: str, line: int = 0, column: int = 0, pointer: str = "") -> None:
        super().__init__(code, message)
        self.line = line
        self.column = column
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class RawElement:
    """One element of an array, as it was written and as it reads.

    Attributes:
        index: from 0.
        text: the exact source text, without the white space around it.
        value: what it reads as; not necessarily an object.
        line: the line it starts on, from 1.
    """

    index: int
    text: str
    # Any: this is the edge; the caller turns it into a typed model.
    value: Any
    line: int


def as_count(value: object, most: int = 2**62 - 1) -> int:
    """A value that was read, as a whole number that is not negative. ``1.0``, ``true`` and ``"1"`` are none.

    Args:
        value: what stood there.
        most: the largest that is taken.

    Raises:
        ValueError: it is none, or larger.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"{value!r:.40} is not a count")
    return value


def parse(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Read one JSON text.

    Args:
        data: the exact bytes that came in.
        limits: how much the text may ask for.

    Returns:
        The value: dict, list, str, int, float, bool or None.

    Raises:
        JsonRefused: when anything about it is not acceptable; names line, column and pointer.
    """
    source = _Source(_decode(data, limits), limits)
    value, end = source.value_at(source.skip_space(0), depth=0, pointer="")
    source.expect_end(end)
    return value


def objects_of(
    data: bytes, key: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[dict[str, Any], Iterator[RawElement]]:
    """Read an object whose member ``key`` is a long array, without holding the elements all at once.

    The whole text is checked before this returns, so iterating never refuses. Each element is read twice and
    held once: memory stays at the text and one element.

    Args:
        data: the exact bytes that came in.
        key: the member that holds the array; it may stand anywhere among the others.
        limits: how much the text may ask for; the depth counts from the top.

    Returns:
        The other members, and an iterator over the elements in their order.

    Raises:
        JsonRefused: when anything about the text is not acceptable, ``key`` is missing or holds no array.
    """
    source = _Source(_decode(data, limits), limits)
    top = _TopObject(source, key)
    array_start = top.read()
    return top.envelope, _elements(source.text, array_start)


def canonical(value: object) -> bytes:
    """Write a value so that equal values give equal bytes: UTF-8, sorted keys, no spaces.

    Keys sort by code point. It is for what this node writes; what was received is kept as it came.

    Args:
        value: anything :func:`parse` could return.

    Returns:
        The bytes.

    Raises:
        JsonRefused: ``not-json-value`` for NaN, infinity, lone surrogates, keys that are no text, and types
            JSON does not have; ``too-deep`` when it nests beyond what can be written.
    """
    try:
        written = json.dumps(
            value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        ).encode("utf-8")
    except RecursionError as error:
        raise JsonRefused("too-deep", "The value nests too deeply to be written as JSON.") from error
    except (TypeError, ValueError) as error:
        raise JsonRefused("not-json-value", f"The value cannot be written as JSON: {error}.") from error
    # The standard library writes the key 1 as "1", which would read back as another value.
    if not all(
        isinstance(name, str) for each in _containers(value) if isinstance(each, dict) for name in each
    ):
        raise JsonRefused("not-json-value", "The value cannot be written as JSON: a key is not a text.")
    return written


class _OffenceError(Exception):
    """Raised from inside the standard library's scanner; becomes a JsonRefused once its place is found."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _OffenceError("duplicate-key", repeated)
    return members


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise _OffenceError("number-too-long")
    if len(digits) >= _DIGITS_OF_LARGEST and math.isinf(float(digits)):
        raise _OffenceError("not-finite")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > _LONGEST_NUMBER:
        raise _OffenceError("number-too-long")
    number = float(digits)
    if math.isinf(number):
        raise _OffenceError("not-finite")
    return number


def _constant(_name: str) -> NoReturn:
    raise _OffenceError("not-finite")


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_object_of_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
# For what _STRICT has already accepted.
_FAST: Final = json.JSONDecoder()


class _Source:
    """A decoded text under limits, and the way from an offence to its place."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        # One search at the speed of memory spares a walk over every string of an honest text.
        self._has_suspects = _SUSPECT_ESCAPE.search(text) is not None
        if sum(text.count(each) for each in ",[{") > limits.max_values:
            self.refuse("too-many-values", 0, "")

    def skip_space(self, position: int) -> int:
        return _skip_space(self.text, position)

    def expect_end(self, position: int) -> None:
        end = self.skip_space(position)
        if end != len(self.text):
            self.refuse("trailing-data", end, "")

    def value_at(self, start: int, depth: int, pointer: str) -> tuple[Any, int]:
        """Read the value at ``start``, which is inside ``depth`` containers; return it and where it ends."""
        try:
            value, end = _STRICT.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            self._refuse_syntax(error.msg, error.pos, start, pointer)
        except RecursionError:
            self._refuse_inside("too-deep", start, depth, pointer)
        except _OffenceError as offence:
            self._refuse_inside(offence.code, start, depth, pointer, offence.detail)
        self._check(value, start, end, depth, pointer)
        return value, end

    def _check(self, value: Any, start: int, end: int, depth: int, pointer: str) -> None:
        # No value is deeper than it has opening brackets, and most have few.
        brackets = self.text.count("[", start, end) + self.text.count("{", start, end)
        if depth + brackets > self.limits.max_depth and depth + _depth(value) > self.limits.max_depth:
            self._refuse_inside("too-deep", start, depth, pointer)
        if self._has_suspects or end - start > self.limits.max_string:
            code = next((code for code in map(self._string_offence, _strings(value)) if code), None)
            if code is not None:
                self._refuse_inside(code, start, depth, pointer)

    def _string_offence(self, text: str) -> str | None:
        if len(text) > self.limits.max_string:
            return "string-too-long"
        if "\0" in text:
            return "nul-character"
        return "lone-surrogate" if _has_lone_surrogate(text) else None

    def _offends(self, code: str) -> Callable[[Token], bool]:
        """Tell what the token at the place of an offence looks like."""
        limits = self.limits
        tests: dict[str, Callable[[Token], bool]] = {
            "duplicate-key": lambda token: token.repeated,
            "too-deep": lambda token: token.kind == "open" and token.depth > limits.max_depth,
            "number-too-long": lambda token: token.kind == "scalar" and len(token.text) > _LONGEST_NUMBER,
            "not-finite": lambda token: token.kind == "scalar" and _is_not_finite(token.text),
        }
        return tests.get(code, lambda token: self._string_offence(token.value) == code)

    def _refuse_inside(self, code: str, start: int, depth: int, pointer: str, detail: str = "") -> NoReturn:
        walker = Walker(self.text, start, pointer, depth)
        offends = self._offends(code)
        for token in walker:
            if offends(token):
                self.refuse(code, token.position, walker.pointer(), token.value)
        self.refuse(code, start, pointer, detail)

    def _refuse_syntax(self, problem: str, position: int, start: int, pointer: str) -> NoReturn:
        last = start
        for token in Walker(self.text, start, pointer, 0):
            if token.position >= position:
                break
            last = token.position
        # A second walk, because a pointer at every token of the first would cost the depth each time.
        walker = Walker(self.text, start, pointer, 0)
        place = next((walker.pointer() for token in walker if token.position == last), pointer)
        self.refuse("not-json", position, place, problem[:1].lower() + problem[1:])

    def refuse(self, code: str, position: int, pointer: str, detail: str = "") -> NoReturn:
        """Refuse the text for what stands at a position."""
        line, column = line_and_column(self.text, position)
        sentence = _sentence(code, self.limits, detail)
        where = f"Line {line}, column {column}" + (f" ({pointer})" if pointer else "")
        raise JsonRefused(code, f"{where}: {sentence}", line, column, pointer)


def _sentence(code: str, limits: Limits, detail: str) -> str:
    shown = repr(detail[:_SHOWN])
    sentences = {
        "not-json": f"this is not JSON: {detail}.",
        "trailing-data": "something follows the end of the JSON text; send one value.",
        "duplicate-key": f"the key {shown} stands twice in one object; keep one of them.",
        "not-finite": "this number is not finite; JSON has no NaN, no infinity and nothing above 1.8e308.",
        "number-too-long": f"this number has more than {_LONGEST_NUMBER} characters.",
        "too-deep": f"the text nests deeper than {limits.max_depth} levels.",
        "too-many-values": f"the text holds more than {limits.max_values} values; send it in parts.",
        "string-too-long": f"this string is longer than {limits.max_string} characters.",
        "nul-character": "this string holds the character NUL (\\u0000), which cannot be stored.",
        "lone-surrogate": "this string holds half of a surrogate pair, which is no character.",
        "not-an-object": "the text must be a JSON object.",
        "missing-array": f"the object must have a member {shown} that is an array.",
        "not-an-array": f"the member {shown} must be an array.",
    }
    return sentences[code]


def _decode(data: bytes, limits: Limits) -> str:
    if len(data) > limits.max_bytes:
        raise JsonRefused(
            "too-large", f"The text has {len(data)} bytes; at most {limits.max_bytes} are taken."
        )
    marks = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        return str(memoryview(data)[marks:], "utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + marks
        before = data[data.rfind(b"\n", 0, offset) + 1 : offset]
        line, column = data.count(b"\n", 0, offset) + 1, len(before.decode("utf-8-sig")) + 1
        raise JsonRefused(
            "not-utf8",
            f"Line {line}, column {column}: byte {offset} is not UTF-8; save the text as UTF-8.",
            line,
            column,
        ) from error


class _TopObject:
    """Reads the top object of a text member by member, and the one long array in it element by element."""

    def __init__(self, source: _Source, key: str) -> None:
        self._source = source
        self._key = key
        self._position = 0
        self._array_start: int | None = None
        self.envelope: dict[str, Any] = {}

    def read(self) -> int:
        """Check the whole text, fill the envelope, and return where the array starts."""
        if not self._take("{"):
            self._source.value_at(self._position, 0, "")
            self._source.refuse("not-an-object", self._position, "")
        opening = self._position - 1
        if not self._take("}"):
            self._member()
            while self._take(","):
                self._member()
            self._expect("}", "")
        self._source.expect_end(self._position)
        if self._array_start is None:
            self._source.refuse("missing-array", opening, "", self._key)
        return self._array_start

    def _take(self, character: str) -> bool:
        self._position = self._source.skip_space(self._position)
        if not self._source.text.startswith(character, self._position):
            return False
        self._position += 1
        return True

    def _expect(self, character: str, pointer: str) -> None:
        if not self._take(character):
            problem = f"expecting '{character}'"
            if character in "]}":
                problem += " or ','"
            self._source.refuse("not-json", self._position, pointer, problem)

    def _member(self) -> None:
        start = self._source.skip_space(self._position)
        if not self._source.text.startswith('"', start):
            self._source.refuse("not-json", start, "", "expecting a member's name in double quotes")
        name, self._position = self._source.value_at(start, 1, "")
        pointer = pointer_segment(name)
        if name in self.envelope or (name == self._key and self._array_start is not None):
            self._source.refuse("duplicate-key", start, pointer, name)
        self._expect(":", pointer)
        self._position = self._source.skip_space(self._position)
        if name == self._key:
            self._array(pointer)
        else:
            self.envelope[name], self._position = self._source.value_at(self._position, 1, pointer)

    def _array(self, pointer: str) -> None:
        self._array_start = self._position
        if not self._take("["):
            self._source.value_at(self._position, 1, pointer)
            self._source.refuse("not-an-array", self._position, pointer, self._key)
        if self._take("]"):
            return
        for index in itertools.count():
            start = self._source.skip_space(self._position)
            _, self._position = self._source.value_at(start, 2, f"{pointer}/{index}")
            if not self._take(","):
                break
        self._expect("]", pointer)


def _elements(text: str, array_start: int) -> Iterator[RawElement]:
    """Yield the elements of an array that was checked before."""
    line, counted = text.count("\n", 0, array_start) + 1, array_start
    position = _skip_space(text, array_start + 1)
    for index in itertools.count():
        if text[position] == "]":
            return
        value, end = _FAST.raw_decode(text, position)
        line, counted = line + text.count("\n", counted, position), position
        yield RawElement(index, text[position:end], value, line)
        position = _skip_space(text, end)
        if text[position] == ",":
            position = _skip_space(text, position + 1)


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return position if match is None else match.end()


def _containers(value: object) -> Iterator[dict[Any, Any] | list[Any] | tuple[Any, ...]]:
    """Yield every container of a value, without recursion, so that depth costs no stack."""
    for level in _levels(value):
        yield from level


def _levels(value: object) -> Iterator[list[Any]]:
    level = [value] if isinstance(value, (dict, list, tuple)) else []
    while level:
        yield level
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list, tuple))
        ]


def _depth(value: object) -> int:
    return sum(1 for _ in _levels(value))


def _strings(value: object) -> Iterator[str]:
    """Yield every key and string of a value."""
    if isinstance(value, str):
        yield value
    for container in _containers(value):
        if isinstance(container, dict):
            yield from container
        children = container.values() if isinstance(container, dict) else container
        yield from (child for child in children if isinstance(child, str))


def _has_lone_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _is_not_finite(written: str) -> bool:
    try:
        return not math.isfinite(float(written))
    except ValueError:
        return False
