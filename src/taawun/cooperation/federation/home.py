"""What releases tell on the first page and on a partner's page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from taawun.cooperation.federation.accounts import finding
from taawun.cooperation.federation.duties import duties_of, owed_under
from taawun.cooperation.federation.guests import hosted
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.ledger import Sums, weeks
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.federation.queries import newest_with_partner
from taawun.cooperation.federation.rows import release_rows
from taawun.cooperation.federation.rules import reader_of
from taawun.foundation.clock import now
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.charts import Lines, Series
from taawun.platform.web.components import Chart
from taawun.platform.web.home import Line
from taawun.platform.web.templatetags.components import state, text, tlp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.federation.rows import ReleaseRow
    from taawun.cooperation.partners.models import Lane, Partner
    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "by_week",
    "fresh",
    "guests_of_agreement",
    "more_of_partner",
    "of_agreement",
    "of_partner",
    "public_captions",
    "sentences",
]

LATELY: Final = timedelta(days=7)
_MOST: Final = 8
_WEEKS: Final = 8
# of what came last, so much is looked at for the newest
_LOOKED_AT: Final = 200
# of more nobody asks how many exactly, and after a long leave to count them all would take as long as the page
_MOST_COUNTED: Final = 1000


def fresh(actor: PersonActor, since: datetime | None) -> list[Line]:
    """What partners sent lately and still stands, newest first; what came since the last visit is marked."""
    newest = list(
        _arrivals(_lately(since)).order_by("-entry__recorded").values_list("release", flat=True)[:_LOOKED_AT]
    )
    found = Release.objects.filter(id__in=newest).order_by("-id")[:_MOST]
    return [_line(actor, row, since=since) for row in release_rows(list(found), reader_of(actor))]


def sentences(_actor: PersonActor, since: datetime | None) -> list[str]:
    """How much partners sent since the last visit, or in the last seven days, and over how many clauses."""
    came = _arrivals(since or _lately(None)).order_by().values_list("release", flat=True).distinct()
    found = list(came[: _MOST_COUNTED + 1])
    count = len(found)
    if not count:
        return [_nothing_since(since)] if since and _arrivals(_lately(since)).exists() else []
    when = formats.lately(since) if since else ""
    if count > _MOST_COUNTED:
        many = (
            _("Since %(when)s partners sent more than %(count)s releases.")
            if since
            else _("In the last seven days partners sent more than %(count)s releases.")
        )
        return [many % {"count": formats.number(_MOST_COUNTED), "when": when}]
    ways = Passage.objects.filter(release__in=found, ended__isnull=True)
    over_which = list(ways.values_list("agreement", "clause").distinct().order_by())
    clauses = len(over_which)
    sent = (
        ngettext(
            "Since %(when)s partners sent %(count)s release.",
            "Since %(when)s partners sent %(count)s releases.",
            count,
        )
        if since
        else ngettext(
            "In the last seven days partners sent %(count)s release.",
            "In the last seven days partners sent %(count)s releases.",
            count,
        )
    )
    over = ngettext("All of it under %(count)s clause.", "All of it under %(count)s clauses.", clauses)
    told = [sent % {"count": formats.number(count), "when": when}]
    # one release over one clause says nothing more, and what came over public lanes came under no clause
    is_said = count == clauses == 1 or any(agreement is None for agreement, _clause in over_which)
    return told if is_said else [*told, over % {"count": formats.number(clauses)}]


def _nothing_since(since: datetime) -> str:
    return _("Nothing has come from partners since %(when)s.") % {"when": formats.lately(since)}


def _lately(since: datetime | None) -> datetime:
    """What is shown: that of the last seven days, and all since the last visit."""
    week = now() - LATELY
    return min(since, week) if since else week


def _arrivals(since: datetime) -> QuerySet[Passage]:
    """The ways by which what still stands came since then."""
    # what came lately is little, and an index holds it; to ask each release whether it did is to read all there are
    return Passage.objects.filter(
        entry__recorded__gt=since, release__origin__isnull=False, release__state=Release.State.LIVE
    )


# ---- for those who plan -----------------------------------------------------------------------------------------
def by_week(_actor: PersonActor) -> SafeString:
    """What was given and received in the last eight weeks, week by week; empty where nothing was."""
    found = weeks(now(), _WEEKS)
    given, received = sum(each.given for each in found), sum(each.received for each in found)
    if not given and not received:
        return mark_safe("")
    series = (
        Series(_("Given"), tuple(each.given for each in found)),
        Series(_("Received"), tuple(each.received for each in found)),
    )
    steps = tuple(formats.narrow_day(each.ends) for each in found)
    drawn = Lines(_("Week until"), steps, series, height=200)
    told = finding(Sums(given=given, received=received))
    chart = Chart("by-week", _("The last eight weeks"), told, drawn)
    return SafeString(render_to_string("federation/by_week.html", {"chart": chart}))


def of_partner(actor: PersonActor, partner: Partner) -> list[Line]:
    """The last releases given to and received from a partner."""
    rows = release_rows(list(newest_with_partner(partner.id, _MOST)), reader_of(actor))
    return [_line(actor, row, with_direction=True) for row in rows]


def more_of_partner(partner: Partner) -> list[tuple[str, str]]:
    """Where all of that is, and what of it the partner may read at this moment."""
    everything = reverse("releases")
    return [
        (f"{everything}?{urlencode({'readable_by': str(partner.id)})}", _("What it may read now")),
        (f"{everything}?{urlencode({'partner': str(partner.id)})}", _("All that was given and received")),
    ]


def public_captions(lanes: Sequence[Lane]) -> dict[UUID, SafeString]:
    """What public lanes carry, for the page of a partner."""
    return {lane.id: format_html("{}", _("releases for everybody")) for lane in lanes}


def of_agreement(_actor: PersonActor, agreement: Agreement) -> list[Line]:
    """What is to be deleted here because the agreement is over, and what its parties have to delete of ours."""
    address = reverse("agreement-duties", args=[agreement.id])
    lines = []
    for owed in owed_under(agreement):
        count = owed.passages.count()
        title = ngettext(
            "%(count)s release is deleted here", "%(count)s releases are deleted here", count
        ) % {"count": formats.number(count)}
        lines.append(Line(title, address, text(owed.sender.name), owed.goes, owed.sender.nation))
    for duty in duties_of(agreement):
        counted = {"proven": formats.number(duty.proven), "given": formats.number(duty.given)}
        title = _("Deletion proven of %(proven)s of %(given)s") % counted
        badge = state("failed", _("overdue")) if duty.is_overdue else ""
        detail = format_html("{} {}", text(duty.partner.name), badge)
        lines.append(Line(title, address, detail, duty.last or duty.due, duty.partner.nation))
    return lines


def guests_of_agreement(_actor: PersonActor, agreement: Agreement) -> list[Line]:
    """The guests whom this node hosts in an agreement, and whether they come."""
    lines = []
    for each in hosted(agreement):
        tokens = ngettext("%(count)s open token", "%(count)s open tokens", each.tokens)
        told = tokens % {"count": formats.number(each.tokens)} if each.tokens else _("no open token")
        lines.append(
            Line(
                str(text(each.name)),
                f"{reverse('guests')}?{urlencode({'q': each.ref})}",
                told,
                each.last_read,
                each.party.nation,
            )
        )
    return lines


def _line(
    actor: PersonActor, row: ReleaseRow, *, with_direction: bool = False, since: datetime | None = None
) -> Line:
    kind = registry.find(ReleaseKind, row.release.kind)
    address = kind.page_for(actor.permissions, row.release) if kind and row.is_visible else ""
    parts = [format_html("{}", tlp(row.marking))]
    if with_direction:
        parts.append(
            format_html(
                "<span>{}</span>",
                pgettext("release", "given") if row.is_given else pgettext("release", "received"),
            )
        )
    elif row.partners:
        parts.append(format_html("<span>{}</span>", text(row.partners[0].name)))
    parts += [mark.chip for mark in row.clauses[:2]]
    if row.release.state == Release.State.WITHDRAWN:
        parts.append(state(row.badge, row.word))
    else:
        parts.append(format_html('<span class="quiet">{}</span>', row.kind))
    detail = format_html("{}" * len(parts), *parts)
    partner = row.partners[0] if row.partners and not with_direction else None
    return Line(
        row.title,
        address or row.address,
        detail,
        row.release.issued,
        partner.nation if partner else "",
        fresh=row.arrived is not None and row.arrived > (since or now() - timedelta(days=1)),
        kind="federation.received",
    )
