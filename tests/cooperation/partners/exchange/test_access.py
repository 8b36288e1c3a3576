"""Who may ask this node for anything: nodes that sign each request, for this node, for now, once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from taawun.cooperation.partners.exchange import access
from taawun.cooperation.partners.models import Nonce, Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation import request_signatures
from taawun.foundation.clock import frozen, now
from taawun.foundation.signing import SigningKey
from taawun.platform.web.limits import Buckets, Rate
from tests.cast import PartnerNode, partner

LANES = "/federation/lanes"


@pytest.fixture
def south(node: Organisation) -> PartnerNode:
    return partner()


def _ask(
    headers: dict[str, str], path: str = LANES, method: str = "GET", body: bytes = b""
) -> tuple[int, str]:
    """The status, and the code of the problem where there is one."""
    answer = Client().generic(method, path, body, content_type="application/json", headers=headers)
    if answer.headers.get("Content-Type") != "application/problem+json":
        return answer.status_code, ""
    return answer.status_code, str(answer.json()["type"]).removeprefix("urn:taawun:problem:")


def _signed(
    key: SigningKey,
    *,
    url: str = settings.BASE_URL + LANES,
    method: str = "GET",
    body: bytes = b"",
    at: datetime | None = None,
    tag: str = "taawun",
) -> dict[str, str]:
    return request_signatures.sign(method, url, body, key, at=at or now(), tag=tag)


@pytest.mark.parametrize(
    "path", [LANES, f"{LANES}/0193b1a0-0000-7000-8000-000000000001", "/federation/blobs/" + "a" * 64]
)
def test_nothing_is_told_to_whom_does_not_sign(south: PartnerNode, path: str) -> None:
    assert _ask({}, path) == (401, "not-signed")


def test_a_signed_request_is_answered_and_the_same_one_again_is_not(south: PartnerNode) -> None:
    headers = _signed(south.key)
    assert _ask(headers) == (200, "")
    assert _ask(headers) == (401, "replayed")
    assert _ask(_signed(south.key)) == (200, "")
    assert set(Nonce.objects.values_list("kid", flat=True)) == {south.key.kid}


@pytest.mark.django_db(transaction=True)
def test_of_the_same_request_many_times_at_once_one_is_answered(south: PartnerNode) -> None:
    headers = _signed(south.key)
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        try:
            answers.append(_ask(headers))
        finally:
            connections.close_all()

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(200, "")] + [(401, "replayed")] * 5


def test_a_request_for_another_node_is_not_for_us(south: PartnerNode) -> None:
    assert _ask(_signed(south.key, url="https://other.example" + LANES)) == (401, "bad-signature")
    assert _ask(_signed(south.key, url="http://testserver" + LANES)) == (401, "bad-signature")


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [(LANES + "?after=1", "GET", "bad-signature"), ("/federation/blobs/" + "a" * 64, "GET", "bad-signature")],
)
def test_a_signature_is_for_one_address(south: PartnerNode, path: str, method: str, code: str) -> None:
    assert _ask(_signed(south.key), path, method) == (401, code)


def test_a_signature_is_for_one_method_and_one_body(south: PartnerNode) -> None:
    inbox, body = (
        settings.BASE_URL + "/federation/inbox",
        b'{"descriptor":"%s","heads":[]}' % south.descriptor().encode(),
    )
    for signed, code in (
        (_signed(south.key, url=inbox, method="POST", body=b"{}"), "digest-mismatch"),
        (_signed(south.key, url=inbox, method="GET", body=body), "bad-signature"),
    ):
        assert _ask(signed, "/federation/inbox", "POST", body) == (401, code)
    assert _ask(
        _signed(south.key, url=inbox, method="POST", body=body), "/federation/inbox", "POST", body
    ) == (202, "")


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (-61, (401, "expired")),
        (-60, (401, "expired")),
        (-59, (200, "")),
        (0, (200, "")),
        (60, (200, "")),
        (61, (401, "not-yet-valid")),
    ],
)
def test_a_request_holds_for_a_minute_around_our_clock(
    south: PartnerNode, offset: int, expected: tuple[int, str]
) -> None:
    with frozen(now().replace(microsecond=0)) as clock:
        assert _ask(_signed(south.key, at=clock.now() + timedelta(seconds=offset))) == expected


def test_a_key_nobody_has_and_a_signature_for_another_purpose_open_nothing(south: PartnerNode) -> None:
    assert _ask(_signed(SigningKey.generate())) == (401, "unknown-key")
    assert _ask(_signed(south.key, tag="payments")) == (401, "malformed")


def test_another_key_does_not_pass_under_a_partners_name(south: PartnerNode) -> None:
    headers = _signed(SigningKey.generate())
    theirs = _signed(south.key)
    assert _ask(headers | {"Signature-Input": theirs["Signature-Input"]}) == (401, "bad-signature")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("met", (200, "")),
        ("verified", (200, "")),
        ("claimed", (200, "")),
        ("blocked", (403, "partner-blocked")),
    ],
)
def test_a_blocked_partner_is_told_so(south: PartnerNode, state: str, expected: tuple[int, str]) -> None:
    Partner.objects.update(state=state)
    assert _ask(_signed(south.key)) == expected


@pytest.mark.parametrize("state", ["met", "verified"])
def test_who_asks_too_often_is_told_when_to_come_back_and_leaves_nothing_here(
    south: PartnerNode, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(access, "UNCOMPARED", Buckets(Rate(burst=3, per_second=0.1)))
    monkeypatch.setattr(access, "PARTNERS", Buckets(Rate(burst=5, per_second=0.1)))
    most = {"met": 3, "verified": 5}[state]
    Partner.objects.update(state=state)
    other = partner(nation="XE")
    with frozen(now()) as clock:
        assert [_ask(_signed(south.key)) for _ in range(most + 2)] == [
            *[(200, "")] * most,
            *[(429, "asked-too-often")] * 2,
        ]
        assert Nonce.objects.count() == most
        answer = Client().get(LANES, headers=_signed(south.key))
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "10")
        # nobody takes the turn of another by its name alone, and a hint counts as any request does
        assert _ask(_signed(SigningKey.generate())) == (401, "unknown-key")
        assert _ask(_signed(other.key)) == (200, "")
        body = json.dumps({"descriptor": south.descriptor(), "heads": []}).encode()
        told = Client().generic(
            "POST",
            "/federation/inbox",
            body,
            content_type="application/json",
            headers=south.sign("POST", "/federation/inbox", body),
        )
        assert (told.status_code, told.headers["Retry-After"]) == (429, "10")
        clock.advance(timedelta(seconds=10))
        assert [_ask(_signed(south.key))[0] for _ in range(2)] == [200, 429]


def test_what_an_honest_partner_asks_for_it_never_asks_for_too_often(south: PartnerNode) -> None:
    # a month of 10,000 releases, each with a content to fetch by its digest, in pages of a few, and hints meanwhile
    with frozen(now()):
        assert {access.PARTNERS.take("south") for _ in range(10_000 + 1_000 + 100)} == {0}
        # the talk of one that nobody compared: looked for and read again after every hint
        assert {access.UNCOMPARED.take("south") for _ in range(2 * 100)} == {0}


def test_a_request_that_was_refused_may_be_asked_again_rightly(south: PartnerNode) -> None:
    headers = _signed(south.key)
    assert _ask(headers, LANES + "?x=1")[0] == 401
    assert not Nonce.objects.exists()
    assert _ask(headers) == (200, "")
