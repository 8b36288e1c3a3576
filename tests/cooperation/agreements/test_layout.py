"""A refusal is as quick as a yes: clauses are laid out once for a party and a kind, not for each question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.cooperation.agreements import policy as policy_module
from taawun.cooperation.agreements.decision import Grant, obstacle, stage
from taawun.cooperation.agreements.layout import Layout, Proposal, lay_out, narrowest_pattern
from taawun.cooperation.agreements.policy import Allowed, Denied, Facts, PartnerTrust, Policy, kind_matches
from taawun.cooperation.agreements.standing import Standing
from taawun.foundation.tlp import Tlp
from tests.calls import calls_of
from tests.cooperation.agreements.test_policy import (
    AT,
    NOW,
    PARTIES_OF_ANY,
    REPORT,
    B,
    C,
    clause,
    document,
    on_day,
    policy,
    standing,
    worlds,
)
from tests.strategies import KIND_PATTERNS, KINDS, facts, instants

_MANY = 300
_CALLS = 12  # for a decision, on the compiled policy of a thousand agreements
_TOPICS = tuple(f"attack:T{number}" for number in range(50))
_TEXTS = [document(lineage=UUID(int=number)) for number in range(1, _MANY + 1)]


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds for which clauses were laid out."""
    kinds: list[str] = []

    def counted(
        grants: Sequence[Grant], proposals: Sequence[Proposal], nothing: Denied, kind: str, at: float
    ) -> Layout:
        kinds.append(kind)
        return lay_out(grants, proposals, nothing, kind, at)

    monkeypatch.setattr(policy_module, "lay_out", counted)
    return kinds


def _all(**changes: Any) -> Callable[[], Policy]:
    return lambda: policy(*(standing(replace(text, **changes)) for text in _TEXTS))


def _said(signers: str, *said: tuple[str, str, float]) -> Callable[[], Policy]:
    return lambda: policy(*(standing(text, signers=signers, said=said) for text in _TEXTS))


def _trusting(trust: dict[str, PartnerTrust]) -> Callable[[], Policy]:
    return lambda: policy(*(standing(text) for text in _TEXTS), trust=trust)


_ON_TOPICS = replace(REPORT, topics=frozenset(_TOPICS[:20]))
CLOSED = [
    ("partner-blocked", _trusting({B: PartnerTrust("partner-blocked", float("inf"))}), REPORT),
    ("not-verified", _trusting({}), REPORT),
    ("descriptor-lapsed", _trusting({B: PartnerTrust("", NOW)}), REPORT),
    ("suspended", _said("us b c", ("suspended", "c", 5)), REPORT),
    ("unsigned", _said("us b"), REPORT),
    ("expired", _all(valid_until=on_day(5)), REPORT),
    ("not-begun", _all(valid_from=on_day(11)), REPORT),
    ("kind", _all(clauses=(clause(kinds=("learning.course",)),)), REPORT),
    ("direction", _all(clauses=(clause(receivers=("c",)),)), REPORT),
    (
        "topics",
        _all(clauses=(clause(topics=_TOPICS),)),
        replace(REPORT, topics=frozenset({"attack:T1566"})),
    ),
    ("tlp", _all(clauses=(clause(topics=_TOPICS, tlp_max=Tlp.CLEAR),)), _ON_TOPICS),
    ("audience", _all(clauses=(clause(topics=_TOPICS),)), replace(_ON_TOPICS, audience=frozenset({C}))),
]


@pytest.mark.parametrize(("reason", "made", "release"), CLOSED, ids=[each[0] for each in CLOSED])
def test_a_refusal_lays_out_no_clause_again_and_holds_the_bar_whatever_its_reason(
    reason: str, made: Callable[[], Policy], release: Facts, laid_out: list[str]
) -> None:
    rules = made()
    decision = rules.decide(B, release, NOW)
    assert isinstance(decision, Denied)
    assert decision.reason == reason
    del laid_out[:]
    assert calls_of(lambda: rules.decide(B, release, NOW)) < _CALLS
    assert laid_out == []


def test_kinds_that_no_clause_names_take_no_room_each(laid_out: list[str]) -> None:
    rules = policy(
        standing(document(clause("1", kinds=("intel.*",)), clause("2", kinds=("learning.course",))))
    )
    decided = {}
    for number in range(100):
        for kind in (f"made.up-{number}", f"intel.kind-{number}", f"learning.course.{number}"):
            decided[kind] = rules.decide(B, replace(REPORT, kind=kind), NOW)
    assert {kind for kind, answer in decided.items() if isinstance(answer, Allowed)} == {
        f"intel.kind-{number}" for number in range(100)
    }
    # one for what no clause names, one for what intel.* names
    assert len(laid_out) == 2


def test_parties_that_no_agreement_names_take_no_room(laid_out: list[str]) -> None:
    rules = policy(standing(document(clause(receivers=("c",)))))
    assert {rules.decide(f"https://{number}.example", REPORT, NOW) for number in range(100)} == {
        Denied("no-agreement")
    }
    assert rules.decide(B, REPORT, NOW) == Denied("direction")
    assert laid_out == []


def test_a_clause_that_begins_or_ends_is_laid_out_anew(laid_out: list[str]) -> None:
    rules = policy(standing(document(valid_from=on_day(5), valid_until=on_day(9))))

    def on(day: float) -> str:
        decision = rules.decide(B, REPORT, on_day(day).timestamp())
        return decision.reason if isinstance(decision, Denied) else "yes"

    days = (4, 4.9, 5, 6, 8.9, 9, 20, 6, 4)
    assert [on(day) for day in days] == [
        "not-begun", "not-begun", "yes", "yes", "yes", "expired", "expired", "yes", "not-begun"
    ]  # fmt: skip
    assert len(laid_out) == 5


@given(st.frozensets(st.sampled_from((*KIND_PATTERNS, *KINDS, "intel.report.*"))), st.data())
def test_kinds_of_the_same_narrowest_pattern_are_named_by_the_same_patterns(
    patterns: frozenset[str], data: st.DataObject
) -> None:
    kinds = st.sampled_from((*KINDS, *KIND_PATTERNS)) | st.lists(
        st.sampled_from(("intel", "report", "", "drills", "x")), min_size=1, max_size=4
    ).map(".".join)
    one, other = data.draw(kinds), data.draw(kinds)
    named = [frozenset(each for each in patterns if kind_matches([each], kind)) for kind in (one, other)]
    assert bool(named[0]) is bool(narrowest_pattern(patterns, one))
    if narrowest_pattern(patterns, one) == narrowest_pattern(patterns, other):
        assert named[0] == named[1]


@pytest.mark.slow
@given(worlds(AT), st.lists(instants, min_size=1, max_size=4), st.data())
def test_whatever_is_remembered_each_answer_is_that_of_the_clauses(
    world: tuple[list[Standing], dict[str, PartnerTrust]], moments: list[datetime], data: st.DataObject
) -> None:
    rules = policy(*world[0], trust=world[1])
    lineages = [each.current.id for each in world[0] if each.current]
    releases = data.draw(st.lists(facts(lineages, PARTIES_OF_ANY), min_size=1, max_size=4))
    for moment in moments:
        at = moment.timestamp()
        for release in releases:
            for party in rules.parties:
                _is_that_of_the_clauses(rules, party, release, at)


def _is_that_of_the_clauses(rules: Policy, party: str, release: Facts, at: float) -> None:
    decision = rules.decide(party, release, at)
    grants = rules.grants(party)
    reasons = [obstacle(grant, release, at) for grant in grants]
    if "" in reasons:
        first = grants[reasons.index("")]
        hindrance = rules._hindrance(party, release, at)
        assert decision == (Denied(hindrance, first) if hindrance else Allowed(first))
    else:
        assert isinstance(decision, Denied)
        # a proposal, which gives nothing, may still say more than what is in force
        furthest = max((stage(each) for each in reasons), default=0)
        assert stage(decision.reason) >= furthest
        if decision.grant in grants:
            assert decision.reason == reasons[grants.index(decision.grant)]
            assert stage(decision.reason) == furthest
    every = {
        (grant.agreement, grant.clause.ref)
        for grant, reason in zip(grants, reasons, strict=True)
        if not reason and grant.since <= at and not rules._hindrance(party, release, at)
    }
    over = {(grant.agreement, grant.clause.ref) for grant in grants}
    assert {each for each in over if rules.allows_over(party, release, at, each, at)} == every


# ---- what was proposed and never signed ------------------------------------------------------------------------------


def test_a_proposal_gives_no_grants_and_one_reason_however_many_its_clauses() -> None:
    wordy = document(*(clause(str(number), kinds=("intel.*",)) for number in range(40)))
    rules = policy(standing(wordy, signers="b"))
    assert (rules.grants(B), rules.grants_over(B, (wordy.id, "1"))) == ((), ())
    decision = rules.decide(B, REPORT, NOW)
    assert isinstance(decision, Denied)
    assert decision.grant is not None
    assert (decision.reason, decision.grant.code, decision.grant.agreement) == (
        "unsigned",
        "AG-001",
        wordy.id,
    )
    assert rules.unopened(wordy.id) == "unsigned"
    assert rules.unopened(UUID(int=77)) == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "unsigned"),
        ({"kinds": ("learning.*",)}, "kind"),
        ({"receivers": ("c",)}, "direction"),
        ({"senders": ("b",)}, "direction"),
    ],
)
def test_a_proposal_is_a_reason_only_for_what_it_would_let_us_send(
    changes: dict[str, Any], reason: str
) -> None:
    decision = policy(standing(document(clause(**changes)), signers="b")).decide(B, REPORT, NOW)
    assert isinstance(decision, Denied)
    assert decision.reason == reason


def test_a_proposal_takes_nothing_from_what_is_in_force() -> None:
    proposed = standing(document(clause(tlp_max=Tlp.RED), lineage=UUID(int=2)), signers="b")
    rules = policy(standing(document(clause(kinds=("intel.*",)))), proposed)
    assert isinstance(rules.decide(B, REPORT, NOW), Allowed)
    refused = rules.decide(B, replace(REPORT, kind="learning.course"), NOW)
    assert isinstance(refused, Denied)
    assert refused.reason == "unsigned"
    assert rules.unopened(document().id) == ""


def test_many_proposals_with_the_same_kinds_are_one_reason() -> None:
    proposals = [standing(document(lineage=UUID(int=number)), signers="b") for number in range(1, 50)]
    rules = policy(*proposals)
    decision = rules.decide(B, REPORT, NOW)
    assert isinstance(decision, Denied)
    assert decision.grant is not None
    assert decision.grant.code == "AG-001"
    assert len(rules._proposed[B]) == 1


def test_the_nodes_of_guests_are_found_by_their_host() -> None:
    rules = policy(standing(document()))
    assert rules.keys_of(B) == (B, f"{B}#guest")
    assert rules.keys_of("https://nobody.example") == ()
