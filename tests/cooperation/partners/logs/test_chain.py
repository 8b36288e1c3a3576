"""Headers, heads and lines: what was signed is what is read, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.logs.chain import Head, Header, Line
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical, parse
from taawun.foundation.tlp import Tlp
from tests.strategies import NODES, TOPICS, instants, words

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
LANE = UUID(int=7)
AT = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = Header(
    lane=LANE,
    sender="https://a.example",
    seq=1,
    prev="a" * 64,
    kind="intel.report",
    subject="urn:x",
    version="1",
    action="publish",
    tlp=Tlp.AMBER,
    digest="b" * 64,
    size=3,
    issued=AT,
)
HEAD = Head(LANE, 4, "a" * 64, AT)
_names = st.lists(words, max_size=3).map(tuple)
_digests = st.text("0123456789abcdef", min_size=64, max_size=64)

headers = st.builds(
    Header,
    lane=st.uuids(),
    sender=st.sampled_from(NODES),
    seq=st.integers(0, 2**62 - 1),
    prev=_digests,
    kind=words,
    subject=words,
    version=st.just("") | words,
    action=st.sampled_from(("publish", "withdraw")),
    tlp=st.sampled_from(Tlp),
    digest=st.just("") | _digests,
    size=st.integers(0, 2**40),
    issued=instants,
    topics=st.lists(st.sampled_from(TOPICS)).map(tuple),
    agreement=st.just("") | _digests,
    clause=st.just("") | words,
    audience=_names,
    persons=_names,
    licence=st.just("") | words,
    languages=_names,
    to=st.just("") | words,
    origin=st.just("") | words,
)


@given(headers)
def test_a_header_is_read_back_as_it_was_signed(header: Header) -> None:
    assert chain.read_header(chain.write_header(header, KEY), KEY.public) == header


@given(st.integers(-1, 2**62 - 1), _digests, instants)
def test_a_head_is_read_back_as_it_was_signed(seq: int, digest: str, at: datetime) -> None:
    head = Head(LANE, seq, digest, at)
    assert chain.read_head(chain.write_head(head, KEY), KEY.public) == head


def _signed(typ: str = chain.ENTRY_TYP, *, without: str = "", **changes: Any) -> str:
    """A header as JSON, spoilt; ``changes`` are of whatever type JSON has."""
    said: dict[str, Any] = parse(KEY.public.verify(chain.write_header(HEADER, KEY), chain.ENTRY_TYP))
    return KEY.sign(
        canonical({name: value for name, value in (said | changes).items() if name != without}), typ
    )


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (chain.write_header(HEADER, OTHER), "signature"),
        (_signed(chain.HEAD_TYP), "signature"),
        (KEY.sign(b"{", chain.ENTRY_TYP), "signature"),
        (KEY.sign(b'{"a":1,"a":2}', chain.ENTRY_TYP), "signature"),
        ("", "signature"),
        ("a.b.c", "signature"),
        ("ж", "signature"),
        (KEY.sign(b"[]", chain.ENTRY_TYP), "malformed"),
        (KEY.sign(b"null", chain.ENTRY_TYP), "malformed"),
        (_signed(lane=5), "malformed"),
        (_signed(lane="5"), "malformed"),
        (_signed(without="lane"), "malformed"),
        (_signed(sender=None), "malformed"),
        (_signed(sender="x" * 301), "malformed"),
        (_signed(seq=-1), "malformed"),
        (_signed(seq=True), "malformed"),
        (_signed(seq="1"), "malformed"),
        (_signed(seq=2**62), "malformed"),
        (_signed(prev="A" * 64), "malformed"),
        (_signed(without="prev"), "malformed"),
        (_signed(kind="k" * 81), "malformed"),
        (_signed(subject="s" * 401), "malformed"),
        (_signed(version="v" * 65), "malformed"),
        (_signed(action="delete"), "malformed"),
        (_signed(without="action"), "malformed"),
        (_signed(tlp=4), "malformed"),
        (_signed(without="tlp"), "malformed"),
        (_signed(topics="attack:T1566"), "malformed"),
        (_signed(topics=[1]), "malformed"),
        (_signed(digest="b"), "malformed"),
        (_signed(size=1.5), "malformed"),
        (_signed(without="size"), "malformed"),
        (_signed(issued="yesterday"), "malformed"),
        (_signed(issued=1), "malformed"),
        (_signed(agreement="AG-001"), "malformed"),
        (_signed(clause="c" * 41), "malformed"),
        (_signed(audience={}), "malformed"),
        (_signed(audience=["https://a.example/" + "x" * 70_000]), "malformed"),
    ],
    ids=count(),
)
def test_a_header_that_is_not_the_senders_or_not_whole_is_refused(token: str, code: str) -> None:
    with pytest.raises(ChainBroken) as broken:
        chain.read_header(token, KEY.public)
    assert broken.value.code == code


def test_a_marking_nobody_knows_is_red() -> None:
    assert chain.read_header(_signed(tlp="TLP:ULTRA"), KEY.public).tlp == Tlp.RED


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"[]", "malformed"),
        (b'{"lane":5,"seq":1}', "malformed"),
        (
            canonical({"lane": str(LANE), "seq": -2, "digest": "a" * 64, "time": "2026-01-01T00:00:00Z"}),
            "malformed",
        ),
        (
            canonical({"lane": str(LANE), "seq": 1, "digest": "a", "time": "2026-01-01T00:00:00Z"}),
            "malformed",
        ),
        (canonical({"lane": str(LANE), "seq": 1, "digest": "a" * 64, "time": "now"}), "malformed"),
        (canonical({"lane": str(LANE), "digest": "a" * 64, "time": "2026-01-01T00:00:00Z"}), "malformed"),
        (b"{", "signature"),
    ],
)
def test_a_head_that_is_not_whole_is_refused(said: bytes, code: str) -> None:
    with pytest.raises(ChainBroken) as broken:
        chain.read_head(KEY.sign(said, chain.HEAD_TYP), KEY.public)
    assert broken.value.code == code


def test_a_header_does_not_pass_for_a_head() -> None:
    with pytest.raises(ChainBroken, match="type"):
        chain.read_head(chain.write_header(HEADER, KEY), KEY.public)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "s" * 401},
        {"version": "v" * 65},
        {"licence": "l" * 301},
        {"clause": "c" * 41},
        {"action": "burn"},
        {"seq": -1},
        {"audience": tuple(f"https://{number}.example/{'x' * 250}" for number in range(250))},
    ],
)
def test_what_no_reader_would_take_is_never_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not a|neither|at most"):
        chain.write_header(replace(HEADER, **changes), KEY)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"lane": UUID(int=8)}, "sender"),
        ({"sender": "https://b.example"}, "sender"),
        ({"seq": 2}, "gap"),
        ({"seq": 0}, "reordered"),
        ({"prev": "c" * 64}, "fork"),
    ],
)
def test_an_entry_continues_its_lane_or_says_how_it_does_not(
    changes: dict[str, Any], code: str | None
) -> None:
    def check() -> None:
        chain.check_next(
            replace(HEADER, **changes),
            lane=LANE,
            sender="https://a.example",
            head_seq=0,
            head_digest="a" * 64,
        )

    if code is None:
        check()
        return
    with pytest.raises(ChainBroken) as broken:
        check()
    assert (broken.value.code, broken.value.seq) == (code, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('aé\n\r"\\{}ت '),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\n"), inner, max_size=3),
)


@given(JSON, st.sampled_from(["", "\n", "\r\n", " \n "]))
def test_a_content_made_one_line_has_the_same_value_and_comes_through_a_line_byte_for_byte(
    value: object, space: str
) -> None:
    import json  # noqa: PLC0415 - the standard library's own reading, to compare with

    content = chain.one_line(f"{space}{json.dumps(value, indent=1, ensure_ascii=False)}{space}".encode())
    assert b"\n" not in content
    assert json.loads(content) == value
    line = chain.write_line("h.e.d", content)
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    assert chain.read_line(line) == Line("h.e.d", content, None)


def test_a_line_without_content_and_the_line_of_a_head_are_told_apart() -> None:
    assert chain.read_line(chain.write_line("h.e.d", None)) == Line("h.e.d", None, None)
    assert chain.read_line(chain.write_head_line("h.e.d")) == Line(None, None, "h.e.d")
    assert chain.read_line(b'{"header":"h.e.d"}\r\n') == Line("h.e.d", None, None)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"null",
        b'{"header":""}',
        b'{"header":"h.e.d"',
        b'{"header":"h.e.d","content":}',
        b'{"header":"h.e.d", "content":1}',
        b'{"header":"h\\u002ee.d"}',
        b'{"content":1,"header":"h.e.d"}',
        b'{"head":"h.e.d","content":1}',
        b' {"head":"h.e.d"}',
        b'{"header":"h.e.d"}{"header":"h.e.d"}',
        b"\xff\xfe",
    ],
)
def test_a_line_of_another_form_is_refused(line: bytes) -> None:
    with pytest.raises(ChainBroken) as broken:
        chain.read_line(line)
    assert broken.value.code == "malformed"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_or_refused(line: bytes) -> None:
    try:
        read = chain.read_line(line)
    except ChainBroken as broken:
        assert broken.code == "malformed"  # noqa: PT017 - either end is right
    else:
        assert (read.header is None) != (read.head is None)


@given(st.data())
def test_no_byte_of_a_signed_header_can_be_changed(data: st.DataObject) -> None:
    token = chain.write_header(HEADER, KEY)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_.").filter(lambda each: each != token[place]))
    changed = token[:place] + letter + token[place + 1 :]
    with pytest.raises(ChainBroken):
        chain.read_header(changed, KEY.public)


def test_the_digest_of_a_header_is_that_of_its_token() -> None:
    assert chain.digest_of("h.e.d") == sha256(b"h.e.d")
