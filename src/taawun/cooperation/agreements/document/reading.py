"""Reading a document, and naming the place of whatever is wrong with it. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document.nouns import (
    ANY,
    KIND,
    MAX_CLAUSES,
    MAX_DAYS,
    MAX_PARTIES,
    MAX_PURPOSE,
    MAX_RULES,
    REF,
    TOPIC,
    Clause,
    Document,
    Narrowing,
    Onward,
    Paper,
    Part,
    Party,
)
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.partners.identity.addresses import is_base_address
from taawun.foundation import strict_json
from taawun.foundation.clock import TimestampRefused, parse_timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import MAX_CHARACTERS, Prose, Text, TextRefused, is_fit
from taawun.foundation.tlp import Tlp, UnknownMarking
from taawun.platform.web import formats

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MAX_BYTES", "parse", "parse_narrowings", "parse_parts", "parse_party"]

MAX_BYTES: Final = 1024 * 1024
MAX_TERM: Final = 300
_KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_SHA256: Final = re.compile("[0-9a-f]{64}")


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


def parse_party(value: object, place: str) -> Party:
    """Read the entry of a party that an invitation names.

    Args:
        value: JSON.
        place: where it stands, as a JSON pointer.

    Raises:
        DocumentRefused: with the place of the first fault.
    """
    return _Reader(value, place).party()


def parse_narrowings(value: object) -> tuple[Narrowing, ...]:
    """Read what a declaration narrows.

    Args:
        value: JSON: a list of objects.

    Raises:
        DocumentRefused: with the place of the first fault.
    """
    return tuple(each.narrowing() for each in _Reader({"narrows": value}, "").objects("narrows", MAX_CLAUSES))


def parse_parts(value: object) -> tuple[Part, ...]:
    """Read the clauses in which an invitation lets its party take part.

    Args:
        value: JSON: a list of objects.

    Raises:
        DocumentRefused: with the place of the first fault.
    """
    return tuple(each.part() for each in _Reader({"parts": value}, "").objects("parts", MAX_CLAUSES))


class _Reader:
    """Reads members of one JSON object and names the place of whatever is wrong."""

    # Any: this is the edge where JSON becomes typed

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise DocumentRefused(place, _("must be an object"))
        self._value: dict[str, Any] = value
        self._place = place

    def document(self, text: bytes) -> Document:
        self.known(_DOCUMENT_MEMBERS)
        parties = tuple(each.party() for each in self.objects("parties", MAX_PARTIES))
        clauses = tuple(each.clause() for each in self.objects("clauses", MAX_CLAUSES))
        valid_from = self.time("valid_from")
        valid_until = self.time("valid_until") if self._value.get("valid_until") else None
        document = Document(
            id=self._uuid("id"),
            version=self.number("version", 1, 10_000),
            title=self._words("title"),
            parties=parties,
            clauses=clauses,
            valid_from=valid_from,
            valid_until=valid_until,
            supersedes=self.text("supersedes", default=""),
            accession=self.one_of("accession", ("closed", "by-invitation"), default="closed"),
            min_signatories=self.number("min_signatories", 2, MAX_PARTIES, default=2),
            entry_into_force=self._entry_into_force(),
            notice_days=self.number("notice_days", 0, MAX_DAYS, default=0),
            authentic_languages=self.texts("authentic_languages", default=("en",)),
            prevailing=self.text("prevailing", default=""),
            preamble=self._prose("preamble") if self._value.get("preamble") else None,
            instrument=_Reader(self._value["instrument"], "/instrument").paper()
            if self._value.get("instrument")
            else None,
            text=text,
            digest=sha256(text),
        )
        _check_whole(document)
        return document

    def party(self) -> Party:
        self.known(("ref", "kind", "node", "host", "nation", "organisation", "kid", "ratifies"))
        kind = self.one_of("kind", ("node", "guest"))
        node, kid = self.text("node", default=""), self.text("kid", default="")
        if kind == "node" and not is_base_address(node):
            raise self.wrong("node", _("must be a node's base address, like https://cert.example"))
        if kind == "node" and not _KID.fullmatch(kid):
            raise self.wrong("kid", _("must be the thumbprint of the node's key (43 characters)"))
        nation = self.text("nation", default="")
        if nation and not re.fullmatch("[A-Z]{2}", nation):
            raise self.wrong("nation", _("must be two capital letters (ISO 3166-1), or be left out"))
        return Party(
            ref=self.ref("ref"),
            kind=kind,
            node=node if kind == "node" else "",
            host=self.ref("host") if kind == "guest" else "",
            nation=nation,
            organisation=self._words("organisation"),
            kid=kid,
            ratifies=self._ratifies(kind),
        )

    def _ratifies(self, kind: str) -> bool:
        value = self._value.get("ratifies", False)
        if not isinstance(value, bool):
            raise self.wrong("ratifies", _("must be true or false"))
        if value and kind != "node":
            raise self.wrong("ratifies", _("a guest does not sign, so it does not ratify"))
        return value

    def paper(self) -> Paper:
        self.known(("title", "date", "digest"))
        digest = self.text("digest")
        if not _SHA256.fullmatch(digest):
            raise self.wrong("digest", _("must be the SHA-256 of the scan (64 small hexadecimal digits)"))
        try:
            on = date.fromisoformat(self.text("date"))
        except ValueError:
            raise self.wrong("date", _("must be a day, like 2026-10-01")) from None
        return Paper(title=self._words("title"), date=on, digest=digest)

    def narrowing(self) -> Narrowing:
        self.known(("clause", "direction", "tlp_max", "kinds", "topics", "without"))
        kinds, topics = self.kinds(default=()), self.topics()
        return Narrowing(
            clause=self.ref("clause"),
            direction=self.one_of("direction", ("gives", "takes")),
            tlp_max=self.tlp("tlp_max") if "tlp_max" in self._value else None,
            kinds=kinds,
            topics=topics,
            without=self.texts("without", default=()),
        )

    def part(self) -> Part:
        self.known(("clause", "directions"))
        directions = self.texts("directions")
        if not directions or not set(directions) <= {"gives", "takes"}:
            raise self.wrong("directions", _('must name "gives", "takes" or both'))
        return Part(self.ref("clause"), directions)

    def clause(self) -> Clause:
        self.known(_CLAUSE_MEMBERS)
        kinds, topics = self.kinds(), self.topics()
        retention = self._value.get("retention_days")
        return Clause(
            ref=self.ref("ref"),
            title=self._words("title"),
            senders=self.texts("from"),
            receivers=self.texts("to"),
            kinds=kinds,
            topics=topics,
            tlp_max=self.tlp("tlp_max"),
            purpose=self._purposes(),
            onward=self._onward(),
            history=self.one_of("history", ("from-accession", "all"), default="from-accession"),
            retention_days=None if retention is None else self.number("retention_days", 1, MAX_DAYS),
            on_termination=self.one_of("on_termination", ("keep", "delete"), default="delete"),
            recognises=tuple(self._list("recognises", default=())),
        )

    def kinds(self, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        found = self.texts("kinds", default=default)
        for index, kind in enumerate(found):
            if not KIND.fullmatch(kind):
                raise self.wrong(f"kinds/{index}", _("must be a kind like intel.report, intel.* or *"))
        return found

    def topics(self) -> tuple[str, ...]:
        found = self.texts("topics", default=())
        for index, topic in enumerate(found):
            if not TOPIC.fullmatch(topic):
                raise self.wrong(f"topics/{index}", _("must be vocabulary:id, like attack:T1566"))
        return found

    def _purposes(self) -> tuple[Text | str, ...]:
        found: list[Text | str] = []
        for index, value in enumerate(self._list("purpose", ())):
            if isinstance(value, dict):
                try:
                    found.append(Text.from_json(value))
                except TextRefused as refused:
                    raise self.wrong(f"purpose/{index}", _text_fault(refused)) from None
            elif isinstance(value, str) and not is_fit(value):
                raise self.wrong(f"purpose/{index}", _text_fault(TextRefused("bad-character", value)))
            elif isinstance(value, str) and 0 < len(value) <= MAX_PURPOSE:
                found.append(value)
            else:
                raise self.wrong("purpose", _("must be a list of texts"))
        if len(set(found)) != len(found):
            raise self.wrong("purpose", _("names something twice"))
        return tuple(found)

    def _onward(self) -> Onward:
        value = self._value.get("onward", "none")
        if isinstance(value, str) and value in {"none", "parties", "public"}:
            return Onward(value)
        if isinstance(value, dict) and set(value) == {"named"}:
            named = _Reader(value, f"{self._place}/onward").texts("named")
            for index, node in enumerate(named):
                if not is_base_address(node):
                    raise self.wrong(f"onward/named/{index}", _("must be a node's base address"))
            return Onward("named", named)
        raise self.wrong("onward", _('must be "none", "parties", "public" or {"named": [addresses]}'))

    def _entry_into_force(self) -> str | int:
        value = self._value.get("entry_into_force", "all")
        if value in ("all", "date"):
            return str(value)
        return self.number("entry_into_force", 2, MAX_PARTIES)

    def tlp(self, member: str) -> Tlp:
        try:
            return Tlp.parse(self.text(member))
        except UnknownMarking:
            raise self.wrong(member, _("must be a TLP 2.0 marking, like TLP:AMBER")) from None

    def time(self, member: str) -> datetime:
        try:
            return parse_timestamp(self.text(member))
        except TimestampRefused:
            raise self.wrong(member, _("must be an instant in UTC, like 2026-10-01T00:00:00Z")) from None

    def _uuid(self, member: str) -> UUID:
        try:
            return UUID(self.text(member))
        except ValueError:
            raise self.wrong(member, _("must be a UUID")) from None

    def ref(self, member: str) -> str:
        value = self.text(member)
        if not REF.fullmatch(value):
            raise self.wrong(member, _("must be letters, digits, dots, dashes or underscores, at most 40"))
        return value

    def _words(self, member: str) -> Text:
        try:
            return Text.from_json(self._value.get(member))
        except TextRefused as refused:
            raise self.wrong(member, _text_fault(refused)) from None

    def _prose(self, member: str) -> Prose:
        try:
            return Prose.from_json(self._value.get(member))
        except TextRefused as refused:
            raise self.wrong(member, _text_fault(refused, Prose.longest)) from None

    def one_of(self, member: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(member, default=default)
        if value not in choices:
            raise self.wrong(
                member, _("must be one of these: %(choices)s") % {"choices": formats.listed(choices)}
            )
        return value

    def text(self, member: str, default: str | None = None) -> str:
        value = self._value.get(member, default)
        if not isinstance(value, str) or len(value) > 400:  # noqa: PLR2004 - the longest name in use
            raise self.wrong(member, _("must be a text of at most 400 characters"))
        return value

    def texts(self, member: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        values = self._list(member, default)
        if not all(isinstance(value, str) and 0 < len(value) <= MAX_TERM for value in values):
            raise self.wrong(member, _("must be a list of texts"))
        if len(set(values)) != len(values):
            raise self.wrong(member, _("names something twice"))
        return tuple(values)

    def _list(self, member: str, default: tuple[Any, ...] | None = None) -> list[Any]:
        value = self._value.get(member, None if default is None else list(default))
        if not isinstance(value, list) or len(value) > 1000:  # noqa: PLR2004 - more than any agreement has
            raise self.wrong(member, _("must be a list"))
        return value

    def objects(self, member: str, most: int) -> list[_Reader]:
        values = self._list(member)
        if not 1 <= len(values) <= most:
            raise self.wrong(
                member, _("must have between 1 and %(most)s entries") % {"most": formats.number(most)}
            )
        return [_Reader(value, f"{self._place}/{member}/{index}") for index, value in enumerate(values)]

    def number(self, member: str, least: int, most: int, default: int | None = None) -> int:
        value = self._value.get(member, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(
                member,
                _("must be a whole number from %(least)s to %(most)s")
                % {"least": formats.number(least), "most": formats.number(most)},
            )
        return value

    def known(self, members: tuple[str, ...]) -> None:
        # a member we do not know may be one that narrows: signing what we cannot enforce is refused
        for member in self._value:
            if member not in members:
                raise self.wrong(member, _("is not a member this node understands; it could not enforce it"))

    def wrong(self, member: str, message: str) -> DocumentRefused:
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
    "instrument",
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
