"""The descriptor: what a node says of itself, and what of it is not believed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.cooperation.partners.errors import DescriptorRefused
from taawun.cooperation.partners.identity import descriptor
from taawun.foundation.clock import timestamp
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical, parse
from tests.strategies import words

KEY, RECOVERY, OTHER = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
AT = datetime(2026, 3, 1, tzinfo=UTC)
NODE = "https://south.example"


def written(**changes: Any) -> str:
    """A descriptor of the south; ``changes`` are arguments of whatever type each has."""
    arguments: dict[str, Any] = {
        "node": NODE,
        "kind": "nation",
        "nation": "XS",
        "name": Text.of(en="Southern CERT"),
        "nation_name": Text.of(en="Southland"),
        "contacts": [{"telephone": "+00 1"}],
        "key": KEY,
        "recovery_jwk": RECOVERY.public.to_jwk(),
        "at": AT,
    }
    return descriptor.write(**(arguments | changes))


def said(changes: Mapping[str, object], *, key: SigningKey = KEY, typ: str = descriptor.TYP) -> str:
    """The same with members of its JSON replaced; None leaves one out."""
    members: dict[str, object] = {**parse(KEY.public.verify(written(), descriptor.TYP)), **changes}
    return key.sign(canonical({name: value for name, value in members.items() if value is not None}), typ)


def test_what_a_node_says_of_itself_is_read_back() -> None:
    token = written()
    told = descriptor.read(token, at=AT, expected_node=NODE)
    assert (told.node, told.kind, told.nation) == (NODE, "nation", "XS")
    assert (told.name, told.nation_name) == (Text.of(en="Southern CERT"), Text.of(en="Southland"))
    assert (told.key, told.recovery) == (KEY.public, RECOVERY.public)
    assert (told.issued, told.valid_until) == (AT, AT + timedelta(days=28))
    assert (told.contacts, told.token) == (({"telephone": "+00 1"},), token)
    assert descriptor.read(token.encode(), at=AT) == told


def test_a_secretariat_has_no_nation() -> None:
    told = descriptor.read(written(kind="community", nation="", nation_name=None, recovery_jwk=None), at=AT)
    assert (told.nation, told.nation_name, told.recovery) == ("", None, None)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "signature"),
        ("a.b.c", "signature"),
        ("ж.ж.ж", "signature"),
        (b"\xff.\xff.\xff", "signature"),
        ("a" * 70_000, "too-large"),
        (KEY.sign(b"[]", descriptor.TYP), "malformed"),
        (KEY.sign(b"{}", descriptor.TYP), "malformed"),
        (KEY.sign(b'{"a":1,"a":2}', descriptor.TYP), "signature"),
        (said({}, key=OTHER), "signature"),
        (said({}, typ="taawun-entry+jws"), "signature"),
        (written()[:-4] + "AAAA", "signature"),
        (said({"keys": None}), "malformed"),
        (said({"keys": []}), "malformed"),
        (said({"keys": {"current": "key"}}), "malformed"),
        (said({"keys": {"current": ["key"]}}), "malformed"),
        (said({"keys": {"current": 5}}), "malformed"),
        (said({"keys": {"current": {}}}), "signature"),
        (said({"keys": {"current": OTHER.public.to_jwk()}}), "signature"),
        (said({"keys": {"current": KEY.public.to_jwk(), "recovery": "key"}}), "malformed"),
        (said({"keys": {"current": KEY.public.to_jwk(), "recovery": {"kty": "OKP"}}}), "malformed"),
        (said({"protocol": "taawun/2"}), "protocol"),
        (said({"protocol": None}), "protocol"),
        (said({"kind": "company"}), "kind"),
        (said({"kind": 5}), "malformed"),
        (said({"kind": None}), "malformed"),
        (said({"nation": "xs"}), "nation"),
        (said({"nation": "XSS"}), "nation"),
        (said({"nation": "ΑΒ"}), "nation"),
        (said({"nation": None, "nation_name": None}), "nation"),
        (said({"name": None}), "malformed"),
        (said({"name": {}}), "malformed"),
        # it would read as the name of another
        (said({"name": {"en": "\u202ehtroN TREC"}}), "malformed"),
        (said({"nation_name": {"en": "\u2067htroN"}}), "malformed"),
        (said({"name": "Southern CERT"}), "malformed"),
        (said({"nation_name": "Southland"}), "malformed"),
        (said({"contacts": "call us"}), "malformed"),
        (said({"contacts": ["call us"]}), "malformed"),
        (said({"contacts": 5}), "malformed"),
        (said({"node": None}), "malformed"),
        (said({"node": 5}), "malformed"),
        (said({"node": "https://" + "x" * 300}), "malformed"),
        (said({"node": "south.example"}), "node"),
        (said({"node": "ftp://south.example"}), "node"),
        (said({"node": "https://south.example/"}), "node"),
        (said({"node": "https://south.example/path"}), "node"),
        (said({"node": "https://south.example?x=1"}), "node"),
        (said({"node": "https://SOUTH.example"}), "node"),
        (said({"node": "https://user@south.example"}), "node"),
        (said({"node": "https://[south"}), "node"),
        (said({"node": "https://south.example:99999"}), "node"),
        (said({"node": "https://other.example"}), "node"),
        (said({"issued": "today"}), "malformed"),
        (said({"issued": None}), "malformed"),
        (said({"valid_until": 5}), "malformed"),
        (said({"issued": timestamp(AT + timedelta(seconds=61))}), "issued"),
        (said({"valid_until": timestamp(AT)}), "lapsed"),
        (said({"valid_until": timestamp(AT + timedelta(days=28, seconds=1))}), "valid-until"),
    ],
    ids=count(),
)
def test_a_descriptor_that_is_not_right_is_refused_with_its_member(token: str | bytes, code: str) -> None:
    with pytest.raises(DescriptorRefused) as refused:
        descriptor.read(token, at=AT, expected_node=NODE)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (timedelta(seconds=-60), None),
        (timedelta(seconds=-61), "issued"),
        (timedelta(days=28) - timedelta(seconds=1), None),
        (timedelta(days=28), "lapsed"),
    ],
)
def test_a_descriptor_holds_from_a_minute_before_it_was_issued_until_it_lapses(
    age: timedelta, code: str | None
) -> None:
    if code is None:
        assert descriptor.read(written(), at=AT + age).node == NODE
        return
    with pytest.raises(DescriptorRefused) as refused:
        descriptor.read(written(), at=AT + age)
    assert refused.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner) | st.dictionaries(words, inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(parse(KEY.public.verify(written(), descriptor.TYP)))), JSON))
def test_whatever_stands_in_its_members_it_is_read_or_refused(changes: dict[str, object]) -> None:
    try:
        told = descriptor.read(said(changes), at=AT)
    except DescriptorRefused as refused:
        assert refused.code  # noqa: PT017 - either end is right
    else:
        assert told.key == KEY.public
