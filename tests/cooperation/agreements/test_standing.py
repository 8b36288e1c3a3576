"""Where an agreement stands is a function of what was signed, in whatever order it came."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.cooperation.agreements.document import Clause, Document, Onward, Party, parse, write
from taawun.cooperation.agreements.standing import Evidence, Instrument, Signature, State, stand
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from tests.strategies import evidences, instants

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CLAUSE = Clause(
    "1",
    Text.of(en="All"),
    ("any",),
    ("any",),
    ("*",),
    (),
    Tlp.AMBER,
    (),
    Onward("none"),
    "from-accession",
    None,
    "delete",
    (),
)


def day(number: float) -> datetime:
    return BEGIN + timedelta(days=number)


def version(
    number: int = 1,
    *,
    of: str = "abc",
    begins: float = 0,
    ends: float | None = None,
    needed: str | int = "all",
    notice: int = 0,
) -> Document:
    nodes = [Party(ref, "node", f"https://{ref}.example", "", "", Text.of(en=ref), "k" * 43) for ref in of]
    guest = Party("guest", "guest", "", of[0], "", Text.of(en="Guest"), "")
    return parse(
        write(
            Document(
                id=UUID(int=1),
                version=number,
                title=Text.of(en="Agreement"),
                parties=(*nodes, guest),
                clauses=(CLAUSE,),
                valid_from=day(begins),
                valid_until=None if ends is None else day(ends),
                supersedes="",
                accession="closed",
                min_signatories=2,
                entry_into_force=needed,
                notice_days=notice,
                authentic_languages=("en",),
                prevailing="",
                preamble=None,
                text=b"",
                digest="",
            )
        )
    )


def signed(document: Document, **days: float) -> list[Signature]:
    return [Signature(document.digest, party, day(at)) for party, at in days.items()]


def said(
    kind: str, document: Document, party: str, at: float, *, lifts: int | None = None, own: int = 0
) -> Instrument:
    number = own or random.Random(f"{kind}{party}{at}").getrandbits(64)  # noqa: S311 - no secret
    return Instrument(
        UUID(int=number), kind, party, document.digest, day(at), UUID(int=lifts) if lifts else None
    )


V1 = version()
V1_UNTIL_20 = version(ends=20)
V1_NOTICE = version(notice=10)
V2 = version(2, begins=5)
TWO_OF_THREE = version(needed=2)
ALL_ON_1 = signed(V1, a=1, b=1, c=1)


@pytest.mark.parametrize(
    ("evidence", "at", "state"),
    [
        (Evidence([], [], []), 0, State.DRAFT),
        (Evidence([V1], [], []), 0, State.PROPOSED),
        (Evidence([V1], signed(V1, a=1, b=1), []), 2, State.PROPOSED),
        (Evidence([V1], signed(V1, a=1, b=1, guest=1), []), 2, State.PROPOSED),
        (Evidence([V1], signed(V1, a=1, b=1, stranger=1), []), 2, State.PROPOSED),
        (Evidence([V1], [], [said("countered", V1, "b", 1)]), 2, State.COUNTERED),
        (
            Evidence([V1], [], [said("countered", V1, "b", 1), said("declined", V1, "c", 2)]),
            3,
            State.DECLINED,
        ),
        (Evidence([V1, version(2)], [], [said("declined", V1, "c", 2)]), 3, State.PROPOSED),
        (Evidence([V1], ALL_ON_1, []), 1, State.IN_FORCE),
        (Evidence([V1], ALL_ON_1, []), 0.9, State.SIGNED),
        (Evidence([V1], ALL_ON_1, [said("declined", V1, "c", 2)]), 3, State.IN_FORCE),
        (Evidence([V1], ALL_ON_1, [said("suspended", V1, "b", 2)]), 3, State.SUSPENDED),
        (Evidence([V1], ALL_ON_1, [said("terminated", V1, "b", 2)]), 1.5, State.IN_FORCE),
        (Evidence([V1], ALL_ON_1, [said("terminated", V1, "b", 2)]), 2, State.TERMINATED),
        (Evidence([V1], ALL_ON_1, [said("terminated", V1, "stranger", 2)]), 3, State.IN_FORCE),
        (Evidence([V1_UNTIL_20], signed(V1_UNTIL_20, a=1, b=1, c=1), []), 19.9, State.IN_FORCE),
        (Evidence([V1_UNTIL_20], signed(V1_UNTIL_20, a=1, b=1, c=1), []), 20, State.EXPIRED),
        (Evidence([V1_UNTIL_20], signed(V1_UNTIL_20, a=1, b=1, c=21), []), 22, State.EXPIRED),
        (
            Evidence([V1_NOTICE], signed(V1_NOTICE, a=1, b=1, c=1), [said("terminated", V1_NOTICE, "b", 2)]),
            11.9,
            State.IN_FORCE,
        ),
        (
            Evidence([V1_NOTICE], signed(V1_NOTICE, a=1, b=1, c=1), [said("terminated", V1_NOTICE, "b", 2)]),
            12,
            State.TERMINATED,
        ),
        (Evidence([TWO_OF_THREE], signed(TWO_OF_THREE, a=1, c=2), []), 2, State.IN_FORCE),
        (Evidence([TWO_OF_THREE], signed(TWO_OF_THREE, b=1, c=2), []), 3, State.PROPOSED),
    ],
)
def test_the_state_follows_from_the_evidence(evidence: Evidence, at: float, state: State) -> None:
    assert stand(evidence, day(at)).state == state


def test_a_version_opens_with_the_signature_that_completes_it_and_names_who_signed() -> None:
    window = stand(Evidence([V1], signed(V1, a=1, b=3, c=2), []), day(4)).windows[0]
    assert (window.opens, window.closes) == (day(3), None)
    assert window.signed == (("a", day(1)), ("b", day(3)), ("c", day(2)))


def test_of_several_signatures_of_one_party_the_first_counts() -> None:
    evidence = Evidence([V1], [*signed(V1, a=1, b=3, c=2), *signed(V1, b=2)], [])
    assert stand(evidence, day(4)).windows[0].opens == day(2)


def test_nothing_opens_before_the_depositary_has_signed() -> None:
    evidence = Evidence([TWO_OF_THREE], signed(TWO_OF_THREE, a=5, b=1, c=2), [])
    assert stand(evidence, day(6)).windows[0].opens == day(5)


def test_a_version_signed_early_opens_at_its_date() -> None:
    assert stand(Evidence([V2], signed(V2, a=1, b=1, c=1), []), day(2)).windows[0].opens == day(5)


def test_the_first_version_closes_when_the_next_one_opens() -> None:
    evidence = Evidence([V2, V1], [*ALL_ON_1, *signed(V2, a=2, b=2, c=2)], [])
    before, after = stand(evidence, day(4)), stand(evidence, day(5))
    assert [(each.document, each.opens, each.closes) for each in after.windows] == [
        (V1, day(1), day(5)),
        (V2, day(5), None),
    ]
    assert (before.current, before.state) == (V1, State.IN_FORCE)
    assert (after.current, after.state) == (V2, State.IN_FORCE)


def test_a_version_that_waits_for_signatures_leaves_the_one_in_force_as_it_is() -> None:
    standing = stand(Evidence([V1, V2], [*ALL_ON_1, *signed(V2, a=2)], []), day(6))
    assert (standing.state, standing.current, standing.pending) == (State.IN_FORCE, V1, V2)
    assert standing.signed_by == {"a"}
    assert standing.signatories == {"a", "b", "c"}


@pytest.mark.parametrize(("who", "state"), [("a", State.PROPOSED), ("c", State.COUNTERED)])
def test_who_says_no_to_a_counter_proposal_declines_no_version_and_the_depositary_alone_answers_it(
    who: str, state: State
) -> None:
    counter = replace(said("countered", V1, "b", 1), node="https://b.example")
    no = replace(said("declined", V1, who, 2), answers=counter.name, of=counter.node)
    assert stand(Evidence([V1], [], [counter, no]), day(3)).state == state


def test_a_version_that_was_declined_waits_no_longer() -> None:
    evidence = Evidence([V1, V2], ALL_ON_1, [said("declined", V2, "b", 6)])
    standing = stand(evidence, day(7))
    assert (standing.state, standing.current, standing.pending) == (State.IN_FORCE, V1, None)


def test_after_a_version_expired_the_next_one_can_still_be_negotiated_and_signed() -> None:
    over = [V1_UNTIL_20, V2]
    on_first = signed(V1_UNTIL_20, a=1, b=1, c=1)
    waiting = stand(Evidence(over, [*on_first, *signed(V2, a=21)], []), day(22))
    assert (waiting.state, waiting.current) == (State.PROPOSED, V2)
    assert waiting.signed_by == {"a"}
    renewed = stand(Evidence(over, [*on_first, *signed(V2, a=21, b=23, c=22)], []), day(23))
    assert (renewed.state, renewed.current) == (State.IN_FORCE, V2)


def test_the_earliest_notice_counts() -> None:
    evidence = Evidence(
        [V1_NOTICE],
        signed(V1_NOTICE, a=1, b=1, c=1),
        [said("terminated", V1_NOTICE, "b", 4), said("terminated", V1_NOTICE, "c", 3)],
    )
    assert stand(evidence, day(5)).ends == day(13)


@pytest.mark.parametrize("kind", ["suspended", "terminated"])
def test_a_party_that_did_not_sign_neither_suspends_nor_terminates(kind: str) -> None:
    evidence = Evidence([TWO_OF_THREE], signed(TWO_OF_THREE, a=1, b=1), [said(kind, TWO_OF_THREE, "c", 2)])
    standing = stand(evidence, day(3))
    assert (standing.state, standing.suspensions, standing.ends) == (State.IN_FORCE, (), None)


@pytest.mark.parametrize(
    ("lifter", "lifts", "state"),
    [("b", 7, State.IN_FORCE), ("a", 7, State.SUSPENDED), ("b", 8, State.SUSPENDED)],
    ids=["its own party", "another party", "another suspension"],
)
def test_a_suspension_is_lifted_by_its_own_party_alone(lifter: str, lifts: int, state: State) -> None:
    evidence = Evidence(
        [V1], ALL_ON_1, [said("suspended", V1, "b", 2, own=7), said("resumed", V1, lifter, 3, lifts=lifts)]
    )
    assert stand(evidence, day(4)).state == state


def test_two_suspensions_need_two_liftings() -> None:
    both = [said("suspended", V1, "c", 3, own=8), said("suspended", V1, "b", 2, own=7)]
    one_lifted = Evidence([V1], ALL_ON_1, [*both, said("resumed", V1, "b", 4, lifts=7)])
    assert stand(Evidence([V1], ALL_ON_1, both), day(5)).suspensions == (both[1], both[0])
    assert stand(one_lifted, day(5)).suspensions == (both[0],)
    assert stand(one_lifted, day(5)).state == State.SUSPENDED


def test_a_suspension_does_not_hide_that_the_agreement_ended() -> None:
    evidence = Evidence([V1], ALL_ON_1, [said("suspended", V1, "b", 2), said("terminated", V1, "b", 3)])
    assert stand(evidence, day(4)).state == State.TERMINATED


# ---- who may say what, and from when it counts ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["suspended", "terminated"])
@pytest.mark.parametrize("about", [1, 2])
def test_who_is_a_party_no_more_neither_suspends_nor_terminates(kind: str, about: int) -> None:
    """Version 2 leaves c out, and a and b signed it. c speaks about version 1, which it signed, or about 2."""
    second = version(2, of="ab", begins=5)
    signatures = [*ALL_ON_1, *signed(second, a=5, b=5, c=5)]
    word = said(kind, V1 if about == 1 else second, "c", 6)
    standing = stand(Evidence([V1, second], signatures, [word]), day(8))
    assert (standing.state, standing.suspensions, standing.ends) == (State.IN_FORCE, (), None)


def test_what_a_party_suspended_stays_suspended_as_long_as_it_is_a_party() -> None:
    second, third = version(2, of="abc", begins=5), version(3, of="ab", begins=9)
    signatures = [*ALL_ON_1, *signed(second, a=4, b=4, c=4), *signed(third, a=8, b=8)]
    evidence = Evidence([V1, second, third], signatures, [said("suspended", V1, "c", 2)])
    states = [stand(evidence, day(at)).state for at in (3, 6, 10)]
    assert states == [State.SUSPENDED, State.SUSPENDED, State.IN_FORCE]
    assert [len(window.suspensions) for window in stand(evidence, day(10)).windows] == [1, 1, 0]


def test_a_suspension_is_told_under_the_ref_that_its_party_has_now() -> None:
    """b of version 1 is called c in version 2, and c is called b."""
    names = {"b": "c", "c": "b"}
    text = version(2, begins=5)
    parties = tuple(replace(each, ref=names.get(each.ref, each.ref)) for each in text.parties)
    second = parse(write(replace(text, parties=parties)))
    signatures = [*ALL_ON_1, *signed(second, a=5, b=5, c=5)]
    suspension = said("suspended", V1, "b", 2, own=7)
    lifts = [said("resumed", second, ref, 6, lifts=7) for ref in "bc"]
    standing = stand(Evidence([V1, second], signatures, [suspension, lifts[0]]), day(8))
    assert [each.party for each in standing.suspensions] == ["c"]
    assert stand(Evidence([V1, second], signatures, [suspension, lifts[1]]), day(8)).suspensions == ()


def test_what_was_suspended_can_be_lifted_after_the_version_is_over() -> None:
    renewed = version(2, begins=25)
    signatures = [*signed(V1_UNTIL_20, a=1, b=1, c=1), *signed(renewed, a=24, b=24, c=24)]
    words = [said("suspended", V1_UNTIL_20, "b", 2, own=7), said("resumed", V1_UNTIL_20, "b", 22, lifts=7)]
    assert stand(Evidence([V1_UNTIL_20, renewed], signatures, words), day(26)).state == State.IN_FORCE


def test_a_version_that_some_did_not_sign_takes_nothing_from_them() -> None:
    """a and b agreed with 30 days of notice. a, the depositary, and a second node of its own, z, sign version 2."""
    first = version(1, of="ab", notice=30)
    second = version(2, of="azb", begins=5, needed=2)
    signatures = [*signed(first, a=1, b=1), *signed(second, a=5, z=5)]
    held = stand(Evidence([first, second], signatures, []), day(6))
    assert (held.state, held.current, held.pending) == (State.IN_FORCE, first, second)
    assert (sorted(held.signatories), sorted(held.signed_by)) == (["a", "b"], ["a", "z"])
    assert held.windows[0].closes is None
    taken = stand(Evidence([first, second], [*signatures, *signed(second, b=7)], []), day(8))
    assert (taken.current, taken.windows[0].closes, taken.windows[1].opens) == (second, day(7), day(7))
    assert taken.signatories == {"a", "b", "z"}


def test_a_version_that_waits_for_a_party_begins_when_what_binds_that_party_is_over() -> None:
    first = version(1, of="ab", ends=20)
    second = version(2, of="azb", begins=5, needed=2)
    evidence = Evidence([first, second], [*signed(first, a=1, b=1), *signed(second, a=5, z=5)], [])
    before, after = stand(evidence, day(19)), stand(evidence, day(20))
    assert (before.current, before.pending) == (first, second)
    assert (after.current, sorted(after.signatories)) == (second, ["a", "z"])


def test_nobody_undoes_a_version_by_signing_the_one_before_it_afterwards() -> None:
    second = version(2, begins=5, needed=2)
    signatures = [*signed(TWO_OF_THREE, a=1, b=1), *signed(second, a=5, b=5)]
    late = stand(Evidence([TWO_OF_THREE, second], [*signatures, *signed(TWO_OF_THREE, c=6)], []), day(7))
    assert (late.current, sorted(late.signatories)) == (second, ["a", "b"])
    early = stand(Evidence([TWO_OF_THREE, second], [*signatures, *signed(TWO_OF_THREE, c=3)], []), day(7))
    assert (early.current, early.pending) == (TWO_OF_THREE, second)


@pytest.mark.parametrize(("given", "ends"), [(-25, 40), (9, 40), (10, 40), (12, 42)])
def test_notice_does_not_count_from_before_the_signatures_that_it_ends(given: float, ends: float) -> None:
    first = version(1, of="ab", notice=30)
    evidence = Evidence([first], signed(first, a=1, b=10), [said("terminated", first, "a", given)])
    assert stand(evidence, day(11)).state == State.IN_FORCE
    assert stand(evidence, day(11)).ends == day(ends)


def test_the_days_of_notice_are_those_of_the_version_in_force_whichever_one_the_notice_names() -> None:
    second = version(2, begins=5, notice=30)
    signatures = [*ALL_ON_1, *signed(second, a=5, b=5, c=5)]
    assert stand(Evidence([V1, second], signatures, [said("terminated", V1, "b", 6)]), day(7)).ends == day(36)


def test_who_signs_later_is_bound_from_then_on() -> None:
    notice = version(needed=2, notice=10)
    evidence = Evidence([notice], signed(notice, a=1, b=1, c=5), [said("terminated", notice, "c", 2)])
    assert stand(evidence, day(6)).ends == day(15)


def test_a_party_gives_and_takes_from_when_its_signature_was_recorded_and_the_state_does_not_ask() -> None:
    signatures = [replace(each, received=day(4)) if each.party == "c" else each for each in ALL_ON_1]
    standing = stand(Evidence([V1], signatures, []), day(2))
    assert standing.state == State.IN_FORCE
    assert standing.windows[0].opens == day(1)
    assert standing.windows[0].signed == (("a", day(1)), ("b", day(1)), ("c", day(4)))


@given(evidences(), instants, st.randoms(use_true_random=False), st.data())
def test_any_order_any_doubling_and_any_late_part_end_in_the_same_standing(
    evidence: Evidence, at: datetime, shuffler: random.Random, data: st.DataObject
) -> None:
    wanted = stand(evidence, at)
    twice = data.draw(st.booleans())

    def mixed(things: Sequence[object]) -> list[object]:
        held = list(things) * (2 if twice else 1)
        shuffler.shuffle(held)
        return held

    whole = Evidence(mixed(evidence.versions), mixed(evidence.signatures), mixed(evidence.instruments))  # type: ignore[arg-type]  # shuffled, of the same types
    # a part may come first; asking in between changes nothing
    part = replace(whole, signatures=whole.signatures[::2], instruments=whole.instruments[::3])
    stand(part, at)
    assert stand(whole, at) == wanted


@given(evidences(), instants, st.data())
def test_two_nodes_that_heard_the_same_at_different_times_say_the_same(
    evidence: Evidence, at: datetime, data: st.DataObject
) -> None:
    def recorded(signature: Signature) -> Signature:
        return replace(signature, received=data.draw(st.none() | instants))

    one, other = (
        stand(replace(evidence, signatures=[recorded(each) for each in evidence.signatures]), at)
        for _node in range(2)
    )
    local = {"windows": ()}
    assert replace(one, **local) == replace(other, **local)  # type: ignore[arg-type]  # no windows, of any type
    assert [(each.document, each.opens, each.closes, each.suspensions) for each in one.windows] == [
        (each.document, each.opens, each.closes, each.suspensions) for each in other.windows
    ]


def _signers(evidence: Evidence, document: Document, until: datetime) -> set[str]:
    """Addresses of the nodes that signed, and where due ratified, a version until an instant."""
    ratified = {
        each.party
        for each in evidence.instruments
        if each.kind == "ratified" and each.digest == document.digest and each.at <= until
    }
    named = {party.ref: party.node for party in document.parties if party.kind == "node"}
    return {
        named[each.party]
        for each in evidence.signatures
        if each.digest == document.digest
        and each.party in named
        and each.at <= until
        and ((party := document.party(each.party)) is None or not party.ratifies or each.party in ratified)
    }


def _parties_of(evidence: Evidence, kind: str) -> list[Party]:
    """The parties that said something of a kind."""
    return [
        party
        for each in evidence.instruments
        for document in evidence.versions
        if each.kind == kind and each.digest == document.digest and (party := document.party(each.party))
    ]


@given(evidences(), instants)
def test_no_version_follows_another_without_each_party_of_it_that_it_names(
    evidence: Evidence, at: datetime
) -> None:
    for earlier, later in itertools.pairwise(stand(evidence, at).windows):
        if earlier.closes == later.opens != earlier.document.valid_until:
            named = {party.node for party in later.document.parties if party.kind == "node"}
            bound = _signers(evidence, earlier.document, later.opens)
            left = {each.node for each in _parties_of(evidence, "left")}
            assert (bound & named) - left <= _signers(evidence, later.document, later.opens)


@given(evidences(), instants)
def test_nobody_ends_or_stops_what_it_is_no_party_of(evidence: Evidence, at: datetime) -> None:
    standing = stand(evidence, at)
    spoken = {
        kind: {
            party.node
            for each in evidence.instruments
            for document in evidence.versions
            if each.kind == kind and each.digest == document.digest and (party := document.party(each.party))
        }
        for kind in ("suspended", "terminated", "left")
    }
    for window in standing.windows:
        signers = {party.node for ref, _at in window.signed if (party := window.document.party(ref))}
        for each in window.suspensions:
            party = window.document.party(each.party)
            assert party is not None
            assert party.node in signers & spoken["suspended"]
    if standing.ends:
        assert (spoken["terminated"] | spoken["left"]) & {
            node for document in evidence.versions for node in _signers(evidence, document, standing.ends)
        }
        # no sooner than what it ends had come about
        assert standing.ends >= min(
            each.at for each in evidence.signatures if each.digest in {d.digest for d in evidence.versions}
        )


@given(evidences(), instants)
def test_nobody_but_signatories_of_the_window_stands_in_it_and_windows_never_overlap(
    evidence: Evidence, at: datetime
) -> None:
    standing = stand(evidence, at)
    for window in standing.windows:
        signed = {each.party for each in evidence.signatures if each.digest == window.document.digest}
        assert dict(window.signed).keys() <= signed | {ref for ref, _parts in window.document.acceded}
        assert window.document.depositary.ref in dict(window.signed)
        # a version that ended before it could begin is the only one, and holds at no instant
        assert window.closes is None or window.opens < window.closes or len(standing.windows) == 1
    moments = sorted((window.opens, window.closes) for window in standing.windows if window.closes)
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(moments) if earlier[1])
    holding = [w for w in standing.windows if w.opens <= at and (w.closes is None or at < w.closes)]
    assert len(holding) <= 1
    assert (standing.state in {State.IN_FORCE, State.SUSPENDED}) == bool(holding)
