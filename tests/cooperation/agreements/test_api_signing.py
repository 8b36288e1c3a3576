"""The machine face of agreements: negotiating, signing, suspending, terminating."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.platform.audit.models import Entry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    document,
    instrument_kept,
    partner,
    sign_version,
    some_id,
)


def _json(*others: PartnerNode, **members: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(document(*others, **members).text)
    return value


def _said_to(south: PartnerNode) -> list[str]:
    """The kinds of messages that we sent to a partner, in order."""
    entries = LaneEntry.objects.filter(
        lane__sender=None, lane__readers__partner=south.row, lane__purpose="talk"
    )
    return [each.kind for each in entries.order_by("seq") if each.kind != "lane.opened"]


def _digest(agreement: Agreement) -> str:
    return Version.objects.filter(agreement=agreement).order_by("-number")[0].digest


STEPS = {
    "propose": None,
    "counter": {"document": {}, "note": ""},
    "adopt": {"suggestion": "0190b6d0-0000-7000-8000-000000000000"},
    "approve": {"digest": "0" * 64},
    "decline": {"note": ""},
    "suspend": {"note": ""},
    "resume": {"note": ""},
    "terminate": {"note": ""},
}


@pytest.mark.parametrize("step", STEPS)
def test_only_officers_take_a_step(cast: Cast, step: str) -> None:
    agreement = agreement_in_force(partner())
    path = f"/agreements/{agreement.id}/{step}"
    refused = {
        name: status for name, status in cast.meet("POST", path, STEPS[step]).items() if "officer" not in name
    }
    assert refused == {name: status for name, status in Cast.statuses(403).items() if "officer" not in name}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_an_agreement_that_is_not_there_is_not_found(cast: Cast, step: str) -> None:
    answer = cast.officer.api.post(f"/agreements/{some_id()}/{step}", STEPS[step])
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-agreement")


@pytest.mark.parametrize(
    ("step", "body", "pointer"),
    [
        ("counter", {"document": []}, "/document"),
        ("counter", {"document": {}, "note": "x" * 4001}, "/note"),
        ("adopt", {"suggestion": "x"}, "/suggestion"),
        ("approve", {"digest": "x"}, "/digest"),
        ("approve", {}, "/digest"),
        ("decline", {"note": 1}, "/note"),
        ("suspend", {"why": ""}, "/why"),
        ("resume", {"note": None}, "/note"),
        ("terminate", {"note": "x" * 4001}, "/note"),
    ],
)
def test_a_step_that_is_asked_for_wrongly_is_refused_with_its_place(
    cast: Cast, step: str, body: dict[str, object], pointer: str
) -> None:
    agreement = agreement_in_force(partner())
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/{step}", body)
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)


# ---- proposing and countering -----------------------------------------------------------------------------------


def test_a_proposal_goes_to_the_partner_and_leaves_no_draft(cast: Cast) -> None:
    south = partner()
    made = cast.officer.api.post("/agreements", {"document": _json(south)}).json()
    proposed = cast.other_officer.api.post(f"/agreements/{made['id']}/propose", If_Match='"1"').json()
    assert (proposed["state"], proposed["version"], proposed["draft_edition"]) == ("proposed", 1, None)
    assert _said_to(south) == ["agreement.proposed"]
    again = cast.officer.api.post(f"/agreements/{made['id']}/propose")
    assert (again.status_code, again.json()["type"]) == (409, "urn:taawun:problem:no-draft")


def test_a_party_that_is_no_partner_cannot_be_proposed_to(cast: Cast) -> None:
    south = partner()
    made = cast.officer.api.post("/agreements", {"document": _json(south)}).json()
    Partner.objects.update(state=Partner.State.BLOCKED)
    answer = cast.officer.api.post(f"/agreements/{made['id']}/propose", If_Match='"1"')
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:taawun:problem:not-a-partner")
    assert south.node in answer.json()["detail"]


def test_a_counter_proposal_goes_to_the_depositary_with_its_note(cast: Cast) -> None:
    south = partner()
    agreement = agreement_proposed(south, depositary=south)
    body = {"document": _json(south, depositary=south, notice_days=9), "note": "Longer notice, please."}
    countered = cast.officer.api.post(f"/agreements/{agreement.id}/counter", body).json()
    assert countered["state"] == "countered"
    event = countered["history"][-1]
    assert (event["what"], event["note"], event["version"]) == ("countered", "Longer notice, please.", 1)
    suggestion = PartyInstrument.objects.get(id=event["instrument"]).suggestion
    assert suggestion is not None
    assert json.loads(bytes(suggestion))["id"] == str(agreement.id)
    assert _said_to(south) == ["agreement.declared"]


def test_a_counter_proposal_that_does_not_hold_together_is_refused(cast: Cast) -> None:
    south = partner()
    agreement = agreement_proposed(south, depositary=south)
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/counter", {"document": {"clauses": []}})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:taawun:problem:document-refused")
    assert answer.json()["pointer"].startswith("/document/")


def test_what_is_in_force_is_not_countered(cast: Cast) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/counter", {"document": _json(south)})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:taawun:problem:cannot-be-countered")


def test_a_counter_proposal_is_adopted_as_the_draft_of_the_next_version(cast: Cast) -> None:
    south = partner()
    agreement = agreement_proposed(south)
    suggestion = document(south, id=agreement.id, version=2, notice_days=9)
    counter = instrument_kept(
        south.node, agreement.id, _digest(agreement), "countered", suggestion=suggestion.text
    )
    adopted = cast.officer.api.post(f"/agreements/{agreement.id}/adopt", {"suggestion": str(counter.id)})
    assert (adopted.status_code, adopted.json()["draft_edition"]) == (200, 2)
    draft = cast.officer.api.get(f"/agreements/{agreement.id}/draft").json()["document"]
    assert (draft["version"], draft["notice_days"]) == (2, 9)
    proposed = cast.officer.api.post(f"/agreements/{agreement.id}/propose", If_Match='"2"').json()
    assert (proposed["state"], proposed["version"]) == ("proposed", 2)


def test_only_a_counter_proposal_to_this_agreement_is_adopted(cast: Cast) -> None:
    agreement = agreement_proposed(partner())
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/adopt", {"suggestion": str(some_id())})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/suggestion")


# ---- approving and signing --------------------------------------------------------------------------------------


def test_the_second_officers_approval_signs_for_the_node(cast: Cast) -> None:
    south = partner()
    agreement = agreement_proposed(south)
    version = Version.objects.get(agreement=agreement)
    path, body = f"/agreements/{agreement.id}/approve", {"digest": version.digest}
    first = cast.officer.api.post(path, body).json()
    assert [each["person"] for each in first["approvals"]] == ["Officer"]
    assert (first["signed_by"], first["waits_for_us"]) == ([], True)
    second = cast.other_officer.api.post(path, body).json()
    assert (second["signed_by"], second["waits_for_us"], second["state"]) == (["us"], False, "proposed")
    assert _said_to(south) == ["agreement.signed"]
    sign_version(version, south.node, south.key)
    assert cast.observer.api.get(f"/agreements/{agreement.id}").json()["state"] == "in-force"
    assert Entry.objects.filter(verb="agreements.approved").count() == 2


def test_one_officer_does_not_approve_twice(cast: Cast) -> None:
    agreement = agreement_proposed(partner())
    path, body = f"/agreements/{agreement.id}/approve", {"digest": _digest(agreement)}
    assert cast.officer.api.post(path, body).status_code == 200
    again = cast.officer.api.post(path, body)
    assert (again.status_code, again.json()["type"]) == (409, "urn:taawun:problem:approved-before")
    assert PartySignature.objects.count() == 0


def test_an_approval_names_the_version_that_was_read(cast: Cast) -> None:
    agreement = agreement_proposed(partner())
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/approve", {"digest": "0" * 64})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:taawun:problem:unknown-version")


def test_an_agreement_with_a_partner_that_was_not_compared_is_not_approved(cast: Cast) -> None:
    agreement = agreement_proposed(partner(state=Partner.State.MET))
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/approve", {"digest": _digest(agreement)})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:taawun:problem:not-verified")


def test_an_approval_that_is_sent_twice_counts_once(cast: Cast) -> None:
    agreement = agreement_proposed(partner())
    path, body = f"/agreements/{agreement.id}/approve", {"digest": _digest(agreement)}
    first, again = (cast.officer.api.post(path, body, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert Entry.objects.filter(verb="agreements.approved").count() == 1


# ---- declining, suspending, terminating -------------------------------------------------------------------------


def test_a_proposal_is_declined_with_a_word(cast: Cast) -> None:
    south = partner()
    agreement = agreement_proposed(south)
    declined = cast.officer.api.post(f"/agreements/{agreement.id}/decline", {"note": "Not now."}).json()
    assert (declined["state"], declined["waits_for_us"]) == ("declined", False)
    assert declined["history"][-1]["note"] == "Not now."
    assert _said_to(south) == ["agreement.declared"]


def test_a_suspension_holds_everything_back_at_once_until_it_is_lifted(cast: Cast) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    question = {"kind": "intel.report", "tlp": "TLP:GREEN"}
    suspended = cast.officer.api.post(f"/agreements/{agreement.id}/suspend", {"note": "A doubt."}).json()
    assert suspended["state"] == "suspended"
    assert [each["party"] for each in suspended["suspensions"]] == ["us"]
    (held,) = cast.analyst.api.post("/federation/decide", question).json()["others"]
    assert held["reason"] == "suspended"
    again = cast.officer.api.post(f"/agreements/{agreement.id}/suspend", {})
    assert (again.status_code, again.json()["type"]) == (403, "urn:taawun:problem:cannot-be-suspended")
    resumed = cast.officer.api.post(f"/agreements/{agreement.id}/resume", {}).json()
    assert (resumed["state"], resumed["suspensions"]) == ("in-force", [])
    assert len(cast.analyst.api.post("/federation/decide", question).json()["receivers"]) == 1
    assert _said_to(south) == ["agreement.declared", "agreement.declared"]


def test_a_clause_is_closed_by_saying_so_and_never_by_leaving_everything_out(cast: Cast) -> None:
    agreement = agreement_in_force(partner())
    path = f"/agreements/{agreement.id}/declare"
    closing = {"clause": "1", "direction": "gives", "closes": True}
    for said in ({**closing, "closes": False}, {**closing, "closes": False, "tlp_max": "TLP:AMBER"}):
        refused = cast.officer.api.post(path, {"narrows": [closing, said]})
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/narrows/1")
        assert "Nothing is changed: choose a lower marking" in refused.json()["detail"]
    both = cast.officer.api.post(path, {"narrows": [{**closing, "tlp_max": "TLP:GREEN"}]})
    assert "has nothing left to narrow" in both.json()["detail"]
    assert not PartyInstrument.objects.exists()
    (declared,) = cast.officer.api.post(path, {"narrows": [closing]}).json()["declarations"]
    assert [(each["clause"], each["closes"]) for each in declared["narrows"]] == [("1", True)]


def test_what_was_not_suspended_is_not_resumed(cast: Cast) -> None:
    agreement = agreement_in_force(partner())
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/resume", {})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:taawun:problem:cannot-be-resumed")


def test_a_termination_takes_effect_after_its_days_of_notice(cast: Cast) -> None:
    south = partner()
    agreement = agreement_in_force(south, notice_days=30)
    ended = cast.officer.api.post(f"/agreements/{agreement.id}/terminate", {"note": "Thank you."}).json()
    assert ended["state"] == "in-force"
    assert ended["ends"] > ended["history"][-1]["at"]
    again = cast.officer.api.post(f"/agreements/{agreement.id}/terminate", {})
    assert again.status_code == 403


def test_a_termination_without_notice_ends_the_agreement_now(cast: Cast) -> None:
    agreement = agreement_in_force(partner(), notice_days=0)
    ended = cast.officer.api.post(f"/agreements/{agreement.id}/terminate", {}).json()
    assert ended["state"] == "terminated"
    assert [each["what"] for each in ended["history"]] == ["proposed", "signed", "signed", "terminated"]


@pytest.mark.parametrize("step", ["suspend", "terminate"])
def test_what_nobody_signed_is_neither_suspended_nor_terminated(cast: Cast, step: str) -> None:
    agreement = agreement_proposed(partner())
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/{step}", {})
    assert answer.status_code == 403
    assert PartyInstrument.objects.count() == 0
