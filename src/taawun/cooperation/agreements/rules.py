"""Which step an agreement allows us now, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity.keys import has_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.rules import Granted, Refused
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.agreements.standing import Instrument, Standing
    from taawun.cooperation.people.rules import Answer

__all__ = [
    "can_accede",
    "can_declare",
    "can_invite",
    "can_propose",
    "can_ratify",
    "can_sign",
    "own_invitation",
    "own_ref",
]

_OPEN = frozenset({State.PROPOSED, State.COUNTERED})
_BINDING = frozenset({State.IN_FORCE, State.SUSPENDED, State.SIGNED})
# an agreement that has expired can be renewed by a next version
_CHANGEABLE = _BINDING | {State.EXPIRED}


def can_propose(document: Document, standing: Standing) -> Answer:
    """Whether this node may propose the document as the next version."""
    if document.depositary.node != settings.BASE_URL:
        return Refused(
            "not-depositary", _("Only the depositary proposes versions; others make counter-proposals.")
        )
    if standing.state in {State.TERMINATED, State.DECLINED}:
        return Refused("over", _("This agreement is over. Draft a new one."))
    for party in document.parties:
        if party.kind == "node" and party.node != settings.BASE_URL and not _is_met(party.node, party.kid):
            return Refused(
                "not-a-partner",
                _("%(node)s is not a partner with this key. Add it under Partners first.")
                % {"node": party.node},
            )
    return _can_still_hold(document)


def _can_still_hold(document: Document) -> Answer:
    if document.valid_until is None or document.valid_until > now():
        return Granted()
    return Refused(
        "past-its-end",
        _("The last day of this version is over, so it could never be in force. Set a later one."),
    )


def _is_met(node: str, kid: str) -> bool:
    partner = Partner.objects.filter(node=node).exclude(state=Partner.State.BLOCKED).first()
    return partner is not None and has_key(partner, kid)


def can_sign(document: Document, standing: Standing, partners: Mapping[str, Partner]) -> Answer:
    """Whether a version waits for our signature, and all its other nodes are verified."""
    about = standing.pending or standing.current
    me = document.party_of(settings.BASE_URL)
    if me is None or about is None or about.digest != document.digest:
        return Refused("not-waiting", _("This version is not waiting for a signature."))
    if standing.state in {State.DECLINED, State.TERMINATED, State.EXPIRED}:
        return Refused("over", _("This agreement is over. Draft a new one."))
    if me.ref in standing.signed_by:
        return Refused("signed-before", _("This node has signed this version already."))
    for party in document.parties:
        if party.kind == "node" and party is not me and not _is_compared(party, partners):
            return _not_compared(party)
    return _can_still_hold(document)


def _is_compared(party: Party, partners: Mapping[str, Partner]) -> bool:
    partner = partners.get(party.node)
    return partner is not None and partner.state == Partner.State.VERIFIED and has_key(partner, party.kid)


def _not_compared(party: Party) -> Refused:
    return Refused(
        "not-verified",
        _("The fingerprint of %(node)s has not been compared yet; compare it before you sign.")
        % {"node": party.node},
    )


def can_ratify(document: Document, standing: Standing) -> Answer:
    """Whether a version that this node signed waits for its ratification."""
    about = standing.pending or standing.current
    # who signs late what is in force ratifies it while a next version is being signed, too
    abouts = {each.digest for each in (about, standing.current) if each}
    me = own_ref(document)
    party = document.party(me) if me else None
    if party is None or not party.ratifies or document.digest not in abouts:
        return Refused("not-waiting", _("This version is not waiting for a ratification."))
    if standing.state in {State.DECLINED, State.TERMINATED, State.EXPIRED}:
        return Refused("over", _("This agreement is over. Draft a new one."))
    is_about = about is not None and document.digest == about.digest
    is_bound = me in (standing.ratified_by if is_about else standing.signatories)
    if is_about and me not in standing.signed_by:
        return Refused(
            "unsigned", _("This node has not signed this version yet; it ratifies what it signed.")
        )
    if is_bound:
        return Refused("ratified-before", _("This node has ratified this version already."))
    return _can_still_hold(document)


def own_invitation(standing: Standing) -> Instrument | None:
    """The open invitation of this node to accede to what is in force; None without one."""
    return next(
        (each for each in standing.invitations if each.invites and each.invites.node == settings.BASE_URL),
        None,
    )


def can_accede(document: Document, standing: Standing, partners: Mapping[str, Partner]) -> Answer:
    """Whether this node was invited to this version, which is in force, and its depositary is verified."""
    invitation = own_invitation(standing)
    if invitation is None or invitation.digest != document.digest or standing.state not in _BINDING:
        return Refused("not-invited", _("This node has no open invitation to this version."))
    if not _is_compared(document.depositary, partners):
        return _not_compared(document.depositary)
    return _can_still_hold(document)


def can_invite(standing: Standing) -> Answer:
    """Whether this node, as the depositary of what is in force, may invite others to accede."""
    document = standing.current
    if document is None or standing.state not in _BINDING:
        return Refused("not-in-force", _("Others are invited to an agreement that binds its parties."))
    if document.depositary.node != settings.BASE_URL:
        return Refused("not-depositary", _("Only the depositary invites other nodes."))
    if document.accession != "by-invitation":
        return Refused("closed", _("This agreement is closed: no party joins it later."))
    if standing.ends is not None:
        return Refused("ending", _("Notice was given: this agreement ends."))
    return Granted()


def can_declare(standing: Standing, kind: str) -> Answer:
    """Whether this node may counter, decline, suspend, resume, terminate, leave or declare now."""
    if standing.current is None:
        return Refused("no-version", _("No version was proposed yet."))
    waiting = standing.pending or standing.current
    is_open = _is_negotiable(standing) and own_ref(waiting) not in {"", *standing.signed_by}
    me = own_ref(standing.current)
    is_bound = me in standing.signatories
    # the depositary numbers versions: what the others want changed they propose to it
    may_suggest = (
        is_bound
        and standing.pending is None
        and standing.state in _CHANGEABLE
        and standing.current.depositary.node != settings.BASE_URL
    )
    is_ours = me in {each.party for each in standing.suspensions}
    possible = {
        "countered": is_open or may_suggest,
        "declined": is_open,
        "suspended": standing.state in {State.IN_FORCE, State.SUSPENDED} and is_bound and not is_ours,
        "resumed": is_ours,
        "terminated": standing.state in _BINDING and is_bound and standing.ends is None,
        # the depositary does not leave: nobody would number versions or countersign any more
        "left": standing.state in _BINDING
        and is_bound
        and me not in standing.leaves
        and standing.ends is None
        and standing.current.depositary.node != settings.BASE_URL
        and _has_others(standing),
        "declared": standing.state in _BINDING and is_bound,
    }
    if possible[kind]:
        return Granted()
    sentences = {
        "countered": _(
            "There is no open proposal to counter. The depositary changes what is in force by proposing a next "
            "version; the other parties propose a change once they have signed."
        ),
        "declined": _("There is no open proposal to decline."),
        "suspended": _("Only an agreement in force can be suspended, once by each party that signed it."),
        "resumed": _("This node has not suspended the agreement."),
        "terminated": _("Only an agreement that binds can be terminated, and notice is given once."),
        "left": _(
            "Only a party that is bound can leave, once, and where others remain. The depositary ends the agreement "
            "instead: nobody else numbers its versions."
        ),
        "declared": _("Only a party that is bound declares that it gives or takes less."),
    }
    return Refused(f"cannot-be-{kind}", sentences[kind])


def own_ref(document: Document) -> str:
    """The ref under which this node is a party; empty where it is none."""
    me = document.party_of(settings.BASE_URL)
    return me.ref if me else ""


def _has_others(standing: Standing) -> bool:
    """Whether more than two are bound: where one of two leaves, the agreement is ended."""
    return len(standing.signatories) > 2  # noqa: PLR2004 - it takes two to agree


def _is_negotiable(standing: Standing) -> bool:
    return standing.state in _OPEN or standing.pending is not None
