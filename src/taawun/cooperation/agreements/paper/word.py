"""An agreement as DOCX (ECMA-376, Office Open XML), so that a ministry can print, stamp and file it as it is used to.

What runs from right to left says so in every layer, as word processors ask: the paragraph (``w:bidi``), its runs
(``w:rtl``, with their own size and face for complex scripts), and tables (``w:bidiVisual``).
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, Final

import docx
import segno
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor

from taawun.foundation.multilingual import is_rtl
from taawun.platform.web.directions import shown

if TYPE_CHECKING:
    from taawun.cooperation.agreements.paper.content import Block, Paper, Runs

__all__ = ["as_docx"]

# every word processor has it, and it holds Arabic too
_FACE: Final = "Times New Roman"
_CODE: Final = "Courier New"
_GREY: Final = RGBColor(0x5A, 0x5A, 0x5A)
_SIZES: Final = {"title": 18, "heading": 14, "clause": 12, "note": 9.5, "subtitle": 11}
_STYLES: Final = {"title": "Title", "heading": "Heading 1", "clause": "Heading 2"}
# the earliest day that a zip archive can name: a file says nothing of when it was made
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Look:
    """How words look: their size in points, whether they stand out, and whether they stand back."""

    size: float
    is_bold: bool = False
    is_quiet: bool = False


def as_docx(paper: Paper) -> bytes:
    """Print an agreement.

    Returns:
        The same bytes for the same paper on the same version of the software.
    """
    # Any: python-docx ships no types
    made: Any = docx.Document()
    _facts(made, paper)
    _page(made, paper)
    if len(paper.languages) == 1:
        for block in paper.blocks:
            _set(made.add_paragraph(style=_STYLES.get(block.kind)), block, 0, paper.languages[0])
    else:
        _columns(made, paper)
    for each in paper.signatures:
        _signing(made, paper, each.lines)
    _annex(made, paper)
    written = io.BytesIO()
    made.save(written)
    return _without_time(written.getvalue())


def _facts(made: Any, paper: Paper) -> None:
    facts = made.core_properties
    facts.title = shown(paper.title)[:250]
    facts.author = ""
    facts.language = paper.main
    facts.identifier = paper.urn
    day = datetime.combine(paper.dated, time(), UTC).replace(tzinfo=None)
    facts.created = facts.modified = day
    facts.last_modified_by = ""
    facts.comments = ""


# ---- the page, its head and its foot ------------------------------------------------------------------------------
def _page(made: Any, paper: Paper) -> None:
    section = made.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.1)
    section.top_margin, section.bottom_margin = Cm(2.4), Cm(2.8)
    normal = made.styles["Normal"]
    normal.font.name, normal.font.size = _FACE, Pt(11)
    for name in (*_STYLES.values(), "Normal"):
        _face(made.styles[name].element.get_or_add_rPr(), _FACE)
        made.styles[name].font.color.rgb = RGBColor(0, 0, 0)
    head = section.header.paragraphs[0]
    _direct(head, paper.main)
    _words(head, f"{paper.title}  ({paper.version})", paper.main, _Look(9, is_quiet=True))
    if paper.watermark:
        head._p.append(parse_xml(_WATERMARK.format(ns=nsdecls("w"), words=_attribute(paper.watermark))))  # noqa: SLF001 - python-docx's way to the XML below it
    foot = section.footer.paragraphs[0]
    foot.add_run().add_picture(_qr(paper.urn), width=Cm(1.5))
    foot.add_run().add_break()
    _words(foot, paper.labels.digest + " ", paper.main, _Look(8, is_quiet=True))
    _code(foot, paper.digest, 7.5)
    foot.add_run().add_break()
    _numbered(foot, paper)


def _numbered(foot: Any, paper: Paper) -> None:
    """“page 1 of 9”, counted by the word processor."""
    before, _n, rest = paper.labels.page.partition("{n}")
    between, _all, after = rest.partition("{all}")
    for words, field in ((before, "PAGE"), (between, "NUMPAGES"), (after, "")):
        if words:
            _words(foot, words, paper.main, _Look(8, is_quiet=True))
        if field:
            counted = OxmlElement("w:fldSimple")
            counted.set(qn("w:instr"), field)
            foot._p.append(counted)  # noqa: SLF001 - as above


# the shape that word processors themselves make of a watermark (ECMA-376, part 4: VML)
_WATERMARK: Final = (
    '<w:r {ns} xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"><w:pict>'
    '<v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800" '
    'path="m@7,l@8,m@5,21600l@6,21600e"><v:formulas><v:f eqn="sum #0 0 10800"/><v:f eqn="prod #0 2 1"/>'
    '<v:f eqn="sum 21600 0 @1"/><v:f eqn="sum 0 0 @2"/><v:f eqn="sum 21600 0 @3"/><v:f eqn="if @0 @3 0"/>'
    '<v:f eqn="if @0 21600 @1"/><v:f eqn="if @0 0 @2"/><v:f eqn="if @0 @4 21600"/><v:f eqn="mid @5 @6"/>'
    '<v:f eqn="mid @8 @5"/><v:f eqn="mid @7 @8"/><v:f eqn="mid @6 @7"/><v:f eqn="sum @6 0 @5"/></v:formulas>'
    '<v:path textpathok="t" o:connecttype="rect"/><v:textpath on="t" fitshape="t"/></v:shapetype>'
    '<v:shape id="draft" type="#_x0000_t136" style="position:absolute;margin-left:0;margin-top:0;width:380pt;'
    "height:130pt;rotation:315;z-index:-251658752;mso-position-horizontal:center;"
    "mso-position-horizontal-relative:margin;mso-position-vertical:center;"
    'mso-position-vertical-relative:margin" fillcolor="#e0e0e0" stroked="f"><v:textpath '
    'style="font-family:&quot;Times New Roman&quot;;font-size:1pt" string="{words}"/></v:shape></w:pict></w:r>'
)


def _attribute(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _qr(words: str) -> io.BytesIO:
    drawn = io.BytesIO()
    segno.make(words, error="m", micro=False).save(drawn, kind="png", scale=6, border=0)
    drawn.seek(0)
    return drawn


# ---- the text -----------------------------------------------------------------------------------------------------
def _columns(made: Any, paper: Paper) -> None:
    """Two languages side by side: a row a paragraph, so that what says the same stands at the same height."""
    # python-docx looks for the last row each time it adds one, which is too slow for an agreement of 500 clauses
    table = made.add_table(rows=len(paper.blocks), cols=2)
    table.autofit = False
    cells = table._cells  # noqa: SLF001 - the same list that each look-up of a cell would make again
    for number, block in enumerate(paper.blocks):
        for side, language in enumerate(paper.languages):
            paragraph = cells[2 * number + side].paragraphs[0]
            if block.kind in _STYLES:
                paragraph.style = _STYLES[block.kind]
            _set(paragraph, block, side, language)


def _set(paragraph: Any, block: Block, side: int, language: str) -> None:
    _direct(paragraph, language)
    layout = paragraph.paragraph_format
    layout.space_after = Pt(6)
    layout.space_before = Pt(12 if block.kind in {"heading", "clause"} else 0)
    layout.keep_with_next = block.kind in _STYLES
    if block.kind in {"title", "subtitle"}:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    size = _SIZES.get(block.kind, 11)
    _run_words(paragraph, block.texts[side], language, _Look(size, is_bold=block.kind in _STYLES))


def _run_words(paragraph: Any, words: Runs, language: str, look: _Look) -> None:
    for run in words:
        if run.is_code:
            _code(paragraph, run.text, look.size * 0.82)
            continue
        _words(
            paragraph,
            run.text,
            run.language or language,
            replace(look, is_bold=look.is_bold or run.is_strong),
        )


def _words(paragraph: Any, words: str, language: str, look: _Look) -> None:
    made = paragraph.add_run(shown(words))
    made.font.size, made.font.bold = Pt(look.size), look.is_bold
    if look.is_quiet:
        made.font.color.rgb = _GREY
    facts = made._r.get_or_add_rPr()  # noqa: SLF001 - python-docx has no words for complex scripts
    _face(facts, _FACE)
    _add(facts, "w:szCs", str(round(look.size * 2 * (1.1 if is_rtl(language) else 1))))
    if look.is_bold:
        _add(facts, "w:bCs")
    if is_rtl(language):
        _add(facts, "w:rtl")
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:bidi" if is_rtl(language) else "w:val"), language)
    facts.append(spoken)


def _code(paragraph: Any, words: str, size: float) -> None:
    """Technical words: from left to right, whatever surrounds them (a mark at each end keeps them together)."""
    made = paragraph.add_run(f"\u200e{shown(words)}\u200e")
    made.font.size = Pt(size)
    _face(made._r.get_or_add_rPr(), _CODE)  # noqa: SLF001 - as above


def _face(facts: Any, face: str) -> None:
    faces = facts.find(qn("w:rFonts"))
    if faces is None:
        faces = OxmlElement("w:rFonts")
        facts.insert(0, faces)
    for name in list(faces.attrib):
        del faces.attrib[name]
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        faces.set(qn(f"w:{script}"), face)


def _direct(paragraph: Any, language: str) -> None:
    if is_rtl(language):
        # the order of a paragraph's properties is the schema's, and python-docx keeps it for those it knows
        facts = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - as above
        facts.insert_element_before(OxmlElement("w:bidi"), *_AFTER_BIDI)


_AFTER_BIDI: Final = (
    "w:adjustRightInd",
    "w:snapToGrid",
    "w:spacing",
    "w:ind",
    "w:contextualSpacing",
    "w:mirrorIndents",
    "w:suppressOverlap",
    "w:jc",
    "w:textDirection",
    "w:textAlignment",
    "w:textboxTightWrap",
    "w:outlineLvl",
    "w:divId",
    "w:cnfStyle",
    "w:rPr",
    "w:sectPr",
    "w:pPrChange",
)


def _add(facts: Any, name: str, value: str = "") -> None:
    found = OxmlElement(name)
    if value:
        found.set(qn("w:val"), value)
    facts.append(found)


# ---- signatures and annex -----------------------------------------------------------------------------------------
def _signing(made: Any, paper: Paper, lines: tuple[Runs, ...]) -> None:
    ink = paper.labels.ink
    table = made.add_table(rows=1 + (len(ink) + 1) // 2, cols=2)
    table.style = "Table Grid"
    if is_rtl(paper.main):
        table._tbl.tblPr.append(OxmlElement("w:bidiVisual"))  # noqa: SLF001 - as above
    head = table.cell(0, 0).merge(table.cell(0, 1))
    for number, line in enumerate(lines):
        paragraph = head.paragraphs[0] if number == 0 else head.add_paragraph()
        _direct(paragraph, paper.main)
        _run_words(paragraph, line, paper.main, _Look(10.5))
    for number, label in enumerate(ink):
        paragraph = table.cell(1 + number // 2, number % 2).paragraphs[0]
        _direct(paragraph, paper.main)
        paragraph.paragraph_format.space_after = Pt(22)
        _words(paragraph, label, paper.main, _Look(9, is_quiet=True))
    for row in table.rows:
        facts = row._tr.get_or_add_trPr()  # noqa: SLF001 - as above
        facts.append(OxmlElement("w:cantSplit"))
    made.add_paragraph()


def _annex(made: Any, paper: Paper) -> None:
    made.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    heading = made.add_paragraph(style=_STYLES["heading"])
    _direct(heading, paper.main)
    _run_words(heading, paper.annex[0], paper.main, _Look(14, is_bold=True))
    for line in paper.annex[1:]:
        paragraph = made.add_paragraph()
        _direct(paragraph, paper.main)
        _run_words(paragraph, line, paper.main, _Look(9.5))
    exact = made.add_paragraph()
    made_of = exact.add_run("\n".join(shown(line) for line in paper.lines()))
    made_of.font.size = Pt(6.5)
    _face(made_of._r.get_or_add_rPr(), _CODE)  # noqa: SLF001 - as above


def _without_time(archive: bytes) -> bytes:
    """The same archive without the minute at which it was made."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return written.getvalue()
