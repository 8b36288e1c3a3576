"""The decision: deny by default, the strictest clause that allows, and for each refusal its reason."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taawun.cooperation.agreements.document import Clause, Document, Onward, Party, parse, write
from taawun.cooperation.agreements.policy import (
    Agreed,
    Allowed,
    Denied,
    Facts,
    Origin,
    PartnerTrust,
    Policy,
    compile_policy,
    kind_matches,
)
from taawun.cooperation.agreements.reasons import word
from taawun.cooperation.agreements.standing import Evidence, Instrument, Signature, Standing, stand
from taawun.cooperation.federation.origins import narrowest
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from tests.strategies import NODES, documents, facts, instants
from tests.strategies import origins as origins_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = (BEGIN + timedelta(days=10)).timestamp()
US, B, C, D = (f"https://{ref}.example" for ref in ("us", "b", "c", "d"))
GUEST = f"{B}#guest"
OWN_GUEST = f"{US}#visitor"
LINEAGE = UUID(int=1)
TRUSTED = {node: PartnerTrust("", float("inf")) for node in (B, C, D)}


def clause(ref: str = "1", **changes: Any) -> Clause:
    """Everything up to AMBER between all; ``changes`` are members of whatever type each has."""
    members: dict[str, Any] = {
        "ref": ref,
        "title": Text.of(en=ref),
        "senders": ("any",),
        "receivers": ("any",),
        "kinds": ("*",),
        "topics": (),
        "tlp_max": Tlp.AMBER,
        "purpose": (),
        "onward": Onward("none"),
        "history": "from-accession",
        "retention_days": None,
        "on_termination": "delete",
        "recognises": (),
    }
    return Clause(**(members | changes))


def document(*clauses: Clause, number: int = 1, lineage: UUID = LINEAGE, **changes: Any) -> Document:
    """Between us, B with a guest, and C; ``changes`` are members of whatever type each has."""
    nodes = [
        Party(ref, "node", f"https://{ref}.example", "", "", Text.of(en=ref), "k" * 43)
        for ref in ("us", "b", "c")
    ]
    guest = Party("guest", "guest", "", "b", "", Text.of(en="Guest"), "")
    visitor = Party("visitor", "guest", "", "us", "", Text.of(en="Visitor"), "")
    members: dict[str, Any] = {
        "id": lineage,
        "version": number,
        "title": Text.of(en="Agreement"),
        "parties": (*nodes, guest, visitor),
        "clauses": clauses or (clause(),),
        "valid_from": BEGIN,
        "valid_until": None,
        "supersedes": "",
        "accession": "closed",
        "min_signatories": 2,
        "entry_into_force": "all",
        "notice_days": 0,
        "authentic_languages": ("en",),
        "prevailing": "",
        "preamble": None,
        "text": b"",
        "digest": "",
    }
    return parse(write(Document(**(members | changes))))


def on_day(number: float) -> datetime:
    return BEGIN + timedelta(days=number)


def standing(
    *versions: Document,
    signers: str = "us b c",
    said: tuple[tuple[str, str, float], ...] = (),
    at: float = 10,
) -> Standing:
    signatures = [
        Signature(each.digest, ref, on_day(each.version)) for each in versions for ref in signers.split()
    ]
    instruments = [
        Instrument(UUID(int=number), kind, ref, versions[-1].digest, on_day(day))
        for number, (kind, ref, day) in enumerate(said)
    ]
    return stand(Evidence(versions, signatures, instruments), on_day(at))


def policy(*standings: Standing, trust: dict[str, PartnerTrust] | None = None) -> Policy:
    agreed = [Agreed(f"AG-{number:03d}", each) for number, each in enumerate(standings, 1)]
    return compile_policy(US, agreed, TRUSTED if trust is None else trust, 0)


REPORT = Facts("intel.report", Tlp.AMBER)


def test_a_party_of_a_clause_in_force_may_have_what_the_clause_covers() -> None:
    decision = policy(standing(document())).decide(B, REPORT, NOW)
    assert isinstance(decision, Allowed)
    assert (decision.grant.code, decision.grant.clause.ref, decision.grant.agreement) == (
        "AG-001",
        "1",
        LINEAGE,
    )


def test_a_guest_is_a_receiver_of_its_own() -> None:
    rules = policy(standing(document(clause(receivers=("guest",)))))
    assert isinstance(rules.decide(GUEST, REPORT, NOW), Allowed)
    assert rules.decide(B, REPORT, NOW) == Denied("direction")


def test_a_guest_of_ours_needs_no_partner() -> None:
    assert isinstance(policy(standing(document()), trust={}).decide(OWN_GUEST, REPORT, NOW), Allowed)


EXPIRING = standing(document(valid_until=on_day(5)))
LATE = standing(document(valid_from=on_day(11)))
NARROWED = standing(document(), document(clause(kinds=("drills.scenario",)), number=2))


@pytest.mark.parametrize(
    ("party", "rules", "facts", "reason"),
    [
        (B, policy(), REPORT, "no-agreement"),
        (D, policy(standing(document())), REPORT, "no-agreement"),
        (US, policy(standing(document())), REPORT, "no-agreement"),
        ("", policy(standing(document())), REPORT, "no-agreement"),
        (B, policy(standing(document(clause(senders=("b",))))), REPORT, "direction"),
        (B, policy(standing(document(clause(receivers=("c",))))), REPORT, "direction"),
        (B, policy(standing(document(clause(kinds=("drills.*",))))), REPORT, "kind"),
        (B, policy(standing(document(clause(kinds=("intel.re",))))), REPORT, "kind"),
        (B, policy(standing(document(clause(topics=("attack:T1566",))))), REPORT, "topics"),
        (
            B,
            policy(standing(document(clause(topics=("attack:T1566",))))),
            replace(REPORT, topics=frozenset({"attack:T1059"})),
            "topics",
        ),
        (B, policy(standing(document(), signers="us b")), REPORT, "unsigned"),
        (B, policy(standing(document(entry_into_force=2), signers="us c")), REPORT, "unsigned"),
        (GUEST, policy(standing(document(entry_into_force=2), signers="us c")), REPORT, "unsigned"),
        (
            B,
            policy(
                standing(
                    document(
                        entry_into_force=2,
                        parties=document().parties[1:3] + document().parties[:1],
                        clauses=(clause(),),
                    ),
                    signers="b c",
                )
            ),
            REPORT,
            "unsigned",
        ),
        (B, policy(standing(document(), said=(("terminated", "b", 5),))), REPORT, "terminated"),
        (B, policy(EXPIRING), REPORT, "expired"),
        (B, policy(standing(document(), document(clause(senders=("b",)), number=2))), REPORT, "ended"),
        (B, policy(LATE), REPORT, "not-begun"),
        (B, policy(standing(document(), said=(("suspended", "c", 5),))), REPORT, "suspended"),
        (B, policy(standing(document()), trust={}), REPORT, "not-verified"),
        (GUEST, policy(standing(document()), trust={}), REPORT, "not-verified"),
        (
            B,
            policy(standing(document()), trust={B: PartnerTrust("partner-blocked", 0)}),
            REPORT,
            "partner-blocked",
        ),
        (
            B,
            policy(standing(document()), trust={B: PartnerTrust("descriptor-lapsed", 0)}),
            REPORT,
            "descriptor-lapsed",
        ),
        (B, policy(standing(document()), trust={B: PartnerTrust("", NOW)}), REPORT, "descriptor-lapsed"),
        (B, policy(standing(document())), replace(REPORT, tlp=Tlp.AMBER_STRICT), "tlp"),
        (B, policy(standing(document(clause(tlp_max=Tlp.RED)))), replace(REPORT, tlp=Tlp.RED), "red-unnamed"),
        (B, policy(standing(document())), replace(REPORT, audience=frozenset({C})), "audience"),
        (B, policy(standing(document())), replace(REPORT, audience=frozenset()), "audience"),
        (B, policy(standing(document())), replace(REPORT, origin=Origin("none")), "onward"),
    ],
)
def test_each_refusal_names_its_reason_and_is_put_into_words(
    party: str, rules: Policy, facts: Facts, reason: str
) -> None:
    decision = rules.decide(party, facts, NOW)
    assert isinstance(decision, Denied)
    assert decision.reason == reason
    worded = word(decision)
    assert worded.sentence.endswith(".")
    assert worded.mend
    assert rules.all_allowing(party, facts, NOW) == ()


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("descriptor-lapsed", "The descriptor of this partner's node has lapsed."),
        ("onward", "Its source does not allow it to be shared onward to this party."),
    ],
)
def test_why_a_party_does_not_receive_something_is_said_in_a_sentence(reason: str, sentence: str) -> None:
    assert word(Denied(reason)).sentence == sentence


def test_a_refusal_by_a_clause_names_the_clause_that_came_nearest() -> None:
    rules = policy(standing(document(clause("1", kinds=("drills.*",)), clause("2", tlp_max=Tlp.GREEN))))
    decision = rules.decide(B, REPORT, NOW)
    assert isinstance(decision, Denied)
    assert decision.grant is not None
    assert (decision.reason, decision.grant.clause.ref) == ("tlp", "2")


@pytest.mark.parametrize(
    ("tlp", "persons", "allowed"),
    [
        (Tlp.CLEAR, False, True),
        (Tlp.GREEN, False, True),
        (Tlp.AMBER, False, True),
        (Tlp.AMBER_STRICT, False, True),
        (Tlp.RED, False, False),
        (Tlp.RED, True, True),
    ],
)
def test_red_flows_only_to_named_persons(tlp: Tlp, persons: bool, allowed: bool) -> None:
    rules = policy(standing(document(clause(tlp_max=Tlp.RED))))
    decision = rules.decide(B, Facts("intel.report", tlp, names_persons=persons), NOW)
    assert isinstance(decision, Allowed) is allowed


OTHER = UUID(int=2)
NAMED, PARTIES, PUBLIC = Origin("named", named=frozenset({B})), Origin("parties", LINEAGE), Origin("public")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (Origin("none"), ()),
        (NAMED, (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)),
        (Origin("named", named=frozenset({C})), ()),
        (replace(NAMED, bound=frozenset({C})), ()),
        (PARTIES, (Tlp.CLEAR, Tlp.GREEN)),
        (Origin("parties", OTHER), ()),
        (Origin("parties", None), ()),
        (replace(PARTIES, bound=frozenset({C})), ()),
        (replace(PARTIES, bound=frozenset({B, C})), (Tlp.CLEAR, Tlp.GREEN)),
        (PUBLIC, (Tlp.CLEAR, Tlp.GREEN)),
        (replace(PUBLIC, bound=frozenset()), ()),
        (Origin("whatever"), ()),
    ],
)
def test_what_came_from_elsewhere_goes_on_as_far_as_its_source_and_its_marking_allow(
    origin: Origin, allowed: tuple[Tlp, ...]
) -> None:
    rules = policy(standing(document(clause(tlp_max=Tlp.RED))))
    may = [
        tlp
        for tlp in Tlp
        if isinstance(
            rules.decide(B, Facts("intel.report", tlp, names_persons=True, origin=origin), NOW), Allowed
        )
    ]
    assert tuple(may) == allowed


def test_the_parties_of_an_agreement_are_those_bound_at_that_instant() -> None:
    rules = policy(standing(document(valid_until=on_day(20), entry_into_force=2), signers="us b"))
    everybody = frozenset({US, B, GUEST, OWN_GUEST})
    assert rules.signatories(LINEAGE, on_day(0.5).timestamp()) == frozenset()
    assert rules.signatories(LINEAGE, NOW) == everybody
    assert rules.signatories(LINEAGE, on_day(20).timestamp()) == frozenset()
    assert rules.agreements_of(B, NOW) == {LINEAGE}
    assert rules.agreements_of(C, NOW) == frozenset()
    assert (
        policy(standing(document(), said=(("suspended", "c", 5),))).signatories(LINEAGE, NOW) == frozenset()
    )


def test_the_strictest_clause_comes_first() -> None:
    rules = policy(
        standing(
            document(
                clause("wide", tlp_max=Tlp.RED),
                clause("public", onward=Onward("public")),
                clause("soon", onward=Onward("public"), retention_days=1),
                clause("parties", onward=Onward("parties")),
                clause("named", onward=Onward("named", (C,))),
                clause("long"),
                clause("short", retention_days=30),
                clause("green", tlp_max=Tlp.GREEN),
                clause("off", topics=("attack:T1566",), tlp_max=Tlp.GREEN),
            )
        )
    )
    amber = [grant.clause.ref for grant in rules.all_allowing(B, REPORT, NOW)]
    assert amber == ["short", "long", "named", "parties", "soon", "public", "wide"]
    for release, first in (
        (REPORT, "short"),
        (replace(REPORT, tlp=Tlp.GREEN), "green"),
        (replace(REPORT, tlp=Tlp.RED, names_persons=True), "wide"),
    ):
        decision = rules.decide(B, release, NOW)
        assert isinstance(decision, Allowed)
        assert decision.grant.clause.ref == first
        assert rules.all_allowing(B, release, NOW)[0] == decision.grant


def test_a_party_that_signs_later_receives_from_then_on() -> None:
    text = document(entry_into_force=2)
    signatures = [Signature(text.digest, ref, on_day(at)) for ref, at in (("us", 1), ("c", 2), ("b", 8))]
    rules = policy(stand(Evidence([text], signatures, []), on_day(9)))
    for before in (on_day(8) - timedelta(milliseconds=1), on_day(7)):
        assert rules.decide(B, REPORT, before.timestamp()) == Denied("not-begun", rules.grants(B)[0])
    assert isinstance(rules.decide(B, REPORT, on_day(8).timestamp()), Allowed)
    assert isinstance(rules.decide(C, REPORT, on_day(2).timestamp()), Allowed)


@pytest.mark.parametrize(("history", "since"), [("from-accession", on_day(8).timestamp()), ("all", 0.0)])
def test_what_was_issued_before_a_party_joined_is_its_own_only_where_the_clause_gives_history(
    history: str, since: float
) -> None:
    text = document(clause(history=history), entry_into_force=2)
    again = document(clause(history=history), entry_into_force=2, number=2, valid_from=on_day(9))
    signatures = [
        Signature(each.digest, ref, on_day(at))
        for each in (text, again)
        for ref, at in (("us", 1), ("c", 2), ("b", 8))
    ]
    rules = policy(stand(Evidence([text, again], signatures, []), on_day(9)))
    assert {grant.since for grant in rules.grants(B)} == {since}


def test_what_was_sent_before_a_party_joined_under_a_version_that_gave_no_history_is_not_its_own() -> None:
    text = document(clause(history="all"), entry_into_force=2)
    signatures = [Signature(text.digest, ref, on_day(at)) for ref, at in (("us", 1), ("c", 2), ("b", 8))]
    rules = policy(stand(Evidence([text], signatures, []), on_day(9)))
    at = on_day(9).timestamp()
    may = [
        rules.allows_over(B, REPORT, at, (LINEAGE, "1"), on_day(sent).timestamp(), gave_history=gave)
        for sent in (7, 8)
        for gave in (True, False)
    ]
    assert may == [True, False, True, True]


@pytest.mark.parametrize(
    "release",
    [
        replace(REPORT, audience=frozenset({C})),
        replace(REPORT, tlp=Tlp.RED),
        replace(REPORT, tlp=Tlp.AMBER_STRICT, origin=Origin("public")),
        replace(REPORT, origin=Origin("none")),
        replace(REPORT, origin=Origin("public", bound=frozenset({C}))),
        replace(REPORT, kind="drills.scenario"),
    ],
)
def test_what_went_over_one_clause_is_served_only_while_a_decision_would_allow_it(release: Facts) -> None:
    rules = policy(standing(document(clause("1", kinds=("intel.*",), tlp_max=Tlp.RED), clause("2"))))
    over = (LINEAGE, "1")
    assert rules.allows_over(B, REPORT, NOW, over, NOW)
    assert not rules.allows_over(B, release, NOW, over, NOW)
    # another clause may allow it, and says nothing of this one
    assert not rules.allows_over(B, replace(REPORT, kind="drills.scenario"), NOW, over, NOW)


def test_a_suspension_that_nobody_lifted_is_over_once_who_said_it_has_left() -> None:
    said = (("suspended", "c", 5), ("left", "c", 6))
    rules = policy(standing(document(notice_days=10), said=said))
    suspended = rules.decide(B, REPORT, NOW)
    assert isinstance(suspended, Denied)
    assert suspended.reason == "suspended"
    # by the same policy, which has answered before
    assert isinstance(rules.decide(B, REPORT, on_day(16).timestamp()), Allowed)


def test_who_left_and_came_back_joined_when_it_came_back() -> None:
    first = document(entry_into_force=2)
    again = document(entry_into_force=2, number=2, valid_from=on_day(20))
    days = {
        (first, "us"): 1,
        (first, "b"): 1,
        (first, "c"): 1,
        (again, "us"): 12,
        (again, "c"): 12,
        (again, "b"): 20,
    }
    signatures = [Signature(text.digest, ref, on_day(day)) for (text, ref), day in days.items()]
    left = Instrument(UUID(int=1), "left", "b", first.digest, on_day(5))
    rules = policy(stand(Evidence([first, again], signatures, [left]), on_day(21)))
    since = [{grant.since for grant in rules.grants(party)} for party in (B, C)]
    assert since == [{on_day(20).timestamp()}, {on_day(1).timestamp()}]


def test_a_guest_is_one_of_its_own_host_alone() -> None:
    made = [Agreed("AG-001", standing(document()))]
    assert compile_policy(GUEST, made, TRUSTED, 0).decide(C, REPORT, NOW) == Allowed(
        compile_policy(GUEST, made, TRUSTED, 0).grants(C)[0]
    )
    assert compile_policy(f"{C}#guest", made, TRUSTED, 0).parties == ()


@pytest.mark.parametrize(
    ("patterns", "kind", "matches"),
    [
        (("*",), "intel.report", True),
        (("intel.*",), "intel.report", True),
        (("intel.*",), "intel.report.long", True),
        (("intel.*",), "intelligence.report", False),
        (("intel.*",), "intel", False),
        (("intel.report",), "intel.report", True),
        (("intel.report",), "intel.report.long", False),
        (("drills.*", "intel.report"), "intel.report", True),
        ((), "intel.report", False),
    ],
)
def test_a_kind_is_named_whole_by_its_room_or_by_a_star(
    patterns: tuple[str, ...], kind: str, matches: bool
) -> None:
    assert kind_matches(patterns, kind) is matches


# ---- for any agreements and releases --------------------------------------------------------------------------------


@st.composite
def standings(draw: st.DrawFn, at: datetime) -> Standing:
    text = draw(documents(us=US))
    spoken = st.tuples(
        st.sampled_from([party.ref for party in text.parties if party.kind == "node"]), instants
    )
    everybody = [(party.ref, draw(instants)) for party in text.parties if party.kind == "node"]
    signatures = [Signature(text.digest, *each) for each in draw(st.just(everybody) | st.lists(spoken))]
    instruments = [
        Instrument(draw(st.uuids()), "suspended", ref, text.digest, moment)
        for ref, moment in draw(st.lists(spoken, max_size=1))
    ]
    return stand(Evidence([text], signatures, instruments), at)


def worlds(at: datetime) -> st.SearchStrategy[tuple[list[Standing], dict[str, PartnerTrust]]]:
    trust = st.sampled_from(
        (PartnerTrust("", float("inf")), PartnerTrust("", at.timestamp()), PartnerTrust("not-verified", 0))
    )
    return st.tuples(
        st.lists(standings(at), min_size=1, max_size=3),
        st.fixed_dictionaries(dict.fromkeys(NODES, trust)),
    )


AT = BEGIN + timedelta(days=200)
PARTIES_OF_ANY = (*NODES, *(f"{node}#g{number}" for node in (*NODES, US) for number in range(2)))


def _allowed(rules: Policy, release: Facts) -> set[str]:
    return {
        party for party in rules.parties if isinstance(rules.decide(party, release, AT.timestamp()), Allowed)
    }


@given(worlds(AT), st.data())
def test_the_short_answer_and_the_long_one_agree(
    world: tuple[list[Standing], dict[str, PartnerTrust]], data: st.DataObject
) -> None:
    rules = policy(*world[0], trust=world[1])
    lineages = [each.current.id for each in world[0] if each.current]
    release = data.draw(facts(lineages, PARTIES_OF_ANY))
    for party in (*rules.parties, "https://nobody.example"):
        decision = rules.decide(party, release, AT.timestamp())
        allowing = rules.all_allowing(party, release, AT.timestamp())
        # a refusal always has its words, and a yes is the first of all that would say yes
        assert (
            (decision == Allowed(allowing[0]))
            if allowing
            else (isinstance(decision, Denied) and word(decision))
        )


@given(worlds(AT), st.data())
def test_nothing_that_narrows_lets_anybody_in(
    world: tuple[list[Standing], dict[str, PartnerTrust]], data: st.DataObject
) -> None:
    held, trust = world
    lineages = [each.current.id for each in held if each.current]
    release = data.draw(facts(lineages, PARTIES_OF_ANY))
    before = _allowed(policy(*held, trust=trust), release)
    which = data.draw(st.sampled_from(range(len(held))))
    first = held[which]
    signer = data.draw(st.sampled_from(sorted(first.signatories) or ["p0"]))
    suspension = Instrument(UUID(int=3), "suspended", signer, "", AT)
    windows = tuple(replace(window, suspensions=(suspension,)) for window in first.windows)
    stopped = replace(first, windows=windows, suspensions=(suspension,))
    narrowings = {
        "a suspension": policy(*held[:which], stopped, *held[which + 1 :], trust=trust),
        "an agreement less": policy(*held[:which], *held[which + 1 :], trust=trust),
        "a lapsed descriptor": policy(*held, trust=trust | {NODES[0]: PartnerTrust("", AT.timestamp())}),
        "a partner nobody knows": policy(
            *held, trust={node: held for node, held in trust.items() if node != NODES[0]}
        ),
    }
    for name, narrowed in narrowings.items():
        assert _allowed(narrowed, release) <= before, name
    fewer = data.draw(st.frozensets(st.sampled_from(PARTIES_OF_ANY)))
    audience = fewer if release.audience is None else release.audience & fewer
    bound = fewer if release.origin.bound is None else release.origin.bound & fewer
    rules = policy(*held, trust=trust)
    assert _allowed(rules, replace(release, audience=audience)) <= before
    assert _allowed(rules, replace(release, origin=replace(release.origin, bound=bound))) <= before
    assert _allowed(rules, replace(release, origin=Origin("none"))) == set()


@settings(max_examples=200)
@given(worlds(AT), st.data())
def test_what_is_made_of_several_parts_goes_no_further_than_each_of_them(
    world: tuple[list[Standing], dict[str, PartnerTrust]], data: st.DataObject
) -> None:
    rules = policy(*world[0], trust=world[1])
    lineages = [each.current.id for each in world[0] if each.current]
    parts = data.draw(st.lists(origins_of(lineages, PARTIES_OF_ANY), max_size=4))
    data.draw(st.randoms(use_true_random=False)).shuffle(parts)
    whole = narrowest(parts, rules, AT.timestamp())
    release = data.draw(facts(lineages, PARTIES_OF_ANY))
    together = _allowed(rules, replace(release, origin=whole))
    each = [_allowed(rules, replace(release, origin=part)) for part in parts]
    assert together == set.intersection(_allowed(rules, replace(release, origin=Origin())), *each)


def test_what_is_our_own_in_every_part_is_our_own() -> None:
    assert narrowest([Origin(), Origin()], policy(), 0.0) == Origin()
    assert narrowest([], policy(), 0.0) == Origin()


def test_the_order_of_the_parts_does_not_matter() -> None:
    rules = policy(standing(document()))
    parts = [NAMED, PARTIES, PUBLIC, Origin(), replace(PUBLIC, bound=frozenset({B, C}))]
    wanted = narrowest(parts, rules, NOW)
    assert wanted == Origin("public", bound=frozenset({B}))
    for _ in range(10):
        random.shuffle(parts)
        assert narrowest(parts, rules, NOW) == wanted
