"""Lists as files: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from taawun.foundation.clock import timestamp
from taawun.platform.web.downloads import attachment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from django.http import HttpResponseBase

__all__ = ["as_csv", "as_json", "defuse"]

# OWASP, "CSV Injection": a cell that begins with one of these is a formula to a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # and their full-width twins
# where a spreadsheet of Arabic or French settings, which parts cells by semicolons, would begin another one
_FURTHER_CELL = re.compile(r"(;[\"\s]*)(?=[=+\-@＝＋－＠])")
_BYTE_ORDER_MARK = "\ufeff"


def defuse(cell: object) -> str:
    """A cell's text that no spreadsheet runs as a formula.

    Numbers stay as they are; a text that begins like a formula gets an apostrophe before it, and so does what stands
    like one behind a semicolon. None is empty, and an instant is written as in JSON.
    """
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return timestamp(cell)
    if isinstance(cell, int | float):
        return str(cell)
    text = _FURTHER_CELL.sub(r"\1'", str(cell))
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


class _Line:
    """Takes what the csv writer writes, one line at a time."""

    def write(self, text: str) -> str:
        return text


def as_csv(name: str, head: Sequence[object], rows: Iterable[Sequence[object]]) -> HttpResponseBase:
    """Rows as a CSV file (RFC 4180), written while it is read.

    It begins with a byte order mark, without which Excel reads Arabic and accents as Latin-1.

    Args:
        name: file name without its ending.
        head: the column heads.
        rows: the cells of each row.
    """
    writer = csv.writer(_Line(), lineterminator="\r\n")

    def lines() -> Iterator[bytes]:
        yield (_BYTE_ORDER_MARK + writer.writerow([defuse(cell) for cell in head])).encode()
        for row in rows:
            yield writer.writerow([defuse(cell) for cell in row]).encode()

    return attachment(lines(), name=f"{name}.csv", content_type="text/csv; charset=utf-8")


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    raise TypeError(f"{value!r} is no value of JSON")


def as_json(name: str, rows: Iterable[Mapping[str, Any]]) -> HttpResponseBase:
    """Rows as a file with one JSON array, written while it is read.

    Args:
        name: file name without its ending.
        rows: each row as an object of JSON values; instants are written in UTC (RFC 3339), None is null.
    """

    def pieces() -> Iterator[bytes]:
        before = "[\n"
        for row in rows:
            yield (before + json.dumps(row, ensure_ascii=False, default=_written)).encode()
            before = ",\n"
        yield b"[]\n" if before == "[\n" else b"\n]\n"

    return attachment(pieces(), name=f"{name}.json", content_type="application/json")
