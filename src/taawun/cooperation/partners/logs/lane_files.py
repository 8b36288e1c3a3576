"""Lanes on a disk: a file with the same lines that travel by wire, for a partner that no line reaches.

It is encrypted to the key of its reader, whose node alone opens it: whoever asks for the file, carries it or finds the
disk reads nothing of what the partner may read.

What a file brings is believed no more than what a line brings: it is held to the sender's keys and to the chain, and it
is looked at from its first line to its last before anything of it is taken (docs/protocol.md, "Lanes in a file").
"""

from __future__ import annotations

import io
import os
import re
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

import zstandard
from django.conf import settings

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import ChainBroken, DescriptorRefused
from taawun.cooperation.partners.exchange import disk, fetching
from taawun.cooperation.partners.exchange.partials import Partial
from taawun.cooperation.partners.exchange.receiving import process_pending, take_page
from taawun.cooperation.partners.exchange.wire import LaneOffer, lane_offer
from taawun.cooperation.partners.identity import descriptor as descriptors
from taawun.cooperation.partners.identity.keys import lineage_of, node_key, private_keys
from taawun.cooperation.partners.logs import chain, contents, joining, lanes, pages
from taawun.cooperation.partners.logs.offers import Offered
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.logs.walking import Walk
from taawun.cooperation.partners.models import Content, Holding, Lane, LaneEntry, Partner
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.rules import require
from taawun.foundation import age, strict_json
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import Sha256Stream, sha256
from taawun.foundation.signing import SignatureRefused, VerifyKey, peek
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry
from taawun.platform.work.turns import hold_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from taawun.cooperation.partners.identity.lineage import Verifier
    from taawun.cooperation.people.actors import Actor

__all__ = ["Brought", "FileRefused", "Written", "export_lane", "import_lane", "sender_of"]

FORMAT: Final = "taawun-lane/1"
_PIECE: Final = 1024 * 1024
_BATCH: Final = 200
_BATCH_BYTES: Final = 8 * 1024 * 1024
_WINDOW: Final = 8 * 1024 * 1024
_LINE_BYTES: Final = chain.INLINE_BYTES + chain.MAX_HEADER_BYTES + 64
# what a file unpacks to, at most: what is signed hardly packs, and a content some fiftyfold
_MOST_UNPACKED: Final = 200
_ALWAYS_UNPACKED: Final = 64 * 1024 * 1024
_AT_LINE: Final = re.compile(r"Line ([0-9]{1,9}): ")
_SAID_LIMITS: Final = strict_json.Limits(max_bytes=256 * 1024, max_depth=4, max_values=60)


class FileRefused(ValueError):
    """A file of a lane that is not written, or not taken; nothing was changed.

    Args:
        code: stable code.
        message: why, with the line where there is one, and the mend.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def line(self) -> int | None:
        """In which line of the file it is; None where it is the file as a whole."""
        found = _AT_LINE.match(str(self))
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Written:
    """What an export wrote.

    Args:
        entries: how many entries.
        contents: how many of them have their content in the file.
        last: the last entry's number; −1 for none.
    """

    entries: int
    contents: int
    last: int


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import brought.

    Args:
        lane: the lane, as its sender calls it.
        sender: whose it is.
        entries: how many the file has.
        new: how many of them were not held.
        waiting: how many entries of the lane wait, for an agreement for example.
        stopped: why the lane is stopped; empty while it runs.
    """

    lane: UUID
    sender: str
    entries: int
    new: int
    waiting: int
    stopped: str


# ---- writing ----------------------------------------------------------------------------------------------------


def export_lane(actor: Actor, lane: Lane, reader: Partner, place: Path, *, after: int = -1) -> Written:
    """Write a lane of ours into a file, with the contents that one of its readers may have at this moment.

    Args:
        actor: who does it.
        lane: a lane of ours.
        reader: for whom.
        place: the file; one that is there is replaced once the new one is whole.
        after: the last entry that the reader holds; all from the first on when left out.

    Raises:
        NotAllowed: the actor may not.
        FileRefused: the reader may not read that lane now.
        OSError: the file cannot be written.
    """
    require(actor, "manage:partners")
    found = next(iter(lanes.read_by(reader, Lane.objects.filter(id=lane.id))), None)
    if found is None:
        raise FileRefused(
            "no-such-lane", f"{reader.node} does not read that lane at the moment; nothing is written."
        )
    part = place.with_name(f"{place.name}.part")
    try:
        with part.open("wb") as file:
            sealed = age.Encrypted(file, age.ToKey(VerifyKey.from_jwk(reader.jwk).public_key))
            sink: Any = sealed  # whatever can be written to
            with zstandard.ZstdCompressor(level=9).stream_writer(sink, closefd=False) as packed:
                written = _write(packed, found, reader, after)
            sealed.close()
            file.flush()
            os.fsync(file.fileno())
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
    # what left, for who asks later
    facts = {
        "lane": str(lane.id),
        "for": reader.node,
        "entries": str(written.entries),
        "contents": str(written.contents),
        "last": str(written.last),
    }
    record(actor, "partners.lane-exported", actions.urn(reader), facts)
    return written


def _write(file: zstandard.ZstdCompressionWriter, lane: Lane, reader: Partner, after: int) -> Written:
    newcomer = joining.newcomers(reader, [lane.id]).get(lane.id)
    after = max(after, joining.first_of(newcomer) - 1)
    key = node_key()
    lane.refresh_from_db(fields=["head_seq", "head_digest"])
    said = {
        "format": FORMAT,
        "for": reader.node,
        "written": timestamp(now()),
        "descriptor": actions.own_descriptor(),
        "lane": pages.offer(lane, key, newcomer=newcomer),
    }
    file.write(strict_json.canonical(said) + b"\n")
    seq, count, with_content = after, 0, 0
    while True:
        entries = pages.page(lane, seq)
        *lines, head = pages.lines(lane, entries, reader)
        readable = registry.get(LanePurpose, lane.purpose).readable(lane, entries, reader)
        for entry, line, may in zip(entries, lines, readable, strict=True):
            file.write(line)
            seq, count = entry.seq, count + 1
            is_beside = may and entry.size > chain.INLINE_BYTES and _write_blob(file, entry)
            with_content += is_beside or b'","content":' in line[: chain.MAX_HEADER_BYTES + 64]
        if not entries or seq >= lane.head_seq:
            file.write(head)
            file.write(strict_json.canonical({"end": count}) + b"\n")
            return Written(count, with_content, seq if count else -1)


def _write_blob(file: zstandard.ZstdCompressionWriter, entry: LaneEntry) -> bool:
    content = Content.objects.filter(digest=entry.content_digest).first()
    if content is None:
        return False
    file.write(strict_json.canonical({"blob": content.digest, "size": content.size}) + b"\n")
    for start in range(0, content.size, _PIECE):
        file.write(contents.part(content, start, _PIECE))
    file.write(b"\n")
    return True


# ---- reading ----------------------------------------------------------------------------------------------------


def sender_of(place: Path) -> Partner:
    """Whose lane a file brings, by its first line alone.

    Raises:
        FileRefused: it is no such file, not for this node, or of nobody who is known here.
    """
    with _opened(place) as file:
        return _sender(_First.read(file))


def _nobody_watches(_done: int, _total: int | None) -> None:
    """Nobody asked how far it is."""


def import_lane(
    actor: Actor, place: Path, progress: Callable[[int, int | None], None] = _nobody_watches
) -> Brought:
    """Take in a lane of a partner from a file.

    It is read twice: once to see that it is whole, unaltered and for this node, then to take it, in small transactions.
    What is held already is nothing new, so a file may be taken again, and goes on where a first attempt ended.

    Args:
        actor: who does it.
        place: the file.
        progress: told how many entries of how many are done, after each batch.

    Raises:
        NotAllowed: the actor may not.
        FileRefused: it is not taken, and nothing was changed.
        OSError: it cannot be read.
    """
    require(actor, "manage:partners")
    with _opened(place) as file:
        first = _First.read(file)
    partner = _sender(first)
    with hold_turn(f"partners.sync {partner.id}") as is_ours:
        if not is_ours:
            raise FileRefused("busy", "The node is dealing with this partner; try again in a moment.")
        with _opened(place) as file:
            _First.read(file)
            count, size = _check(file, first, partner, _keys(first, partner))
        if not disk.has_room_for(size):
            raise FileRefused(
                "no-room", "The disk of this node is almost full: nothing is taken from partners."
            )
        partner = _learned(first, partner)
        lane = Lane.called(partner, first.offer.lane) or Offered(partner).lane_of(first.offer)
        if lane is None:
            raise FileRefused(
                "not-taken",
                f"The lane is not taken from {partner.node}: compare its fingerprint first, and follow its public lane "
                "where it is that.",
            )
        before = lane.head_seq
        # of one that is stopped nothing is read on by whatever way, until both administrators have signed for it
        if lane.state != Lane.State.STOPPED:
            with _opened(place) as file:
                _First.read(file)
                _take(file, lane, partner, lambda done: progress(min(done, count), count))
            lane.refresh_from_db()
        if not returning.is_returning():
            registry.get(LanePurpose, lane.purpose).acknowledge(lane, partner)
    facts = {"lane": str(lane.id), "entries": str(count), "new": str(lane.head_seq - before)}
    record(actor, "partners.lane-imported", actions.urn(partner), facts)
    waiting = LaneEntry.objects.filter(lane=lane, state=LaneEntry.State.PENDING).count()
    return Brought(first.offer.lane, partner.node, count, lane.head_seq - before, waiting, lane.stop_reason)


@dataclass(frozen=True, slots=True)
class _First:
    """The first line of a file.

    Args:
        offer: how its lane is named.
        descriptor: of its sender.
        node: who its sender says that it is.
    """

    offer: LaneOffer
    descriptor: str
    node: str

    @classmethod
    def read(cls, file: IO[bytes]) -> _First:
        line = _line(file, 1)
        try:
            said = strict_json.parse(line, _SAID_LIMITS)
            form, reader = str(said["format"]), str(said["for"])
            token, offer = str(said["descriptor"]), lane_offer(said["lane"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise FileRefused("other-file", "Line 1: this is no file of `taawun lane export`.") from None
        if form != FORMAT:
            raise FileRefused(
                "other-format", f"Line 1: the file is of the form {form[:40]!a}; {FORMAT} is read here."
            )
        if reader != settings.BASE_URL:
            raise FileRefused(
                "not-to-us", f"Line 1: the file is for {reader[:100]}, not for {settings.BASE_URL}."
            )
        return cls(offer, token, _node_of(token))


def _node_of(token: str) -> str:
    try:
        return str(strict_json.parse(peek(token).payload)["node"])
    except (SignatureRefused, strict_json.JsonRefused, KeyError, TypeError):
        raise FileRefused("other-file", "Line 1: the descriptor of its sender cannot be read.") from None


def _sender(first: _First) -> Partner:
    """The partner whose file it is."""
    partner = Partner.objects.filter(node=first.node).first()
    if partner is None:
        raise FileRefused(
            "unknown-sender",
            f"{first.node[:100]} is no partner of this node. Add it first, then take the file again.",
        )
    if partner.state == Partner.State.BLOCKED:
        raise FileRefused("partner-blocked", f"{partner.node} is blocked; unblock it first.")
    return partner


def _keys(first: _First, partner: Partner) -> Verifier:
    """What the file is held to, before anything is changed for it."""
    if not partner.kid:
        try:
            return descriptors.read(first.descriptor, at=now(), expected_node=partner.node).key
        except DescriptorRefused as refused:
            raise FileRefused("descriptor-refused", f"Line 1: {refused}") from None
    if descriptors.kid_of(first.descriptor) != partner.kid:
        # it has another key by now; that it may is proven by its descriptor alone, whatever else the file holds
        partner = _learned(first, partner)
    return lineage_of(partner)


def _learned(first: _First, partner: Partner) -> Partner:
    """Whom no line reaches renews its descriptor in this way; one that is waited for is met."""
    try:
        return actions.learn_descriptor(partner, first.descriptor)
    except DescriptorRefused as refused:
        if partner.kid:
            return partner
        raise FileRefused("descriptor-refused", f"Line 1: {refused}") from None


@dataclass(slots=True)
class _Look:
    """Where a look through a file is.

    Args:
        walk: along its lane.
        keys: of its sender.
        begins: the first entry that this node reads.
        number: of the line.
        count: of entries.
        size: of what was looked at, in bytes.
        waits_for: the digest and size that a content beside may have: those of the entry before it.
    """

    walk: Walk
    keys: Verifier
    begins: int
    number: int = 1
    count: int = 0
    size: int = 0
    waits_for: tuple[str, int] = field(default=("", 0))


def _check(file: IO[bytes], first: _First, partner: Partner, keys: Verifier) -> tuple[int, int]:
    """Look at every line, in order, and take nothing; how many entries there are, and how many bytes are to be kept."""
    held = Lane.called(partner, first.offer.lane)
    walk = Walk(first.offer.lane, first.offer, sender=partner.node, keys=keys, seq=None, digest="")
    look = _Look(walk, keys, begins=_begins(first, keys))
    head = False
    while True:
        look.number += 1
        line = _line(file, look.number)
        look.size += len(line)
        if line.startswith(b'{"blob":'):
            _check_blob(file, line, look)
        elif line.startswith(b'{"end":'):
            if not head or line != strict_json.canonical({"end": look.count}):
                raise _altered(look.number, "the end does not fit what stands before it")
            if file.read(1):
                raise _altered(look.number + 1, "something follows the end")
            return look.count, look.size
        elif head:
            raise _altered(look.number, "an entry follows the head")
        else:
            head = _check_line(line, first, look, held)


def _begins(first: _First, keys: Verifier) -> int:
    try:
        floor = joining.offered_floor(first.offer, keys)
    except ChainBroken as broken:
        raise _altered(1, str(broken).rstrip(".")) from None
    return floor.seq if floor else 0


def _check_line(line: bytes, first: _First, look: _Look, held: Lane | None) -> bool:
    """Look at an entry or the head; whether it is the head."""
    walk = look.walk
    try:
        read = chain.read_line(line)
        if read.head is not None:
            head = chain.read_head(read.head, look.keys)
            ends_right = walk.seq is None or (head.seq, head.digest) == (walk.seq, walk.digest)
            if head.lane != first.offer.lane or not ends_right:
                raise _altered(look.number, "the head is not that of the last entry")
            return True
        header = walk.read(read.header or "")
        wanted = held.head_seq + 1 if held else look.begins
        if walk.seq is None and header.seq > wanted:
            raise FileRefused(
                "gap",
                f"Line {look.number}: the file begins with entry {header.seq}, and {wanted} is expected. Ask for one "
                "that begins earlier (`--after`).",
            )
        walk.step(header, read.header or "", read.content)
    except ChainBroken as broken:
        raise _altered(look.number, str(broken).rstrip(".")) from None
    look.count, look.waits_for = look.count + 1, (header.digest, header.size)
    return False


def _check_blob(file: IO[bytes], line: bytes, look: _Look) -> None:
    digest, size = _blob(line, look.number)
    if (digest, size) != look.waits_for:
        raise _altered(look.number, "the content is not that of the entry before it")
    stream = Sha256Stream()
    for piece in _pieces(file, size, look.number):
        stream.update(piece)
    if stream.hexdigest() != digest:
        raise _altered(look.number, "the content is not the one that was signed for")
    look.waits_for = ("", 0)
    look.size += size if size <= settings.MAX_UPLOAD_BYTES else 0


def _take(file: IO[bytes], lane: Lane, partner: Partner, told: Callable[[int], None]) -> None:
    """Take what was looked at, a batch at a time, each as a page that came by wire."""
    waiting: list[bytes] = []
    size, number, done = 0, 1, 0
    while True:
        number += 1
        line = _line(file, number)
        is_blob, is_end = line.startswith(b'{"blob":'), line.startswith(b'{"end":')
        if is_blob:
            digest, length = _blob(line, number)
            pieces = _pieces(file, length, number)
            if length <= settings.MAX_UPLOAD_BYTES:
                _keep(partner, digest, length, pieces)
            else:
                # nobody asks for it: its entry stays unopened, as by wire
                deque(pieces, maxlen=0)
        elif not is_end:
            waiting.append(line)
            size += len(line)
        if is_blob or is_end or len(waiting) >= _BATCH or size > _BATCH_BYTES:
            done += len(waiting)
            if not _take_batch(waiting, lane, partner) or is_end:
                return
            told(done)
            waiting.clear()
            size = 0


def _keep(partner: Partner, digest: str, size: int, pieces: Iterator[bytes]) -> None:
    partial = Partial(partner, digest, size)
    partial.drop()
    for piece in pieces:
        partial.append(piece)


def _take_batch(batch: list[bytes], lane: Lane, partner: Partner) -> bool:
    """Whether the lane still runs after it."""
    try:
        take_page(lane, partner, batch)
    except ChainBroken as broken:
        stop_lane(lane, partner, broken)
        return False
    # of what was held and not kept, because it could not be opened yet, the content is here again
    for line in batch:
        read = chain.read_line(line)
        if read.content is not None and len(read.content) > contents.KEPT_UNOPENED:
            digest = sha256(read.content)
            needed = LaneEntry.objects.filter(lane=lane, content_digest=digest, state=LaneEntry.State.PENDING)
            if needed.exists() and not Holding.objects.filter(lane=lane, content=digest).exists():
                _keep(partner, digest, len(read.content), iter([read.content]))
    process_pending(lane, partner, fetching.delivered)
    return True


@contextmanager
def _opened(place: Path) -> Iterator[IO[bytes]]:
    """The lines of a file, opened and unpacked as they are read.

    Raises:
        FileRefused: it is damaged, or encrypted to another key.
    """
    keys = age.WithKeys(key.private_key for key in private_keys().values())
    with place.open("rb") as sealed:
        packed = io.BufferedReader(age.Pieces(age.decrypt(sealed, keys)), _PIECE)
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(packed, closefd=False)
        most = _ALWAYS_UNPACKED + _MOST_UNPACKED * place.stat().st_size
        try:
            yield io.BufferedReader(age.Pieces(_unpacked(reader, most)), _PIECE)
        except age.WrongKey:
            raise FileRefused(
                "other-key",
                "The file is encrypted to another node, or to a key that this node has replaced since: have it written "
                "again, once the partner knows the key of now.",
            ) from None
        except (age.AgeRefused, zstandard.ZstdError):
            raise FileRefused(
                "damaged", "The file is damaged, or no file of `taawun lane export`; have it written again."
            ) from None


def _unpacked(reader: zstandard.ZstdDecompressionReader, most: int) -> Iterator[bytes]:
    """What a file unpacks to, which is read no further than it may go on."""
    while piece := reader.read(_PIECE):
        most -= len(piece)
        if most < 0:
            raise FileRefused(
                "too-large", "The file unpacks to more than a file of this size holds; have it written again."
            )
        yield piece


def _line(file: IO[bytes], number: int) -> bytes:
    line = file.readline(_LINE_BYTES + 1)
    if not line.endswith(b"\n"):
        if len(line) > _LINE_BYTES:
            raise _altered(number, "it is too long")
        raise FileRefused(
            "truncated",
            f"Line {number}: the file ends here and is not whole. Copy it again, or have it written again.",
        )
    return line[:-1]


def _blob(line: bytes, number: int) -> tuple[str, int]:
    try:
        said = strict_json.parse(line, _SAID_LIMITS)
        return str(said["blob"]), int(said["size"])
    except (strict_json.JsonRefused, KeyError, TypeError, ValueError):
        raise _altered(number, "it cannot be read") from None


def _pieces(file: IO[bytes], size: int, number: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise FileRefused("truncated", f"Line {number}: the file ends in a content. Copy it again.")
        left -= len(piece)
        yield piece
    if file.read(1) != b"\n":
        raise _altered(number, "the content is longer than it says")


def _altered(number: int, why: str) -> FileRefused:
    return FileRefused(
        "altered",
        f"Line {number}: {why}. The file was altered, or is of somebody else: have it written again.",
    )
