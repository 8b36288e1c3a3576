"""Pages of agreements: who may open and take which step, what is said before it, and what it brings about."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.agreements.views.lists import AGREEMENTS
from taawun.cooperation.partners.models import Partner
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    partner,
    some_id,
)
from tests.cooperation.agreements.viewing import LIST, countered, drafted, page_of, seen, south
from tests.pages import judge_all, read

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")

READERS = ("administrator", "analyst", "officer", "other_officer", "observer", "trainee")
OFFICERS = ("officer", "other_officer")


# ---- who may ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", READERS)
def test_everybody_with_a_role_reads_agreements(cast: Cast, south: PartnerNode, who: str) -> None:
    held = agreement_in_force(south)
    client = dict(cast)[who].browser()
    for path in (LIST, page_of(held), page_of(held, "versions/1/")):
        assert client.get(path).status_code == 200, path


def test_a_person_without_a_role_reads_none(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    client = cast.stranger.browser()
    for path in (LIST, page_of(held), page_of(held, "versions/1/"), page_of(held, "compare/")):
        assert client.get(path).status_code == 403, path


def test_nobody_in_particular_is_led_to_the_sign_in(south: PartnerNode) -> None:
    held = agreement_in_force(south)
    assert Client().get(page_of(held))["Location"].startswith("/en/account/login/")


STEPS = (
    "edit/",
    "propose/",
    "counter/",
    "adopt/76997f6a-9cd6-4e10-914d-84a9c7a7489a/",
    "decline/",
    "turn-down/76997f6a-9cd6-4e10-914d-84a9c7a7489a/",
    "discard/",
    "suspend/",
    "resume/",
    "terminate/",
    "versions/1/approve/",
)


@pytest.mark.parametrize("who", ["administrator", "analyst", "observer", "trainee", "stranger"])
@pytest.mark.parametrize("step", STEPS)
def test_only_officers_take_steps(cast: Cast, south: PartnerNode, who: str, step: str) -> None:
    held = agreement_in_force(south)
    before = Entry.objects.count()
    client = dict(cast)[who].browser()
    assert client.get(page_of(held, step)).status_code == 403
    assert client.post(page_of(held, step), {"note": "x", "digest": "x"}).status_code == 403
    assert Entry.objects.count() == before
    assert standing_of(held).state == State.IN_FORCE


@pytest.mark.parametrize("who", ["administrator", "analyst", "observer", "trainee", "stranger"])
def test_only_officers_begin_an_agreement(cast: Cast, south: PartnerNode, who: str) -> None:
    client = dict(cast)[who].browser()
    assert client.get(f"{LIST}new/").status_code == 403
    assert client.post(f"{LIST}new/", new_form(south)).status_code == 403
    assert not Agreement.objects.exists()


@pytest.mark.parametrize("step", ["", *STEPS, "compare/", "versions/1/"])
def test_an_unknown_agreement_is_not_found(cast: Cast, step: str) -> None:
    assert cast.officer.browser().get(f"{LIST}{some_id()}/{step}").status_code == 404


# ---- the list ---------------------------------------------------------------------------------------------------
def codes_in(client: Client, query: str = "") -> list[str]:
    shown = seen(client, f"{LIST}{query}")
    return [word.strip(",") for word in shown.text.split() if word.startswith("AG-")]


def test_the_list_is_searched_and_filtered_by_its_address(cast: Cast, south: PartnerNode) -> None:
    west = partner("Western CERT", nation="XW")
    agreement_in_force(south)  # AG-001
    agreement_proposed(west, title=Text.of(en="Early warning", ar="الإنذار المبكر"))  # AG-002
    drafted(cast, west)  # AG-003
    client = cast.officer.browser()
    assert codes_in(client) == ["AG-003", "AG-002", "AG-001"]
    assert codes_in(client, "?q=southern") == ["AG-001"]
    assert codes_in(client, "?q=إنذار") == ["AG-002"]
    assert codes_in(client, "?q=ag-003") == ["AG-003"]
    assert codes_in(client, "?state=in-force") == ["AG-001"]
    assert codes_in(client, "?state=draft") == ["AG-003"]
    assert codes_in(client, "?state=waiting") == ["AG-003", "AG-002"]
    assert codes_in(client, "?state=waiting&q=warning") == ["AG-002"]
    assert codes_in(client, "?state=terminated") == []
    assert codes_in(client, "?state=nonsense") == ["AG-003", "AG-002", "AG-001"]
    assert codes_in(client, "?after=3") == ["AG-002", "AG-001"]
    assert client.get(f"{LIST}?after=nonsense")["Location"] == LIST
    assert codes_in(client, "?sort=number") == ["AG-001", "AG-002", "AG-003"]
    assert codes_in(client, "?sort=number&after=1") == ["AG-002", "AG-003"]


def test_the_list_is_turned_back_and_chosen_from(
    cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [drafted(cast, south) for _at in range(3)]
    lists = "taawun.cooperation.agreements.views.lists.AGREEMENTS"
    monkeypatch.setattr(lists, dataclasses.replace(AGREEMENTS, limit=1))
    client = cast.officer.browser()
    assert codes_in(client, "?before=1") == ["AG-002"]
    assert codes_in(client, "?before=2") == ["AG-003"]
    assert codes_in(client, "?before=2&sort=number") == ["AG-001"]
    assert codes_in(client, "?before=3&sort=number") == ["AG-002"]
    chosen = client.get(f"{LIST}?format=json&chosen={held[1].id}&chosen=nonsense")
    assert [each["code"] for each in json.loads(b"".join(chosen))] == ["AG-002"]


def test_what_waits_is_what_this_person_can_do_something_about(cast: Cast, south: PartnerNode) -> None:
    agreement_proposed(south)
    assert codes_in(cast.officer.browser(), "?state=waiting") == ["AG-001"]
    assert codes_in(cast.analyst.browser(), "?state=waiting") == []


def test_the_list_leaves_as_json_and_csv_with_its_filters(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    drafted(cast, south)
    client = cast.observer.browser()
    got = b"".join(client.get(f"{LIST}?format=json&state=in-force").streaming_content)  # type: ignore[attr-defined]  # a streaming answer
    (row,) = json.loads(got)
    assert (row["id"], row["state"], row["version"]) == (str(held.id), "in-force", 1)
    assert row["parties"] == [settings.BASE_URL, south.node]
    text = b"".join(client.get(f"{LIST}?format=csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # a streaming answer
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["code"], row["state"], row["title"]) for row in rows] == [
        ("AG-002", "draft", "Sharing agreement"),
        ("AG-001", "in-force", "Sharing agreement"),
    ]


def test_an_empty_list_says_what_to_do_first_to_who_may_do_it(cast: Cast) -> None:
    assert seen(cast.officer.browser(), LIST).all("a", href="/en/agreements/new/")
    assert not seen(cast.analyst.browser(), LIST).all("a", href="/en/agreements/new/")


# ---- beginning one ----------------------------------------------------------------------------------------------
def new_form(other: PartnerNode, **changes: object) -> dict[str, object]:
    return {
        "partner": str(other.row.id),
        "template": "threat-sharing",
        "valid_from": "2026-12-01",
        "last_day": "2028-11-30",
        **changes,
    }


def test_an_agreement_begins_from_a_template_and_goes_on_in_the_editor(
    cast: Cast, south: PartnerNode
) -> None:
    client = cast.officer.browser()
    seen(client, f"{LIST}new/")
    answer = client.post(f"{LIST}new/", new_form(south))
    begun = Agreement.objects.get()
    assert answer["Location"] == page_of(begun, "edit/")
    text = parse(begun.draft.encode())
    assert text.valid_from == datetime(2026, 12, 1, tzinfo=UTC)
    assert text.valid_until == datetime(2028, 12, 1, tzinfo=UTC)
    assert [party.node for party in text.parties] == [settings.BASE_URL, south.node]
    assert Entry.objects.filter(verb="agreements.drafted").count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"partner": []}, "Choose at least one partner."),
        ({"partner": str(some_id())}, "is not one of the available choices."),
        ({"template": "treaty"}, "treaty is not one of the available choices."),
        ({"valid_from": "soon"}, "Enter a valid date."),
        ({"last_day": "2026-11-30"}, "The last day lies before the first. Choose a later one."),
    ],
)
def test_a_mistake_in_the_first_form_is_told_beside_its_field(
    cast: Cast, south: PartnerNode, changes: dict[str, object], sentence: str
) -> None:
    shown = read(cast.officer.browser().post(f"{LIST}new/", new_form(south, **changes)), 422)
    assert sentence in shown.text
    assert not Agreement.objects.exists()


def test_a_blocked_partner_cannot_be_chosen_and_one_can_be_named_in_the_address(
    cast: Cast, south: PartnerNode
) -> None:
    west = partner("Western CERT", nation="XW", state=Partner.State.BLOCKED)
    shown = seen(cast.officer.browser(), f"{LIST}new/?partner={south.row.id}")
    assert shown.all("input", name="partner", value=str(south.row.id), checked="")
    assert not shown.all("input", name="partner", value=str(west.row.id))


def test_without_a_partner_there_is_nothing_to_draft(cast: Cast) -> None:
    assert "No partner has answered yet" in seen(cast.officer.browser(), f"{LIST}new/").text


# ---- one agreement ----------------------------------------------------------------------------------------------
def test_the_page_of_a_draft_says_that_nobody_sees_it(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    shown = seen(cast.officer.browser(), page_of(held))
    assert "This is a draft. Nobody else sees it until it is proposed." in shown.text
    assert shown.all("a", href=page_of(held, "propose/"))
    assert not seen(cast.analyst.browser(), page_of(held)).all("a", href=page_of(held, "propose/"))


def test_a_proposal_says_whose_signatures_it_waits_for(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south, depositary=south)
    shown = seen(cast.officer.browser(), page_of(held))
    assert "Version 1 waits for our signature. No approval yet; 2 are needed." in shown.text
    assert "Version 1 waits for the signature of Southern CERT ." in shown.text
    assert shown.all("a", href=page_of(held, "versions/1/approve/"))
    assert shown.all("a", href=page_of(held, "decline/"))
    assert shown.all("a", href=page_of(held, "edit/"))


def test_who_approved_is_not_asked_again_and_the_other_is(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    actions.approve(cast.officer.actor, held, held.versions.get().digest)
    approve = page_of(held, "versions/1/approve/")
    assert not seen(cast.officer.browser(), page_of(held)).all("a", href=approve)
    shown = seen(cast.other_officer.browser(), page_of(held))
    assert shown.all("a", href=approve)
    assert "1 of 2 approvals" in shown.text
    assert "Approved by Officer" in shown.text


def test_a_party_that_is_not_compared_is_pointed_out_and_nothing_can_be_approved(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_proposed(south)
    Partner.objects.update(state=Partner.State.MET)
    shown = seen(cast.officer.browser(), page_of(held))
    assert "Its fingerprint has not been compared yet; it receives nothing until it is." in shown.text
    assert not shown.all("a", href=page_of(held, "versions/1/approve/"))


def test_the_version_in_force_is_shown_while_the_next_one_waits(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    in_force = standing_of(held).current
    assert in_force is not None
    following = replace(in_force, clauses=(clause(title=Text.of(en="Wider than before"), tlp_max=Tlp.RED),))
    held = actions.edit_draft(cast.officer.actor, held, following, edition=held.draft_edition)
    actions.propose(cast.officer.actor, held, edition=held.draft_edition)
    shown = seen(cast.other_officer.browser(), page_of(held))
    # it stands among what changed, and not among the clauses that hold
    assert "Wider than before" not in shown.text.partition("What changed")[0]
    assert "Wider than before" not in shown.text.partition("In plain words")[2]
    assert (
        "Version 2 waits for our signature. No approval yet; 2 are needed. See what it changes" in shown.text
    )
    assert shown.all("a", href=page_of(held, "compare/") + "?old=v1&new=v2")


def test_titles_and_notes_are_escaped(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south, title=Text.of(en="<script>alert(1)</script>"))
    actions.suspend(cast.officer.actor, held, "<script>alert(2)</script>")
    client = cast.officer.browser()
    for path in (LIST, page_of(held), page_of(held, "versions/1/"), page_of(held, "terminate/")):
        shown = client.get(path).content.decode()
        assert "<script>alert" not in shown, path


# ---- versions and comparing -------------------------------------------------------------------------------------
def test_a_version_shows_the_exact_text_and_gives_it_as_a_file(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    version = held.versions.get()
    client = cast.analyst.browser()
    shown = seen(client, page_of(held, "versions/1/"))
    assert bytes(version.text).decode() in shown.text
    assert version.digest in client.get(page_of(held, "versions/1/")).content.decode()
    given = client.get(page_of(held, "versions/1/?format=json"))
    assert given.content == bytes(version.text)
    assert "attachment" in given["Content-Disposition"]
    assert client.get(page_of(held, "versions/2/")).status_code == 404


def test_an_agreement_says_by_what_both_sides_call_it_on_the_telephone(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_proposed(south)
    shown = seen(cast.observer.browser(), page_of(held)).text
    assert f"digest {held.versions.get().digest[:6]}" in shown
    assert f"{held.code} is this node’s own number for it, and others have another; " in shown
    assert "the digest is the same at every party." in shown
    # nobody else has a draft
    assert "own number" not in seen(cast.officer.browser(), page_of(drafted(cast, south))).text


def test_a_counter_proposal_is_compared_with_what_it_answers_and_can_be_adopted_by_the_depositary(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_proposed(south)
    instrument = countered(held, south)
    client = cast.officer.browser()
    assert "Southern CERT made a counter-proposal. See what it changes" in seen(client, page_of(held)).text
    compare = page_of(held, "compare/") + f"?old=v1&new=c{instrument.id}"
    shown = seen(client, compare)
    assert "Notice" in shown.text
    assert "30 days" in shown.text
    adopt = page_of(held, f"adopt/{instrument.id}/")
    assert shown.all("a", href=adopt)
    assert not seen(cast.analyst.browser(), compare).all("a", href=adopt)


def test_while_a_counter_proposal_waits_the_main_step_is_to_answer_it(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    client = cast.officer.browser()

    def main_steps() -> list[str]:
        return [link["href"] for link in seen(client, page_of(held)).all("a", **{"class": "button primary"})]

    approve = page_of(held, "versions/1/approve/")
    assert main_steps() == [approve]
    instrument = countered(held, south)
    assert main_steps() == [page_of(held, "compare/") + f"?old=v1&new=c{instrument.id}"]
    assert seen(client, page_of(held)).all("a", href=approve)
    client.post(page_of(held, f"adopt/{instrument.id}/"))
    assert main_steps() == [page_of(held, "propose/")]


def test_one_text_alone_is_not_compared(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    assert cast.analyst.browser().get(page_of(held, "compare/"))["Location"] == page_of(held)


def test_a_text_that_is_not_there_is_not_compared(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    countered(held, south)
    assert cast.analyst.browser().get(page_of(held, "compare/?old=v9")).status_code == 404


def test_the_draft_is_compared_only_for_those_who_write_it(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    in_force = standing_of(held).current
    assert in_force is not None
    actions.edit_draft(
        cast.officer.actor, held, replace(in_force, notice_days=77), edition=held.draft_edition
    )
    path = page_of(held, "compare/?old=v1&new=draft")
    assert "77 days" in seen(cast.officer.browser(), path).text
    assert cast.analyst.browser().get(path).status_code in {302, 404}


# ---- in a browser -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("language", "width", "theme"), [("ar", 360, "dark"), ("en", 1440, "light")])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    cast: Cast, south: PartnerNode, visit: Callable[..., Page], language: str, width: int, theme: str
) -> None:
    held = agreement_proposed(south)
    instrument = countered(held, south)
    in_force = agreement_in_force(south)
    draft = drafted(cast, south)
    paths = [
        "",
        "new/",
        f"{held.id}/",
        f"{held.id}/versions/1/",
        f"{held.id}/versions/1/approve/",
        f"{held.id}/compare/?old=v1&new=c{instrument.id}",
        f"{in_force.id}/",
        f"{in_force.id}/terminate/",
        f"{draft.id}/",
        f"{draft.id}/edit/",
        f"{draft.id}/propose/",
    ]
    told = [f"/{language}/agreements/{path}" for path in paths]
    assert judge_all(visit, told, cast.officer, width=width, theme=theme) == []
