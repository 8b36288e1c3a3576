"""The way something took before it came here: the headers under which it went from node to node.

Whoever shares a release onward puts the header it received it under into ``origin`` of its own. That header has one too
where it was shared onward already, so every header carries the whole way, each part signed by who walked it
(docs/protocol.md, "Sharing onward").
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from taawun.cooperation.agreements import shelf
from taawun.cooperation.agreements.models import Version
from taawun.cooperation.agreements.policy import Origin
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.logs import chain
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Collection

    from taawun.cooperation.agreements.document import Clause, Document
    from taawun.cooperation.partners.logs.chain import Header

__all__ = [
    "MOST_HOPS",
    "OriginRefused",
    "agreed_under",
    "came_by",
    "giving_history",
    "inner_headers",
    "is_the_same_release",
    "reach_over",
    "version_under",
]

# beyond this a header names more nodes than anybody asks about
MOST_HOPS: Final = 8


class OriginRefused(ValueError):
    """What stands in a header's ``origin`` is not what it should be.

    Args:
        code: ``origin-malformed``, ``origin-differs``, ``origin-not-theirs``, ``origin-not-onward`` or
            ``origin-signature``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def inner_headers(header: Header) -> list[tuple[str, Header]]:
    """The headers that a header carries, each with its token: from whom its sender had it first, its source last.

    Nothing in them is verified here.

    Raises:
        OriginRefused: ``origin-malformed``.
    """
    found: list[tuple[str, Header]] = []
    token = header.origin
    while token:
        if len(found) == MOST_HOPS:
            raise OriginRefused("origin-malformed")
        try:
            inner = chain.said_in(token)
        except ChainBroken:
            raise OriginRefused("origin-malformed") from None
        found.append((token, inner))
        token = inner.origin
    return found


def came_by(header: Header) -> str:
    """From whom the sender of a header had what it shares onward: a base address; empty where it cannot be read."""
    try:
        return next((inner.sender for _token, inner in inner_headers(header)), "")
    except OriginRefused:
        return ""


def is_the_same_release(one: Header, other: Header) -> bool:
    """Whether two headers speak of the same release and say the same of it: nothing of it changes on its way."""
    return _said_of_it(one) == _said_of_it(other)


def _said_of_it(header: Header) -> tuple[object, ...]:
    return (
        header.kind,
        header.subject,
        header.version,
        header.action,
        header.tlp,
        header.digest,
        header.size,
        frozenset(header.topics),
        frozenset(header.persons),
        header.licence,
        frozenset(header.languages),
    )


def agreed_under(header: Header) -> tuple[Document, Clause] | None:
    """The version and the clause that a header names, where this node holds that version."""
    document = version_under(header.agreement)
    clause = document.clause(header.clause) if document else None
    return (document, clause) if document and clause else None


def version_under(digest: str) -> Document | None:
    """The version with a digest, where this node holds it; without a query where it was read before."""
    try:
        return shelf.document(digest, partial(_text_of, digest))
    except Version.DoesNotExist:
        return None


def giving_history(digests: Collection[str], ref: str) -> frozenset[str]:
    """Those among versions in which a clause gives newcomers what was sent before.

    Args:
        digests: of versions.
        ref: the clause's number.
    """
    found = set()
    for digest in digests:
        document = version_under(digest)
        clause = document.clause(ref) if document else None
        if clause is not None and clause.history == "all":
            found.add(digest)
    return frozenset(found)


def _text_of(digest: str) -> bytes:
    return bytes(Version.objects.get(digest=digest).text)


def reach_over(header: Header) -> Origin:
    """How far what came under a header may go on by that header's clause.

    Args:
        header: of one hop.

    Returns:
        The clause's rule, within the header's audience. What came under an agreement that is not known here goes no
        further from here: nobody but its text says how far it may.
    """
    bound = frozenset(header.audience) if header.audience else None
    if not header.agreement:
        # the public lane, which carries nothing else
        return Origin("public", bound=bound) if header.tlp == Tlp.CLEAR else Origin("none")
    agreed = agreed_under(header)
    if agreed is None:
        return Origin("none")
    document, clause = agreed
    onward = clause.onward
    lineage = document.id if onward.rule == "parties" else None
    return Origin(onward.rule, lineage, frozenset(onward.named), bound)
