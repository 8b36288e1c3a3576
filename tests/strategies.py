"""What hypothesis draws from: documents, the evidence about them, and releases to decide about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

from hypothesis import strategies as st

from taawun.cooperation.agreements.document import (
    Clause,
    Document,
    Narrowing,
    Onward,
    Paper,
    Part,
    Party,
    parse,
    write,
)
from taawun.cooperation.agreements.policy import Facts, Origin
from taawun.cooperation.agreements.standing import Evidence, Instrument, Signature
from taawun.foundation.multilingual import Prose, Text
from taawun.foundation.tlp import Tlp

__all__ = [
    "KINDS",
    "NODES",
    "TOPICS",
    "clauses",
    "documents",
    "evidences",
    "facts",
    "instants",
    "narrowings",
    "onwards",
    "origins",
    "words",
]

# few of each, so that what is drawn meets often
NODES = tuple(f"https://n{number}.example" for number in range(5))
KINDS = ("intel.report", "intel.sighting", "drills.scenario")
KIND_PATTERNS = ("*", "intel.*", "intel.report", "drills.*", "learning.course")
TOPICS = ("attack:T1566", "attack:T1059", "sector:energy")
_LETTERS = "abz ÀéĀçتعاونٌ0-_"
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

words = st.text(_LETTERS, min_size=1, max_size=30).filter(lambda text: text.strip() != "")
instants = st.integers(0, 400 * 24).map(lambda hours: _BEGIN + timedelta(hours=hours, microseconds=hours))
_texts = st.dictionaries(st.sampled_from(("ar", "en", "fr", "pt-BR")), words, min_size=1).map(Text)
_kids = st.text("ABCxyz019-_", min_size=43, max_size=43)
onwards = st.one_of(
    st.sampled_from(("none", "parties", "public")).map(Onward),
    st.lists(st.sampled_from(NODES), unique=True).map(lambda named: Onward("named", tuple(named))),
)


# A strategy is looked through when it is first drawn from, which takes as long as many draws: those that are drawn from
# again and again are made once.
_markings = st.sampled_from(Tlp)
_no_more_than = st.none() | _markings
_ids = st.uuids()
_is = st.booleans()
_histories = st.sampled_from(("from-accession", "all"))
_endings = st.sampled_from(("keep", "delete"))
_retentions = st.none() | st.integers(1, 36500)
_purposes = st.lists(words, max_size=2, unique=True).map(tuple)
_recognised = st.lists(st.fixed_dictionaries({"issuer": words}), max_size=2).map(tuple)
_counts = {most: st.integers(0, most) for most in (2, 4, 9, 60)}
_codes = st.sampled_from(("", "XN"))
_numbers = st.integers(1, 10_000)
_from_two = st.integers(2, 4)
_lives = st.none() | st.integers(1, 500).map(lambda days: timedelta(days=days))
_digests = st.sampled_from(("", "a" * 64))
_accessions = st.sampled_from(("closed", "by-invitation"))
_minima = st.integers(2, 250)
_entries = st.sampled_from(("all", "date")) | st.integers(2, 250)
_languages = st.sampled_from(("", "en"))
_preambles = st.none() | _texts.map(lambda text: Prose(text.by_language))
_papers = st.none() | st.builds(Paper, _texts, st.dates(), st.just("d" * 64))
_kinds = st.sampled_from(KINDS)
_topics = st.frozensets(st.sampled_from(TOPICS))
_parts = st.none() | st.just((Part("1.1", ("takes",)),))
_nodes = st.sampled_from(NODES)
_newcomers = st.sampled_from(("new", "p0"))
_instruments = st.sampled_from(
    ("suspended", "terminated", "declined", "countered", "ratified", "left", "declared")
)


@cache
def _some(values: tuple[str, ...], *, least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(_one(values), min_size=least, max_size=3, unique=True).map(tuple)


@cache
def _one(values: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from(values)


@cache
def _sides(refs: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.one_of(st.just(("any",)), _some(refs, least=1))


@cache
def _orders(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.permutations(values)


@st.composite
def clauses(draw: st.DrawFn, ref: str, refs: Sequence[str]) -> Clause:
    """A clause between parties with these refs."""
    sides = _sides(tuple(refs))
    return Clause(
        ref=ref,
        title=draw(_texts),
        senders=draw(sides),
        receivers=draw(sides),
        kinds=draw(_some(KIND_PATTERNS, least=1)),
        topics=draw(_some(TOPICS)),
        tlp_max=draw(_markings),
        purpose=draw(_purposes),
        onward=draw(onwards),
        history=draw(_histories),
        retention_days=draw(_retentions),
        on_termination=draw(_endings),
        recognises=draw(_recognised),
    )


@st.composite
def documents(
    draw: st.DrawFn, *, us: str = "", kids: Sequence[str] = (), lineage: UUID | None = None, version: int = 0
) -> Document:
    """A document that holds together.

    Args:
        draw: hypothesis's.
        us: base address of a node that is always a party.
        kids: keys of ``us`` and of NODES, in this order; any where there are none.
        lineage: its id; any by default.
        version: its number; any from 1 by default.
    """
    addresses = draw(_orders((*draw(_some(NODES, least=1 if us else 2)), *([us] if us else []))))
    known = dict(zip((us, *NODES), kids, strict=False))
    nodes = [
        Party(
            f"p{index}",
            "node",
            node,
            "",
            draw(_codes),
            draw(_texts),
            known.get(node) or draw(_kids),
            draw(_counts[4]) == 0,
        )
        for index, node in enumerate(addresses)
    ]
    guests = [
        Party(f"g{index}", "guest", "", draw(_one(tuple(each.ref for each in nodes))), "", draw(_texts), "")
        for index in range(draw(_counts[2]))
    ]
    parties = (*nodes, *guests)
    refs = [party.ref for party in parties]
    begins = draw(instants)
    drawn = Document(
        id=lineage or draw(_ids),
        version=version or draw(_numbers),
        title=draw(_texts),
        parties=parties,
        clauses=tuple(draw(clauses(f"{index}.1", refs)) for index in range(1, draw(_from_two))),
        valid_from=begins,
        valid_until=begins + life if (life := draw(_lives)) else None,
        supersedes=draw(_digests),
        accession=draw(_accessions),
        min_signatories=draw(_minima),
        entry_into_force=draw(_entries),
        notice_days=draw(_counts[60]),
        authentic_languages=draw(_some(("ar", "en", "fr"), least=1)),
        prevailing=draw(_languages),
        preamble=draw(_preambles),
        text=b"",
        digest="",
        instrument=draw(_papers),
    )
    return parse(write(drawn))


def narrowings(document: Document) -> st.SearchStrategy[Narrowing]:
    """What a party might declare, also what would widen and so leaves the clause as it is."""
    return st.builds(
        Narrowing,
        st.sampled_from([each.ref for each in document.clauses]),
        st.sampled_from(("gives", "takes")),
        _no_more_than,
        _some(KIND_PATTERNS),
        _some(TOPICS),
        _some(tuple(party.ref for party in document.parties)),
    )


@st.composite
def _joinings(draw: st.DrawFn, version: Document) -> list[Instrument]:
    """An invitation with what may follow it, whether or not the version allows any."""
    node = draw(_nodes)
    party = Party(draw(_newcomers), "node", node, "", "", Text.of(en="New"), "n" * 43)
    depositary, parts = version.depositary.ref, draw(_parts)
    invited = Instrument(
        draw(_ids), "invited", depositary, version.digest, draw(instants), invites=party, parts=parts
    )
    acceded = Instrument(
        draw(_ids), "acceded", "", version.digest, draw(instants), answers=invited.id, node=node
    )
    said = [
        Instrument(
            draw(_ids), "countersigned", depositary, version.digest, draw(instants), answers=acceded.id
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    return [invited, acceded, *said]


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """What parties said about one agreement: versions, signatures and instruments, some of them beside the point."""
    lineage = draw(_ids)
    first = draw(documents(lineage=lineage, version=1))
    versions = [first]
    for number in range(2, draw(_from_two)):
        begins = draw(instants)
        last = versions[-1]
        changed = replace(
            last, version=number, valid_from=begins, valid_until=None, notice_days=draw(_counts[9])
        )
        # the same parties, or others, some of whom had another ref before
        others = documents(lineage=lineage, version=number)
        versions.append(parse(write(changed)) if draw(_is) else draw(others))
    spoken = st.sampled_from(versions).flatmap(
        lambda version: st.tuples(
            st.just(version.digest), st.sampled_from([party.ref for party in version.parties]), instants
        )
    )
    signatures = [Signature(*each) for each in draw(st.lists(spoken, max_size=12))]
    # what nobody completes tells little: some are signed by all whom they name
    for version in versions:
        refs = [party.ref for party in version.parties if party.kind == "node" and draw(_is)]
        signatures += [Signature(version.digest, ref, draw(instants)) for ref in refs]
    by_digest = {version.digest: version for version in versions}
    instruments = [
        Instrument(
            draw(_ids),
            kind := draw(_instruments),
            party,
            digest,
            at,
            narrows=tuple(draw(st.lists(narrowings(by_digest[digest]), max_size=2)))
            if kind == "declared"
            else (),
        )
        for digest, party, at in draw(st.lists(spoken, max_size=5))
    ]
    for version in versions:
        instruments += [
            Instrument(draw(_ids), "ratified", party.ref, version.digest, draw(instants))
            for party in version.parties
            if party.ratifies and draw(_is)
        ]
        if draw(_is):
            instruments += draw(_joinings(version))
    for each in draw(st.lists(st.sampled_from(instruments), max_size=3)) if instruments else ():
        lifter = draw(st.sampled_from([each.party, *(party.ref for party in first.parties)]))
        lift = "lifted" if each.kind == "declared" else "resumed"
        instruments.append(Instrument(draw(_ids), lift, lifter, each.digest, draw(instants), each.id))
    return Evidence(versions, signatures, instruments)


def origins(agreements: Sequence[UUID], parties: Sequence[str]) -> st.SearchStrategy[Origin]:
    """How far something may go: our own, or a partner's under these agreements and between these parties."""
    some = st.frozensets(st.sampled_from(parties))
    bounds = st.none() | some
    return st.one_of(
        st.just(Origin()),
        st.builds(lambda bound: Origin("none", bound=bound), bounds),
        st.builds(lambda named, bound: Origin("named", None, named, bound), some, bounds),
        st.builds(
            lambda agreement, bound: Origin("parties", agreement, bound=bound),
            st.sampled_from(agreements),
            bounds,
        ),
        st.builds(lambda bound: Origin("public", bound=bound), bounds),
    )


@st.composite
def facts(draw: st.DrawFn, agreements: Sequence[UUID], parties: Sequence[str]) -> Facts:
    """What a decision looks at in a release."""
    return Facts(
        kind=draw(_kinds),
        tlp=draw(_markings),
        topics=draw(_topics),
        audience=draw(st.none() | st.frozensets(st.sampled_from(parties))),
        names_persons=draw(_is),
        origin=draw(origins(agreements, parties)),
    )
