"""The list of releases a party may have is the decision, asked of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.conf import settings as node_settings
from django.db import connection, transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from taawun.cooperation.agreements import actions as agreeing
from taawun.cooperation.agreements import queries
from taawun.cooperation.agreements.document import (
    Document,
    Narrowing,
    Onward,
    Part,
    Party,
    narrowing_json,
    parse,
    part_json,
    party_json,
    write,
)
from taawun.cooperation.agreements.models import (
    Agreement,
    Newcomer,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.policy import Allowed, Denied, Facts, Origin
from taawun.cooperation.agreements.queries import current_policy, standings
from taawun.cooperation.federation.models import Release, ReleaseParty, ReleaseTopic
from taawun.cooperation.federation.queries import readable_releases
from taawun.cooperation.partners.models import Partner, PolicyGeneration
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, agreement_in_force, clause, partner
from tests.strategies import KINDS, NODES, TOPICS, documents, facts, instants, narrowings

NOW = datetime(2026, 7, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
OURS = node_settings.BASE_URL
STRANGER = "https://nobody.example"
KEYS = {node: SigningKey.generate() for node in NODES}


@dataclass(frozen=True)
class Word:
    """An instrument about one of the documents; ``said`` are the members that only its kind has, of whatever type."""

    about: int
    kind: str
    node: str
    at: datetime
    said: dict[str, Any] = field(default_factory=dict)
    answers: Word | None = None


@dataclass(frozen=True)
class World:
    """What a decision is made of, as rows that are yet to be written."""

    documents: Sequence[Document]
    signatures: Sequence[tuple[int, str, datetime]]
    words: Sequence[Word]
    newcomers: Sequence[tuple[UUID, str, bool]]
    partners: dict[str, tuple[str, datetime | None]]
    releases: Sequence[Facts]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Mostly in force, mostly wide, mostly among friends: a decision that is always no would prove nothing."""

    def mostly(usual: object, other: st.SearchStrategy[Any]) -> Any:
        return draw(other) if draw(st.integers(0, 4)) == 0 else usual

    texts = []
    for drawn in draw(st.lists(documents(us=OURS, version=1), min_size=1, max_size=3)):
        clauses = tuple(
            replace(
                each,
                senders=mostly(("any",), st.just(each.senders)),
                receivers=mostly(("any",), st.just(each.receivers)),
                kinds=mostly(("*",), st.just(each.kinds)),
                tlp_max=mostly(Tlp.RED, st.just(each.tlp_max)),
            )
            for each in drawn.clauses
        )
        begins = mostly(NOW - YEAR, st.just(drawn.valid_from))
        ends = mostly(None, st.just(begins + timedelta(days=300)))
        accession = mostly("by-invitation", st.just("closed"))
        changed = replace(
            drawn, clauses=clauses, valid_from=begins, valid_until=ends, accession=accession, notice_days=0
        )
        texts.append(parse(write(changed)))
    spoken = [(index, party.node) for index, text in enumerate(texts) for party in text.parties if party.node]
    words = [
        *(
            Word(index, "ratified", party.node, NOW - YEAR)
            for index, text in enumerate(texts)
            for party in text.parties
            if party.ratifies and mostly(True, st.booleans())
        ),
    ]
    for index, text in enumerate(texts):
        words += draw(_words(index, text))
    lineages = [*(text.id for text in texts), UUID(int=9)]
    keys = sorted({text.key_of(party) for text in texts for party in text.parties} | {STRANGER})
    lapses = st.none() | st.integers(-1, 28).map(lambda days: NOW + timedelta(days=days))
    friend = (Partner.State.VERIFIED, NOW + YEAR)
    return World(
        texts,
        [(*each, mostly(NOW - YEAR, instants)) for each in spoken if mostly(True, st.booleans())],
        words,
        [
            (text.id, node, draw(st.booleans()))
            for text in texts
            for node in NODES
            if draw(st.integers(0, 2)) == 0
        ],
        {node: mostly(friend, st.tuples(st.sampled_from(Partner.State), lapses)) for node in NODES},
        draw(st.lists(facts(lineages, keys), min_size=10, max_size=30)),
    )


@st.composite
def _words(draw: st.DrawFn, index: int, text: Document) -> list[Word]:
    """Some suspend, leave or narrow, and take some of it back; perhaps a newcomer joins."""
    nodes = [party.node for party in text.parties if party.node]
    found = list[Word]()
    least = draw(st.integers(0, 1))
    for node in draw(st.lists(st.sampled_from(nodes), min_size=least, max_size=2)):
        kind = draw(st.sampled_from(("suspended", "left", "declared", "declared")))
        narrows = draw(st.lists(narrowings(text), min_size=1, max_size=2)) if kind == "declared" else []
        at = NOW - timedelta(days=draw(st.integers(0, 200)))
        found.append(
            Word(
                index,
                kind,
                node,
                at,
                {"narrows": [narrowing_json(each) for each in narrows]} if narrows else {},
            )
        )
        if kind != "left" and draw(st.booleans()):
            lift = "lifted" if narrows else "resumed"
            found.append(
                Word(index, lift, node, at + timedelta(days=draw(st.integers(0, 100))), {}, found[-1])
            )
    strangers = [node for node in NODES if node not in nodes]
    if strangers and draw(st.integers(0, 3)) > 0:
        node, at = draw(st.sampled_from(strangers)), NOW - timedelta(days=draw(st.integers(0, 300)))
        entry = Party("new", "node", node, "", "", Text.of(en="New"), KEYS[node].kid, draw(st.booleans()))
        parts = draw(st.none() | st.just([part_json(Part(text.clauses[0].ref, ("takes",)))]))
        depositary = text.depositary.node
        said = {"party": party_json(entry), **({"parts": parts} if parts else {})}
        invited = Word(index, "invited", depositary, at, said)
        acceded = Word(index, "acceded", node, at, {}, invited)
        found += [invited, acceded, Word(index, "countersigned", depositary, at, {}, acceded)]
        if entry.ratifies:
            found.append(Word(index, "ratified", node, at))
    return found


@contextmanager
def _few(rows: int) -> Iterator[None]:
    """Lists of more rows than this are tried one by one; the answer may not depend on it."""
    with patch.object(queries, "_FEW_ROWS", rows):
        yield


def _write(world: World) -> None:
    Partner.objects.bulk_create(
        Partner(
            node=node,
            kid=KEYS[node].kid,
            jwk=KEYS[node].public.to_jwk(),
            state=state,
            descriptor_valid_until=until,
        )
        for node, (state, until) in world.partners.items()
    )
    Agreement.objects.bulk_create(
        Agreement(id=text.id, number=number, titles={"en": "A"})
        for number, text in enumerate(world.documents, 1)
    )
    Version.objects.bulk_create(
        Version(agreement_id=text.id, number=text.version, text=text.text, digest=text.digest)
        for text in world.documents
    )
    spoken = [(world.documents[index], node, at) for index, node, at in world.signatures]
    PartySignature.objects.bulk_create(
        PartySignature(lineage=text.id, digest=text.digest, node=node, token="x", at=at)
        for text, node, at in spoken
    )
    numbers = {id(word): UUID(int=number) for number, word in enumerate(world.words, 1)}
    PartyInstrument.objects.bulk_create(_row(word, numbers, world) for word in world.words)
    Newcomer.objects.bulk_create(
        Newcomer(lineage=lineage, party=node, reads_earlier=earlier, confirmed_by="x")
        for lineage, node, earlier in world.newcomers
    )
    PolicyGeneration.bump()


def _bound(world: World) -> Iterator[Party]:
    """Whoever is bound by one of the agreements now."""
    for agreement, standing in standings(NOW):
        if standing.current and agreement.id in {each.id for each in world.documents}:
            yield from (each for each in standing.current.parties if each.ref in standing.signatories)


def _row(word: Word, numbers: dict[int, UUID], world: World) -> PartyInstrument:
    name, answers = numbers[id(word)], word.answers
    is_lift = word.kind in ("resumed", "lifted")
    return PartyInstrument(
        id=name,
        chosen=name,
        words=f"{name.int:064x}",
        mark=f"{name.int:064x}",
        lineage=world.documents[word.about].id,
        kind=word.kind,
        node=word.node,
        digest=world.documents[word.about].digest,
        lifts=numbers[id(answers)] if answers and is_lift else None,
        answers=numbers[id(answers)] if answers and not is_lift else None,
        of=answers.node if answers and not is_lift else "",
        said={
            **word.said,
            **({"sees": f"{numbers[id(answers)].int:064x}"} if word.kind == "countersigned" else {}),
        },
        jwk={"kid": KEYS[word.node].kid} if word.node in KEYS else {},
        token="x",
        at=word.at,
        received=word.at,
    )


def _publish(releases: Sequence[Facts]) -> list[Release]:
    rows = Release.objects.bulk_create(
        Release(
            kind=each.kind,
            tlp=each.tlp,
            has_audience=each.audience is not None,
            names_persons=each.names_persons,
            onward=each.origin.rule,
            onward_agreement=each.origin.agreement,
            is_bound=each.origin.bound is not None,
            subject=f"urn:test:{number}",
            digest="0" * 64,
            size=2,
        )
        for number, each in enumerate(releases)
    )
    ReleaseTopic.objects.bulk_create(
        ReleaseTopic(owner=row, topic=topic)
        for row, each in zip(rows, releases, strict=True)
        for topic in each.topics
    )
    ReleaseParty.objects.bulk_create(
        ReleaseParty(owner=row, role=role, party=party)
        for row, each in zip(rows, releases, strict=True)
        for role, listed in (
            ("audience", each.audience),
            ("named", each.origin.named),
            ("bound", each.origin.bound),
        )
        for party in listed or ()
    )
    return rows


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(worlds(), instants, st.sampled_from((0, 2, 30_000)))
def test_a_release_is_in_the_list_exactly_when_the_decision_is_yes(
    db: None, world: World, other: datetime, few: int
) -> None:
    with frozen(NOW), _few(few), transaction.atomic():
        _write(world)
        rows = dict(zip((row.id for row in _publish(world.releases)), world.releases, strict=True))
        policy = current_policy()
        parties = {text.key_of(party) for text in world.documents for party in text.parties} | {STRANGER}
        for party in sorted(parties):
            for at in (NOW, other):
                listed = set(readable_releases(party, at).values_list("id", flat=True))
                decided = {
                    key
                    for key, release in rows.items()
                    if isinstance(policy.decide(party, release, at.timestamp()), Allowed)
                }
                assert listed == decided, (party, at)
        for grant in (each for party in parties for each in policy.grants(party)):
            event("narrowed" if grant.is_narrowed else grant.hindrance or "open")
            event(f"ends as {grant.ending}")
        event(f"somebody acceded: {any(party.ref == 'new' for party in _bound(world))}")
        held = {row.id: row.facts() for row in Release.objects.prefetch_related("topics", "parties")}
        assert held == rows
        transaction.set_rollback(True)


@pytest.mark.parametrize("few", [0, 30_000])
def test_the_list_and_the_decision_agree_on_every_mixture_of_what_a_decision_looks_at(
    node: Organisation, few: int
) -> None:
    south, east = partner(nation="XS"), partner(nation="XE")
    agreement = agreement_in_force(
        south,
        east,
        clauses=(
            clause("1", tlp_max=Tlp.RED, topics=TOPICS[:1], onward=Onward("public")),
            clause("2", tlp_max=Tlp.GREEN),
            clause("3", tlp_max=Tlp.AMBER_STRICT, kinds=("drills.*",), receivers=("xs",)),
        ),
    )
    audiences = (None, frozenset[str](), frozenset({south.node}), frozenset({east.node, STRANGER}))
    bounds = (None, frozenset({south.node}), frozenset({STRANGER}))
    origins = [
        Origin(),
        *(Origin("none", bound=bound) for bound in bounds),
        *(Origin("named", named=frozenset({south.node}), bound=bound) for bound in bounds),
        *(
            Origin("parties", lineage, bound=bound)
            for lineage in (agreement.id, UUID(int=9))
            for bound in bounds
        ),
        *(Origin("public", bound=bound) for bound in bounds),
    ]
    topics = (frozenset[str](), frozenset(TOPICS[:1]), frozenset(TOPICS[1:]))
    mixtures = [
        Facts(kind, tlp, topic, audience, persons, origin)
        for kind, tlp, topic, audience, persons, origin in product(
            KINDS[1:], Tlp, topics, audiences, (True, False), origins
        )
    ]
    rows = dict(zip((row.id for row in _publish(mixtures)), mixtures, strict=True))
    policy, at = current_policy(), now()
    found = {}
    for party in (south.node, east.node, STRANGER):
        with _few(few):
            listed = set(readable_releases(party, at).values_list("id", flat=True))
        decided = {
            key
            for key, each in rows.items()
            if isinstance(policy.decide(party, each, at.timestamp()), Allowed)
        }
        assert listed == decided
        found[party] = len(listed)
    # counted by hand from the clauses: neither agrees with the other by saying no to everything
    assert found == {south.node: 404, east.node: 164, STRANGER: 0}


def _release(number: int, **members: object) -> Release:
    return Release.objects.create(
        kind="intel.report", tlp=Tlp.GREEN, subject=f"urn:test:{number}", digest="0" * 64, size=2, **members
    )


def test_the_list_is_newest_first_and_without_what_was_withdrawn(node: Organisation) -> None:
    south = partner()
    agreement_in_force(south)
    first, second = _release(1), _release(2)
    _release(3, state=Release.State.WITHDRAWN)
    assert list(readable_releases(south.node)) == [second, first]


def test_an_empty_audience_reaches_nobody(node: Organisation) -> None:
    south = partner()
    agreement_in_force(south)
    _release(1, has_audience=True)
    assert list(readable_releases(south.node)) == []


def test_the_list_ends_where_its_clauses_do(node: Organisation) -> None:
    south = partner()
    rooms = ("intel.*",)
    agreement_in_force(
        south,
        clauses=(
            clause("1", kinds=rooms, tlp_max=Tlp.GREEN),
            clause("2", kinds=rooms, tlp_max=Tlp.AMBER, topics=TOPICS[:1]),
        ),
    )
    wide, about, *_beyond = _publish(
        [
            Facts("intel.report", Tlp.GREEN),
            Facts("intel.report", Tlp.AMBER, frozenset(TOPICS[:1])),
            Facts("intel.report", Tlp.AMBER),
            Facts("intelligence.report", Tlp.GREEN),
        ]
    )
    assert list(readable_releases(south.node)) == [about, wide]


def test_what_a_declaration_leaves_out_is_in_no_list(cast: Cast) -> None:
    south, east = partner(nation="XS"), partner(nation="XE")
    agreement = agreement_in_force(south, east)
    green, clear = _release(1), _release(2)
    Release.objects.filter(id=clear.id).update(tlp=Tlp.CLEAR)
    less = [Narrowing("1", "gives", tlp_max=Tlp.CLEAR, without=("xe",))]
    agreeing.declare(cast.officer.actor, agreement, less, "")
    policy, at = current_policy(), now().timestamp()
    found = policy.decide(south.node, green.facts(), at)
    assert isinstance(found, Denied)
    assert found.reason == "narrowed"
    assert [list(readable_releases(each.node)) for each in (south, east)] == [[clear], []]


def test_nobody_without_an_agreement_has_anything_to_read(node: Organisation) -> None:
    south = partner()
    _release(1)
    assert list(readable_releases(south.node)) == []
    assert list(readable_releases("")) == []


def test_a_list_reads_no_row_of_what_it_leaves_out(node: Organisation) -> None:
    if connection.vendor != "sqlite":
        pytest.skip(
            "PostgreSQL chooses its plan by the size of the tables; benchmarks/decide.py --postgresql holds it"
        )
    south = partner()
    agreement_in_force(
        south,
        clauses=(
            clause("1", kinds=("intel.report",)),
            clause("2", topics=tuple(f"attack:T{number}" for number in range(200)), tlp_max=Tlp.RED),
        ),
    )
    plan = readable_releases(south.node).explain()
    # newest first by the index that holds what a decision looks at; what names the party and its topics is read once
    assert "SCAN federation_release USING INDEX federation_decided" in plan
    assert "federation_names (party=? AND role=?)" in plan
    assert "federation_about (topic=?)" in plan
    assert "TEMP B-TREE" not in plan
