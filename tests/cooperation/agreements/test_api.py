"""The machine face of agreements: reading and drafting."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from taawun.cooperation.agreements.models import Agreement, Version
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.platform.audit.models import Entry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    document,
    instrument_kept,
    partner,
    some_id,
)

READ = Cast.statuses(200, stranger=403)


def _json(*others: PartnerNode, **members: Any) -> dict[str, Any]:
    """A document as a caller writes it."""
    value: dict[str, Any] = json.loads(document(*others, **members).text)
    return value


# ---- reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/versions/1", "/versions/1/text", "/compare?before=1&after=1"])
def test_an_agreement_is_read_by_everybody_with_a_role(cast: Cast, path: str) -> None:
    agreement = agreement_in_force(partner())
    assert cast.meet("GET", f"/agreements/{agreement.id}{path}") == READ


@pytest.mark.parametrize("path", ["/agreements", "/agreement-templates"])
def test_the_lists_are_read_by_everybody_with_a_role(cast: Cast, path: str) -> None:
    assert cast.meet("GET", path) == READ


@pytest.mark.parametrize(
    "path", ["", "/versions/1", "/versions/1/text", "/compare?before=1&after=1", "/draft"]
)
def test_an_agreement_that_is_not_there_is_not_found(cast: Cast, path: str) -> None:
    answer = cast.officer.api.get(f"/agreements/{some_id()}{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-agreement")


def test_agreements_are_listed_newest_first_with_where_they_stand(cast: Cast) -> None:
    south = partner()
    agreement_in_force(south, notice_days=7)
    agreement_proposed(south)
    items = cast.observer.api.get("/agreements").json()["items"]
    assert [(each["code"], each["state"], each["waits_for_us"]) for each in items] == [
        ("AG-002", "proposed", True),
        ("AG-001", "in-force", False),
    ]
    assert [(each["ref"], each["is_us"]) for each in items[0]["parties"]] == [("us", True), ("xs", False)]


def test_a_list_of_many_agreements_takes_no_more_queries_than_one_of_few(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    south = partner()
    for _ in range(12):
        agreement_in_force(south)
    api = cast.observer.api
    api.get("/agreements")
    with django_assert_max_num_queries(8):
        assert len(api.get("/agreements").json()["items"]) == 12


def test_an_agreement_tells_everything_that_was_signed_about_it(cast: Cast) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    version = Version.objects.get(agreement=agreement)
    found = cast.observer.api.get(f"/agreements/{agreement.id}").json()
    assert (found["state"], found["version"], found["pending"]) == ("in-force", 1, None)
    assert found["signed_by"] == ["us", "xs"]
    (brief,) = found["versions"]
    assert (brief["number"], brief["digest"], brief["required_signatures"]) == (1, version.digest, 2)
    assert [each["node"] for each in brief["signatures"]] == ["http://127.0.0.1:8000", south.node]
    assert [each["what"] for each in found["history"]] == ["proposed", "signed", "signed"]
    assert found["draft_edition"] is None


def test_the_text_of_a_version_is_the_bytes_that_were_signed(cast: Cast) -> None:
    agreement = agreement_in_force(partner())
    version = Version.objects.get(agreement=agreement)
    answer = cast.observer.api.get(f"/agreements/{agreement.id}/versions/1/text")
    assert answer.content == bytes(version.text)
    assert answer.headers["ETag"] == f'"{sha256(answer.content)}"' == f'"{version.digest}"'
    parsed = cast.observer.api.get(f"/agreements/{agreement.id}/versions/1").json()
    assert parsed["document"] == json.loads(answer.content)


@pytest.mark.parametrize("number", ["2", "0", "99999999999999999999999999"])
def test_a_version_that_is_not_there_is_not_found(cast: Cast, number: str) -> None:
    agreement = agreement_in_force(partner())
    for path in (f"/versions/{number}", f"/versions/{number}/text", f"/compare?before=1&after={number}"):
        answer = cast.observer.api.get(f"/agreements/{agreement.id}{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-version")


def test_two_texts_are_compared_member_by_member(cast: Cast) -> None:
    south = partner()
    agreement = agreement_proposed(south)
    first = Version.objects.get(agreement=agreement).document()
    second = document(south, id=agreement.id, version=2, notice_days=9, clauses=(clause(), clause("2")))
    Version.objects.create(agreement=agreement, number=2, text=second.text, digest=second.digest)
    found = cast.observer.api.get(f"/agreements/{agreement.id}/compare", before=1, after=2).json()
    changes = {each["place"]: (each["before"], each["after"]) for each in found["changes"]}
    assert changes["/notice_days"] == (0, 9)
    assert changes["/clauses/2"][1]["ref"] == "2"
    assert set(changes) == {"/notice_days", "/clauses/2", "/valid_from"}
    assert first.notice_days == 0


def test_a_counter_proposal_is_compared_by_its_id_and_a_draft_by_who_may_see_it(cast: Cast) -> None:
    south = partner()
    agreement = agreement_proposed(south)
    version = Version.objects.get(agreement=agreement)
    suggestion = document(
        south, id=agreement.id, version=2, valid_from=version.document().valid_from, notice_days=5
    )
    counter = instrument_kept(
        south.node, agreement.id, version.digest, "countered", suggestion=suggestion.text
    )
    path = f"/agreements/{agreement.id}/compare?before=1&after="
    found = cast.observer.api.get(path + str(counter.id)).json()
    assert found["changes"] == [{"place": "/notice_days", "before": 0, "after": 5}]
    Agreement.objects.update(draft=suggestion.text.decode())
    assert cast.officer.api.get(path + "draft").json()["changes"] == found["changes"]
    assert cast.observer.api.get(path + "draft").status_code == 403
    assert cast.observer.api.get(path + str(some_id())).json()["type"] == "urn:taawun:problem:no-such-text"


def test_a_comparison_without_two_texts_is_refused(cast: Cast) -> None:
    agreement = agreement_proposed(partner())
    assert cast.observer.api.get(f"/agreements/{agreement.id}/compare", before=1).status_code == 422


def test_templates_are_told_in_the_callers_language(cast: Cast) -> None:
    items = cast.observer.api.get("/agreement-templates").json()["items"]
    names = ["threat-sharing", "community-sharing", "training", "drill", "early-warning"]
    assert [each["name"] for each in items] == names
    assert items[0]["label"] == "Bilateral sharing of threat intelligence"
    assert set(items[0]["title"]) == set(items[0]["preamble"]) == {"ar", "en", "fr"}
    assert (items[1]["is_multilateral"], items[1]["accession"], items[1]["required_signatures"]) == (
        True,
        "by-invitation",
        3,
    )
    assert items[2]["sentences"][0][0] == (
        "First party and Second party may send each other courses and other learning resources, up to TLP:GREEN."
    )


# ---- drafting ---------------------------------------------------------------------------------------------------


def test_agreements_are_drafted_by_officers_alone(cast: Cast) -> None:
    south = partner()
    body = {"template": "training", "partners": [str(south.row.id)]}
    assert cast.meet("POST", "/agreements", body) == Cast.statuses(403, officer=201, other_officer=201)
    assert Agreement.objects.count() == 2
    assert Entry.objects.filter(verb="agreements.drafted").count() == 2


def test_a_draft_from_a_template_is_this_nodes_and_nobody_elses_yet(cast: Cast) -> None:
    south = partner()
    made = cast.officer.api.post(
        "/agreements",
        {
            "template": "threat-sharing",
            "partners": [str(south.row.id)],
            "valid_from": "2027-01-01T00:00:00Z",
            "valid_until": "2028-01-01T00:00:00+00:00",
        },
    ).json()
    assert (made["state"], made["version"], made["draft_edition"]) == ("draft", None, 1)
    assert (made["valid_from"], made["valid_until"]) == ("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z")
    assert [each["node"] for each in made["parties"]] == ["http://127.0.0.1:8000", south.node]
    assert south.request("GET", "/federation/lanes").json() == {"lanes": []}


def test_a_draft_from_a_document_needs_neither_id_nor_version(cast: Cast) -> None:
    value = _json(partner())
    del value["id"], value["version"]
    made = cast.officer.api.post("/agreements", {"document": value})
    assert made.status_code == 201
    again = cast.officer.api.post("/agreements", {"document": value})
    assert made.json()["id"] != again.json()["id"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"clauses": []}, "/document/clauses"),
        ({"surprise": True}, "/document/surprise"),
        ({"title": {}}, "/document/title"),
        ({"valid_from": "tomorrow"}, "/document/valid_from"),
        ({"parties": "all"}, "/document/parties"),
        ({"min_signatories": 1}, "/document/min_signatories"),
        ({"notice_days": 1.5}, "/document/notice_days"),
    ],
)
def test_a_document_that_does_not_hold_together_is_refused_with_its_place(
    cast: Cast, changes: dict[str, object], pointer: str
) -> None:
    answer = cast.officer.api.post("/agreements", {"document": {**_json(partner()), **changes}})
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["pointer"]) == (
        422,
        "urn:taawun:problem:document-refused",
        pointer,
    )
    assert Agreement.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "document-or-template"),
        ({"document": {}, "template": "training"}, 422, "document-or-template"),
        ({"template": "friendship", "partners": []}, 422, "unknown-template"),
        ({"template": "training", "partners": []}, 422, "document-refused"),
        (
            {"template": "training", "partners": ["0190b6d0-0000-7000-8000-000000000000"]},
            404,
            "no-such-partner",
        ),
        ({"template": "training", "valid_from": "2027-01-01T00:00:00"}, 422, "invalid"),
    ],
)
def test_a_draft_of_nothing_is_refused(cast: Cast, body: dict[str, object], status: int, code: str) -> None:
    answer = cast.officer.api.post("/agreements", body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:taawun:problem:{code}")


def test_a_draft_of_which_another_node_is_depositary_is_refused(cast: Cast) -> None:
    south = partner()
    answer = cast.officer.api.post("/agreements", {"document": _json(south, depositary=south)})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:not-depositary")


def test_an_agreement_is_drafted_once(cast: Cast) -> None:
    value = _json(partner())
    assert cast.officer.api.post("/agreements", {"document": value}).status_code == 201
    answer = cast.officer.api.post("/agreements", {"document": value})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:exists")


# ---- editing ----------------------------------------------------------------------------------------------------


def _drafted(cast: Cast, south: PartnerNode) -> str:
    made = cast.officer.api.post("/agreements", {"document": _json(south)}).json()
    return f"/agreements/{made['id']}/draft"


def test_a_draft_is_seen_and_edited_by_officers_alone(cast: Cast) -> None:
    south = partner()
    path = _drafted(cast, south)
    assert cast.meet("GET", path) == Cast.statuses(403, officer=200, other_officer=200)
    body = {"document": _json(south, notice_days=3)}
    assert cast.meet("PUT", path, body, If_Match='"1"') == Cast.statuses(403, officer=200, other_officer=412)
    assert cast.observer.api.get(path.removesuffix("/draft")).json()["draft_edition"] is None


def test_an_edit_makes_a_new_edition(cast: Cast) -> None:
    south = partner()
    path = _drafted(cast, south)
    first = cast.officer.api.get(path)
    assert (first.headers["ETag"], first.json()["edition"]) == ('"1"', 1)
    body = {"document": _json(south, title=Text.of(en="Another"))}
    edited = cast.officer.api.put(path, body, If_Match=first.headers["ETag"])
    assert (edited.headers["ETag"], edited.json()["edition"]) == ('"2"', 2)
    assert edited.json()["document"]["title"] == {"en": "Another"}
    assert edited.json()["document"]["id"] in path


def test_an_edit_of_an_older_edition_is_refused_and_changes_nothing(cast: Cast) -> None:
    south = partner()
    path = _drafted(cast, south)
    body = {"document": _json(south, notice_days=3)}
    assert cast.officer.api.put(path, body, If_Match='"1"').status_code == 200
    late = cast.other_officer.api.put(path, {"document": _json(south, notice_days=8)}, If_Match='"1"')
    assert (late.status_code, late.headers["ETag"]) == (412, '"2"')
    assert cast.officer.api.get(path).json()["document"]["notice_days"] == 3


def test_an_edit_of_a_draft_that_was_proposed_meanwhile_is_refused(cast: Cast) -> None:
    south = partner()
    path = _drafted(cast, south)
    cast.officer.api.post(path.replace("/draft", "/propose"), If_Match='"1"')
    late = cast.other_officer.api.put(path, {"document": _json(south, notice_days=8)}, If_Match='"1"')
    assert (late.status_code, late.headers["ETag"]) == (412, '"2"')


def test_an_edit_names_the_edition_it_changes(cast: Cast) -> None:
    south = partner()
    path = _drafted(cast, south)
    answer = cast.officer.api.put(path, {"document": _json(south)})
    assert (answer.status_code, answer.json()["type"]) == (428, "urn:taawun:problem:if-match-missing")


def test_an_edit_that_does_not_hold_together_is_refused_with_its_place(cast: Cast) -> None:
    south = partner()
    path = _drafted(cast, south)
    answer = cast.officer.api.put(path, {"document": {**_json(south), "clauses": {}}}, If_Match="*")
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/document/clauses")


def test_an_agreement_without_a_draft_has_none_to_get_and_may_get_one(cast: Cast) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    path = f"/agreements/{agreement.id}/draft"
    assert cast.officer.api.get(path).json()["type"] == "urn:taawun:problem:no-draft"
    begun = cast.officer.api.put(path, {"document": _json(south)}, If_Match="*")
    assert (begun.status_code, begun.json()["document"]["version"]) == (200, 2)


def test_the_instants_of_a_document_are_told_as_they_are(cast: Cast) -> None:
    begins = now() + timedelta(days=3)
    agreement = agreement_proposed(partner(), valid_from=begins)
    assert cast.observer.api.get(f"/agreements/{agreement.id}").json()["valid_from"] == timestamp(begins)
