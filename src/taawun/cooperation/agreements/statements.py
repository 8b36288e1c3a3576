"""What instruments say: their members read once, and a row as the evidence it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from taawun.cooperation.agreements.document import parse_narrowings, parse_parts, parse_party
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.standing import Instrument
from taawun.foundation.clock import TimestampRefused, parse_timestamp, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SignatureRefused, VerifyKey
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.models import PartyInstrument

__all__ = ["LONGEST_NOTE", "MEMBERS", "check", "instrument_of", "write"]

LONGEST_NOTE: Final = 4000

# members that only some kinds have
MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "invited": ("party", "jwk", "parts", "until"),
    "countersigned": ("sees",),
    "declared": ("narrows",),
}


def check(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a kind, as they were signed. Any: JSON at the edge, typed by whoever reads it.

    Args:
        kind: of the instrument.
        payload: what was signed.

    Raises:
        DocumentRefused: one of them cannot be read; it names the place.
    """
    said = {name: payload[name] for name in MEMBERS.get(kind, ()) if name in payload}
    if kind == "invited":
        party = parse_party(said.get("party"), "/party")
        if party.kind != "node":
            raise DocumentRefused("/party/kind", "a node is invited, not a guest")
        try:
            jwk = said.get("jwk")
            if not isinstance(jwk, dict) or VerifyKey.from_jwk(jwk).kid != party.kid:
                raise DocumentRefused("/jwk", "is not the key that the party names")
        except SignatureRefused as refused:
            raise DocumentRefused("/jwk", str(refused)) from None
        if "parts" in said:
            parse_parts(said["parts"])
        if "until" in said:
            try:
                parse_timestamp(said["until"])
            except (TimestampRefused, TypeError, AttributeError):
                raise DocumentRefused("/until", "is no instant") from None
    elif kind == "declared":
        parse_narrowings(said.get("narrows"))
    elif kind == "countersigned" and not isinstance(said.get("sees"), str):
        raise DocumentRefused("/sees", "is no digest")
    return said


def write(  # noqa: PLR0913 - each argument is one member of the instrument
    kind: str,
    document: Document,
    *,
    id: UUID,  # noqa: A002 - the member's own name
    node: str,
    at: datetime,
    note: str,
    to: Iterable[str],
    lifts: UUID | None = None,
    answers: tuple[UUID, str] | None = None,
    suggestion: bytes | None = None,
    more: Mapping[str, object] | None = None,
) -> bytes:
    """What is signed of an instrument (docs/protocol.md, "Signatures and instruments"). Pure.

    Args:
        kind: what is said.
        document: the version it speaks about.
        id: its name by its author.
        node: base address of its author.
        at: when.
        note: a word to the other parties; at most 4,000 characters of it are said.
        to: base addresses of those to whom it is addressed.
        lifts: the suspension or declaration of its author that is lifted, by its name.
        answers: the instrument it answers: its name, and its author's base address.
        suggestion: a counter-proposal's text.
        more: the members that only its kind has, as :func:`check` reads them.
    """
    payload: dict[str, object] = {
        "id": str(id),
        "kind": kind,
        "agreement": str(document.id),
        "digest": document.digest,
        "node": node,
        "at": timestamp(at),
        "note": note[:LONGEST_NOTE],
        "to": sorted(to),
    }
    if lifts:
        payload["lifts"] = str(lifts)
    if answers:
        payload |= {"answers": str(answers[0]), "of": answers[1]}
    if suggestion is not None:
        payload["suggestion"] = sha256(suggestion)
    return canonical(payload | dict(more or {}))


def instrument_of(row: PartyInstrument, party: str) -> Instrument:
    """An instrument as evidence.

    Args:
        row: as it was kept; what only its kind says was checked then.
        party: the ref of who said it; empty where the version does not name it.
    """
    said = row.said
    return Instrument(
        id=row.id,
        kind=row.kind,
        party=party,
        digest=row.digest,
        at=row.at,
        lifts=row.lifts,
        answers=row.answers,
        of=row.of,
        chosen=row.chosen,
        received=row.received,
        node=row.node,
        mark=row.mark,
        words=row.words,
        sees=str(said.get("sees", "")),
        invites=parse_party(said["party"], "/party") if "party" in said else None,
        parts=parse_parts(said["parts"]) if "parts" in said else None,
        until=parse_timestamp(said["until"]) if "until" in said else None,
        narrows=parse_narrowings(said["narrows"]) if "narrows" in said else (),
    )
