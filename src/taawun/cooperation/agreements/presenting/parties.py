"""The parties of an agreement as its page shows them: who they are, whether they signed, whether we know their key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.models import Approval
from taawun.cooperation.agreements.presenting.sentences import approvals_in_words, listed
from taawun.cooperation.agreements.presenting.timelines import kid_of
from taawun.cooperation.partners.identity.keys import has_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.queries import nation_name
from taawun.foundation.multilingual import Text
from taawun.platform.web.formats import called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.agreements.models import PartyInstrument, PartySignature
    from taawun.cooperation.agreements.presenting.timelines import Record

__all__ = ["PartyCard", "PartyTile", "nation_of", "partners_of", "party_cards", "party_tiles"]


@dataclass(frozen=True, slots=True)
class PartyTile:
    """A party in a list: its nation's letters and its name."""

    code: str
    name: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class PartyCard:
    """A party on the page of an agreement.

    Args:
        code: its nation's letters, or empty.
        name: its organisation's name.
        nation: its nation's name; None without one.
        node: its address; empty for a guest.
        is_own: whether it is this node.
        is_depositary: whether it numbers versions and collects signatures.
        url: the partner's page; empty for ourselves, and for a node we do not know.
        badge: a key of the shell's ``STATES``.
        word: what is written beside it.
        dates: when it signed, acceded to or ratified the version that is shown, each with its caption.
        kid: the key it signed with, or the one the document names.
        approvals: for ourselves, who approved the version, its ratification or the accession, each with its caption.
        warning: why its signature cannot count yet; empty when nothing is wrong.
    """

    code: str
    name: Text
    nation: Text | None
    node: str
    is_own: bool
    is_depositary: bool
    url: str
    badge: str
    word: str
    dates: tuple[tuple[str, datetime], ...]
    kid: str
    approvals: tuple[tuple[str, SafeString], ...]
    warning: str


def party_tiles(document: Document) -> list[PartyTile]:
    """The parties as tiles, in the order of the document."""
    language = get_language() or "en"
    return [
        PartyTile(
            party.nation, party.organisation.in_language(language).value, party.node == settings.BASE_URL
        )
        for party in document.parties
    ]


def partners_of(document: Document) -> dict[str, Partner]:
    """The partners that are parties, by address."""
    nodes = [party.node for party in document.parties if party.node]
    return {partner.node: partner for partner in Partner.objects.filter(node__in=nodes)}


def party_cards(
    document: Document, record: Record, partners: Mapping[str, Partner], *, may_add: bool
) -> list[PartyCard]:
    """Every party and how it stands to one version.

    Args:
        document: the version.
        record: of the agreement.
        partners: as :func:`partners_of` gives them.
        may_add: whether the reader may add a partner that is missing.
    """
    unknown = _unknown(document, record, may_add=may_add)
    return [_card(party, document, record, partners.get(party.node), unknown) for party in document.parties]


def _unknown(document: Document, record: Record, *, may_add: bool) -> str:
    """What is said of a party that is no partner of this node: what follows from it, and who mends it."""
    own = {each.digest for each in record.signatures if each.node == settings.BASE_URL}
    has_signed = document.digest in own or record.said("acceded", settings.BASE_URL, document.digest)
    if has_signed:
        told = _("This node does not know it as a partner: it gives it nothing and takes nothing from it.")
    else:
        told = _("This node does not know it as a partner, and cannot sign before it does.")
    mend = _("Add it as a partner.") if may_add else _("An administrator of this node adds it.")
    return f"{told} {mend}"


def _card(
    party: Party, document: Document, record: Record, partner: Partner | None, unknown: str
) -> PartyCard:
    is_own = party.node == settings.BASE_URL
    signature = next(
        (each for each in record.signatures if each.node == party.node and each.digest == document.digest),
        None,
    )
    acceded = record.said("acceded", party.node, document.digest) if document.has_acceded(party.ref) else None
    ratified = record.said("ratified", party.node, document.digest) if party.ratifies else None
    if signature is None and acceded is None:
        badge, word = _unsigned(party, document, record, is_own=is_own)
    elif party.ratifies and ratified is None:
        badge, word = _unratified(document, record, is_own=is_own)
    else:
        badge, word = "signed", pgettext("state", "Acceded") if acceded else pgettext("party", "Signed")
    dates = (
        (_("Signed on"), signature.at if signature else None),
        (_("Acceded on"), acceded.at if acceded else None),
        (_("Ratified on"), ratified.at if ratified else None),
    )
    return PartyCard(
        code=party.nation,
        name=party.organisation,
        nation=nation_of(party, partner),
        node=party.node,
        is_own=is_own,
        is_depositary=party is document.depositary,
        url=reverse("partner", args=[partner.id]) if partner else "",
        badge=badge,
        word=word,
        dates=tuple((caption, at) for caption, at in dates if at),
        kid=_kid(party, signature, acceded),
        approvals=_approvals(document, record) if is_own else (),
        warning="" if is_own or party.kind == "guest" else _warning(party, partner) if partner else unknown,
    )


def nation_of(party: Party, partner: Partner | None) -> Text | None:
    """What its nation is called: by the partner's own word where we have it."""
    if partner and partner.nation == party.nation and partner.nation_names:
        return Text.from_json(partner.nation_names)
    return nation_name(party.nation) if party.nation else None


def _kid(party: Party, signature: PartySignature | None, acceded: PartyInstrument | None) -> str:
    if signature:
        return kid_of(signature)
    return str(acceded.jwk.get("kid", party.kid)) if acceded else party.kid


def _approvals(document: Document, record: Record) -> tuple[tuple[str, SafeString], ...]:
    captions = {
        Approval.Step.SIGNATURE: _("Approved by"),
        Approval.Step.ACCESSION: _("Accession approved by"),
        Approval.Step.RATIFICATION: _("Ratification approved by"),
    }
    given = ((caption, record.approved(document.digest, step)) for step, caption in captions.items())
    return tuple(
        (caption, listed([format_html("<bdi>{}</bdi>", each.person.name) for each in approvals]))
        for caption, approvals in given
        if approvals
    )


def _unsigned(party: Party, document: Document, record: Record, *, is_own: bool) -> tuple[str, str]:
    if party.kind == "guest":
        host = document.party(party.host)
        name = called(host.organisation) if host else party.host
        return "inactive", _("guest of %(host)s") % {"host": name}
    given = len(record.approved(document.digest, Approval.Step.SIGNATURE)) if is_own else 0
    return "waiting", approvals_in_words(given).rstrip(".") if given else _("not signed yet")


def _unratified(document: Document, record: Record, *, is_own: bool) -> tuple[str, str]:
    """A party that signed, or acceded, and is not bound before it has ratified."""
    given = len(record.approved(document.digest, Approval.Step.RATIFICATION)) if is_own else 0
    if given:
        return "waiting", _("Our ratification: {}").format(approvals_in_words(given).rstrip("."))
    return "waiting", _("signed, not ratified yet")


def _warning(party: Party, partner: Partner) -> str:
    if not has_key(partner, party.kid):
        return _(
            "The agreement names another key than the one this node holds for it. Telephone its administrator."
        )
    if partner.state == Partner.State.BLOCKED:
        return _("It is blocked: nothing passes between the two nodes.")
    if partner.state != Partner.State.VERIFIED:
        return _("Its fingerprint has not been compared yet; it receives nothing until it is.")
    return ""
