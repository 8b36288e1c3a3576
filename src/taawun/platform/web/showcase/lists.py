"""A list as all lists of the node are, with invented rows: it is searched, sorted, saved and leafed through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.functional import lazy

from taawun.foundation.folding import words_match
from taawun.foundation.tlp import Tlp
from taawun.platform.web.listing import Act, Column, Empty, Held, Table
from taawun.platform.web.showcase.words import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.http import QueryDict

__all__ = ["ACTS", "SAMPLES", "SampleFilters", "find", "saved"]

_AT: Final = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
_TITLES: Final = ("wave", "loader", "spraying")
_SENDERS: Final = (("XS", "south", "AG-014"), ("XE", "east", "AG-009"), ("XC", "coast", "AG-021"))
_HOW_MANY: Final = 24
# what a list is called and asks is known before anybody's language is
_said: Final = lazy(said, str)


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A row: a report as lists of reports show it."""

    id: str
    title: str
    nation: str
    sender: str
    agreement: str
    marking: Tlp
    received: datetime
    hits: int


SAMPLES: Final = Table(
    name="components",
    caption=_said("list"),
    columns=(
        Column("title", _said("report"), sort="title"),
        Column("from", _said("from"), sort="from"),
        Column("by", _said("by")),
        Column("marking", _said("marking")),
        Column("received", _said("received"), sort="-received"),
        Column("hits", _said("hits"), is_number=True, is_shown=False),
    ),
    orders={"title": ("title", "id"), "from": ("sender", "id"), "received": ("received", "id")},
    sort="-received",
    unfit=Empty(_said("unfit"), _said("unfit_why")),
    saved=("id", "title", "from", "agreement", "tlp", "received"),
    limit=10,
)
ACTS: Final = (Act(_said("withdraw"), "#list", icon="remove"),)


class SampleFilters(forms.Form):
    """Search and filter of the list."""

    q = forms.CharField(label=_said("report"), required=False, max_length=100)
    tlp = forms.ChoiceField(label=_said("marking"), required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        markings = self.fields["tlp"]
        if isinstance(markings, forms.ChoiceField):
            markings.choices = [("", said("all_markings")), *((each.label, each.label) for each in Tlp)]


def find(wanted: Mapping[str, Any]) -> Held[SampleRow]:
    """The rows that fit. Any: what a form found."""
    text, marking = wanted.get("q", ""), wanted.get("tlp", "")
    return Held(
        [
            row
            for row in map(_row, range(_HOW_MANY))
            if words_match(text, [row.title]) and marking in {"", row.marking.label}
        ]
    )


def _row(number: int) -> SampleRow:
    nation, sender, agreement = _SENDERS[number % len(_SENDERS)]
    return SampleRow(
        id=f"sample-{number:02d}",
        title=said(_TITLES[number // 2 % len(_TITLES)]),
        nation=nation,
        sender=said(sender),
        agreement=agreement,
        marking=list(Tlp)[number % len(Tlp)],
        received=_AT - timedelta(hours=5 * number),
        hits=number * 7 % 12,
    )


def saved(rows: Sequence[SampleRow]) -> Iterator[dict[str, Any]]:
    """The rows as a file has them. Any: JSON values."""
    for row in rows:
        yield {
            "id": row.id,
            "title": row.title,
            "from": row.nation,
            "agreement": row.agreement,
            "tlp": row.marking.label,
            "received": row.received,
        }
