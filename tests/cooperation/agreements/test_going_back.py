"""The migrations of agreements go back as well as forward, or say why they cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import Narrowing, parse, write
from taawun.cooperation.agreements.models import (
    Agreement,
    Approval,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.people.models import Organisation
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, PartnerNode, agreement_in_force, instrument_kept, partner
from tests.cooperation.agreements.test_exchange import _declared, _text
from tests.lanes import TheirLane, talk_lane

pytestmark = pytest.mark.django_db(transaction=True)


def _migrate(name: str | None = None) -> Any:
    """Migrate the agreements to a migration, or everything to the newest; the models as they are then."""
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes() if name is None else [("agreements", name)]
    return executor.migrate(targets).apps


@pytest.fixture(autouse=True)
def newest() -> Iterator[None]:
    yield
    _migrate()


@pytest.fixture
def talk(node: Organisation) -> TheirLane:
    return talk_lane(partner())


def test_what_lifts_and_what_answers_is_named_as_before_and_again(talk: TheirLane) -> None:
    agreement = agreement_in_force(talk.sender)
    text, name = _text(agreement), str(uuid4())
    # somebody else has the id already, so the suspension has another one here
    other = instrument_kept("https://else.example", agreement.id, text.digest, "declined")
    PartyInstrument.objects.filter(id=other.id).delete()
    PartyInstrument.objects.create(
        **{
            **{each.attname: getattr(other, each.attname) for each in PartyInstrument._meta.fields},
            "id": name,
            "chosen": name,
            "lineage": uuid4(),
            "token": "a." + "eyJpZCI6IjAxOTIwZjRlLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwNCJ9" + ".c",
        }
    )
    assert _declared(talk, text, "suspended", id=name) == ("done", "")
    assert _declared(talk, text, "resumed", lifts=name) == ("done", "")
    suspended, resumed = (PartyInstrument.objects.get(kind=each) for each in ("suspended", "resumed"))
    assert (suspended.id == suspended.chosen, str(resumed.lifts)) == (False, name)

    before = _migrate("0007_answered").get_model("agreements", "PartyInstrument").objects
    assert before.get(kind="resumed").lifts == suspended.id
    _migrate()

    again = {each.kind: each for each in PartyInstrument.objects.filter(lineage=agreement.id)}
    for row in (suspended, resumed):
        found = again[row.kind]
        assert (found.id, found.chosen, found.words, found.mark, found.lifts) == (
            row.id,
            row.chosen,
            row.words,
            row.mark,
            row.lifts,
        )
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE


def test_two_texts_under_one_number_are_not_thrown_away_by_going_back(talk: TheirLane) -> None:
    agreement = agreement_in_force(talk.sender)
    first = _text(agreement)
    for days in (3, 4):
        text = parse(write(replace(first, version=2, notice_days=days)))
        Version.objects.create(agreement=agreement, number=2, text=text.text, digest=text.digest)
    with pytest.raises(
        IrreversibleError, match=f"agreement {agreement.number} holds 2 texts under the number 2"
    ):
        _migrate("0007_answered")
    assert Version.objects.filter(number=2).count() == 2


def test_who_approved_several_steps_approved_the_signature_once_these_are_gone(cast: Cast) -> None:
    south: PartnerNode = partner()
    agreement = agreement_in_force(south)
    version = agreement.versions.get()
    for person in (cast.officer.row, cast.other_officer.row):
        for step in (Approval.Step.RATIFICATION, Approval.Step.SIGNATURE):
            Approval.objects.create(version=version, person=person, step=step)
    wanted = set(Approval.objects.filter(step=Approval.Step.SIGNATURE).values_list("id", flat=True))

    before = _migrate("0003_depositary").get_model("agreements", "Approval").objects

    assert set(before.values_list("id", flat=True)) == wanted


def test_nobody_goes_back_to_a_version_that_would_not_know_that_a_party_narrowed(cast: Cast) -> None:
    south = partner()
    agreement = agreement_in_force(south, depositary=south)
    actions.declare(cast.officer.actor, agreement, [Narrowing("1", "gives", Tlp.CLEAR)], "")
    with pytest.raises(IrreversibleError, match="1 instruments of parties"):
        _migrate("0003_depositary")
    # what could be undone before it was is done again
    _migrate()
    assert PartyInstrument.objects.get().kind == "declared"


def test_what_a_node_holds_in_its_own_name_at_the_upgrade_counts_as_said_by_it(node: Organisation) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    version = agreement.versions.get()
    for author in (settings.BASE_URL, south.node):
        instrument_kept(author, agreement.id, version.digest, "declined")
    _migrate("0009_showing")
    _migrate()
    for model in (PartySignature, PartyInstrument):
        assert dict(model.objects.values_list("node", "is_said")) == {
            settings.BASE_URL: True,
            south.node: False,
        }
    assert Version.objects.get().is_said == (version.depositary == settings.BASE_URL)
