"""The pages of releases: who would receive something, and what was given and received."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from taawun.cooperation.agreements.policy import Facts
from taawun.cooperation.federation import queries
from taawun.cooperation.federation.accounts import accounts, finding, flows
from taawun.cooperation.federation.actions import urn
from taawun.cooperation.federation.decisions import preview
from taawun.cooperation.federation.forms import LedgerFilters, QuestionForm, ReleaseFilters
from taawun.cooperation.federation.guests import names_of_guests, readings_of
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.ledger import cells, total
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.presenting import (
    deliveries,
    kind_label,
    shown_preview,
    title_of,
    with_passages,
)
from taawun.cooperation.federation.provenance import provenance, ways_shown
from taawun.cooperation.federation.rows import release_rows
from taawun.cooperation.federation.rules import findable, reader_of
from taawun.cooperation.federation.standing import may_be_public
from taawun.cooperation.people.rules import Granted
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web.components import Fact
from taawun.platform.web.formats import filesize
from taawun.platform.web.listing import Column, Empty, Held, Stored, Table, show
from taawun.platform.web.matching import words_begin
from taawun.platform.web.paging import batches
from taawun.platform.web.templatetags.components import code, moment, text, tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.federation.accounts import Account
    from taawun.cooperation.federation.rules import Reader
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["ledger", "release", "releases", "who_would_receive"]

_ON_A_PAGE: Final = 50


# ---- who would receive ------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:agreements")
def who_would_receive(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Ask before anything is written: who would receive this, by which clause; who would not, and why."""
    asked = "kind" in request.GET
    form = QuestionForm(request.GET if asked else None)
    answer = None
    if asked and form.is_valid():
        given = form.cleaned_data
        facts = Facts(given["kind"], Tlp.parse(given["tlp"]), given["topics"], names_persons=given["persons"])
        answer = shown_preview(preview(facts), actor.permissions)
    context = {"form": form, "answer": answer}
    return render(request, "federation/who_would_receive.html", context, status=422 if form.errors else 200)


# ---- given and received -----------------------------------------------------------------------------------------
RELEASES: Final = Table(
    name="releases",
    caption=gettext_lazy("Given and received"),
    columns=(
        Column("title", gettext_lazy("Release")),
        Column("direction", gettext_lazy("Direction")),
        Column("marking", gettext_lazy("Marking")),
        Column("clause", gettext_lazy("Clause")),
        Column("published", gettext_lazy("Published"), sort="-published"),
        Column("state", gettext_lazy("State")),
        Column("size", gettext_lazy("Size"), is_number=True, is_shown=False),
    ),
    orders={"published": ("id",)},
    sort="-published",
    unfit=Empty(
        gettext_lazy("No release fits"),
        gettext_lazy("None has this title, direction, partner, kind and state."),
    ),
    saved=("id", "direction", "kind", "title", "tlp", "partners", "clauses", "issued", "state", "ends"),
    flat=lambda row: {**row, "clauses": ", ".join(row["clauses"])},
)


@require_safe
@signed_in("read:federation")
def releases(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What left this node and what reached it, newest first."""
    reader = reader_of(actor)
    return show(
        request,
        RELEASES,
        "federation/releases.html",
        form=ReleaseFilters(request.GET),
        find=lambda wanted: Stored(_filtered(wanted, reader)),
        draw=lambda found: release_rows(found, reader),
        save=lambda found: _saved(found, reader),
        empty=Empty(
            _("Nothing was given or received yet"),
            _(
                "With a partner and an agreement in force, what you publish and what you receive is kept here, with "
                "its receipts."
            ),
            ((_("See the agreements"), reverse("agreements")),),
        ),
    )


def _filtered(wanted: Mapping[str, str], reader: Reader) -> QuerySet[Release]:
    found = Release.objects.order_by("-id")
    if wanted.get("direction"):
        found = found.filter(origin__isnull=wanted["direction"] == "given")
    if wanted.get("partner"):
        found = queries.with_partner(found, UUID(wanted["partner"]))
    if wanted.get("readable_by"):
        found = queries.readable_now(found, UUID(wanted["readable_by"]))
    if wanted.get("ends"):
        found = queries.ending_before(found, now() + timedelta(days=int(wanted["ends"])))
    for name in ("kind", "state"):
        if wanted.get(name):
            found = found.filter(**{name: wanted[name]})
    if wanted.get("q"):
        # a title is marked content
        found = found.filter(findable(reader), words_begin("words", wanted["q"]))
    return found


def _saved(found: QuerySet[Release], reader: Reader) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for batch in batches(found, order=("-id",)):
        for row in release_rows(batch, reader):
            yield {
                "id": str(row.release.id),
                "direction": "given" if row.is_given else "received",
                "kind": row.release.kind,
                "title": row.release.title if row.is_visible else None,
                "tlp": row.marking.label,
                "partners": [partner.node for partner in row.partners],
                "clauses": [
                    f"{mark.code} § {mark.clause}" if mark.clause else "public" for mark in row.clauses
                ],
                "issued": row.release.issued,
                "state": row.release.state,
                "ends": row.ends,
            }


# ---- the ledger -------------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:federation")
def ledger(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What each party gave and received, and how far it reached, by agreement, partner, kind or month."""
    form = LedgerFilters(request.GET)
    by, found = form.dimension, cells(form.wanted())
    lines = accounts(found, by, actor)
    names, first = {column.name: column for column in LEDGER.columns}, _DIMENSIONS[by]
    table = replace(
        LEDGER,
        columns=(replace(names["name"], label=first), *LEDGER.columns[1:]),
        saved=(by, *_COLUMNS),
        # months have an order of their own; all else is told by how much flowed
        sort="name" if by == "month" else LEDGER.sort,
    )
    return show(
        request,
        table,
        "federation/ledger.html",
        form=form,
        find=lambda _wanted: Held(lines),
        save=partial(_saved_ledger, by),
        empty=Empty(
            _("The ledger is empty"),
            _(
                "Nothing was given or received in the last twelve months. What passes under an agreement in force is "
                "counted here."
            ),
            ((_("See the agreements"), reverse("agreements")),),
        ),
        context={
            "lines": lines,
            "total": total(found),
            "sentence": finding(total(found)),
            "flows": flows(found) if found else [],
        },
    )


_DIMENSIONS: Final = {
    "agreement": gettext_lazy("Agreement"),
    "partner": gettext_lazy("Partner"),
    "kind": gettext_lazy("Kind"),
    "month": gettext_lazy("Month"),
}
LEDGER: Final = Table(
    name="ledger",
    caption=gettext_lazy("Given and received"),
    columns=(
        Column("name", gettext_lazy("Agreement"), sort="name"),
        Column("given", gettext_lazy("Given"), sort="-given", is_number=True),
        Column("signed", gettext_lazy("Taken in by its receivers"), is_number=True),
        Column("onward", gettext_lazy("Passed on by them"), is_number=True),
        Column("given-back", gettext_lazy("Of these withdrawn"), is_number=True),
        Column("received", gettext_lazy("Received"), sort="-received", is_number=True),
        Column("received-back", gettext_lazy("Of these withdrawn"), is_number=True),
        Column("flowed", gettext_lazy("Both together"), sort="-flowed", is_number=True, is_shown=False),
    ),
    orders={
        "name": ("plain",),
        "given": ("sums__given", "plain"),
        "received": ("sums__received", "plain"),
        "flowed": ("flowed", "plain"),
    },
    sort="-flowed",
    unfit=Empty(
        gettext_lazy("Nothing fits"),
        gettext_lazy("Nothing was given or received of this kind, with this partner, in these months."),
    ),
    key="plain",
)


_COLUMNS: Final = (
    "given",
    "deliveries",
    "signed",
    "onward",
    "given_bytes",
    "given_back",
    "received",
    "received_bytes",
    "received_back",
)


def _saved_ledger(by: str, found: Iterable[Account]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for line in found:
        yield {by: line.plain, **{column: getattr(line.sums, column) for column in _COLUMNS}}


# ---- one release ------------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:federation")
def release(request: HttpRequest, actor: PersonActor, release_id: UUID) -> HttpResponseBase:
    """One release: where it came from or where it went, over which clauses, and who signed for it."""
    found = get_object_or_404(with_passages(Release.objects.all()), id=release_id)
    reader = reader_of(actor)
    (row,) = release_rows([found], reader)
    kind = registry.find(ReleaseKind, found.kind)
    given, read = deliveries(found), list(readings_of(found)[:_ON_A_PAGE])
    in_public = [each for each in found.passages.all() if each.is_public and each.is_given and not each.ended]
    # on a lane that a restore closed nobody reads it, until somebody here puts it back
    is_public = any(not each.entry.lane.is_closed for each in in_public)
    context = {
        "row": row,
        "release": found,
        "title": title_of(found, reader),
        "facts": _facts(found, is_visible=row.is_visible),
        "topics": [each.topic for each in found.topics.all()] if row.is_visible else [],
        "stations": provenance(found),
        "deliveries": given,
        "stand": bool(in_public) or any(not each.ended for each in given),
        "readings": list(zip(read, names_of_guests(read), strict=True)),
        "reach": queries.reach_of(found),
        "ways": ways_shown(list(found.passages.all())) if not row.is_given else [],
        "may_share": not row.is_given
        and found.goes_onward
        and kind is not None
        and kind.permission in actor.permissions,
        "address": kind.page_for(actor.permissions, found) if kind and row.is_visible else "",
        "may_audit": "read:audit" in actor.permissions,
        "subject": urn(found),
        "is_public": is_public,
        "may_open": "publish:public" in actor.permissions and not is_public and _may_go_to_everybody(found),
    }
    return render(request, "federation/release.html", context)


def _may_go_to_everybody(found: Release) -> bool:
    return found.state == Release.State.LIVE and isinstance(may_be_public(found.facts()), Granted)


def _facts(found: Release, *, is_visible: bool) -> list[Fact]:
    facts = [
        Fact(_("Kind"), kind_label(found.kind)),
        Fact(_("Marking"), tlp(Tlp(found.tlp))),
        Fact(_("Published"), moment(found.issued)),
        Fact(_("Published by"), text(found.publisher)),
        Fact(_("Version"), code(found.version, copy=False) if found.version else "—"),
        Fact(_("Size"), filesize(found.size)),
        Fact(_("Digest"), code(found.digest, short=8)),
    ]
    if is_visible:
        facts.append(Fact(_("Subject"), code(found.subject)))
    if found.licence:
        facts.append(Fact(_("Licence"), text(found.licence)))
    if found.has_audience:
        facts.append(Fact(_("Audience"), _("chosen by its publisher, narrower than the clause")))
    if found.source:
        facts.append(Fact(_("Source"), code(found.source)))
    if found.origin_id:
        facts.append(Fact(_("Onward"), found.get_onward_display()))
    if found.state == Release.State.WITHDRAWN:
        facts.append(Fact(_("Withdrawn"), moment(found.withdrawn)))
    if found.state == Release.State.ENDED:
        facts.append(Fact(_("Ended"), moment(found.withdrawn)))
    return facts
