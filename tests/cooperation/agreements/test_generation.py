"""Policies are compiled anew when what flows has changed, and read for all senders at once."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.agreements.models import Version
from taawun.cooperation.agreements.policy import Allowed, Facts
from taawun.cooperation.agreements.queries import current_policy, policy_of_sender
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import PolicyGeneration
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.tlp import Tlp
from tests.cast import PartnerNode, agreement_in_force, agreement_proposed, document, partner, sign_version
from tests.cooperation.agreements.test_exchange import DONE, _declared, _proposed, _signed, _text
from tests.lanes import TheirLane, talk_lane

REPORT = Facts("intel.report", Tlp.GREEN)


@pytest.fixture
def south(node: Organisation) -> PartnerNode:
    return partner()


@pytest.fixture
def talk(south: PartnerNode) -> TheirLane:
    return talk_lane(south)


def test_evidence_on_an_agreement_that_nobody_proposed_compiles_nothing_anew(
    south: PartnerNode, talk: TheirLane
) -> None:
    before = PolicyGeneration.current()
    text = document(south, depositary=south)
    assert _signed(talk, text) == DONE
    for kind in ("suspended", "terminated", "declined"):
        assert _declared(talk, text, kind, agreement=str(uuid4())) == DONE
    assert PolicyGeneration.current() == before
    # what waited is looked at as soon as the version is here
    assert _proposed(talk, text.text) == DONE
    assert PolicyGeneration.current() != before


def test_what_changes_nothing_that_flows_compiles_nothing_anew(south: PartnerNode, talk: TheirLane) -> None:
    east = partner(nation="XE")
    text = _text(agreement_in_force(south, east))
    before = PolicyGeneration.current()
    assert _declared(talk, text, "countered", text=text.text, suggestion=sha256(text.text)) == DONE
    assert PolicyGeneration.current() == before
    assert _declared(talk, text, "suspended") == DONE
    suspended = PolicyGeneration.current()
    assert suspended != before
    # the second of two suspensions stops what is stopped
    assert _declared(talk_lane(east), text, "declined") == DONE
    assert PolicyGeneration.current() == suspended


def test_the_signature_that_completes_a_version_is_seen_at_once(south: PartnerNode, talk: TheirLane) -> None:
    version = Version.objects.get(agreement=agreement_proposed(south))
    assert not isinstance(current_policy().decide(south.node, REPORT, now().timestamp()), Allowed)
    sign_version(version, settings.BASE_URL, node_key())
    before = PolicyGeneration.current()
    assert _signed(talk, version.document()) == DONE
    assert PolicyGeneration.current() != before
    assert isinstance(current_policy().decide(south.node, REPORT, now().timestamp()), Allowed)


def test_the_policies_of_all_senders_are_compiled_from_one_reading(node: Organisation) -> None:
    partners = [partner(nation="XS") for _ in range(4)]
    agreements = [agreement_in_force(each) for each in partners]
    current_policy()
    with CaptureQueriesContext(connection) as asked:
        for each, agreement in zip(partners, agreements, strict=True):
            inbound = policy_of_sender(each.node)
            assert isinstance(inbound.decide(settings.BASE_URL, REPORT, now().timestamp()), Allowed)
            assert inbound.agreements_of(each.node, now().timestamp()) == {agreement.id}
    # the generation, each time, and nothing else
    assert len(asked) == len(partners)
