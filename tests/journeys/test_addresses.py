"""Strangers, a partner's people and a partner's node at the doors of a node that runs.

``tests/test_every_address.py`` holds what each address answers; here the same is asked through the real server, of
a node with a partner, with the real keys and tokens of both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import httpx
import pytest

from taawun.foundation import request_signatures
from taawun.foundation.signing import SigningKey
from taawun.node.demo.nodes import PLAIN, RunningNode
from tests.addresses import ADDRESSES, OFF, PUBLIC, Address
from tests.journeys.conftest import Pair, rows

pytestmark = [pytest.mark.journey, pytest.mark.slow]

_CLOSED: Final = [
    (address, method)
    for address in ADDRESSES
    for method, opener in address.methods.items()
    # what is off answers nobody at all
    if opener not in {PUBLIC, OFF} and not address.route.startswith("^")
]
# an identifier of nothing: who may not come in does not learn what is there
_THINGS: Final = defaultdict(lambda: str(uuid4()), number="1", membership_id="1", pk="1")


def _ask(
    client: httpx.Client, node: RunningNode, address: Address, method: str, **headers: str
) -> httpx.Response:
    body = b"{}" if method in {"POST", "PUT"} else b""
    told = {"Content-Type": "application/json", **headers}
    client.cookies.clear()
    return client.request(method, node.base + address.path(_THINGS), content=body, headers=told)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """What knocks at one door after the other."""
    with httpx.Client(trust_env=False, verify=PLAIN, timeout=30) as opened:
        yield opened


def _signed(node: RunningNode, key: SigningKey, path: str) -> httpx.Response:
    headers = request_signatures.sign("GET", node.base + path, b"", key)
    return httpx.get(node.base + path, headers=headers, trust_env=False, verify=PLAIN, timeout=30)


def _key(node: RunningNode) -> SigningKey:
    return SigningKey.from_pem((node.home / "keys" / "node.pem").read_bytes())


def test_nobody_comes_in_without_a_key_or_with_one_of_a_partners_node(
    pair: Pair, client: httpx.Client
) -> None:
    # a partner's administrator: all they may do at home, they may do at home
    theirs = pair.south.token(pair.south.nation.player("administrator"), "all")
    opened = []
    for address, method in _CLOSED:
        for headers in ({}, {"Authorization": f"Bearer {theirs}"}):
            answer = _ask(client, pair.north, address, method, **headers)
            if not _is_turned_away(address, method, answer):
                opened.append(f"{method} {address.route or 'home'} {list(headers)}: {answer.status_code}")
    assert opened == []


def _is_turned_away(address: Address, method: str, answer: httpx.Response) -> bool:
    if not address.is_page:
        # the inbox reads the body before it asks who brings it
        expected = 400 if address.route == "federation/inbox" else 401
        is_problem = answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code == expected and is_problem
    # what a script keeps of a form carries a proof of its own, so it is asked who brings it
    if method == "GET" or address.route == "drafts/":
        to = answer.headers.get("Location", "")
        return answer.status_code == 302 and to.startswith("/en/account/login/")
    # a form without its secret is turned away before anybody is asked who they are
    return answer.status_code == 403


def test_all_that_knocking_left_nothing_behind(pair: Pair, client: httpx.Client) -> None:
    before = rows(pair.north, "select count(*) from audit_entry where verb not like 'federation.%'")
    for address, method in _CLOSED:
        if method != "GET":
            _ask(client, pair.north, address, method)
    assert rows(pair.north, "select count(*) from audit_entry where verb not like 'federation.%'") == before


def test_a_partners_node_reads_its_own_lanes_once_for_each_signature(pair: Pair) -> None:
    south, north = _key(pair.south), pair.north
    offered = _signed(north, south, "/federation/lanes")
    assert offered.status_code == 200
    lanes = [each["lane"] for each in offered.json()["lanes"]]
    assert lanes
    assert {_signed(north, south, f"/federation/lanes/{each}").status_code for each in lanes} == {200}
    path = "/federation/lanes"
    headers = request_signatures.sign("GET", north.base + path, b"", south)
    asked = [
        httpx.get(north.base + path, headers=headers, trust_env=False, verify=PLAIN) for _again in range(2)
    ]
    assert [each.status_code for each in asked] == [200, 401]


def test_a_signature_opens_no_other_address_node_or_lane(pair: Pair) -> None:
    south, north = _key(pair.south), pair.north
    stranger = SigningKey.generate()
    assert _signed(north, stranger, "/federation/lanes").status_code == 401
    assert _signed(north, south, "/api/v1/me").status_code == 401
    assert _signed(north, south, "/en/partners/").status_code == 302
    assert _signed(north, south, f"/federation/lanes/{uuid4()}").status_code == 404
    # what was signed for one node is not taken by another
    headers = request_signatures.sign("GET", pair.south.base + "/federation/lanes", b"", south)
    answer = httpx.get(north.base + "/federation/lanes", headers=headers, trust_env=False, verify=PLAIN)
    assert answer.status_code == 401


def test_somebody_who_may_not_read_intelligence_reads_none_of_it_on_either_node(pair: Pair) -> None:
    for node in (pair.north, pair.south):
        trainee = node.api(node.nation.player("trainee"))
        for address in ADDRESSES:
            if address.route.startswith("api/v1/intel/") and address.get:
                answer = trainee.raw("GET", address.path(_THINGS).removeprefix("/api/v1"))
                # some addresses look at what is asked before they look at who asks
                assert answer.status_code in {403, 422}, f"{address.route}: {answer.status_code}"
                assert "items" not in answer.text
