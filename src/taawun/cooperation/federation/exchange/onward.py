"""What a partner shares onward is held against the headers under which it came to that partner.

Nobody can be kept from writing what they like into a header of their own. But what somebody else signed stays what it
was: what was changed on the way does not fit it any more, and is refused with an alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Q

from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.agreements.policy import kind_matches
from taawun.cooperation.agreements.queries import current_policy, policy_of_sender
from taawun.cooperation.federation.hops import (
    OriginRefused,
    agreed_under,
    inner_headers,
    is_the_same_release,
)
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.logs.chain import digest_of, read_header
from taawun.cooperation.partners.logs.purposes import Outcome
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.foundation.clock import now
from taawun.foundation.signing import peek
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taawun.cooperation.agreements.document import Clause, Document
    from taawun.cooperation.partners.logs.chain import Header

__all__ = [
    "Claim",
    "alarm",
    "claim_of",
    "is_the_sources_withdrawal",
    "is_withdrawn_by",
    "noted",
    "obstacle",
    "proven",
]

_MENDABLE: Final = frozenset({"source-blocked"})
# nobody changed anything, and it is not opened
_SHUT: Final = frozenset({"came-from-here", "origin-revoked"})


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose a release is that came over a partner's lane.

    Args:
        node: base address of its source.
        source: the source, where its signature was verified with the key that administrators compared; None where it
            is not known here, so that the partner alone vouches for it.
    """

    node: str
    source: Partner | None


def claim_of(header: Header) -> Claim | None:
    """Whose it is, by the headers it came under; None for what its sender publishes itself.

    Raises:
        OriginRefused: they do not fit; the code says why.
    """
    if not header.origin:
        return None
    hops = inner_headers(header)
    way = [header, *(each for _token, each in hops)]
    senders = [each.sender for each in way]
    if header.tlp >= Tlp.AMBER_STRICT:
        raise OriginRefused("origin-not-onward")
    if len(set(senders)) < len(senders):
        raise OriginRefused("origin-malformed")
    if settings.BASE_URL in senders:
        _check_ours(hops[senders.index(settings.BASE_URL) - 1][0])
    for place, (_token, inner) in enumerate(hops):
        if not is_the_same_release(header, inner):
            raise OriginRefused("origin-differs")
        # what went over a public lane anywhere after it went to everybody
        is_public = not all(each.agreement for each in way[: place + 1])
        _check_hop(inner, senders[place], {settings.BASE_URL, *senders[:place]}, is_public=is_public)
    known = {each.node: each for each in Partner.objects.filter(node__in=senders).exclude(kid="")}
    for token, inner in hops:
        _check_signature(token, known.get(inner.sender))
    source = known.get(senders[-1])
    is_compared = source is not None and source.state == Partner.State.VERIFIED
    return Claim(senders[-1], source if is_compared else None)


def _check_hop(header: Header, receiver: str, beyond: Iterable[str], *, is_public: bool) -> None:
    """What stands under a header came to its receiver, and could go on from there to all who have it by now.

    Of an agreement that is not known here only the header is looked at.

    Args:
        header: of one hop.
        receiver: to whom it went.
        beyond: the nodes to which it went on from there.
        is_public: whether it went on over a public lane, and so to everybody.
    """
    if header.audience and is_public:
        raise OriginRefused("origin-not-onward")
    if header.audience and not _names(header.audience, receiver):
        raise OriginRefused("origin-not-theirs")
    if header.audience and not all(_names(header.audience, node) for node in beyond):
        raise OriginRefused("origin-not-onward")
    if not header.agreement:
        if header.tlp != Tlp.CLEAR:
            raise OriginRefused("origin-malformed")
        return
    agreed = agreed_under(header)
    if agreed is None:
        return
    document, clause = agreed
    if not _gives(document, clause, header, receiver):
        raise OriginRefused("origin-not-theirs")
    is_kept = is_public and clause.onward.rule != "public"
    if is_kept or not all(_goes_on(document, clause, header.tlp, node) for node in beyond):
        raise OriginRefused("origin-not-onward")


def _names(audience: Iterable[str], node: str) -> bool:
    """Whether an audience names a node, or a guest that it speaks for."""
    return any(key.partition("#")[0] == node for key in audience)


def _gives(document: Document, clause: Clause, header: Header, receiver: str) -> bool:
    """Whether a clause let a header's sender give what it names to a node, or to a guest of that node."""
    return (
        _reaches(document, clause, header, receiver)
        and kind_matches(clause.kinds, header.kind)
        and (not clause.topics or not set(clause.topics).isdisjoint(header.topics))
        and header.tlp <= clause.tlp_max
    )


def _reaches(document: Document, clause: Clause, header: Header, receiver: str) -> bool:
    sender = document.party_of(header.sender)
    # a node signs and sends for its guests as well
    own = {party.ref for party in document.parties if sender and sender.ref in {party.ref, party.host}}
    if sender is not None and (ANY in clause.senders or not own.isdisjoint(clause.senders)):
        receivers = (
            document.key_of(party)
            for party in document.parties
            if party.ref != sender.ref and (ANY in clause.receivers or party.ref in clause.receivers)
        )
        if _names(receivers, receiver):
            return True
    # who acceded later does not stand in the text
    if not Partner.objects.filter(node=header.sender).exists():
        return False
    policy, about = policy_of_sender(header.sender), (document.id, clause.ref)
    grants = [grant for key in policy.keys_of(receiver) for grant in policy.grants_over(key, about)]
    return any(grant.digest == document.digest for grant in grants)


def _goes_on(document: Document, clause: Clause, tlp: Tlp, node: str) -> bool:
    """Whether what a clause gave may go on to a node, or to a guest that it speaks for."""
    rule = clause.onward.rule
    if rule == "named":
        return _names(clause.onward.named, node)
    if tlp >= Tlp.AMBER:
        return False
    if rule == "parties":
        parties = {document.key_of(party) for party in document.parties}
        return _names(parties | current_policy().signatories(document.id, now().timestamp()), node)
    return rule == "public"


def _check_ours(token: str) -> None:
    """What is said to be our own header is one that we wrote."""
    if not LaneEntry.objects.filter(lane__sender=None, digest=digest_of(token)).exists():
        raise OriginRefused("origin-signature")
    raise OriginRefused("came-from-here")


def _check_signature(token: str, signer: Partner | None) -> None:
    if signer is None:
        return
    if signer.state == Partner.State.BLOCKED:
        raise OriginRefused("source-blocked")
    if signer.state != Partner.State.VERIFIED:
        return
    if not proven(token, signer):
        raise OriginRefused("origin-signature")
    if _is_doubtful(token, signer):
        raise OriginRefused("origin-revoked")


def proven(token: str, signer: Partner) -> bool:
    """Whether a header bears the signature of a partner: of any key of its lineage."""
    try:
        read_header(token, lineage_of(signer))
    except ChainBroken:
        return False
    return True


def _is_doubtful(token: str, signer: Partner) -> bool:
    """Whether it may be a thief's word: it comes here now, under a key that was revoked before."""
    known = lineage_of(signer).find(peek(token).kid)
    return known is None or known.is_doubtful(now())


def obstacle(header: Header) -> Outcome | None:
    """Why what was shared onward is not taken in, or None."""
    try:
        claim_of(header)
    except OriginRefused as refused:
        if refused.code in _MENDABLE:
            return Outcome(LaneEntry.State.PENDING, refused.code)
        if refused.code in _SHUT:
            return Outcome(LaneEntry.State.UNOPENED, refused.code)
        return Outcome(LaneEntry.State.REFUSED, refused.code)
    return None


def alarm(sender: Partner, header: Header, code: str) -> None:
    """Tell that a partner shared on what does not fit the header under which it says it came."""
    # what it is about is marked, and nobody knows any more how
    params = {"node": sender.node, "partner": str(sender.id), "reason": code, "clause": header.clause}
    raise_notice("federation.origin", f"urn:uuid:{header.lane}", Notice.Level.ALARM, params)


# ---- withdrawals by the source --------------------------------------------------------------------------------------


def is_the_sources_withdrawal(header: Header) -> Partner | None:
    """The source that withdrew what a header withdraws, where that header carries its signed word.

    Raises:
        OriginRefused: it carries something else.
    """
    if not header.origin:
        return None
    (token, inner), *more = inner_headers(header)
    about = (header.kind, header.subject, header.version, "withdraw")
    if more or (inner.kind, inner.subject, inner.version, inner.action) != about:
        raise OriginRefused("origin-differs")
    source = Partner.objects.filter(node=inner.sender, state=Partner.State.VERIFIED).exclude(kid="").first()
    if source is not None and (not proven(token, source) or _is_doubtful(token, source)):
        raise OriginRefused("origin-signature")
    return source


def noted(source: Partner | None) -> str:
    """What is noted on an entry that carries a source's own withdrawal, to find it again; else nothing."""
    return f"by-source:{source.id}" if source else ""


def is_withdrawn_by(source: Partner, subject: str, version: str) -> bool:
    """Whether the source of a release took it back, by its own word or by one that was carried here."""
    said = LaneEntry.objects.filter(subject=subject, version=version, action="withdraw")
    return said.filter(Q(lane__sender=source) | Q(reason=noted(source))).exists()
