"""The verbs on this node's own keys: let another one follow, revoke one, replace the recovery key.

A kill between any two steps leaves a node that works. The private key of the next one is on disk before anything
speaks of it; that it is the current one is one row of the database, so all processes change to it at one instant; what
is done after that only tidies up, and is done again by a schedule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction

from taawun.cooperation.partners.errors import RotationRefused
from taawun.cooperation.partners.identity import keys, rotation, shown_keys
from taawun.cooperation.partners.identity.rotation import BY_CURRENT, BY_RECOVERY, CURRENT, RECOVERY
from taawun.cooperation.partners.logs.purposes import Revocation
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import (
    Awaited,
    OwnKey,
    OwnRotation,
    Partner,
    PolicyGeneration,
    ShownKeys,
)
from taawun.cooperation.partners.restored.doubted import close_doubted
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now, timestamp
from taawun.foundation.identifiers import uuid7
from taawun.foundation.signing import SigningKey, VerifyKey
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from datetime import datetime

    from taawun.cooperation.partners.identity.shown_keys import Shown
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "DISPUTED",
    "FORGOTTEN",
    "Rotated",
    "own_urn",
    "replace_recovery",
    "revoke",
    "rotate",
    "settle",
    "take_up",
]


# why a partner is waited for that shows a key of ours which this node does not have
FORGOTTEN: Final = "key-forgotten"
# why one is that shows another key of ours than another partner
DISPUTED: Final = "key-disputed"
_SOME_SHOWED: Final = (
    "partners show a key of this node that is not here, and others that are waited for have not had their say"
)
_NOBODY_SHOWED: Final = (
    "this node was restored, and partners that are waited for have not had their say on which key followed the present "
    "one after the backup"
)
_WAIT: Final = (
    "wait until they had, or wait for them no longer; if nobody here replaced the key, use "
    "`taawun key revoke`"
)


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of the node's key.

    Args:
        kid: the key it signs with now.
        retired: the key it signed with before.
        at: since when.
        revoked_since: from when on the old key is not to be believed; None where it is merely retired.
        partners: how many are told.
        repeated: how many signed statements of this node were signed again with the new key.
    """

    kid: str
    retired: str
    at: datetime
    revoked_since: datetime | None
    partners: int
    repeated: int


def rotate(actor: Actor, recovery: SigningKey | None = None) -> Rotated:
    """Let a new key follow the current one; trust and agreements go on.

    Args:
        actor: who does it; needs ``manage:partners``.
        recovery: the private recovery key, where the current key was lost; the current key says it otherwise.

    Raises:
        NotAllowed: the actor may not.
        RotationRefused: there is no next key where the node's key comes from its environment, or the recovery key is
            not the node's.
        KeyUnusable: the current key is not there.
    """
    require(actor, "manage:partners")
    if recovery is not None:
        _check_recovery(recovery)
    said_by = recovery or keys.node_key()
    return _switch(actor, _next_key(), said_by, by=BY_RECOVERY if recovery else BY_CURRENT)


def revoke(actor: Actor, recovery: SigningKey, since: datetime, kid: str = "") -> Rotated:
    """Revoke a key that somebody else may have, and sign with a new one.

    Whatever partners first received after that instant under the key, or under one that followed it, they set aside.
    What this node signed with it about agreements it signs again.

    Args:
        actor: who does it; needs ``manage:partners``.
        recovery: the private recovery key. Only it revokes.
        since: from when on the key is not to be believed.
        kid: which of the node's keys; the current one by default.

    Raises:
        NotAllowed: the actor may not.
        RotationRefused: as for :func:`rotate`; also when the instant is in the future or the key none of this node's.
    """
    require(actor, "manage:partners")
    _check_recovery(recovery)
    if since > now():
        raise RotationRefused(
            "future", "a key is revoked since an instant that is past; give an earlier --since"
        )
    return _switch(actor, _next_key(), recovery, by=BY_RECOVERY, since=since, kid=kid)


@transaction.atomic
def replace_recovery(actor: Actor, old: SigningKey, new: VerifyKey) -> None:
    """Let another recovery key follow the one there is; both it and the current key say so.

    Args:
        actor: who does it; needs ``manage:partners``.
        old: the private recovery key.
        new: the public half of the next one.

    Raises:
        NotAllowed: the actor may not.
        RotationRefused: the key is not the node's recovery key.
        KeyUnusable: the current key is not there.
    """
    require(actor, "manage:partners")
    one_speaker()
    _check_recovery(old)
    at, signers = now(), (old, keys.node_key())
    tokens = _said(key=RECOVERY, old=old.kid, new=new, at=at, by=BY_RECOVERY, since=None, signers=signers)
    OwnRotation.objects.create(key=RECOVERY, jwk=new.to_jwk(), tokens=tokens, at=at)
    _tell_partners()
    record(actor, "partners.own-recovery-replaced", own_urn(), {"from": old.kid, "to": new.kid})


def _check_recovery(recovery: SigningKey) -> None:
    known = keys.recovery_jwk()
    if known is None:
        raise RotationRefused(
            "no-recovery-key", "this node has no recovery key, so no partner knows one of it"
        )
    if known["kid"] != recovery.kid:
        raise RotationRefused(
            "other-recovery-key",
            f"this is not the recovery key of this node: its thumbprint is {recovery.kid}, not {known['kid']}",
        )


# ---- the steps --------------------------------------------------------------------------------------------------


def _next_key() -> SigningKey:
    """The key that is to follow, safe on disk before anything speaks of it.

    One that was left by an attempt that broke off is as good as a new one.
    """
    known = {each.kid for each in keys.own_lineage().keys}
    spare = [key for kid, key in keys.private_keys().items() if kid not in known]
    if spare and (len(spare) == 1 or not settings.NODE_KEY):
        return spare[0]
    if settings.NODE_KEY:
        raise RotationRefused(
            "no-next-key",
            "the node's key comes from TAAWUN_NODE_KEY, which must hold the next key too: make one with "
            "`taawun key make FILE`, put it behind the present one there, restart the node, and run this again"
            if not spare
            else "TAAWUN_NODE_KEY holds more than one key that the node has not used yet; leave one of them",
        )
    key = SigningKey.generate()
    keys.keep_next(key)
    return key


@transaction.atomic
def _switch(  # noqa: PLR0913 - each is one member of what is said
    actor: Actor,
    new: SigningKey,
    said_by: SigningKey,
    *,
    by: str,
    since: datetime | None = None,
    kid: str = "",
) -> Rotated:
    """All that makes another key the current one, at once or not at all."""
    one_speaker()
    if by == BY_CURRENT and ShownKeys.objects.exists():
        raise RotationRefused(
            "replaced-since",
            "the present key was replaced after the backup from which this node was restored, and partners know that: "
            "its word on the next key proves nothing to them; give the recovery key, with --recovery",
        )
    if by == BY_CURRENT:
        # who knows another one after the backup would follow no second one on the word of the key of the backup
        _check_all_heard(_NOBODY_SHOWED)
    last_known = _kept()[-1]
    if by == BY_RECOVERY:
        _take_up_the_lost(actor, is_doubted=since is not None)
    at, before = now(), _kept()
    retired = before[-1]
    # of what partners show nobody here has said yet that it is ours: what is revoked begins before that
    wanted = kid or (last_known.kid if since else retired.kid)
    followed = next((each for each in before if each.kid == wanted), None)
    if followed is None:
        raise RotationRefused(
            "unknown-key", f"{kid} is none of this node's keys; `taawun key show` lists them"
        )
    if any(each.kid == new.kid for each in before) or (by == BY_CURRENT and said_by.kid != retired.kid):
        raise RotationRefused(
            "changed-meanwhile", "the node's key was changed at this moment; look, and try again"
        )
    tokens = _said(
        key=CURRENT, old=followed.kid, new=new.public, at=at, by=by, since=since, signers=(said_by, new)
    )
    OwnRotation.objects.create(key=CURRENT, jwk=new.public.to_jwk(), tokens=tokens, at=at)
    if last_known.position < followed.position:
        # a partner that never saw the keys between, or saw others that a thief let follow, goes on from there
        again = _said(
            key=CURRENT, old=last_known.kid, new=new.public, at=at, by=by, since=None, signers=(said_by, new)
        )
        OwnRotation.objects.create(key=CURRENT, jwk=new.public.to_jwk(), tokens=again, at=at)
    for each in before[before.index(followed) :]:
        each.until = each.until or at
        if since:
            each.revoked_since = min(each.revoked_since or since, since)
        each.save(update_fields=["until", "revoked_since"])
    OwnKey.objects.create(
        position=len(before), kid=new.kid, jwk=new.public.to_jwk(), since=at, until=None, revoked_since=None
    )
    repeated = sum(each.repeat(at) for each in registry.all(Revocation)) if since else 0
    close_doubted(actor)
    told = _tell_partners()
    PolicyGeneration.bump()
    facts: dict[str, object] = {"from": followed.kid, "to": new.kid, "by": by}
    if since:
        facts |= {"since": timestamp(since), "repeated": repeated}
    record(actor, f"partners.own-key-{'revoked' if since else 'rotated'}", own_urn(), facts)
    # it is done: what is left is done again by a schedule, should the disk be full
    transaction.on_commit(settle, robust=True)
    return Rotated(new.kid, retired.kid, at, since, told, repeated)


def take_up(actor: Actor) -> None:
    """Know the keys of this node again that partners show to have followed after the backup; often there are none.

    The word that leads is taken, whole, where the key to which it leads is here: no thief can show that one. Where it
    is not here, or somebody shows another one, nothing is taken and the administrators are alarmed.

    Args:
        actor: who does it.
    """
    leading = shown_keys.leading()
    if leading is None:
        return
    shown, other = leading.shown, leading.denied_by
    if other is not None:
        _note(DISPUTED, f"{other.partner.node} shows another key", shown)
        _note(DISPUTED, f"{shown.partner.node} shows another key", other)
        facts = {
            "node": shown.partner.node,
            "other": other.partner.node,
            "to": shown.end,
            "other_to": other.end,
        }
        raise_notice("partners.own-key-disputed", own_urn(), Notice.Level.ALARM, facts)
        return
    resolve("partners.own-key-disputed", own_urn())
    if shown.end in keys.private_keys():
        _know_again(actor, shown)
        return
    _note(FORGOTTEN, f"the key {shown.end} is not here", shown)
    alarm(shown)


def alarm(shown: Shown) -> None:
    """Tell the administrators that a key of this node was followed by one that is not here.

    Args:
        shown: the word of the partner that proves it.
    """
    facts = {"node": shown.partner.node, "to": shown.end}
    facts["from"] = next(step.old for step in shown.walk.steps if step.key == CURRENT)
    revoked = next((step.revoked_since for step in shown.walk.steps if step.revoked_since), None)
    if revoked:
        facts["since"] = timestamp(revoked)
    if not Awaited.objects.filter(given_up=None, answered=None).exists():
        facts["elsewhere"] = "yes"
    raise_notice("partners.own-key-forgotten", own_urn(), Notice.Level.ALARM, facts)


def _take_up_the_lost(actor: Actor, *, is_doubted: bool) -> None:
    """Know those again after which the recovery key is about to let one follow: the last of them needs not be here.

    Where two partners deny each other, neither word is taken.

    Raises:
        RotationRefused: ``not-all-heard`` where somebody who is waited for could show something else yet.
    """
    leading = shown_keys.leading()
    if leading is None or leading.denied_by is not None:
        _overrule()
        return
    is_here = leading.shown.end in keys.private_keys()
    if not (is_here or is_doubted):
        _check_all_heard(_SOME_SHOWED)
    _know_again(actor, leading.shown)


def _check_all_heard(said: str) -> None:
    """Let no key follow while somebody who is waited for could show another one."""
    if Awaited.objects.filter(heard=None, answered=None, given_up=None).exists():
        raise RotationRefused("not-all-heard", f"{said}: {_WAIT}")


def _know_again(actor: Actor, shown: Shown) -> None:
    """Every process signs with the last of them from now on, so it is here, or is followed in the same transaction."""
    known = {each.kid: each for each in _kept()}
    for step in shown.walk.steps:
        OwnRotation.objects.create(key=step.key, jwk=step.new.to_jwk(), tokens=list(step.tokens), at=step.at)
    for position, each in enumerate(shown.walk.lineage.keys):
        row = known.get(each.kid) or OwnKey(position=position, kid=each.kid, jwk=each.key.to_jwk())
        if each.until and not row.until:
            row.shown = now()
        row.since, row.until, row.revoked_since = each.since, each.until, each.revoked_since
        row.save()
    _overrule()
    PolicyGeneration.bump()
    close_doubted(actor)
    told = {"from": next(reversed(known)), "to": shown.end, "shown_by": shown.partner.node}
    record(actor, "partners.own-keys-known-again", own_urn(), told)


def _overrule() -> None:
    """What partners show is settled; who holds more is asked again."""
    ShownKeys.objects.all().delete()
    Awaited.objects.filter(fault__in=(FORGOTTEN, DISPUTED)).update(fault="", fault_detail="")
    for kind in ("partners.own-key-forgotten", "partners.own-key-disputed"):
        resolve(kind, own_urn())
    waiting = Partner.objects.filter(awaited__answered=None, awaited__given_up=None, awaited__isnull=False)
    waiting.update(wants_pull=True, not_before=now())


def _note(fault: str, said: str, shown: Shown) -> None:
    """Whoever looks for whom this node waits is told why."""
    Awaited.objects.filter(partner=shown.partner, answered=None).update(fault=fault, fault_detail=said)


def _kept() -> list[OwnKey]:
    """The rows of the node's keys; that of its first key is made when a second one follows."""
    rows = list(OwnKey.objects.select_for_update())
    if not rows:
        first = keys.node_key().public
        rows = [OwnKey.objects.create(position=0, kid=first.kid, jwk=first.to_jwk())]
    return rows


def _said(  # noqa: PLR0913 - each is one member of what is said
    *,
    key: str,
    old: str,
    new: VerifyKey,
    at: datetime,
    by: str,
    since: datetime | None,
    signers: tuple[SigningKey, SigningKey],
) -> list[str]:
    node = settings.BASE_URL
    return list(
        rotation.write(
            id=uuid7(),
            node=node,
            key=key,
            old=old,
            new=new,
            at=at,
            by=by,
            revoked_since=since,
            signers=signers,
        )
    )


def _tell_partners() -> int:
    """A hint carries the descriptor: each partner is told of the new key at once."""
    return Partner.objects.exclude(state=Partner.State.BLOCKED).update(wants_push=True, not_before=now())


def own_urn() -> str:
    """This node as audit and notices name it."""
    return f"urn:taawun:node:{settings.BASE_URL}"


def settle() -> int:
    """Put the current private key in its place, and remove those that the node does not sign with any more.

    A node that has had one key notes it, so that it can be followed though it be lost.

    Returns:
        How many files were removed or moved.
    """
    with transaction.atomic():
        one_speaker()
        kept = _kept()
    if settings.NODE_KEY:
        return 0
    return keys.put_in_place(kept[-1].kid, {each.kid for each in kept})
