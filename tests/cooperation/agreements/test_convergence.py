"""Whatever is said about an agreement, in any order, doubled or lost, by whoever lies: who has talked stands alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from taawun.cooperation.agreements import forwarding, queries, regaining
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP, SIGNATURE_TYP
from taawun.cooperation.agreements.document import (
    Document,
    Narrowing,
    Party,
    narrowing_json,
    parse,
    party_json,
    write,
)
from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
    Shown,
    Told,
    Version,
)
from taawun.cooperation.agreements.policy import Agreed, Facts, PartnerTrust, compile_policy
from taawun.cooperation.agreements.proposals import PROPOSAL_TYP
from taawun.cooperation.agreements.queries import forget_policy, standing_of
from taawun.cooperation.agreements.standing import words
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.exchange.messages import Message, MessageKind
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.models import GENESIS, OwnKey, Partner
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import clause

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
# the liar is the depositary or a party; the honest nodes are those whose state is compared
LIAR, HONEST, NEWCOMER = (
    "https://liar.example",
    tuple(f"https://{n}.example" for n in "abc"),
    "https://e.example",
)
KEYS = {node: SigningKey.generate() for node in (LIAR, *HONEST, NEWCOMER)}
# what the liar signs with in the newcomer's name
FORGED = SigningKey.generate()
FACTS = [Facts("intel.report", tlp) for tlp in (Tlp.CLEAR, Tlp.GREEN)]
# all that a node holds of agreements
TABLES: tuple[type[Any], ...] = (
    PartyInstrument,
    PartySignature,
    Comparison,
    Shown,
    Told,
    Version,
    Agreement,
    Notice,
)


@dataclass
class Node:
    """An honest node: what it holds, and what was said to it and not heard yet."""

    address: str
    rows: dict[type[Any], list[Any]] = field(default_factory=dict)
    waiting: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)


class Nodes:
    """Several nodes in one database: whoever is at work has its rows there."""

    def __init__(self) -> None:
        self.all = {address: Node(address) for address in HONEST}
        # where people compared the newcomer's key
        self.compared: set[str] = {HONEST[0]}

    @contextmanager
    def at_work(self, address: str) -> Iterator[Node]:
        """Let one of them be this node. What it says to others waits there."""
        node = self.all[address]
        if address in self.compared:
            _meet(NEWCOMER)
        for model in reversed(TABLES):
            model.objects.bulk_create(node.rows.get(model, []))
        key = KEYS[address].to_pem().decode()

        def send(partner: Partner, kind: str, payload: Mapping[str, object]) -> None:
            if partner.node in self.all:
                self.all[partner.node].waiting.append((address, kind, payload))

        with override_settings(BASE_URL=address, NODE_KEY=key), patch.object(messages, "send", send):
            self._forget()
            yield node
        self._forget()
        for model in TABLES:
            node.rows[model] = list(model.objects.all())
            model.objects.all().delete()
        Partner.objects.filter(node=NEWCOMER).delete()

    @staticmethod
    def _forget() -> None:
        queries._held = None
        forget_policy()

    def hear(self, node: Node) -> int:
        """Let the node at work hear what was said to it; how much that was."""
        heard, node.waiting = node.waiting, []
        for sender, kind, payload in heard:
            partner = Partner.objects.get(node=sender)
            message = Message(partner, kind, uuid7(), payload, now(), now())
            with suppress(MessageRefused), transaction.atomic():
                registry.get(MessageKind, kind).receive(message)
        return len(heard)

    def talk(self, at: datetime, rounds: int) -> None:
        """Let them tell each other what they hold until nobody has anything more to say."""
        for number in range(rounds):
            said = 0
            with frozen(at + timedelta(minutes=6 * number)):
                for address in self.all:
                    with self.at_work(address) as node:
                        said += self.hear(node)
                        said += forwarding.answer_comparisons() + forwarding.compare()
            if not said:
                event(f"silent after {number} rounds")
                return
        raise AssertionError(f"they still talk after {rounds} rounds")


def _meet(address: str) -> None:
    """People at the node at work compared a key."""
    key = KEYS[address]
    Partner.objects.create(
        node=address,
        kid=key.kid,
        jwk=key.public.to_jwk(),
        state=Partner.State.VERIFIED,
        names={"en": address},
    )


# ---- what is said --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """One message of its author; the honest say it to everybody, the liar to whom it likes."""

    author: str
    kind: str
    payload: Mapping[str, object]


def _text(is_depositary: bool, draw: st.DrawFn) -> Document:
    order = [LIAR, *HONEST] if is_depositary else [HONEST[0], LIAR, *HONEST[1:]]
    parties = tuple(
        Party(
            f"p{number}", "node", node, "", "XN", Text.of(en=node), KEYS[node].kid, ratifies=node == HONEST[1]
        )
        for number, node in enumerate(order)
    )
    return parse(
        write(
            Document(
                id=UUID(int=7),
                version=1,
                title=Text.of(en="Together"),
                parties=parties,
                clauses=(clause("1", tlp_max=Tlp.GREEN),),
                valid_from=BEGIN,
                valid_until=None,
                accession="by-invitation",
                entry_into_force=draw(st.sampled_from(("all", "date"))),
                notice_days=draw(st.sampled_from((0, 2))),
                supersedes="",
                min_signatories=2,
                authentic_languages=(),
                prevailing="",
                preamble=None,
                text=b"",
                digest="",
            )
        )
    )


class Mouth:
    """Draws what nodes say about a text, each signed, and at an instant of its own."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.names = 0
        self.said = list[Word]()

    def statement(
        self, node: str, text: Document, kind: str = "", /, key: SigningKey | None = None, **members: Any
    ) -> tuple[str, str]:
        """What is signed in a node's name, with its key or another, and its name. Members are of whatever type."""
        self.names += 1
        at = BEGIN + timedelta(minutes=self.draw(st.integers(0, 90)))
        said = {
            "id": str(UUID(int=self.names)),
            "agreement": str(text.id),
            "digest": text.digest,
            "node": node,
            "at": timestamp(at),
            "to": sorted({*KEYS} - {node}),
            **({"kind": kind, "note": ""} if kind else {}),
            **members,
        }
        signer = key or KEYS[node]
        return signer.sign(canonical(said), INSTRUMENT_TYP if kind else SIGNATURE_TYP), said["id"]

    def say(self, node: str, about: Document, kind: str = "", /, **members: Any) -> str:
        """Let a node say it; its name."""
        token, name = self.statement(node, about, kind, **members)
        message = {"instrument": token} if kind else {"signature": token}
        self.said.append(Word(node, "agreement.declared" if kind else "agreement.signed", message))
        return name

    def propose(self, about: Document) -> None:
        """Let its depositary propose and sign a text."""
        depositary = about.depositary.node
        said = {
            "agreement": str(about.id),
            "digest": about.digest,
            "node": depositary,
            "at": timestamp(BEGIN),
        }
        proposal = KEYS[depositary].sign(canonical(said), PROPOSAL_TYP)
        message = {"document": about.text.decode(), "proposal": proposal}
        self.said.append(Word(depositary, "agreement.proposed", message))
        self.say(depositary, about)

    def some(self, most: int) -> list[str]:
        """Some nodes, perhaps one of them several times."""
        return self.draw(st.lists(st.sampled_from((LIAR, *HONEST)), max_size=most))

    def name(self) -> str:
        """A name under which something was said already, by whomever."""
        return str(UUID(int=self.draw(st.integers(1, self.names))))


@st.composite
def conversations(draw: st.DrawFn, *, is_forged: bool = False) -> tuple[list[Word], dict[str, list[int]]]:
    """What was said, and which of it each honest node heard from its author, in which order and how often."""
    mouth = Mouth(draw)
    text = _text(is_forged or draw(st.booleans()), draw)
    mouth.propose(text)
    for node in (LIAR, *HONEST):
        if node != text.depositary.node and draw(st.integers(0, 5)):
            mouth.say(node, text)
    mouth.say(HONEST[1], text, "ratified")
    _stop(mouth, text)
    if is_forged or draw(st.booleans()):
        accession = _accede(mouth, text)
        if text.depositary.node == LIAR:
            _forge(mouth, text, accession)
    _lie(mouth, text)
    if draw(st.booleans()):
        _go_on(mouth, text)
    heard = {}
    for address in HONEST:
        # what the honest say reaches everybody in the end; what the liar says reaches some
        told = [
            number
            for number, word in enumerate(mouth.said)
            # one that did not compare the newcomer's key hears all that is said in its name
            if word.author != LIAR or (is_forged and address == HONEST[1]) or draw(st.integers(0, 2))
        ]
        doubled = draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
        heard[address] = draw(st.permutations([*told, *doubled]))
    return mouth.said, heard


def _stop(mouth: Mouth, text: Document) -> None:
    """Parties suspend, narrow, leave and end, and take some of it back."""
    narrows = [narrowing_json(Narrowing("1", "takes", Tlp.CLEAR))]
    for node in mouth.some(3):
        kind = mouth.draw(st.sampled_from(("suspended", "declared", "left", "terminated", "declined")))
        name = mouth.say(node, text, kind, **({"narrows": narrows} if kind == "declared" else {}))
        if kind in ("suspended", "declared") and mouth.draw(st.booleans()):
            mouth.say(node, text, "resumed" if kind == "suspended" else "lifted", lifts=name)


def _lie(mouth: Mouth, text: Document) -> None:
    """The liar says two things under one name, its own or another's, and signs twice."""
    for _ in range(mouth.draw(st.integers(0, 2))):
        kind = mouth.draw(
            st.sampled_from(("suspended", "left", "terminated", "resumed", "countersigned", ""))
        )
        more = {
            "resumed": {"lifts": mouth.name()},
            "countersigned": {"answers": mouth.name(), "of": NEWCOMER, "sees": "a" * 64},
        }
        mouth.say(LIAR, text, kind, id=mouth.name(), **more.get(kind, {}))


def _go_on(mouth: Mouth, text: Document) -> None:
    """A next version; of a lying depositary perhaps two of one number, each for others to sign."""
    depositary = text.depositary.node
    for days in range(mouth.draw(st.integers(1, 2)) if depositary == LIAR else 1):
        later = parse(write(replace(text, version=2, valid_from=BEGIN + timedelta(days=1 + days))))
        mouth.propose(later)
        for node in set(mouth.some(4)) - {depositary}:
            mouth.say(node, later)


def _accede(mouth: Mouth, text: Document) -> str:
    """The depositary invites a newcomer, shows its accession and countersigns; a liar shows each to some only."""
    depositary = text.depositary.node
    entry = Party("pe", "node", NEWCOMER, "", "XE", Text.of(en="East"), KEYS[NEWCOMER].kid)
    more: dict[str, Any] = {"party": party_json(entry), "jwk": KEYS[NEWCOMER].public.to_jwk()}
    invitation, name = mouth.statement(depositary, text, "invited", **more)
    accession, own = mouth.statement(NEWCOMER, text, "acceded", answers=name, of=depositary)
    word, _name = mouth.statement(
        depositary, text, "countersigned", answers=own, of=NEWCOMER, sees=sha256(accession.encode())
    )
    left, _name = mouth.statement(NEWCOMER, text, mouth.draw(st.sampled_from(("left", "suspended"))))
    mouth.said += [
        Word(depositary, "agreement.declared", {"instrument": each}) for each in (invitation, word)
    ]
    for token in (accession, left):
        if token is accession or mouth.draw(st.booleans()):
            _show(mouth, text, (invitation, token), KEYS[NEWCOMER])
    return accession


def _show(mouth: Mouth, text: Document, instruments: Sequence[str], key: SigningKey) -> None:
    """The depositary passes on what was signed in the newcomer's name."""
    depositary = text.depositary.node
    shown = {
        "agreement": str(text.id),
        "documents": [],
        "signatures": [],
        "instruments": [{"instrument": each} for each in instruments],
        "keys": [KEYS[depositary].public.to_jwk(), key.public.to_jwk()],
    }
    mouth.said.append(Word(depositary, "agreement.evidence", shown))


def _forge(mouth: Mouth, text: Document, accession: str) -> None:
    """A lying depositary invites the newcomer under a key of its own, and says more in its name than is kept."""
    entry = Party("pf", "node", NEWCOMER, "", "XE", Text.of(en="East"), FORGED.kid)
    more: dict[str, Any] = {"party": party_json(entry), "jwk": FORGED.public.to_jwk()}
    invitation, name = mouth.statement(text.depositary.node, text, "invited", **more)
    forged = [FORGED.sign(peek(accession).payload, INSTRUMENT_TYP)]
    for kind in mouth.draw(
        st.lists(st.sampled_from(("acceded", "left", "suspended")), min_size=1, max_size=2)
    ):
        answers: dict[str, Any] = {"answers": name, "of": text.depositary.node} if kind == "acceded" else {}
        forged += [
            mouth.statement(NEWCOMER, text, kind, key=FORGED, **answers)[0]
            for _ in range(words.MOST_SAID + 2)
        ]
    for token in forged:
        _show(mouth, text, (invitation, token), FORGED)


def _own(word: Word) -> None:
    """What the node at work said itself: known to it as after a restore."""
    regain = {
        "agreement.proposed": regaining.regain_proposed,
        "agreement.signed": regaining.regain_signed,
        "agreement.declared": regaining.regain_declared,
    }.get(word.kind)
    if regain:
        header = chain.Header(
            lane=uuid7(),
            sender=word.author,
            seq=1,
            prev=GENESIS,
            kind=word.kind,
            subject="",
            version="",
            action="publish",
            tlp=Tlp.AMBER,
            digest="",
            size=0,
            issued=now(),
        )
        regain(word.payload, header)


# ---- where it stands -----------------------------------------------------------------------------------------------


def _seen(ats: Sequence[datetime], later: Sequence[datetime]) -> object:
    """All that matters of where the agreement stands here, without what only this node knows.

    Args:
        ats: instants at which it stands somewhere.
        later: instants at which is decided: nothing flows by what was not here yet.
    """
    agreement = Agreement.objects.first()
    if agreement is None:
        return None
    found = []
    for at in ats:
        standing = standing_of(agreement, at)
        found.append(
            (
                standing.state,
                standing.current and standing.current.digest,
                standing.pending and standing.pending.digest,
                [
                    (
                        window.document.digest,
                        [party.node for party in window.document.parties],
                        window.opens,
                        window.closes,
                        [ref for ref, _since in window.signed],
                        [each.order for each in window.suspensions],
                        window.leaves,
                        [(each.order, each.narrows) for each in window.declared],
                        window.unratified,
                    )
                    for window in standing.windows
                ],
                standing.signed_by,
                standing.signatories,
                standing.ratified_by,
                standing.ends,
                [each.order for each in standing.suspensions],
                [each.order for each in standing.invitations],
                [each.order for each in standing.accessions],
            )
        )
    trust = {node: PartnerTrust("", float("inf")) for node in KEYS}
    agreed = [Agreed("AG", standing_of(agreement, later[-1]))]
    decided = []
    for sender in KEYS:
        policy = compile_policy(sender, agreed, trust, 0)
        for receiver in KEYS:
            for facts in FACTS:
                for at in later:
                    answer = policy.decide(receiver, facts, at.timestamp())
                    decided.append((sender, receiver, type(answer).__name__, getattr(answer, "reason", "")))
    return found, decided, sorted(forwarding.held_of(agreement))


_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
_UNHEALTHY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A party that lies a little says more than is kept."""
    monkeypatch.setattr(words, "MOST_SAID", 3)


# the same is asked of both databases below, with fewer conversations
@pytest.mark.any_database
@pytest.mark.slow
@settings(max_examples=20, phases=_PHASES, deadline=None, suppress_health_check=_UNHEALTHY)
@given(conversations())
def test_who_has_talked_stands_alike_whatever_was_said_to_whom(
    db: None, conversation: tuple[list[Word], dict[str, list[int]]]
) -> None:
    _converge(*conversation)


@pytest.mark.slow
@settings(
    max_examples=6 if connection.vendor == "sqlite" else 3,
    phases=_PHASES,
    deadline=None,
    suppress_health_check=_UNHEALTHY,
)
@given(conversations(is_forged=True))
def test_a_newcomer_in_whose_name_others_speak_stands_alike_once_everybody_compared_its_key(
    db: None, conversation: tuple[list[Word], dict[str, list[int]]]
) -> None:
    _converge(*conversation)


def _converge(said: Sequence[Word], heard: Mapping[str, Sequence[int]]) -> None:
    nodes = Nodes()
    with transaction.atomic():
        OwnKey.objects.all().delete()
        for address in KEYS:
            if address != NEWCOMER:
                _meet(address)
        with frozen(BEGIN + timedelta(hours=2)):
            for address, numbers in heard.items():
                with nodes.at_work(address) as node:
                    for number in numbers:
                        word = said[number]
                        if word.author == address:
                            _own(word)
                        else:
                            node.waiting.append((word.author, word.kind, word.payload))
                            nodes.hear(node)
        nodes.talk(BEGIN + timedelta(hours=3), rounds=12)
        # the others compare the newcomer's key, too; those who are quiet compare once a week what they hold
        nodes.compared |= set(HONEST)
        nodes.talk(BEGIN + timedelta(days=10), rounds=12)
        hours = [timedelta(hours=each) for each in (5, 30, 60, 90)]
        ats, later = ([begin + each for each in hours] for begin in (BEGIN, BEGIN + timedelta(days=11)))
        seen = []
        for address in HONEST:
            with frozen(later[0]), nodes.at_work(address):
                seen.append(_seen(ats, later))
        assert seen[0] == seen[1] == seen[2]
        transaction.set_rollback(True)
