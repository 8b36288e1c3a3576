"""This node's own keys: another one follows at one instant, whatever is killed, and partners find their way to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as node_settings
from django.db import transaction
from pytest_django import Settings

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import KeyUnusable, RotationRefused
from taawun.cooperation.partners.identity import descriptor, keys, own_keys
from taawun.cooperation.partners.identity.lineage import KnownKey, Lineage, walk
from taawun.cooperation.partners.logs import chain, lanes
from taawun.cooperation.partners.logs.proving import LanesProof, prove_lanes
from taawun.cooperation.partners.models import LaneEntry, OwnKey, OwnRotation, Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.signing import SigningKey, VerifyKey
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from tests.cast import Cast, partner

CONSOLE = SystemActor("console")


class Killed(BaseException):
    """What stands for the end of a process: nothing catches it."""


@pytest.fixture
def home(node: Organisation, settings: Settings, tmp_path: Path) -> Path:
    """A home with keys of its own, that the other tests do not share."""
    settings.HOME = tmp_path
    keys.create_keys()
    return tmp_path


def _recovery() -> SigningKey:
    return SigningKey.from_pem(keys.recovery_file().read_bytes())


def _files(home: Path) -> list[str]:
    return sorted(each.name for each in (home / "keys").glob("node*.pem"))


def _told() -> descriptor.Descriptor:
    return descriptor.read(actions.own_descriptor(), at=now(), expected_node=node_settings.BASE_URL)


def _finds_its_way(from_key: VerifyKey) -> bool:
    """Whether a reader who knows a key and the recovery key walks to the one that the node signs with."""
    told = _told()
    lineage = Lineage([KnownKey(from_key)])
    return walk(lineage, told.recovery, told.rotations, at=now()).lineage.current.kid == keys.node_key().kid


# ---- rotating -------------------------------------------------------------------------------------------------------


def test_a_new_key_follows_and_readers_of_the_old_one_find_their_way(
    home: Path, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    south, first = partner(), keys.node_key()
    Partner.objects.update(wants_push=False)
    with django_capture_on_commit_callbacks(execute=True):
        done = own_keys.rotate(CONSOLE)
    assert (done.retired, done.partners, done.revoked_since, done.repeated) == (first.kid, 1, None, 0)
    assert keys.node_key().kid == done.kid != first.kid
    told = _told()
    assert (told.key.kid, [each.key for each in told.retired]) == (done.kid, [first.public])
    assert told.retired[0].until == done.at
    assert _finds_its_way(first.public)
    # told at once; the old private key is nowhere
    assert Partner.objects.get(id=south.row.id).wants_push
    assert _files(home) == ["node.pem"]
    assert SigningKey.from_pem((home / "keys" / "node.pem").read_bytes()).kid == done.kid
    row = AuditEntry.objects.get(verb="partners.own-key-rotated")
    assert (row.details["from"], row.details["to"], row.details["by"]) == (first.kid, done.kid, "current")


def test_a_key_that_follows_twice_is_found_from_each_one_before_it(home: Path) -> None:
    first = keys.node_key().public
    second = own_keys.rotate(CONSOLE).kid
    own_keys.settle()
    middle = keys.node_key().public
    own_keys.rotate(CONSOLE)
    assert middle.kid == second
    assert _finds_its_way(first)
    assert _finds_its_way(middle)
    assert [each.kid for each in keys.own_lineage().keys[:2]] == [first.kid, second]


def test_entries_of_before_stay_as_they_are_and_what_follows_is_signed_with_the_new_key(home: Path) -> None:
    south, first = partner(), keys.node_key()
    lane = lanes.talk_lane(south.row)
    token = LaneEntry.objects.get(lane=lane).header
    own_keys.rotate(CONSOLE)
    new = keys.node_key()
    lanes.append(lane, [lanes.Item("tests.word", "urn:x", "", "publish", Tlp.GREEN, b"{}")])
    entries = LaneEntry.objects.filter(lane=lane).order_by("seq")
    assert entries[0].header == token
    assert chain.read_header(entries[0].header, first.public).seq == 0
    assert chain.read_header(entries[1].header, new.public).seq == 1
    assert chain.read_head(lanes.head_of(lane, keys.node_key()), new.public).seq == 1
    assert prove_lanes() == LanesProof(1, 2, ())


def test_only_who_manages_partners_changes_the_key(home: Path, cast: Cast) -> None:
    recovery = _recovery()
    for member in (cast.analyst, cast.officer, cast.observer, cast.stranger):
        with pytest.raises(NotAllowed):
            own_keys.rotate(member.actor)
        with pytest.raises(NotAllowed):
            own_keys.revoke(member.actor, recovery, now())
        with pytest.raises(NotAllowed):
            own_keys.replace_recovery(member.actor, recovery, SigningKey.generate().public)
    assert not OwnRotation.objects.exists()


# ---- what a kill leaves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        "taawun.cooperation.partners.identity.keys.os.open",
        "taawun.cooperation.partners.identity.keys.os.fsync",
        "taawun.cooperation.partners.identity.keys._sync_folder",
        "taawun.cooperation.partners.identity.own_keys._switch",
        "taawun.cooperation.partners.identity.own_keys._said",
        "taawun.cooperation.partners.identity.own_keys.OwnRotation.objects.create",
        "taawun.cooperation.partners.identity.own_keys.OwnKey.save",
        "taawun.cooperation.partners.identity.own_keys._tell_partners",
        "taawun.cooperation.partners.identity.own_keys.record",
    ],
)
@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_kill_before_the_switch_leaves_the_old_key_and_a_second_try_is_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: str, is_revoked: bool
) -> None:
    first, recovery = keys.node_key(), _recovery()

    def change() -> own_keys.Rotated:
        if is_revoked:
            return own_keys.revoke(CONSOLE, recovery, now() - timedelta(days=1))
        return own_keys.rotate(CONSOLE)

    def die(*_given: object, **_named: object) -> object:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(step, die)
        with pytest.raises(Killed), transaction.atomic():
            change()
    assert keys.node_key().kid == first.kid == _told().key.kid
    done = change()
    own_keys.settle()
    assert keys.node_key().kid == done.kid != first.kid
    assert _finds_its_way(first.public)
    assert _files(home) == ["node.pem"]


@pytest.mark.parametrize(
    "step", ["pathlib.Path.replace", "taawun.cooperation.partners.identity.keys._sync_folder"]
)
def test_a_kill_after_the_switch_leaves_the_new_key_and_a_sweep_ends_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first, done = keys.node_key(), own_keys.rotate(CONSOLE)

    def die(*_given: object, **_named: object) -> object:
        raise Killed

    # nothing was tidied up yet
    assert keys.node_key().kid == done.kid == _told().key.kid
    with monkeypatch.context() as patched:
        patched.setattr(step, die)
        with pytest.raises(Killed):
            own_keys.settle()
    assert keys.node_key().kid == done.kid
    own_keys.settle()
    assert (_files(home), keys.node_key().kid) == (["node.pem"], done.kid)
    assert _finds_its_way(first.public)


def test_a_half_written_next_key_does_not_stop_the_node(home: Path) -> None:
    first = keys.node_key()
    (home / "keys" / "node-half.unfinished").write_bytes(b"-----BEGIN PRIVATE")
    assert keys.node_key().kid == first.kid
    assert own_keys.rotate(CONSOLE).retired == first.kid
    own_keys.settle()
    assert list((home / "keys").glob("*.unfinished")) == []


# ---- a key that was lost, or stolen ---------------------------------------------------------------------------------


def test_a_lost_key_is_followed_on_the_word_of_the_recovery_key(home: Path) -> None:
    own_keys.settle()
    first = keys.node_key()
    (home / "keys" / "node.pem").unlink()
    with pytest.raises(KeyUnusable, match="--recovery FILE"):
        own_keys.rotate(CONSOLE)
    done = own_keys.rotate(CONSOLE, _recovery())
    assert (done.retired, done.revoked_since) == (first.kid, None)
    assert _finds_its_way(first.public)


def test_a_stolen_key_is_revoked_with_all_that_followed_it(home: Path) -> None:
    first, since = keys.node_key(), now() - timedelta(days=2)
    second = own_keys.rotate(CONSOLE).kid
    own_keys.settle()
    done = own_keys.revoke(CONSOLE, _recovery(), since, first.kid)
    assert [(each.key.kid, each.revoked_since) for each in _told().retired] == [
        (first.kid, since),
        (second, since),
    ]
    assert (done.retired, done.revoked_since) == (second, since)
    assert _finds_its_way(first.public)
    row = AuditEntry.objects.get(verb="partners.own-key-revoked")
    assert (row.details["from"], row.details["by"]) == (first.kid, "recovery")


def test_what_cannot_revoke_revokes_nothing(home: Path) -> None:
    recovery, since = _recovery(), now() - timedelta(days=1)
    attempts: list[tuple[str, Callable[[], object]]] = [
        ("other-recovery-key", lambda: own_keys.revoke(CONSOLE, SigningKey.generate(), since)),
        ("other-recovery-key", lambda: own_keys.revoke(CONSOLE, keys.node_key(), since)),
        ("other-recovery-key", lambda: own_keys.rotate(CONSOLE, SigningKey.generate())),
        ("future", lambda: own_keys.revoke(CONSOLE, recovery, now() + timedelta(minutes=1))),
        ("unknown-key", lambda: own_keys.revoke(CONSOLE, recovery, since, "x" * 43)),
    ]
    for code, attempt in attempts:
        with pytest.raises(RotationRefused) as refused:
            attempt()
        assert refused.value.code == code
    (home / "keys" / "recovery.jwk").unlink()
    with pytest.raises(RotationRefused) as refused:
        own_keys.revoke(CONSOLE, recovery, since)
    assert refused.value.code == "no-recovery-key"
    assert not OwnRotation.objects.exists()


def test_another_recovery_key_follows_and_the_old_one_is_good_for_nothing(home: Path) -> None:
    first, old, new = keys.node_key(), _recovery(), SigningKey.generate()
    own_keys.replace_recovery(CONSOLE, old, new.public)
    told = _told()
    assert (told.recovery, told.key) == (new.public, first.public)
    with pytest.raises(RotationRefused) as refused:
        own_keys.revoke(CONSOLE, old, now())
    assert refused.value.code == "other-recovery-key"
    own_keys.revoke(CONSOLE, new, now())
    found = walk(Lineage([KnownKey(first.public)]), old.public, _told().rotations, at=now())
    assert (found.recovery, found.lineage.current.kid) == (new.public, keys.node_key().kid)


# ---- keys in the environment ----------------------------------------------------------------------------------------


def test_a_key_of_the_environment_is_followed_by_the_one_behind_it(home: Path, settings: Settings) -> None:
    first, second = SigningKey.generate(), SigningKey.generate()
    settings.NODE_KEY = first.to_pem().decode()
    assert keys.node_key().kid == first.kid
    with pytest.raises(RotationRefused, match="taawun key make FILE") as refused:
        own_keys.rotate(CONSOLE)
    assert refused.value.code == "no-next-key"
    # both are there: nothing changes before somebody says so
    settings.NODE_KEY += second.to_pem().decode()
    assert keys.node_key().kid == first.kid
    assert own_keys.rotate(CONSOLE).kid == second.kid == keys.node_key().kid
    # then the first can go, in any order
    settings.NODE_KEY = second.to_pem().decode()
    assert keys.node_key().kid == second.kid
    assert own_keys.settle() == 0
    settings.NODE_KEY = first.to_pem().decode()
    with pytest.raises(KeyUnusable, match=second.kid):
        keys.node_key()
    settings.NODE_KEY = "".join(each.to_pem().decode() for each in (second, SigningKey.generate(), first))
    assert own_keys.rotate(CONSOLE).retired == second.kid
    settings.NODE_KEY += "".join(SigningKey.generate().to_pem().decode() for _ in range(2))
    with pytest.raises(RotationRefused, match="leave one of them"):
        own_keys.rotate(CONSOLE)


# ---- what speaks of the keys at the same instant --------------------------------------------------------------------


def test_a_descriptor_that_is_written_at_the_instant_of_a_change_is_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, original = keys.node_key(), keys.own_lineage

    def read_then_changed() -> Lineage:
        found = original()
        monkeypatch.setattr(keys, "own_lineage", original)
        own_keys.rotate(CONSOLE)
        return found

    monkeypatch.setattr(keys, "own_lineage", read_then_changed)
    told = _told()
    assert (told.key, told.retired, told.rotations) == (first.public, (), ())
    assert _told().key == keys.node_key().public
    assert _finds_its_way(first.public)


def test_a_node_notes_its_first_key_so_that_it_can_be_followed_though_it_be_lost(home: Path) -> None:
    own_keys.settle()
    [row] = OwnKey.objects.all()
    assert (row.kid, row.position, row.until) == (keys.node_key().kid, 0, None)
    own_keys.settle()
    assert OwnKey.objects.count() == 1
