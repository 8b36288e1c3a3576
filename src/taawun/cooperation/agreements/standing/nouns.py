"""What a standing is read from, and what it says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document, Narrowing, Part, Party

__all__ = ["Evidence", "Instrument", "Signature", "Standing", "State", "Window"]


class State(StrEnum):
    """The states of an agreement (docs/protocol.md, "States")."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    COUNTERED = "countered"
    SIGNED = "signed"
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Signature:
    """A party's signature on one version.

    Args:
        digest: of the document.
        party: the party's ref.
        at: when it signed.
        received: when it was recorded here; None for whoever looks on from nowhere. Where an agreement stands does
            not depend on it, from when its party gives and takes here does.
    """

    digest: str
    party: str
    at: datetime
    received: datetime | None = None

    @property
    def since(self) -> datetime:
        """From when its party may give and take here."""
        return max(self.at, self.received or self.at)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A party's signed declaration about the agreement.

    Args:
        id: by which it is known here.
        kind: ``suspended``, ``resumed``, ``terminated``, ``declined``, ``countered``, ``ratified``, ``left``,
            ``declared``, ``lifted``, ``invited``, ``acceded`` or ``countersigned``.
        party: the party's ref; empty for a node that the version does not name.
        digest: the version it speaks about.
        at: when it was signed.
        lifts: for ``resumed`` and ``lifted``: the name of the suspension or declaration it lifts.
        answers: for ``declined``: the name of the counter-proposal it says no to, rather than to the version; for
            ``acceded``: of the invitation; for ``countersigned``: of what the depositary countersigns.
        received: when it was recorded here, as in :class:`Signature`.
        node: base address of who said it; empty where ``party`` says it all.
        mark: digest of the signed text of the instrument itself.
        words: digest of what was signed, the same whichever key of its party signed it again.
        sees: for ``countersigned``: the ``words`` of what it countersigns, or its ``mark``.
        invites: for ``invited``: the party that may accede.
        parts: for ``invited``: the clauses in which it takes part; None for all that reach any party.
        until: for ``invited``: the first instant at which it can be answered no more.
        narrows: for ``declared``: what its party does not give or take though it might.
        of: base address of who said what it answers; empty where ``answers`` says it all.
        chosen: the id that its party gave it; None where that is ``id``.
    """

    id: UUID
    kind: str
    party: str
    digest: str
    at: datetime
    lifts: UUID | None = None
    answers: UUID | None = None
    received: datetime | None = None
    node: str = ""
    mark: str = ""
    words: str = ""
    sees: str = ""
    invites: Party | None = None
    parts: tuple[Part, ...] | None = None
    until: datetime | None = None
    narrows: tuple[Narrowing, ...] = ()
    of: str = ""
    chosen: UUID | None = None

    @property
    def name(self) -> UUID:
        """By which its party, and who answers it, names it: the same at all nodes.

        Who said two things under one name has said both, and what lifts or answers that name is about both.
        """
        return self.chosen or self.id

    @property
    def order(self) -> tuple[datetime, UUID, str]:
        """Oldest first; the same at all nodes where two are of one instant."""
        return self.at, self.name, self.mark

    def answers_to(self, other: Instrument) -> bool:
        """Whether it answers another instrument."""
        return self.answers == other.name and self.of in ("", other.node)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was signed about one agreement.

    Args:
        versions: the depositary's versions, in any order.
        signatures: in any order.
        instruments: in any order.
    """

    versions: Sequence[Document]
    signatures: Sequence[Signature]
    instruments: Sequence[Instrument]


@dataclass(frozen=True, slots=True)
class Window:
    """When a version is in force.

    Args:
        document: the version, with the parties that acceded to it.
        opens: first instant.
        closes: first instant after, or None without end; equal to ``opens`` for a version that all have signed
            and that ended before it could begin.
        signed: refs of the parties that it binds, each with when that came about and was recorded here; nobody else
            gives or takes anything under it, and nobody does from an earlier instant on.
        complete: when it had every signature it needs; from then on its signatories are bound, whenever it opens.
        suspensions: open suspensions by parties that signed it, each under the ref that its party has in it.
        leaves: refs of parties that gave notice of leaving, each with when it is a party no more.
        declared: open declarations of its parties, each under the ref that its party has in it.
        unratified: refs of parties that signed it and have not ratified what they are to ratify.
    """

    document: Document
    opens: datetime
    closes: datetime | None
    signed: tuple[tuple[str, datetime], ...]
    complete: datetime
    suspensions: tuple[Instrument, ...] = ()
    leaves: tuple[tuple[str, datetime], ...] = ()
    declared: tuple[Instrument, ...] = ()
    unratified: frozenset[str] = frozenset()

    @property
    def is_put_off(self) -> bool:
        """Whether it opens later than by itself, for want of a signature of somebody the one before it binds."""
        return self.opens > max(self.document.valid_from, self.complete)

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        return self.opens <= at and (self.closes is None or at < self.closes)

    def left_by(self, at: datetime) -> frozenset[str]:
        """Refs of the parties that are parties no more at an instant."""
        return frozenset(ref for ref, until in self.leaves if until <= at)

    def suspended_until(self) -> datetime | None:
        """When the last party that suspended it has left; None while one of them stays, or none did."""
        leaves = dict(self.leaves)
        ends = [leaves.get(each.party) for each in self.suspensions]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the agreement stands.

    Args:
        state: its state now.
        current: the version the state speaks about: in force, else the newest.
        pending: a newer version than the one in force that still waits for signatures, or None.
        windows: when each completed version is, was or will be in force, oldest first.
        signed_by: refs of the parties that signed ``pending`` or, without one, ``current``.
        suspensions: suspensions that nobody lifted, oldest first; under a version in force those of its signatories.
        ends: when a termination takes effect, or None.
        proposals: counter-proposals to the version that is being signed, or proposals to change the one in force,
            that nobody answered yet, oldest first.
        signatories: refs of the parties that ``current`` binds now; nobody before it is complete.
        ratified_by: refs of those in ``signed_by`` whose signature binds them: they ratified, or need not.
        invitations: invitations to ``current`` that can still be answered by an accession, oldest first.
        accessions: accessions to ``current`` that the depositary has not countersigned, oldest first.
        is_deserted: whether ``ends`` is due to too few parties that remain, or to the depositary that left.
    """

    state: State
    current: Document | None
    pending: Document | None
    windows: tuple[Window, ...]
    signed_by: frozenset[str]
    suspensions: tuple[Instrument, ...]
    ends: datetime | None
    proposals: tuple[Instrument, ...] = ()
    signatories: frozenset[str] = frozenset()
    ratified_by: frozenset[str] = frozenset()
    invitations: tuple[Instrument, ...] = ()
    accessions: tuple[Instrument, ...] = ()
    is_deserted: bool = False

    @property
    def joined(self) -> frozenset[str]:
        """Base addresses of the nodes that signed a version that came about, whether or not it is still in force."""
        return frozenset(_node(window.document, ref) for window in self.windows for ref, _at in window.signed)

    @property
    def window(self) -> Window | None:
        """The window of ``current``; None while it is not complete."""
        return next((each for each in self.windows if each.document is self.current), None)

    @property
    def leaves(self) -> dict[str, datetime]:
        """Refs of the parties of ``current`` that gave notice of leaving, each with when it is one no more."""
        return dict(self.window.leaves) if self.window else {}

    @property
    def declared(self) -> tuple[Instrument, ...]:
        """Open declarations of the parties of ``current``."""
        return self.window.declared if self.window else ()


def _node(document: Document, ref: str) -> str:
    party = document.party(ref)
    return party.node if party else ""
