"""The gate before every address of the machine interface."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.test import RequestFactory

from taawun.cooperation.people import queries
from taawun.foundation.clock import frozen, now
from taawun.platform.web import api as web
from taawun.platform.web.api import BODY_LIMITS, Refusal, check_edition, gate
from taawun.platform.web.limits import Buckets, Rate
from tests.cast import API, Caller, Cast, basic, partner, token_of

QUESTION = {"kind": "intel.report", "tlp": "TLP:GREEN"}


# ---- who calls --------------------------------------------------------------------------------------------------


def test_only_a_token_of_this_nodes_active_people_passes(cast: Cast) -> None:
    assert cast.meet("GET", "/me") == Cast.statuses(200)


def test_without_a_token_the_answer_says_how_to_send_one(cast: Cast) -> None:
    answer = cast.nobody.api.get("/me")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="taawun"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:taawun:problem:token-missing"


def test_a_token_that_opens_nothing_is_called_invalid(cast: Cast) -> None:
    answer = cast.elsewhere.api.get("/me")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="taawun", error="invalid_token"'
    assert answer.json()["type"] == "urn:taawun:problem:token-refused"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Token x", basic("a", "b"), "Bearer " + "x" * 5000, "Bearer \u0664"]
)
def test_no_other_authorization_passes(cast: Cast, header: str) -> None:
    caller = Caller(None)
    caller.headers["Authorization"] = header
    assert caller.get("/me").status_code == 401


def test_a_session_cookie_is_no_token(cast: Cast) -> None:
    assert cast.administrator.browser().get(f"{API}/me").status_code == 401


def test_a_token_ends_when_its_time_is_over(cast: Cast) -> None:
    caller = Caller(token_of(cast.analyst.row, expires=now() + timedelta(hours=1)))
    assert caller.get("/me").status_code == 200
    with frozen(now() + timedelta(hours=1)):
        assert caller.get("/me").status_code == 401


def test_a_token_does_what_its_scopes_and_its_persons_roles_both_allow(cast: Cast) -> None:
    caller = Caller(token_of(cast.observer.row, "read:partners", "manage:partners"))
    assert caller.get("/me").json()["permissions"] == ["read:partners"]
    assert caller.get("/partners").status_code == 200
    assert caller.get("/agreements").status_code == 403
    assert caller.post("/partners", {"node": "https://cert.example"}).status_code == 403


def test_a_missing_permission_is_refused_with_its_reason(cast: Cast) -> None:
    answer = cast.stranger.api.get("/partners")
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:taawun:problem:permission-missing"
    assert "read:partners" in answer.json()["detail"]


def test_the_last_use_of_a_token_is_noted_to_the_minute(cast: Cast) -> None:
    caller = cast.analyst.api
    with frozen(now()) as clock:
        first = caller.get("/me").json()["token"]["last_used"]
        clock.advance(timedelta(seconds=59))
        assert caller.get("/me").json()["token"]["last_used"] == first
        clock.advance(timedelta(seconds=1))
        assert caller.get("/me").json()["token"]["last_used"] > first


def test_what_a_token_may_see_is_kept_by_no_cache(cast: Cast) -> None:
    assert cast.analyst.api.get("/me").headers["Cache-Control"] == "private, no-store"


# ---- what comes in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "status", "code", "line", "column", "pointer"),
    [
        (b'{"kind": 1,\n "kind": 2}', 400, "duplicate-key", 2, 2, "/kind"),
        (b'{"tlp":\n"\xff"}', 400, "not-utf8", 2, 2, None),
        (b'{"tlp": NaN}', 400, "not-finite", 1, 9, "/tlp"),
        (b'{"tlp": "TLP:RED"', 400, "not-json", 1, 18, None),
        (b"[" * 33 + b"]" * 33, 400, "too-deep", 1, 33, None),
        (b'{"tlp": "\\u0000"}', 400, "nul-character", 1, 9, "/tlp"),
        (b'{"tlp": "\\ud800"}', 400, "lone-surrogate", 1, 9, "/tlp"),
        (b'{"tlp": 1} {"tlp": 2}', 400, "trailing-data", 1, 12, None),
    ],
)
def test_a_body_that_is_unsound_is_refused_with_its_place(
    cast: Cast, raw: bytes, status: int, code: str, line: int, column: int, pointer: str | None
) -> None:
    answer = cast.analyst.api.send("POST", "/federation/decide", raw=raw)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:taawun:problem:{code}")
    assert (problem["line"], problem["column"]) == (line, column)
    if pointer:
        assert problem["pointer"] == pointer


def test_a_body_that_is_too_large_is_refused_before_it_is_read(cast: Cast) -> None:
    raw = b'{"tlp": "' + b"x" * BODY_LIMITS.max_bytes + b'"}'
    answer = cast.analyst.api.send("POST", "/federation/decide", raw=raw)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:taawun:problem:too-large")
    assert str(BODY_LIMITS.max_bytes) in answer.json()["detail"]


def test_every_place_that_does_not_fit_is_named(cast: Cast) -> None:
    answer = cast.analyst.api.post("/federation/decide", {"kind": 1, "topics": ["a", 2], "more": True})
    problem = answer.json()
    assert answer.status_code == 422
    assert {each["pointer"]: each["code"] for each in problem["errors"]} == {
        "/kind": "string_type",
        "/topics/1": "string_type",
        "/more": "extra_forbidden",
        "/tlp": "missing",
    }
    assert problem["pointer"] == problem["errors"][0]["pointer"]


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"7", b'"text"'])
def test_a_body_of_another_shape_is_refused(cast: Cast, raw: bytes) -> None:
    answer = cast.analyst.api.send("POST", "/federation/decide", raw=raw)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:taawun:problem:invalid")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonx", 415),
        ("", 415),
    ],
)
def test_a_body_says_that_it_is_json(cast: Cast, media_type: str, status: int) -> None:
    answer = cast.analyst.api.send(
        "POST", "/federation/decide", QUESTION, headers={"Content-Type": media_type}
    )
    assert answer.status_code == status


@pytest.mark.parametrize("query", [{"search": "a\0b"}, {"after": "\0"}])
def test_a_parameter_with_a_nul_character_is_refused(cast: Cast, query: dict[str, str]) -> None:
    answer = cast.analyst.api.get("/people", **query)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:taawun:problem:nul-character")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"after": "made up"}, "after"),
        ({"after": "W10"}, "after"),
        ({"after": "x" * 5000}, "after"),
    ],
)
def test_a_page_that_cannot_be_is_refused(cast: Cast, query: dict[str, str | int], parameter: str) -> None:
    answer = cast.analyst.api.get("/people", **query)
    problem = answer.json()
    assert answer.status_code == 422
    assert (problem.get("parameter") or problem["errors"][0]["parameter"]) == parameter


def test_a_list_is_walked_page_by_page_and_each_row_comes_once(cast: Cast) -> None:
    for number in range(7):
        partner(node=f"https://p{number}.example")
    seen, after = [], ""
    for _page in range(10):
        answer = cast.analyst.api.get("/partners", limit=3, after=after).json()
        seen += [each["node"] for each in answer["items"]]
        if answer["next"] is None:
            break
        after = answer["next"]
    assert seen == [f"https://p{number}.example" for number in range(7)]


# ---- addresses and methods --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nothing", "/me/", "/partners/not-an-id", "/agreements/1", ""])
def test_an_unknown_address_is_a_problem_and_not_a_page(cast: Cast, path: str) -> None:
    answer = cast.analyst.api.get(path) if path else cast.analyst.api.client.get("/api")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/me", {"GET", "PATCH"}),
        ("PATCH", "/tokens", {"GET", "POST"}),
        ("DELETE", "/partners", {"GET", "POST"}),
        ("OPTIONS", "/audit", {"GET"}),
        ("TRACE", "/audit", {"GET"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(cast: Cast, method: str, path: str, allowed: set[str]) -> None:
    answer = cast.administrator.api.send(method, path)
    assert (answer.status_code, answer.json()["type"]) == (405, "urn:taawun:problem:wrong-method")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_head_answers_like_get_without_content(cast: Cast) -> None:
    answer = cast.analyst.api.send("HEAD", "/me")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Who are you?"), ("fr", "Qui êtes-vous ?"), ("ar", "من أنت؟")]
)
def test_problems_speak_the_callers_language(cast: Cast, language: str, title: str) -> None:
    answer = Caller(None, language).get("/me")
    assert answer.json()["title"].replace("\u202f", " ").replace("\xa0", " ") == title
    assert answer.headers["Content-Language"] == language


# ---- limits and faults ------------------------------------------------------------------------------------------


def test_too_many_requests_with_one_token_are_told_when_to_try_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "TOKENS", Buckets(Rate(burst=2, per_second=0.1)))
    with frozen(now()):
        statuses = [cast.analyst.api.get("/me").status_code for _ in range(3)]
        refused = cast.analyst.api.get("/me")
        assert statuses == [200, 200, 429]
        assert refused.headers["Retry-After"] == "10"
        assert refused.json()["type"] == "urn:taawun:problem:too-many-requests"
        assert cast.officer.api.get("/me").status_code == 200


def test_too_many_requests_from_one_address_are_refused_before_any_token_is_looked_at(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "ADDRESSES", Buckets(Rate(burst=1, per_second=1)))
    with frozen(now()):
        assert [cast.nobody.api.get("/me").status_code for _ in range(2)] == [401, 429]
        other = cast.analyst.api.client.get(f"{API}/me", REMOTE_ADDR="192.0.2.1")
        assert other.status_code == 401


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("secret of the node"), 500, "fault"),
        (OperationalError("database is locked"), 503, "busy"),
        (Refusal(403, "not-yours", "It is not yours."), 403, "not-yours"),
    ],
)
def test_whatever_goes_wrong_is_a_problem_that_tells_nothing_of_the_inside(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(queries, "persons", fail)
    answer = cast.analyst.api.get("/people")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:taawun:problem:{code}")
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(RequestDataTooBig(), 413, "too-large"), (UnreadablePostError(), 400, "broken-off")],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(_self: object) -> bytes:
        raise error

    caller = cast.analyst.api
    monkeypatch.setattr(HttpRequest, "body", property(fail))
    answer = caller.post("/federation/decide", QUESTION, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:taawun:problem:{code}")


def test_a_public_view_asks_for_no_token() -> None:
    answer = gate(lambda _request: HttpResponse("open"), is_public=True)(RequestFactory().get("/x"))
    assert answer.status_code == 200


# ---- editions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ['"3"', '"2", "3"', "*", ' "3" '])
def test_an_edit_of_what_is_there_passes(given: str) -> None:
    check_edition(RequestFactory().put("/x", headers={"If-Match": given}), 3)


@pytest.mark.parametrize(
    ("given", "status"), [(None, 428), ("", 428), ('"2"', 412), ("3", 412), ('W/"3"', 412), ('"33"', 412)]
)
def test_an_edit_of_something_else_is_refused(given: str | None, status: int) -> None:
    headers = {} if given is None else {"If-Match": given}
    with pytest.raises(Refusal) as refused:
        check_edition(RequestFactory().put("/x", headers=headers), 3)
    assert refused.value.status == status
    assert refused.value.headers == ({"ETag": '"3"'} if status == 412 else {})
