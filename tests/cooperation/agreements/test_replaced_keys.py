"""What a thief of a key that was replaced says in its owner's name, and what its owner did say under it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from django.conf import settings

from taawun.cooperation.agreements.document import parse, write
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.proposals import PROPOSAL_TYP
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import OwnKey
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import canonical
from taawun.foundation.strict_json import parse as parse_json
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import PartnerNode
from tests.cooperation.agreements.test_instruments import (
    DONE,
    Community,
    _bundle,
    community,
    in_force,
    invited_here,
    told,
)
from tests.cooperation.agreements.test_shown import _rotated

__all__ = ["community", "in_force", "invited_here"]


def _replace_own_key() -> SigningKey:
    """This node signs with another key since yesterday; the one before it."""
    first, second, at = node_key(), SigningKey.generate(), now() - timedelta(days=1)
    OwnKey.objects.create(position=0, kid=first.kid, jwk=first.public.to_jwk(), until=at)
    OwnKey.objects.create(position=1, kid=second.kid, jwk=second.public.to_jwk(), since=at)
    return first


def test_a_thief_of_a_key_that_this_node_replaced_says_nothing_in_its_name_and_is_alarmed_about(
    in_force: Community,
) -> None:
    c, first = in_force, _replace_own_key()
    dated_back = timestamp(now() - timedelta(days=2))
    forged = c.token(first, settings.BASE_URL, "left", at=dated_back)
    assert told(c.west_lane, "agreement.evidence", c.evidence(forged)) == ("refused", "own-word-forged")
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE
    notice = Notice.objects.get(kind="agreements.own-word-forged", resolved=None)
    assert (notice.level, notice.params["node"], notice.params["kid"]) == (
        Notice.Level.ALARM,
        c.west.node,
        first.kid,
    )
    kind = registry.get(NoticeKind, notice.kind)
    assert first.kid in kind.sentence(notice.params)
    assert kind.address(notice.params).endswith(f"/{c.west.row.id}/")


def test_what_came_with_a_forged_word_of_this_node_is_taken_and_the_alarm_raised(in_force: Community) -> None:
    c, first = in_force, _replace_own_key()
    signature = c.token(first, settings.BASE_URL, digest="d" * 64)
    shown = c.evidence(c.of_south("suspended"), signatures=(signature,))
    assert told(c.west_lane, "agreement.evidence", shown) == DONE
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED
    assert Notice.objects.filter(kind="agreements.own-word-forged", resolved=None).count() == 1


def test_what_this_node_did_say_under_a_key_of_before_is_no_forgery(in_force: Community) -> None:
    c, ours = in_force, PartySignature.objects.get(node=settings.BASE_URL)
    _replace_own_key()
    shown = c.evidence(signatures=(ours.token,))
    assert told(c.west_lane, "agreement.evidence", shown) == DONE
    assert not Notice.objects.filter(kind="agreements.own-word-forged").exists()


def test_a_version_that_a_thief_proposes_under_a_key_that_this_node_replaced_is_not_taken(
    in_force: Community,
) -> None:
    c, first = in_force, _replace_own_key()
    text = parse(write(replace(c.text, version=2)))
    word = c.token(first, settings.BASE_URL, digest=text.digest)
    said = parse_json(peek(word).payload)
    proposal = first.sign(canonical({**said, "id": str(uuid4())}), PROPOSAL_TYP)
    shown = c.evidence(documents=[text.text.decode()], proposals=[proposal])
    assert told(c.west_lane, "agreement.evidence", shown) == ("refused", "own-word-forged")
    assert Version.objects.count() == 1


def test_what_a_replaced_key_of_a_partner_signed_counts_once_its_owner_stands_for_it(
    in_force: Community,
) -> None:
    c = in_force
    word = c.of_west("left", at=timestamp(now() - timedelta(days=1)))
    c.west_lane.sender = PartnerNode(c.west.row, _rotated(c.west))
    shown = c.evidence(word)
    assert told(c.south_lane, "agreement.evidence", shown) == ("refused", "retired-key")
    assert not PartyInstrument.objects.filter(kind="left").exists()
    held = {"agreement": str(c.text.id), "held": [sha256(word.encode())]}
    # whoever else says that it holds it proves nothing
    assert told(c.south_lane, "agreement.held", held) == DONE
    assert told(c.south_lane, "agreement.evidence", shown) == ("refused", "retired-key")
    assert told(c.west_lane, "agreement.held", held) == DONE
    assert told(c.south_lane, "agreement.evidence", shown) == DONE
    assert PartyInstrument.objects.filter(kind="left").exists()


def test_the_owner_of_a_replaced_key_brings_what_it_signed_with_it_itself(in_force: Community) -> None:
    c = in_force
    word = c.of_west("suspended")
    c.west_lane.sender = PartnerNode(c.west.row, _rotated(c.west))
    assert told(c.west_lane, "agreement.evidence", c.evidence(word)) == DONE
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED


def test_a_newcomer_takes_what_a_party_signed_before_it_replaced_its_key_and_nothing_said_to_be_later(
    invited_here: Community,
) -> None:
    c = invited_here
    early, late = timestamp(now() - timedelta(days=1)), timestamp(now() + timedelta(seconds=30))
    bundle = _bundle(c)
    bundle["signatures"] = [c.of_south(), c.of_west(at=early)]
    word = c.of_west("suspended", at=late)
    _rotated(c.west)
    assert told(c.south_lane, "agreement.evidence", bundle) == DONE
    assert PartySignature.objects.filter(node=c.west.node).count() == 1
    assert told(c.south_lane, "agreement.evidence", c.evidence(word)) == ("refused", "retired-key")
