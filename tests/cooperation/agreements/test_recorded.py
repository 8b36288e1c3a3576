"""Every step on an agreement leaves its row of the trail: who, which step, on which agreement, about which version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import write
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.people.actors import PersonActor
from taawun.foundation.digests import sha256
from taawun.platform.audit.models import Entry as AuditEntry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    document,
    instrument_kept,
    partner,
)

# details of a row are JSON of any shape
Details = dict[str, Any]
Step = Callable[[PersonActor, PartnerNode], tuple[Agreement, Details]]


def _version(agreement: Agreement) -> Version:
    return Version.objects.filter(agreement=agreement).order_by("-number")[0]


def _drafted(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = actions.draft(actor, document(south))
    return held, {"code": held.code}


def _edited(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    text = document(south)
    held = actions.draft(actor, text)
    return actions.edit_draft(actor, held, replace(text, notice_days=9), edition=1), {"edition": 2}


def _discarded(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = actions.draft(actor, document(south))
    actions.discard_draft(actor, Agreement.objects.get(), edition=1)
    return held, {"code": held.code, "edition": 1, "digest": sha256(held.draft.encode())}


def _proposed(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = actions.draft(actor, document(south))
    version = actions.propose(actor, held, edition=held.draft_edition)
    return held, {"version": 1, "digest": version.digest}


def _countered(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = agreement_proposed(south, depositary=south)
    actions.counter(actor, held, replace(_version(held).document(), notice_days=9), "", edition=0)
    return held, {"version": 1}


def _counter_of(south: PartnerNode, held: Agreement) -> PartyInstrument:
    text = replace(_version(held).document(), version=2, notice_days=9)
    return instrument_kept(south.node, held.id, _version(held).digest, "countered", suggestion=write(text))


def _adopted(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = agreement_proposed(south)
    counter = _counter_of(south, held)
    return actions.adopt(actor, held, counter, edition=held.draft_edition), {"suggestion": str(counter.id)}


def _turned_down(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = agreement_proposed(south)
    actions.turn_down(actor, held, _counter_of(south, held), "")
    return held, {"version": 1}


def _approved(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = agreement_proposed(south)
    version = actions.approve(actor, held, _version(held).digest)
    return held, {"version": 1, "digest": version.digest}


def _declined(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = agreement_proposed(south)
    actions.decline(actor, held, "")
    return held, {"version": 1}


def _in_force(step: Callable[[PersonActor, Agreement, str], object]) -> Step:
    def take(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
        held = agreement_in_force(south)
        step(actor, held, "")
        return held, {"version": 1}

    return take


def _resumed(actor: PersonActor, south: PartnerNode) -> tuple[Agreement, Details]:
    held = agreement_in_force(south)
    actions.suspend(actor, held, "")
    actions.resume(actor, held, "")
    return held, {"version": 1}


@pytest.mark.parametrize(
    ("verb", "step"),
    [
        ("drafted", _drafted),
        ("draft-edited", _edited),
        ("draft-discarded", _discarded),
        ("proposed", _proposed),
        ("countered", _countered),
        ("counter-adopted", _adopted),
        ("declined", _turned_down),
        ("declined", _declined),
        ("approved", _approved),
        ("suspended", _in_force(actions.suspend)),
        ("resumed", _resumed),
        ("terminated", _in_force(actions.terminate)),
    ],
)
def test_each_step_of_ours_leaves_one_row_with_who_what_and_about_which(
    cast: Cast, verb: str, step: Step
) -> None:
    held, details = step(cast.officer.actor, partner())
    row = AuditEntry.objects.filter(verb=f"agreements.{verb}").get()
    assert (row.subject, row.actor_kind, row.actor_id, row.details) == (
        f"urn:uuid:{held.id}",
        "person",
        str(cast.officer.row.id),
        details,
    )


def test_the_second_approval_leaves_a_row_of_its_own_and_one_of_the_signature(cast: Cast) -> None:
    held = agreement_proposed(partner())
    digest = _version(held).digest
    for officer in (cast.officer, cast.other_officer):
        actions.approve(officer.actor, held, digest)
    rows = AuditEntry.objects.filter(subject=f"urn:uuid:{held.id}").order_by("id")
    about = {"version": 1, "digest": digest}
    first, second = str(cast.officer.row.id), str(cast.other_officer.row.id)
    assert [(row.verb, row.actor_id, row.details) for row in rows] == [
        ("agreements.approved", first, about),
        ("agreements.approved", second, about),
        ("agreements.signed", second, about),
    ]
    assert len(standing_of(held).signed_by) == 1
