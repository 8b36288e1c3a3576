"""A POST that is sent twice is done once."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.client import encode_multipart

from taawun.capabilities.intel.models import Import
from taawun.cooperation.partners import actions
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.models import ApiToken, Invitation
from taawun.foundation.clock import frozen, now
from taawun.platform.audit.models import Entry
from taawun.platform.web import idempotency
from taawun.platform.web.bearer import Bearer
from taawun.platform.web.idempotency import LIFE, answer_once, prune
from taawun.platform.web.models import Answer
from tests.cast import API, Caller, Cast, establish_node, partner, person, some_id, token_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

NEW_TOKEN = {"name": "for a script", "scopes": ["read:partners"]}
KEY = "1a7b"
PATH = f"{API}/intel/imports?tlp=TLP:GREEN"


def _met() -> int:
    return Entry.objects.filter(verb="partners.met").count()


def test_the_same_request_again_gets_the_first_answer_and_does_nothing(cast: Cast) -> None:
    api = cast.administrator.api
    first = api.post("/invitations", {"email": "a@cert.example", "roles": ["analyst"]}, Idempotency_Key=KEY)
    again = api.post("/invitations", {"email": "a@cert.example", "roles": ["analyst"]}, Idempotency_Key=KEY)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Invitation.objects.count() == 1


def test_of_a_token_that_sends_keys_without_end_the_newest_answers_are_kept(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MOST_KEPT", 10)
    api, other = cast.administrator.api, cast.observer.api
    asked = {"kind": "intel.report", "tlp": "TLP:GREEN"}
    other.post("/federation/decide", asked, Idempotency_Key=KEY)
    for number in range(35):
        api.post("/federation/decide", asked, Idempotency_Key=f"{number}")
        assert Answer.objects.count() <= 11
    # the newest is given again, and that of another token stays
    assert (
        api.post("/federation/decide", asked, Idempotency_Key="34").headers["Idempotency-Replayed"] == "true"
    )
    assert (
        other.post("/federation/decide", asked, Idempotency_Key=KEY).headers["Idempotency-Replayed"] == "true"
    )


def test_without_a_key_the_same_request_is_done_again(cast: Cast) -> None:
    body = {"email": "a@cert.example", "roles": ["analyst"]}
    links = {cast.administrator.api.post("/invitations", body).json()["link"] for _ in range(2)}
    assert len(links) == 2
    assert Invitation.objects.count() == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [("/tokens", {**NEW_TOKEN, "name": "another"}), ("/partners", NEW_TOKEN), ("/tokens?x=1", NEW_TOKEN)],
)
def test_a_key_that_was_used_for_another_request_is_refused(
    cast: Cast, path: str, body: dict[str, Any]
) -> None:
    api = cast.administrator.api
    assert api.post("/tokens", NEW_TOKEN, Idempotency_Key=KEY).status_code == 201
    answer = api.post(path, body, Idempotency_Key=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:taawun:problem:idempotency-key-reused")
    assert ApiToken.objects.filter(name__in=["for a script", "another"]).count() == 1


def _file(size: int) -> bytes:
    """A STIX bundle of so many bytes at least."""
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": "identity--3f2a1c7e-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "N",
        "description": "x" * size,
    }
    bundle = {"type": "bundle", "id": "bundle--3f2a1c7e-0000-4000-8000-000000000002", "objects": [identity]}
    return json.dumps(bundle).encode()


LARGE = 3 * 1024 * 1024


@pytest.mark.parametrize("as_form", [False, True], ids=["the body itself", "a form"])
def test_a_file_beyond_what_other_bodies_may_have_is_brought_in_once(cast: Cast, as_form: bool) -> None:
    api, sent = cast.analyst.api, _file(LARGE)
    headers = {**api.headers, "Idempotency-Key": KEY}

    def send(content: bytes) -> Response:
        if as_form:
            file = SimpleUploadedFile("a.json", content, content_type="application/json")
            body = encode_multipart("once", {"file": file})
            return api.client.generic(
                "POST", PATH, body, content_type="multipart/form-data; boundary=once", headers=headers
            )
        return api.client.generic("POST", PATH, content, content_type="application/json", headers=headers)

    first, again = send(sent), send(sent)
    assert (first.status_code, first.json()["size"]) == (202, len(sent))
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Import.objects.count() == 1
    other = send(_file(LARGE + 1))
    assert (other.status_code, other.json()["type"]) == (422, "urn:taawun:problem:idempotency-key-reused")
    assert Import.objects.count() == 1
    assert len(bytes(Answer.objects.get().sealed)) < 4096


def test_a_large_body_is_refused_where_none_is_taken_with_a_key_as_without(cast: Cast) -> None:
    body = {"email": "a@cert.example", "roles": ["analyst"], "x": "x" * LARGE}
    for headers in ({}, {"Idempotency_Key": KEY}):
        answer = cast.administrator.api.post("/invitations", body, **headers)
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:taawun:problem:too-large")
    assert not Answer.objects.exists()


def test_a_key_belongs_to_one_token(cast: Cast) -> None:
    mine, other = cast.administrator.api, Caller(token_of(cast.administrator.row))
    first = mine.post("/tokens", NEW_TOKEN, Idempotency_Key=KEY).json()
    second = other.post("/tokens", NEW_TOKEN, Idempotency_Key=KEY).json()
    assert first["token"] != second["token"]


def test_a_key_is_forgotten_after_a_day(cast: Cast) -> None:
    token = token_of(cast.administrator.row, expires=now() + timedelta(days=9))
    api = Caller(token)
    with frozen(now()) as clock:
        first = api.post("/tokens", NEW_TOKEN, Idempotency_Key=KEY).json()
        clock.advance(LIFE - timedelta(seconds=1))
        assert api.post("/tokens", NEW_TOKEN, Idempotency_Key=KEY).json() == first
        assert prune() == 0
        clock.advance(timedelta(seconds=1))
        assert api.post("/tokens", NEW_TOKEN, Idempotency_Key=KEY).json()["token"] != first["token"]
        clock.advance(LIFE)
        assert prune() == 1


def test_an_answer_that_is_an_error_is_not_remembered_and_changed_nothing(cast: Cast) -> None:
    api = cast.administrator.api
    refused = api.post("/partners", {"node": "nowhere"}, Idempotency_Key=KEY)
    assert refused.status_code == 422
    assert Answer.objects.count() == 0
    mended = api.post("/partners", {"node": "https://cert.example"}, Idempotency_Key=KEY)
    assert mended.status_code == 202


def test_a_request_that_failed_half_way_leaves_nothing_and_can_be_sent_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = cast.administrator.api
    with monkeypatch.context() as patched:
        patched.setattr(actions, "record", _fail)
        assert api.post("/partners", {"node": "https://cert.example"}, Idempotency_Key=KEY).status_code == 500
    assert (Partner.objects.count(), Answer.objects.count()) == (0, 0)
    again = api.post("/partners", {"node": "https://cert.example"}, Idempotency_Key=KEY)
    assert (again.status_code, _met()) == (202, 1)


def _fail(*_arguments: object) -> None:
    raise RuntimeError("the power went")


@pytest.mark.parametrize("key", ["", "k" * 256, "k\u00e9", "a\tb"])
def test_a_key_that_is_none_is_refused(cast: Cast, key: str) -> None:
    answer = cast.administrator.api.post("/tokens", NEW_TOKEN, Idempotency_Key=key)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:taawun:problem:bad-idempotency-key")


def test_the_secret_in_an_answer_cannot_be_read_from_the_database(cast: Cast) -> None:
    answer = cast.administrator.api.post("/tokens", NEW_TOKEN, Idempotency_Key=KEY)
    sealed = bytes(Answer.objects.get().sealed)
    assert answer.json()["token"].encode() not in sealed
    assert b"for a script" not in sealed


def test_an_answer_that_is_streamed_is_given_once_and_its_act_stays(cast: Cast) -> None:
    bearer = Bearer(cast.analyst.actor, some_id(), now(), frozenset(), "taawun_secret")

    def act() -> StreamingHttpResponse:
        partner()
        return StreamingHttpResponse(iter([b"done"]))

    for _ in range(2):
        answer = answer_once(bearer, KEY, "digest", act)
        assert answer.status_code == 200
    assert (Partner.objects.count(), Answer.objects.count()) == (2, 0)


def test_reading_and_replacing_take_no_key(cast: Cast) -> None:
    answer = cast.administrator.api.send("GET", "/me", headers={"Idempotency-Key": KEY})
    assert answer.status_code == 200
    assert Answer.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_done_and_both_get_its_answer() -> None:
    establish_node()
    token = token_of(person("administrator"))
    gate, answers = threading.Barrier(4), list[Any]()

    def send() -> None:
        try:
            gate.wait()
            answers.append(_met_by(token))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.status_code for each in answers] == [202] * 4
    assert len({each.content for each in answers}) == 1
    assert sorted(each.headers.get("Idempotency-Replayed", "") for each in answers) == ["", *["true"] * 3]
    assert (Partner.objects.count(), _met()) == (1, 1)


def _met_by(token: str) -> Response:
    return Caller(token).post("/partners", {"node": "https://cert.example"}, Idempotency_Key=KEY)
