"""A partner's keys follow each other here: what a descriptor proves, and what a replaced key may still sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import ChainBroken, DescriptorRefused, PartnerRefused
from taawun.cooperation.partners.exchange import access
from taawun.cooperation.partners.exchange.receiving import known_head, process_pending
from taawun.cooperation.partners.identity import descriptor, rotation
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.identity.rotation import BY_CURRENT, BY_RECOVERY, CURRENT, RECOVERY
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner, PartnerKey
from taawun.cooperation.people.models import Organisation
from taawun.foundation import request_signatures
from taawun.foundation.clock import FrozenClock, frozen, now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, partner
from tests.cooperation.conftest import Notes
from tests.lanes import TheirLane, nothing_to_fetch, talk_lane

SAFE, NEXT, THIEF = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()


@pytest.fixture
def clock(node: Organisation) -> Iterator[FrozenClock]:
    """The present, which stands still until it is moved."""
    with frozen(now()) as moved:
        yield moved


@pytest.fixture
def south(clock: FrozenClock) -> PartnerNode:
    """A compared partner whose recovery key was pinned."""
    found = partner(issued=now() - timedelta(days=5))
    Partner.objects.filter(id=found.row.id).update(recovery=SAFE.public.to_jwk())
    found.row.refresh_from_db()
    return found


def step(
    south: PartnerNode,
    old: SigningKey,
    new: SigningKey,
    *,
    by: str = BY_CURRENT,
    since: datetime | None = None,
    **changes: Any,
) -> list[str]:
    """A statement of the south; ``changes`` are members of whatever type each has."""
    members: dict[str, Any] = {
        "id": uuid7(),
        "node": south.node,
        "key": CURRENT,
        "old": old.kid,
        "new": new.public,
        "at": now(),
        "by": by,
        "revoked_since": since,
        "signers": (old if by == BY_CURRENT else SAFE, new),
        **changes,
    }
    return list(rotation.write(**members))


def told(south: PartnerNode, key: SigningKey, *steps: list[str], **changes: Any) -> str:
    """A descriptor of the south; ``changes`` are arguments of whatever type each has."""
    members: dict[str, Any] = {
        "node": south.node,
        "kind": "nation",
        "nation": "XS",
        "name": Text.of(en="Southern CERT"),
        "nation_name": Text.of(en="Southland"),
        "contacts": [],
        "key": key,
        "recovery_jwk": SAFE.public.to_jwk(),
        "at": now(),
        "rotations": steps,
        **changes,
    }
    return descriptor.write(**members)


def learn(south: PartnerNode, key: SigningKey, *steps: list[str], **changes: Any) -> Partner:
    """Let this node learn a descriptor; the row of the cast is the new one afterwards."""
    south.row.refresh_from_db()
    found = actions.learn_descriptor(south.row, told(south, key, *steps, **changes))
    south.row.refresh_from_db()
    return found


def refused(south: PartnerNode, key: SigningKey, *steps: list[str], **changes: Any) -> str:
    """The code by which a descriptor is refused, which changes nothing."""
    before = (south.row.kid, list(PartnerKey.objects.values()), Partner.objects.get(id=south.row.id).recovery)
    with pytest.raises(DescriptorRefused) as why:
        learn(south, key, *steps, **changes)
    south.row.refresh_from_db()
    assert (south.row.kid, list(PartnerKey.objects.values()), south.row.recovery) == before
    return why.value.code


def _keys(south: PartnerNode) -> list[tuple[str, datetime | None]]:
    return [
        (known.kid, known.revoked_since) for known in lineage_of(Partner.objects.get(id=south.row.id)).keys
    ]


# ---- what a descriptor proves ---------------------------------------------------------------------------------------


def test_a_key_that_provably_followed_keeps_the_trust_and_is_told(south: PartnerNode) -> None:
    first = south.row.kid
    found = learn(south, NEXT, step(south, south.key, NEXT))
    assert (found.kid, found.state, found.jwk) == (NEXT.kid, "verified", NEXT.public.to_jwk())
    assert _keys(south) == [(first, None), (NEXT.kid, None)]
    assert PartnerKey.objects.get().proof != []
    row = AuditEntry.objects.get(verb="partners.key-rotated")
    assert (row.actor_id, row.details["from"], row.details["to"]) == (south.node, first, NEXT.kid)
    assert Notice.objects.get(kind="partners.key-rotated").params["by"] == "current"
    # the same descriptor again says nothing new
    learn(south, NEXT, step(south, south.key, NEXT))
    assert Notice.objects.get(kind="partners.key-rotated").times == 1
    assert AuditEntry.objects.filter(verb="partners.key-rotated").count() == 1


def test_a_revocation_by_the_pinned_recovery_key_is_an_alarm(south: PartnerNode) -> None:
    since, first = now() - timedelta(days=2), south.row.kid
    learn(south, NEXT, step(south, south.key, NEXT, by=BY_RECOVERY, since=since))
    assert _keys(south) == [(first, since), (NEXT.kid, None)]
    notice = Notice.objects.get(kind="partners.key-revoked")
    assert (notice.level, notice.params["node"]) == ("alarm", south.node)


def test_a_key_that_is_revoked_again_is_doubted_from_the_earlier_instant_on(south: PartnerNode) -> None:
    early, late = now() - timedelta(days=3), now() - timedelta(days=1)
    once = step(south, south.key, NEXT, by=BY_RECOVERY, since=early)
    learn(south, NEXT, once)
    learn(south, THIEF, once, step(south, south.key, THIEF, by=BY_RECOVERY, since=late))
    assert dict(_keys(south))[south.key.kid] == early


def test_a_stolen_key_that_was_rotated_away_comes_back_to_its_owner(south: PartnerNode) -> None:
    since, first = now() - timedelta(days=2), south.row.kid
    learn(south, THIEF, step(south, south.key, THIEF))
    assert south.row.kid == THIEF.kid
    # the owner knows nothing of what the thief did: its statements begin at its own key
    learn(south, NEXT, step(south, south.key, NEXT, by=BY_RECOVERY, since=since))
    assert _keys(south) == [(first, since), (THIEF.kid, since), (NEXT.kid, None)]
    assert refused(south, THIEF, step(south, south.key, THIEF)) == "retired-key"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda s: (THIEF, []), "key-changed", id="no proof"),
        pytest.param(
            lambda s: (THIEF, [step(s, NEXT, THIEF)]), "key-changed", id="proof by a key never seen"
        ),
        pytest.param(
            lambda s: (THIEF, [step(s, s.key, NEXT), step(s, THIEF, SAFE), step(s, SAFE, THIEF)]),
            "key-changed",
            id="a chain with a gap",
        ),
        pytest.param(
            lambda s: (NEXT, [step(s, s.key, NEXT), step(s, NEXT, s.key), step(s, s.key, THIEF)]),
            "",
            id="a loop is not walked",
        ),
        pytest.param(
            lambda s: (THIEF, [step(s, s.key, THIEF, by=BY_RECOVERY, signers=(s.key, THIEF))]),
            "key-changed",
            id="a revocation by the current key",
        ),
        pytest.param(
            lambda s: (THIEF, [step(s, s.key, THIEF, by=BY_RECOVERY, signers=(THIEF, THIEF))]),
            "key-changed",
            id="a recovery key that is not pinned",
        ),
        pytest.param(
            lambda s: (THIEF, [step(s, s.key, THIEF, node="https://east.example")]),
            "malformed",
            id="another node's",
        ),
        pytest.param(
            lambda s: (THIEF, [step(s, s.key, THIEF, signers=(THIEF, THIEF))]), "key-changed", id="forged"
        ),
        pytest.param(
            lambda s: (THIEF, [step(s, SigningKey.generate(), THIEF)] * 1000), "malformed", id="a thousand"
        ),
        pytest.param(
            lambda s: (THIEF, [step(s, s.key, THIEF, at=now() + timedelta(minutes=5))]),
            "malformed",
            id="future",
        ),
    ],
)
def test_what_proves_nothing_changes_nothing(south: PartnerNode, make: Any, code: str) -> None:
    key, steps = make(south)
    if not code:
        assert learn(south, key, *steps).kid == NEXT.kid
        return
    if len(steps) > 100:
        # its writer carries the last eight: this one was written by somebody else
        payload = descriptor.read(told(south, key), at=now())
        body = canonical(
            {
                "protocol": "taawun/1",
                "node": payload.node,
                "keys": {"current": key.public.to_jwk(), "rotations": [["x", "x"]] * len(steps)},
            }
        )
        with pytest.raises(DescriptorRefused) as why:
            actions.learn_descriptor(south.row, key.sign(body, descriptor.TYP))
        assert why.value.code == code
        return
    assert refused(south, key, *steps) == code
    if code == "key-changed":
        assert Notice.objects.get(kind="partners.key-changed").level == "alarm"


def test_a_rotation_is_not_undone_by_a_descriptor_of_before(south: PartnerNode) -> None:
    learn(south, NEXT, step(south, south.key, NEXT))
    # kept by a cache, or by somebody with the old key: the one says nothing new, the other is told
    assert refused(south, south.key, at=now() - timedelta(days=1)) == "older"
    assert not Notice.objects.filter(kind="partners.retired-key").exists()
    assert refused(south, south.key, at=now() + timedelta(seconds=1)) == "retired-key"
    assert Notice.objects.get(kind="partners.retired-key").level == "alarm"
    # its true descriptor ends the alarm
    learn(south, NEXT, step(south, south.key, NEXT), at=now() + timedelta(seconds=2))
    assert not Notice.objects.filter(kind="partners.retired-key", resolved=None).exists()


def test_another_recovery_key_than_the_pinned_one_is_told_and_not_taken(south: PartnerNode) -> None:
    learn(south, south.key, recovery_jwk=THIEF.public.to_jwk())
    assert south.row.recovery == SAFE.public.to_jwk()
    assert Notice.objects.get(kind="partners.recovery-unproven").level == "alarm"
    revocation = step(south, south.key, NEXT, by=BY_RECOVERY, signers=(THIEF, NEXT))
    assert refused(south, NEXT, revocation) == "key-changed"
    # with the word of the old one and of the current key it is another matter
    change = step(south, SAFE, THIEF, key=RECOVERY, by=BY_RECOVERY, signers=(SAFE, south.key))
    learn(south, south.key, change, recovery_jwk=THIEF.public.to_jwk(), at=now() + timedelta(seconds=1))
    assert south.row.recovery == THIEF.public.to_jwk()
    assert not Notice.objects.filter(kind="partners.recovery-unproven", resolved=None).exists()
    assert AuditEntry.objects.filter(verb="partners.recovery-key-changed").count() == 1


def test_the_recovery_key_is_pinned_when_administrators_compare_and_not_before(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    learn(south, south.key, at=now() + timedelta(seconds=1))
    assert south.row.recovery == {}
    revocation = step(south, south.key, NEXT, by=BY_RECOVERY, since=now())
    assert refused(south, NEXT, revocation, at=now() + timedelta(seconds=2)) == "key-changed"
    actions.verify(cast.administrator.actor, south.row, south.key.kid)
    south.row.refresh_from_db()
    assert south.row.recovery == SAFE.public.to_jwk()
    assert learn(south, NEXT, revocation, at=now() + timedelta(seconds=3)).kid == NEXT.kid


def test_a_key_that_is_swapped_while_two_administrators_compare_is_not_the_one_they_saw(cast: Cast) -> None:
    south = partner(state=Partner.State.MET, issued=now() - timedelta(days=1))
    learn(south, NEXT, step(south, south.key, NEXT))
    with pytest.raises(PartnerRefused) as why:
        actions.verify(cast.administrator.actor, south.row, south.key.kid)
    assert why.value.code == "key-changed"
    assert Partner.objects.get().state == "met"


def test_who_is_met_after_its_key_was_changed_brings_the_keys_of_before(node: Organisation) -> None:
    first, met = SigningKey.generate(), Partner.objects.create(node="https://south.example")
    at = now()
    retired = [descriptor.RetiredKey(first.public, None, at), descriptor.RetiredKey(NEXT.public, at, at)]
    found = actions.learn_descriptor(
        met, told(PartnerNode(met, NEXT), NEXT, retired=retired, recovery_jwk=None)
    )
    assert [known.kid for known in lineage_of(found).keys] == [first.kid, NEXT.kid]


# ---- requests and hints ---------------------------------------------------------------------------------------------


def _ask(key: SigningKey) -> tuple[int, str]:
    url = f"{settings.BASE_URL}/federation/lanes"
    headers = request_signatures.sign("GET", url, b"", key, at=now())
    answer = Client().get("/federation/lanes", headers=headers)
    kind = answer.headers.get("Content-Type", "")
    return answer.status_code, answer.json()["type"].removeprefix(
        "urn:taawun:problem:"
    ) if "problem" in kind else ""


def test_a_request_under_a_replaced_key_is_answered_for_what_was_on_its_way_and_no_longer(
    south: PartnerNode, clock: FrozenClock
) -> None:
    learn(south, NEXT, step(south, south.key, NEXT))
    assert (_ask(south.key), _ask(NEXT)) == ((200, ""), (200, ""))
    clock.advance(timedelta(seconds=121))
    assert (_ask(south.key), _ask(NEXT)) == ((401, "retired-key"), (200, ""))


def test_a_request_under_a_revoked_key_is_refused_at_once(south: PartnerNode) -> None:
    learn(south, NEXT, step(south, south.key, NEXT, by=BY_RECOVERY, since=now() - timedelta(days=1)))
    assert (_ask(south.key), _ask(NEXT)) == ((401, "retired-key"), (200, ""))


def test_a_key_that_a_stranger_names_as_its_own_of_before_stays_its_owners(south: PartnerNode) -> None:
    met = Partner.objects.create(node="https://east.example")
    retired = [descriptor.RetiredKey(south.key.public, None, now())]
    actions.learn_descriptor(
        met, told(PartnerNode(met, THIEF), THIEF, node="https://east.example", retired=retired)
    )
    assert _ask(south.key) == (200, "")


def _hint(token: str, key: SigningKey) -> int:
    body = canonical({"descriptor": token, "heads": []})
    url = f"{settings.BASE_URL}/federation/inbox"
    headers = request_signatures.sign("POST", url, body, key, at=now())
    answer = Client().post("/federation/inbox", body, content_type="application/json", headers=headers)
    return int(answer.status_code)


def test_a_hint_under_a_key_that_provably_followed_lets_the_descriptor_be_fetched(south: PartnerNode) -> None:
    Partner.objects.update(descriptor_fetched=now(), wants_pull=False)
    assert _hint(told(south, THIEF), THIEF) == 202
    held = Partner.objects.get()
    assert (held.wants_pull, held.descriptor_fetched) == (False, now())
    assert _hint(told(south, NEXT, step(south, south.key, NEXT)), NEXT) == 202
    held = Partner.objects.get()
    # what it says counts once the address itself has said so
    assert (held.wants_pull, held.descriptor_fetched, held.kid) == (True, None, south.key.kid)


# ---- lanes ----------------------------------------------------------------------------------------------------------


def _rotated(south: PartnerNode, lane: TheirLane) -> TheirLane:
    """The south has another key, and this node knows it."""
    learn(south, NEXT, step(south, south.key, NEXT))
    lane.sender = PartnerNode(south.row, NEXT)
    return lane


def _heard(lane: TheirLane, notes: Notes) -> list[object]:
    process_pending(lane.row, lane.sender.row, nothing_to_fetch)
    return notes.heard


def test_entries_under_both_keys_are_one_lane(south: PartnerNode, notes: Notes) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {"word": 1})
    lane.deliver()
    _rotated(south, lane).say("tests.word", {"word": 2})
    assert lane.deliver() == [("done", ""), ("done", ""), ("done", "")]
    assert notes.heard == [1, 2]
    assert list(LaneEntry.objects.order_by("seq").values_list("kid", flat=True)) == [
        south.key.kid,
        south.key.kid,
        NEXT.kid,
    ]
    # an entry of the new key stands for all before it, and no other key has its place
    row = Lane.objects.get(id=lane.row.id)
    assert (row.vouched_seq, row.newest_kid, row.older_until) == (2, NEXT.kid, 1)


def test_what_the_old_key_signed_is_taken_in_when_a_head_of_the_new_one_names_it(
    south: PartnerNode, notes: Notes
) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {"word": 1}, key=south.key)
    _rotated(south, lane)
    lane.take([entry.line for entry in lane.entries])
    assert _heard(lane, notes) == []
    assert lane.outcomes() == [("pending", "not-vouched")] * 2
    lane.row.refresh_from_db()
    known_head(lane.row, lane.sender.row, lane.head())
    assert _heard(lane, notes) == [1]
    assert Lane.objects.get(id=lane.row.id).state == "running"


def test_a_thief_of_the_old_key_who_serves_cannot_let_an_entry_be_taken_in(
    south: PartnerNode, notes: Notes
) -> None:
    lane = talk_lane(south)
    lane.deliver()
    _rotated(south, lane)
    # the head of before is all the thief has besides the key, and entries without end
    lane.say("tests.word", {"word": 9}, key=south.key)
    lane.take([lane.entries[-1].line, b'{"head":"' + lane.head(key=south.key).encode() + b'"}\n'])
    assert _heard(lane, notes) == []
    assert lane.outcomes()[1:] == [("pending", "not-vouched")]
    # and the true sender's next entry ends it, with an alarm
    lane.entries.pop()
    true = lane.say("tests.word", {"word": 2})
    with pytest.raises(ChainBroken) as broken:
        lane.take([true.line])
    assert broken.value.code == "fork"
    assert _heard(lane, notes) == []


def test_a_head_that_names_what_has_not_come_stands_for_nothing_that_an_old_key_brings_instead(
    south: PartnerNode, notes: Notes
) -> None:
    lane = talk_lane(south)
    lane.deliver()
    _rotated(south, lane)
    ahead = chain.Head(lane.row.wire_id, 1, "e" * 64, now())
    known_head(lane.row, lane.sender.row, chain.write_head(ahead, NEXT))
    lane.row.refresh_from_db()
    lane.say("tests.word", {"word": 9}, key=south.key)
    lane.take([lane.entries[-1].line])
    assert _heard(lane, notes) == []
    assert lane.outcomes()[1:] == [("pending", "not-vouched")]


@pytest.mark.parametrize("is_by_head", [True, False])
def test_an_old_key_does_not_continue_what_a_newer_one_has_signed(
    south: PartnerNode, notes: Notes, is_by_head: bool
) -> None:
    lane = talk_lane(south)
    lane.deliver()
    _rotated(south, lane)
    if is_by_head:
        known_head(lane.row, lane.sender.row, lane.head())
    else:
        lane.say("tests.word", {"word": 1})
        lane.deliver()
    last = len(lane.entries)
    lane.say("tests.word", {"word": 9}, key=south.key)
    with pytest.raises(ChainBroken) as broken:
        lane.take([lane.entries[-1].line])
    assert (broken.value.code, broken.value.seq) == ("signature", last)
    lane.row.refresh_from_db()
    with pytest.raises(ChainBroken) as broken:
        known_head(lane.row, lane.sender.row, lane.head(key=south.key))
    assert broken.value.code == "signature"
    assert notes.heard == ([] if is_by_head else [1])


def test_an_entry_that_is_dated_back_to_before_the_change_is_no_better(
    south: PartnerNode, notes: Notes
) -> None:
    lane = talk_lane(south)
    lane.deliver()
    _rotated(south, lane)
    lane.say("tests.word", {"word": 9}, key=south.key, issued=now() - timedelta(days=3))
    lane.take([lane.entries[-1].line])
    assert _heard(lane, notes) == []
    assert lane.outcomes()[1:] == [("pending", "not-vouched")]


def test_a_key_that_was_never_the_partners_signs_nothing(south: PartnerNode, notes: Notes) -> None:
    lane = talk_lane(south)
    lane.deliver()
    _rotated(south, lane).say("tests.word", {"word": 9}, key=THIEF)
    with pytest.raises(ChainBroken) as broken:
        lane.take([lane.entries[-1].line])
    assert broken.value.code == "signature"


def test_how_long_requests_of_before_are_answered_is_what_the_protocol_says() -> None:
    assert timedelta(seconds=120) == access._REPLACED
