"""The chain of a lane: headers, heads, and what must hold from one entry to the next. Pure.

Source: docs/protocol.md, "Lanes". A header is a JWS over canonical JSON; its digest is the SHA-256 of the compact
token, and the next header names it as ``prev``. A line of a served lane is
``{"header":"<JWS>","content":<JSON, exact bytes>}``, or without ``content`` where the content is fetched by its
digest, or is gone, or may not be read now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from taawun.cooperation.partners.errors import ChainBroken
from taawun.foundation import strict_json
from taawun.foundation.clock import parse_timestamp, timestamp
from taawun.foundation.digests import as_sha256, sha256
from taawun.foundation.signing import SignatureRefused, peek
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from taawun.cooperation.partners.identity.lineage import Verifier
    from taawun.foundation.signing import SigningKey

__all__ = [
    "ENTRY_TYP",
    "HEAD_TYP",
    "INLINE_BYTES",
    "Head",
    "Header",
    "HeaderTooLong",
    "Line",
    "Testimony",
    "check_next",
    "digest_of",
    "one_line",
    "read_head",
    "read_header",
    "read_line",
    "said_in",
    "testimony",
    "write_head",
    "write_head_line",
    "write_header",
    "write_line",
]

ENTRY_TYP: Final = "taawun-entry+jws"
HEAD_TYP: Final = "taawun-head+jws"
INLINE_BYTES: Final = 256 * 1024
MAX_HEADER_BYTES: Final = 64 * 1024
# a longer header is rare, and a thousand of the longest would be 64 MiB
_REMEMBERED_BYTES: Final = 4096
_LINE: Final = re.compile(rb'\{"header":"([A-Za-z0-9_.\-]+)"(?:,"content":(.+))?\}', re.DOTALL)
_HEAD_LINE: Final = re.compile(rb'\{"head":"([A-Za-z0-9_.\-]+)"\}')
_ACTIONS: Final = frozenset({"publish", "withdraw"})


class HeaderTooLong(ValueError):
    """A header says more than fits into one."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an entry says of itself; every member is covered by the sender's signature.

    Args:
        lane: the lane's id.
        sender: the sender's base address.
        seq: 0, 1, 2 … without gaps.
        prev: digest of the header before, or 64 zeros at seq 0.
        kind: release kind or message kind.
        subject: URN of what it is about.
        version: the subject's version.
        action: ``publish`` or ``withdraw``.
        tlp: the marking of the content.
        topics: ``vocabulary:id`` terms.
        digest: SHA-256 of the content's bytes, or empty without content.
        size: bytes of the content.
        issued: when the sender signed.
        agreement: SHA-256 of the agreement's document in force, or empty on the talk lane.
        clause: the clause's ref, or empty on the talk lane.
        audience: base addresses (and guests' refs) it was meant for; empty is the lane's whole audience.
        persons: for RED, whom it names at the receivers.
        licence: SPDX identifier or address, or empty.
        languages: BCP 47 codes of the content.
        to: on the talk lane, the receiver's base address.
        origin: the source's header, when re-shared.
    """

    lane: UUID
    sender: str
    seq: int
    prev: str
    kind: str
    subject: str
    version: str
    action: str
    tlp: Tlp
    digest: str
    size: int
    issued: datetime
    topics: tuple[str, ...] = ()
    agreement: str = ""
    clause: str = ""
    audience: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    licence: str = ""
    languages: tuple[str, ...] = ()
    to: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """A sender's signed word on how far its lane reaches.

    Args:
        lane: the lane's id.
        seq: the last entry's; −1 for an empty lane.
        digest: the last header's digest, or 64 zeros.
        time: when it was signed.
    """

    lane: UUID
    seq: int
    digest: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a served lane: an entry, or the signed head that ends the page.

    Args:
        header: the entry's JWS, or None.
        content: the exact bytes of the content, or None where the line has none.
        head: the head's JWS, or None.
    """

    header: str | None
    content: bytes | None
    head: str | None


def write_header(header: Header, key: SigningKey) -> str:
    """Sign a header.

    Raises:
        HeaderTooLong: it says more than fits.
        ValueError: it would be refused by whoever reads it, which would stop the lane at every reader.
    """
    payload = {
        "lane": str(header.lane),
        "sender": header.sender,
        "seq": header.seq,
        "prev": header.prev,
        "kind": header.kind,
        "subject": header.subject,
        "version": header.version,
        "action": header.action,
        "tlp": header.tlp.label,
        "topics": list(header.topics),
        "digest": header.digest,
        "size": header.size,
        "issued": timestamp(header.issued),
        "agreement": header.agreement,
        "clause": header.clause,
        "audience": list(header.audience),
        "persons": list(header.persons),
        "licence": header.licence,
        "languages": list(header.languages),
        "to": header.to,
        "origin": header.origin,
    }
    said = {name: value for name, value in payload.items() if value not in ("", [])}
    token = key.sign(strict_json.canonical(said), ENTRY_TYP)
    if len(token) > MAX_HEADER_BYTES:
        raise HeaderTooLong(f"a header is at most {MAX_HEADER_BYTES} bytes")
    if _typed(said) != header:
        raise ValueError("a header says only what can be read back")
    return token


def read_header(token: str, key: Verifier) -> Header:
    """Verify and read a header.

    Args:
        token: the header as it came.
        key: the key of its sender, or the lineage of its keys.

    Raises:
        ChainBroken: ``signature`` or ``malformed``; its seq is −1, the caller knows which was expected.
    """
    if len(token) > MAX_HEADER_BYTES:
        raise ChainBroken("malformed", -1, f"a header is at most {MAX_HEADER_BYTES} bytes")
    return _read_remembered(token, key) if len(token) <= _REMEMBERED_BYTES else _read_header(token, key)


def _read_header(token: str, key: Verifier) -> Header:
    try:
        payload = strict_json.parse(key.verify(token, ENTRY_TYP))
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise ChainBroken("signature", -1, str(refused)) from None
    try:
        return _typed(payload)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise ChainBroken("malformed", -1, f"the header is malformed: {problem}") from None


# an entry is read when it arrives and again when it is taken in, mostly a moment later: the same token under the same
# key is the same answer, and verifying it is most of the work. A refusal is not remembered.
_read_remembered = lru_cache(maxsize=1000)(_read_header)


def said_in(token: str) -> Header:
    """Read a header without its signer's key: what it says, which proves nothing until somebody verifies it.

    Raises:
        ChainBroken: ``malformed``.
    """
    if len(token) > MAX_HEADER_BYTES:
        raise ChainBroken("malformed", -1, f"a header is at most {MAX_HEADER_BYTES} bytes")
    try:
        seen = peek(token)
        if seen.typ != ENTRY_TYP:
            raise ChainBroken("malformed", -1, "it is no header of an entry")
        return _typed(strict_json.parse(seen.payload))
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise ChainBroken("malformed", -1, str(refused)) from None
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise ChainBroken("malformed", -1, f"the header is malformed: {problem}") from None


def _typed(payload: Mapping[str, Any]) -> Header:
    # Any: JSON at the edge, typed here once
    header = Header(
        lane=UUID(payload["lane"]),
        sender=_text(payload, "sender", 300),
        seq=strict_json.as_count(payload["seq"]),
        prev=as_sha256(payload["prev"]),
        kind=_text(payload, "kind", 80),
        subject=_text(payload, "subject", 400),
        version=_text(payload, "version", 64),
        action=_text(payload, "action", 8),
        # an unknown marking is RED (docs/protocol.md, rule 3)
        tlp=Tlp.parse_or_red(payload["tlp"]),
        topics=_texts(payload, "topics"),
        digest=as_sha256(payload["digest"]) if payload.get("digest") else "",
        size=strict_json.as_count(payload["size"]),
        issued=parse_timestamp(payload["issued"]),
        agreement=as_sha256(payload["agreement"]) if payload.get("agreement") else "",
        clause=_text(payload, "clause", 40),
        audience=_texts(payload, "audience"),
        persons=_texts(payload, "persons"),
        licence=_text(payload, "licence", 300),
        languages=_texts(payload, "languages"),
        to=_text(payload, "to", 300),
        origin=_text(payload, "origin", MAX_HEADER_BYTES),
    )
    if header.action not in _ACTIONS:
        raise ValueError(f"its action is neither publish nor withdraw: {header.action!r}")
    return header


def _text(payload: Mapping[str, Any], member: str, most: int) -> str:
    value = payload.get(member, "")
    if not isinstance(value, str) or len(value) > most:
        raise ValueError(f"{member} is not a text of at most {most} characters")
    return value


def _texts(payload: Mapping[str, Any], member: str) -> tuple[str, ...]:
    value = payload.get(member, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{member} is not a list of texts")
    return tuple(value)


def check_next(header: Header, *, lane: UUID, sender: str, head_seq: int, head_digest: str) -> None:
    """Check that a verified header continues a lane.

    Args:
        header: the header that came.
        lane: the lane that was asked for.
        sender: who serves it.
        head_seq: the last entry held; −1 for none.
        head_digest: that entry's digest.

    Raises:
        ChainBroken: ``sender``, ``gap``, ``reordered`` or ``fork``.
    """
    expected = head_seq + 1
    if header.lane != lane or header.sender != sender:
        raise ChainBroken("sender", expected, f"the entry belongs to lane {header.lane} of {header.sender}")
    if header.seq > expected:
        raise ChainBroken("gap", expected, f"entry {expected} was expected and {header.seq} came")
    if header.seq < expected:
        raise ChainBroken("reordered", expected, f"entry {expected} was expected and {header.seq} came")
    if header.prev != head_digest:
        raise ChainBroken(
            "fork",
            expected,
            f"entry {expected} follows {header.prev[:12]}…, not {head_digest[:12]}… which is held",
        )


def write_head(head: Head, key: SigningKey) -> str:
    """Sign a head."""
    payload = {"lane": str(head.lane), "seq": head.seq, "digest": head.digest, "time": timestamp(head.time)}
    return key.sign(strict_json.canonical(payload), HEAD_TYP)


def read_head(token: str, key: Verifier) -> Head:
    """Verify and read a head.

    Args:
        token: the head as it came.
        key: the key of its sender, or the lineage of its keys.

    Raises:
        ChainBroken: ``signature`` or ``malformed``.
    """
    try:
        payload = strict_json.parse(key.verify(token, HEAD_TYP))
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise ChainBroken("signature", -1, str(refused)) from None
    try:
        seq = payload["seq"]
        return Head(
            lane=UUID(payload["lane"]),
            seq=-1 if seq == -1 else strict_json.as_count(seq),
            digest=as_sha256(payload["digest"]),
            time=parse_timestamp(payload["time"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise ChainBroken("malformed", -1, f"the head is malformed: {problem}") from None


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a signed header or head says of its lane: which header stands at which place.

    Args:
        lane: the lane's id.
        places: digest by seq; a header says it of itself and of the one before it.
        at: when it was signed, by its sender's word.
    """

    lane: UUID
    places: Mapping[int, str]
    at: datetime

    def contradicts(self, other: Testimony) -> int | None:
        """The first place at which two words of one sender name different headers; None where they agree."""
        if self.lane != other.lane:
            return None
        shared = sorted(self.places.keys() & other.places.keys())
        return next((seq for seq in shared if self.places[seq] != other.places[seq]), None)


def testimony(token: str, key: Verifier) -> Testimony:
    """Verify a header or a head, whichever it is, and read what it says of its lane.

    Raises:
        ChainBroken: ``signature`` or ``malformed``.
    """
    if len(token) > MAX_HEADER_BYTES:
        raise ChainBroken("malformed", -1, f"a header is at most {MAX_HEADER_BYTES} bytes")
    try:
        is_head = peek(token).typ == HEAD_TYP
    except SignatureRefused as refused:
        raise ChainBroken("signature", -1, str(refused)) from None
    if is_head:
        head = read_head(token, key)
        return Testimony(head.lane, {head.seq: head.digest} if head.seq >= 0 else {}, head.time)
    header = read_header(token, key)
    before = {header.seq - 1: header.prev} if header.seq else {}
    return Testimony(header.lane, {**before, header.seq: digest_of(token)}, header.issued)


def one_line(content: bytes) -> bytes:
    """The same JSON without line breaks, so that it fits one line of a lane.

    A raw line break in JSON is always white space between two tokens (RFC 8259, section 2): inside a string it
    must be escaped. So replacing it changes no value. Done before the digest is taken.
    """
    return content.replace(b"\r", b" ").replace(b"\n", b" ")


def write_line(header: str, content: bytes | None) -> bytes:
    """One line of a lane, with its line break."""
    if content is None:
        return b'{"header":"' + header.encode("ascii") + b'"}\n'
    return b'{"header":"' + header.encode("ascii") + b'","content":' + content + b"}\n"


def write_head_line(head: str) -> bytes:
    """The line that ends a page."""
    return b'{"head":"' + head.encode("ascii") + b'"}\n'


def read_line(line: bytes) -> Line:
    """Take a line apart without re-serialising anything.

    Raises:
        ChainBroken: ``malformed``.
    """
    line = line.rstrip(b"\r\n")
    if (found := _LINE.fullmatch(line)) is not None:
        return Line(found[1].decode("ascii"), found[2], None)
    if (found := _HEAD_LINE.fullmatch(line)) is not None:
        return Line(None, None, found[1].decode("ascii"))
    raise ChainBroken("malformed", -1, "a line is neither an entry nor a head")


def digest_of(header: str) -> str:
    """The digest of a header: of its compact token, byte for byte."""
    return sha256(header.encode("ascii"))
