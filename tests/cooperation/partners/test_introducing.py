"""A node that cannot be called brings its descriptor itself: what is believed of it, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.exchange import calling
from taawun.cooperation.partners.exchange.sync import sync_partner
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation import request_signatures
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, partner
from tests.cooperation.partners.their_node import TheirNode
from tests.lanes import talk_lane

FAR = "https://far.example"


@pytest.fixture(autouse=True)
def outbound(cast: Cast, settings: Settings) -> Iterator[None]:
    """Loopback may be called; nothing else exists."""
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)
    calling.outbound.cache_clear()
    yield
    calling.outbound().close()
    calling.outbound.cache_clear()


def _describe(key: SigningKey, node: str = FAR, **changes: Any) -> str:
    """A descriptor; changes are members of several types."""
    members: dict[str, Any] = {
        "node": node,
        "kind": "nation",
        "nation": "XF",
        "name": Text.of(en="Far CERT"),
        "nation_name": Text.of(en="Farland"),
        "contacts": [],
        "key": key,
        "recovery_jwk": None,
        "at": now(),
        "is_reachable": False,
    }
    return descriptor.write(**(members | changes))


def _knock(key: SigningKey, token: str) -> tuple[int, str]:
    """Status and problem of a word to the inbox."""
    sent = json.dumps({"descriptor": token, "heads": []}).encode()
    url = django_settings.BASE_URL + "/federation/inbox"
    headers = request_signatures.sign("POST", url, sent, key, at=now())
    answer = Client().generic(
        "POST", "/federation/inbox", sent, content_type="application/json", headers=headers
    )
    code = "" if answer.status_code == 202 else str(answer.json()["type"])
    return answer.status_code, code.removeprefix("urn:taawun:problem:")


def _dead_address() -> str:
    """An address of loopback where nobody listens."""
    server = TheirNode(node_key().public)
    server.server.close()
    return server.node


def _met(node: str) -> Partner:
    row = Partner.objects.get(node=node)
    sync_partner(row.id)
    row.refresh_from_db()
    return row


def _claims() -> int:
    return Notice.objects.filter(kind="partners.two-claims", resolved=None).count()


# ---- a stranger -----------------------------------------------------------------------------------------------------


def test_what_a_node_brings_is_believed_once_nobody_answered_at_its_address() -> None:
    key, node = SigningKey.generate(), _dead_address()
    assert _knock(key, _describe(key, node)) == (202, "")
    noted = Partner.objects.get()
    assert (noted.state, noted.kid, noted.is_reachable) == ("claimed", "", True)
    row = _met(node)
    assert (row.state, row.kid, row.is_reachable, row.carried) == ("met", key.kid, False, "")
    assert row.name.in_language("en").value == "Far CERT"
    # our talk with it is open, and nothing is asked of it
    assert Lane.objects.get(sender=None).readers.get().partner_id == row.id
    sync_partner(row.id)
    row.refresh_from_db()
    assert (row.last_error, row.failures) == ("", 0)


def test_whoever_answers_at_the_address_is_believed_and_not_who_came_in_its_name() -> None:
    server, squatter = TheirNode(node_key().public), SigningKey.generate()
    server.descriptor = _describe(server.key, server.node, is_reachable=True)
    assert _knock(squatter, _describe(squatter, server.node)) == (202, "")
    row = _met(server.node)
    assert (row.state, row.kid, row.is_reachable) == ("met", server.key.kid, True)
    # and from now on it speaks with that key
    assert _knock(squatter, _describe(squatter, server.node)) == (202, "")
    row.refresh_from_db()
    assert (row.kid, row.carried) == (server.key.kid, "")
    server.server.close()


def test_an_address_that_shows_a_descriptor_which_is_none_is_not_spoken_for_by_another() -> None:
    server, squatter = TheirNode(node_key().public), SigningKey.generate()
    server.descriptor = _describe(server.key, server.node, is_reachable=True, at=now() - timedelta(days=40))
    _knock(squatter, _describe(squatter, server.node))
    row = _met(server.node)
    assert (row.state, row.kid, row.last_error_code) == ("claimed", "", "descriptor-refused")
    server.server.close()


def test_who_comes_second_under_an_address_is_turned_away_and_somebody_is_told() -> None:
    first, second = SigningKey.generate(), SigningKey.generate()
    assert _knock(first, _describe(first)) == (202, "")
    assert _knock(first, _describe(first)) == (202, "")
    assert _claims() == 0
    assert _knock(second, _describe(second)) == (403, "address-taken")
    assert _claims() == 1
    assert Partner.objects.get().carried != ""


# ---- one that an administrator waits for ----------------------------------------------------------------------------


def test_one_that_is_waited_for_is_not_called_and_is_met_when_it_calls(cast: Cast) -> None:
    named = actions.meet(cast.administrator.actor, FAR, calls_us=True)
    assert (_met(FAR).state, named.is_reachable, named.last_error) == ("claimed", False, "")
    key = SigningKey.generate()
    assert _knock(key, _describe(key)) == (202, "")
    row = _met(FAR)
    assert (row.state, row.kid, row.is_reachable, row.introduced_from) == ("met", key.kid, False, "")


def test_one_that_can_be_called_after_all_is_called(cast: Cast) -> None:
    server = TheirNode(node_key().public)
    server.descriptor = _describe(server.key, server.node, is_reachable=True)
    actions.meet(cast.administrator.actor, server.node, calls_us=True)
    assert _knock(server.key, server.descriptor) == (202, "")
    row = _met(server.node)
    assert (row.state, row.is_reachable) == ("met", True)
    assert "GET /.well-known/taawun" in server.asked
    server.server.close()


def test_where_a_key_is_waited_for_another_is_turned_away(cast: Cast) -> None:
    key, other = SigningKey.generate(), SigningKey.generate()
    # what the QR code of its fingerprint says
    named = actions.meet(cast.administrator.actor, f"{FAR}/.well-known/taawun#{key.kid}", calls_us=True)
    assert (named.node, named.expected_kid) == (FAR, key.kid)
    assert _knock(other, _describe(other)) == (403, "other-key")
    assert _claims() == 1
    assert _knock(key, _describe(key)) == (202, "")
    assert _met(FAR).kid == key.kid


def test_where_a_key_is_waited_for_the_address_may_show_no_other(cast: Cast) -> None:
    server = TheirNode(node_key().public)
    server.descriptor = _describe(server.key, server.node, is_reachable=True)
    expected = SigningKey.generate().kid
    actions.meet(cast.administrator.actor, f"{server.node}/.well-known/taawun#{expected}")
    row = _met(server.node)
    assert (row.kid, row.last_error_code, row.last_error_facts) == (
        "",
        "descriptor-refused",
        {"why": "other-key"},
    )
    server.server.close()


def test_two_nodes_that_only_call_are_told_before_they_wait_for_ever(cast: Cast, settings: Settings) -> None:
    settings.REACHABLE = False
    with pytest.raises(PartnerRefused, match="One of the two has to") as refused:
        actions.meet(cast.administrator.actor, FAR, calls_us=True)
    assert refused.value.code == "both-unreachable"
    assert not Partner.objects.exists()


# ---- a claim that is not true ---------------------------------------------------------------------------------------


@pytest.fixture
def claim(cast: Cast) -> PartnerNode:
    """A node that came under an address and was believed so far."""
    made = partner(node=FAR, state=Partner.State.MET)
    Partner.objects.update(is_reachable=False, introduced_from="192.0.2.7")
    made.row.refresh_from_db()
    return made


def test_another_key_under_the_address_of_a_claim_changes_nothing_and_somebody_is_told(
    claim: PartnerNode,
) -> None:
    key = SigningKey.generate()
    assert _knock(key, _describe(key)) == (202, "")
    assert (_met(FAR).kid, _claims()) == (claim.key.kid, 1)
    # once it was compared nobody needs to be told
    Notice.objects.all().delete()
    Partner.objects.update(state=Partner.State.VERIFIED)
    _knock(key, _describe(key))
    assert (_met(FAR).kid, _claims()) == (claim.key.kid, 0)


def test_a_claim_that_is_not_true_is_forgotten_and_the_next_is_taken(claim: PartnerNode, cast: Cast) -> None:
    lane = talk_lane(claim)
    lane.take()
    key = SigningKey.generate()
    _knock(key, _describe(key))
    with pytest.raises(NotAllowed):
        actions.forget_claim(cast.analyst.actor, claim.row)
    actions.forget_claim(cast.administrator.actor, claim.row)
    row = Partner.objects.get()
    assert (row.state, row.kid, row.jwk, row.names, row.is_reachable) == ("claimed", "", {}, {}, False)
    assert not LaneEntry.objects.filter(lane__sender=row).exists()
    assert _claims() == 0
    assert _knock(key, _describe(key)) == (202, "")
    assert _met(FAR).kid == key.kid


@pytest.mark.parametrize(
    "changes", [{"state": "verified"}, {"state": "blocked"}, {"state": "claimed"}, {"is_reachable": True}]
)
def test_nothing_but_a_claim_is_forgotten_so(claim: PartnerNode, cast: Cast, changes: dict[str, Any]) -> None:
    Partner.objects.update(**changes)
    with pytest.raises(PartnerRefused) as refused:
        actions.forget_claim(cast.administrator.actor, claim.row)
    assert refused.value.code == "not-a-claim"
    assert Partner.objects.get().kid == claim.key.kid


# ---- its further words ----------------------------------------------------------------------------------------------


def test_it_renews_its_descriptor_with_its_words(claim: PartnerNode) -> None:
    Partner.objects.update(state=Partner.State.VERIFIED)
    with frozen(now()) as clock:
        issued = Partner.objects.get().descriptor_issued
        for hours, is_taken in ((11, False), (2, True)):
            clock.advance(timedelta(hours=hours))
            assert _knock(claim.key, _describe(claim.key)) == (202, "")
            row = Partner.objects.get()
            assert (row.descriptor_issued == clock.now()) is is_taken
            assert (row.descriptor_issued == issued) is not is_taken
            assert row.last_contact == clock.now()
        # one that had lapsed is good again
        clock.advance(timedelta(days=40))
        assert not Partner.objects.get().is_current(clock.now())
        _knock(claim.key, _describe(claim.key))
        assert Partner.objects.get().is_current(clock.now())


def test_a_partner_says_that_it_cannot_be_called_any_more_and_that_it_can_again(claim: PartnerNode) -> None:
    Partner.objects.update(is_reachable=True)
    assert _knock(claim.key, _describe(claim.key)) == (202, "")
    assert not Partner.objects.get().is_reachable
    assert _knock(claim.key, _describe(claim.key, is_reachable=True)) == (202, "")
    assert Partner.objects.get().is_reachable


def test_one_that_was_unblocked_is_met_with_its_next_word(claim: PartnerNode, cast: Cast) -> None:
    actions.block(cast.administrator.actor, claim.row)
    assert _knock(claim.key, _describe(claim.key)) == (403, "partner-blocked")
    actions.unblock(cast.administrator.actor, claim.row)
    assert _met(FAR).state == "claimed"
    assert _knock(claim.key, _describe(claim.key)) == (202, "")
    assert Partner.objects.get().state == "met"


def test_a_word_that_brings_anothers_descriptor_is_none(claim: PartnerNode) -> None:
    east = partner("Eastern CERT", nation="XE")
    before = Partner.objects.get(id=east.row.id).descriptor
    assert _knock(claim.key, _describe(east.key, east.node)) == (400, "node")
    assert _knock(claim.key, _describe(claim.key, at=now() - timedelta(days=29))) == (400, "lapsed")
    assert Partner.objects.get(id=east.row.id).descriptor == before
