"""How one key of a node follows another: what a statement proves to whom, and what it does not (docs/protocol.md)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from taawun.cooperation.partners.errors import DescriptorRefused
from taawun.cooperation.partners.identity import descriptor, rotation
from taawun.cooperation.partners.identity.lineage import MOST_KEYS, KnownKey, Lineage, Walk, walk
from taawun.cooperation.partners.identity.rotation import BY_CURRENT, BY_RECOVERY, CURRENT, RECOVERY, Rotation
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SignatureRefused, SigningKey
from taawun.foundation.strict_json import canonical, parse

NODE, OTHER_NODE = "https://south.example", "https://east.example"
AT = datetime(2026, 3, 1, tzinfo=UTC)
A, B, C, D, THIEF = (SigningKey.generate() for _ in range(5))
SAFE, OTHER_SAFE = SigningKey.generate(), SigningKey.generate()


def said(
    old: SigningKey,
    new: SigningKey,
    by: str = BY_CURRENT,
    *,
    signer: SigningKey | None = None,
    **changes: Any,
) -> Rotation:
    """A statement; ``changes`` are members of whatever type each has."""
    members: dict[str, Any] = {
        "id": uuid7(),
        "node": NODE,
        "key": CURRENT,
        "old": old.kid,
        "new": new.public,
        "at": AT,
        "by": by,
        "revoked_since": None,
        "signers": (signer or (old if by == BY_CURRENT else SAFE), new),
        **changes,
    }
    return rotation.read(list(rotation.write(**members)), node=members["node"], at=AT)


def walked(
    *statements: Rotation, held: tuple[SigningKey, ...] = (A,), safe: SigningKey | None = SAFE
) -> Walk:
    lineage = Lineage([KnownKey(each.public, learned=AT - timedelta(days=9)) for each in held])
    return walk(lineage, safe.public if safe else None, statements, at=AT)


def kids(found: Walk) -> list[str]:
    return [known.kid for known in found.lineage.keys]


# ---- what a statement proves ----------------------------------------------------------------------------------------


def test_a_key_is_followed_on_its_own_word_and_the_reader_walks_any_number_of_steps() -> None:
    chain = (said(A, B), said(B, C), said(C, D))
    found = walked(*chain)
    assert kids(found) == [A.kid, B.kid, C.kid, D.kid]
    assert found.steps == chain
    assert [known.replaced for known in found.lineage.keys] == [AT, AT, AT, None]
    assert [known.revoked_since for known in found.lineage.keys] == [None] * 4
    # who knew a later key finds its way from there
    assert kids(walked(*chain, held=(C,))) == [C.kid, D.kid]


def test_the_pinned_recovery_key_lets_a_lost_key_be_followed() -> None:
    found = walked(said(A, B, BY_RECOVERY))
    assert kids(found) == [A.kid, B.kid]
    assert found.lineage.keys[0].revoked_since is None


def test_a_revocation_names_the_instant_from_which_on_the_old_key_is_not_believed() -> None:
    since = AT - timedelta(days=3)
    [old, new] = walked(said(A, B, BY_RECOVERY, revoked_since=since)).lineage.keys
    assert (old.revoked_since, new.revoked_since) == (since, None)
    assert [old.is_doubtful(since + timedelta(seconds=each)) for each in (-1, 0, 1)] == [False, False, True]


def test_a_thief_who_rotated_the_key_away_loses_it_to_the_recovery_key() -> None:
    since = AT - timedelta(days=3)
    taken = walked(said(A, THIEF))
    found = walk(taken.lineage, SAFE.public, [said(A, B, BY_RECOVERY, revoked_since=since)], at=AT)
    assert kids(found) == [A.kid, THIEF.kid, B.kid]
    assert [known.revoked_since for known in found.lineage.keys] == [since, since, None]
    # and is not let back in, whatever it signs: its key is not the current one
    again = walk(found.lineage, SAFE.public, [said(THIEF, C), said(A, D)], at=AT)
    assert again.steps == ()


def test_what_followed_behind_its_owners_back_is_revoked_though_the_owner_revokes_nothing() -> None:
    earlier = AT - timedelta(days=1)
    taken = walk(Lineage([KnownKey(A.public)]), SAFE.public, [said(A, THIEF)], at=earlier)
    found = walk(taken.lineage, SAFE.public, [said(A, B, BY_RECOVERY)], at=AT)
    assert [known.revoked_since for known in found.lineage.keys] == [None, earlier, None]


def test_a_recovery_key_is_followed_on_its_own_word_and_that_of_the_current_key() -> None:
    change = said(SAFE, OTHER_SAFE, BY_RECOVERY, key=RECOVERY, signers=(SAFE, A))
    found = walked(change, said(A, B, BY_RECOVERY, signer=OTHER_SAFE))
    assert (found.recovery, kids(found)) == (OTHER_SAFE.public, [A.kid, B.kid])
    # the old one says nothing any more
    assert kids(walked(change, said(A, B, BY_RECOVERY))) == [A.kid]


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([said(A, THIEF, signer=THIEF)], id="signed by the new key alone"),
        pytest.param([said(A, THIEF, signers=(A, B))], id="not signed by the new key"),
        pytest.param([said(B, THIEF)], id="of a key that was never seen"),
        pytest.param(
            [said(A, THIEF, BY_RECOVERY, signer=A)], id="the current key in place of the recovery key"
        ),
        pytest.param(
            [said(A, THIEF, BY_RECOVERY, signer=OTHER_SAFE)], id="a recovery key that is not pinned"
        ),
        pytest.param([said(A, B), said(C, D)], id="a gap"),
        pytest.param([said(B, C), said(A, B)], id="out of order"),
        pytest.param([said(A, B), said(B, A)], id="a loop"),
        pytest.param([said(A, A)], id="to itself"),
        pytest.param(
            [said(SAFE, OTHER_SAFE, BY_RECOVERY, key=RECOVERY, signers=(SAFE, THIEF))],
            id="a recovery key without the current key",
        ),
        pytest.param(
            [said(SAFE, OTHER_SAFE, BY_RECOVERY, key=RECOVERY, signers=(A, A))],
            id="a recovery key by the current key alone",
        ),
    ],
)
def test_what_proves_nothing_leaves_the_keys_where_its_proof_ends(statements: list[Rotation]) -> None:
    found = walked(*statements)
    proven = (
        [A.kid, B.kid] if any(each.old == A.kid and each.new == B.public for each in statements) else [A.kid]
    )
    assert kids(found) == proven
    assert found.recovery == SAFE.public
    assert all(known.revoked_since is None for known in found.lineage.keys)


def test_no_recovery_key_proves_anything_where_none_was_pinned() -> None:
    found = walked(said(A, B, BY_RECOVERY, revoked_since=AT), safe=None)
    assert (kids(found), found.steps) == ([A.kid], ())


def test_a_revocation_that_is_replayed_after_a_later_change_changes_nothing() -> None:
    revocation = said(A, B, BY_RECOVERY, revoked_since=AT)
    found = walked(revocation, said(B, C))
    again = walk(found.lineage, SAFE.public, [revocation], at=AT)
    assert (kids(again), again.steps) == ([A.kid, B.kid, C.kid], ())


def test_keys_without_end_are_not_remembered() -> None:
    keys = [SigningKey.generate() for _ in range(MOST_KEYS + 5)]
    found = walked(*(said(old, new) for old, new in pairwise(keys)), held=(keys[0],))
    assert len(found.lineage.keys) == MOST_KEYS


# ---- reading statements ---------------------------------------------------------------------------------------------


def _retold(**changes: object) -> list[str]:
    """A statement of A to B with members of its JSON replaced, signed like the true one; None leaves one out."""
    members = {**parse(A.public.verify(said(A, B).tokens[0], rotation.TYP)), **changes}
    payload = canonical({name: value for name, value in members.items() if value is not None})
    return [A.sign(payload, rotation.TYP), B.sign(payload, rotation.TYP)]


@pytest.mark.parametrize(
    "tokens",
    [
        None,
        [],
        ["a.b.c", "a.b.c"],
        list(said(A, B).tokens[:1]),
        [*said(A, B).tokens, said(A, B).tokens[0]],
        [said(A, B).tokens[0], said(A, C).tokens[1]],
        [A.sign(b"x" * 3000, rotation.TYP)] * 2,
        _retold(node=OTHER_NODE),
        _retold(at="2026-03-01T00:02:00Z"),
        _retold(at=None),
        _retold(to=None),
        _retold(to={"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}),
        _retold(key="other"),
        _retold(by="nobody"),
        _retold(revoked_since="2026-02-01T00:00:00Z"),
        _retold(by="recovery", revoked_since="2026-03-01T00:00:01Z"),
        _retold(by="recovery", key="recovery", revoked_since="2026-02-01T00:00:00Z"),
    ],
)
def test_what_is_no_statement_of_this_node_is_refused(tokens: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        rotation.read(tokens, node=NODE, at=AT)


def _descriptor(rotations: list[list[str]], **changes: Any) -> str:
    members: dict[str, Any] = {
        "node": NODE,
        "kind": "nation",
        "nation": "XS",
        "name": Text.of(en="Southern CERT"),
        "nation_name": None,
        "contacts": [],
        "key": B,
        "recovery_jwk": SAFE.public.to_jwk(),
        "at": AT,
        "rotations": rotations,
        **changes,
    }
    return descriptor.write(**members)


def test_a_descriptor_carries_the_keys_of_the_past_and_the_way_to_the_present_one() -> None:
    step = said(A, B)
    retired = descriptor.RetiredKey(A.public, AT - timedelta(days=9), AT, AT - timedelta(days=1))
    told = descriptor.read(_descriptor([list(step.tokens)], retired=[retired]), at=AT)
    assert (told.rotations, told.retired) == ((step,), (retired,))


def test_a_descriptor_never_outgrows_its_bounds_however_often_a_key_was_changed() -> None:
    keys = [SigningKey.generate() for _ in range(60)]
    steps = [list(said(old, new).tokens) for old, new in pairwise(keys)]
    retired = [descriptor.RetiredKey(each.public, AT, AT, AT) for each in keys]
    token = _descriptor(steps, key=keys[-1], retired=retired[:-1])
    assert len(token) < descriptor.MAX_BYTES
    told = descriptor.read(token, at=AT)
    assert (len(told.rotations), len(told.retired)) == (8, 16)
    assert (told.rotations[-1].new, told.retired[-1].key) == (keys[-1].public, keys[-2].public)


@pytest.mark.parametrize("member", ["rotations", "retired"])
@pytest.mark.parametrize("number", [100, 1000])
def test_a_descriptor_with_keys_without_end_is_refused_before_any_is_looked_at(
    member: str, number: int
) -> None:
    payload = dict(parse(B.public.verify(_descriptor([]), descriptor.TYP)))
    payload["keys"] = {**payload["keys"], member: ["x"] * number}
    with pytest.raises(DescriptorRefused) as refused:
        descriptor.read(B.sign(canonical(payload), descriptor.TYP), at=AT)
    assert (refused.value.code, "at most" in str(refused.value)) == ("malformed", True)


# ---- which key may have signed --------------------------------------------------------------------------------------


def test_a_lineage_answers_which_of_its_keys_has_signed() -> None:
    keys = walked(said(A, B)).lineage
    for key in (A, B):
        token = key.sign(b"{}", "x+jws")
        assert (keys.signer(token).kid, keys.verify(token, "x+jws")) == (key.kid, b"{}")
    for lineage in (keys, Lineage([KnownKey(A.public)])):
        with pytest.raises(SignatureRefused) as refused:
            lineage.verify(THIEF.sign(b"{}", "x+jws"), "x+jws")
        assert refused.value.code == "other-key"


def test_a_key_that_a_document_names_stands_for_itself_and_those_that_followed_it() -> None:
    keys = walked(said(A, B), said(B, C)).lineage
    speaks = {
        (named, kid): keys.speaks_for(named.kid, kid.kid)
        for named in (A, B, THIEF)
        for kid in (A, B, C, THIEF)
    }
    assert [pair for pair, does in speaks.items() if does] == [(A, A), (A, B), (A, C), (B, B), (B, C)]
