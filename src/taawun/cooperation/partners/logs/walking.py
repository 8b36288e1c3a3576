"""The way along a lane, entry by entry: the same for what is pulled or brought, stands in a file, or is known again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from django.conf import settings

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.logs import chain
from taawun.foundation import strict_json
from taawun.foundation.digests import sha256

if TYPE_CHECKING:
    from taawun.cooperation.partners.identity.lineage import Verifier

__all__ = ["Named", "Walk", "check_content"]

_TALK: Final = "talk"
_PUBLIC: Final = "public"


class Named(Protocol):
    """How a lane is named by who offers it, or kept here: nobody has signed that."""

    @property
    def purpose(self) -> str:
        """``talk``, ``clause`` or ``public``."""

    @property
    def agreement(self) -> UUID | None:
        """Lineage of the agreement."""

    @property
    def clause(self) -> str:
        """The clause's ref."""

    @property
    def is_joined(self) -> bool:
        """Whether its sender signed a floor for this node, which its first entry need not name then."""


class Walk:
    """Where a look along a lane is. Nothing is written, and no entry is looked at before it is verified.

    Args:
        lane: the lane's id, as its sender calls it.
        named: how it is named; its first entry, which is signed, must say the same.
        sender: base address of its sender.
        keys: its sender's.
        seq: of the last entry that is held, −1 for none; None to begin with whichever entry comes first.
        digest: of that entry.
    """

    def __init__(  # noqa: PLR0913 - each says of which lane, or from where
        self, lane: UUID, named: Named, *, sender: str, keys: Verifier, seq: int | None, digest: str
    ) -> None:
        self._lane, self._named, self._sender, self._keys = lane, named, sender, keys
        self.seq, self.digest = seq, digest

    @property
    def expected(self) -> int:
        """The entry that comes next; 0 where any may."""
        return 0 if self.seq is None else self.seq + 1

    def read(self, token: str) -> chain.Header:
        """Verify a header.

        Raises:
            ChainBroken: ``signature`` or ``malformed``.
        """
        return chain.read_header(token, self._keys)

    def is_behind(self, header: chain.Header) -> bool:
        """Whether an entry stands at a place that was passed already."""
        return header.lane == self._lane and self.seq is not None and header.seq <= self.seq

    def step(self, header: chain.Header, token: str, content: bytes | None) -> str:
        """Go on to the next entry.

        Args:
            header: what it says, verified.
            token: the same as it was signed.
            content: its bytes, where its line brings them.

        Returns:
            Its digest.

        Raises:
            ChainBroken: it does not continue the lane (:func:`.chain.check_next`), its content is another
                (``digest``), or it is the first and says that the lane is another than it was named (``opening``).
        """
        seq, digest = self.seq, self.digest
        if seq is None:
            seq, digest = header.seq - 1, header.prev
        try:
            chain.check_next(header, lane=self._lane, sender=self._sender, head_seq=seq, head_digest=digest)
        except ChainBroken as broken:
            raise ChainBroken(broken.code, broken.seq, str(broken), proof=token) from None
        check_content(header, content)
        if header.seq == 0:
            _check_opening(header, content, self._named)
        self.seq, self.digest = header.seq, chain.digest_of(token)
        return self.digest


def check_content(header: chain.Header, content: bytes | None) -> None:
    """Hold the bytes that came with an entry to what was signed for.

    Raises:
        ChainBroken: ``digest``.
    """
    if content is not None and (len(content), sha256(content)) != (header.size, header.digest):
        raise ChainBroken("digest", header.seq, "the content is not the one the sender signed for")


def _check_opening(header: chain.Header, content: bytes | None, named: Named) -> None:
    """Hold how a lane was named to its first entry: whoever carries a disk, or a line, could name it otherwise."""
    try:
        said = strict_json.parse(content or b"")
        is_talk = said["purpose"] == _TALK
        agreement, clause = said.get("agreement"), str(said.get("clause", ""))
        about = (str(said["purpose"]), UUID(agreement) if agreement else None, clause, header.clause)
    except (strict_json.JsonRefused, AttributeError, KeyError, TypeError, ValueError):
        raise ChainBroken("opening", 0, "its first entry does not say what the lane is for") from None
    if header.kind != "lane.opened" or said.get("sender") != header.sender:
        raise ChainBroken("opening", 0, "its first entry does not open it")
    if about != (named.purpose, None if is_talk else named.agreement, named.clause, named.clause):
        raise ChainBroken("opening", 0, "its first entry says that it is another lane than it was offered as")
    if said["purpose"] == _PUBLIC and (_names_somebody(header) or "audience" in said):
        raise ChainBroken("opening", 0, "its first entry says that it is public, and names for whom it is")
    is_named = header.sender == settings.BASE_URL or named.is_joined or _is_for_us(header, is_talk=is_talk)
    if not is_named:
        raise ChainBroken("opening", 0, "its first entry says that it is for others than this node")


def _names_somebody(header: chain.Header) -> bool:
    return any((header.audience, header.persons, header.agreement, header.to))


def _is_for_us(header: chain.Header, *, is_talk: bool) -> bool:
    own = settings.BASE_URL
    if is_talk:
        return header.to == own
    return not header.audience or any(each.partition("#")[0] == own for each in header.audience)
