"""The steps of an agreement on its pages: asked first, with what they bring about, and refused with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.utils.translation import override

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import Paper, parse, write
from taawun.cooperation.agreements.models import Agreement, Approval, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.presenting import approvals_in_words
from taawun.cooperation.agreements.presenting.terms import term_day
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.models import Lane, Partner
from taawun.foundation.clock import now
from taawun.foundation.multilingual import Prose, Text
from taawun.platform.web import formats
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    document,
)
from tests.cooperation.agreements.viewing import countered, drafted, edit_form, page_of, seen, south
from tests.pages import read

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")


# ---- everything that is agreed stands before one's eyes -----------------------------------------------------------
@pytest.mark.parametrize("step", ["approve", "ratify", "accede", "propose"])
def test_who_approves_or_proposes_a_text_reads_the_whole_contract(
    cast: Cast, south: PartnerNode, step: str
) -> None:
    text = document(
        south,
        valid_from=datetime(2026, 10, 1, tzinfo=UTC),
        valid_until=datetime(2028, 1, 1, tzinfo=UTC),
        notice_days=45,
        accession="by-invitation",
        authentic_languages=("ar", "en"),
        prevailing="ar",
        preamble=Prose.of(en="To protect both."),
        instrument=Paper(Text.of(en="Convention on warning"), date(2026, 9, 9), "ab" * 32),
    )
    us, them = text.parties
    text = parse(write(replace(text, parties=(us, replace(them, ratifies=True)))))
    held = actions.draft(cast.officer.actor, text)
    if step != "propose":
        Version.objects.create(
            agreement=held, number=1, text=text.text, digest=text.digest, depositary=settings.BASE_URL
        )
        actions.changed()
        step = f"versions/1/{step}"
    shown = seen(cast.officer.browser(), page_of(held, f"{step}/")).text
    for words in (
        f"(2) Southern CERT , Nation XS, by its node {south.node} Key {south.key.kid[:8]}…",
        "In force from 1 October 2026",
        "Until 31 December 2027",
        "Enters into force once all its parties are bound",
        "Ratify Southern CERT",
        "Notice 45 days",
        "Accession by invitation",
        "Authentic in Arabic and English",
        "Prevailing language Arabic",
        "Depositary Northern CERT",
        "Annex of Convention on warning, 9 September 2026 abababab…",
        "To protect both.",
        "may send each other everything, up to TLP:AMBER .",
    ):
        assert words in shown


def test_a_text_with_no_prevailing_language_says_that_all_are_equal(cast: Cast, south: PartnerNode) -> None:
    held = actions.draft(cast.officer.actor, document(south, authentic_languages=("ar", "en"), prevailing=""))
    shown = seen(cast.officer.browser(), page_of(held, "propose/")).text
    assert "Prevailing language none: all are of equal weight" in shown


# ---- proposing, countering, adopting ----------------------------------------------------------------------------
def test_proposing_asks_first_and_then_tells_the_others(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    shown = seen(client, page_of(held, "propose/"))
    assert "Propose “Sharing agreement” to Southern CERT?" in shown.text
    assert not Version.objects.exists()
    assert client.post(page_of(held, "propose/"), edit_form(shown))["Location"] == page_of(held)
    assert standing_of(held).state == State.PROPOSED
    assert client.get(page_of(held, "propose/")).status_code == 302


def test_a_version_stays_in_force_only_where_one_is(cast: Cast, south: PartnerNode) -> None:
    stays = "The version in force stays in force until the new one is."
    for made, is_in_force in ((agreement_in_force, True), (agreement_proposed, False)):
        held = made(south)
        text = held.versions.get().document()
        actions.edit_draft(cast.officer.actor, held, replace(text, notice_days=5), edition=held.draft_edition)
        assert (stays in seen(cast.officer.browser(), page_of(held, "propose/")).text) is is_in_force


@pytest.mark.parametrize(
    ("given", "sentence"), [(1, "1 approbation sur 2."), (2, "2 approbations sur 2."), (0, "Aucune")]
)
def test_approvals_are_counted_in_french_by_how_many_were_given(
    cast: Cast, given: int, sentence: str
) -> None:
    with override("fr"):
        assert approvals_in_words(given).startswith(sentence)


def test_a_template_says_what_few_partners_make_of_its_signatures(cast: Cast, south: PartnerNode) -> None:
    shown = seen(cast.officer.browser(), "/en/agreements/new/").text
    assert "It enters into force when 3 parties have signed; among fewer, when all have." in shown


def test_who_cannot_add_a_partner_is_told_who_does(cast: Cast) -> None:
    shown = seen(cast.officer.browser(), "/en/agreements/new/")
    assert "An administrator of this node adds a partner first" in shown.text
    assert shown.all("a", href="/en/partners/new/") == []


def test_a_proposal_to_a_partner_that_is_blocked_is_refused_with_the_reason(
    cast: Cast, south: PartnerNode
) -> None:
    held = drafted(cast, south)
    Partner.objects.update(state=Partner.State.BLOCKED)
    shown = read(cast.officer.browser().post(page_of(held, "propose/"), {"edition": "1"}), 422)
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
    client.post(page_of(held, "counter/"), {**edit_form(shown), "note": "We need more time."})
    sent = PartyInstrument.objects.get()
    assert (sent.kind, sent.note) == ("countered", "We need more time.")
    assert parse(bytes(sent.suggestion or b"")).notice_days == 45
    assert client.get(page_of(held, "counter/")).status_code == 302


def test_adopting_a_counter_proposal_makes_it_our_draft(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    instrument = countered(held, south)
    client = cast.officer.browser()
    adopt = page_of(held, f"adopt/{instrument.id}/")
    asked = seen(client, adopt).text
    assert "Adopt this counter-proposal to “Sharing agreement”?" in asked
    assert "Southern CERT gives this reason: Thirty days, please." in asked
    assert "Notice none: termination takes effect at once 30 days" in asked
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
    over = formats.day(now() + timedelta(days=30))
    assert f"The notice is 30 days: the obligation ends on {over}. Until then" in shown.text
    assert "The agreement itself is over sooner" not in shown.text
    assert "What was received under clauses 1 and 3 has then to be deleted" in shown.text
    # as taawun.cooperation.federation.actions.letting_go does
    assert "Each node does so by itself a day after the end, and signs" in shown.text


def test_a_notice_that_the_end_of_the_agreement_overtakes_says_so(cast: Cast, south: PartnerNode) -> None:
    until = (now() + timedelta(days=10)).replace(hour=0, minute=0, second=0, microsecond=0)
    held = agreement_in_force(south, notice_days=30, valid_until=until)
    shown = seen(cast.officer.browser(), page_of(held, "terminate/")).text
    assert f"The agreement itself is over sooner, on {term_day(until, is_end=True)}." in shown


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
    assert "يتوقف البندان ١ و٢.١: لا يُرسل ولا يُدخَل شيء بموجبهما بعد ذلك." in arabic


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
