"""The list of agreements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
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
from taawun.platform.web.listing import Column, Empty, Stored, Table, show
from taawun.platform.web.paging import BadCursor, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["agreements"]

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Row:
    agreement: Agreement
    standing: Standing
    document: Document | None
    is_waiting: bool = False

    @property
    def id(self) -> UUID:
        """Of the agreement."""
        return self.agreement.id

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


AGREEMENTS: Final = Table(
    name="agreements",
    caption=gettext_lazy("Agreements"),
    columns=(
        Column("title", gettext_lazy("Agreement"), sort="-number"),
        Column("parties", gettext_lazy("Parties")),
        Column("state", gettext_lazy("State")),
        Column("period", pgettext_lazy("period", "Valid")),
        Column("version", gettext_lazy("Version"), is_number=True),
    ),
    orders={"number": ("number",)},
    sort="-number",
    unfit=Empty(
        gettext_lazy("No agreement fits"), gettext_lazy("None has this title, party, code or state.")
    ),
    saved=("id", "code", "title", "state", "version", "digest", "parties", "valid_from", "valid_until"),
    flat=lambda row: {**row, "title": _one(row["title"], get_language() or "en")},
)


@require_safe
@signed_in("read:agreements")
def agreements(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Every agreement this node is a party of, newest first, with where it stands."""
    mine = {each.agreement.id for each in waiting.waiting_for(actor)}
    may_write = waiting.WRITE in actor.permissions

    def find(wanted: Mapping[str, Any]) -> _Agreements:
        text, state = wanted.get("q", ""), wanted.get("state", "")
        return _Agreements(
            lambda row: (
                _fits(row, text) and (not state or _is_in(row, state, is_mine=row.agreement.id in mine))
            )
        )

    return show(
        request,
        AGREEMENTS,
        "agreements/agreements.html",
        form=AgreementFilters(request.GET),
        find=find,
        draw=lambda found: [replace(row, is_waiting=row.agreement.id in mine) for row in found],
        save=_saved,
        empty=Empty(
            _("No agreement yet"),
            _(
                "Nothing leaves this node without one. Start from a template; your partner can counter before anyone "
                "signs."
            ),
            ((_("Draft an agreement…"), reverse("agreement-new")),) if may_write else (),
        ),
        context={"may_write": may_write},
    )


@dataclass(frozen=True, slots=True)
class _Agreements:
    """Agreements that fit, by their numbers; read in batches, because a state is computed and not stored."""

    fits: Callable[[_Row], bool]

    def page(self, order: tuple[str, ...], after: str | None, before: str | None, limit: int) -> Page[_Row]:
        """One page of them; its marks are numbers."""
        newest_first = order == ("-number",)
        if before:
            earlier = self._first(limit, _number(before), newest_first=not newest_first)
            if len(earlier) > limit:
                items = earlier[limit - 1 :: -1]
                return Page(items, _mark(items[-1]), _mark(items[0]))
            after = None
        found = self._first(limit, _number(after) if after else None, newest_first=newest_first)
        items = found[:limit]
        more = len(found) > limit
        return Page(items, _mark(items[-1]) if more else None, _mark(items[0]) if after and items else None)

    def _first(self, limit: int, behind: int | None, *, newest_first: bool) -> list[_Row]:
        """The first of them behind a number, and one more than a page holds."""
        fitting = filter(self.fits, _rows(Agreement.objects.all(), behind, newest_first=newest_first))
        return list(islice(fitting, limit + 1))

    def all(self) -> Iterator[_Row]:
        """All of them, newest first."""
        return filter(self.fits, _rows(Agreement.objects.all(), None, newest_first=True))

    def among(self, key: str, values: Sequence[str]) -> Iterator[_Row]:
        """Those that were chosen."""
        del key
        return _rows(Stored(Agreement.objects.all()).among("id", values), None, newest_first=True)


def _mark(row: _Row) -> str:
    return str(row.agreement.number)


def _number(mark: str) -> int:
    if not (mark.isascii() and mark.isdecimal() and len(mark) <= 9):  # noqa: PLR2004 - a column's width
        raise BadCursor
    return int(mark)


def _rows(of: QuerySet[Agreement], behind: int | None, *, newest_first: bool) -> Iterator[_Row]:
    at, size = now(), AGREEMENTS.limit + 1
    while True:
        batch = of.order_by("-number" if newest_first else "number")
        if behind is not None:
            batch = batch.filter(number__lt=behind) if newest_first else batch.filter(number__gt=behind)
        found = list(batch[:size])
        standings = standings_of(found, at) if found else {}
        for agreement in found:
            standing = standings[agreement.id]
            document = standing.current or (parse(agreement.draft.encode()) if agreement.draft else None)
            yield _Row(agreement, standing, document)
        if len(found) < size:
            return
        # a page without filters is full by now; with filters more is read at once
        behind, size = found[-1].number, _AT_ONCE


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


def _saved(found: Iterable[_Row]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for row in found:
        document, current = row.document, row.standing.current
        yield {
            "id": str(row.agreement.id),
            "code": row.agreement.code,
            "title": row.agreement.title.to_json(),
            "state": str(row.standing.state),
            "version": row.version,
            "digest": current.digest if current else None,
            "parties": [party.node or party.ref for party in document.parties] if document else [],
            "valid_from": document.valid_from if document else None,
            "valid_until": document.valid_until if document else None,
        }


def _one(titles: object, language: str) -> str:
    return str(titles.get(language) or next(iter(titles.values()))) if isinstance(titles, dict) else ""
