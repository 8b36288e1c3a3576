"""Pages of agreements: who may open and take which step, what is said before it, and what it brings about."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import parse, write
from taawun.cooperation.agreements.models import Agreement, Approval, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.models import Lane, Partner
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    document,
    partner,
    some_id,
)
from tests.pages import Markup, axe_violations, read

pytestmark = pytest.mark.usefixtures("pages")

LIST = "/en/agreements/"
READERS = ("administrator", "analyst", "officer", "other_officer", "observer", "trainee")
OFFICERS = ("officer", "other_officer")


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT")


def page_of(held: Agreement, step: str = "") -> str:
    return f"{LIST}{held.id}/{step}"


def seen(client: Client, path: str, status: int = 200) -> Markup:
    return read(client.get(path), status)


def drafted(cast: Cast, *others: PartnerNode) -> Agreement:
    return actions.draft(cast.officer.actor, document(*others))


def countered(held: Agreement, south: PartnerNode, note: str = "Thirty days, please.") -> PartyInstrument:
    """A counter-proposal as it would have been kept when it arrived."""
    about = held.versions.get()
    text = write(replace(about.document(), version=2, supersedes=about.digest, notice_days=30))
    actions.changed()
    return PartyInstrument.objects.create(
        id=uuid7(),
        lineage=held.id,
        kind=PartyInstrument.Kind.COUNTERED,
        node=south.node,
        digest=about.digest,
        note=note,
        suggestion=text,
        token="kept as it came",
        at=now(),
    )


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
    assert codes_in(client, "?after=nonsense") == ["AG-003", "AG-002", "AG-001"]


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
def new_form(other: PartnerNode, **changes: str) -> dict[str, str]:
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
        ({"partner": ""}, "This field is required."),
        ({"partner": str(some_id())}, "That choice is not one of the available choices."),
        ({"template": "treaty"}, "treaty is not one of the available choices."),
        ({"valid_from": "soon"}, "Enter a valid date."),
        ({"last_day": "2026-11-30"}, "The last day lies before the first. Choose a later one."),
    ],
)
def test_a_mistake_in_the_first_form_is_told_beside_its_field(
    cast: Cast, south: PartnerNode, changes: dict[str, str], sentence: str
) -> None:
    shown = read(cast.officer.browser().post(f"{LIST}new/", new_form(south, **changes)), 422)
    assert sentence in shown.text
    assert not Agreement.objects.exists()


def test_a_blocked_partner_cannot_be_chosen_and_one_can_be_named_in_the_address(
    cast: Cast, south: PartnerNode
) -> None:
    west = partner("Western CERT", nation="XW", state=Partner.State.BLOCKED)
    shown = seen(cast.officer.browser(), f"{LIST}new/?partner={south.row.id}")
    assert shown.all("option", value=str(south.row.id), selected="")
    assert not shown.all("option", value=str(west.row.id))


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
    actions.edit_draft(cast.officer.actor, held, following, edition=held.draft_edition)
    actions.propose(cast.officer.actor, held)
    shown = seen(cast.other_officer.browser(), page_of(held))
    assert "Wider than before" not in shown.text
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


# ---- proposing, countering, adopting ----------------------------------------------------------------------------
def test_proposing_asks_first_and_then_tells_the_others(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    shown = seen(client, page_of(held, "propose/"))
    assert "Propose “Sharing agreement” to Southern CERT?" in shown.text
    assert not Version.objects.exists()
    assert client.post(page_of(held, "propose/"))["Location"] == page_of(held)
    assert standing_of(held).state == State.PROPOSED
    assert client.get(page_of(held, "propose/")).status_code == 302


def test_a_proposal_to_a_partner_that_is_blocked_is_refused_with_the_reason(
    cast: Cast, south: PartnerNode
) -> None:
    held = drafted(cast, south)
    Partner.objects.update(state=Partner.State.BLOCKED)
    shown = read(cast.officer.browser().post(page_of(held, "propose/")), 422)
    assert f"{south.node} is not a partner with this key. Add it under Partners first." in shown.text
    assert not Version.objects.exists()


def test_a_counter_proposal_is_written_shown_and_sent(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south, depositary=south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    answer = client.post(page_of(held, "edit/"), {**form, "notice_days": "45", "do": "send"})
    assert answer["Location"] == page_of(held, "counter/")
    shown = seen(client, page_of(held, "counter/"))
    assert "Send this counter-proposal to Southern CERT?" in shown.text
    assert "45 days" in shown.text
    assert read(client.post(page_of(held, "counter/"), {"note": ""}), 422)
    assert not PartyInstrument.objects.exists()
    client.post(page_of(held, "counter/"), {"note": "We need more time."})
    sent = PartyInstrument.objects.get()
    assert (sent.kind, sent.note) == ("countered", "We need more time.")
    assert parse(bytes(sent.suggestion or b"")).notice_days == 45
    assert client.get(page_of(held, "counter/")).status_code == 302


def test_adopting_a_counter_proposal_makes_it_our_draft(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    instrument = countered(held, south)
    client = cast.officer.browser()
    adopt = page_of(held, f"adopt/{instrument.id}/")
    assert "Adopt this counter-proposal to “Sharing agreement”?" in seen(client, adopt).text
    assert client.post(adopt)["Location"] == page_of(held, "edit/")
    assert parse(Agreement.objects.get().draft.encode()).notice_days == 30
    assert "It replaces the draft that is being written here" in seen(client, adopt).text


def test_a_counter_proposal_to_another_agreement_is_not_found_here(cast: Cast, south: PartnerNode) -> None:
    held, other = agreement_proposed(south), agreement_proposed(south)
    instrument = countered(other, south)
    assert cast.officer.browser().get(page_of(held, f"adopt/{instrument.id}/")).status_code == 404


# ---- approving --------------------------------------------------------------------------------------------------
def test_two_officers_approve_the_text_they_read_and_the_node_signs(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south, depositary=south)
    digest = held.versions.get().digest
    path = page_of(held, "versions/1/approve/")
    first, second = cast.officer.browser(), cast.other_officer.browser()
    shown = seen(first, path)
    assert digest in shown.text
    assert "Southern CERT and Northern CERT may send each other everything, up to TLP:AMBER ." in shown.text
    assert shown.all("button", type="submit")[-1]
    assert "Approve version 1" in shown.text
    first.post(path, {"digest": digest})
    assert not PartySignature.objects.exists()
    assert "Approve and sign for Northern CERT" in seen(second, path).text
    second.post(path, {"digest": digest})
    assert PartySignature.objects.get().node == settings.BASE_URL
    assert Approval.objects.count() == 2


def test_approving_twice_is_refused(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    digest = held.versions.get().digest
    client = cast.officer.browser()
    client.post(page_of(held, "versions/1/approve/"), {"digest": digest})
    shown = read(client.post(page_of(held, "versions/1/approve/"), {"digest": digest}), 422)
    assert "You approved this version already. Another person has to approve it too." in shown.text


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_another_text_than_the_one_shown_is_not_approved(cast: Cast, south: PartnerNode, digest: str) -> None:
    held = agreement_proposed(south)
    shown = read(cast.officer.browser().post(page_of(held, "versions/1/approve/"), {"digest": digest}), 422)
    assert "There is no such version of this agreement." in shown.text
    assert not Approval.objects.exists()


def test_a_partner_that_is_not_compared_holds_the_approval_back_with_the_mend(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_proposed(south)
    Partner.objects.update(state=Partner.State.MET)
    digest = held.versions.get().digest
    shown = read(cast.officer.browser().post(page_of(held, "versions/1/approve/"), {"digest": digest}), 422)
    assert (
        f"The fingerprint of {south.node} has not been compared yet; compare it before you sign."
        in shown.text
    )
    assert not Approval.objects.exists()


# ---- declining, suspending, resuming, terminating ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "question", "state"),
    [
        ("suspend/", "Suspend “Sharing agreement”?", State.SUSPENDED),
        ("terminate/", "Terminate “Sharing agreement”?", State.TERMINATED),
    ],
)
def test_what_stops_an_agreement_names_its_effect_and_asks_why(
    cast: Cast, south: PartnerNode, step: str, question: str, state: State
) -> None:
    held = agreement_in_force(south)
    client = cast.officer.browser()
    assert question in seen(client, page_of(held, step)).text
    assert read(client.post(page_of(held, step), {"note": " "}), 422)
    assert standing_of(held).state == State.IN_FORCE
    client.post(page_of(held, step), {"note": "A review is due."})
    assert standing_of(held).state == state
    assert PartyInstrument.objects.get().note == "A review is due."
    assert "A review is due." in seen(client, page_of(held)).text


def test_terminating_tells_the_days_of_notice_and_what_must_be_deleted(
    cast: Cast, south: PartnerNode
) -> None:
    clauses = (clause("1"), clause("2", on_termination="keep"), clause("3"))
    held = agreement_in_force(south, notice_days=30, clauses=clauses)
    shown = seen(cast.officer.browser(), page_of(held, "terminate/"))
    assert "The agreement ends in 30 days, the notice it asks for" in shown.text
    assert "What was received under clauses 1 and 3 has then to be deleted" in shown.text


def test_what_stops_an_agreement_says_which_clauses_and_lanes_stop_and_what_is_kept(
    cast: Cast, south: PartnerNode
) -> None:
    clauses = (clause("1"), clause("2.1", on_termination="keep"))
    held = agreement_in_force(south, clauses=clauses)
    client = cast.officer.browser()
    shown = seen(client, page_of(held, "suspend/")).text
    assert "Clauses 1 and 2.1 stop: nothing more is sent or taken in under them." in shown
    assert "What was received before is kept at both sides" in shown
    assert "lane" not in shown
    lane = Lane.objects.create(purpose=Lane.Purpose.CLAUSE, agreement=held.id, clause="1")
    for step in ("suspend/", "terminate/"):
        shown = seen(client, page_of(held, step)).text
        assert "Its 1 lane stays readable, and carries withdrawals and receipts only." in shown
    assert lane.clause == "1"
    assert "What was received under clause 1 has then to be deleted" in shown
    assert "What was received under clause 2.1 may be kept" in shown
    arabic = client.get(f"/ar/agreements/{held.id}/terminate/").content.decode()
    assert "يتوقف البندان ١ و٢.١: لا يُرسل ولا يُستلم شيء بموجبهما بعد ذلك." in arabic


def test_no_approval_is_a_sentence_and_not_a_digit_that_looks_like_a_dot(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_proposed(south)
    for path in (page_of(held), page_of(held, "versions/1/approve/"), "/en/"):
        assert "٠ من" not in cast.officer.browser().get(path.replace("/en/", "/ar/")).content.decode()
        assert "No approval yet; 2 are needed." in seen(cast.officer.browser(), path).text


def test_a_purpose_keeps_its_languages_until_somebody_writes_it_anew(cast: Cast, south: PartnerNode) -> None:
    text = Text.of(en="defence", ar="الدفاع", fr="défense")
    held = actions.draft(cast.officer.actor, document(south, clauses=(clause(purpose=(text, "as typed")),)))
    client, page = cast.officer.browser(), f"/ar/agreements/{held.id}/edit/"
    shown = seen(client, page)
    assert shown.inside["c0-purpose"].strip() == "الدفاع\nas typed"
    client.post(page, edit_form(shown) | {"do": "save"})
    held.refresh_from_db()
    assert parse(held.draft.encode()).clauses[0].purpose == (text, "as typed")
    shown = seen(client, page)
    client.post(page, edit_form(shown) | {"do": "save", "c0-purpose": "دفاع آخر\nas typed"})
    held.refresh_from_db()
    assert parse(held.draft.encode()).clauses[0].purpose == ("دفاع آخر", "as typed")


def test_only_our_own_suspension_is_lifted(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    client = cast.officer.browser()
    shown = read(client.post(page_of(held, "resume/"), {"note": "On we go."}), 422)
    assert "This node has not suspended the agreement." in shown.text
    actions.suspend(cast.officer.actor, held, "A review.")
    assert seen(client, page_of(held)).all("a", href=page_of(held, "resume/"))
    client.post(page_of(held, "resume/"), {"note": "On we go."})
    assert standing_of(held).state == State.IN_FORCE


def test_declining_a_proposal_tells_why(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south, depositary=south)
    client = cast.officer.browser()
    client.post(page_of(held, "decline/"), {"note": "Not without deletion."})
    assert standing_of(held).state == State.DECLINED
    shown = seen(client, page_of(held))
    assert "Declined by Northern CERT on" in shown.text
    assert "Not without deletion." in shown.text


# ---- editing ----------------------------------------------------------------------------------------------------
def edit_form(shown: Markup) -> dict[str, object]:
    """What a browser would send for the form of the editor: each field with what it holds."""
    found: dict[str, object] = {}
    for element, has in shown.elements:
        name = has.get("name", "")
        if element != "input" or not name or has.get("type") in {"search", "submit"}:
            continue
        if has.get("type") in {"checkbox", "radio"}:
            if "checked" in has:
                found.setdefault(name, [])
                held = found[name]
                assert isinstance(held, list)
                held.append(has["value"])
            continue
        found[name] = has.get("value", "")
    return {**_chosen(shown), **_written(shown), **found}


def _chosen(shown: Markup) -> dict[str, object]:
    found: dict[str, object] = {}
    select = ""
    for element, has in shown.elements:
        if element == "select":
            select = has["name"]
        if element == "option" and "selected" in has:
            found[select] = has["value"]
    return found


def _written(shown: Markup) -> dict[str, object]:
    return {has["name"]: shown.inside.get(has["name"], "") for has in shown.all("textarea")}


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
        south, clauses=rich, preamble=Text.of(en="To protect both."), valid_until=now() + timedelta(days=9)
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


def test_an_edit_of_an_older_edition_is_refused_and_stays_typed(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    client.post(page_of(held, "edit/"), {**form, "title_en": "First"})
    shown = read(client.post(page_of(held, "edit/"), {**form, "title_en": "Second"}), 409)
    assert "Somebody else edited the draft meanwhile. Load it again." in shown.text
    assert shown.all("input", name="title_en", value="Second")
    assert Agreement.objects.get().title.by_language["en"] == "First"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title_en": "", "title_ar": "", "title_fr": ""}, "Write it in at least one language."),
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


def test_a_text_with_more_clauses_than_the_form_holds_is_not_cut(cast: Cast, south: PartnerNode) -> None:
    many = tuple(clause(str(number)) for number in range(1, 42))
    held = actions.draft(cast.officer.actor, document(south, clauses=many))
    before = held.draft
    client = cast.officer.browser()
    answer = client.get(page_of(held, "edit/"), follow=True)
    assert "more than 40 clauses" in read(answer).text
    assert client.post(page_of(held, "edit/"), {"order": "0", "edition": "1"}).status_code == 302
    assert Agreement.objects.get().draft == before


def test_the_parties_and_the_id_cannot_be_changed_by_the_form(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "edit/")))
    client.post(page_of(held, "edit/"), {**form, "parties": "[]", "id": str(some_id()), "version": "9"})
    saved = parse(Agreement.objects.get().draft.encode())
    assert (saved.id, saved.version, len(saved.parties)) == (held.id, 1, 2)


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
    for path in paths:
        shown = visit(f"/{language}/agreements/{path}", cast.officer, width=width, theme=theme)
        assert axe_violations(shown) == [], path
        assert shown.evaluate("document.documentElement.scrollWidth") <= width, path
