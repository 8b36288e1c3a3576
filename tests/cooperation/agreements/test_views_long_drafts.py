"""Editing a text of many clauses or many parties on pages: a part at a time, and nothing of the rest is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings
from django.test import Client

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import Clause, Document, Party, parse
from taawun.cooperation.agreements.models import Agreement
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, PartnerNode, clause, document, partner
from tests.cooperation.agreements.viewing import drafted, edit_form, page_of, seen, south
from tests.pages import Markup, read

__all__ = ["south"]

# every page is opened, and every form sent, on both databases by test_every_address.py and test_marked_content.py; what
# a form does is asked of them by test_actions.py: what is read here is words, fields and where they lead
pytestmark = [pytest.mark.usefixtures("pages"), pytest.mark.any_database]


def many(count: int) -> tuple[Clause, ...]:
    return tuple(clause(str(number)) for number in range(1, count + 1))


def saved() -> Document:
    return parse(Agreement.objects.get().draft.encode())


def refs() -> list[str]:
    return [each.ref for each in saved().clauses]


def parts_of(shown: Markup) -> list[str]:
    """The parts of the text that the page leads to, as its buttons name them."""
    return [has["value"] for has in shown.all("button", name="do") if has["value"].startswith("go-")]


def sent(client: Client, held: Agreement, first: int, changes: dict[str, object], status: int) -> Markup:
    """The page from a clause on, filled in as it is shown and with these changes, sent."""
    form = edit_form(seen(client, page_of(held, f"edit/?first={first}")))
    return read(client.post(page_of(held, "edit/"), {**form, **changes}), status)


# ---- many clauses --------------------------------------------------------------------------------------------------
def test_the_longest_text_is_edited_a_part_at_a_time_and_keeps_the_rest(
    cast: Cast, south: PartnerNode
) -> None:
    before = document(south, clauses=many(499))
    held = actions.draft(cast.officer.actor, before)
    client = cast.officer.browser()
    shown = seen(client, page_of(held, "edit/?first=250"))
    assert "499 clauses" in shown.text
    assert "241–260" in shown.text
    assert parts_of(shown) == [*(f"go-{first}" for first in range(0, 500, 20)), "go-260"]
    form = edit_form(shown)
    assert [form["c240-ref"], form["c259-ref"]] == ["241", "260"]
    assert "title_en" not in form
    answer = client.post(
        page_of(held, "edit/"),
        {**form, "c250-title_en": "Warnings", "c250-tlp_max": "TLP:RED", "do": "go-480"},
    )
    assert answer["Location"] == page_of(held, "edit/?first=480")
    changed = replace(before.clauses[250], title=Text.of(en="Warnings"), tlp_max=Tlp.RED)
    expected = (*before.clauses[:250], changed, *before.clauses[251:])
    assert saved().clauses == expected
    form = edit_form(read(client.post(page_of(held, "edit/"), {**opened(client, held, 480), "do": "add"})))
    assert form["c499-ref"] == "500"
    full = read(
        client.post(page_of(held, "edit/"), {**form, "do": "check", "c499-kinds": ["intel.report"]}), 422
    )
    assert not full.all("button", value="add")
    client.post(page_of(held, "edit/"), {**form, "c499-kinds": ["*"], "c499-title_en": "The last"})
    assert saved().clauses[:499] == expected
    assert saved().clauses[499].title == Text.of(en="The last")


def opened(client: Client, held: Agreement, first: int) -> dict[str, object]:
    return edit_form(seen(client, page_of(held, f"edit/?first={first}")))


def test_the_terms_go_with_the_first_clauses(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=many(21)))
    client = cast.officer.browser()
    changes = {**opened(client, held, 0), "title_en": "Many clauses", "c3-ref": "3.1", "do": "go-20"}
    assert client.post(page_of(held, "edit/"), changes).status_code == 302
    client.post(
        page_of(held, "edit/"), {**opened(client, held, 20), "title_en": "Not here", "c20-ref": "9.9"}
    )
    assert saved().title.by_language["en"] == "Many clauses"
    assert refs() == ["1", "2", "3", "3.1", *(str(each) for each in range(5, 21)), "9.9"]


def test_what_cannot_be_saved_stays_in_the_form_when_another_part_is_asked_for(
    cast: Cast, south: PartnerNode
) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=many(45)))
    before = held.draft
    client = cast.officer.browser()
    shown = sent(client, held, 20, {"c22-ref": "3", "c23-title_en": "Typed", "do": "go-40"}, 422)
    assert "There is a clause with this number already." in shown.text
    assert "This cannot be saved yet: Clause 23 Number :" in shown.text
    assert shown.all("input", name="c23-title_en", value="Typed")
    assert Agreement.objects.get().draft == before


@pytest.mark.parametrize(
    ("step", "order"),
    [
        ("up-20", ["19", "21", "20", "22"]),
        ("down-39", ["38", "39", "41", "40"]),
        ("remove-20", ["19", "20", "22", "23"]),
    ],
)
def test_a_clause_is_moved_over_the_edge_of_a_part(
    cast: Cast, south: PartnerNode, step: str, order: list[str]
) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=many(60)))
    client = cast.officer.browser()
    typed: dict[str, object] = {"c20-title_en": "Moved", "c39-title_en": "Moved too", "do": step}
    form = edit_form(sent(client, held, 20, typed, 200))
    assert client.post(page_of(held, "edit/"), {**form, "do": "save"}).status_code == 302
    found = refs()
    at = found.index(order[0])
    assert found[at : at + 4] == order
    assert len(found) == (59 if step.startswith("remove") else 60)
    titles = {each.ref: each.title.by_language["en"] for each in saved().clauses}
    assert titles["40"] == "Moved too"
    assert titles.get("21", "Moved") == "Moved"


def test_the_last_clauses_of_a_text_are_removed_with_their_part(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=many(21)))
    client = cast.officer.browser()
    form = {**opened(client, held, 20), "order": ""}
    assert client.post(page_of(held, "edit/"), form).status_code == 302
    assert refs() == [str(each) for each in range(1, 21)]
    assert opened(client, held, 20)["c0-ref"] == "1"


def test_a_part_is_never_saved_into_another_text(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=many(30)))
    client = cast.officer.browser()
    form = opened(client, held, 20)
    # nobody here edited: the text on the table is another one now
    Agreement.objects.update(draft=held.draft.replace('"ref":"5"', '"ref":"5.1"'))
    shown = read(client.post(page_of(held, "edit/"), {**form, "c20-title_en": "Typed"}), 409)
    assert "Somebody else edited the draft meanwhile. Load it again." in shown.text
    assert shown.all("input", name="c20-title_en", value="Typed")
    # nor does sending the same page again save it
    assert client.post(page_of(held, "edit/"), edit_form(shown)).status_code == 409
    assert refs()[4] == "5.1"


@pytest.mark.parametrize(
    "place", [{"first": "-1", "end": "x"}, {"first": "9999", "end": "0"}, {"first": "²", "end": "99999"}]
)
def test_places_that_no_page_sent_break_nothing(
    cast: Cast, south: PartnerNode, place: dict[str, object]
) -> None:
    held = actions.draft(cast.officer.actor, document(south, clauses=many(30)))
    client = cast.officer.browser()
    answer = client.post(page_of(held, "edit/"), {**opened(client, held, 20), **place, "do": "check"})
    assert answer.status_code in {200, 422}
    assert client.get(page_of(held, "edit/?first=²")).status_code == 200


# ---- chosen parties ------------------------------------------------------------------------------------------------
def test_a_clause_from_chosen_parties_to_another_is_written_by_boxes(cast: Cast, south: PartnerNode) -> None:
    east, west = partner("Eastern CERT", nation="XE"), partner("Western CERT", nation="XW")
    held = drafted(cast, south, east, west)
    client = cast.officer.browser()
    form = opened(client, held, 0)
    assert (form["c0-senders"], form["c0-receivers"]) == (["any"], ["any"])
    chosen = {"c0-senders": ["us", "xs"], "c0-receivers": ["xe"]}
    shown = read(client.post(page_of(held, "edit/"), {**form, **chosen, "do": "check"}))
    assert "Northern CERT and Southern CERT may send Eastern CERT" in shown.text
    client.post(page_of(held, "edit/"), {**edit_form(shown), "do": "save"})
    assert (saved().clauses[0].senders, saved().clauses[0].receivers) == (("us", "xs"), ("xe",))
    form = opened(client, held, 0)
    assert {name: form[name] for name in chosen} == chosen


@pytest.mark.parametrize(
    ("side", "sentence"),
    [
        (["any", "xs"], "“Every party” means all of them already."),
        ([], "Tick “every party”, or at least one of them."),
        (["nobody"], "nobody is not one of the available choices."),
    ],
)
def test_a_side_that_says_nothing_or_two_things_is_told(
    cast: Cast, south: PartnerNode, side: list[str], sentence: str
) -> None:
    held = drafted(cast, south, partner("Western CERT", nation="XW"))
    before = held.draft
    client = cast.officer.browser()
    shown = sent(client, held, 0, {"c0-senders": side}, 422)
    assert sentence in shown.text
    assert Agreement.objects.get().draft == before


def test_a_page_of_the_largest_agreement_is_no_more_than_a_browser_may_send(
    cast: Cast, south: PartnerNode
) -> None:
    text = document(south, clauses=many(36))
    guests = tuple(
        Party(f"g{number}", "guest", "", "xs", "XS", Text.of(en=f"Guest {number}"), "")
        for number in range(len(text.parties), 250)
    )
    held = actions.draft(cast.officer.actor, replace(text, parties=(*text.parties, *guests)))
    every = ["any", *(party.ref for party in saved().parties)]
    client = cast.officer.browser()
    form = opened(client, held, 0)
    assert form["order"] == "0"
    for order in ("0,36", "0,36,37"):
        shown = read(client.post(page_of(held, "edit/"), {**form, "do": "add"}))
        form = edit_form(shown)
        assert form["order"] == order
    assert not shown.all("button", value="add")
    keys = str(form["order"]).split(",")
    kinds = [has["value"] for has in shown.all("input", name="c0-kinds")]
    written: dict[str, object] = {"ratifies": ["us", "xs"], "do": "save"}
    for key in keys:
        written |= {f"c{key}-senders": every, f"c{key}-receivers": every, f"c{key}-kinds": kinds}
        written[f"c{key}-title_en"] = "Another"
    complete = {**form, **written}
    count = sum(len(each) if isinstance(each, list) else 1 for each in complete.values())
    assert count < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    assert client.post(page_of(held, "edit/"), complete).status_code == 422
    for key in keys:
        complete[f"c{key}-senders"] = complete[f"c{key}-receivers"] = every[1:]
    assert client.post(page_of(held, "edit/"), complete).status_code == 302
    assert [len(each.senders) for each in saved().clauses] == [250] * 3 + [1] * 35
