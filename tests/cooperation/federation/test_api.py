"""The machine face of federation: who would receive something, and what was given and received."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.federation.actions import Draft, publish, withdraw
from taawun.cooperation.federation.models import Receipt, Release, ReleaseTopic
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.cast import (
    SYSTEM,
    Caller,
    Cast,
    PartnerNode,
    agreement_in_force,
    clause,
    partner,
    person,
    some_id,
    token_of,
)

READ = Cast.statuses(200, stranger=403)
QUESTION: dict[str, Any] = {"kind": "intel.report", "tlp": "TLP:GREEN"}


def _published(number: int = 1, **changes: Any) -> Release:
    members: dict[str, Any] = {
        "kind": "intel.report",
        "subject": f"report--{number}",
        "version": "1",
        "title": f"Report {number}",
        "tlp": Tlp.GREEN,
        "content": b'{"n":%d}' % number,
        "topics": frozenset({"attack:T1566"}),
        "languages": ("en",),
    }
    return publish(SYSTEM, Draft(**(members | changes)))


def _received(south: PartnerNode, number: int = 1, **changes: Any) -> Release:
    members: dict[str, Any] = {
        "kind": "intel.report",
        "subject": f"theirs--{number}",
        "version": "1",
        "title": f"Their report {number}",
        "tlp": Tlp.AMBER,
        "digest": sha256(b"x"),
        "size": 1,
        "origin": south.row,
    }
    release = Release.objects.create(**(members | changes))
    ReleaseTopic.objects.create(owner=release, topic="attack:T1059")
    return release


# ---- who would receive it ---------------------------------------------------------------------------------------


def test_the_decision_is_asked_by_everybody_with_a_role(cast: Cast) -> None:
    agreement_in_force(partner())
    assert cast.meet("POST", "/federation/decide", QUESTION) == READ


def test_the_decision_is_for_who_reads_agreements_of_which_it_is_made(cast: Cast) -> None:
    agreement_in_force(partner())
    statuses = {
        scope: Caller(token_of(cast.analyst.row, scope)).post("/federation/decide", QUESTION).status_code
        for scope in ("read:agreements", "read:federation")
    }
    assert statuses == {"read:agreements": 200, "read:federation": 403}


def test_the_decision_names_the_clause_that_allows_it(cast: Cast) -> None:
    south = partner("Southern CERT")
    agreement = agreement_in_force(
        south,
        clauses=(
            clause("2.1", tlp_max=Tlp.GREEN, title=Text.of(en="Narrow"), onward=Onward("none")),
            clause("2.2", tlp_max=Tlp.AMBER, onward=Onward("parties")),
        ),
    )
    decided = cast.analyst.api.post("/federation/decide", QUESTION).json()
    (receiver,) = decided["receivers"]
    assert (receiver["party"], receiver["name"]) == (south.node, "Southern CERT")
    assert receiver["sentence"] == "Clause 2.1 of AG-001 allows it."
    assert receiver["clause"] == {
        "agreement": str(agreement.id),
        "code": "AG-001",
        "clause": "2.1",
        "title": {"en": "Narrow"},
        "tlp_max": "TLP:GREEN",
        "onward": "none",
    }
    assert [each["clause"] for each in receiver["also"]] == ["2.2"]
    assert decided["others"] == []


def test_asking_changes_nothing(cast: Cast) -> None:
    agreement_in_force(partner())
    before = Entry.objects.count()
    cast.analyst.api.post("/federation/decide", QUESTION)
    assert (Entry.objects.count(), Release.objects.count()) == (before, 0)


@pytest.mark.parametrize(
    ("changes", "reason", "step"),
    [
        ({"tlp": "TLP:AMBER+STRICT"}, "tlp", "agreement"),
        ({"kind": "learning.course"}, "kind", "agreement"),
        ({"audience": []}, "audience", "audience"),
        ({"audience": ["https://elsewhere.example"]}, "audience", "audience"),
        ({"tlp": "TLP:RED", "names_persons": False}, "tlp", "agreement"),
        ({"topics": ["attack:T1003"]}, "topics", "agreement"),
        ({}, "topics", "agreement"),
    ],
)
def test_a_refusal_has_its_reason_and_its_mend(
    cast: Cast, changes: dict[str, object], reason: str, step: str
) -> None:
    topics = ("attack:T1566",) if reason == "topics" else ()
    agreement_in_force(partner(), clauses=(clause(kinds=("intel.*",), topics=topics),))
    decided = cast.analyst.api.post("/federation/decide", {**QUESTION, **changes}).json()
    (other,) = decided["others"]
    assert (other["reason"], other["step"], decided["receivers"]) == (reason, step, [])
    assert other["sentence"]
    assert other["mend"]


def test_the_reason_is_told_in_the_callers_language(cast: Cast) -> None:
    agreement_in_force(partner(), clauses=(clause(tlp_max=Tlp.CLEAR),))
    sentences = {
        language: Caller(cast.analyst.token, language)
        .post("/federation/decide", QUESTION)
        .json()["others"][0]["sentence"]
        for language in ("ar", "en", "fr")
    }
    assert len(set(sentences.values())) == 3
    assert sentences["en"] == "Clause 1 of AG-001 allows up to TLP:CLEAR only."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "intel.report", "tlp": "TLP:PINK"}, "/tlp"),
        ({"kind": "intel.report"}, "/tlp"),
        ({"kind": "", "tlp": "TLP:RED"}, "/kind"),
        ({**QUESTION, "topics": "attack:T1566"}, "/topics"),
        ({**QUESTION, "audience": {"all": True}}, "/audience"),
        ({**QUESTION, "publish": True}, "/publish"),
    ],
)
def test_a_question_that_does_not_fit_is_refused_with_its_place(
    cast: Cast, body: dict[str, object], pointer: str
) -> None:
    answer = cast.analyst.api.post("/federation/decide", body)
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)


# ---- what was given and received --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/passages", "/receipts"])
def test_a_release_is_read_by_everybody_with_a_role(cast: Cast, path: str) -> None:
    agreement_in_force(partner())
    release = _published()
    assert cast.meet("GET", f"/federation/releases/{release.id}{path}") == READ
    assert cast.meet("GET", "/federation/releases") == READ


@pytest.mark.parametrize("path", ["", "/passages", "/receipts"])
def test_a_release_that_is_not_there_is_not_found(cast: Cast, path: str) -> None:
    answer = cast.analyst.api.get(f"/federation/releases/{some_id()}{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-release")


def test_releases_are_listed_newest_first_and_narrowed(cast: Cast) -> None:
    south, east = partner(nation="XS"), partner(nation="XE")
    agreement_in_force(south)
    agreement_in_force(east)
    first, second = _published(1), _published(2)
    withdraw(SYSTEM, first, "Wrong.")
    third = _received(south)

    def found(**query: str) -> list[str]:
        items = cast.analyst.api.get("/federation/releases", **query).json()["items"]
        return [each["id"] for each in items]

    assert found() == [str(third.id), str(second.id), str(first.id)]
    assert found(direction="received") == [str(third.id)]
    assert found(direction="sent") == [str(second.id), str(first.id)]
    assert found(state="withdrawn") == [str(first.id)]
    assert found(kind="intel.sighting") == []
    assert found(subject="report--2") == [str(second.id)]
    assert found(text="THEIR") == [str(third.id)]
    assert found(partner=str(south.row.id)) == [str(third.id), str(second.id), str(first.id)]
    assert found(partner=str(east.row.id)) == [str(second.id), str(first.id)]
    assert found(partner=str(some_id())) == []
    assert found(readable_by=str(south.row.id)) == [str(second.id)]
    assert found(readable_by=str(some_id())) == []


@pytest.mark.parametrize(
    "query", [{"direction": "up"}, {"state": "lost"}, {"partner": "x"}, {"kind": "x" * 81}]
)
def test_a_narrowing_that_is_none_is_refused(cast: Cast, query: dict[str, str]) -> None:
    answer = cast.analyst.api.get("/federation/releases", **query)
    assert answer.json()["errors"][0]["parameter"] == next(iter(query))


def test_a_release_tells_what_it_is(cast: Cast) -> None:
    agreement_in_force(partner())
    release = _published()
    found = cast.analyst.api.get(f"/federation/releases/{release.id}").json()
    assert {name: found[name] for name in ("direction", "tlp", "subject", "title", "topics", "state")} == {
        "direction": "sent",
        "tlp": "TLP:GREEN",
        "subject": "report--1",
        "title": "Report 1",
        "topics": ["attack:T1566"],
        "state": "live",
    }
    assert (found["origin"], found["restricted"], found["digest"]) == (None, "", sha256(b'{"n":1}'))
    withdraw(SYSTEM, release, "It was wrong.")
    found = cast.analyst.api.get(f"/federation/releases/{release.id}").json()
    assert (found["state"], found["withdrawal_reason"]) == ("withdrawn", "It was wrong.")


def test_passages_tell_where_a_release_went_and_when_it_ended_there(cast: Cast) -> None:
    south, east = partner(nation="XS"), partner(nation="XE")
    shared = agreement_in_force(south, east)
    release = _published()
    (passage,) = cast.analyst.api.get(f"/federation/releases/{release.id}/passages").json()["items"]
    current = standing_of(shared).current
    assert current is not None
    assert passage["partners"] == sorted([south.node, east.node])
    assert (passage["agreement"], passage["document"], passage["clause"]) == (
        str(shared.id),
        current.digest,
        "1",
    )
    assert (passage["seq"], passage["ended"]) == (1, None)
    withdraw(SYSTEM, release, "")
    (passage,) = cast.analyst.api.get(f"/federation/releases/{release.id}/passages").json()["items"]
    assert passage["ended"] is not None


def test_receipts_tell_who_signed_and_what_became_of_it(cast: Cast) -> None:
    south, east = partner(nation="XS"), partner(nation="XE")
    agreement_in_force(south, east)
    release = _published()
    entry = release.passages.get().entry
    at = now()
    Receipt.objects.create(**Receipt.place_of(entry), entry=entry, partner=south.row, outcome="done", at=at)
    Receipt.objects.create(
        **Receipt.place_of(entry),
        entry=entry,
        partner=east.row,
        outcome="refused",
        reason="malformed",
        at=at + timedelta(seconds=1),
    )
    items = cast.analyst.api.get(f"/federation/releases/{release.id}/receipts").json()["items"]
    assert [(each["partner"], each["outcome"], each["reason"]) for each in items] == [
        (south.node, "done", ""),
        (east.node, "refused", "malformed"),
    ]
    assert {each["lane"] for each in items} == {str(entry.lane_id)}


# ---- markings within the node -----------------------------------------------------------------------------------


def test_what_a_red_release_is_about_is_for_the_persons_it_names(cast: Cast) -> None:
    release = _received(partner(), tlp=Tlp.RED, persons=[cast.analyst.row.email.upper()])
    path = f"/federation/releases/{release.id}"
    assert cast.analyst.api.get(path).json()["title"] == "Their report 1"
    hidden = cast.administrator.api.get(path).json()
    assert (hidden["title"], hidden["subject"], hidden["topics"]) == (None, None, None)
    assert "RED" in hidden["restricted"]
    assert "Their report" not in cast.administrator.api.get("/federation/releases").content.decode()
    # it is read by whom it names, and found by nobody
    for member in (cast.analyst, cast.administrator):
        assert member.api.get("/federation/releases", text="Their").json()["items"] == []


def test_another_organisation_of_the_node_reads_no_red_release_by_giving_an_account_to_whom_it_names(
    cast: Cast,
) -> None:
    university = Organisation.objects.create(names={"en": "University"}, kind="university")
    taken = person("analyst", organisation=university)
    release = _received(partner(), tlp=Tlp.RED, persons=[taken.email])
    shown = Caller(token_of(taken)).get(f"/federation/releases/{release.id}").json()
    assert (shown["title"], shown["subject"]) == (None, None)


def test_what_amber_strict_is_about_stays_inside_the_organisation_of_the_node(cast: Cast) -> None:
    university = Organisation.objects.create(names={"en": "University"}, kind="university")
    guest = Caller(token_of(person("analyst", organisation=university)))
    release = _received(partner(), tlp=Tlp.AMBER_STRICT)
    path = f"/federation/releases/{release.id}"
    assert cast.trainee.api.get(path).json()["title"] == "Their report 1"
    hidden = guest.get(path).json()
    assert (hidden["title"], hidden["direction"], hidden["tlp"]) == (None, "received", "TLP:AMBER+STRICT")
    release.tlp = Tlp.AMBER
    release.save()
    assert guest.get(path).json()["title"] == "Their report 1"
