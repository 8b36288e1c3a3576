"""Inviting a node to accede, on the page and over the API: whom, as what, to which clauses, until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from taawun.cooperation.agreements.models import PartyInstrument
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.foundation.clock import now
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.agreements.viewing import edit_form, page_of, seen
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

ANY = ("any",)


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT", nation="XS")


@pytest.fixture
def east(cast: Cast) -> PartnerNode:
    return partner("Eastern CERT", nation="XE")


def _open_to_all(ref: str = "1") -> object:
    return clause(ref, senders=ANY, receivers=ANY, history="all")


def test_a_depositary_invites_from_the_page_and_the_newcomer_is_shown_everything(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    clauses = (_open_to_all("1"), clause("2", senders=("us",), receivers=("xs",)), _open_to_all("3"))
    held = agreement_in_force(south, accession="by-invitation", clauses=clauses)
    client = cast.officer.browser()
    assert page_of(held, "invite/") in [has["href"] for has in seen(client, page_of(held)).all("a")]
    shown = seen(client, page_of(held, "invite/"))
    form = edit_form(shown)
    # a clause that names its parties can be joined by nobody
    assert form["parts"] == ["1 gives", "1 takes", "3 gives", "3 takes"]
    assert [has["value"] for has in shown.all("option") if has.get("value")] == [str(east.row.id)]
    given = {**form, "partner": str(east.row.id), "ref": "xe", "parts": ["1 takes"], "note": "Welcome."}
    assert client.post(page_of(held, "invite/"), given)["Location"] == page_of(held)
    invited = standing_of(held).invitations[0]
    assert invited.invites is not None
    assert (invited.invites.node, invited.invites.ref, invited.invites.kid) == (east.node, "xe", east.row.kid)
    said = PartyInstrument.objects.get(kind="invited").said
    assert said["parts"] == [{"clause": "1", "directions": ["takes"]}]
    told = LaneEntry.objects.filter(lane__sender=None, lane__readers__partner=east.row)
    assert "agreement.evidence" in told.values_list("kind", flat=True)


def test_all_clauses_are_named_by_none(cast: Cast, south: PartnerNode, east: PartnerNode) -> None:
    held = agreement_in_force(south, accession="by-invitation", clauses=(_open_to_all(),))
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "invite/")))
    client.post(page_of(held, "invite/"), {**form, "partner": str(east.row.id), "ref": "xe"})
    assert "parts" not in PartyInstrument.objects.get(kind="invited").said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ref": "xs"}, "Another party has this short name. Choose another one."),
        ({"ref": "any"}, "Another party has this short name. Choose another one."),
        ({"ref": "شرق"}, "Use Latin letters, digits, dots and hyphens"),
        ({"parts": []}, "Choose at least one clause."),
        ({"last_day": "2020-01-01"}, "This day is over. Choose a later one."),
        ({"partner": "x"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_an_invitation_is_refused_beside_its_field_and_nothing_is_said(
    cast: Cast, south: PartnerNode, east: PartnerNode, changes: dict[str, object], said: str
) -> None:
    held = agreement_in_force(south, accession="by-invitation", clauses=(_open_to_all(),))
    client = cast.officer.browser()
    form = {**edit_form(seen(client, page_of(held, "invite/"))), "partner": str(east.row.id), "ref": "xe"}
    shown = read(client.post(page_of(held, "invite/"), {**form, **changes}), 422)
    assert said in shown.text
    assert not PartyInstrument.objects.filter(kind="invited").exists()


def test_of_a_closed_agreement_the_page_says_why_nobody_is_invited(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    held = agreement_in_force(south)
    client = cast.officer.browser()
    shown = read(client.get(page_of(held, "invite/"), follow=True))
    assert "This agreement is closed: no party joins it later." in shown.text
    assert page_of(held, "invite/") not in [has["href"] for has in seen(client, page_of(held)).all("a")]


def test_with_nobody_compared_the_page_says_what_to_do_first(cast: Cast, south: PartnerNode) -> None:
    partner("Stranger", nation="XQ", state=Partner.State.MET)
    held = agreement_in_force(south, accession="by-invitation")
    shown = read(cast.officer.browser().get(page_of(held, "invite/"), follow=True))
    assert "compare the fingerprint of a partner that is no party, first" in shown.text


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_page_is_whole_in_every_language(
    cast: Cast, south: PartnerNode, east: PartnerNode, language: str
) -> None:
    held = agreement_in_force(south, accession="by-invitation", clauses=(_open_to_all(),))
    answer = cast.officer.browser().get(f"/{language}/agreements/{held.id}/invite/")
    assert read(answer).all("form")


# ---- over the API -------------------------------------------------------------------------------------------------


def test_an_invitation_over_the_api_names_until_when_and_which_clauses(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    held = agreement_in_force(south, accession="by-invitation", clauses=(_open_to_all(),))
    until = now() + timedelta(days=3)
    body = {
        "partner": str(east.row.id),
        "ref": "xe",
        "note": "Welcome.",
        "until": until.isoformat(),
        "parts": [{"clause": "1", "directions": ["gives"]}],
        "ratifies": True,
    }
    answer = cast.officer.api.post(f"/agreements/{held.id}/invite", body)
    assert answer.status_code == 200
    invited = standing_of(held).invitations[0]
    assert invited.until == until
    assert invited.invites is not None
    assert invited.invites.ratifies


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"ref": "xs"}, 409, "ref-taken"),
        ({"partner": "0190b6d0-0000-7000-8000-000000000000"}, 404, "no-such-partner"),
        ({"parts": [{"clause": "9", "directions": ["gives"]}]}, 409, "unknown-clause"),
    ],
)
def test_an_invitation_that_cannot_be_is_refused_over_the_api(
    cast: Cast, south: PartnerNode, east: PartnerNode, changes: dict[str, object], status: int, code: str
) -> None:
    held = agreement_in_force(south, accession="by-invitation", clauses=(_open_to_all(),))
    body = {"partner": str(east.row.id), "ref": "xe", **changes}
    answer = cast.officer.api.post(f"/agreements/{held.id}/invite", body)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, code)
    assert not PartyInstrument.objects.exists()


def test_who_is_not_compared_or_a_party_already_is_not_invited(cast: Cast, south: PartnerNode) -> None:
    met = partner("Stranger", nation="XQ", state=Partner.State.MET)
    held = agreement_in_force(south, accession="by-invitation", clauses=(_open_to_all(),))
    refused = [
        cast.officer.api.post(f"/agreements/{held.id}/invite", {"partner": str(each.row.id), "ref": "new"})
        for each in (met, south)
    ]
    assert [each.json()["type"].rpartition(":")[2] for each in refused] == ["not-verified", "party-already"]
