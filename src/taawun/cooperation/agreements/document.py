"""The agreement document: read once at the edge, typed inside (docs/protocol.md, "Agreement document"). Pure.

What parties sign is the exact text; it is parsed, never re-serialised, once it has been proposed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.partners.addresses import is_base_address
from taawun.foundation import strict_json
from taawun.foundation.clock import TimestampRefused, parse_timestamp, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import MAX_CHARACTERS, Prose, Text, TextRefused, is_fit
from taawun.foundation.tlp import Tlp, UnknownMarking
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = ["ANY", "Clause", "Document", "Onward", "Party", "parse", "write"]

ANY: Final = "any"
MAX_BYTES: Final = 1024 * 1024
MAX_PARTIES: Final = 250
MAX_CLAUSES: Final = 500
# what one agreement may ask of every decision: each clause is a rule for each party it may reach
MAX_RULES: Final = 10_000
MAX_DAYS: Final = 36500
MAX_PURPOSE: Final = 300
MAX_TERM: Final = 300
_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
# a kind is exact (`intel.report`), a whole room (`intel.*`) or everything (`*`)
_KIND: Final = re.compile(r"\*|[a-z][a-z0-9-]*\.(\*|[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*)")
_TOPIC: Final = re.compile(r"[a-z0-9][a-z0-9-]*:\S{1,120}")
_KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Party:
    """One party.

    Args:
        ref: its short name in the clauses.
        kind: ``node`` or ``guest``.
        node: base address of a node party; empty for a guest.
        host: ref of the node party that speaks for a guest; empty for a node.
        nation: ISO 3166-1 alpha-2, or empty.
        organisation: its name.
        kid: thumbprint of a node's key at the time of drafting; stands for its lineage of keys.
    """

    ref: str
    kind: str
    node: str
    host: str
    nation: str
    organisation: Text
    kid: str


@dataclass(frozen=True, slots=True)
class Onward:
    """Whether and to whom a receiver may share onward.

    Args:
        rule: ``none``, ``named``, ``parties`` or ``public``.
        named: for ``named``: base addresses.
    """

    rule: str
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """What may flow, from whom to whom, and what the receiver may do with it.

    Args:
        ref: its number in the document, for example ``2.1``.
        title: what it is about.
        senders: refs, or ``("any",)``: any other signatory.
        receivers: refs, or ``("any",)``.
        kinds: release kinds: exact, ``room.*`` or ``*``.
        topics: ``vocabulary:id`` terms; empty means all.
        tlp_max: the highest marking that may flow.
        purpose: shown to people, not enforced; as somebody typed it, or in several languages.
        onward: whether and to whom the receiver may share it.
        history: ``from-accession`` or ``all``: what a later party may still read.
        retention_days: how long the receiver keeps it; None without limit.
        on_termination: ``keep`` or ``delete``.
        recognises: credentials the clause gives standing to, as written.
    """

    ref: str
    title: Text
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    kinds: tuple[str, ...]
    topics: tuple[str, ...]
    tlp_max: Tlp
    purpose: tuple[Text | str, ...]
    onward: Onward
    history: str
    retention_days: int | None
    on_termination: str
    recognises: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """An agreement's text at one version.

    Args:
        id: lineage: the same in every version.
        version: 1, 2, 3 … numbered by the depositary.
        title: what the parties call it.
        parties: the first is the depositary.
        clauses: in order.
        valid_from: earliest entry into force.
        valid_until: end, or None.
        supersedes: digest of the version it replaces, or empty.
        accession: ``closed`` or ``by-invitation``.
        min_signatories: how many must sign when ``entry_into_force`` is a number.
        entry_into_force: ``all``, or how many parties.
        notice_days: days between a notice of termination and its effect.
        authentic_languages: languages in which the text is authentic.
        prevailing: the language that prevails.
        preamble: principles the parties wrote, a paragraph a line.
        text: the exact bytes.
        digest: their SHA-256.
    """

    id: UUID
    version: int
    title: Text
    parties: tuple[Party, ...]
    clauses: tuple[Clause, ...]
    valid_from: datetime
    valid_until: datetime | None
    supersedes: str
    accession: str
    min_signatories: int
    entry_into_force: str | int
    notice_days: int
    authentic_languages: tuple[str, ...]
    prevailing: str
    preamble: Prose | None
    text: bytes
    digest: str

    @property
    def depositary(self) -> Party:
        """The party that numbers versions and collects signatures."""
        return self.parties[0]

    def party(self, ref: str) -> Party | None:
        """The party with this ref."""
        return next((party for party in self.parties if party.ref == ref), None)

    def party_of(self, node: str) -> Party | None:
        """The party that is the node at this address."""
        return next((party for party in self.parties if party.node == node and party.kind == "node"), None)

    def clause(self, ref: str) -> Clause | None:
        """The clause with this ref."""
        return next((clause for clause in self.clauses if clause.ref == ref), None)

    def required_signatures(self) -> int:
        """How many node parties must sign before it can enter into force."""
        nodes = sum(party.kind == "node" for party in self.parties)
        if isinstance(self.entry_into_force, int):
            return min(nodes, max(self.entry_into_force, self.min_signatories))
        return nodes

    def key_of(self, party: Party) -> str:
        """How decisions name a party: a node by its address, a guest by its host's address and its ref."""
        if party.kind == "node":
            return party.node
        host = self.party(party.host)
        return f"{host.node if host else ''}#{party.ref}"


def parse(text: bytes) -> Document:
    """Read a document.

    Args:
        text: its exact bytes.

    Raises:
        DocumentRefused: with the place of the first fault.
    """
    try:
        value = strict_json.parse(text, strict_json.Limits(max_bytes=MAX_BYTES))
    except strict_json.JsonRefused as refused:
        raise DocumentRefused("", str(refused)) from None
    return _Reader(value, "").document(text)


class _Reader:
    """Reads members of one JSON object and names the place of whatever is wrong."""

    # Any: this is the edge where JSON becomes typed

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise DocumentRefused(place, _("must be an object"))
        self._value: dict[str, Any] = value
        self._place = place

    def document(self, text: bytes) -> Document:
        self._known(_DOCUMENT_MEMBERS)
        parties = tuple(each.party() for each in self._objects("parties", MAX_PARTIES))
        clauses = tuple(each.clause() for each in self._objects("clauses", MAX_CLAUSES))
        valid_from = self._time("valid_from")
        valid_until = self._time("valid_until") if self._value.get("valid_until") else None
        document = Document(
            id=self._uuid("id"),
            version=self._number("version", 1, 10_000),
            title=self._words("title"),
            parties=parties,
            clauses=clauses,
            valid_from=valid_from,
            valid_until=valid_until,
            supersedes=self._text("supersedes", default=""),
            accession=self._one_of("accession", ("closed", "by-invitation"), default="closed"),
            min_signatories=self._number("min_signatories", 2, MAX_PARTIES, default=2),
            entry_into_force=self._entry_into_force(),
            notice_days=self._number("notice_days", 0, MAX_DAYS, default=0),
            authentic_languages=self.texts("authentic_languages", default=("en",)),
            prevailing=self._text("prevailing", default=""),
            preamble=self._prose("preamble") if self._value.get("preamble") else None,
            text=text,
            digest=sha256(text),
        )
        _check_whole(document)
        return document

    def party(self) -> Party:
        self._known(("ref", "kind", "node", "host", "nation", "organisation", "kid"))
        kind = self._one_of("kind", ("node", "guest"))
        node, kid = self._text("node", default=""), self._text("kid", default="")
        if kind == "node" and not is_base_address(node):
            raise self._wrong("node", _("must be a node's base address, like https://cert.example"))
        if kind == "node" and not _KID.fullmatch(kid):
            raise self._wrong("kid", _("must be the thumbprint of the node's key (43 characters)"))
        nation = self._text("nation", default="")
        if nation and not re.fullmatch("[A-Z]{2}", nation):
            raise self._wrong("nation", _("must be two capital letters (ISO 3166-1), or be left out"))
        return Party(
            ref=self._ref("ref"),
            kind=kind,
            node=node if kind == "node" else "",
            host=self._ref("host") if kind == "guest" else "",
            nation=nation,
            organisation=self._words("organisation"),
            kid=kid,
        )

    def clause(self) -> Clause:
        self._known(_CLAUSE_MEMBERS)
        kinds, topics = self.texts("kinds"), self.texts("topics", default=())
        for index, kind in enumerate(kinds):
            if not _KIND.fullmatch(kind):
                raise self._wrong(f"kinds/{index}", _("must be a kind like intel.report, intel.* or *"))
        for index, topic in enumerate(topics):
            if not _TOPIC.fullmatch(topic):
                raise self._wrong(f"topics/{index}", _("must be vocabulary:id, like attack:T1566"))
        retention = self._value.get("retention_days")
        return Clause(
            ref=self._ref("ref"),
            title=self._words("title"),
            senders=self.texts("from"),
            receivers=self.texts("to"),
            kinds=kinds,
            topics=topics,
            tlp_max=self._tlp("tlp_max"),
            purpose=self._purposes(),
            onward=self._onward(),
            history=self._one_of("history", ("from-accession", "all"), default="from-accession"),
            retention_days=None if retention is None else self._number("retention_days", 1, MAX_DAYS),
            on_termination=self._one_of("on_termination", ("keep", "delete"), default="delete"),
            recognises=tuple(self._list("recognises", default=())),
        )

    def _purposes(self) -> tuple[Text | str, ...]:
        found: list[Text | str] = []
        for index, value in enumerate(self._list("purpose", ())):
            if isinstance(value, dict):
                try:
                    found.append(Text.from_json(value))
                except TextRefused as refused:
                    raise self._wrong(f"purpose/{index}", _text_fault(refused)) from None
            elif isinstance(value, str) and not is_fit(value):
                raise self._wrong(f"purpose/{index}", _text_fault(TextRefused("bad-character", value)))
            elif isinstance(value, str) and 0 < len(value) <= MAX_PURPOSE:
                found.append(value)
            else:
                raise self._wrong("purpose", _("must be a list of texts"))
        if len(set(found)) != len(found):
            raise self._wrong("purpose", _("names something twice"))
        return tuple(found)

    def _onward(self) -> Onward:
        value = self._value.get("onward", "none")
        if isinstance(value, str) and value in {"none", "parties", "public"}:
            return Onward(value)
        if isinstance(value, dict) and set(value) == {"named"}:
            named = _Reader(value, f"{self._place}/onward").texts("named")
            for index, node in enumerate(named):
                if not is_base_address(node):
                    raise self._wrong(f"onward/named/{index}", _("must be a node's base address"))
            return Onward("named", named)
        raise self._wrong("onward", _('must be "none", "parties", "public" or {"named": [addresses]}'))

    def _entry_into_force(self) -> str | int:
        value = self._value.get("entry_into_force", "all")
        if value == "all":
            return "all"
        return self._number("entry_into_force", 2, MAX_PARTIES)

    def _tlp(self, member: str) -> Tlp:
        try:
            return Tlp.parse(self._text(member))
        except UnknownMarking:
            raise self._wrong(member, _("must be a TLP 2.0 marking, like TLP:AMBER")) from None

    def _time(self, member: str) -> datetime:
        try:
            return parse_timestamp(self._text(member))
        except TimestampRefused:
            raise self._wrong(member, _("must be an instant in UTC, like 2026-10-01T00:00:00Z")) from None

    def _uuid(self, member: str) -> UUID:
        try:
            return UUID(self._text(member))
        except ValueError:
            raise self._wrong(member, _("must be a UUID")) from None

    def _ref(self, member: str) -> str:
        value = self._text(member)
        if not _REF.fullmatch(value):
            raise self._wrong(member, _("must be letters, digits, dots, dashes or underscores, at most 40"))
        return value

    def _words(self, member: str) -> Text:
        try:
            return Text.from_json(self._value.get(member))
        except TextRefused as refused:
            raise self._wrong(member, _text_fault(refused)) from None

    def _prose(self, member: str) -> Prose:
        try:
            return Prose.from_json(self._value.get(member))
        except TextRefused as refused:
            raise self._wrong(member, _text_fault(refused, Prose.longest)) from None

    def _one_of(self, member: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self._text(member, default=default)
        if value not in choices:
            raise self._wrong(
                member, _("must be one of these: %(choices)s") % {"choices": formats.listed(choices)}
            )
        return value

    def _text(self, member: str, default: str | None = None) -> str:
        value = self._value.get(member, default)
        if not isinstance(value, str) or len(value) > 400:  # noqa: PLR2004 - the longest name in use
            raise self._wrong(member, _("must be a text of at most 400 characters"))
        return value

    def texts(self, member: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        values = self._list(member, default)
        if not all(isinstance(value, str) and 0 < len(value) <= MAX_TERM for value in values):
            raise self._wrong(member, _("must be a list of texts"))
        if len(set(values)) != len(values):
            raise self._wrong(member, _("names something twice"))
        return tuple(values)

    def _list(self, member: str, default: tuple[Any, ...] | None = None) -> list[Any]:
        value = self._value.get(member, None if default is None else list(default))
        if not isinstance(value, list) or len(value) > 1000:  # noqa: PLR2004 - more than any agreement has
            raise self._wrong(member, _("must be a list"))
        return value

    def _objects(self, member: str, most: int) -> list[_Reader]:
        values = self._list(member)
        if not 1 <= len(values) <= most:
            raise self._wrong(
                member, _("must have between 1 and %(most)s entries") % {"most": formats.number(most)}
            )
        return [_Reader(value, f"{self._place}/{member}/{index}") for index, value in enumerate(values)]

    def _number(self, member: str, least: int, most: int, default: int | None = None) -> int:
        value = self._value.get(member, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._wrong(
                member,
                _("must be a whole number from %(least)s to %(most)s")
                % {"least": formats.number(least), "most": formats.number(most)},
            )
        return value

    def _known(self, members: tuple[str, ...]) -> None:
        # a member we do not know may be one that narrows: signing what we cannot enforce is refused
        for member in self._value:
            if member not in members:
                raise self._wrong(member, _("is not a member this node understands; it could not enforce it"))

    def _wrong(self, member: str, message: str) -> DocumentRefused:
        return DocumentRefused(f"{self._place}/{member}", message)


_DOCUMENT_MEMBERS: Final = (
    "id",
    "version",
    "title",
    "parties",
    "clauses",
    "valid_from",
    "valid_until",
    "supersedes",
    "accession",
    "min_signatories",
    "entry_into_force",
    "notice_days",
    "authentic_languages",
    "prevailing",
    "preamble",
)
_CLAUSE_MEMBERS: Final = (
    "ref",
    "title",
    "from",
    "to",
    "kinds",
    "topics",
    "tlp_max",
    "purpose",
    "onward",
    "history",
    "retention_days",
    "on_termination",
    "recognises",
)


def _text_fault(refused: TextRefused, longest: int = MAX_CHARACTERS) -> str:
    """What is wrong with a text in languages of at most so many characters each, in the reader's language."""
    sentences = {
        "not-a-text": _("must be an object of languages, like {'en': 'Cooperation'}"),
        "no-language": _("needs words in at least one language"),
        "bad-language": _(
            "names a language by something that is no language tag; write one like ar or pt-BR"
        ),
        "empty": _("is empty in one language; write it or leave the language out"),
        "too-long": _("is longer than %(most)s characters in one language")
        % {"most": formats.number(longest)},
        "bad-character": _("holds a control character, or one that turns the direction of text; remove it"),
    }
    return sentences.get(refused.code, str(refused))


def _check_whole(document: Document) -> None:
    _check_parties(document)
    if len(document.parties) * len(document.clauses) > MAX_RULES:
        raise DocumentRefused(
            "/clauses",
            _(
                "%(clauses)s clauses for %(parties)s parties are more than %(most)s rules; write fewer clauses, "
                "or divide it into several agreements"
            )
            % {
                "clauses": formats.number(len(document.clauses)),
                "parties": formats.number(len(document.parties)),
                "most": formats.number(MAX_RULES),
            },
        )
    refs = {party.ref for party in document.parties}
    seen: set[str] = set()
    for index, clause in enumerate(document.clauses):
        place = f"/clauses/{index}"
        if clause.ref in seen:
            raise DocumentRefused(
                f"{place}/ref", _("clause %(clause)s is there twice") % {"clause": clause.ref}
            )
        seen.add(clause.ref)
        _check_side(clause.senders, refs, f"{place}/from")
        _check_side(clause.receivers, refs, f"{place}/to")
        if not clause.kinds:
            raise DocumentRefused(
                f"{place}/kinds", _("names no kind, so nothing could ever flow; use * for all")
            )
    if document.valid_until and document.valid_until <= document.valid_from:
        raise DocumentRefused("/valid_until", _("is not after the beginning"))


def _check_parties(document: Document) -> None:
    refs = [party.ref for party in document.parties]
    if len(set(refs)) != len(refs) or ANY in refs:
        raise DocumentRefused("/parties", _('party refs must differ, and none may be "any"'))
    nodes = [party.node for party in document.parties if party.kind == "node"]
    if len(set(nodes)) != len(nodes):
        raise DocumentRefused("/parties", _("one node is there twice"))
    if len(nodes) < 2:  # noqa: PLR2004 - it takes two to agree
        raise DocumentRefused("/parties", _("an agreement needs at least two nodes"))
    if document.parties[0].kind != "node":
        raise DocumentRefused("/parties/0", _("the first party is the depositary and must be a node"))
    for index, party in enumerate(document.parties):
        host = document.party(party.host) if party.kind == "guest" else None
        if party.kind == "guest" and (host is None or host.kind != "node"):
            raise DocumentRefused(f"/parties/{index}/host", _("must be the ref of a node party"))


def _check_side(side: tuple[str, ...], refs: set[str], place: str) -> None:
    if not side:
        raise DocumentRefused(place, _("names nobody, and an empty list reaches nobody"))
    if ANY in side and len(side) > 1:
        raise DocumentRefused(place, _('"any" already means every other signatory'))
    for ref in side:
        if ref != ANY and ref not in refs:
            raise DocumentRefused(place, _("%(party)s is not a party") % {"party": ref})


def write(document: Document) -> bytes:
    """The text of a document that has not been proposed yet; its own ``text`` and ``digest`` are not looked at."""
    value: dict[str, object] = {
        "id": str(document.id),
        "version": document.version,
        "title": document.title.to_json(),
        "parties": [_party_json(party) for party in document.parties],
        "clauses": [_clause_json(clause) for clause in document.clauses],
        "valid_from": timestamp(document.valid_from),
        "accession": document.accession,
        "min_signatories": document.min_signatories,
        "entry_into_force": document.entry_into_force,
        "notice_days": document.notice_days,
        "authentic_languages": list(document.authentic_languages),
    }
    optional: dict[str, tuple[object, Callable[[Any], object]]] = {
        "valid_until": (document.valid_until, timestamp),
        "supersedes": (document.supersedes, str),
        "prevailing": (document.prevailing, str),
        "preamble": (document.preamble, lambda words: words.to_json()),
    }
    value.update({name: show(held) for name, (held, show) in optional.items() if held})
    return strict_json.canonical(value)


def _party_json(party: Party) -> dict[str, object]:
    found: dict[str, object] = {
        "ref": party.ref,
        "kind": party.kind,
        "organisation": party.organisation.to_json(),
    }
    members = {"node": party.node, "host": party.host, "nation": party.nation, "kid": party.kid}
    found.update({name: held for name, held in members.items() if held})
    return found


def _clause_json(clause: Clause) -> dict[str, object]:
    onward: object = clause.onward.rule
    if clause.onward.rule == "named":
        onward = {"named": list(clause.onward.named)}
    found: dict[str, object] = {
        "ref": clause.ref,
        "title": clause.title.to_json(),
        "from": list(clause.senders),
        "to": list(clause.receivers),
        "kinds": list(clause.kinds),
        "topics": list(clause.topics),
        "tlp_max": clause.tlp_max.label,
        "purpose": [each.to_json() if isinstance(each, Text) else each for each in clause.purpose],
        "onward": onward,
        "history": clause.history,
        "on_termination": clause.on_termination,
    }
    if clause.retention_days is not None:
        found["retention_days"] = clause.retention_days
    if clause.recognises:
        found["recognises"] = [dict(each) for each in clause.recognises]
    return found
