"""The ledger in the reader's words: sums with their names, flows by kind, and what is the case in two sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.ledger import Sums, Wanted, cells, grouped
from taawun.cooperation.federation.presenting import kind_label
from taawun.cooperation.partners.models import Partner
from taawun.platform.web import formats
from taawun.platform.web.charts import MOST_BANDS, Band, Flow
from taawun.platform.web.components import Chart
from taawun.platform.web.templatetags.components import code, text, tile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taawun.cooperation.federation.ledger import Cell
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["Account", "accounts", "finding", "flows", "of_agreement"]

_READ_AGREEMENTS: Final = "read:agreements"


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the ledger.

    Args:
        name: of the agreement, partner, kind or month; markup.
        plain: the same in one word, for files: a code, an address, a kind, a month.
        sums: what was given and received.
    """

    name: SafeString
    plain: str
    sums: Sums

    @property
    def flowed(self) -> int:
        """How much was given and received together."""
        return self.sums.given + self.sums.received

    @property
    def onward(self) -> str:
        """How many parties it reached onward, as partners tell; a dash where none told."""
        return "—" if self.sums.onward is None else formats.number(self.sums.onward)


def accounts(found: Sequence[Cell], by: str, actor: PersonActor) -> list[Account]:
    """The lines of the ledger by one dimension, each with its name."""
    sums = grouped(found, by)
    names = _names(by, list(sums), actor)
    return [Account(*names[key], each) for key, each in sums.items()]


def _names(by: str, keys: Sequence[Any], actor: PersonActor) -> Mapping[Any, tuple[SafeString, str]]:
    # Any: an id, a kind or a month, as the dimension has it
    if by == "agreement":
        read = Agreement.objects.only("number", "titles").filter(id__in=[key for key in keys if key])
        rows = {row.id: row for row in read}
        may_open = _READ_AGREEMENTS in actor.permissions
        return {key: _agreement(rows.get(key), key, may_open=may_open) for key in keys}
    if by == "partner":
        named = Partner.objects.only("node", "nation", "names").filter(id__in=[key for key in keys if key])
        partners = {row.id: row for row in named}
        return {key: _partner(partners.get(key)) for key in keys}
    if by == "month":
        return {key: (format_html("{}", formats.month(key)), key) for key in keys}
    return {key: (format_html("{}", kind_label(key)), key) for key in keys}


def _agreement(row: Agreement | None, key: UUID | None, *, may_open: bool) -> tuple[SafeString, str]:
    if key is None:
        return format_html("{}", _("public lanes, without an agreement")), "public"
    if row is None:
        return code(key, short=8, copy=False), str(key)
    if not may_open:
        return code(row.code, copy=False), row.code
    link = format_html('<a href="{}">{}</a>', reverse("agreement", args=[row.id]), text(row.title))
    return format_html('{}<br><span class="thin">{}</span>', link, code(row.code, copy=False)), row.code


def _partner(row: Partner | None) -> tuple[SafeString, str]:
    if row is None:
        return format_html(
            "{}", _("no partner: guests of this node, or anybody who reads the public lane")
        ), ""
    return format_html("{} <bdi>{}</bdi>", tile(row.nation), text(row.name)), row.node


# ---- what is the case -------------------------------------------------------------------------------------------
def finding(sums: Sums) -> str:
    """What was given and received, in two sentences."""
    gave = ngettext("This node gave %(count)s release.", "This node gave %(count)s releases.", sums.given)
    got = ngettext("It received %(count)s release.", "It received %(count)s releases.", sums.received)
    return f"{gave % {'count': formats.number(sums.given)}} {got % {'count': formats.number(sums.received)}}"


# ---- flows ------------------------------------------------------------------------------------------------------
def flows(found: Sequence[Cell]) -> list[Chart]:
    """What was given and what was received, by kind; where nothing flowed the sentence says so."""
    kinds = grouped(found, "kind")
    given = _flow({kind: each.given for kind, each in kinds.items()}, _("We gave"))
    received = _flow({kind: each.received for kind, each in kinds.items()}, _("We received"), is_other=True)
    return [
        Chart("flow-given", _("Given"), _largest(given) or _("Nothing was given."), given),
        Chart("flow-received", _("Received"), _largest(received) or _("Nothing was received."), received),
    ]


def _flow(counts: Mapping[str, int], label: str, *, is_other: bool = False) -> Flow:
    kinds = sorted(((count, kind) for kind, count in counts.items() if count), reverse=True)
    bands = [Band(count, kind_label(kind)) for count, kind in kinds[:MOST_BANDS]]
    rest = sum(count for count, _kind in kinds[MOST_BANDS:])
    if rest:
        bands.append(Band(rest, _("others")))
    whole = sum(counts.values())
    counted = ngettext("%(count)s release", "%(count)s releases", whole) % {"count": formats.number(whole)}
    return Flow(_("Kind"), _("Releases"), tuple(bands), (label, counted), is_other=is_other)


def _largest(flow: Flow) -> str:
    if not flow.bands:
        return ""
    return _("The largest part: %(kind)s, %(count)s of %(all)s.") % {
        "kind": flow.bands[0].name,
        "count": formats.number(flow.bands[0].count),
        "all": formats.number(sum(band.count for band in flow.bands)),
    }


def of_agreement(actor: PersonActor, agreement: Agreement) -> SafeString:
    """What was given and received under an agreement, for its page."""
    del actor
    found = cells(Wanted(agreement=agreement.id))
    if not found:
        return format_html('<p class="quiet">{}</p>', _("Nothing has passed under this agreement yet."))
    return format_html(
        '{}<p class="note"><a href="{}?{}">{}</a></p>',
        SafeString(render_to_string("federation/flows.html", {"flows": flows(found)})),
        reverse("ledger"),
        urlencode({"agreement": agreement.id, "by": "month", "since": "all"}),
        _("As a table, by month"),
    )
