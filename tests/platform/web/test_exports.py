"""Lists as files, and nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

import pytest
from django.http import HttpResponseBase, StreamingHttpResponse
from hypothesis import given
from hypothesis import strategies as st

from taawun.platform.web.downloads import SANDBOX, attachment
from taawun.platform.web.exports import as_csv, as_json, defuse


def body(response: HttpResponseBase) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    pieces = response.streaming_content
    assert isinstance(pieces, Iterable)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+CMD", "'+CMD"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("＝1+1", "'＝1+1"),
        ("Wave;=1+1", "Wave;'=1+1"),
        ('=1; @SUM(A1);"+2', "'=1; '@SUM(A1);\"'+2"),
        ("a; b-c;d=e", "a; b-c;d=e"),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("", ""),
        (None, ""),
        (-2, "-2"),
        (2.5, "2.5"),
        (True, "True"),
        (["=1"], "['=1']"),
    ],
)
def test_a_cell_that_begins_like_a_formula_is_defused(cell: object, shown: str) -> None:
    assert defuse(cell) == shown


@given(st.text())
def test_no_text_at_all_reaches_a_spreadsheet_as_a_formula(cell: str) -> None:
    assert not defuse(cell).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    for further in defuse(cell).split(";")[1:]:
        assert not further.lstrip().startswith(("=", "+", "-", "@"))
    assert defuse(cell).replace("'", "") == cell.replace("'", "")


def test_a_csv_file_can_be_read_back_row_by_row() -> None:
    answer = as_csv("people", ("name", "note"), [("Salma", 'says "no", twice'), ("سلمى", "=HYPERLINK()")])
    text = body(answer).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["name", "note"],
        ["Salma", 'says "no", twice'],
        ["سلمى", "'=HYPERLINK()"],
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="people.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("rows", [[], [{"a": 1}], [{"a": 1}, {"b": "نعم"}, {"c": None}]])
def test_a_json_file_is_one_array_of_the_rows(rows: list[dict[str, object]]) -> None:
    assert json.loads(body(as_json("list", rows))) == rows


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("../../etc/passwd", 'attachment; filename="-..-etc-passwd"'),
        ('a"; x=y\r\n.html', 'attachment; filename="a-; x=y--.html"'),
        ("تقرير.pdf", "attachment; filename*=utf-8''%D8%AA%D9%82%D8%B1%D9%8A%D8%B1.pdf"),
        ("...", 'attachment; filename="file"'),
    ],
)
def test_a_file_leaves_as_an_attachment_with_a_harmless_name(name: str, disposition: str) -> None:
    answer = attachment(b"<script>", name=name, content_type="text/html")
    assert answer["Content-Disposition"] == disposition
    assert answer["Content-Security-Policy"] == SANDBOX
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Length"] == "8"
