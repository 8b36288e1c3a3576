"""What instruments say: their members read once, and a row as the evidence it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from taawun.cooperation.agreements.document import parse_narrowings, parse_parts, parse_party
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.standing import Instrument
from taawun.foundation.clock import TimestampRefused, parse_timestamp
from taawun.foundation.signing import SignatureRefused, VerifyKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.agreements.models import PartyInstrument

__all__ = ["MEMBERS", "check", "instrument_of"]

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
        sees=str(said.get("sees", "")),
        invites=parse_party(said["party"], "/party") if "party" in said else None,
        parts=parse_parts(said["parts"]) if "parts" in said else None,
        until=parse_timestamp(said["until"]) if "until" in said else None,
        narrows=parse_narrowings(said["narrows"]) if "narrows" in said else (),
    )
