"""Ratifying, acceding, leaving and declaring on pages, and the words in which an agreement tells of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils.html import strip_tags
from django.utils.translation import override

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP
from taawun.cooperation.agreements.document import Narrowing, Party
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.presenting import (
    PartyCard,
    history,
    partners_of,
    party_cards,
    record_of,
    state_steps,
)
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.agreements.waiting import waiting_for
from taawun.foundation.clock import now, timestamp
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.components import Moment
from tests.cast import Cast, agreement_in_force, agreement_proposed, document, partner, sign_version
from tests.cooperation.federation.newcomers import accede
from tests.lanes import talk_lane
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")


def _page(client: Client, agreement: Agreement, language: str = "en") -> str:
    answer = client.get(f"/{language}/agreements/{agreement.id}/")
    # sound markup, in every language
    return read(answer).text + unescape(answer.content.decode())


def test_two_officers_ratify_on_the_page_and_it_says_that_it_waited(cast: Cast) -> None:
    south, west = partner(nation="XS"), partner(nation="XW")
    text = document(south, west, depositary=south)
    parties = tuple(replace(each, ratifies=each.ref == "us") for each in text.parties)
    agreement = agreement_in_force(south, west, depositary=south, parties=parties)
    first, second = cast.officer.browser(), cast.other_officer.browser()
    PartySignature.objects.filter(node=settings.BASE_URL).update(awaits_ratification=True)
    assert [each.what for each in waiting_for(cast.officer.actor)] == ["ratification"]
    assert "waits for ratification" in _page(first, agreement)
    address = f"/en/agreements/{agreement.id}/versions/1/ratify/"
    assert address in _page(first, agreement)
    assert "Ratify version 1" in unescape(first.get(address).content.decode())
    digest = Version.objects.get().digest
    assert first.post(address, {"digest": "0" * 64}).status_code == 422
    assert first.post(address, {"digest": digest}).status_code == 302
    assert standing_of(agreement).state == State.PROPOSED
    assert address not in _page(first, agreement)
    assert "Our ratification: 1 of 2 approvals." in _page(first, agreement)
    # who gave the first approval has nothing to press; the other one is told that it is done at once
    shown = read(first.get(address))
    assert "You have approved it already. It waits for somebody else." in shown.text
    assert "Yours is the second" not in shown.text
    assert not any("digest" in has.get("name", "") for has in shown.all("button"))
    assert shown.all("button", **{"class": "button primary"}) == []
    assert "Yours is the second approval: it is done at once." in read(second.get(address)).text
    assert second.post(address, {"digest": digest}).status_code == 302
    assert standing_of(agreement).state == State.IN_FORCE
    assert "waits for ratification" not in _page(first, agreement)
    assert waiting_for(cast.officer.actor) == []
    steps = [
        (str(each.label), each.when)
        for each in state_steps(record_of(agreement), standing_of(agreement), now())
    ]
    assert steps == [("Proposed", "done"), ("Signed", "done"), ("Ratified", "done"), ("In force", "now")]


def test_the_card_tells_approvals_of_the_signature_from_those_of_the_ratification(cast: Cast) -> None:
    south = partner("Southern CERT", nation="XS")
    text = document(south, depositary=south)
    parties = tuple(replace(each, ratifies=each.ref == "us") for each in text.parties)
    agreement = agreement_proposed(south, depositary=south, parties=parties)
    version = Version.objects.get()
    shown = read(cast.officer.browser().get(f"/en/agreements/{agreement.id}/versions/1/approve/")).text
    assert (
        "and those that ratify it have ratified, the nodes of the parties enforce every clause" not in shown
    )
    actions.approve(cast.officer.actor, agreement, version.digest)
    address = f"/en/agreements/{agreement.id}/versions/1/approve/"
    assert "It waits for somebody else." in read(cast.officer.browser().get(address)).text
    shown = read(cast.other_officer.browser().get(address)).text
    assert "and those that ratify it have ratified, the nodes of the parties enforce every clause" in shown
    actions.approve(cast.other_officer.actor, agreement, version.digest)
    sign_version(version, south.node, south.key)
    assert _card(agreement, settings.BASE_URL).word == "signed, not ratified yet"
    waits = state_steps(record_of(agreement), standing_of(agreement), now())
    assert [(str(each.label), each.when) for each in waits] == [
        ("Proposed", "done"),
        ("Signed", "now"),
        ("Ratified", "future"),
        ("In force", "future"),
    ]
    actions.ratify(cast.other_officer.actor, agreement, version.digest)
    assert _card(agreement, settings.BASE_URL).word == "Our ratification: 1 of 2 approvals"
    actions.ratify(cast.officer.actor, agreement, version.digest)
    card = _card(agreement, settings.BASE_URL)
    told = [(caption, strip_tags(names)) for caption, names in card.approvals]
    assert told == [
        ("Approved by", "Officer and Other officer"),
        ("Ratification approved by", "Other officer and Officer"),
    ]
    assert (card.word, [caption for caption, _at in card.dates]) == ("Signed", ["Signed on", "Ratified on"])


def test_a_party_that_acceded_is_shown_as_such_and_counted(cast: Cast) -> None:
    south, east = partner("Southern CERT", nation="XS"), partner("Eastern CERT", nation="XE")
    agreement = agreement_in_force(south, accession="by-invitation")
    accede(cast.officer.actor, agreement, east, "xe")
    card = _card(agreement, east.node)
    assert (card.badge, card.word, card.kid) == ("signed", "Acceded", east.key.kid)
    assert [caption for caption, _at in card.dates] == ["Acceded on"]
    signed = state_steps(record_of(agreement), standing_of(agreement), now())[1]
    assert "3 signatures" in str(signed.detail)
    page = _page(cast.officer.browser(), agreement)
    assert "not signed yet" not in page
    assert "In force: the nodes of the parties enforce every clause below." in page
    # what it said is told under the name that its invitation gave it
    titles = {str(each.title): strip_tags(str(each.detail)) for each in _history(agreement)}
    assert titles["Accession signed"] == "by xe"


def _card(agreement: Agreement, node: str) -> PartyCard:
    shown = standing_of(agreement).current
    assert shown is not None
    cards = party_cards(shown, record_of(agreement), partners_of(shown), may_add=False)
    return next(each for each in cards if each.node == node)


def _history(agreement: Agreement) -> list[Moment]:
    return history(record_of(agreement), standing_of(agreement), now())


@pytest.mark.parametrize(
    ("is_signed", "role", "sentences"),
    [
        (False, "officer", "cannot sign before it does. An administrator of this node adds it."),
        (True, "officer", "takes nothing from it. An administrator of this node adds it."),
        (False, "administrator", "cannot sign before it does. Add it as a partner."),
    ],
)
def test_a_party_that_is_no_partner_is_told_with_who_mends_it(
    cast: Cast, is_signed: bool, role: str, sentences: str
) -> None:
    south, west = partner(nation="XS"), partner(nation="XW")
    agreement = (agreement_in_force if is_signed else agreement_proposed)(south, west, depositary=south)
    west.row.delete()
    member = getattr(cast, role)
    assert sentences in _page(member.browser(), agreement)


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_page_tells_of_everything_that_was_signed(cast: Cast, language: str) -> None:
    south, west, east = partner(nation="XS"), partner(nation="XW"), partner(nation="XE")
    agreement = agreement_in_force(south, west, accession="by-invitation")
    officer = cast.officer.actor
    actions.declare(officer, agreement, [Narrowing("1", "gives", Tlp.GREEN, without=("xw",))], "")
    actions.declare(officer, agreement, [Narrowing("1", "takes")], "")
    entry = Party("xe", "node", "", "", "XE", Text.of(en="East"), "")
    actions.invite(officer, agreement, east.row, entry, "Welcome.")
    text = Version.objects.get().document()
    said = {
        "id": str(uuid4()),
        "kind": "left",
        "agreement": str(text.id),
        "digest": text.digest,
        "node": west.node,
        "at": timestamp(now()),
        "note": "",
        "to": [settings.BASE_URL],
    }
    lane = talk_lane(west)
    lane.say("agreement.declared", {"instrument": west.key.sign(canonical(said), INSTRUMENT_TYP)})
    assert lane.deliver()[-1] == ("done", "")
    page = _page(cast.officer.browser(), agreement, language)
    assert "Welcome." in page
    if language == "en":
        assert "under clause 1 it takes nothing." in page
        assert "Notice of leaving" in page


def _as_shown(client: Client, address: str, form: dict[str, str]) -> dict[str, str]:
    """The form with what the page said of it in words, as a browser sends it the second time."""
    (read_before,) = read(client.post(address, form)).all("input", name="read")
    return {**form, "read": read_before["value"]}


def test_a_declaration_is_shown_in_words_before_it_is_signed_and_nothing_closes_a_clause_by_default(
    cast: Cast,
) -> None:
    south = partner("Southern CERT")
    agreement = agreement_in_force(south)
    client, address = cast.officer.browser(), f"/en/agreements/{agreement.id}/declare/"
    untouched = {"clause": "1", "direction": "gives", "tlp_max": "", "note": ""}
    nothing = "Nothing is changed: choose a lower marking, a party to leave out, or close the clause."
    assert nothing in read(client.post(address, untouched), 422).text
    # the marking that the clause has is no lower one
    assert nothing in read(client.post(address, {**untouched, "tlp_max": "TLP:AMBER"}), 422).text
    both = {**untouched, "tlp_max": "TLP:GREEN", "closes": "on"}
    assert "has nothing left to narrow" in read(client.post(address, both), 422).text
    closing = {**untouched, "closes": "on"}
    shown = read(client.post(address, closing))
    assert "declared: under clause 1 it gives nothing.”" in shown.text
    assert not PartyInstrument.objects.exists()
    # what was changed after it was shown is shown again, not signed
    seen = _as_shown(client, address, closing)
    lower = {**seen, "closes": "", "tlp_max": "TLP:GREEN"}
    assert "under clause 1 it gives no more than TLP:GREEN" in read(client.post(address, lower)).text
    assert not PartyInstrument.objects.exists()
    assert client.post(address, seen).status_code == 302
    assert PartyInstrument.objects.get().said["narrows"] == [{"clause": "1", "direction": "gives"}]


def test_leaving_says_the_days_of_notice_and_the_day_on_which_the_obligation_ends(cast: Cast) -> None:
    south, west = partner(nation="XS"), partner(nation="XW")
    agreement = agreement_in_force(south, west, depositary=south, notice_days=180)
    shown = cast.officer.browser().get(f"/ar/agreements/{agreement.id}/leave/").content.decode()
    with override("ar"):
        over = formats.day(now() + timedelta(days=180))
    assert f"مهلة الإخطار ١٨٠ يومًا: ينتهي الالتزام في {over}." in shown


def test_leaving_declaring_and_lifting_are_asked_for(cast: Cast) -> None:
    south, west = partner(nation="XS"), partner(nation="XW")
    agreement = agreement_in_force(south, west, depositary=south)
    client, base = cast.officer.browser(), f"/en/agreements/{agreement.id}"
    form = {"clause": "1", "direction": "gives", "tlp_max": "TLP:GREEN", "note": ""}
    assert client.post(f"{base}/declare/", {**form, "tlp_max": "TLP:RED"}).status_code == 422
    assert client.post(f"{base}/declare/", {**form, "clause": "7"}).status_code == 422
    assert client.post(f"{base}/declare/", _as_shown(client, f"{base}/declare/", form)).status_code == 302
    declared = PartyInstrument.objects.get(kind="declared")
    assert f"{base}/lift/{declared.id}/" in _page(client, agreement)
    assert client.get(f"{base}/lift/{declared.id}/").status_code == 200
    assert client.post(f"{base}/lift/{declared.id}/", {"note": "Over."}).status_code == 302
    assert standing_of(agreement).declared == ()
    assert client.get(f"{base}/leave/").status_code == 200
    assert client.post(f"{base}/leave/", {"note": "A law."}).status_code == 302
    assert sorted(standing_of(agreement).signatories) == ["xs", "xw"]
    assert f"{base}/leave/" not in _page(client, agreement)
