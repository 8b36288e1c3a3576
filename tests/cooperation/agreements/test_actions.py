"""The verbs on agreements: who may, when, what is signed, and what the other parties are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP, SIGNATURE_TYP
from taawun.cooperation.agreements.decision import FOREVER
from taawun.cooperation.agreements.document import Document, parse, write
from taawun.cooperation.agreements.errors import DocumentRefused, StepRefused
from taawun.cooperation.agreements.models import Agreement, Approval, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.queries import current_policy, standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import parse as parse_json
from taawun.platform.audit.models import Entry as AuditEntry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    document,
    instrument_kept,
    partner,
    sign_version,
)


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner()


def _told(node: PartnerNode) -> list[tuple[str, dict[str, Any]]]:
    """Kind and payload of every message to a partner; a payload is JSON of any shape."""
    entries = LaneEntry.objects.filter(lane__sender=None, lane__readers__partner=node.row).exclude(
        kind="lane.opened"
    )
    return [(each.kind, parse_json(contents.get(each.content_digest))) for each in entries.order_by("seq")]


def _version(agreement: Agreement) -> Version:
    return Version.objects.filter(agreement=agreement).order_by("-number")[0]


def _acts(agreement: Agreement) -> list[str]:
    return list(
        AuditEntry.objects.filter(subject=actions.urn(agreement))
        .order_by("id")
        .values_list("verb", flat=True)
    )


def _refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises((StepRefused, NotAllowed)) as refused:
        act()
    found = refused.value
    assert (found.reason if isinstance(found, NotAllowed) else getattr(found, "code", "")) == code
    assert str(found)


# ---- drafting and proposing -----------------------------------------------------------------------------------------


def test_a_draft_is_seen_by_nobody_until_it_is_proposed(cast: Cast, south: PartnerNode) -> None:
    text = document(south)
    agreement = actions.draft(cast.officer.actor, text)
    assert (agreement.id, agreement.code, agreement.title) == (text.id, "AG-001", text.title)
    assert standing_of(agreement).state == State.DRAFT
    assert _told(south) == []
    version = actions.propose(cast.officer.actor, agreement, edition=agreement.draft_edition)
    agreement.refresh_from_db()
    assert (version.number, agreement.draft) == (1, "")
    assert [(kind, payload["document"].encode()) for kind, payload in _told(south)] == [
        ("agreement.proposed", bytes(version.text))
    ]
    assert standing_of(agreement).state == State.PROPOSED
    assert _acts(agreement) == ["agreements.drafted", "agreements.proposed"]


def test_a_draft_that_does_not_hold_together_is_not_kept(cast: Cast, south: PartnerNode) -> None:
    with pytest.raises(DocumentRefused) as refused:
        actions.draft(cast.officer.actor, replace(document(south), clauses=()))
    assert refused.value.place == "/clauses"
    assert not Agreement.objects.exists()


def test_what_is_drafted_here_has_this_node_as_its_depositary_and_an_id_of_its_own(
    cast: Cast, south: PartnerNode
) -> None:
    _refused("not-depositary", lambda: actions.draft(cast.officer.actor, document(south, depositary=south)))
    agreement = actions.draft(cast.officer.actor, document(south))
    _refused("exists", lambda: actions.draft(cast.officer.actor, document(south, id=agreement.id)))


def test_of_two_that_edit_a_draft_the_second_is_told(cast: Cast, south: PartnerNode) -> None:
    text = document(south)
    agreement = actions.draft(cast.officer.actor, text)
    other = replace(text, title=Text.of(en="Wider"), id=UUID(int=5), version=9)
    edited = actions.edit_draft(cast.officer.actor, agreement, other, edition=1)
    assert (edited.draft_edition, edited.title) == (2, Text.of(en="Wider"))
    assert (parse(edited.draft.encode()).id, parse(edited.draft.encode()).version) == (agreement.id, 1)
    _refused(
        "edited-meanwhile", lambda: actions.edit_draft(cast.other_officer.actor, agreement, text, edition=1)
    )


def test_nothing_is_proposed_to_whom_we_have_not_met_with_that_key(cast: Cast, south: PartnerNode) -> None:
    text = document(south)
    agreement = actions.draft(cast.officer.actor, text)
    for changes in ({"kid": "k" * 43}, {"node": "https://other.example"}, {"state": Partner.State.BLOCKED}):
        held = dict(Partner.objects.filter(id=south.row.id).values(*changes)[0])
        Partner.objects.filter(id=south.row.id).update(**changes)
        _refused(
            "not-a-partner",
            lambda: actions.propose(cast.officer.actor, agreement, edition=agreement.draft_edition),
        )
        Partner.objects.filter(id=south.row.id).update(**held)
    actions.propose(cast.officer.actor, agreement, edition=agreement.draft_edition)
    _refused(
        "no-draft", lambda: actions.propose(cast.officer.actor, agreement, edition=agreement.draft_edition)
    )


def test_the_next_version_supersedes_the_one_in_force(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_in_force(south)
    first = _version(agreement).document()
    agreement = actions.edit_draft(cast.officer.actor, agreement, replace(first, notice_days=30), edition=1)
    second = actions.propose(cast.officer.actor, agreement, edition=agreement.draft_edition).document()
    assert (second.version, second.supersedes, second.id) == (2, first.digest, first.id)
    standing = standing_of(agreement)
    assert (standing.state, standing.current, standing.pending) == (State.IN_FORCE, first, second)


# ---- approving and signing ------------------------------------------------------------------------------------------


def test_two_persons_approve_and_the_second_lets_the_node_sign(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_proposed(south)
    digest = _version(agreement).digest
    actions.approve(cast.officer.actor, agreement, digest)
    assert not PartySignature.objects.exists()
    _refused("approved-before", lambda: actions.approve(cast.officer.actor, agreement, digest))
    assert Approval.objects.count() == 1
    actions.approve(cast.other_officer.actor, agreement, digest)
    signature = PartySignature.objects.get()
    said = parse_json(node_key().public.verify(signature.token, SIGNATURE_TYP))
    assert (said["agreement"], said["digest"], said["node"]) == (str(agreement.id), digest, settings.BASE_URL)
    assert said["to"] == [south.node]
    assert [(kind, payload["signature"]) for kind, payload in _told(south)] == [
        ("agreement.signed", signature.token)
    ]
    assert _acts(agreement) == ["agreements.approved", "agreements.approved", "agreements.signed"]
    sign_version(_version(agreement), south.node, south.key)
    assert standing_of(agreement).state == State.IN_FORCE


@pytest.mark.django_db(transaction=True)
def test_two_persons_that_approve_at_once_sign_once(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_proposed(south)
    digest = _version(agreement).digest
    actors = [cast.officer.actor, cast.other_officer.actor]

    def approve(place: int) -> None:
        try:
            actions.approve(actors[place], agreement, digest)
        finally:
            connections.close_all()

    threads = [Thread(target=approve, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Approval.objects.count(), PartySignature.objects.count()) == (2, 1)


def test_nobody_approves_what_came_meanwhile_or_is_over(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_proposed(south)
    first = _version(agreement)
    _refused("unknown-version", lambda: actions.approve(cast.officer.actor, agreement, "d" * 64))
    text = write(replace(first.document(), version=2))
    Version.objects.create(agreement=agreement, number=2, text=text, digest=sha256(text))
    _refused("not-waiting", lambda: actions.approve(cast.officer.actor, agreement, first.digest))
    other = agreement_proposed(south)
    _say(south, other, "declined")
    _refused("over", lambda: actions.approve(cast.officer.actor, other, _version(other).digest))
    third = agreement_in_force(south)
    _refused("signed-before", lambda: actions.approve(cast.officer.actor, third, _version(third).digest))


@pytest.mark.parametrize(
    "changes", [{"state": Partner.State.MET}, {"state": Partner.State.BLOCKED}, {"kid": "k" * 43}], ids=str
)
def test_nothing_is_signed_with_whom_nobody_compared(
    cast: Cast, south: PartnerNode, changes: dict[str, str]
) -> None:
    east = partner(nation="XE")
    agreement = agreement_proposed(south, east)
    Partner.objects.filter(id=east.row.id).update(**changes)
    _refused(
        "not-verified", lambda: actions.approve(cast.officer.actor, agreement, _version(agreement).digest)
    )


def _say(node: PartnerNode, agreement: Agreement, kind: str) -> PartyInstrument:
    """A word of a partner, as if it had arrived."""
    digest = _version(agreement).digest
    return instrument_kept(node.node, agreement.id, digest, kind)


# ---- who may --------------------------------------------------------------------------------------------------------


def test_only_officers_act_and_only_persons_approve(cast: Cast, south: PartnerNode) -> None:
    text = document(south)
    agreement = agreement_in_force(south)
    digest = _version(agreement).digest
    counter = _say(south, agreement, "countered")
    acts: list[Callable[[Any], object]] = [
        lambda actor: actions.draft(actor, text),
        lambda actor: actions.edit_draft(actor, agreement, text, edition=1),
        lambda actor: actions.propose(actor, agreement, edition=agreement.draft_edition),
        lambda actor: actions.counter(actor, agreement, text, "", edition=0),
        lambda actor: actions.adopt(actor, agreement, counter, edition=agreement.draft_edition),
        lambda actor: actions.approve(actor, agreement, digest),
        lambda actor: actions.decline(actor, agreement, ""),
        lambda actor: actions.suspend(actor, agreement, ""),
        lambda actor: actions.resume(actor, agreement, ""),
        lambda actor: actions.terminate(actor, agreement, ""),
    ]
    for member in (cast.administrator, cast.analyst, cast.observer, cast.trainee, cast.stranger, cast.former):
        for act in acts:
            _refused("permission-missing", partial(act, member.actor))
    _refused("person-needed", lambda: actions.approve(SystemActor("tests"), agreement, digest))
    assert _acts(agreement) == []


# ---- countering, declining, suspending, resuming, terminating -------------------------------------------------------


def test_a_counter_proposal_is_signed_with_its_text_and_told_to_all(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_proposed(south, depositary=south)
    first = _version(agreement).document()
    wanted = replace(first, notice_days=30, id=UUID(int=5), version=7)
    instrument = actions.counter(cast.officer.actor, agreement, wanted, "Thirty days.", edition=0)
    suggested = parse(bytes(instrument.suggestion or b""))
    assert (suggested.id, suggested.version, suggested.supersedes) == (first.id, 2, first.digest)
    [(kind, payload)] = _told(south)
    said = parse_json(node_key().public.verify(payload["instrument"], INSTRUMENT_TYP))
    assert (kind, said["kind"], said["note"]) == ("agreement.declared", "countered", "Thirty days.")
    assert (said["suggestion"], payload["document"].encode()) == (suggested.digest, suggested.text)
    assert standing_of(agreement).state == State.COUNTERED


def test_the_depositary_adopts_a_counter_proposal_as_its_next_draft(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_proposed(south)
    text = write(replace(_version(agreement).document(), version=9, notice_days=30))
    counter = _say(south, agreement, "countered")
    PartyInstrument.objects.filter(id=counter.id).update(suggestion=text)
    counter.refresh_from_db()
    held = actions.adopt(cast.officer.actor, agreement, counter, edition=agreement.draft_edition)
    adopted = parse(held.draft.encode())
    assert (adopted.version, adopted.notice_days) == (2, 30)
    assert actions.propose(cast.officer.actor, agreement, edition=held.draft_edition).number == 2
    _refused(
        "no-suggestion",
        lambda: actions.adopt(cast.officer.actor, agreement, _say(south, agreement, "declined"), edition=0),
    )
    _refused(
        "no-suggestion",
        lambda: actions.adopt(cast.officer.actor, agreement_proposed(south), counter, edition=0),
    )


def test_what_another_node_deposits_is_not_ours_to_number(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_proposed(south, depositary=south)
    counter = actions.counter(cast.officer.actor, agreement, _version(agreement).document(), "", edition=0)
    _refused(
        "not-depositary",
        lambda: actions.adopt(cast.officer.actor, agreement, counter, edition=agreement.draft_edition),
    )


def test_a_no_reaches_the_parties_we_know_though_we_never_met_the_others(
    cast: Cast, south: PartnerNode
) -> None:
    east = partner(nation="XE")
    agreement = agreement_proposed(south, east, depositary=south)
    Partner.objects.filter(id=east.row.id).delete()
    actions.decline(cast.officer.actor, agreement, "Not with us.")
    assert [kind for kind, _payload in _told(south)] == ["agreement.declared"]
    assert standing_of(agreement).state == State.DECLINED


def test_a_suspension_and_its_lifting_stop_and_start_the_policy_in_the_same_step(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south)
    assert [each.suspended_until for each in current_policy().grants(south.node)] == [0.0]
    suspension = actions.suspend(cast.officer.actor, agreement, "A breach.")
    assert standing_of(agreement).state == State.SUSPENDED
    assert [each.suspended_until for each in current_policy().grants(south.node)] == [FOREVER]
    resumption = actions.resume(cast.officer.actor, agreement, "Mended.")
    assert resumption.lifts == suspension.id
    assert standing_of(agreement).state == State.IN_FORCE
    assert [each.suspended_until for each in current_policy().grants(south.node)] == [0.0]
    told = [
        parse_json(node_key().public.verify(payload["instrument"], INSTRUMENT_TYP))
        for _kind, payload in _told(south)
    ]
    assert [(each["kind"], each.get("lifts")) for each in told] == [
        ("suspended", None),
        ("resumed", str(suspension.id)),
    ]


PROPOSED, IN_FORCE, SUSPENDED, OURS, SIGNED_BY_US, NOTICE, DECLINED, ENDED, DRAFT, NOT_OURS = (
    "proposed",
    "in force",
    "suspended there",
    "suspended here",
    "signed by us",
    "notice given",
    "declined",
    "terminated",
    "a draft",
    "in force without us",
)


def _in(state: str, south: PartnerNode, cast: Cast) -> Agreement:
    if state == DRAFT:
        return actions.draft(cast.officer.actor, document(south))
    if state in {PROPOSED, DECLINED, SIGNED_BY_US}:
        agreement = agreement_proposed(south)
        if state == DECLINED:
            _say(south, agreement, "declined")
        if state == SIGNED_BY_US:
            sign_version(_version(agreement), settings.BASE_URL, node_key())
        return agreement
    if state == NOT_OURS:
        east = partner(nation="XE")
        agreement = agreement_proposed(south, east, depositary=south, entry_into_force=2)
        for each in (south, east):
            sign_version(_version(agreement), each.node, each.key)
        return agreement
    agreement = agreement_in_force(south, notice_days=5 if state == NOTICE else 0)
    if state == SUSPENDED:
        _say(south, agreement, "suspended")
    if state == OURS:
        actions.suspend(cast.officer.actor, agreement, "")
    if state in {ENDED, NOTICE}:
        _say(south, agreement, "terminated")
    return agreement


@pytest.mark.parametrize(
    ("state", "possible"),
    [
        (DRAFT, set()),
        (PROPOSED, {"counter", "decline"}),
        (SIGNED_BY_US, set()),
        (DECLINED, set()),
        (IN_FORCE, {"suspend", "terminate"}),
        (SUSPENDED, {"suspend", "terminate"}),
        (OURS, {"resume", "terminate"}),
        (NOTICE, {"suspend"}),
        (ENDED, set()),
        (NOT_OURS, set()),
    ],
)
def test_each_state_allows_its_steps_and_no_other(
    cast: Cast, south: PartnerNode, state: str, possible: set[str]
) -> None:
    def counter(actor: Any, agreement: Agreement, note: str) -> object:
        text: Document = document(south)
        return actions.counter(actor, agreement, text, note, edition=0)

    steps: dict[str, Callable[..., object]] = {
        "counter": counter,
        "decline": actions.decline,
        "suspend": actions.suspend,
        "resume": actions.resume,
        "terminate": actions.terminate,
    }
    found = set()
    for name, step in steps.items():
        agreement = _in(state, south, cast)
        before = PartyInstrument.objects.count()
        try:
            step(cast.officer.actor, agreement, "")
        except NotAllowed:
            assert PartyInstrument.objects.count() == before
        else:
            found.add(name)
            assert PartyInstrument.objects.count() == before + 1
        for each in Partner.objects.filter(nation="XE"):
            each.delete()
    assert found == possible
