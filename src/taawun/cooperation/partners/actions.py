"""The verbs on partners."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from taawun.cooperation.partners.errors import DescriptorRefused, PartnerRefused
from taawun.cooperation.partners.identity import descriptor as descriptors
from taawun.cooperation.partners.identity import succession
from taawun.cooperation.partners.identity.addresses import base_address
from taawun.cooperation.partners.identity.keys import has_key, own_keys
from taawun.cooperation.partners.logs import contents, lanes
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import (
    Lane,
    LaneEntry,
    LaneReader,
    Nonce,
    Partner,
    PolicyGeneration,
)
from taawun.cooperation.people.actors import PartyActor, SystemActor
from taawun.cooperation.people.queries import host, nation_name, published_contacts
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now, timestamp
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.partners.identity.descriptor import Descriptor
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "block",
    "forget_claim",
    "forget_strangers",
    "has_news",
    "hear_of",
    "heard_from",
    "learn_descriptor",
    "meet",
    "own_descriptor",
    "prune_nonces",
    "take_carried",
    "unblock",
    "urn",
    "verify",
]

# strangers may knock, but they cannot fill the house, and one of them alone cannot keep the others out
MAX_STRANGERS: Final = 100
MAX_OF_ONE_NETWORK: Final = 10
# descriptors that name a key which is not the node's, as far as is known here
WRONG_KEYS: Final = ("key-changed", "retired-key")
_STRANGERS: Final = (Partner.State.CLAIMED, Partner.State.MET)
# how long a partner whose last call failed waits at the least, though it says that it has news
_AFTER_A_FAILURE: Final = timedelta(seconds=5)
_RENEWED_AFTER: Final = timedelta(hours=12)
# what the QR code of a node says
_SCANNED: Final = re.compile(r"(?P<node>.+)/\.well-known/taawun#(?P<kid>[A-Za-z0-9_-]{43})")
# what a node said of itself and was believed until somebody compared it
_CLAIMED: Final = (
    "kid", "jwk", "descriptor", "descriptor_issued", "descriptor_valid_until", "descriptor_fetched", "names",
    "nation", "nation_names", "kind", "carried", "heard_until", "last_contact", "introduced_from",
)  # fmt: skip


def urn(partner: Partner) -> str:
    """The partner as audit and notices name it."""
    return f"urn:taawun:node:{partner.node}"


def own_descriptor() -> str:
    """This node's descriptor, signed now.

    Returns:
        A compact JWS, valid for 28 days.
    """
    organisation, held = host(), own_keys()
    nation = organisation.nation_id or ""
    return descriptors.write(
        node=settings.BASE_URL,
        kind=organisation.node_kind,
        nation=nation,
        name=organisation.name,
        nation_name=nation_name(nation) if nation else None,
        contacts=published_contacts(organisation),
        key=held.signing,
        recovery_jwk=held.recovery,
        at=now(),
        is_reachable=settings.REACHABLE,
        retired=[
            descriptors.RetiredKey(each.key, each.since, each.until, each.revoked_since)
            for each in held.retired
        ],
        rotations=held.rotations,
    )


@transaction.atomic
def meet(actor: Actor, node: str, *, calls_us: bool = False, kid: str = "") -> Partner:
    """Ask to be introduced to the node at an address. The sync loop fetches its descriptor.

    Args:
        actor: who asks.
        node: the other node's base address, or what its QR code says: the address of its descriptor and its key.
        calls_us: whether it cannot be called, and is waited for instead.
        kid: the key that it will show; any, where nobody was told.

    Returns:
        The partner, known by its address alone until it has answered.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: the address is none, or our own, or neither of the two nodes can be called.
    """
    require(actor, "manage:partners")
    if scanned := _SCANNED.fullmatch(node.strip()):
        node, kid = scanned["node"], scanned["kid"]
    node = _base_address(node)
    if calls_us and not settings.REACHABLE:
        raise both_unreachable()
    partner, created = Partner.objects.get_or_create(
        node=node,
        defaults={"state": Partner.State.CLAIMED, "is_reachable": not calls_us, "expected_kid": kid},
    )
    # whoever introduced itself is a stranger until somebody here names its address
    if created or partner.introduced_from:
        record(actor, "partners.met", urn(partner), {})
    if not created:
        Partner.objects.filter(id=partner.id).update(wants_pull=True, not_before=now(), introduced_from="")
    if not (created or partner.kid):
        # until it has shown a key, what was said of it last is what counts
        Partner.objects.filter(id=partner.id).update(
            is_reachable=not calls_us, expected_kid=kid or partner.expected_kid
        )
    return partner


def both_unreachable() -> PartnerRefused:
    """Why two nodes that both only call others cannot talk, and what can be done."""
    return PartnerRefused(
        "both-unreachable",
        _(
            "Neither node can be called: this one only calls others, and so does that one. One of the two has to "
            "accept connections."
        ),
    )


def hear_of(token: str, network: str) -> Partner:
    """Take note of a node that introduced itself. Nothing it says is believed before its address was asked.

    Args:
        token: its descriptor.
        network: where its word came from, as :func:`taawun.platform.web.limits.network_of` tells it.

    Raises:
        DescriptorRefused: the descriptor is not valid.
        PartnerRefused: too many unknown nodes have introduced themselves, or another has under this address.
    """
    told = descriptors.read(token, at=now())
    node = _base_address(told.node)
    try:
        return _hear_of(told, node, network)
    except PartnerRefused as refused:
        # outside the transaction that the refusal undid: somebody is told all the same
        if refused.code in {"address-taken", "other-key"}:
            _tell_of_claim(Partner.objects.get(node=node))
        raise


@transaction.atomic
def _hear_of(told: Descriptor, node: str, network: str) -> Partner:
    known = Partner.objects.filter(node=node).first()
    if known and known.state == Partner.State.BLOCKED:
        raise PartnerRefused("partner-blocked", "This node does not talk to yours.")
    if known:
        # one that has shown its key speaks with that key, or with one that provably followed it: a word under another
        # tells nothing of it
        if not known.kid:
            _carry(known, told)
            has_news(known)
        elif succession.is_proven(known, told):
            _follow_soon(known, told)
        elif not known.is_reachable and known.state != Partner.State.VERIFIED:
            _tell_of_claim(known)
        return known
    strangers = Partner.objects.filter(state__in=_STRANGERS)
    if (
        strangers.count() >= MAX_STRANGERS
        or strangers.filter(introduced_from=network).count() >= MAX_OF_ONE_NETWORK
    ):
        raise PartnerRefused(
            "too-many-strangers", "Too many unknown nodes have introduced themselves; try later."
        )
    partner, is_new = Partner.objects.get_or_create(
        node=node, defaults={"state": Partner.State.CLAIMED, "introduced_from": network}
    )
    if not is_new:
        return partner
    _carry(partner, told)
    record(PartyActor(node, node), "partners.introduced-itself", urn(partner), {"from": network})
    return partner


def _follow_soon(known: Partner, told: Descriptor) -> None:
    """A partner says under a new key, which its old one or the pinned recovery key proves, that it has another key."""
    if not known.is_reachable:
        # nobody answers at its address, so that its own word must do
        learn_descriptor(known, told.token)
    Partner.objects.filter(id=known.id).update(descriptor_fetched=None)
    has_news(known)


def _carry(partner: Partner, told: Descriptor) -> None:
    """Keep what a node brought that says it cannot be called; its address is asked once before it is believed.

    Raises:
        PartnerRefused: somebody else came first under this address, or the key is not the one that is waited for.
    """
    if partner.expected_kid not in {"", told.key.kid}:
        raise PartnerRefused("other-key", "Another key is waited for under this address.")
    if told.is_reachable:
        # it can be called after all, so that its address shows its key
        Partner.objects.filter(id=partner.id).update(is_reachable=True, carried="")
        return
    held = descriptors.kid_of(partner.carried)
    if held not in {"", told.key.kid}:
        raise PartnerRefused("address-taken", "Another node has introduced itself under this address.")
    Partner.objects.filter(id=partner.id).update(carried=told.token)


def _tell_of_claim(partner: Partner) -> None:
    raise_notice(
        "partners.two-claims",
        urn(partner),
        Notice.Level.WARNING,
        {"node": partner.node, "partner": str(partner.id)},
    )


def take_carried(partner: Partner) -> Partner:
    """Take the descriptor that a node brought itself, now that nobody answers at its address.

    Raises:
        DescriptorRefused: it has lapsed meanwhile, or another was taken.
    """
    token = partner.carried
    Partner.objects.filter(id=partner.id).update(carried="")
    return learn_descriptor(partner, token)


def heard_from(partner: Partner, token: str) -> None:
    """Take note of a word that a partner signed: it has news, and maybe a newer descriptor.

    One that cannot be called renews its descriptor in this way, and says in this way that it can, or cannot any more.

    Raises:
        DescriptorRefused: the descriptor that it brings is none.
    """
    told = descriptors.read(token, at=now(), expected_node=partner.node)
    is_changed = told.is_reachable != partner.is_reachable
    if is_changed or (not told.is_reachable and _is_news(partner, told.issued)):
        partner = learn_descriptor(partner, token)
    if not partner.is_reachable:
        Partner.objects.filter(id=partner.id).update(last_contact=now())
    has_news(partner)


def _is_news(partner: Partner, issued: datetime) -> bool:
    """Whether a descriptor is newer by enough to be written down; each word brings one that was signed just then."""
    held = partner.descriptor_issued
    return held is None or partner.state == Partner.State.CLAIMED or issued - held > _RENEWED_AFTER


@transaction.atomic
def forget_claim(actor: Actor, partner: Partner) -> None:
    """Say that a node which came by itself is not the one whose address it names; another may come in its place.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: it was compared, or its address itself shows its key.
    """
    require(actor, "manage:partners")
    one_speaker()
    held = Partner.objects.select_for_update().get(id=partner.id)
    if held.state != Partner.State.MET or held.is_reachable:
        raise PartnerRefused(
            "not-a-claim", _("This is only for a node that came by itself and that nobody has compared.")
        )
    theirs = LaneEntry.objects.filter(lane__sender=held)
    digests = list(theirs.values_list("content_digest", flat=True))
    Lane.objects.filter(sender=held).delete()
    for digest in digests:
        contents.drop_unused(digest)
    record(actor, "partners.claim-forgotten", urn(held), {"kid": held.kid})
    nothing = Partner(node=held.node)
    for name in _CLAIMED:
        setattr(held, name, getattr(nothing, name))
    held.state, held.is_reachable = Partner.State.CLAIMED, False
    held.save()
    resolve("partners.two-claims", urn(held))
    _partners_changed()


def has_news(partner: Partner) -> None:
    """Ask a partner soon for what it says that it has.

    One whose last call failed is not asked at once because it knocks: that would keep our threads with whoever fails
    and knocks. Whom an administrator here compared or named is asked a little later, a stranger when its wait is over.
    """
    held = Partner.objects.filter(id=partner.id)
    held.update(wants_pull=True)
    is_ours = partner.state == Partner.State.VERIFIED or not partner.introduced_from
    if partner.failures and not is_ours:
        return
    soon = now() + _AFTER_A_FAILURE if partner.failures else now()
    held.filter(not_before__gt=soon).update(not_before=soon)


def forget_strangers() -> int:
    """Forget nodes that introduced themselves and that nobody here compared for long (``TAAWUN_STRANGER_DAYS``).

    One that an administrator named, decided about, or that has said or been told anything stays.

    Returns:
        How many were forgotten.
    """
    before = now() - timedelta(days=settings.STRANGER_DAYS)
    old = Partner.objects.filter(state__in=_STRANGERS, created__lt=before).exclude(introduced_from="")
    return sum(_forget(partner_id) for partner_id in old.values_list("id", flat=True))


@transaction.atomic
def _forget(partner_id: UUID) -> bool:
    one_speaker()
    held = (
        Partner.objects.select_for_update()
        .filter(id=partner_id, state__in=_STRANGERS)
        .exclude(introduced_from="")
        .first()
    )
    if held is None:
        return False
    between = LaneEntry.objects.filter(Q(lane__sender=held) | Q(lane__readers__partner=held))
    if between.exclude(kind="lane.opened").exists():
        return False
    theirs = LaneEntry.objects.filter(lane__sender=held)
    digests = list(theirs.values_list("content_digest", flat=True))
    Lane.objects.filter(sender=held).delete()
    for digest in digests:
        contents.drop_unused(digest)
    # our own lane to it stays: should it come again, the log goes on where it ended
    LaneReader.objects.filter(partner=held).delete()
    for code in WRONG_KEYS:
        resolve(f"partners.{code}", urn(held))
    facts = {"state": held.state, "since": timestamp(held.created), "from": held.introduced_from}
    held.delete()
    _partners_changed()
    record(SystemActor("partners.strangers"), "partners.forgotten", urn(held), facts)
    return True


def learn_descriptor(partner: Partner, token: str) -> Partner:
    """Take a descriptor that was fetched from the partner's own address.

    The key that was compared is never replaced by a descriptor alone: the key itself, or the recovery key that was
    pinned with it, says which one follows.

    Raises:
        DescriptorRefused: it is invalid, older than the one held, or names another key that nothing proves.
    """
    found = descriptors.read(token, at=now(), expected_node=partner.node)
    try:
        return _take_descriptor(partner, found)
    except DescriptorRefused as refused:
        # outside the transaction that the refusal undid: the alarm stays
        if refused.code in WRONG_KEYS:
            raise_notice(
                f"partners.{refused.code}",
                urn(partner),
                Notice.Level.ALARM,
                {
                    "node": partner.node,
                    "name": partner.name.in_language("en").value,
                    "partner": str(partner.id),
                },
            )
        raise


@transaction.atomic
def _take_descriptor(partner: Partner, found: Descriptor) -> Partner:
    one_speaker()
    held = Partner.objects.select_for_update().get(id=partner.id)
    is_older = held.descriptor_issued is not None and found.issued < held.descriptor_issued
    if not held.kid and held.expected_kid not in {"", found.key.kid}:
        raise DescriptorRefused(
            "other-key", "The descriptor names another key than the one that is waited for."
        )
    is_new, before = not held.kid, _called(held)
    if is_new:
        succession.met(held, found)
    elif not is_older or not has_key(held, found.key.kid):
        succession.follow(held, found)
    if is_older:
        raise DescriptorRefused("older", "The descriptor is older than the one that is held.")
    _fill(held, found)
    held.save()
    if held.state == Partner.State.VERIFIED and _called(held) != before:
        _tell_of_change(held, before)
    for code in WRONG_KEYS:
        resolve(f"partners.{code}", urn(held))
    _partners_changed()
    if is_new:
        # a node that was forgotten and came again has a lane already, and reads on in it
        LaneReader.objects.get_or_create(lane=lanes.talk_lane(held), partner=held)
        party = PartyActor(held.node, held.name.in_language("en").value)
        record(party, "partners.answered", urn(held), {"kid": held.kid})
    return Partner.objects.get(id=held.id)


def _called(partner: Partner) -> dict[str, object]:
    """What people know a partner by; its key is what was compared."""
    return {
        "kind": partner.kind,
        "nation": partner.nation,
        "names": partner.names,
        "nation_names": partner.nation_names,
    }


def _tell_of_change(partner: Partner, before: dict[str, object]) -> None:
    """Whom somebody here compared does not change its name or nation in silence."""
    then = Partner(node=partner.node, **before)
    raise_notice(
        "partners.renamed",
        urn(partner),
        Notice.Level.WARNING,
        {
            "node": partner.node,
            "partner": str(partner.id),
            **{f"before_{code}": text for code, text in _names(then).items()},
            **{f"after_{code}": text for code, text in _names(partner).items()},
        },
    )
    party = PartyActor(partner.node, partner.name.in_language("en").value)
    record(party, "partners.renamed", urn(partner), {"before": before, "after": _called(partner)})


def _names(partner: Partner) -> dict[str, str]:
    """Its name and nation, in each language of this node's pages."""
    return {
        code: f"{partner.name.in_language(code).value} ({partner.nation})"
        if partner.nation
        else partner.name.in_language(code).value
        for code, _language in settings.LANGUAGES
    }


def _fill(partner: Partner, found: Descriptor) -> None:
    partner.kind, partner.nation = found.kind, found.nation
    partner.names = found.name.to_json()
    partner.nation_names = found.nation_name.to_json() if found.nation_name else {}
    partner.kid, partner.jwk = found.key.kid, found.key.to_jwk()
    partner.descriptor = found.token
    partner.descriptor_issued, partner.descriptor_valid_until = found.issued, found.valid_until
    partner.descriptor_fetched = now()
    partner.is_reachable, partner.carried = found.is_reachable, ""
    if partner.state == Partner.State.CLAIMED:
        partner.state = Partner.State.MET


@transaction.atomic
def verify(actor: Actor, partner: Partner, kid: str) -> Partner:
    """Say that two administrators compared the fingerprint out of band, and it is the same.

    Args:
        actor: our administrator.
        partner: whose fingerprint.
        kid: the key that was shown while they compared.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: the partner has not answered yet, is blocked, or shows another key by now.
    """
    require(actor, "manage:partners")
    held = Partner.objects.select_for_update().get(id=partner.id)
    if not held.kid or held.state == Partner.State.BLOCKED:
        raise PartnerRefused("not-met", _("This partner has not answered yet, or is blocked."))
    if held.kid != kid:
        raise PartnerRefused("key-changed", _("The key changed while you compared. Compare again."))
    if held.state != Partner.State.VERIFIED:
        held.state, held.verified, held.verified_by = (
            Partner.State.VERIFIED,
            now(),
            actor.audit_identity.label,
        )
        held.wants_pull, held.introduced_from = True, ""
        held.recovery = _named_recovery(held)
        held.save(
            update_fields=["state", "verified", "verified_by", "wants_pull", "introduced_from", "recovery"]
        )
        seen = {"kid": kid, "recovery": held.recovery.get("kid", ""), "at": timestamp(now())}
        record(actor, "partners.verified", urn(held), seen)
        _partners_changed()
    return held


def _named_recovery(partner: Partner) -> dict[str, str]:
    """The recovery key that a partner's descriptor names: whoever vouches for the key vouches for it."""
    told = descriptors.read(partner.descriptor, at=partner.descriptor_issued or now())
    return told.recovery.to_jwk() if told.recovery else {}


@transaction.atomic
def block(actor: Actor, partner: Partner) -> None:
    """Stop all traffic with a partner at once.

    Raises:
        NotAllowed: the actor may not.
    """
    require(actor, "manage:partners")
    if (
        Partner.objects.filter(id=partner.id)
        .exclude(state=Partner.State.BLOCKED)
        .update(state=Partner.State.BLOCKED, introduced_from="")
    ):
        record(actor, "partners.blocked", urn(partner), {})
        _partners_changed()


@transaction.atomic
def unblock(actor: Actor, partner: Partner) -> None:
    """Let a blocked partner talk again. It is compared anew before it receives anything.

    Raises:
        NotAllowed: the actor may not.
    """
    require(actor, "manage:partners")
    if Partner.objects.filter(id=partner.id, state=Partner.State.BLOCKED).update(
        state=Partner.State.CLAIMED, wants_pull=True, not_before=now(), descriptor_fetched=None
    ):
        record(actor, "partners.unblocked", urn(partner), {})
        _partners_changed()


def _partners_changed() -> None:
    """Whoever compiled decisions from the state of partners must compile them again."""
    PolicyGeneration.bump()


def prune_nonces() -> int:
    """Forget requests that could not be replayed any more.

    Returns:
        How many were forgotten.
    """
    removed, _ = Nonce.objects.filter(expires__lt=now() - timedelta(minutes=2)).delete()
    return removed


def _base_address(node: str) -> str:
    try:
        base = base_address(node.strip())
    except ValueError:
        raise PartnerRefused(
            "not-an-address", _("A node's address looks like https://cert.example, without a path.")
        ) from None
    if base == settings.BASE_URL:
        raise PartnerRefused("ourselves", _("That is this node's own address."))
    return base
