"""Oneself and one's own tokens at the machine interface."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from taawun.cooperation.people import actions
from taawun.cooperation.people.errors import ScopeRefused, TokenOutlives
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


def test_everybody_says_what_they_are_called_and_in_which_language_they_are_written_to(cast: Cast) -> None:
    body = {"name": " Noor  al-Huda ", "language": "ar"}
    assert cast.meet("PATCH", "/me", body) == Cast.statuses(200)
    me = cast.analyst.api.get("/me").json()["person"]
    assert (me["name"], me["language"]) == ("Noor al-Huda", "ar")
    changed = cast.analyst.api.send("PATCH", "/me", {"language": "fr", "name": None}).json()["person"]
    assert (changed["name"], changed["language"]) == ("Noor al-Huda", "fr")
    assert cast.analyst.api.send("PATCH", "/me", {}).json()["person"] == changed
    told = Entry.objects.filter(verb="people.renamed", actor_id=str(cast.analyst.row.id))
    assert [each.subject for each in told] == [f"urn:uuid:{cast.analyst.row.id}"]


def test_everybody_says_how_they_read_and_only_what_they_say_changes(cast: Cast) -> None:
    plain = {
        "zone": "",
        "calendar": "gregorian",
        "digits": "territory",
        "addressed": "neutral",
        "theme": "device",
    }
    api = cast.analyst.api
    assert api.get("/me").json()["reading"] == plain
    wanted = {"zone": "Asia/Kathmandu", "calendar": "with-hijri", "digits": "arabic-indic"}
    assert api.send("PATCH", "/me", wanted).json()["reading"] == plain | wanted
    changed = api.send("PATCH", "/me", {"zone": "", "theme": "dark", "digits": None}).json()["reading"]
    assert changed == plain | wanted | {"zone": "", "theme": "dark"}
    assert cast.observer.api.get("/me").json()["reading"] == plain
    told = Entry.objects.filter(verb="people.reading-changed").order_by("id")
    assert [each.details for each in told] == [
        {"changed": ["calendar", "digits", "zone"]},
        {"changed": ["theme", "zone"]},
    ]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"zone": "Mars/Olympus", "name": "Other"}, "no-such-zone", "/zone"),
        ({"calendar": "julian"}, "invalid", "/calendar"),
        ({"addressed": ""}, "invalid", "/addressed"),
        ({"name": " "}, "people-refused", "/name"),
        ({"name": ""}, "invalid", "/name"),
        ({"name": "n" * 201}, "invalid", "/name"),
        ({"language": "de"}, "invalid", "/language"),
        ({"email": "other@cert.example"}, "invalid", "/email"),
        ({"name": " ", "language": "fr"}, "people-refused", "/name"),
    ],
)
def test_what_nobody_can_be_called_changes_nothing(
    cast: Cast, body: dict[str, str], code: str, pointer: str
) -> None:
    before = cast.analyst.api.get("/me").json()["person"]
    reading = cast.analyst.api.get("/me").json()["reading"]
    answer = cast.analyst.api.send("PATCH", "/me", body)
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["pointer"]) == (
        422,
        f"urn:taawun:problem:{code}",
        pointer,
    )
    assert cast.analyst.api.get("/me").json()["person"] == before
    assert cast.analyst.api.get("/me").json()["reading"] == reading


def test_everybody_lists_their_own_tokens_alone(cast: Cast) -> None:
    assert cast.meet("GET", "/tokens") == Cast.statuses(200)
    mine = cast.analyst.api.get("/tokens").json()["items"]
    assert [each["id"] for each in mine] == [str(ApiToken.objects.get(person=cast.analyst.row).id)]
    assert (cast.analyst.token or "") not in str(mine)


def test_ones_tokens_come_by_pages_newest_first(cast: Cast) -> None:
    made = [cast.analyst.api.post("/tokens", {**NEW, "name": str(each)}).json() for each in range(3)]
    first = cast.analyst.api.get("/tokens", limit=2).json()
    second = cast.analyst.api.get("/tokens", limit=2, after=first["next"]).json()
    assert [each["id"] for each in first["items"]] == [made[2]["about"]["id"], made[1]["about"]["id"]]
    assert next(each["id"] for each in second["items"]) == made[0]["about"]["id"]
    assert (len(second["items"]), second["next"]) == (2, None)


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


def test_nobody_who_does_not_manage_people_revokes_the_token_of_somebody_else(cast: Cast) -> None:
    theirs = Caller(token_of(cast.observer.row))
    about = theirs.get("/me").json()["token"]["id"]
    assert not actions.revoke_token(cast.analyst.actor, about)
    assert theirs.get("/me").status_code == 200
    assert actions.revoke_token(cast.observer.actor, about)
    assert theirs.get("/me").status_code == 401


def test_a_token_opens_nothing_from_its_last_instant_on(cast: Cast) -> None:
    with frozen(now()) as clock:
        caller = Caller(token_of(cast.analyst.row, expires=clock.now() + timedelta(days=1)))
        clock.advance(timedelta(days=1) - timedelta(microseconds=1))
        assert caller.get("/me").status_code == 200
        clock.advance(timedelta(microseconds=1))
        assert caller.get("/me").status_code == 401


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


def test_a_request_goes_on_though_nobody_can_write_that_its_token_was_used(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cast.analyst.api.post("/tokens", NEW).json()

    def is_busy(_found: object, **_changes: object) -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr(QuerySet, "update", is_busy)
    assert Caller(made["token"]).get("/me").status_code == 200
    assert ApiToken.objects.get(id=made["about"]["id"]).last_used is None


def test_a_token_that_is_not_there_is_not_found(cast: Cast) -> None:
    answer = cast.analyst.api.delete(f"/tokens/{some_id()}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-token")


# ---- tokens that were made with a token -------------------------------------------------------------------------
def _made(caller: Caller, **changes: object) -> tuple[Caller, str]:
    """A token that this one asks for, and its id."""
    made = caller.post("/tokens", {**NEW, **changes}).json()
    return Caller(made["token"]), made["about"]["id"]


def _own_id(caller: Caller) -> str:
    found: str = caller.get("/me").json()["token"]["id"]
    return found


def _statuses(*callers: Caller) -> list[int]:
    return [each.get("/me").status_code for each in callers]


def test_a_token_tells_with_which_it_was_made(cast: Cast) -> None:
    child, identifier = _made(cast.analyst.api)
    assert child.get("/me").json()["token"]["made_with"] == _own_id(cast.analyst.api)
    assert cast.analyst.api.get("/me").json()["token"]["made_with"] is None
    created = Entry.objects.get(verb="people.token-created", subject=f"urn:uuid:{identifier}")
    assert created.details["made_with"] == f"urn:uuid:{_own_id(cast.analyst.api)}"


def test_what_was_made_with_a_token_ends_with_it_however_far_down(cast: Cast) -> None:
    stolen = cast.analyst.api
    child, child_id = _made(stolen)
    grandchild, grandchild_id = _made(child)
    other = Caller(token_of(cast.analyst.row))
    assert _statuses(stolen, child, grandchild, other) == [200] * 4
    stolen_id = _own_id(stolen)
    assert stolen.delete(f"/tokens/{stolen_id}").status_code == 204
    assert _statuses(stolen, child, grandchild, other) == [401, 401, 401, 200]
    rows = {row.subject: row.details for row in Entry.objects.filter(verb="people.token-revoked")}
    ended_with = {"with": f"urn:uuid:{stolen_id}"}
    assert rows == {
        f"urn:uuid:{stolen_id}": {},
        f"urn:uuid:{child_id}": ended_with,
        f"urn:uuid:{grandchild_id}": ended_with,
    }


def test_what_stands_above_a_revoked_token_and_beside_it_stays(cast: Cast) -> None:
    parent = cast.analyst.api
    (first, first_id), (second, _) = _made(parent), _made(parent)
    assert parent.delete(f"/tokens/{first_id}").status_code == 204
    assert _statuses(parent, first, second) == [200, 401, 200]


def test_a_branch_below_a_token_that_ended_before_ends_too(cast: Cast) -> None:
    parent = cast.analyst.api
    child, child_id = _made(parent)
    grandchild, _ = _made(child)
    ApiToken.objects.filter(id=child_id).update(revoked=now())
    assert parent.delete(f"/tokens/{_own_id(parent)}").status_code == 204
    assert _statuses(grandchild) == [401]


def test_a_token_ends_only_itself_and_what_was_made_with_it(cast: Cast) -> None:
    parent, other = cast.analyst.api, Caller(token_of(cast.analyst.row))
    child, child_id = _made(parent)
    sibling, sibling_id = _made(parent)
    _, grandchild_id = _made(child)
    for wanted in (_own_id(parent), _own_id(other), sibling_id):
        refused = child.delete(f"/tokens/{wanted}")
        assert (refused.status_code, refused.json()["type"]) == (404, "urn:taawun:problem:no-such-token")
    assert _statuses(parent, other, child, sibling) == [200] * 4
    assert parent.delete(f"/tokens/{grandchild_id}").status_code == 204
    assert child.delete(f"/tokens/{child_id}").status_code == 204


@pytest.mark.usefixtures("pages")
def test_who_is_signed_in_ends_all_their_own(cast: Cast) -> None:
    child, _ = _made(cast.analyst.api)
    path = f"/en/people/tokens/{_own_id(cast.analyst.api)}/revoke/"
    client = cast.analyst.browser()
    assert "The tokens that were made with it are revoked too." in client.get(path).content.decode()
    assert client.post(path).status_code == 302
    assert _statuses(cast.analyst.api, child) == [401, 401]


@pytest.mark.usefixtures("pages")
def test_the_page_of_tokens_tells_with_which_one_was_made(cast: Cast) -> None:
    _made(cast.analyst.api)
    page = cast.analyst.browser().get("/en/people/tokens/").content.decode()
    assert page.count("made with “of the tests”") == 1


def test_a_token_that_has_just_ended_mints_none(cast: Cast) -> None:
    held = ApiToken.objects.get(person=cast.analyst.row)
    ApiToken.objects.filter(id=held.id).update(revoked=now())
    with pytest.raises(TokenOutlives):
        actions.create_token(
            cast.analyst.actor, cast.analyst.row, name="x", scopes=["read:people"], made_with=held.id
        )


def test_a_token_mints_no_scope_that_it_lacks_whoever_acts(cast: Cast) -> None:
    token_of(cast.administrator.row, "read:people")
    narrow = ApiToken.objects.get(person=cast.administrator.row, scopes=["read:people"])
    with pytest.raises(ScopeRefused):
        actions.create_token(
            cast.administrator.actor,
            cast.administrator.row,
            name="x",
            scopes=["manage:people"],
            made_with=narrow.id,
        )
