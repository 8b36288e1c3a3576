"""By which ways a partner's release came, in the reader's words: each hop with its agreement, clause and signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from taawun.cooperation.agreements.models import Version
from taawun.cooperation.federation.exchange.onward import proven
from taawun.cooperation.federation.hops import OriginRefused, inner_headers
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.presenting import arrived_at, clause_marks, what_it_allows
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.models import Partner
from taawun.platform.web import formats
from taawun.platform.web.components import Moment, Station, Tone
from taawun.platform.web.templatetags.components import clause as clause_chip
from taawun.platform.web.templatetags.components import code, moment, text, tile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taawun.cooperation.federation.models import Passage
    from taawun.cooperation.partners.logs.chain import Header

__all__ = ["Hop", "WayShown", "provenance", "ways_shown"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a way, from a node to the next.

    Args:
        node: base address of who sent it on.
        partner: the same as it is known here, or None.
        agreement: digest of the version under which it went; empty for a public lane.
        clause: the clause's ref.
        code: what people here call the agreement; empty where it is not known here.
        issued: when that node signed for it.
        is_verified: whether its signature was verified with a key that administrators compared.
    """

    node: str
    partner: Partner | None
    agreement: str
    clause: str
    code: str
    issued: datetime
    is_verified: bool

    @property
    def who(self) -> SafeString:
        """The node, as it is shown."""
        if self.partner is None:
            return format_html('<bdi dir="ltr">{}</bdi>', self.node)
        return format_html("{} <bdi>{}</bdi>", tile(self.partner.nation), text(self.partner.name))

    @property
    def under(self) -> SafeString:
        """Agreement and clause, as they are shown."""
        if not self.agreement:
            return format_html("{}", _("its public lane"))
        if not self.code:
            return format_html(_("{clause} of an agreement of theirs"), clause=clause_chip("", self.clause))
        return clause_chip(self.code, self.clause)

    @property
    def signature(self) -> str:
        """What is known of its signature."""
        return _("signature verified") if self.is_verified else _("not verified by us")


@dataclass(frozen=True, slots=True)
class WayShown:
    """One way by which a release came.

    Args:
        passage: its last hop.
        hops: from its source to here.
    """

    passage: Passage
    hops: tuple[Hop, ...]

    @property
    def moments(self) -> list[Moment]:
        """The same as a history, from its source to here."""
        voucher = self.vouched_by
        vouched = (
            format_html(_("not verified by us, vouched for by {partner}"), partner=voucher.who)
            if voucher
            else ""
        )
        steps = [
            Moment(
                format_html("{} {}", hop.who, hop.under),
                hop.issued,
                hop.signature if hop.is_verified else vouched or hop.signature,
                marked=hop.is_verified,
            )
            for hop in self.hops
        ]
        return [*steps, Moment(_("This node"), self.passage.entry.recorded, self._end)]

    @property
    def _end(self) -> SafeString | str:
        passage = self.passage
        if passage.ended:
            why = passage.get_why_ended_display()
            return format_html(_("ended {moment}: {why}"), moment=moment(passage.ended), why=why)
        return format_html(_("ends {moment}"), moment=moment(passage.ends)) if passage.ends else ""

    @property
    def vouched_by(self) -> Hop | None:
        """Who alone vouches for its source; None where the source's own signature was verified."""
        return None if self.hops[0].is_verified else self.hops[-1]


def ways_shown(passages: Sequence[Passage]) -> list[WayShown]:
    """The ways by which a release came, in the order of its passages.

    Args:
        passages: of one release, with their entries and lanes; those over our own lanes are left out.
    """
    came = [each for each in passages if not each.is_given]
    read = {each.id: _headers(each) for each in came}
    names = {header.sender for headers in read.values() for _token, header in headers}
    partners = {each.node: each for each in Partner.objects.filter(node__in=names)}
    digests = {header.agreement for headers in read.values() for _token, header in headers}
    versions = Version.objects.filter(digest__in=digests).select_related("agreement").defer("text")
    codes = {each.digest: each.agreement.code for each in versions}
    found = []
    for passage in came:
        hops = [_hop(token, header, partners, codes) for token, header in read[passage.id]]
        found.append(WayShown(passage, tuple(reversed(hops)) or (_last_hop(passage),)))
    return found


def _headers(passage: Passage) -> list[tuple[str, Header]]:
    """The header under which it came here, and those within, the nearest first."""
    try:
        header = said_in(passage.entry.header)
        return [(passage.entry.header, header), *inner_headers(header)]
    except (ChainBroken, OriginRefused):
        return []


def _hop(token: str, header: Header, partners: dict[str, Partner], codes: dict[str, str]) -> Hop:
    partner = partners.get(header.sender)
    is_compared = partner is not None and partner.verified is not None
    return Hop(
        header.sender,
        partner,
        header.agreement,
        header.clause,
        codes.get(header.agreement, ""),
        header.issued,
        is_verified=partner is not None and is_compared and proven(token, partner),
    )


def _last_hop(passage: Passage) -> Hop:
    sender = passage.entry.lane.sender
    issued = passage.entry.issued
    return Hop(
        sender.node if sender else "", sender, passage.document, passage.clause, "", issued, is_verified=True
    )


def provenance(release: Release) -> list[Station]:
    """Where a partner's release came from, what allowed it, whose signature it bears, and when it was taken in."""
    origin = release.origin
    if origin is None:
        return []
    passages = [each for each in release.passages.all() if not each.is_given]
    marks = clause_marks(passages)
    chips = format_html("{}", marks[0].chip) if marks else format_html("{}", _("no clause any more"))
    more = len(marks) - 1
    also = ngettext("and by %(count)s more clause", "and by %(count)s more clauses", max(more, 0))
    also = also % {"count": formats.number(more)} if more > 0 else ""
    return [
        Station(
            _("Came from"),
            format_html('<bdi dir="ltr">{}</bdi>', release.source)
            if release.source
            else format_html("{} <bdi>{}</bdi>", tile(origin.nation), text(origin.name)),
            "partners",
            format_html(
                '<bdi dir="ltr" class="mono">{}</bdi><br>{}',
                origin.node,
                format_html(_("published {moment}"), moment=moment(release.issued)),
            ),
        ),
        Station(
            _("Allowed by"),
            chips,
            "agreement",
            format_html("{}{}", _allowed(passages), f" {also}" if also else ""),
            Tone.GOLD,
        ),
        _signature(release, origin),
        _taken_in(release, arrived_at(release)),
    ]


def _allowed(passages: Sequence[Passage]) -> SafeString:
    """What the first of the clauses allows, in the version under which the release came."""
    if not passages or passages[0].is_public:
        return SafeString("")
    version = Version.objects.filter(digest=passages[0].document).first()
    clauses = version.document().clauses if version else ()
    return next((what_it_allows(each) for each in clauses if each.ref == passages[0].clause), SafeString(""))


def _signature(release: Release, origin: Partner) -> Station:
    if release.source:
        vouched = format_html(_("vouched for by {partner}"), partner=text(origin.name))
        return Station(_("Signature"), _("not verified by us"), "seal", vouched, Tone.GOLD)
    key = format_html(_("key {key}"), key=code(origin.kid, short=6, copy=False))
    return Station(_("Signature"), _("verified"), "seal", key, Tone.GREEN)


def _taken_in(release: Release, arrived: datetime | None) -> Station:
    if release.state == Release.State.WITHDRAWN:
        return Station(
            _("Here"), pgettext("release", "withdrawn"), "close", moment(release.withdrawn), Tone.ALARM
        )
    if release.state == Release.State.ASIDE:
        return Station(_("Here"), _("in quarantine"), "close", moment(release.withdrawn), Tone.ALARM)
    if release.state == Release.State.ENDED:
        return Station(
            _("Here"), pgettext("release", "ended"), "clock", moment(release.withdrawn), Tone.MUTED
        )
    return Station(_("Here"), _("taken in"), "check", moment(arrived), Tone.GREEN)
