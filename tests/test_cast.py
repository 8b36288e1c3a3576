"""The cast itself holds what every other test takes for granted."""

from __future__ import annotations

import pytest
from django.conf import settings

from taawun.cooperation.agreements.policy import Allowed, Facts
from taawun.cooperation.agreements.queries import current_policy, standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import actor_for_token
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, agreement_in_force, agreement_proposed, partner


def test_each_of_the_cast_may_do_what_their_role_says_and_no_more(cast: Cast) -> None:
    assert "manage:people" in cast.administrator.actor.permissions
    assert "write:agreements" not in cast.administrator.actor.permissions
    assert "approve:agreements" in cast.officer.actor.permissions
    assert "approve:agreements" in cast.other_officer.actor.permissions
    assert "read:audit" not in cast.observer.actor.permissions
    assert cast.stranger.actor.permissions == frozenset()
    assert cast.former.actor.permissions == frozenset()


@pytest.mark.parametrize(
    ("who", "opens"),
    [("administrator", True), ("trainee", True), ("stranger", True), ("former", False), ("elsewhere", False)],
)
def test_a_token_opens_this_node_for_its_own_active_people(cast: Cast, who: str, opens: bool) -> None:
    token = dict(cast)[who].token
    assert (actor_for_token(token or "") is not None) is opens


def test_a_partner_is_met_with_a_descriptor_that_its_own_key_signed(node: Organisation) -> None:
    south = partner(nation="XS")
    told = descriptor.read(south.row.descriptor, at=now(), expected_node=south.node)
    assert (told.key.kid, told.nation) == (south.row.kid, "XS")


def test_a_partner_signs_requests_that_this_node_accepts(node: Organisation) -> None:
    south = partner()
    assert south.request("GET", "/federation/lanes").json() == {"lanes": []}
    assert settings.BASE_URL.startswith("http")


def test_an_agreement_in_force_lets_things_flow_both_ways(node: Organisation) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    assert standing_of(agreement).state == State.IN_FORCE
    decision = current_policy().decide(south.node, Facts("intel.report", Tlp.AMBER), now().timestamp())
    assert isinstance(decision, Allowed)


def test_an_agreement_that_nobody_signed_lets_nothing_flow(node: Organisation) -> None:
    south = partner()
    agreement = agreement_proposed(south)
    assert standing_of(agreement).state == State.PROPOSED
    decision = current_policy().decide(south.node, Facts("intel.report", Tlp.CLEAR), now().timestamp())
    assert not isinstance(decision, Allowed)
