"""An agreement as PDF, set by Typst: archival (PDF/A-3), with the exact text attached as a file.

Typst shapes Arabic as fonts ask for it and orders it by the Unicode bidirectional algorithm. Its source is ours alone:
what people wrote comes as data, and none of it is read as markup.
"""

from __future__ import annotations

import io
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import segno
import typst

from taawun.platform.web.directions import shown

if TYPE_CHECKING:
    from taawun.cooperation.agreements.paper.content import Paper, Runs

__all__ = ["as_pdf"]

# a word without any place to break it is broken after so many letters, rather than to run off the page
_UNBROKEN: Final = re.compile(r"(\S{40})(?=\S)")
_BREAK: Final = "\u200b"


def as_pdf(paper: Paper) -> bytes:
    """Print an agreement.

    Returns:
        The same bytes for the same paper on the same version of the software.
    """
    source = files("taawun.cooperation.agreements").joinpath("templates/agreements/paper.typ").read_bytes()
    compiler = typst.Compiler(source, font_paths=_fonts(), sys_inputs={"data": json.dumps(_data(paper))})
    printed = compiler.compile(source, format="pdf", pdf_standards=["a-3a"])
    if not isinstance(printed, bytes):
        raise TypeError("a PDF is one file")
    return printed


@cache
def _fonts() -> typst.Fonts:
    """Amiri for Arabic from its package, the Latin faces that Typst carries; for other scripts those of the machine."""
    return typst.Fonts(font_paths=[str(files("fontpkg_amiri").joinpath("files"))])


def _data(paper: Paper) -> dict[str, Any]:
    # Any: values of JSON
    labels = paper.labels
    return {
        "title": shown(paper.title),
        "date": [paper.dated.year, paper.dated.month, paper.dated.day],
        "draft": paper.watermark or None,
        "languages": list(paper.languages),
        "main": paper.main,
        "indic": sorted(paper.indic),
        "version": paper.version,
        "qr": _qr(paper.urn),
        "digest": paper.digest,
        "labels": {
            "page": labels.page,
            "digest": labels.digest,
            "qr": labels.qr,
            "exact": labels.exact,
            "ink": list(labels.ink),
        },
        "blocks": [
            {"kind": block.kind, "texts": [_runs(words) for words in block.texts]} for block in paper.blocks
        ],
        "signatures": [[_runs(line) for line in each.lines] for each in paper.signatures],
        "annex": [_runs(line) for line in paper.annex],
        "lines": paper.lines(),
        "exact": paper.exact,
    }


def _runs(words: Runs) -> list[dict[str, Any]]:
    return [
        {
            "text": _UNBROKEN.sub(rf"\1{_BREAK}", shown(run.text)),
            "code": run.is_code,
            "apart": run.is_isolated,
            "lang": run.language,
            "strong": run.is_strong,
        }
        for run in words
    ]


def _qr(words: str) -> str:
    drawn = io.BytesIO()
    segno.make(words, error="m", micro=False).save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()
