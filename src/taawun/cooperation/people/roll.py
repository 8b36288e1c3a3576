"""The roll of a community as a file: who was what to it, and when. One line a span, as CSV or as JSON.

The columns, in JSON the members of each object of ``spans``: ``nation`` (ISO 3166-1 alpha-2) or ``organisation`` (the
id of one of this node), ``standing``, ``since`` and ``until`` (ISO 8601 days, empty where unknown or lasting; the day
``until`` is the first one no longer), and ``name_ar``, ``name_en``, ``name_fr``: what the community calls the nation.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from taawun.cooperation.people.errors import RollRefused
from taawun.cooperation.people.models import Span
from taawun.foundation import strict_json
from taawun.foundation.multilingual import LANGUAGES, Text, TextRefused
from taawun.foundation.nations import is_code
from taawun.platform.web.formats import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "COLUMNS",
    "MAX_BYTES",
    "MAX_LINES",
    "Line",
    "check",
    "line_of",
    "read_csv",
    "read_json",
    "read_lines",
]

COLUMNS: Final = (
    "nation",
    "organisation",
    "standing",
    "since",
    "until",
    *(f"name_{language}" for language in LANGUAGES),
)
MAX_BYTES: Final = 1024 * 1024
MAX_LINES: Final = 5000
_LIMITS: Final = strict_json.Limits(max_bytes=MAX_BYTES, max_depth=6, max_string=2000)
# at most one of these at a time; chair and suspension come on top of one of the first three
_EXCLUSIVE: Final = frozenset(
    {Span.Standing.MEMBER, Span.Standing.ASSOCIATE, Span.Standing.OBSERVER, Span.Standing.APPLICANT}
)
_BASIS: Final = {
    Span.Standing.CHAIR: frozenset({Span.Standing.MEMBER}),
    Span.Standing.SUSPENDED: frozenset(_EXCLUSIVE - {Span.Standing.APPLICANT}),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One span of a roll.

    Args:
        nation: the nation's code, or empty.
        organisation: the organisation's id, or None; one of the two is there.
        standing: what it is.
        since: the first day; None where it is not written down.
        until: the first day no longer; None while it lasts.
        name: what the community calls the nation; None where it does not say.
        number: where the line stands, counting from 1.
    """

    nation: str
    organisation: UUID | None
    standing: Span.Standing
    since: date | None
    until: date | None
    name: Text | None = None
    number: int = 0

    @property
    def subject(self) -> tuple[str, UUID | None]:
        """Whose span it is."""
        return self.nation, self.organisation

    def overlaps(self, other: Line) -> bool:
        """Whether there is a day in both."""
        return _before(self.since, other.until) and _before(other.since, self.until)

    def is_inside(self, other: Line) -> bool:
        """Whether every day of it is one of the other."""
        begins = other.since is None or (self.since is not None and other.since <= self.since)
        ends = other.until is None or (self.until is not None and self.until <= other.until)
        return begins and ends


def _before(since: date | None, until: date | None) -> bool:
    return since is None or until is None or since < until


def read_csv(text: str) -> list[Line]:
    """Read a roll from CSV (RFC 4180) with a head line.

    Raises:
        RollRefused: with the line and the column.
    """
    if len(text.encode()) > MAX_BYTES:
        raise RollRefused(_("A roll has at most 1 MiB."))
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        unknown = sorted(set(reader.fieldnames or ()) - set(COLUMNS) - {"name"})
        if unknown or "standing" not in (reader.fieldnames or ()):
            columns = listed(COLUMNS)
            raise RollRefused(_("The first line names the columns: %(columns)s.") % {"columns": columns}, 1)
        # what guards a spreadsheet in an export (web/exports) is taken off again
        return read_lines(
            ({name: _unguarded(cell or "") for name, cell in row.items() if name} for row in reader),
            first=2,
        )
    except csv.Error as problem:
        raise RollRefused(_("This is no CSV: %(problem)s.") % {"problem": problem}, reader.line_num) from None


def read_json(text: str) -> list[Line]:
    """Read a roll from JSON: the list of spans, or an object with it as ``spans``.

    Raises:
        RollRefused: with the number of the span.
    """
    try:
        document = strict_json.parse(text.encode(), _LIMITS)
    except strict_json.JsonRefused as refused:
        raise RollRefused(str(refused)) from None
    spans = document.get("spans") if isinstance(document, dict) else document
    if not isinstance(spans, list) or not all(isinstance(each, dict) for each in spans):
        raise RollRefused(_("A roll in JSON is a list of objects, or an object with such a list as “spans”."))
    return read_lines(spans)


def read_lines(rows: Iterable[Mapping[str, Any]], first: int = 1) -> list[Line]:
    """Read rows, and hold them against each other.

    Args:
        rows: each with the columns as texts or nulls.
        first: the number of the first one, for the errors.

    Raises:
        RollRefused: with the line, or the two that contradict each other.
    """
    lines: list[Line] = []
    for number, row in enumerate(rows, start=first):
        if len(lines) >= MAX_LINES:
            raise RollRefused(_("A roll has at most %(most)s lines.") % {"most": MAX_LINES}, number)
        lines.append(replace(line_of(row, number), number=number))
    check(lines)
    return lines


def line_of(row: Mapping[str, Any], number: int = 0) -> Line:
    """Read one row.

    Args:
        row: the columns as texts or nulls; days and ids may be such.
        number: where it stands, counting from 1; 0 where it stands alone.

    Raises:
        RollRefused: with the column.
    """
    cells = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    nation, organisation = cells["nation"], cells["organisation"]
    if bool(nation) == bool(organisation):
        raise RollRefused(_("Name a nation or an organisation, and not both."), number, "nation")
    if nation and not is_code(nation):
        raise RollRefused(_("“%(code)s” is no code of ISO 3166-1.") % {"code": nation[:20]}, number, "nation")
    try:
        place = UUID(organisation) if organisation else None
    except ValueError:
        raise RollRefused(_("An organisation is named by its id."), number, "organisation") from None
    if cells["standing"] not in Span.Standing.values:
        known = listed(Span.Standing.values)
        raise RollRefused(_("A standing is one of: %(known)s.") % {"known": known}, number, "standing")
    since, until = (_day(cells[name], number, name) for name in ("since", "until"))
    if since and until and not since < until:
        raise RollRefused(_("It ends before it begins."), number, "until")
    return Line(nation, place, Span.Standing(cells["standing"]), since, until, _name(cells, number))


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@＝＋－＠") else cell


def _day(text: str, number: int, column: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise RollRefused(_("A day is written like 2026-01-31."), number, column) from None


def _name(cells: Mapping[str, str], number: int) -> Text | None:
    given = {language: cells[f"name_{language}"] for language in LANGUAGES if cells[f"name_{language}"]}
    try:
        return Text.from_json(given) if given else None
    except TextRefused as refused:
        raise RollRefused(str(refused), number) from None


def check(lines: Sequence[Line]) -> None:
    """Hold the spans of each subject against each other.

    Raises:
        RollRefused: with the line that contradicts another.
    """
    by_subject: dict[tuple[str, UUID | None], list[Line]] = {}
    for line in lines:
        by_subject.setdefault(line.subject, []).append(line)
    for spans in by_subject.values():
        for place, line in enumerate(spans):
            _check_overlap(line, spans[:place])
            _check_basis(line, spans)


def _check_overlap(line: Line, earlier: Sequence[Line]) -> None:
    for other in earlier:
        both = line.standing == other.standing or {line.standing, other.standing} <= _EXCLUSIVE
        if both and line.overlaps(other):
            raise RollRefused(
                _("It was “%(other)s” at the same time. End that first.")
                % {"other": Span.Standing(other.standing).label},
                line.number,
                "since",
            )


def _check_basis(line: Line, spans: Sequence[Line]) -> None:
    needed = _BASIS.get(line.standing)
    if needed and not any(each.standing in needed and line.is_inside(each) for each in spans):
        raise RollRefused(
            _("Only who belongs to the community at that time can be its chair or be suspended."),
            line.number,
            "standing",
        )
