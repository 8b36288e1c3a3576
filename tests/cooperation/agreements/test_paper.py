"""Agreements on paper: what is printed, in one language or two, and what hostile texts come to."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import Any

import docx
import pytest
from django.utils.translation import override
from docx.oxml.ns import qn

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import Document, parse, write
from taawun.cooperation.agreements.models import Agreement, PartySignature
from taawun.cooperation.agreements.paper import Paper, as_pdf, paper_of, printing
from taawun.cooperation.agreements.paper.provisions import general_provisions
from taawun.cooperation.agreements.paper.word import as_docx
from taawun.cooperation.agreements.presenting.parties import partners_of
from taawun.cooperation.agreements.presenting.plain import plain, runs
from taawun.foundation.clock import now
from taawun.foundation.multilingual import Prose, Text
from taawun.platform.files.models import FileUse
from taawun.platform.work.actions import run
from taawun.platform.work.models import Job
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, document, partner
from tests.cooperation.agreements.viewing import drafted, page_of, seen, south

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")

RECITALS = Prose.of(en="The parties,\nRecognising much,\nHave agreed:", ar="إنّ الطرفين،\nقد اتفقا:")


def held_document(held: Agreement) -> Document:
    return held.versions.get().document()


def printed(held: Agreement, *languages: str) -> Paper:
    about = held_document(held)
    signatures = list(PartySignature.objects.filter(lineage=held.id))
    return paper_of(about, signatures, partners_of(about), languages=languages)


def words(paper: Paper, side: int = 0) -> list[str]:
    return ["".join(run.text for run in block.texts[side]) for block in paper.blocks]


# ---- what stands on it ------------------------------------------------------------------------------------------
def test_a_paper_says_what_the_page_says_with_parties_terms_and_signatures(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_in_force(south)
    paper = printed(held, "en")
    told = words(paper)
    assert told[0] == held.title.in_language("en").value
    assert f"(2) Southern CERT, Nation XS, by its node {south.node}" in told
    assert "General provisions" in told
    assert any("may send each other" in each for each in told)
    signed = ["".join(run.text for run in line) for each in paper.signatures for line in each.lines]
    assert sum(each.startswith("Signed electronically on ") for each in signed) == 2
    assert f"With the key {south.key.kid}" in signed
    assert paper.digest == held_document(held).digest
    assert "".join(paper.lines()) == held_document(held).text.decode()


def test_only_markings_that_may_flow_are_defined(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    told = words(printed(held, "en"))
    highest = max(each.tlp_max for each in held_document(held).clauses)
    defined = [each.split(" ")[0] for each in told if each.startswith("TLP:")]
    assert defined[-1] == highest.label
    assert len(defined) == int(highest) + 1


def test_two_languages_stand_side_by_side_and_what_runs_from_right_to_left_at_the_right(node: object) -> None:
    text = document(partner(), preamble=RECITALS)
    first = paper_of(text, [], {}, languages=("ar", "en"))
    assert (first.languages, first.main) == (("en", "ar"), "ar")
    second = paper_of(text, [], {}, languages=("fr", "en"))
    assert second.languages == ("fr", "en")
    # the Arabic recitals are one fewer: its column has an empty place there, and what follows stands level
    kinds = [(block.kind, len(block.texts)) for block in first.blocks]
    assert {count for _kind, count in kinds} == {2}
    gap = next(block for block in first.blocks if block.texts[1] == ())
    assert "".join(run.text for run in gap.texts[0]) == "Have agreed:"
    assert first.indic == frozenset({"ar"})


def test_a_text_that_is_missing_in_a_language_says_which_one_it_is_in(node: object) -> None:
    text = document(partner(), preamble=RECITALS)
    paper = paper_of(text, [], {}, languages=("fr",))
    [recital] = [block.texts[0][0] for block in paper.blocks if block.texts[0][0].text == "Recognising much,"]
    assert (recital.language, recital.is_isolated) == ("en", True)


@pytest.mark.parametrize("languages", [("ar",), ("en",), ("fr",), ("en", "ar")])
def test_the_same_text_is_printed_to_the_same_bytes(node: object, languages: tuple[str, ...]) -> None:
    text = document(partner(), preamble=RECITALS)
    one, other = (paper_of(text, [], {}, languages=languages, is_draft=True) for _ in range(2))
    assert as_pdf(one) == as_pdf(other)
    assert as_docx(one) == as_docx(other)
    assert as_pdf(one).startswith(b"%PDF-1.7")
    # archival, with the exact text as a file of its own
    assert b"agreement.json" in as_pdf(one)


def test_a_word_file_says_in_every_layer_what_runs_from_right_to_left(node: object) -> None:
    text = document(partner(), preamble=RECITALS)
    made: Any = docx.Document(io.BytesIO(as_docx(paper_of(text, [], {}, languages=("ar",)))))
    recital = next(each for each in made.paragraphs if each.text == "قد اتفقا:")
    assert recital._p.pPr.find(qn("w:bidi")) is not None
    facts = recital.runs[0]._r.rPr
    assert facts.find(qn("w:rtl")) is not None
    assert facts.find(qn("w:rFonts")).get(qn("w:cs")) == "Times New Roman"
    assert facts.find(qn("w:lang")).get(qn("w:bidi")) == "ar"
    assert made.tables[0]._tbl.tblPr.find(qn("w:bidiVisual")) is not None
    # what is technical stays as it is
    code = next(run for each in made.paragraphs for run in each.runs if "https://" in run.text)
    assert code._r.rPr.find(qn("w:rtl")) is None


def test_two_languages_are_a_table_with_a_row_a_paragraph_in_a_word_file(node: object) -> None:
    text = document(partner(), preamble=RECITALS)
    paper = paper_of(text, [], {}, languages=("en", "ar"))
    made: Any = docx.Document(io.BytesIO(as_docx(paper)))
    assert len(made.tables[0].rows) == len(paper.blocks)
    left, right = made.tables[0].rows[0].cells
    assert left.text == text.title.in_language("en").value
    assert right.paragraphs[0]._p.pPr.find(qn("w:bidi")) is not None


def test_a_draft_is_marked_as_one_on_every_page(node: object) -> None:
    text = document(partner())
    assert paper_of(text, [], {}, languages=("en",)).watermark == ""
    draft = paper_of(text, [], {}, languages=("ar",), is_draft=True)
    assert draft.watermark == "مسودة"
    with zipfile.ZipFile(io.BytesIO(as_docx(draft))) as archive:
        heads = [archive.read(name).decode() for name in archive.namelist() if "header" in name]
    assert any("مسودة" in head and "textpath" in head for head in heads)


# ---- hostile texts ----------------------------------------------------------------------------------------------
def test_what_turns_a_line_or_never_breaks_is_printed_as_what_it_is(node: object) -> None:
    turned = clause(
        "1",
        topics=("attack:\u202eT1566", "attack:" + "x" * 110),
        title=Text.of(en="W" * 500, ar="ط" * 500),
        purpose=("#let x = sys.inputs <w:p>&amp; $ \\ ",),
        recognises=({"issuer": "\u2067\x07", "achievement": '*bold* #image("/etc/passwd")'},),
    )
    text = parse(write(replace(document(partner()), clauses=(turned,))))
    for languages in (("ar",), ("en", "ar")):
        paper = paper_of(text, [], {}, languages=languages)
        assert as_pdf(paper).startswith(b"%PDF")
        made: Any = docx.Document(io.BytesIO(as_docx(paper)))
        shown = "\n".join(each.text for each in made.element.body.iter(qn("w:t")) if each.text)
        assert "\u202e" not in shown
        assert "\\u202e" in shown  # in the annex, as JSON writes it
        assert "#let x = sys.inputs <w:p>&amp; $ \\" in shown
    assert "\u2067" not in "".join(paper.lines())


def test_markup_of_a_page_is_taken_apart_into_words() -> None:
    found = runs(
        '<bdi>A &amp; B</bdi> may <bdi dir="ltr" class="tlp">TLP:RED</bdi><span class="unseen">x</span>'
    )
    assert [(run.text, run.is_code, run.is_isolated) for run in found] == [
        ("A & B", False, True),
        (" may ", False, False),
        ("TLP:RED", True, True),
    ]
    assert plain("<b>a</b> &lt;b") == "a <b"


# ---- asked for --------------------------------------------------------------------------------------------------
def test_a_version_is_printed_from_its_page(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    client = cast.observer.browser()
    shown = seen(client, page_of(held, "versions/1/paper/"))
    assert "On paper" in shown.text
    asked = page_of(held, "versions/1/paper/")
    answer = client.get(asked, {"language": "en", "beside": "ar", "form": "pdf"})
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="{held.code}-1-en-ar.pdf"'
    assert answer.content.startswith(b"%PDF")
    assert client.get(asked, {"language": "xx", "form": "pdf"}).status_code == 422
    assert client.get(page_of(held, "versions/7/paper/")).status_code == 404


def test_a_draft_is_printed_by_who_writes_it_alone(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    answer = cast.officer.browser().get(page_of(held, "draft/paper/"), {"language": "fr", "form": "docx"})
    assert answer.content.startswith(b"PK")
    assert cast.observer.browser().get(page_of(held, "draft/paper/")).status_code == 403
    path = f"/agreements/{held.id}/draft/paper"
    assert cast.officer.api.get(path, form="docx").content == cast.officer.api.get(path, form="docx").content
    assert cast.observer.api.get(path).status_code == 403


def test_a_program_gets_the_same_paper(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    path = f"/agreements/{held.id}/versions/1/paper"
    answer = cast.observer.api.get(path, language="ar", beside="fr", form="pdf")
    assert answer.status_code == 200
    by_page = cast.observer.browser().get(
        page_of(held, "versions/1/paper/"), {"language": "ar", "beside": "fr", "form": "pdf"}
    )
    assert answer.content == by_page.content
    assert cast.observer.api.get(path, language="de").status_code == 422
    assert cast.observer.api.get(f"/agreements/{held.id}/versions/9/paper").status_code == 404


def test_a_long_text_is_printed_in_the_background_and_kept_for_a_day(
    cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "LONG", 10)
    held = agreement_in_force(south)
    path = f"/agreements/{held.id}/versions/1/paper"
    first = cast.observer.api.get(path)
    assert first.status_code == 202
    job = Job.objects.get(id=first.json()["job"])
    assert cast.observer.api.get(path).json()["job"] == str(job.id)
    assert cast.observer.api.get(f"/jobs/{job.id}").json()["state"] == "queued"
    page = seen(cast.observer.browser(), page_of(held, "versions/1/paper/") + "?language=en&form=pdf")
    assert "A long text takes up to a minute." in page.text
    run(job.id)
    assert cast.observer.api.get(path).content.startswith(b"%PDF")
    assert FileUse.objects.filter(owner__startswith="urn:taawun:paper:").count() == 1
    assert printing.clear() == 0
    Job.objects.update(finished=now() - timedelta(days=2))
    assert printing.clear() == 1
    assert not FileUse.objects.filter(owner__startswith="urn:taawun:paper:").exists()


def test_no_more_long_texts_wait_than_a_worker_can_print_soon(
    cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "LONG", 10)
    held = agreement_in_force(south)
    path = f"/agreements/{held.id}/versions/1/paper"
    both = [(one, other) for one in ("ar", "en", "fr") for other in ("ar", "en", "fr")]
    asked = [(*languages, form) for languages in both for form in ("pdf", "docx")]
    statuses = [
        cast.observer.api.get(path, language=one, beside=other, form=form).status_code
        for one, other, form in asked
    ]
    assert statuses == [202] * 8 + [503] * 10
    busy = seen(
        cast.observer.browser(), page_of(held, "versions/1/paper/") + "?language=fr&beside=ar&form=docx", 503
    )
    assert "Several long texts are being printed already." in busy.text


def test_a_draft_that_changed_before_it_was_printed_is_not_printed_as_another(
    cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "LONG", 10)
    held = drafted(cast, south)
    path = f"/agreements/{held.id}/draft/paper"
    job = cast.officer.api.get(path).json()["job"]
    held.refresh_from_db()
    actions.edit_draft(cast.officer.actor, held, parse(held.draft.encode()), edition=held.draft_edition)
    held.refresh_from_db()
    changed = replace(parse(held.draft.encode()), notice_days=77)
    actions.edit_draft(cast.officer.actor, held, changed, edition=held.draft_edition)
    with pytest.raises(LookupError), override("en"):
        printing._set(printing.PrintOrder.read(Job.objects.get(id=job).subject_id))


def test_a_paper_says_who_ratifies_who_may_accede_and_how_one_leaves(node: object) -> None:
    south, west = partner(nation="XS"), partner(nation="XW")
    text = document(south, west, accession="by-invitation", notice_days=30)
    ratified = tuple(replace(each, ratifies=each.node == west.node) for each in text.parties)
    said = dict(general_provisions(parse(write(replace(text, parties=ratified)))))
    assert said["Ratification"].startswith(
        "The signature of these parties counts once they have ratified it: "
    )
    assert "bound once the depositary has countersigned" in said["Accession"]
    assert said["Leaving"].startswith("Any party but the depositary may leave alone")
    assert "takes effect after 30 days" in said["Termination"]
    closed = dict(general_provisions(document(south)))
    assert "Ratification" not in closed
    assert "Leaving" not in closed
    assert closed["Accession"] == "No other party may accede to it."
