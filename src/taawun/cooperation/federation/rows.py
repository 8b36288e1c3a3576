"""Releases in lists: what stands in a row, read for all rows together, and its cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Passage, Receipt, Release
from taawun.cooperation.federation.rules import can_see_content
from taawun.cooperation.partners.models import LaneReader, Partner
from taawun.cooperation.people.rules import Granted
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.templatetags.components import clause as clause_chip
from taawun.platform.web.templatetags.components import moment, state, tile

if TYPE_CHECKING:
    from taawun.cooperation.federation.rules import Reader

__all__ = [
    "ClauseMark",
    "ReleaseRow",
    "Way",
    "can_see",
    "clause_marks",
    "codes_of",
    "kind_label",
    "release_rows",
    "title_of",
]


# ---- what it is called ------------------------------------------------------------------------------------------
def can_see(reader: Reader, release: Release) -> bool:
    """Whether the reader may know what a release is called and about."""
    return isinstance(can_see_content(reader, release), Granted)


def title_of(release: Release, reader: Reader) -> str:
    """What a release is called, for somebody; its kind where it has no title or they may not read it."""
    if can_see(reader, release):
        return release.title or kind_label(release.kind)
    kind = {"kind": kind_label(release.kind)}
    if release.is_for_guests:
        return _("%(kind)s for guests of this node") % kind
    if release.tlp == Tlp.RED:
        return _("%(kind)s for the persons it names") % kind
    return _("%(kind)s, kept inside its organisation") % kind


def kind_label(kind: str) -> str:
    """A release kind in words; an unknown one by its name."""
    known = registry.find(ReleaseKind, kind)
    return str(known.label) if known else kind


# ---- over which clauses it went ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ClauseMark:
    """A clause over which something travelled; without an agreement the public lane."""

    agreement: UUID | None
    code: str
    clause: str
    url: str

    @property
    def chip(self) -> SafeString:
        """The clause as its chip."""
        if self.agreement is None:
            words = _("public lane")
            return (
                format_html('<a class="clause" href="{}">{}</a>', self.url, words)
                if self.url
                else format_html('<span class="clause">{}</span>', words)
            )
        return clause_chip(self.code, self.clause, self.url)


@dataclass(frozen=True, slots=True)
class Called:
    """What an agreement is called here, and its page."""

    code: str
    address: str


def clause_marks(
    passages: Iterable[Passage | Way], codes: Mapping[UUID, Called] | None = None
) -> tuple[ClauseMark, ...]:
    """The clauses of some passages, each once, in their order."""
    held = list(passages)
    known = codes_of(passage.agreement for passage in held) if codes is None else codes
    found: dict[tuple[UUID | None, str], ClauseMark] = {}
    for each in held:
        agreement, clause = each.agreement, each.clause
        if (agreement, clause) in found:
            continue
        called = known.get(agreement) if agreement else None
        code = called.code if called else "—" if agreement else ""
        url = f"{called.address}#clause-{clause}" if called else ""
        found[agreement, clause] = ClauseMark(agreement, code, clause, url)
    return tuple(found.values())


def codes_of(agreements: Iterable[UUID | None]) -> dict[UUID, Called]:
    """What agreements are called here, by their ids; those that are not here are left out."""
    held = Agreement.objects.only("number").filter(id__in={each for each in agreements if each})
    return {each.id: Called(each.code, reverse("agreement", args=[each.id])) for each in held}


# ---- a row ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release as lists show it.

    Its cells are written here and not by a template, which takes as long for fifty rows as to read them.

    Args:
        release: the row.
        address: its page.
        title: what it is called; a sentence where the reader may not know.
        is_visible: whether the reader may know what it is about.
        kind: its kind in words.
        is_given: whether it is ours.
        partners: who sent it, or to whom it went; what their names and addresses take is read of them.
        tiles: the tiles of these.
        clauses: over which clauses.
        signed: how many of its receivers signed for it; only of ours.
        badge: a key of the shell's ``STATES``.
        word: its state in words.
        arrived: when a partner's first came here; None where no way by which it came is left.
        ends: when the last way by which it stands here ends; None where one of them does not end by itself.
    """

    release: Release
    address: str
    title: str
    is_visible: bool
    kind: str
    is_given: bool
    partners: tuple[Partner, ...]
    tiles: tuple[SafeString, ...]
    clauses: tuple[ClauseMark, ...]
    signed: int
    badge: str
    word: str
    arrived: datetime | None
    ends: datetime | None

    @property
    def marking(self) -> Tlp:
        """Its marking."""
        return Tlp(self.release.tlp)

    @property
    def heading(self) -> SafeString:
        """What it is called, as a link, above its kind."""
        quiet = "" if self.is_visible else mark_safe(' class="quiet"')
        return format_html(
            '<a href="{}"{}><bdi>{}</bdi></a><br><span class="thin quiet">{}</span>',
            self.address,
            quiet,
            self.title,
            self.kind,
        )

    @property
    def direction(self) -> SafeString:
        """To whom it went, or from whom it came."""
        return _tiles([format_html("<span>{}</span>", self._whither), *_some(self.tiles, _TILES)])

    @property
    def _whither(self) -> str:
        return _("given to") if self.is_given else _("from")

    @property
    def chips(self) -> SafeString:
        """Over which clauses, as their chips."""
        return _tiles(_some([mark.chip for mark in self.clauses[: _CHIPS + 1]], _CHIPS))

    @property
    def standing(self) -> SafeString:
        """Its state, and when it ends."""
        ends = ""
        if self.ends:
            when = _("ends %(when)s") % {"when": moment(self.ends)}
            ends = format_html('<p class="note">{}</p>', SafeString(when))
        return format_html("<div>{}{}</div>", state(self.badge, self.word), ends)


# so many of each a cell holds
_TILES, _CHIPS = 6, 3


def _some(parts: Sequence[SafeString], most: int) -> list[SafeString]:
    return [*parts[:most], mark_safe("<span>…</span>")] if len(parts) > most else list(parts)


def _tiles(parts: Sequence[SafeString]) -> SafeString:
    return format_html('<span class="tiles">{}</span>', SafeString("".join(parts)))


@dataclass(frozen=True, slots=True)
class Way:
    """What a list tells of a passage."""

    lane: UUID
    seq: int
    sender: UUID | None
    agreement: UUID | None
    clause: str
    recorded: datetime
    ends: datetime | None
    ended: datetime | None

    @property
    def is_given(self) -> bool:
        """Whether it went from here over one of our lanes."""
        return self.sender is None


_OF_A_WAY = (
    "entry__lane",
    "entry__seq",
    "entry__lane__sender",
    "agreement",
    "clause",
    "entry__recorded",
    "ends",
    "ended",
)


@dataclass(frozen=True, slots=True)
class _Around:
    """What is read once for all rows of a list.

    Args:
        reader: whose list it is.
        ways: by which each release went or came, the oldest first.
        readers: of each of our lanes, each with the first entry that it reads.
        partners: all that are named, with their tiles.
        codes: of agreements, as :func:`clause_marks` takes them.
        signed: how many signed for each release of ours.
        address: of the page of no release.
    """

    reader: Reader
    ways: Mapping[UUID, Sequence[Way]]
    readers: Mapping[UUID, Sequence[tuple[UUID, int]]]
    partners: Mapping[UUID, tuple[Partner, SafeString]]
    codes: Mapping[UUID, Called]
    signed: Mapping[UUID, int]
    address: str

    def receivers(self, ways: Iterable[Way]) -> list[Partner]:
        """The partners a release of ours went to, each once."""
        found = {
            partner: self.partners[partner][0]
            for way in ways
            for partner, first in self.readers.get(way.lane, ())
            if first <= way.seq
        }
        return sorted(found.values(), key=lambda partner: (partner.nation, partner.node))


_NOBODY = UUID(int=0)


def release_rows(releases: Sequence[Release], reader: Reader) -> list[ReleaseRow]:
    """Rows of a list, in a few statements for all of them; nothing has to be read with the releases.

    A list names few partners and agreements in many rows: each is read and drawn once, and only what is told of it.
    """
    ours = [release.id for release in releases if release.origin_id is None]
    ways: dict[UUID, list[Way]] = defaultdict(list)
    held = Passage.objects.filter(release__in=[release.id for release in releases]).order_by("id")
    for release_id, *told in held.values_list("release", *_OF_A_WAY):
        ways[release_id].append(Way(*told))
    readers: dict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
    signed: dict[UUID, int] = {}
    if ours:
        lanes = {way.lane for each in ours for way in ways[each]}
        found = LaneReader.objects.filter(lane__in=lanes).values_list("lane", "partner", "first_seq")
        for lane, partner, first in found:
            readers[lane].append((partner, first or 0))
        signed = dict(
            Receipt.objects.filter(entry__passage__release__in=ours)
            .order_by()
            .values_list("entry__passage__release")
            .annotate(n=Count("partner", distinct=True))
        )
    named = {partner for each in readers.values() for partner, _first in each}
    named |= {release.origin_id for release in releases if release.origin_id}
    language = get_language() or "en"
    known = Partner.objects.only("node", "nation", "names").filter(id__in=named)
    around = _Around(
        reader,
        ways,
        readers,
        {each.id: (each, tile(each.nation, each.name.in_language(language).value)) for each in known},
        codes_of(way.agreement for each in ways.values() for way in each),
        signed,
        # Django looks up the address of each row anew, which takes 50 µs
        reverse("release", args=[_NOBODY]),
    )
    return [_row(release, around) for release in releases]


def _row(release: Release, around: _Around) -> ReleaseRow:
    ways = around.ways.get(release.id, ())
    is_given = release.origin_id is None
    origin = release.origin_id
    partners = around.receivers(ways) if origin is None else [around.partners[origin][0]]
    came = [each for each in ways if not each.is_given]
    live = [each.ends for each in came if each.ended is None]
    ends = [each for each in live if each is not None]
    signed = around.signed.get(release.id, 0)
    badge, word = _state(release, len(partners), signed)
    return ReleaseRow(
        release=release,
        address=around.address.replace(str(_NOBODY), str(release.id)),
        title=title_of(release, around.reader),
        is_visible=can_see(around.reader, release),
        kind=kind_label(release.kind),
        is_given=is_given,
        partners=tuple(partners),
        tiles=tuple(around.partners[each.id][1] for each in partners),
        clauses=clause_marks([each for each in ways if each.is_given == is_given], around.codes),
        signed=signed,
        badge=badge,
        word=word,
        arrived=min((each.recorded for each in came), default=None),
        ends=max(ends) if ends and len(ends) == len(live) else None,
    )


def _state(release: Release, receivers: int, signed: int) -> tuple[str, str]:
    gone = {
        Release.State.WITHDRAWN: ("withdrawn", pgettext("release", "withdrawn")),
        Release.State.ENDED: ("ended", pgettext("release", "ended")),
        Release.State.ASIDE: ("waiting", _("in quarantine")),
    }
    if release.state != Release.State.LIVE:
        return gone[Release.State(release.state)]
    if release.origin_id is not None:
        return "received", pgettext("release", "received")
    if not receivers:
        return "received", _("for guests of this node")
    if not signed:
        return "waiting", _("nobody has signed for it yet")
    counted = {"signed": formats.number(signed), "receivers": formats.number(receivers)}
    words = _("signed for by %(signed)s of %(receivers)s") % counted
    return ("received" if signed >= receivers else "waiting"), words
