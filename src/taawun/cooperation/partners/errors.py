"""What this room refuses, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "AskedTooOften",
    "ChainBroken",
    "DescriptorRefused",
    "KeyReplaced",
    "KeyUnusable",
    "MessageRefused",
    "NodeReturning",
    "PartnerRefused",
    "RotationRefused",
]


class PartnerRefused(ValueError):
    """A partner cannot be added, verified or spoken to as asked.

    Args:
        code: stable code.
        message: why, and the mend.
        facts: of the reason, to say it in another language.
    """

    def __init__(self, code: str, message: str, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.facts = dict(facts or {})


class AskedTooOften(PartnerRefused):
    """One node asks another too often, and is told when to come back. Nothing is wrong with either.

    Args:
        wait: seconds until it may ask again.
        code, message, facts: as of every refusal.
    """

    def __init__(self, wait: float, code: str, message: str, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message, facts)
        self.wait = wait


class KeyReplaced(PartnerRefused):
    """A partner answers nothing to this node's key: another one followed it, by what that partner holds.

    Args:
        code, message, facts: as of every refusal.
        rotations: what it shows for that, as it came; nothing of it is believed yet.
    """

    def __init__(self, code: str, message: str, facts: Mapping[str, str], rotations: object) -> None:
        super().__init__(code, message, facts)
        self.rotations = rotations


class DescriptorRefused(PartnerRefused):
    """A descriptor that is not valid, not newer, or not this node's."""


class MessageRefused(PartnerRefused):
    """A message of the talk lane that cannot be taken; it is kept, marked refused.

    Args:
        code, message: as of every refusal.
        alarm: tells the administrators of it, after all that the message wrote was taken back; None where they need not
            be told.
    """

    def __init__(self, code: str, message: str, *, alarm: Callable[[], None] | None = None) -> None:
        super().__init__(code, message)
        self.alarm = alarm


class NodeReturning(PartnerRefused):
    """This node was restored from a backup and may not say anything yet."""

    def __init__(self, message: str) -> None:
        super().__init__("returning", message)


class RotationRefused(PartnerRefused):
    """A key of this node that cannot be followed, or revoked, as asked; the sentence names the mend."""


class KeyUnusable(Exception):
    """This node's own key is not there, or is none; the sentence names the place and the mend."""


class ChainBroken(ValueError):
    """An entry does not continue its lane: the lane stops and both administrators are told.

    Args:
        code: ``gap``, ``reordered``, ``fork``, ``signature``, ``digest``, ``malformed``, ``truncated``, ``sender``,
            ``opening`` or ``too-many-joined``.
        seq: the entry at which it broke.
        message: what was expected and what came.
        proof: what the sender signed and what contradicts its lane, where that is what is wrong; else empty.
    """

    def __init__(self, code: str, seq: int, message: str, *, proof: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.seq = seq
        self.proof = proof
