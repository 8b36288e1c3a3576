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

from taawun.cooperation.agreements.presenting.sentences import listed
from taawun.cooperation.agreements.presenting.situations import approvals_in_words
from taawun.cooperation.agreements.presenting.timelines import kid_of
from taawun.cooperation.partners.identity.keys import has_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.queries import nation_name
from taawun.foundation.multilingual import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.agreements.document import Document, Party
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
        signed: when it signed the version that is shown; None if it has not.
        kid: the key it signed with, or the one the document names.
        approved_by: for ourselves, who approved the version, in order.
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
    signed: datetime | None
    kid: str
    approved_by: tuple[str, ...]
    warning: str

    @property
    def approvers(self) -> SafeString:
        """Who approved, in a row."""
        return listed([format_html("<bdi>{}</bdi>", name) for name in self.approved_by])


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


def party_cards(document: Document, record: Record, partners: Mapping[str, Partner]) -> list[PartyCard]:
    """Every party and how it stands to one version.

    Args:
        document: the version.
        record: of the agreement.
        partners: as :func:`partners_of` gives them.
    """
    return [_card(party, document, record, partners.get(party.node)) for party in document.parties]


def _card(party: Party, document: Document, record: Record, partner: Partner | None) -> PartyCard:
    is_own = party.node == settings.BASE_URL
    signature = next(
        (each for each in record.signatures if each.node == party.node and each.digest == document.digest),
        None,
    )
    approved = tuple(
        each.person.name for each in record.approvals if each.version.digest == document.digest and is_own
    )
    badge, word = (
        ("signed", pgettext("state", "Signed"))
        if signature
        else _unsigned(party, document, approved, is_own=is_own)
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
        signed=signature.at if signature else None,
        kid=kid_of(signature) if signature else party.kid,
        approved_by=approved,
        warning="" if is_own or party.kind == "guest" else _warning(party, partner),
    )


def nation_of(party: Party, partner: Partner | None) -> Text | None:
    """What its nation is called: by the partner's own word where we have it."""
    if partner and partner.nation == party.nation and partner.nation_names:
        return Text.from_json(partner.nation_names)
    return nation_name(party.nation) if party.nation else None


def _unsigned(
    party: Party, document: Document, approved: tuple[str, ...], *, is_own: bool
) -> tuple[str, str]:
    if party.kind == "guest":
        host = document.party(party.host)
        name = host.organisation.in_language(get_language() or "en").value if host else party.host
        return "inactive", _("guest of %(host)s") % {"host": name}
    if is_own and approved:
        return "waiting", approvals_in_words(len(approved)).rstrip(".")
    return "waiting", _("not signed yet")


def _warning(party: Party, partner: Partner | None) -> str:
    if partner is None:
        return _("This node does not know it as a partner. Add it before you sign.")
    if not has_key(partner, party.kid):
        return _(
            "The agreement names another key than the one this node holds for it. Telephone its administrator."
        )
    if partner.state == Partner.State.BLOCKED:
        return _("It is blocked: nothing passes between the two nodes.")
    if partner.state != Partner.State.VERIFIED:
        return _("Its fingerprint has not been compared yet; it receives nothing until it is.")
    return ""
