"""The verbs on partners."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from taawun.cooperation.partners import contents, lanes
from taawun.cooperation.partners import descriptor as descriptors
from taawun.cooperation.partners.addresses import base_address
from taawun.cooperation.partners.errors import DescriptorRefused, PartnerRefused
from taawun.cooperation.partners.keys import node_key, recovery_jwk
from taawun.cooperation.partners.models import (
    Lane,
    LaneEntry,
    LaneReader,
    Nonce,
    Partner,
    PolicyGeneration,
)
from taawun.cooperation.people.actors import PartyActor, SystemActor
from taawun.cooperation.people.queries import host, nation_name
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now, timestamp
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from uuid import UUID

    from taawun.cooperation.partners.descriptor import Descriptor
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "block",
    "forget_strangers",
    "has_news",
    "hear_of",
    "learn_descriptor",
    "meet",
    "own_descriptor",
    "prune_nonces",
    "unblock",
    "urn",
    "verify",
]

# strangers may knock, but they cannot fill the house, and one of them alone cannot keep the others out
MAX_STRANGERS: Final = 100
MAX_OF_ONE_NETWORK: Final = 10
_STRANGERS: Final = (Partner.State.CLAIMED, Partner.State.MET)
# how long a partner whose last call failed waits at the least, though it says that it has news
_AFTER_A_FAILURE: Final = timedelta(seconds=5)


def urn(partner: Partner) -> str:
    """The partner as audit and notices name it."""
    return f"urn:taawun:node:{partner.node}"


def own_descriptor() -> str:
    """This node's descriptor, signed now.

    Returns:
        A compact JWS, valid for 28 days.
    """
    organisation = host()
    nation = organisation.nation_id or ""
    return descriptors.write(
        node=settings.BASE_URL,
        kind=organisation.node_kind,
        nation=nation,
        name=organisation.name,
        nation_name=nation_name(nation) if nation else None,
        contacts=list(organisation.contacts),
        key=node_key(),
        recovery_jwk=recovery_jwk(),
        at=now(),
    )


@transaction.atomic
def meet(actor: Actor, node: str) -> Partner:
    """Ask to be introduced to the node at an address. The sync loop fetches its descriptor.

    Args:
        actor: who asks.
        node: the other node's base address.

    Returns:
        The partner, known by its address alone until it has answered.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: the address is none, or our own.
    """
    require(actor, "manage:partners")
    node = _base_address(node)
    partner, created = Partner.objects.get_or_create(node=node, defaults={"state": Partner.State.CLAIMED})
    # whoever introduced itself is a stranger until somebody here names its address
    if created or partner.introduced_from:
        record(actor, "partners.met", urn(partner), {})
    if not created:
        Partner.objects.filter(id=partner.id).update(wants_pull=True, not_before=now(), introduced_from="")
    return partner


@transaction.atomic
def hear_of(token: str, network: str) -> Partner:
    """Take note of a node that introduced itself. Nothing it says is believed before its address was asked.

    Args:
        token: its descriptor.
        network: where its word came from, as :func:`taawun.platform.web.limits.network_of` tells it.

    Raises:
        DescriptorRefused: the descriptor is not valid.
        PartnerRefused: too many unknown nodes have introduced themselves.
    """
    told = descriptors.read(token, at=now())
    node = _base_address(told.node)
    known = Partner.objects.filter(node=node).first()
    if known and known.state == Partner.State.BLOCKED:
        raise PartnerRefused("partner-blocked", "This node does not talk to yours.")
    if known:
        # one that has shown its key speaks with that key: a word under another tells nothing of it
        if not known.kid:
            has_news(known)
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
    record(PartyActor(node, node), "partners.introduced-itself", urn(partner), {"from": network})
    return partner


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
    lanes.one_speaker()
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
    resolve("partners.key-changed", urn(held))
    facts = {"state": held.state, "since": timestamp(held.created), "from": held.introduced_from}
    held.delete()
    _partners_changed()
    record(SystemActor("partners.strangers"), "partners.forgotten", urn(held), facts)
    return True


def learn_descriptor(partner: Partner, token: str) -> Partner:
    """Take a descriptor that was fetched from the partner's own address.

    The key that was compared is never replaced by a descriptor alone.

    Raises:
        DescriptorRefused: it is invalid, older than the one held, or names another key.
    """
    found = descriptors.read(token, at=now(), expected_node=partner.node)
    try:
        return _take_descriptor(partner, found)
    except DescriptorRefused as refused:
        # outside the transaction that the refusal undid: the alarm stays
        if refused.code == "key-changed":
            raise_notice(
                "partners.key-changed",
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
    lanes.one_speaker()
    held = Partner.objects.select_for_update().get(id=partner.id)
    if held.kid and held.kid != found.key.kid:
        raise DescriptorRefused("key-changed", "The descriptor names another key than the one that is held.")
    if held.descriptor_issued and found.issued < held.descriptor_issued:
        raise DescriptorRefused("older", "The descriptor is older than the one that is held.")
    is_new, before = not held.kid, _called(held)
    _fill(held, found)
    held.save()
    if held.state == Partner.State.VERIFIED and _called(held) != before:
        _tell_of_change(held, before)
    resolve("partners.key-changed", urn(held))
    _partners_changed()
    if is_new:
        # a node that was forgotten and came again has a lane already, and reads on in it
        LaneReader.objects.get_or_create(lane=lanes.talk_lane(held), partner=held)
        party = PartyActor(held.node, held.name.in_language("en").value)
        record(party, "partners.answered", urn(held), {"kid": held.kid})
    return held


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
        held.save(update_fields=["state", "verified", "verified_by", "wants_pull", "introduced_from"])
        record(actor, "partners.verified", urn(held), {"kid": kid, "at": timestamp(now())})
        _partners_changed()
    return held


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
