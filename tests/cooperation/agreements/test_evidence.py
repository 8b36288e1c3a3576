"""Evidence counts for the agreement and the version it names, and never for less or more."""

from __future__ import annotations

from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from taawun.cooperation.agreements.models import PartySignature, Version
from taawun.cooperation.agreements.queries import evidence_of, standing_of, standings, standings_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from tests.cast import agreement_in_force, agreement_proposed, partner, sign_version, some_id


def test_a_signature_that_names_no_agreement_of_ours_stops_nothing(node: Organisation) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    digest = Version.objects.get(agreement=agreement).digest
    # a partner signs whatever it likes; that its signature verifies says nothing of what it names
    PartySignature.objects.create(lineage=some_id(), digest=digest, node=south.node, token="x", at=now())
    assert [standing.state for _agreement, standing in standings(now())] == [State.IN_FORCE]


def test_a_signature_that_names_the_version_of_another_agreement_counts_for_neither(
    node: Organisation,
) -> None:
    south = partner()
    first, second = agreement_proposed(south), agreement_proposed(south)
    version = Version.objects.get(agreement=second)
    sign_version(version, settings.BASE_URL, node_key())
    PartySignature.objects.create(
        lineage=first.id, digest=version.digest, node=south.node, token="x", at=now()
    )
    assert evidence_of(first).signatures == []
    assert standing_of(second).state == State.PROPOSED


def test_some_agreements_are_asked_for_in_three_queries_once_their_texts_were_read(
    node: Organisation, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    south = partner()
    wanted = [agreement_in_force(south), agreement_proposed(south)]
    agreement_proposed(south)
    standings_of(wanted)
    with django_assert_num_queries(3):
        found = standings_of(wanted)
    assert found == {each.id: standing_of(each) for each in wanted}
    assert [found[each.id].state for each in wanted] == [State.IN_FORCE, State.PROPOSED]
