"""What partners gave, with its provenance: from whom, by which clause, whose signature it bears, since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_safe

from taawun.cooperation.federation import queries
from taawun.cooperation.federation.forms import ReceivedFilters
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.rows import release_rows
from taawun.cooperation.federation.rules import findable, reader_of
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats
from taawun.platform.web.listing import Column, Empty, Stored, Table, show
from taawun.platform.web.matching import words_begin
from taawun.platform.web.paging import batches
from taawun.platform.web.templatetags.components import state, text, tile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.federation.rows import ReleaseRow
    from taawun.cooperation.federation.rules import Reader
    from taawun.cooperation.partners.models import Partner
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["received"]


RECEIVED: Final = Table(
    name="received",
    caption=pgettext_lazy("releases", "Received"),
    columns=(
        Column("title", gettext_lazy("Release")),
        Column("partner", gettext_lazy("From")),
        Column("clause", gettext_lazy("Allowed by")),
        Column("signature", gettext_lazy("Signature")),
        Column("arrived", pgettext_lazy("releases", "Received"), sort="-arrived"),
        Column("marking", gettext_lazy("Marking")),
        Column("state", gettext_lazy("State")),
        Column("published", gettext_lazy("Published"), is_shown=False),
        Column("size", gettext_lazy("Size"), is_number=True, is_shown=False),
    ),
    # a release bears the instant at which it came in its key
    orders={"arrived": ("id",)},
    sort="-arrived",
    unfit=Empty(
        gettext_lazy("Nothing received fits"),
        gettext_lazy(
            "Nothing came with this title, from this partner, under this agreement and in this time."
        ),
    ),
    saved=(
        "id",
        "kind",
        "title",
        "tlp",
        "partner",
        "nation",
        "source",
        "clauses",
        "is_verified",
        "published",
        "received",
        "state",
    ),
    flat=lambda row: {**row, "clauses": ", ".join(row["clauses"])},
)


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A partner's release as the list shows it.

    Args:
        row: as every list shows it.
        giver: who gave it to us, as its cell has it.
    """

    row: ReleaseRow
    giver: SafeString

    @property
    def release(self) -> Release:
        return self.row.release

    @property
    def sender(self) -> Partner | None:
        """Who gave it to us."""
        return self.row.partners[0] if self.row.partners else None

    @property
    def is_verified(self) -> bool:
        """Whether its source's own signature was verified; else who gave it vouches for it."""
        return not self.row.release.source

    @property
    def at(self) -> datetime | None:
        """When it first came; None where no way by which it came is left."""
        return self.row.arrived

    @property
    def signature(self) -> SafeString:
        """Whose signature it bears."""
        if self.is_verified:
            return state("verified", _("verified"))
        source = format_html('<bdi dir="ltr" class="mono">{}</bdi>', self.row.release.source)
        written = format_html('<p class="note">{} {}</p>', _("written by"), source)
        return format_html("<div>{}{}</div>", state("not-compared", _("not verified by us")), written)


@require_safe
@signed_in("read:federation")
def received(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What reached this node from partners, the newest first."""
    reader = reader_of(actor)
    return show(
        request,
        RECEIVED,
        "federation/received.html",
        form=ReceivedFilters(request.GET),
        find=lambda wanted: Stored(_filtered(wanted, reader)),
        draw=lambda found: _rows(found, reader),
        save=lambda found: _saved(found, reader),
        empty=Empty(
            _("Nothing was received yet"),
            _(
                "With a partner and an agreement in force, what it publishes to this node appears here by itself."
            ),
            ((_("See the agreements"), reverse("agreements")),),
        ),
    )


# Any: what the fields of the form make of the address
def _filtered(wanted: Mapping[str, Any], reader: Reader) -> QuerySet[Release]:
    found = Release.objects.filter(origin__isnull=False).order_by("-id")
    if wanted.get("partner"):
        found = found.filter(origin=UUID(wanted["partner"]))
    if wanted.get("agreement"):
        found = queries.received_under(found, UUID(wanted["agreement"]))
    if wanted.get("kind"):
        found = found.filter(kind=wanted["kind"])
    if wanted.get("since"):
        found = queries.come_since(found, formats.begins(wanted["since"]))
    if wanted.get("until"):
        found = queries.come_before(found, formats.begins(wanted["until"] + timedelta(days=1)))
    if wanted.get("q"):
        # a title is marked content
        found = found.filter(findable(reader), words_begin("words", wanted["q"]))
    return found


def _rows(found: Sequence[Release], reader: Reader) -> list[_Arrived]:
    rows = release_rows(found, reader)
    # many rows are of few partners
    givers = {each.id: _giver(each) for each in {partner for row in rows for partner in row.partners}}
    return [_Arrived(row, givers[row.partners[0].id] if row.partners else SafeString("")) for row in rows]


def _giver(partner: Partner) -> SafeString:
    return format_html(
        '<div><span class="with-tile">{}<a href="{}">{}</a></span>'
        '<p class="note"><bdi dir="ltr" class="mono">{}</bdi></p></div>',
        tile(partner.nation),
        reverse("partner", args=[partner.id]),
        text(partner.name),
        partner.node,
    )


def _saved(found: QuerySet[Release], reader: Reader) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for batch in batches(found, order=("-id",)):
        for each in _rows(batch, reader):
            yield {
                "id": str(each.release.id),
                "kind": each.release.kind,
                "title": each.release.title if each.row.is_visible else None,
                "tlp": each.row.marking.label,
                "partner": each.sender.node if each.sender else "",
                "nation": each.sender.nation if each.sender else "",
                "source": each.release.source,
                "clauses": [
                    f"{mark.code} § {mark.clause}" if mark.clause else "public" for mark in each.row.clauses
                ],
                "is_verified": each.is_verified,
                "published": each.release.issued,
                "received": each.at,
                "state": each.release.state,
            }
