"""Which step an agreement allows us now, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.keys import has_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.rules import Granted, Refused
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.people.rules import Answer

__all__ = ["can_declare", "can_propose", "can_sign"]

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
        if party.kind != "node" or party is me:
            continue
        partner = partners.get(party.node)
        if partner is None or partner.state != Partner.State.VERIFIED or not has_key(partner, party.kid):
            return Refused(
                "not-verified",
                _("The fingerprint of %(node)s has not been compared yet; compare it before you sign.")
                % {"node": party.node},
            )
    return _can_still_hold(document)


def can_declare(standing: Standing, kind: str) -> Answer:
    """Whether this node may counter, decline, suspend, resume or terminate now."""
    if standing.current is None:
        return Refused("no-version", _("No version was proposed yet."))
    waiting = standing.pending or standing.current
    is_open = _is_negotiable(standing) and _own_ref(waiting) not in {"", *standing.signed_by}
    me = _own_ref(standing.current)
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
    }
    return Refused(f"cannot-be-{kind}", sentences[kind])


def _own_ref(document: Document) -> str:
    me = document.party_of(settings.BASE_URL)
    return me.ref if me else ""


def _is_negotiable(standing: Standing) -> bool:
    return standing.state in _OPEN or standing.pending is not None
