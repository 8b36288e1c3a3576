"""A key of this node that was replaced or revoked after the backup: its partners know it, and the node is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as node_settings
from pytest_django import Settings

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import KeyReplaced, RotationRefused
from taawun.cooperation.partners.exchange import calling
from taawun.cooperation.partners.identity import descriptor, keys, own_keys, rotation
from taawun.cooperation.partners.logs import chain, lanes
from taawun.cooperation.partners.models import (
    Awaited,
    LaneEntry,
    OwnKey,
    OwnRotation,
    Partner,
    PartnerKey,
    ShownRotation,
)
from taawun.cooperation.partners.restored import forgotten, held, returning
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.signing import SigningKey
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.models import Notice
from tests.cast import PartnerNode, partner
from tests.restored import forget

CONSOLE = SystemActor("console")
FORGOTTEN = "partners.own-key-forgotten"


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """What a process remembers of its node's return ends with the test."""
    yield
    returning._Known.is_over = False


@pytest.fixture
def home(node: Organisation, settings: Settings, tmp_path: Path) -> Path:
    """A home with keys of its own, that the other tests do not share."""
    settings.HOME = tmp_path
    keys.create_keys()
    return tmp_path


@pytest.fixture
def south(home: Path) -> PartnerNode:
    return partner("Southern CERT")


def _recovery() -> SigningKey:
    return SigningKey.from_pem(keys.recovery_file().read_bytes())


def _as_partners_have_it() -> list[list[str]]:
    """The statements of this node as its partners read them out of its descriptor."""
    told = descriptor.read(actions.own_descriptor(), at=now(), expected_node=node_settings.BASE_URL)
    return [list(each.tokens) for each in told.rotations]


def _restored_from_before(first: SigningKey) -> None:
    """The node knows of no rotation any more, and lost the key that followed."""
    OwnKey.objects.all().delete()
    OwnRotation.objects.all().delete()
    for place in (node_settings.HOME / "keys").glob("node*.pem"):
        place.unlink()
    keys.write_secret(node_settings.HOME / "keys" / "node.pem", first)
    returning.begin(CONSOLE)


@pytest.fixture
def rotated(
    south: PartnerNode, django_capture_on_commit_callbacks: Callable[..., Any]
) -> tuple[SigningKey, SigningKey, list[list[str]]]:
    """A node from before it replaced its key: the key that it has, that which followed, and the proof of it."""
    first = keys.node_key()
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.rotate(CONSOLE)
    second, shown = keys.node_key(), _as_partners_have_it()
    _restored_from_before(first)
    assert keys.node_key().kid == first.kid
    return first, second, shown


# ---- the partner's side -------------------------------------------------------------------------------------------


def test_whoever_signs_with_a_key_it_has_replaced_is_shown_how_it_was_followed(south: PartnerNode) -> None:
    after, proof = SigningKey.generate(), ["the one half", "the other"]
    PartnerKey.objects.create(
        partner=south.row,
        position=0,
        kid=south.key.kid,
        jwk=south.key.public.to_jwk(),
        replaced=now() - timedelta(hours=1),
        proof=proof,
    )
    Partner.objects.filter(id=south.row.id).update(kid=after.kid, jwk=after.public.to_jwk())
    answer = south.request("GET", "/federation/held")
    assert answer.status_code == 401
    refusal = calling.unexpected(401, {}, answer.content)
    assert isinstance(refusal, KeyReplaced)
    assert (refusal.facts["type"], refusal.rotations) == ("retired-key", [proof])


# ---- the restored node's ------------------------------------------------------------------------------------------


def test_a_node_that_lost_the_key_that_followed_says_so_and_stays_silent(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    first, second, shown = rotated
    forgotten.hear(south.row, shown)
    forgotten.hear(south.row, shown)
    notice = Notice.objects.get(kind=FORGOTTEN, resolved=None)
    assert notice.level == Notice.Level.ALARM
    assert (notice.params["from"], notice.params["to"]) == (first.kid, second.kid)
    assert Awaited.objects.get().fault == "key-forgotten"
    # however much of its lanes a partner tells, this is not known again by that
    returning.answered(south.row)
    assert returning.is_returning()
    assert keys.own_lineage().current.kid == first.kid


def test_a_node_that_has_the_key_that_followed_signs_with_it_at_once(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    first, second, shown = rotated
    forgotten.hear(south.row, shown)
    keys.keep_next(second)
    forgotten.hear(south.row, shown)
    assert keys.node_key().kid == second.kid
    assert [each.kid for each in keys.own_lineage().keys] == [first.kid, second.kid]
    assert not Notice.objects.filter(kind=FORGOTTEN, resolved=None).exists()
    assert Awaited.objects.get().fault == ""
    assert _as_partners_have_it() == shown
    returning.answered(south.row)
    assert not returning.is_returning()


def test_where_it_is_lost_the_recovery_key_lets_another_follow_and_nothing_is_doubted(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    first, second, shown = rotated
    forgotten.hear(south.row, shown)
    with pytest.raises(RotationRefused, match="--recovery"):
        own_keys.rotate(CONSOLE)
    done = own_keys.rotate(CONSOLE, _recovery())
    assert done.retired == second.kid
    lineage = keys.own_lineage()
    assert [each.kid for each in lineage.keys] == [first.kid, second.kid, done.kid]
    assert [each.revoked_since for each in lineage.keys] == [None, None, None]
    assert [_as_partners_have_it()[0]] == shown
    assert not ShownRotation.objects.exists()
    assert Notice.objects.get(kind=FORGOTTEN).resolved is not None


def test_what_was_said_under_either_key_after_the_backup_is_known_again(
    south: PartnerNode, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    lane = lanes.talk_lane(south.row)
    first = keys.node_key()
    word = lanes.Item("tests.word", "urn:x:1", "", "publish", Tlp.AMBER, b"{}", to=south.row.node)
    lanes.append(lane, [word])
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.rotate(CONSOLE)
    lanes.append(lane, [word])
    shown, lane = _as_partners_have_it(), lanes.talk_lane(south.row)
    said = list(LaneEntry.objects.filter(lane=lane).order_by("seq"))
    assert len({chain.said_in(each.header).seq for each in said}) == 3
    told = forget(lane, 0)
    _restored_from_before(first)
    forgotten.hear(south.row, shown)
    own_keys.rotate(CONSOLE, _recovery())
    assert held.take(south.row, lane.id, told.lines[1:]) == 2
    returning.answered(south.row)
    assert not returning.is_returning()


def test_that_it_was_revoked_is_said(
    south: PartnerNode, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    first, since = keys.node_key(), now() - timedelta(hours=2)
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.revoke(CONSOLE, _recovery(), since)
    shown = _as_partners_have_it()
    _restored_from_before(first)
    forgotten.hear(south.row, shown)
    assert "since" in Notice.objects.get(kind=FORGOTTEN).params


@pytest.mark.parametrize("shown", [None, "no", [], [["a", "b"]], [{}], [[1, 2]]])
def test_what_proves_nothing_says_nothing(south: PartnerNode, shown: object) -> None:
    returning.begin(CONSOLE)
    forgotten.hear(south.row, shown)
    assert not Notice.objects.filter(kind=FORGOTTEN).exists()
    returning.answered(south.row)
    assert not returning.is_returning()


def test_nor_does_a_statement_that_nobody_of_this_node_signed(south: PartnerNode) -> None:
    thief, new = SigningKey.generate(), SigningKey.generate()
    said = rotation.write(
        id=uuid7(),
        node=node_settings.BASE_URL,
        key="current",
        old=keys.node_key().kid,
        new=new.public,
        at=now(),
        by="current",
        revoked_since=None,
        signers=(thief, new),
    )
    returning.begin(CONSOLE)
    forgotten.hear(south.row, [list(said)])
    assert not ShownRotation.objects.exists()
    assert not Notice.objects.filter(kind=FORGOTTEN).exists()


def test_a_partner_that_only_calls_shows_it_with_what_it_holds(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    body = json.dumps({"lanes": [], "rotations": rotated[2]}).encode()
    answer = south.request("POST", "/federation/held", body)
    assert (answer.status_code, answer.json()) == (200, {"wanted": []})
    assert Notice.objects.filter(kind=FORGOTTEN, resolved=None).exists()
    assert returning.is_returning()
