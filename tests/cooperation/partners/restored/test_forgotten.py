"""A key of this node that was replaced or revoked after the backup: its partners know it, and the node is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as node_settings
from pytest_django import Settings

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import ChainBroken, KeyReplaced, RotationRefused
from taawun.cooperation.partners.exchange import calling
from taawun.cooperation.partners.identity import descriptor, keys, own_keys, rotation, shown_keys
from taawun.cooperation.partners.identity.lineage import KnownKey, Lineage, Walk, walk
from taawun.cooperation.partners.logs import chain, lanes
from taawun.cooperation.partners.models import (
    Awaited,
    Lane,
    LaneEntry,
    OwnKey,
    OwnRotation,
    Partner,
    PartnerKey,
    ShownKeys,
)
from taawun.cooperation.partners.restored import forgotten, held, returning
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.signing import SigningKey
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, partner
from tests.restored import Told, follows, forget

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
    # and so is who asks with the key of now
    assert replace(south, key=after).request("GET", "/federation/held").json() == {
        "lanes": [],
        "rotations": [proof],
    }


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
    assert Awaited.objects.get().heard is not None
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
    assert _as_partners_have_it()[:1] == shown
    assert not ShownKeys.objects.exists()
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
    # whoever has the key of the backup goes on after the key that followed it
    after = replace(chain.said_in(said[-1].header), seq=3, prev=said[-1].digest, subject="urn:x:3")
    forged = chain.write_line(chain.write_header(after, first), b"{}")
    with pytest.raises(ChainBroken) as broken:
        held.take(south.row, lane.id, [*told.lines[1:], forged])
    assert (broken.value.code, broken.value.seq) == ("retired-key", 3)
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
    said = follows(new, keys.node_key().kid, signed=thief)
    returning.begin(CONSOLE)
    forgotten.hear(south.row, [said])
    assert not ShownKeys.objects.exists()
    assert not Notice.objects.filter(kind=FORGOTTEN).exists()


def test_a_partner_that_only_calls_shows_it_with_what_it_holds(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    body = json.dumps({"lanes": [], "rotations": rotated[2]}).encode()
    answer = south.request("POST", "/federation/held", body)
    assert (answer.status_code, answer.json()) == (200, {"wanted": []})
    assert Notice.objects.filter(kind=FORGOTTEN, resolved=None).exists()
    assert returning.is_returning()


# ---- a thief of the key of the backup ----------------------------------------------------------------------------


def _thiefs(first: SigningKey) -> tuple[SigningKey, list[str]]:
    """A key that whoever has a key of ours lets follow it, and the genuine proof of that."""
    new = SigningKey.generate()
    return new, follows(new, first.kid, signed=first)


def _at_a_partner(*known: SigningKey) -> Walk:
    """Where one comes that knows these keys of this node, and its recovery key, by its descriptor of now."""
    told = [rotation.read(each, node=node_settings.BASE_URL, at=now()) for each in _as_partners_have_it()]
    return walk(Lineage([KnownKey(each.public) for each in known]), _recovery().public, told, at=now())


@pytest.fixture
def west(rotated: tuple[SigningKey, SigningKey, list[list[str]]]) -> PartnerNode:
    """A partner that has the key of the backup, and was there when it was made."""
    node = partner("Western CERT", nation="XW")
    returning.begin(CONSOLE)
    return node


def test_what_two_partners_show_is_never_made_one_and_a_person_chooses_whom_to_believe(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode, west: PartnerNode, cast: Cast
) -> None:
    first, second, shown = rotated
    thief, said = _thiefs(first)
    keys.keep_next(second)
    forgotten.hear(west.row, [said])
    forgotten.hear(south.row, shown)
    assert keys.node_key().kid == first.kid
    assert not OwnRotation.objects.exists()
    notice = Notice.objects.get(kind="partners.own-key-disputed", resolved=None)
    assert notice.level == Notice.Level.ALARM
    assert notice.params == {
        "node": west.node,
        "other": south.node,
        "to": thief.kid,
        "other_to": second.kid,
    }
    assert set(Awaited.objects.values_list("partner", "fault")) == {
        (west.row.id, "key-disputed"),
        (south.row.id, "key-disputed"),
    }
    with pytest.raises(RotationRefused, match="--recovery"):
        own_keys.rotate(CONSOLE)
    # the one that lies is not believed any more; what the other shows, it shows again at its next turn
    returning.give_up(cast.administrator.actor, west.row)
    assert Partner.objects.get(id=south.row.id).wants_pull
    forgotten.hear(south.row, shown)
    assert keys.node_key().kid == second.kid
    assert [each.kid for each in keys.own_lineage().keys] == [first.kid, second.kid]
    assert not Notice.objects.filter(kind="partners.own-key-disputed", resolved=None).exists()
    forgotten.hear(west.row, [said])
    assert not ShownKeys.objects.exists()
    returning.answered(south.row)
    assert not returning.is_returning()


def test_whoever_comes_first_is_not_believed_for_that(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode, west: PartnerNode
) -> None:
    first, second, shown = rotated
    thief, said = _thiefs(first)
    # it shows both, as one list: the own key follows its own key in none of them
    keys.keep_next(second)
    forgotten.hear(west.row, [said, *shown])
    assert keys.node_key().kid == first.kid
    assert Notice.objects.get(kind=FORGOTTEN, resolved=None).params["to"] == thief.kid
    # and what it shows later takes the place of what it showed
    forgotten.hear(west.row, shown)
    assert keys.node_key().kid == second.kid


def test_two_that_are_at_different_places_of_one_succession_do_not_deny_each_other(
    south: PartnerNode, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    west, first = partner("Western CERT", nation="XW"), keys.node_key()
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.rotate(CONSOLE)
    earlier = _as_partners_have_it()
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.rotate(CONSOLE)
    third, shown = keys.node_key(), _as_partners_have_it()
    _restored_from_before(first)
    forgotten.hear(west.row, earlier)
    forgotten.hear(south.row, shown)
    assert not Notice.objects.filter(kind="partners.own-key-disputed").exists()
    keys.keep_next(third)
    forgotten.hear(west.row, earlier)
    assert keys.node_key().kid == third.kid


@pytest.mark.parametrize("is_later_first", [True, False])
@pytest.mark.parametrize("is_named", [True, False])
def test_of_two_revocations_of_a_key_the_second_leads_where_one_partner_saw_the_first_alone(
    south: PartnerNode,
    django_capture_on_commit_callbacks: Callable[..., Any],
    *,
    is_later_first: bool,
    is_named: bool,
) -> None:
    west, first = partner("Western CERT", nation="XW"), keys.node_key()
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.revoke(CONSOLE, _recovery(), now() - timedelta(hours=1))
    earlier = _as_partners_have_it()
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.revoke(CONSOLE, _recovery(), now() - timedelta(hours=2), first.kid if is_named else "")
    third, shown = keys.node_key(), _as_partners_have_it()
    _restored_from_before(first)
    heard = [(south, shown), (west, earlier)]
    for teller, said in heard if is_later_first else reversed(heard):
        forgotten.hear(teller.row, said)
    assert not Notice.objects.filter(kind="partners.own-key-disputed").exists()
    found = shown_keys.leading()
    assert found is not None
    assert (found.shown.end, found.denied_by) == (third.kid, None)
    keys.keep_next(third)
    forgotten.hear(west.row, earlier)
    assert keys.node_key().kid == third.kid


def test_the_word_of_the_recovery_key_leads_that_of_a_thief(
    south: PartnerNode, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    west, first = partner("Western CERT", nation="XW"), keys.node_key()
    _thief, said = _thiefs(first)
    with django_capture_on_commit_callbacks(execute=True):
        own_keys.rotate(CONSOLE, _recovery())
    second, shown = keys.node_key(), _as_partners_have_it()
    _restored_from_before(first)
    keys.keep_next(second)
    forgotten.hear(west.row, [said])
    forgotten.hear(south.row, shown)
    assert keys.node_key().kid == second.kid
    assert not Notice.objects.filter(kind="partners.own-key-disputed").exists()


def test_where_two_deny_each_other_the_recovery_key_is_believed_by_the_partners_of_both(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode, west: PartnerNode
) -> None:
    first, second, shown = rotated
    thief, said = _thiefs(first)
    forgotten.hear(west.row, [said])
    forgotten.hear(south.row, shown)
    done = own_keys.rotate(CONSOLE, _recovery())
    assert [each.kid for each in keys.own_lineage().keys] == [first.kid, done.kid]
    for known in ((first,), (first, second), (first, thief)):
        assert _at_a_partner(*known).lineage.current.kid == done.kid
    assert not Notice.objects.filter(kind="partners.own-key-disputed", resolved=None).exists()
    assert not ShownKeys.objects.exists()


def test_the_recovery_key_follows_no_word_before_all_had_theirs(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode, west: PartnerNode
) -> None:
    first, second, _shown = rotated
    thief, said = _thiefs(first)
    forgotten.hear(west.row, [said])
    with pytest.raises(RotationRefused, match="have not had their say") as refused:
        own_keys.rotate(CONSOLE, _recovery())
    assert refused.value.code == "not-all-heard"
    assert [each.kid for each in keys.own_lineage().keys] == [first.kid]
    # it is revoked at once, and whoever knows either of the keys after it believes that
    done = own_keys.revoke(CONSOLE, _recovery(), now() - timedelta(hours=1))
    assert keys.node_key().kid == done.kid
    for known in ((first,), (first, second), (first, thief)):
        lineage = _at_a_partner(*known).lineage
        assert lineage.current.kid == done.kid
        assert all(each.revoked_since for each in lineage.keys[:-1])


def test_a_restored_node_lets_no_key_follow_before_its_partners_had_their_say(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    first, second, shown = rotated
    with pytest.raises(RotationRefused) as refused:
        own_keys.rotate(CONSOLE)
    assert refused.value.code == "not-all-heard"
    assert keys.node_key().kid == first.kid
    # a second key that follows the one of the backup would be followed by nobody who knows the first
    forgotten.hear(south.row, shown)
    done = own_keys.rotate(CONSOLE, _recovery())
    assert _at_a_partner(first, second).lineage.current.kid == done.kid


def test_what_somebody_showed_before_the_node_was_restored_again_is_waited_for_no_more(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    _first, _second, shown = rotated
    forgotten.hear(south.row, shown)
    west = partner("Western CERT", nation="XW")
    Partner.objects.filter(id=south.row.id).update(state=Partner.State.BLOCKED)
    returning.begin(CONSOLE)
    returning.heard(west.row)
    assert returning.may_take()
    returning.answered(west.row)
    assert not returning.is_returning()


def test_of_two_words_of_the_recovery_key_that_deny_each_other_none_leads(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode, west: PartnerNode
) -> None:
    first, recovery = rotated[0], _recovery()
    for teller in (south, west):
        new = SigningKey.generate()
        keys.keep_next(new)
        said = follows(new, first.kid, signed=recovery, by="recovery")
        ShownKeys.objects.create(partner=teller.row, statements=[said], shown=now())
    found = shown_keys.leading()
    assert found is not None
    assert found.denied_by is not None
    own_keys.take_up(CONSOLE)
    assert keys.node_key().kid == first.kid


def test_who_had_told_all_and_shows_another_key_then_is_asked_again(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode, west: PartnerNode
) -> None:
    for each in (south, west):
        returning.heard(each.row)
    returning.answered(south.row)
    assert Awaited.objects.get(partner=south.row).answered is not None
    forgotten.hear(south.row, rotated[2])
    assert Awaited.objects.get(partner=south.row).answered is None


def test_who_was_given_up_shows_nothing_more_while_others_are_waited_for(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode, west: PartnerNode, cast: Cast
) -> None:
    thief, said = _thiefs(rotated[0])
    returning.give_up(cast.administrator.actor, west.row)
    assert returning.is_returning()
    forgotten.hear(west.row, [said])
    assert not ShownKeys.objects.exists()
    assert Awaited.objects.get(partner=west.row).heard is None
    # its people are told all the same
    assert Notice.objects.get(kind=FORGOTTEN, resolved=None).params["to"] == thief.kid


def test_a_partner_that_saw_none_of_the_lost_keys_believes_the_one_that_follows_them(
    rotated: tuple[SigningKey, SigningKey, list[list[str]]], south: PartnerNode
) -> None:
    first, second, shown = rotated
    thief, _said = _thiefs(first)
    forgotten.hear(south.row, shown)
    done = own_keys.rotate(CONSOLE, _recovery())
    for known in ((first,), (first, second), (first, thief)):
        assert _at_a_partner(*known).lineage.current.kid == done.kid
    # who knows the lost one doubts nothing that it signed
    assert [each.revoked_since for each in _at_a_partner(first, second).lineage.keys] == [None, None, None]


def test_a_node_that_is_not_returning_keeps_nothing_of_it_and_tells_its_people(south: PartnerNode) -> None:
    first = keys.node_key()
    thief, said = _thiefs(first)
    forgotten.hear(south.row, [said])
    assert not ShownKeys.objects.exists()
    notice = Notice.objects.get(kind=FORGOTTEN, resolved=None)
    assert (notice.level, notice.params["to"], notice.params["elsewhere"]) == ("alarm", thief.kid, "yes")
    with_kind = registry.get(NoticeKind, FORGOTTEN)
    assert with_kind.sentence(notice.params).startswith("Somebody has let another key follow")
    # and it goes on as before
    own_keys.rotate(CONSOLE)


def _said_before_it_was_revoked(
    south: PartnerNode, commit: Callable[..., Any]
) -> tuple[SigningKey, Told, list[list[str]]]:
    """A talk lane that the key of the backup goes on with, as a thief of it would; and the proof that it is revoked."""
    first, lane = keys.node_key(), lanes.talk_lane(south.row)
    word = lanes.Item("tests.word", "urn:x:1", "", "publish", Tlp.AMBER, b"{}", to=south.row.node)
    lanes.append(lane, [word])
    told = forget(lane, 0)
    with commit(execute=True):
        own_keys.revoke(CONSOLE, _recovery(), now() - timedelta(hours=1))
    second, shown = keys.node_key(), _as_partners_have_it()
    _restored_from_before(first)
    keys.keep_next(second)
    return second, told, shown


def test_what_a_thief_tells_before_others_show_that_his_key_is_revoked_is_not_taken(
    south: PartnerNode, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    east = partner("Eastern CERT", nation="XE")
    second, told, shown = _said_before_it_was_revoked(south, django_capture_on_commit_callbacks)
    path, lines = f"/federation/held/{told.lane.id}", b"".join(told.lines[1:])
    listing = json.dumps({"lanes": [told.offer.said()]}).encode()
    assert south.request("POST", "/federation/held", listing).json() == {"wanted": []}
    assert south.request("POST", path, lines).json() == {"taken": 0}
    body = json.dumps({"lanes": [], "rotations": shown}).encode()
    assert east.request("POST", "/federation/held", body).json() == {"wanted": []}
    assert keys.node_key().kid == second.kid
    answer = south.request("POST", path, lines)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:return-refused")
    assert Notice.objects.get(kind="partners.return-refused").params["reason"] == "revoked-key"
    assert LaneEntry.objects.filter(lane=told.lane).count() == 1


def test_what_was_taken_under_a_key_that_is_shown_late_to_be_revoked_is_not_gone_on_with_and_alarmed_about(
    south: PartnerNode, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    second, told, shown = _said_before_it_was_revoked(south, django_capture_on_commit_callbacks)
    assert held.take(south.row, told.lane.id, told.lines[1:]) == 1
    forgotten.hear(south.row, shown)
    assert keys.node_key().kid == second.kid
    assert Lane.objects.get(id=told.lane.id).is_closed
    notice = Notice.objects.get(kind="partners.return-doubted", resolved=None)
    assert (notice.level, notice.params) == (Notice.Level.ALARM, {"count": "1"})
    assert (
        registry.get(NoticeKind, "partners.return-doubted").sentence(notice.params).startswith("1 entry that")
    )
    (row,) = Entry.objects.filter(verb="partners.return-doubted")
    assert row.details["entries"] == [f"{told.lane.id} 1"]


def test_a_key_that_is_revoked_long_after_the_return_closes_no_lane(south: PartnerNode) -> None:
    returning.begin(CONSOLE)
    returning.answered(south.row)
    lane = lanes.talk_lane(south.row)
    word = lanes.Item("tests.word", "urn:x:1", "", "publish", Tlp.AMBER, b"{}", to=south.row.node)
    lanes.append(lane, [word])
    own_keys.revoke(CONSOLE, _recovery(), now() - timedelta(hours=1))
    assert not Lane.objects.get(id=lane.id).is_closed
    assert not Notice.objects.filter(kind="partners.return-doubted").exists()
