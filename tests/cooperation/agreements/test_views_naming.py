"""What a draft names on pages of its own: the paper it is the annex of, its guests, and one party more or fewer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import Document, Paper, Party, parse
from taawun.cooperation.agreements.models import Agreement, Scan
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.platform.files.models import FileUse
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, document, partner
from tests.cooperation.agreements.viewing import drafted, edit_form, page_of, seen, south
from tests.pages import read

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")

SCAN = b"%PDF-1.7 a treaty" * 1000
PAPER = Paper(Text.of(en="Treaty of Friendship", ar="معاهدة صداقة"), date(2026, 10, 1), sha256(SCAN))
TYPED = {"title_en": "Treaty of Friendship", "title_ar": "معاهدة صداقة", "date": "2026-10-01"}


def file(content: bytes = SCAN, name: str = "treaty.pdf") -> BytesIO:
    held = BytesIO(content)
    held.name = name
    return held


def saved() -> Document:
    return parse(Agreement.objects.get().draft.encode())


def form_of(cast: Cast, held: Agreement, step: str) -> dict[str, object]:
    return {**edit_form(seen(cast.officer.browser(), page_of(held, step))), "do": "name"}


# ---- the paper --------------------------------------------------------------------------------------------------
def test_the_paper_is_named_by_its_scan_which_is_kept_at_once(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    answer = client.post(
        page_of(held, "edit/"),
        {**edit_form(seen(client, page_of(held, "edit/"))), "title_en": "Changed", "do": "paper"},
    )
    assert answer["Location"] == page_of(held, "draft/scan/")
    form = form_of(cast, held, "draft/scan/")
    answer = client.post(page_of(held, "draft/scan/"), {**form, **TYPED, "file": file()})
    assert answer["Location"] == page_of(held, "edit/")
    assert (saved().instrument, saved().title.by_language["en"]) == (PAPER, "Changed")
    assert Scan.objects.get().digest == PAPER.digest
    assert "Treaty of Friendship" in seen(client, page_of(held, "edit/")).text
    assert client.get(page_of(held, f"scan/{PAPER.digest}/")).getvalue() == SCAN


def test_who_reads_no_drafts_gets_no_scan_of_one(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, instrument=PAPER))
    actions.attach_scan(cast.officer.actor, held, [SCAN], "treaty.pdf")
    address = page_of(held, f"scan/{PAPER.digest}/")
    assert cast.officer.browser().get(address).getvalue() == SCAN
    assert cast.officer.api.get(f"/agreements/{held.id}/scan").content == SCAN
    assert cast.observer.browser().get(address).status_code == 404
    refused = cast.observer.api.get(f"/agreements/{held.id}/scan")
    assert refused.json()["type"] == "urn:taawun:problem:no-scan"


def test_a_digest_is_enough_where_no_scan_is_at_hand(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    form = form_of(cast, held, "draft/scan/")
    spaced = PAPER.digest.upper()[:32] + " " + PAPER.digest.upper()[32:]
    cast.officer.browser().post(page_of(held, "draft/scan/"), {**form, **TYPED, "digest": spaced})
    assert saved().instrument == PAPER
    assert not Scan.objects.exists()


@pytest.mark.parametrize("how", ["other", "remove", "discard"])
def test_a_scan_that_no_text_names_any_more_is_let_go(cast: Cast, south: PartnerNode, how: str) -> None:
    held = drafted(cast, south)
    client, page = cast.officer.browser(), page_of(held, "draft/scan/")
    client.post(page, {**form_of(cast, held, "draft/scan/"), **TYPED, "file": file()})
    form = form_of(cast, held, "draft/scan/")
    assert form["digest"] == PAPER.digest
    if how == "other":
        client.post(page, {**form, "file": file(b"another")})
        assert [each.digest for each in Scan.objects.all()] == [sha256(b"another")]
        assert FileUse.objects.count() == 1
        return
    if how == "remove":
        client.post(page, {**form, "do": "remove"})
        assert saved().instrument is None
    else:
        actions.discard_draft(cast.officer.actor, held, edition=Agreement.objects.get().draft_edition)
    assert not Scan.objects.exists()
    assert not FileUse.objects.exists()


def test_the_scan_of_what_is_in_force_stays_when_the_next_draft_names_none(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_in_force(south, instrument=PAPER)
    actions.attach_scan(cast.officer.actor, held, [SCAN], "treaty.pdf")
    form = form_of(cast, held, "draft/scan/")
    cast.officer.browser().post(page_of(held, "draft/scan/"), {**form, "do": "remove"})
    assert saved().instrument is None
    assert Scan.objects.get().digest == PAPER.digest


def test_the_scan_of_a_counter_proposal_stays_when_the_next_draft_names_none(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_in_force(south, depositary=south)
    client, page = cast.officer.browser(), page_of(held, "draft/scan/")
    client.post(page, {**form_of(cast, held, "draft/scan/"), **TYPED, "file": file()})
    text, edition = saved(), Agreement.objects.get().draft_edition
    actions.counter(cast.officer.actor, held, text, "With our treaty, please.", edition=edition)
    bare, edition = replace(text, instrument=None), Agreement.objects.get().draft_edition
    actions.edit_draft(cast.officer.actor, held, bare, edition=edition)
    assert Scan.objects.get().digest == PAPER.digest


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"title_en": "", "title_ar": ""}, "Write it in at least one language."),
        ({"date": ""}, "This field is required."),
        ({"digest": ""}, "Choose the scan, or write its digest."),
        ({"digest": "abc"}, "A SHA-256 has 64 hexadecimal digits. Choose the scan, or copy all of them."),
        ({"file": b""}, "This file is empty. Choose the scan itself."),
        ({"file": b"12345678901"}, "This file has more than 10"),
    ],
)
def test_a_paper_that_cannot_be_named_is_refused_beside_its_field(
    cast: Cast,
    south: PartnerNode,
    monkeypatch: pytest.MonkeyPatch,
    typed: dict[str, object],
    sentence: str,
) -> None:
    monkeypatch.setattr(actions, "MAX_SCAN_BYTES", 10)
    held = drafted(cast, south)
    form = {**form_of(cast, held, "draft/scan/"), **TYPED, "digest": PAPER.digest, **typed}
    if isinstance(content := form.get("file"), bytes):
        form["file"] = file(content)
    shown = read(cast.officer.browser().post(page_of(held, "draft/scan/"), form), 422)
    assert sentence in shown.text
    assert saved().instrument is None
    assert not FileUse.objects.exists()


def test_a_draft_that_somebody_edited_meanwhile_is_not_overwritten(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    form = form_of(cast, held, "draft/scan/")
    actions.edit_draft(cast.officer.actor, held, saved(), edition=1)
    shown = read(
        cast.officer.browser().post(page_of(held, "draft/scan/"), {**form, **TYPED, "file": file()}), 409
    )
    assert "Somebody else edited the draft meanwhile. Load it again." in shown.text
    assert not FileUse.objects.exists()


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_page_of_the_paper_is_whole_in_every_language(
    cast: Cast, south: PartnerNode, language: str
) -> None:
    held = actions.draft(cast.officer.actor, document(south, instrument=PAPER))
    answer = cast.officer.browser().get(f"/{language}/agreements/{held.id}/draft/scan/")
    assert read(answer).all("input", type="file")


# ---- the parties ------------------------------------------------------------------------------------------------
UNIVERSITY = Party("uni-1", "guest", "", "xs", "XS", Text.of(en="University", ar="الجامعة"), "")
GUEST = {
    "guest-name_en": "University",
    "guest-name_ar": "الجامعة",
    "guest-ref": "uni-١",
    "guest-nation": "xs",
    "guest-host": "xs",
    "do": "guest",
}


def test_a_guest_is_named_and_a_clause_can_speak_of_it_and_it_is_taken_out_again(
    cast: Cast, south: PartnerNode
) -> None:
    held = drafted(cast, south)
    client, page = cast.officer.browser(), page_of(held, "draft/parties/")
    answer = client.post(
        page_of(held, "edit/"), {**edit_form(seen(client, page_of(held, "edit/"))), "do": "parties"}
    )
    assert answer["Location"] == page
    assert client.post(page, {**form_of(cast, held, "draft/parties/"), **GUEST})["Location"] == page
    assert saved().parties[2:] == (UNIVERSITY,)
    form = edit_form(seen(client, page_of(held, "edit/")))
    client.post(page_of(held, "edit/"), {**form, "c0-receivers": ["uni-1"], "do": "save"})
    assert saved().clauses[0].receivers == ("uni-1",)
    form = form_of(cast, held, "draft/parties/")
    refused = read(client.post(page, {**form, "do": "remove-uni-1"}), 422)
    assert "These clauses name it: 1. Change them first." in refused.text
    form = edit_form(seen(client, page_of(held, "edit/")))
    client.post(page_of(held, "edit/"), {**form, "c0-receivers": ["any"], "do": "save"})
    client.post(page, {**form_of(cast, held, "draft/parties/"), "do": "remove-uni-1"})
    assert [each.ref for each in saved().parties] == ["us", "xs"]


def test_a_partner_is_named_by_its_nations_letters_and_taken_out_again(
    cast: Cast, south: PartnerNode
) -> None:
    west = partner("Western CERT", nation="XW")
    held = drafted(cast, south)
    client, page = cast.officer.browser(), page_of(held, "draft/parties/")
    form = form_of(cast, held, "draft/parties/")
    client.post(page, {**form, "node-partner": str(west.row.id), "do": "node"})
    assert saved().parties[2] == Party("XW", "node", west.node, "", "XW", west.row.name, west.key.kid)
    form = form_of(cast, held, "draft/parties/")
    again = {**form, "node-partner": str(west.row.id), "do": "node"}
    # the button pressed twice: there is nobody left to name
    refused = read(client.post(page, again), 422)
    assert "Every partner that has shown its key is a party already." in refused.text
    assert len(saved().parties) == 3
    client.post(page, {**form, "do": "remove-XW"})
    assert [each.ref for each in saved().parties] == ["us", "xs"]


def test_a_next_version_of_what_is_in_force_has_one_party_more(cast: Cast, south: PartnerNode) -> None:
    west = partner("Western CERT", nation="XS")
    held = agreement_in_force(south)
    form = form_of(cast, held, "draft/parties/")
    typed = {"node-partner": str(west.row.id), "node-ref": "west", "do": "node"}
    cast.officer.browser().post(page_of(held, "draft/parties/"), {**form, **typed})
    assert [(each.ref, each.node) for each in saved().parties[2:]] == [("west", west.node)]
    assert saved().version == 2


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"guest-name_en": "", "guest-name_ar": ""}, "Write it in at least one language."),
        ({"guest-ref": ""}, "This field is required."),
        ({"guest-ref": "a b"}, "Use Latin letters, digits, dots and hyphens"),
        ({"guest-ref": "any"}, "Another party has this short name. Choose another one."),
        ({"guest-ref": "xs"}, "Another party has this short name. Choose another one."),
        ({"guest-nation": "??"}, "This is no nation’s code. Write its two letters, or leave it empty."),
        ({"guest-host": "xq"}, "Select a valid choice. xq is not one of the available choices."),
        ({"do": "node", "node-partner": ""}, "This field is required."),
        ({"do": "node", "node-ref": "us"}, "Another party has this short name. Choose another one."),
        ({"do": "remove-us"}, "The depositary stays: it numbers the versions."),
        ({"do": "remove-xs"}, "It is the host of uni. Take out its guests first."),
        ({"do": "remove-xq"}, "This party is not in the draft any more. Load the page again."),
        ({"do": "rename"}, "This party is not in the draft any more. Load the page again."),
    ],
)
def test_parties_that_cannot_be_are_refused_beside_their_field_and_nothing_is_saved(
    cast: Cast, south: PartnerNode, typed: dict[str, object], sentence: str
) -> None:
    partner("Western CERT", nation="XW")
    base = document(south)
    held = actions.draft(
        cast.officer.actor, replace(base, parties=(*base.parties, replace(UNIVERSITY, ref="uni")))
    )
    before = Agreement.objects.get().draft
    form = {**form_of(cast, held, "draft/parties/"), **GUEST, **typed}
    shown = read(cast.officer.browser().post(page_of(held, "draft/parties/"), form), 422)
    assert sentence in shown.text
    assert Agreement.objects.get().draft == before


def test_the_last_other_node_stays_and_so_does_whom_clauses_name(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause(receivers=("xs",)),)))
    client, page = cast.officer.browser(), page_of(held, "draft/parties/")
    assert "An agreement needs at least two nodes." in seen(client, page).text
    form = form_of(cast, held, "draft/parties/")
    refused = read(client.post(page, {**form, "do": "remove-xs"}), 422)
    assert "An agreement needs at least two nodes." in refused.text


def test_parties_of_a_draft_that_was_edited_meanwhile_are_not_changed(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    form = form_of(cast, held, "draft/parties/")
    actions.edit_draft(cast.officer.actor, held, saved(), edition=1)
    shown = read(cast.officer.browser().post(page_of(held, "draft/parties/"), {**form, **GUEST}), 409)
    assert "Somebody else edited the draft meanwhile. Load it again." in shown.text
    assert shown.all("input", name="guest-name_en", value="University")


def test_a_party_too_many_for_the_clauses_is_a_mistake_in_the_form(cast: Cast, south: PartnerNode) -> None:
    clauses = tuple(clause(str(number)) for number in range(1, 401))
    base = document(south, clauses=clauses)
    guests = tuple(replace(UNIVERSITY, ref=f"uni-{number}") for number in range(2, 25))
    held = actions.draft(cast.officer.actor, replace(base, parties=(*base.parties, *guests)))
    form = {**form_of(cast, held, "draft/parties/"), **GUEST}
    shown = read(cast.officer.browser().post(page_of(held, "draft/parties/"), form), 422)
    assert "400 clauses for 26 parties are more than 10,000 rules" in shown.text
    assert shown.all("input", name="guest-name_en", value="University")
    assert len(saved().parties) == 25


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_page_of_the_parties_is_whole_in_every_language(
    cast: Cast, south: PartnerNode, language: str
) -> None:
    held = drafted(cast, south)
    answer = cast.officer.browser().get(f"/{language}/agreements/{held.id}/draft/parties/")
    assert read(answer).all("select", name="guest-host")
