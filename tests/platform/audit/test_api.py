"""The machine face of the audit trail."""

from __future__ import annotations

import pytest

from taawun.cooperation.people.actors import SystemActor
from taawun.platform.audit.actions import record, seal
from taawun.platform.audit.models import Entry
from tests.cast import Cast

READER = SystemActor("tests.trail")


def _recorded() -> None:
    record(READER, "agreements.drafted", "urn:a")
    record(READER, "agreements.signed", "urn:a", {"version": 1})
    record(READER, "partners.met", "urn:b")


def test_the_trail_is_read_by_who_holds_the_permission(cast: Cast) -> None:
    assert cast.meet("GET", "/audit") == Cast.statuses(403, administrator=200, officer=200, other_officer=200)


@pytest.mark.parametrize(
    ("query", "verbs"),
    [
        ({"verb": "agreements.signed"}, ["agreements.signed"]),
        ({"verb": "agreements."}, ["agreements.signed", "agreements.drafted"]),
        ({"subject": "urn:b"}, ["partners.met"]),
        ({"actor": "tests.trail"}, ["partners.met", "agreements.signed", "agreements.drafted"]),
        ({"actor": "tests.trail", "verb": "partners."}, ["partners.met"]),
        ({"actor": "nobody"}, []),
    ],
)
def test_the_trail_is_read_newest_first_and_narrowed(
    cast: Cast, query: dict[str, str], verbs: list[str]
) -> None:
    _recorded()
    items = cast.officer.api.get("/audit", **query).json()["items"]
    assert [each["verb"] for each in items] == verbs


def test_a_row_tells_who_did_what_and_where_it_stands_in_the_chain(cast: Cast) -> None:
    _recorded()
    found = cast.officer.api.get("/audit", verb="agreements.signed").json()["items"][0]
    assert found["actor"] == {"kind": "system", "id": "tests.trail", "label": "tests.trail"}
    assert (found["subject"], found["details"], found["seq"], found["digest"]) == (
        "urn:a",
        {"version": 1},
        None,
        "",
    )
    sealed = seal()
    found = cast.officer.api.get("/audit", verb="partners.met").json()["items"][0]
    assert found["seq"] == sealed
    assert len(found["digest"]) == 64


def test_the_trail_is_walked_page_by_page(cast: Cast) -> None:
    _recorded()
    api = cast.officer.api
    first = api.get("/audit", actor="tests.trail", limit=2).json()
    second = api.get("/audit", actor="tests.trail", limit=2, after=first["next"]).json()
    assert [each["verb"] for each in [*first["items"], *second["items"]]] == [
        "partners.met",
        "agreements.signed",
        "agreements.drafted",
    ]
    assert second["next"] is None


@pytest.mark.parametrize("query", [{"verb": "x" * 81}, {"subject": "x" * 401}, {"actor": "x" * 301}])
def test_a_narrowing_that_is_too_long_is_refused(cast: Cast, query: dict[str, str]) -> None:
    answer = cast.officer.api.get("/audit", **query)
    assert answer.json()["errors"][0]["parameter"] == next(iter(query))


def test_the_chain_is_told_and_checked(cast: Cast) -> None:
    _recorded()
    rows = seal()
    record(READER, "partners.met", "urn:c")
    api = cast.officer.api
    head = Entry.objects.get(seq=rows).digest
    told = {"rows": rows, "head": head, "waiting": 1}
    assert api.get("/audit/chain").json() == told
    assert api.post("/audit/chain").json() == {**told, "broken_at": None}
    Entry.objects.filter(seq=2).update(verb="intel.forgotten")
    assert api.post("/audit/chain").json() == {
        "rows": 1,
        "head": Entry.objects.get(seq=1).digest,
        "waiting": 1,
        "broken_at": 2,
    }


def test_the_chain_is_for_who_reads_the_trail(cast: Cast) -> None:
    readers = Cast.statuses(403, administrator=200, officer=200, other_officer=200)
    assert cast.meet("GET", "/audit/chain") == readers
    assert cast.meet("POST", "/audit/chain") == readers


def test_a_long_chain_is_checked_at_the_console(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    _recorded()
    seal()
    monkeypatch.setattr("taawun.platform.audit.queries.LONGEST_WALK", 2)
    answer = cast.officer.api.post("/audit/chain")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:long-chain")
