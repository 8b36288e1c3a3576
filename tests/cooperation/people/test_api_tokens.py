"""Oneself and one's own tokens at the machine interface."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taawun.cooperation.people.models import ApiToken
from taawun.foundation.clock import frozen, now
from taawun.foundation.digests import sha256
from taawun.platform.audit.models import Entry
from tests.cast import Caller, Cast, some_id, token_of

NEW: dict[str, Any] = {"name": "for a script", "scopes": ["read:partners", "read:people"]}


def test_everybody_with_a_token_learns_who_they_are(cast: Cast) -> None:
    assert cast.meet("GET", "/me") == Cast.statuses(200)
    me = cast.observer.api.get("/me").json()
    assert me["person"]["email"] == cast.observer.row.email
    assert me["permissions"] == sorted(cast.observer.actor.permissions)
    assert me["token"]["hint"] == (cast.observer.token or "")[:12]


def test_everybody_lists_their_own_tokens_alone(cast: Cast) -> None:
    assert cast.meet("GET", "/tokens") == Cast.statuses(200)
    mine = cast.analyst.api.get("/tokens").json()["items"]
    assert [each["id"] for each in mine] == [str(ApiToken.objects.get(person=cast.analyst.row).id)]
    assert (cast.analyst.token or "") not in str(mine)


def test_a_new_token_is_shown_once_and_works(cast: Cast) -> None:
    made = cast.analyst.api.post("/tokens", NEW).json()
    assert Caller(made["token"]).get("/me").json()["permissions"] == ["read:partners", "read:people"]
    kept = ApiToken.objects.get(id=made["about"]["id"])
    assert kept.digest == sha256(made["token"].encode())
    assert made["token"] not in cast.analyst.api.get("/tokens").content.decode()
    assert Entry.objects.filter(verb="people.token-created", actor_id=str(cast.analyst.row.id)).count() == 1


def test_tokens_are_made_by_everybody_for_what_they_may_do(cast: Cast) -> None:
    assert cast.meet("POST", "/tokens", NEW) == Cast.statuses(201, stranger=422)


@pytest.mark.parametrize("scopes", [["manage:people"], ["read:partners", "no:such"], [""]])
def test_a_token_can_do_no_more_than_its_person(cast: Cast, scopes: list[str]) -> None:
    answer = cast.analyst.api.post("/tokens", {**NEW, "scopes": scopes})
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["pointer"]) == (
        422,
        "urn:taawun:problem:scope-refused",
        "/scopes",
    )


def test_a_token_can_do_no_more_than_the_token_that_made_it(cast: Cast) -> None:
    narrow = Caller(token_of(cast.analyst.row, "read:people"))
    assert narrow.post("/tokens", NEW).status_code == 422
    assert narrow.post("/tokens", {**NEW, "scopes": ["read:people"]}).status_code == 201


def test_a_token_lives_no_longer_than_the_token_that_made_it(cast: Cast) -> None:
    with frozen(now()) as clock:
        parent = Caller(token_of(cast.analyst.row, expires=clock.now() + timedelta(days=10)))
        assert parent.post("/tokens", {**NEW, "days": 11}).json()["type"] == "urn:taawun:problem:outlives"
        clock.advance(timedelta(days=1))
        made = parent.post("/tokens", NEW).json()
        assert made["about"]["expires"] == parent.get("/me").json()["token"]["expires"]
        shorter = parent.post("/tokens", {**NEW, "days": 2}).json()
        assert shorter["about"]["expires"] < made["about"]["expires"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"days": 0}, "/days"),
        ({"days": 367}, "/days"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"person": "me"}, "/person"),
    ],
)
def test_a_token_that_cannot_be_is_refused_with_its_place(
    cast: Cast, changes: dict[str, object], pointer: str
) -> None:
    answer = cast.analyst.api.post("/tokens", {**NEW, **changes})
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)


def test_a_revoked_token_opens_nothing_from_that_moment(cast: Cast) -> None:
    made = cast.analyst.api.post("/tokens", NEW).json()
    caller = Caller(made["token"])
    path = f"/tokens/{made['about']['id']}"
    assert caller.get("/me").status_code == 200
    assert cast.analyst.api.delete(path).status_code == 204
    assert caller.get("/me").status_code == 401
    assert cast.analyst.api.delete(path).status_code == 404


def test_others_tokens_are_revoked_by_administrators_alone(cast: Cast) -> None:
    victim = ApiToken.objects.get(person=cast.trainee.row)
    path = f"/tokens/{victim.id}"
    for name in ("analyst", "officer", "observer", "stranger"):
        assert dict(cast)[name].api.delete(path).status_code == 404, name
    assert cast.administrator.api.delete(path).status_code == 204
    assert cast.trainee.api.get("/me").status_code == 401


def test_a_token_that_is_not_there_is_not_found(cast: Cast) -> None:
    answer = cast.analyst.api.delete(f"/tokens/{some_id()}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-token")
