"""Ratification, accession, leaving and declarations: what they do to where an agreement stands, and to what flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.cooperation.agreements.document import (
    Clause,
    Document,
    Narrowing,
    Part,
    Party,
    check_narrowings,
    narrowed,
    parse,
    write,
)
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.policy import Agreed, Allowed, Denied, Facts, Policy, compile_policy
from taawun.cooperation.agreements.standing import Evidence, Instrument, Standing, State, stand
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from tests.cooperation.agreements.test_policy import NOW as DAY_10
from tests.cooperation.agreements.test_policy import TRUSTED, US, B, C, D, clause, document, on_day
from tests.cooperation.agreements.test_standing import day, said, signed, version
from tests.strategies import documents, facts, narrowings

REPORT = Facts("intel.report", Tlp.AMBER)
NEW = Party("d", "node", D, "", "", Text.of(en="D"), "d" * 43)


def ratifying(text: Document, *refs: str) -> Document:
    """The same text, in which these parties ratify."""
    parties = tuple(replace(each, ratifies=each.ref in refs) for each in text.parties)
    return parse(write(replace(text, parties=parties)))


# ---- entry into force and ratification --------------------------------------------------------------------------


def test_a_date_is_kept_as_soon_as_the_least_number_of_parties_is_bound() -> None:
    text = version(begins=5, needed="date")
    early = stand(Evidence([text], signed(text, a=1, b=2), []), day(6))
    assert (early.state, early.windows[0].opens, sorted(early.signatories)) == (
        State.IN_FORCE,
        day(5),
        ["a", "b"],
    )
    late = stand(Evidence([text], signed(text, a=1, b=2, c=8), []), day(9))
    assert (late.windows[0].opens, sorted(late.signatories)) == (day(5), ["a", "b", "c"])
    assert stand(Evidence([text], signed(text, b=1, c=2), []), day(6)).state == State.PROPOSED


def test_a_signature_binds_only_once_it_is_ratified() -> None:
    text = ratifying(version(), "b")
    everybody = signed(text, a=1, b=1, c=1)
    waiting = stand(Evidence([text], everybody, []), day(2))
    assert (waiting.state, sorted(waiting.signed_by), sorted(waiting.ratified_by)) == (
        State.PROPOSED,
        ["a", "b", "c"],
        ["a", "c"],
    )
    ratified = stand(Evidence([text], everybody, [said("ratified", text, "b", 4)]), day(5))
    assert (ratified.state, ratified.windows[0].opens) == (State.IN_FORCE, day(4))


@pytest.mark.parametrize("at", [0.5, 3])
def test_a_ratification_counts_from_the_later_of_both_whichever_came_first(at: float) -> None:
    text = ratifying(version(needed=2), "c")
    evidence = Evidence([text], signed(text, a=1, b=1, c=2), [said("ratified", text, "c", at)])
    assert dict(stand(evidence, day(4)).windows[0].signed)["c"] == day(max(at, 2))


def test_who_has_not_ratified_gives_and_takes_nothing_and_neither_suspends_nor_ends() -> None:
    text = ratifying(version(needed=2), "c")
    words = [said("suspended", text, "c", 3), said("terminated", text, "c", 3)]
    standing = stand(Evidence([text], signed(text, a=1, b=1, c=2), words), day(4))
    assert (standing.state, standing.suspensions, standing.ends) == (State.IN_FORCE, (), None)
    assert (sorted(standing.signatories), sorted(standing.windows[0].unratified)) == (["a", "b"], ["c"])


# ---- accession ----------------------------------------------------------------------------------------------------


def open_text(*clauses: Clause, **members: Any) -> Document:
    """A text of us, B and C that others may join; members of whatever type each has."""
    return document(*clauses, accession="by-invitation", **members)


def joining(
    text: Document,
    *,
    by: str = "us",
    party: Party = NEW,
    node: str = D,
    days: tuple[float, ...] = (3, 4, 5),
    **more: Any,
) -> list[Instrument]:
    """An invitation, the accession and its countersignature; ``more`` are members of the invitation."""
    invited = Instrument(UUID(int=71), "invited", by, text.digest, on_day(days[0]), invites=party, **more)
    acceded = Instrument(
        UUID(int=72), "acceded", "", text.digest, on_day(days[1]), answers=invited.id, node=node, mark="m"
    )
    word = Instrument(
        UUID(int=73), "countersigned", by, text.digest, on_day(days[2]), answers=acceded.id, sees="m"
    )
    return [invited, acceded, word]


def held(text: Document, words: Sequence[Instrument], at: float = 10) -> Standing:
    return stand(Evidence([text], signed(text, us=1, b=1, c=1), words), on_day(at))


def policy_of(standing: Standing, own: str = US, **changes: Any) -> Policy:
    """``changes`` are arguments of whatever type each has."""
    trust = TRUSTED | changes.pop("trust", {})
    return compile_policy(own, [Agreed("AG-001", standing)], trust, 0, **changes)


def refusal(rules: Policy, party: str, at: float) -> str:
    """Why a party does not get a report at an instant; empty where it does."""
    decision = rules.decide(party, REPORT, at)
    return decision.reason if isinstance(decision, Denied) else ""


def test_who_was_invited_and_countersigned_counts_from_the_later_of_both_in_any() -> None:
    text = open_text()
    standing = held(text, joining(text))
    assert (sorted(standing.signatories), dict(standing.windows[0].signed)["d"]) == (
        ["b", "c", "d", "us"],
        on_day(5),
    )
    rules = policy_of(standing)
    assert isinstance(rules.decide(D, REPORT, DAY_10), Allowed)
    assert refusal(rules, D, on_day(4.5).timestamp()) == "not-begun"
    assert standing.state == State.IN_FORCE


@pytest.mark.parametrize(
    "spoil",
    [
        lambda words, text: words[1:],
        lambda words, text: words[:2],
        lambda words, text: [words[0], words[2]],
        lambda words, text: [replace(words[0], party="b"), *words[1:]],
        lambda words, text: [*words[:2], replace(words[2], party="b")],
        lambda words, text: [*words[:2], replace(words[2], sees="other")],
        lambda words, text: [words[0], replace(words[1], node="https://e.example"), words[2]],
        lambda words, text: [replace(words[0], until=on_day(4)), *words[1:]],
        lambda words, text: [
            replace(words[0], invites=replace(NEW, node=B)),
            replace(words[1], node=B),
            words[2],
        ],
        lambda words, text: [replace(words[0], invites=replace(NEW, ref="b")), *words[1:]],
    ],
    ids=[
        "not invited",
        "not countersigned",
        "countersigned what nobody signed",
        "invited by another party",
        "countersigned by another party",
        "countersigned another text",
        "signed by another node",
        "answered too late",
        "invited who is a party",
        "under the ref of a party",
    ],
)
def test_an_accession_counts_only_whole(spoil: Any) -> None:  # Any: one of the lines above
    text = open_text()
    standing = held(text, spoil(joining(text), text))
    assert sorted(standing.signatories) == ["b", "c", "us"]
    assert isinstance(policy_of(standing).decide(D, REPORT, DAY_10), Denied)


def test_nobody_joins_what_is_closed() -> None:
    text = document()
    assert sorted(held(text, joining(text)).signatories) == ["b", "c", "us"]


def test_what_waits_for_an_answer_or_the_depositary_is_told() -> None:
    text = open_text()
    invited, acceded, _word = joining(text)
    assert held(text, [invited]).invitations == (invited,)
    assert (held(text, [invited, acceded]).invitations, held(text, [invited, acceded]).accessions) == (
        (),
        (acceded,),
    )
    assert held(text, joining(text)).accessions == ()


def test_who_acceded_does_not_count_for_entry_into_force() -> None:
    text = open_text()
    standing = stand(Evidence([text], signed(text, us=1, b=1), joining(text)), on_day(10))
    assert (standing.state, standing.windows) == (State.PROPOSED, ())


def test_clauses_between_named_parties_stay_between_them() -> None:
    text = open_text(clause("1", senders=("us",), receivers=("b", "c")))
    assert policy_of(held(text, joining(text))).decide(D, REPORT, DAY_10) == Denied("direction")


def test_who_was_invited_to_some_clauses_takes_part_in_no_other() -> None:
    text = open_text(clause("1", kinds=("intel.report",)), clause("2", kinds=("intel.sighting",)))
    standing = held(text, joining(text, parts=(Part("2", ("takes",)),)))
    sighting = replace(REPORT, kind="intel.sighting")
    assert isinstance(policy_of(standing).decide(D, sighting, DAY_10), Allowed)
    assert isinstance(policy_of(standing).decide(D, REPORT, DAY_10), Denied)
    # it takes, and does not give
    ours = {US: TRUSTED[B]}
    assert isinstance(policy_of(standing, D, trust=ours).decide(US, sighting, DAY_10), Denied)


def test_an_invitation_may_ask_for_ratification() -> None:
    text = open_text()
    words = joining(text, party=replace(NEW, ratifies=True))
    assert "d" not in held(text, words).signatories
    ratified = Instrument(UUID(int=74), "ratified", "", text.digest, on_day(7), node=D)
    standing = held(text, [*words, ratified])
    assert dict(standing.windows[0].signed)["d"] == on_day(7)


def test_a_next_version_waits_for_the_signature_of_whoever_acceded_and_is_named() -> None:
    text = open_text()
    second = open_text(number=2, parties=(*text.parties, NEW), valid_from=on_day(8), entry_into_force=3)
    signatures = [*signed(text, us=1, b=1, c=1), *signed(second, us=7, b=7, c=7)]
    waiting = stand(Evidence([text, second], signatures, joining(text)), on_day(9))
    assert (waiting.current and waiting.current.version, waiting.pending and waiting.pending.version) == (
        1,
        2,
    )
    agreed = stand(Evidence([text, second], [*signatures, *signed(second, d=9)], joining(text)), on_day(10))
    assert agreed.current
    assert agreed.current.version == 2


def test_of_two_that_were_given_one_ref_the_older_one_counts_at_every_node() -> None:
    text = open_text()
    other = "https://e.example"
    later = [
        replace(
            each, id=UUID(int=each.id.int + 100), answers=each.answers and UUID(int=each.answers.int + 100)
        )
        for each in joining(text, party=replace(NEW, node=other), node=other, days=(4, 5, 6))
    ]
    for words in ([*joining(text), *later], [*later, *joining(text)]):
        current = held(text, words).current
        party = current.party("d") if current else None
        assert party
        assert party.node == D


# ---- history of a newcomer ---------------------------------------------------------------------------------------


def test_a_newcomer_to_the_whole_history_waits_until_the_sender_confirmed_it() -> None:
    text = open_text(clause(history="all"))
    standing = held(text, joining(text))
    lineage = text.id
    unconfirmed = policy_of(standing, confirmed={}).decide(D, REPORT, DAY_10)
    assert isinstance(unconfirmed, Denied)
    assert (unconfirmed.reason, unconfirmed.grant and unconfirmed.grant.clause.ref) == ("unconfirmed", "1")
    issued = on_day(2).timestamp()
    for reads, wanted in ((True, True), (False, False)):
        rules = policy_of(standing, confirmed={(lineage, D): reads})
        assert isinstance(rules.decide(D, REPORT, DAY_10), Allowed)
        assert rules.allows_over(D, REPORT, DAY_10, (lineage, "1"), issued) is wanted
    # who was there from the beginning needs no confirmation
    assert isinstance(policy_of(standing, confirmed={}).decide(B, REPORT, DAY_10), Allowed)


def test_a_newcomer_reads_nothing_older_where_history_begins_with_its_accession() -> None:
    text = open_text()
    rules = policy_of(held(text, joining(text)), confirmed={(text.id, D): True})
    over = (text.id, "1")
    assert not rules.allows_over(D, REPORT, DAY_10, over, on_day(4.9).timestamp())
    assert rules.allows_over(D, REPORT, DAY_10, over, on_day(5).timestamp())


# ---- leaving --------------------------------------------------------------------------------------------------------


def test_who_leaves_gives_and_takes_nothing_once_its_notice_is_over_and_the_others_go_on() -> None:
    text = document(notice_days=3)
    standing = held(text, [said("left", text, "c", 5)])
    assert (standing.state, sorted(standing.signatories), standing.ends) == (
        State.IN_FORCE,
        ["b", "us"],
        None,
    )
    rules = policy_of(standing)
    assert isinstance(rules.decide(C, REPORT, on_day(7.9).timestamp()), Allowed)
    refused = rules.decide(C, REPORT, on_day(8).timestamp())
    assert isinstance(refused, Denied)
    assert refused.reason == "left"
    assert isinstance(rules.decide(B, REPORT, DAY_10), Allowed)
    # its lanes still carry what withdraws and what signs for it
    assert C in standing.joined


def test_too_few_that_remain_end_it_when_the_last_one_has_left() -> None:
    text = document(notice_days=1, min_signatories=3)
    standing = held(text, [said("left", text, "c", 5)])
    assert (standing.state, standing.ends, standing.is_deserted) == (State.TERMINATED, on_day(6), True)


def test_the_depositary_ends_an_agreement_by_leaving_it() -> None:
    text = document(notice_days=2)
    standing = held(text, [said("left", text, "us", 5)])
    assert (standing.state, standing.ends, standing.is_deserted) == (State.TERMINATED, on_day(7), True)


def test_a_suspension_ends_with_the_leaving_of_its_party() -> None:
    text = document(notice_days=3)
    words = [said("suspended", text, "c", 4), said("left", text, "c", 5)]
    standing = held(text, words, at=10)
    assert standing.state == State.IN_FORCE
    assert held(text, words, at=7).state == State.SUSPENDED
    rules = policy_of(standing)
    assert refusal(rules, B, on_day(7.9).timestamp()) == "suspended"
    assert isinstance(rules.decide(B, REPORT, on_day(8).timestamp()), Allowed)


def test_who_signs_a_later_version_after_its_notice_stays() -> None:
    text, second = document(), document(number=2, valid_from=on_day(6))
    signatures = [*signed(text, us=1, b=1, c=1), *signed(second, us=4, b=4, c=6)]
    standing = stand(Evidence([text, second], signatures, [said("left", text, "c", 5)]), on_day(10))
    assert (standing.current and standing.current.version, sorted(standing.signatories)) == (
        2,
        ["b", "c", "us"],
    )


def test_a_next_version_does_not_wait_for_who_has_left() -> None:
    text, second = document(), document(number=2, valid_from=on_day(6), entry_into_force=2)
    signatures = [*signed(text, us=1, b=1, c=1), *signed(second, us=7, b=7)]
    standing = stand(Evidence([text, second], signatures, [said("left", text, "c", 5)]), on_day(10))
    assert standing.current
    assert standing.current.version == 2


# ---- declarations ----------------------------------------------------------------------------------------------------


def declared(text: Document, by: str, *narrows: Narrowing, own: int = 90) -> Instrument:
    return Instrument(UUID(int=own), "declared", by, text.digest, on_day(5), narrows=narrows)


@pytest.mark.parametrize(
    ("by", "narrowing", "release", "to", "reason"),
    [
        ("us", Narrowing("1", "gives"), REPORT, B, "narrowed"),
        ("us", Narrowing("1", "gives", tlp_max=Tlp.GREEN), REPORT, B, "narrowed"),
        ("us", Narrowing("1", "gives", tlp_max=Tlp.GREEN), replace(REPORT, tlp=Tlp.GREEN), B, ""),
        ("us", Narrowing("1", "gives", tlp_max=Tlp.GREEN), replace(REPORT, tlp=Tlp.RED), B, "tlp"),
        ("us", Narrowing("1", "gives", kinds=("intel.sighting",)), REPORT, B, "narrowed"),
        ("us", Narrowing("1", "gives", topics=("attack:T1566",)), REPORT, B, "narrowed"),
        (
            "us",
            Narrowing("1", "gives", topics=("attack:T1566",)),
            replace(REPORT, topics=frozenset({"attack:T1566"})),
            B,
            "",
        ),
        ("us", Narrowing("1", "gives", without=("b",)), REPORT, B, "narrowed"),
        ("us", Narrowing("1", "gives", without=("b",)), REPORT, f"{B}#guest", "narrowed"),
        ("us", Narrowing("1", "gives", without=("b",)), REPORT, C, ""),
        ("us", Narrowing("1", "takes"), REPORT, B, ""),
        ("b", Narrowing("1", "takes"), REPORT, B, "narrowed"),
        ("b", Narrowing("1", "takes", without=("us",)), REPORT, B, "narrowed"),
        ("b", Narrowing("1", "takes", without=("c",)), REPORT, B, ""),
        ("b", Narrowing("1", "takes"), REPORT, C, ""),
        ("b", Narrowing("1", "gives"), REPORT, B, ""),
        ("b", Narrowing("2", "takes"), REPORT, B, ""),
    ],
)
def test_a_declaration_takes_from_what_its_author_gives_or_takes_and_from_nothing_else(
    by: str, narrowing: Narrowing, release: Facts, to: str, reason: str
) -> None:
    text = document()
    decision = policy_of(held(text, [declared(text, by, narrowing)])).decide(to, release, DAY_10)
    assert (decision.reason if isinstance(decision, Denied) else "") == reason


def test_a_declaration_holds_until_its_author_lifts_it() -> None:
    text = document()
    said_so = declared(text, "us", Narrowing("1", "gives"))
    lifts = [
        Instrument(UUID(int=91), "lifted", ref, text.digest, on_day(6), lifts=said_so.id)
        for ref in ("b", "us")
    ]
    assert held(text, [said_so, lifts[0]]).declared == (said_so,)
    assert held(text, [said_so, lifts[1]]).declared == ()


def test_a_declaration_names_in_a_later_version_whom_it_named() -> None:
    text = document()
    renamed = {"b": "x"}
    parties = tuple(
        replace(each, ref=renamed.get(each.ref, each.ref), host=renamed.get(each.host, each.host))
        for each in text.parties
    )
    second = document(number=2, valid_from=on_day(6), parties=parties)
    signatures = [*signed(text, us=1, b=1, c=1), *signed(second, us=6, x=6, c=6)]
    word = declared(text, "us", Narrowing("1", "gives", without=("b",)))
    rules = policy_of(stand(Evidence([text, second], signatures, [word]), on_day(10)))
    assert refusal(rules, B, DAY_10) == "narrowed"
    assert isinstance(rules.decide(C, REPORT, DAY_10), Allowed)


@pytest.mark.parametrize(
    ("narrowing", "place"),
    [
        (Narrowing("9", "gives"), "/narrows/0/clause"),
        (Narrowing("1", "takes"), "/narrows/0/direction"),
        (Narrowing("1", "gives", tlp_max=Tlp.RED), "/narrows/0/tlp_max"),
        (Narrowing("1", "gives", kinds=("intel.sighting", "drills.scenario")), "/narrows/0/kinds/1"),
        (Narrowing("1", "gives", kinds=("*",)), "/narrows/0/kinds/0"),
        (Narrowing("1", "gives", topics=("attack:T1059",)), "/narrows/0/topics/0"),
        (Narrowing("1", "gives", without=("b", "nobody")), "/narrows/0/without/1"),
        (Narrowing("1", "gives", without=("us",)), "/narrows/0/without/0"),
    ],
)
def test_what_would_widen_is_refused_at_its_place(narrowing: Narrowing, place: str) -> None:
    text = document(
        clause(senders=("us",), receivers=("b", "c"), kinds=("intel.*",), topics=("attack:T1566",))
    )
    with pytest.raises(DocumentRefused) as refused:
        check_narrowings(text, "us", [narrowing])
    assert refused.value.place == place


def test_what_two_declarations_have_in_common_is_left_and_nothing_in_common_is_nothing() -> None:
    held = clause(kinds=("intel.*",), topics=("attack:T1566", "attack:T1059"), tlp_max=Tlp.AMBER)
    phishing, scripts = (Narrowing("1", "gives", topics=(each,)) for each in held.topics)
    assert narrowed(held, {"b"}, [phishing, phishing]) == replace(held, topics=phishing.topics)
    assert narrowed(held, {"b"}, [phishing, scripts]) is None
    reports, sightings = (
        Narrowing("1", "gives", kinds=(f"intel.{each}",)) for each in ("report", "sighting")
    )
    assert narrowed(held, {"b"}, [reports]) == replace(held, kinds=("intel.report",))
    assert narrowed(held, {"b"}, [reports, sightings]) is None
    # of what would widen nothing comes of it
    wide = Narrowing("1", "gives", tlp_max=Tlp.RED, kinds=("*",), topics=("sector:energy", "attack:T1059"))
    assert narrowed(held, {"b"}, [wide]) == replace(held, topics=("attack:T1059",))


@given(st.data())
def test_no_declaration_lets_anything_through_that_the_clause_does_not(data: st.DataObject) -> None:
    text = data.draw(documents(us=US, version=1))
    for each in text.clauses:
        left = narrowed(each, {"p0"}, data.draw(st.lists(narrowings(text), max_size=3)))
        release = data.draw(facts([text.id], [US]))
        if left is not None and _covers(left, release):
            assert _covers(each, release)


def _covers(held_clause: Clause, release: Facts) -> bool:
    return (
        any(
            pattern in ("*", release.kind)
            or (pattern.endswith(".*") and release.kind.startswith(pattern[:-1]))
            for pattern in held_clause.kinds
        )
        and (not held_clause.topics or not release.topics.isdisjoint(held_clause.topics))
        and release.tlp <= held_clause.tlp_max
    )
