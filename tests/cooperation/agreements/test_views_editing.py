"""The editor of a draft: every clause in a form, nothing typed is lost, nothing that is not the draft's to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils.translation import override
from playwright.sync_api import expect

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.presenting.differences import compare
from taawun.foundation.clock import now
from taawun.foundation.multilingual import Prose, Text
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.cast import (
    Cast,
    PartnerNode,
    clause,
    document,
    partner,
    some_id,
)
from tests.cooperation.agreements.viewing import LIST, drafted, edit_form, page_of, seen, south
from tests.pages import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

__all__ = ["south"]

# every page is opened, and every form sent, on both databases by test_every_address.py and test_marked_content.py; what
# a form does is asked of them by test_actions.py: what is read here is words, fields and where they lead
pytestmark = [pytest.mark.usefixtures("pages"), pytest.mark.any_database]


def test_what_the_editor_shows_is_the_document_it_saves(cast: Cast, south: PartnerNode) -> None:
    rich = (
        clause(
            "1.1",
            title=Text.of(en="Reports", ar="تقارير", fr="Rapports"),
            kinds=("intel.report", "learning.course"),
            topics=("attack:T1566", "attack:T1110"),
            retention_days=730,
            purpose=("defence", "research & more"),
            on_termination="keep",
            history="all",
            senders=("us",),
            receivers=("xs",),
            recognises=({"issuer": "x", "achievement": 'a "b"', "as": "y"},),
        ),
        clause("2", kinds=("*",), tlp_max=Tlp.RED),
    )
    text = document(
        south,
        clauses=rich,
        preamble=Prose.of(en="To protect both.\nOn equal terms.", ar="لحماية الطرفين."),
        prevailing="en",
        authentic_languages=("ar", "en"),
        valid_until=now() + timedelta(days=9),
    )
    held = actions.draft(cast.officer.actor, text)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    assert client.post(page_of(held, "edit/"), {**form, "do": "save"})["Location"] == page_of(held)
    saved = parse(Agreement.objects.get().draft.encode())
    assert replace(saved, text=b"", digest="") == replace(text, text=b"", digest="")


def test_changes_are_saved_with_their_edition(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    client.post(
        page_of(held, "edit/"),
        {
            **form,
            "title_en": "Mutual warning",
            "valid_from": "2027-01-01",
            "last_day": "2027-12-31",
            "c0-tlp_max": "TLP:GREEN",
            "c0-retention_days": "90",
            "c0-onward": "named",
            "c0-named": "https://East.example/\nhttps://west.example",
        },
    )
    saved = parse(Agreement.objects.get().draft.encode())
    assert saved.title.by_language["en"] == "Mutual warning"
    assert (saved.valid_from, saved.valid_until) == (
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2028, 1, 1, tzinfo=UTC),
    )
    changed = saved.clauses[0]
    assert (changed.tlp_max, changed.retention_days) == (Tlp.GREEN, 90)
    assert changed.onward.named == ("https://east.example", "https://west.example")
    assert Entry.objects.filter(verb="agreements.draft-edited").count() == 1


def test_a_preamble_has_paragraphs_as_a_browser_sends_them_in_every_language(
    cast: Cast, south: PartnerNode
) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    written = {
        "preamble_en": "The parties,\r\n\r\n  Recognising much;\r\nHave agreed:",
        "preamble_ar": "إنّ الطرفين" * 100,
    }
    client.post(page_of(held, "edit/"), {**form, **written, "authentic": ["ar", "en"], "prevailing": "ar"})
    saved = parse(Agreement.objects.get().draft.encode())
    assert saved.preamble == Prose.of(
        en="The parties,\nRecognising much;\nHave agreed:", ar="إنّ الطرفين" * 100
    )
    assert (saved.authentic_languages, saved.prevailing) == (("ar", "en"), "ar")
    shown = seen(client, page_of(held))
    assert "The parties, Recognising much; Have agreed:" in shown.text


def test_a_language_that_is_not_authentic_cannot_prevail(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    answer = client.post(page_of(held, "edit/"), {**form, "authentic": ["ar"], "prevailing": "en"})
    assert "Choose one of the authentic languages, or none." in read(answer, 422).text


def test_templates_are_read_before_one_is_chosen(cast: Cast, south: PartnerNode) -> None:
    shown = seen(cast.officer.browser(), f"{LIST}templates/")
    assert "Multilateral sharing in a community" in shown.text
    assert shown.all("a", href="/en/agreements/new/?template=drill")
    one = seen(cast.observer.browser(), f"{LIST}templates/training/")
    assert "may send each other courses and other learning resources, up to TLP:GREEN" in one.text
    assert not one.all("a", href="/en/agreements/new/?template=training")
    assert cast.observer.browser().get(f"{LIST}templates/friendship/").status_code == 404
    form = seen(cast.officer.browser(), f"{LIST}new/?template=drill&partner={south.row.id}")
    assert "checked" in form.all("input", name="template", value="drill")[0]
    assert "checked" in form.all("input", name="partner", value=str(south.row.id))[0]


def test_several_partners_are_drafted_with_at_once(cast: Cast, south: PartnerNode) -> None:
    east = partner("Eastern CERT", nation="XE")
    both = [str(south.row.id), str(east.row.id)]
    given = {"template": "community-sharing", "partner": both, "valid_from": "2027-01-01"}
    cast.officer.browser().post(f"{LIST}new/", given)
    saved = parse(Agreement.objects.get().draft.encode())
    assert {party.node for party in saved.parties[1:]} == {south.node, east.node}
    assert saved.accession == "by-invitation"


def test_an_edit_of_an_older_edition_stands_beside_what_is_saved_and_is_saved_when_sent_again(
    cast: Cast, south: PartnerNode
) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    client.post(page_of(held, "edit/"), {**form, "title_en": "First"})
    shown = read(client.post(page_of(held, "edit/"), {**form, "title_en": "Second"}), 409)
    assert f"{cast.officer.row.name} saved it on" in shown.text
    assert "First" in shown.text
    assert shown.all("input", name="title_en", value="Second")
    assert Agreement.objects.get().title.by_language["en"] == "First"
    assert client.post(page_of(held, "edit/"), edit_form(shown)).status_code == 302
    assert Agreement.objects.get().title.by_language["en"] == "Second"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title_en": "", "title_ar": "", "title_fr": ""}, "Write it in at least one language."),
        ({"title_en": "Mutual \u202egninraw"}, "This holds a control character"),
        ({"valid_from": ""}, "This field is required."),
        ({"last_day": "2020-01-01"}, "The last day lies before the first. Choose a later one."),
        ({"notice_days": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"c0-ref": "§ 1"}, "Use letters, digits, dots, dashes or underscores, for example 2.1."),
        ({"c0-ref": ""}, "This field is required."),
        ({"c0-title_en": ""}, "Write it in at least one language."),
        ({"c0-direction": "xs>nobody"}, "xs>nobody is not one of the available choices."),
        ({"c0-kinds": []}, "Choose what may flow; without a kind nothing ever could."),
        ({"c0-other_kinds": "Reports!"}, "“Reports!” is no kind; write one like learning.course."),
        ({"c0-topics": "phishing"}, "“phishing” is no topic; write one like attack:T1566."),
        ({"c0-tlp_max": "TLP:PINK"}, "TLP:PINK is not one of the available choices."),
        ({"c0-onward": "named"}, "Name the nodes, or choose another answer above."),
        (
            {"c0-onward": "named", "c0-named": "east"},
            "“east” is no address of a node; write one like https://cert.example.",
        ),
        ({"c0-retention_days": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"c0-purpose": "x" * 301}, "A purpose has at most 300 characters."),
        ({"c0-purpose": "\u202edefence"}, "This holds a control character"),
        ({"c0-recognises": "{"}, "What this clause recognises was changed on the way. Load the page again."),
        ({"order": ""}, "An agreement needs at least one clause."),
    ],
)
def test_each_mistake_in_the_editor_is_told_and_saves_nothing(
    cast: Cast, south: PartnerNode, changes: dict[str, object], sentence: str
) -> None:
    held = drafted(cast, south)
    before = held.draft
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    shown = read(client.post(page_of(held, "edit/"), {**form, **changes}), 422)
    assert sentence in shown.text
    assert Agreement.objects.get().draft == before


def test_two_clauses_with_one_number_are_told(cast: Cast, south: PartnerNode) -> None:
    text = document(south, clauses=(clause("1"), clause("2")))
    held = actions.draft(cast.officer.actor, text)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    shown = read(client.post(page_of(held, "edit/"), {**form, "c1-ref": "1"}), 422)
    assert "There is a clause with this number already." in shown.text


def test_a_number_typed_in_arabic_digits_is_the_same_number(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause("1"),)))
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    assert client.post(page_of(held, "edit/"), {**form, "c0-ref": "٢.١"}).status_code == 302
    assert [each.ref for each in parse(Agreement.objects.get().draft.encode()).clauses] == ["2.1"]


def test_all_that_is_wrong_with_a_draft_is_told_once_at_its_top_with_a_way_to_each_part_and_field(
    cast: Cast, south: PartnerNode
) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause("1"), clause("2"))))
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    wrong = {"valid_from": "", "min_signatories": "9", "c1-ref": "§"}
    shown = read(client.post(page_of(held, "edit/"), {**form, **wrong}), 422)
    assert shown.text.startswith("Error: Edit the draft")
    assert len(shown.all("div", role="alert")) == 1
    for words in (
        "This cannot be saved yet: The agreement In force from : This field is required.",
        "Who is bound, and who may join Parties it needs at least : Only 2 parties can sign",
        "Clause 2 Number : Use letters, digits,",
    ):
        assert words in shown.text
    ids = {has["id"] for _tag, has in shown.elements if "id" in has}
    summary = {"#agreement", "#id_valid_from", "#binding", "#id_min_signatories", "#c1", "#id_c1-ref"}
    assert summary <= {has["href"] for has in shown.all("a")}
    assert {link.removeprefix("#") for link in summary} <= ids


def test_a_draft_that_nothing_is_wrong_with_shows_no_error(cast: Cast, south: PartnerNode) -> None:
    shown = seen(cast.officer.browser(), page_of(drafted(cast, south), "edit/"))
    assert "Error:" not in shown.text
    assert not shown.all("div", role="alert")


def test_enter_saves_and_checking_says_that_nothing_is_saved(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    before = held.draft
    client = cast.officer.browser()
    shown = seen(client, page_of(held, "edit/"))
    # the first button of a form is the one that Enter presses
    assert next(has["value"] for has in shown.all("button", name="do")) == "save"
    typed = {**edit_form(shown), "title_en": "Mutual warning"}
    checked = read(client.post(page_of(held, "edit/"), {**typed, "do": "check"}))
    assert "Checked: nothing stands in the way. It is not saved yet." in checked.text
    assert Agreement.objects.get().draft == before
    assert client.post(page_of(held, "edit/"), {**typed, "do": "save"})["Location"] == page_of(held)
    assert Agreement.objects.get().title.by_language["en"] == "Mutual warning"


def test_the_top_of_a_draft_leads_to_each_of_its_parts(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause("1"), clause("2"))))
    shown = seen(cast.officer.browser(), page_of(held, "edit/"))
    links = ["agreement", "parties", "paper", "c0", "c1"]
    hrefs = [has["href"] for has in shown.all("a")]
    assert [link for link in links if f"#{link}" in hrefs] == links
    assert all(any(has.get("id") == link for _tag, has in shown.elements) for link in links)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [390, 1440])
def test_the_button_that_saves_is_always_in_sight_and_covers_nothing_that_is_come_to(
    cast: Cast, south: PartnerNode, visit: Callable[..., Page], width: int
) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause("1"), clause("2"))))
    page = visit(page_of(held, "edit/"), cast.officer, width=width)
    bar, cover = page.locator(".save-bar"), page.locator(".cover")
    save = bar.get_by_role("button")
    expect(save).to_be_in_viewport(ratio=1)
    for name in ("notice_days", "c0-retention_days", "c1-ref", "c1-retention_days"):
        page.locator(f"[name={name}]").focus()
        at, above, below = (each.bounding_box() for each in (page.locator(f"[name={name}]"), cover, bar))
        assert at
        assert above
        assert below
        assert above["y"] + above["height"] <= at["y"]
        assert at["y"] + at["height"] <= below["y"]
    expect(save).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("step", "order"),
    [
        ("add", "0,1,2,3"),
        ("remove-1", "0,2"),
        ("up-2", "0,2,1"),
        ("up-0", "0,1,2"),
        ("down-0", "1,0,2"),
        ("down-2", "0,1,2"),
    ],
)
def test_clauses_are_added_removed_and_moved_without_saving(
    cast: Cast, south: PartnerNode, step: str, order: str
) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause("1"), clause("2"), clause("3"))))
    before = held.draft
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    typed = {**form, "c0-title_en": "Half a sen", "c0-retention_days": "soon", "do": step}
    shown = read(client.post(page_of(held, "edit/"), typed))
    assert shown.all("input", name="order", value=order)
    assert shown.all("input", name="c0-title_en", value="Half a sen")
    assert shown.all("input", name="c0-retention_days", value="soon")
    assert "This field is required." not in shown.text
    assert Agreement.objects.get().draft == before


def test_an_added_clause_has_a_number_of_its_own_and_is_saved_in_its_place(
    cast: Cast, south: PartnerNode
) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause("1"), clause("3"))))
    client = cast.officer.browser()
    path = page_of(held, "edit/")
    form = edit_form(read(client.post(path, {**edit_form(seen(client, path)), "do": "add"})))
    assert form["c2-ref"] == "2"
    form = edit_form(read(client.post(path, {**form, "do": "up-2"})))
    client.post(path, {**form, "c2-title_en": "Sightings", "c2-kinds": ["intel.sighting"]})
    saved = parse(Agreement.objects.get().draft.encode())
    assert [each.ref for each in saved.clauses] == ["1", "2", "3"]
    assert saved.clauses[1].kinds == ("intel.sighting",)
    assert saved.clauses[1].tlp_max == Tlp.GREEN


def test_checking_says_what_the_clauses_say_and_saves_nothing(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    before = held.draft
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    changes = {"c0-kinds": ["intel.report"], "c0-direction": "us>xs", "do": "check"}
    shown = read(client.post(page_of(held, "edit/"), {**form, **changes}))
    assert "Northern CERT may send Southern CERT threat reports, up to TLP:AMBER ." in shown.text
    assert Agreement.objects.get().draft == before


@pytest.mark.parametrize("order", ["0,0,0", "x,0", "0,999999999", ",".join(map(str, range(1000)))])
def test_an_order_that_no_page_sent_breaks_nothing(cast: Cast, south: PartnerNode, order: str) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    answer = client.post(page_of(held, "edit/"), {**form, "order": order, "do": "check"})
    assert answer.status_code in {200, 422}


def test_the_parties_and_the_id_cannot_be_changed_by_the_form(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    client.post(page_of(held, "edit/"), {**form, "parties": "[]", "id": str(some_id()), "version": "9"})
    saved = parse(Agreement.objects.get().draft.encode())
    assert (saved.id, saved.version, len(saved.parties)) == (held.id, 1, 2)


# ---- who is bound, and who may join --------------------------------------------------------------------------------


def _bound(**changes: object) -> dict[str, object]:
    return {"begins": "all", "begins_with": "", "min_signatories": "2", "accession": "closed", **changes}


def test_who_is_bound_and_who_may_join_is_chosen_in_the_editor(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south, partner("Western CERT", nation="XW"))
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    chosen = _bound(
        begins="some", begins_with="3", min_signatories="3", ratifies=["us", "xs"], accession="by-invitation"
    )
    client.post(page_of(held, "edit/"), {**form, **chosen, "do": "save"})
    saved = parse(Agreement.objects.get().draft.encode())
    assert (saved.entry_into_force, saved.min_signatories, saved.accession) == (3, 3, "by-invitation")
    assert [party.ref for party in saved.parties if party.ratifies] == ["us", "xs"]
    shown = seen(client, page_of(held))
    assert "once all its parties are bound" in shown.text
    again = edit_form(seen(client, page_of(held, "edit/")))
    assert {name: again[name] for name in chosen} == chosen
    client.post(page_of(held, "edit/"), {**again, **_bound(begins="date", ratifies=[]), "do": "save"})
    saved = parse(Agreement.objects.get().draft.encode())
    assert (saved.entry_into_force, saved.min_signatories, saved.accession) == ("date", 2, "closed")
    assert not any(party.ratifies for party in saved.parties)
    assert "from its first day, once 2 parties are bound" in seen(client, page_of(held)).text


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (_bound(begins="some"), "Say how many parties must be bound."),
        (
            _bound(begins="some", begins_with="3"),
            "Only 2 parties can sign this agreement. Choose no more.",
        ),
        (_bound(min_signatories="3"), "Only 2 parties can sign this agreement. Choose no more."),
        (_bound(min_signatories="1"), "Ensure this value is greater than or equal to 2."),
        (_bound(begins="soon"), "Select a valid choice. soon is not one of the available choices."),
        (_bound(accession="open"), "Select a valid choice. open is not one of the available choices."),
        (_bound(ratifies=["xz"]), "Select a valid choice. xz is not one of the available choices."),
    ],
)
def test_what_cannot_bind_is_refused_beside_its_field_and_nothing_is_saved(
    cast: Cast, south: PartnerNode, chosen: dict[str, object], said: str
) -> None:
    held = drafted(cast, south)
    before = Agreement.objects.get().draft
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    shown = read(client.post(page_of(held, "edit/"), {**form, **chosen, "do": "save"}), 422)
    assert said in shown.text
    assert Agreement.objects.get().draft == before


def test_fewer_parties_than_it_needs_to_stay_in_force_cannot_begin_it(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south, partner("Western CERT", nation="XW"))
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    chosen = _bound(begins="some", begins_with="2", min_signatories="3")
    shown = read(client.post(page_of(held, "edit/"), {**form, **chosen, "do": "check"}), 422)
    assert "It needs at least 3 parties, as you say here. Choose that many or more." in shown.text


def test_numbers_that_stand_in_a_text_already_are_not_complained_about(
    cast: Cast, south: PartnerNode
) -> None:
    held = actions.draft(cast.officer.actor, document(south, entry_into_force=7, min_signatories=9))
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    assert client.post(page_of(held, "edit/"), {**form, "do": "save"})["Location"] == page_of(held)
    saved = parse(Agreement.objects.get().draft.encode())
    assert (saved.entry_into_force, saved.min_signatories) == (7, 9)


def test_what_was_chosen_there_stays_while_clauses_are_moved(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    chosen = _bound(begins="date", ratifies=["xs"], accession="by-invitation")
    again = edit_form(read(client.post(page_of(held, "edit/"), {**form, **chosen, "do": "add"})))
    assert {name: again[name] for name in chosen} == chosen


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_a_comparison_tells_who_is_bound_and_who_may_join_in_every_language(
    cast: Cast, south: PartnerNode, language: str
) -> None:
    west = partner("Western CERT", nation="XW")
    before = document(south, west)
    after = replace(
        before,
        parties=tuple(replace(each, ratifies=each.ref == "xs") for each in before.parties),
        entry_into_force=2,
        accession="by-invitation",
    )
    with override(language):
        sections = compare(before, after).sections
        changes = {each.label: (each.before, each.after) for each in sections[0].changes}
    assert len(sections) == 1
    assert len(changes) == 3
    if language == "en":
        assert changes == {
            "Accession": ("<del>closed</del>", "<ins>by invitation</ins>"),
            "Enters into force": (
                "<del>once all its parties are bound</del>",
                "<ins>once 2 parties are bound</ins>",
            ),
            "Ratify": ('<del><span class="quiet">none</span></del>', "<ins><bdi>Southern CERT</bdi></ins>"),
        }
