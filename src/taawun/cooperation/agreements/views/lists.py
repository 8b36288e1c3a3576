"""The list of agreements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from taawun.cooperation.agreements import waiting
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.forms import AgreementFilters
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.presenting import Badge, PartyTile, badge, party_tiles, period
from taawun.cooperation.agreements.queries import standings_of
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.clock import now
from taawun.foundation.folding import words_match
from taawun.platform.web import formats
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.paging import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["agreements"]

_ON_A_PAGE: Final = 50
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Row:
    agreement: Agreement
    standing: Standing
    document: Document | None

    @property
    def badge(self) -> Badge:
        return badge(self.standing.state)

    @property
    def tiles(self) -> list[PartyTile]:
        return party_tiles(self.document) if self.document else []

    @property
    def period(self) -> str:
        return period(self.document) if self.document else ""

    @property
    def ends(self) -> str:
        """When a notice of termination takes effect; empty where none was given or it has."""
        at = self.standing.ends
        return _("ends %(day)s") % {"day": formats.day(at)} if at and at > now() else ""

    @property
    def version(self) -> int | None:
        return self.standing.current.version if self.standing.current else None


@require_safe
@signed_in("read:agreements")
def agreements(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Every agreement this node is a party of, newest first, with where it stands."""
    form = AgreementFilters(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    mine = {each.agreement.id for each in waiting.waiting_for(actor)}
    found = (
        row
        for row in _rows(_after(request))
        if _fits(row, wanted.get("q", ""))
        and (not (state := wanted.get("state", "")) or _is_in(row, state, is_mine=row.agreement.id in mine))
    )
    if request.GET.get("format") in {"csv", "json"}:
        return _export(request.GET["format"], found)
    rows = [row for row, _number in zip(found, range(_ON_A_PAGE + 1), strict=False)]
    more = len(rows) > _ON_A_PAGE
    shown = rows[:_ON_A_PAGE]
    context = {
        "form": form,
        "rows": [(row, row.agreement.id in mine) for row in shown],
        "page": Page([row.agreement for row in shown], str(shown[-1].agreement.number) if more else None),
        "is_filtered": any(wanted.values()),
        "may_write": waiting.WRITE in actor.permissions,
    }
    return render(request, "agreements/agreements.html", context)


def _after(request: HttpRequest) -> int | None:
    """The number behind which the page begins; a mark that this list did not give begins it again."""
    given = request.GET.get("after", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 9 else None  # noqa: PLR2004 - a column's width


def _rows(after: int | None) -> Iterator[_Row]:
    """Agreements behind a number, newest first; read in batches, because a state is computed and not stored."""
    at, size = now(), _ON_A_PAGE + 1
    while True:
        batch = Agreement.objects.order_by("-number")
        if after is not None:
            batch = batch.filter(number__lt=after)
        found = list(batch[:size])
        standings = standings_of(found, at) if found else {}
        for agreement in found:
            standing = standings[agreement.id]
            document = standing.current or (parse(agreement.draft.encode()) if agreement.draft else None)
            yield _Row(agreement, standing, document)
        if len(found) < size:
            return
        # a page without filters is full by now; with filters more is read at once
        after, size = found[-1].number, _AT_ONCE


def _fits(row: _Row, text: str) -> bool:
    parties = row.document.parties if row.document else ()
    names = [name for party in parties for name in party.organisation.by_language.values()]
    return words_match(
        text,
        [row.agreement.code, *row.agreement.titles.values(), *names, *(party.nation for party in parties)],
    )


def _is_in(row: _Row, state: str, *, is_mine: bool) -> bool:
    if state == "waiting":
        return is_mine
    # a draft of a next version is found as a draft, whatever the state of the version before it
    return state == row.standing.state or (state == "draft" and bool(row.agreement.draft))


def _export(ending: str, found: Iterator[_Row]) -> HttpResponseBase:
    rows = (
        {
            "id": str(row.agreement.id),
            "code": row.agreement.code,
            "title": row.agreement.title.to_json(),
            "state": str(row.standing.state),
            "version": row.version,
            "digest": row.standing.current.digest if row.standing.current else None,
            "parties": [party.node or party.ref for party in row.document.parties] if row.document else [],
            "valid_from": row.document.valid_from.isoformat() if row.document else None,
            "valid_until": row.document.valid_until.isoformat()
            if row.document and row.document.valid_until
            else None,
        }
        for row in found
    )
    if ending == "json":
        return as_json("agreements", rows)
    language = get_language() or "en"
    head = ("id", "code", "title", "state", "version", "digest", "parties", "valid_from", "valid_until")
    flat = (
        {**row, "title": _one(row["title"], language), "parties": " ".join(_texts(row["parties"]))}
        for row in rows
    )
    return as_csv("agreements", head, ([row[column] for column in head] for row in flat))


def _one(titles: object, language: str) -> str:
    return str(titles.get(language) or next(iter(titles.values()))) if isinstance(titles, dict) else ""


def _texts(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []
