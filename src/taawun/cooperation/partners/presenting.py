"""What the pages of partners show: fingerprints, lanes and states in the reader's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from taawun.cooperation.partners.errors import DescriptorRefused
from taawun.cooperation.partners.identity import descriptor, duty
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.partners.wording import is_not_called, last_problem, stop_reason
from taawun.cooperation.people.letters import qr
from taawun.foundation import fingerprint
from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.components import Fact
from taawun.platform.web.templatetags.components import code, day, moment, text

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.home import Line

__all__ = [
    "Fingerprint",
    "LaneCaption",
    "LaneLine",
    "PartnerSection",
    "Standing",
    "descriptor_facts",
    "fingerprint_of",
    "lane_captions",
    "lane_lines",
    "lanes_in_step",
    "standing",
]


# ---- parts that other rooms register --------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LaneCaption:
    """How the lanes of a purpose are called; the room that fills them registers it.

    Args:
        name: the purpose, as in ``Lane.Purpose``.
        captions: for these lanes, what each carries; markup.
    """

    name: str
    captions: Callable[[Sequence[Lane]], Mapping[UUID, SafeString]]


@dataclass(frozen=True, slots=True)
class PartnerSection:
    """What another room shows on the page of a partner.

    Args:
        name: the room, for example ``agreements``.
        label: the heading; a lazy translation.
        permission: who sees it.
        lines: what concerns this partner, the most important first.
        none: the sentence for none; a lazy translation.
        links: where more of it is, each with what it says.
    """

    name: str
    label: Any  # a lazy translation
    permission: str
    lines: Callable[[PersonActor, Partner], Sequence[Line]]
    none: Any  # a lazy translation
    links: Callable[[Partner], Sequence[tuple[str, str]]] = lambda _partner: ()


# ---- state ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Standing:
    """A partner's state as its badge shows it.

    Args:
        badge: a key of the shell's ``STATES``.
        word: what is written.
        sentence: what the state means for both.
    """

    badge: str
    word: str
    sentence: str


def standing(partner: Partner) -> Standing:
    """How far we trust a partner, in words."""
    if partner.state == Partner.State.CLAIMED and not partner.is_reachable:
        return Standing(
            "waiting",
            _("waiting for it to call"),
            _("It cannot be called. Until it calls this node, only its address is known."),
        )
    if partner.state == Partner.State.CLAIMED and is_not_called(partner):
        return Standing(
            "failed",
            _("not called"),
            _("This node does not call that address: %(why)s.") % {"why": last_problem(partner)},
        )
    shown = {
        Partner.State.CLAIMED: Standing(
            "waiting",
            _("being contacted"),
            _("This node asks that address for its descriptor. Until it answers, only the address is known."),
        ),
        Partner.State.MET: Standing(
            "not-compared",
            _("not yet compared, receives nothing"),
            _(
                "It may negotiate, and receives nothing until two administrators have compared its fingerprint."
            ),
        ),
        Partner.State.VERIFIED: Standing(
            "verified",
            _("verified"),
            _("Its fingerprint was compared: it receives what agreements in force allow."),
        ),
        Partner.State.BLOCKED: Standing(
            "terminated",
            _("blocked"),
            _("Nothing passes in either direction. What was received before is kept."),
        ),
    }
    return shown[Partner.State(partner.state)]


# ---- fingerprint ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A key's fingerprint as two people compare it.

    Args:
        kid: the key's thumbprint (RFC 7638).
        words: sixteen words in the reader's language.
        digits: eight groups of five digits, for two people without a common language.
        qr: the node's address and the thumbprint as a QR code.
    """

    kid: str
    words: tuple[str, ...]
    digits: tuple[str, ...]
    qr: SafeString


def fingerprint_of(node: str, kid: str) -> Fingerprint:
    """The fingerprint of a node's key in the language of the page.

    Args:
        node: the node's base address.
        kid: the key's thumbprint.
    """
    language = (get_language() or "en").partition("-")[0]
    words = fingerprint.words(kid, language if language in LANGUAGES else "en")
    return Fingerprint(kid, words, fingerprint.digits(kid), _qr(node, kid))


# an open page asks for it again and again, and to draw one takes some 10 ms
@lru_cache(maxsize=256)
def _qr(node: str, kid: str) -> SafeString:
    return qr(f"{node}/.well-known/taawun#{kid}")


# ---- descriptor -----------------------------------------------------------------------------------------------
def descriptor_facts(partner: Partner) -> list[Fact]:
    """What the partner says of itself, and how fresh its word is."""
    facts = [Fact(_("Address"), code(partner.node))]
    if partner.kid:
        facts += [
            Fact(_("Speaks for"), _speaks_for(partner)),
            Fact(_("Key"), code(partner.kid, short=12)),
            Fact(_("Descriptor"), _validity(partner)),
        ]
        facts += _contacts(partner)
    if partner.verified:
        facts.append(
            Fact(_("Compared"), format_html("{} {}", day(partner.verified), _by(partner.verified_by)))
        )
    if not partner.is_reachable:
        facts.append(Fact(_("Reach"), _("It cannot be called: it calls this node, and brings what it says.")))
    if partner.expected_kid and not partner.kid:
        facts.append(Fact(_("Key that is waited for"), code(partner.expected_kid, short=12)))
    facts.append(Fact(_("Last contact"), moment(partner.last_contact)))
    if problem := last_problem(partner):
        facts.append(Fact(_("Last problem"), text(problem)))
    return facts


def _speaks_for(partner: Partner) -> SafeString:
    kinds = {
        "nation": _("a nation"),
        "organisation": _("an organisation"),
        "community": _("a community of nations"),
    }
    kind = kinds.get(partner.kind, partner.kind)
    if not partner.nation_names:
        return format_html("{}", kind)
    return format_html("{}<br>{}", text(Text.from_json(partner.nation_names)), kind)


def _validity(partner: Partner) -> SafeString:
    issued, until = partner.descriptor_issued, partner.descriptor_valid_until
    if issued is None or until is None:
        return format_html("{}", _("none held"))
    return format_html(
        "{}<br>{}",
        _("issued %(moment)s") % {"moment": formats.moment(issued)},
        _("valid until %(moment)s") % {"moment": formats.moment(until)},
    )


def _by(name: str) -> str:
    return _("by %(name)s") % {"name": name} if name else ""


def _contacts(partner: Partner) -> list[Fact]:
    try:
        told = descriptor.read(partner.descriptor, at=partner.descriptor_issued or partner.created)
    except DescriptorRefused:
        return []
    return [Fact(_("Duty contact"), _contact(each)) for each in duty.read(told.contacts)]


def _contact(contact: duty.Contact) -> SafeString:
    lines = [format_html("{}", text(contact.name)), _hours(contact)]
    if contact.languages:
        names = [formats.language_name(each) for each in contact.languages]
        lines.append(format_html('<bdi dir="auto">{}</bdi>', formats.listed(names)))
    lines += [code(each) for each in (contact.phone, contact.email, contact.fingerprint) if each]
    if contact.tested:
        lines.append(
            format_html(
                "{}", _("last tested %(moment)s, by their word") % {"moment": formats.moment(contact.tested)}
            )
        )
    return format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines if line))


def _hours(contact: duty.Contact) -> SafeString:
    said = formats.hours_of_week(contact.days, contact.opens, contact.closes)
    there = format_html('{} <bdi dir="ltr" class="quiet">{}</bdi>', said, contact.zone or "")
    zone = contact.zone.key if contact.zone else ""
    here = formats.hours_here(contact.days, contact.opens, contact.closes, zone)
    return format_html("{}<br>{}", there, _("%(hours)s here") % {"hours": here}) if here else there


# ---- lanes ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LaneLine:
    """One lane with a partner.

    Args:
        lane: the row.
        is_ours: whether this node sends on it.
        caption: what it carries; markup.
        entries: how many entries it has here.
        badge: a key of the shell's ``STATES``.
        word: its state in words.
        mend: what to do when it does not move; empty when there is nothing to do.
        may_restart: whether its restart may be proposed.
    """

    lane: Lane
    is_ours: bool
    caption: SafeString
    entries: int
    badge: str
    word: str
    mend: str
    may_restart: bool = False


def lane_lines(lanes: Sequence[Lane]) -> list[LaneLine]:
    """Lanes with a partner, as ``queries.lanes_with`` finds them, each with its state in words.

    Args:
        lanes: the rows of a page.
    """
    theirs = [lane.id for lane in lanes if lane.sender_id is not None]
    entries = LaneEntry.objects.filter(lane__in=theirs).order_by().values_list("lane")
    waiting = dict(entries.filter(state=LaneEntry.State.PENDING).annotate(n=Count("id")))
    first = Subquery(LaneEntry.objects.filter(lane=OuterRef("pk")).order_by("seq").values("seq")[:1])
    begins = dict(Lane.objects.filter(id__in=theirs).values_list("id", first))
    captions = lane_captions(lanes)
    return [
        _outgoing(lane, captions[lane.id])
        if lane.sender_id is None
        else _incoming(lane, captions[lane.id], waiting.get(lane.id, 0), begins[lane.id] or 0)
        for lane in lanes
    ]


def lane_captions(lanes: Sequence[Lane]) -> dict[UUID, SafeString]:
    """What each lane is for, in the words of the room that fills it."""
    captions = {lane.id: format_html("{}", _("messages")) for lane in lanes}
    for part in registry.all(LaneCaption):
        captions.update(part.captions([lane for lane in lanes if lane.purpose == part.name]))
    return captions


def _incoming(lane: Lane, caption: SafeString, waiting: int, first: int) -> LaneLine:
    behind = max(0, lane.known_seq - lane.head_seq)
    badge, word, mend, entries = "done", _("in step"), "", lane.head_seq + 1 - first
    if lane.state == Lane.State.STOPPED:
        badge = "failed"
        word = _("stopped: %(reason)s") % {"reason": stop_reason(lane.stop_reason)}
        mend = _(
            "What came before is kept. Telephone the partner's administrator and find out what happened; nothing more "
            "is taken in over this lane until both of you agree where it starts again."
        )
    elif lane.state == Lane.State.LEFT:
        badge, word = "superseded", _("left behind by a restart")
        mend = _("What was taken in from it stays; the lane goes on without it.")
    elif lane.stale_since is not None:
        badge, word = "waiting", _("others are shown more of it")
        mend = _("Its sender withholds it, or the line to it is down.")
    elif behind:
        badge, word = "waiting", ngettext("%(count)s entry to fetch", "%(count)s entries to fetch", behind)
        word %= {"count": formats.number(behind)}
    elif waiting:
        badge, word = "waiting", ngettext("%(count)s entry waits", "%(count)s entries wait", waiting)
        word %= {"count": formats.number(waiting)}
        mend = _(
            "They arrived and cannot be taken in yet, for example because an agreement is still unsigned."
        )
    may_restart = lane.state == Lane.State.STOPPED
    return LaneLine(lane, False, caption, entries, badge, word, mend, may_restart)


def _outgoing(lane: Lane, caption: SafeString) -> LaneLine:
    badge, word, mend = "done", _("open"), ""
    # messages are answered by messages; all else is signed for
    if lane.purpose != Lane.Purpose.TALK:
        receipts: Any = lane  # with the annotation of queries.lanes_with
        unsigned = max(0, lane.head_seq - receipts.receipt_seq)
        word = _("all signed for")
        if unsigned:
            badge = "waiting"
            word = ngettext("%(count)s not signed for", "%(count)s not signed for", unsigned)
            word %= {"count": formats.number(unsigned)}
            mend = _("The partner fetches and signs for them when its node next asks.")
    return LaneLine(lane, True, caption, lane.head_seq + 1, badge, word, mend)


def lanes_in_step(partners: Sequence[Partner]) -> dict[UUID, tuple[int, int]]:
    """For each partner, how many of the lanes it sends are in step, and how many there are."""
    ids = [partner.id for partner in partners]
    rows = (
        Lane.objects.filter(sender_id__in=ids, part_of=None)
        .values("sender_id")
        .annotate(
            lanes=Count("id"),
            moving=Count("id", filter=Q(state=Lane.State.RUNNING, known_seq__lte=F("head_seq"))),
        )
    )
    found = {row["sender_id"]: (row["moving"], row["lanes"]) for row in rows}
    return {each: found.get(each, (0, 0)) for each in ids}
