"""What a node does for its guests: it makes their tokens, sends what they give, and tells senders what they read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.actions.publishing import Draft, publish
from taawun.cooperation.federation.bounds import MOST_IN_A_MESSAGE
from taawun.cooperation.federation.errors import GuestRefused, ReleaseRefused
from taawun.cooperation.federation.guests import guest_in, identity_of, stands
from taawun.cooperation.federation.kinds import ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import GuestCopy, GuestToken, Release
from taawun.cooperation.partners.exchange import disk, messages
from taawun.cooperation.partners.logs.chain import Header, one_line
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.people.actions.minting import Minted, fresh_secret
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from taawun.platform.web.formats import filesize, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.federation.guests import Guest
    from taawun.cooperation.people.actors import Actor

__all__ = ["give_as_guest", "issue_guest_token", "revoke_guest_token", "tell_readings"]

GUEST_TOKEN_LIFE: Final = timedelta(days=90)
LONGEST_GUEST_TOKEN_LIFE: Final = timedelta(days=366)
# what a guest gives in a day, each signed by this node and kept by all that receive it
MOST_GIVEN_A_DAY: Final = 500
MOST_BYTES_GIVEN_A_DAY: Final = 64 * 1024 * 1024
_HINT: Final = 19  # of which the first 13 say what it is


@transaction.atomic
def issue_guest_token(  # noqa: PLR0913 - each argument is one fact of the token
    actor: Actor,
    agreement: Agreement,
    guest: str,
    *,
    name: str,
    email: str = "",
    life: timedelta = GUEST_TOKEN_LIFE,
) -> Minted[GuestToken]:
    """Make a token for a guest of this node, which opens what one agreement gives it and nothing else.

    Args:
        actor: who; needs ``manage:guests``.
        agreement: to which it is bound.
        guest: the guest's ref in it.
        name: what or whom it is for.
        email: who holds it, where it is one person: only to them what names them of TLP:RED is served.
        life: how long it lives, at most 366 days.

    Returns:
        The token, with its secret, which is shown this once.

    Raises:
        NotAllowed: the actor may not.
        GuestRefused: the agreement names no such guest of this node, or what is said of the token does not do.
    """
    require(actor, "manage:guests")
    party = guest_in(agreement, guest)
    if party is None:
        raise GuestRefused("no-such-guest", _("The agreement names no such guest of this node."))
    if not timedelta(0) < life <= LONGEST_GUEST_TOKEN_LIFE:
        most = LONGEST_GUEST_TOKEN_LIFE.days
        sentence = ngettext(
            "A token lives at most %(count)s day.", "A token lives at most %(count)s days.", most
        )
        raise GuestRefused("life", sentence % {"count": number(most)})
    try:
        if email:
            validate_email(email)
    except ValidationError:
        told = _("“%(person)s” is no e-mail address.") % {"person": email[:80]}
        raise GuestRefused("email", told) from None
    secret = "taawun_guest_" + fresh_secret()
    token = GuestToken.objects.create(
        agreement=agreement.id,
        guest=guest,
        identity=identity_of(party),
        name=name.strip()[:100] or _("unnamed"),
        email=email,
        digest=sha256(secret.encode()),
        hint=secret[:_HINT],
        made_by_id=actor.id if isinstance(actor, PersonActor) else None,
        expires=now() + life,
    )
    record(
        actor,
        "federation.guest-token-created",
        f"urn:uuid:{token.id}",
        {"agreement": agreement.code, "guest": guest, "expires": timestamp(token.expires)},
    )
    return Minted(token, secret)


@transaction.atomic
def revoke_guest_token(actor: Actor, token: GuestToken) -> bool:
    """End a guest's token: whoever uses it is refused at once.

    Args:
        actor: who; needs ``manage:guests``.
        token: which.

    Returns:
        Whether it was open until now.

    Raises:
        NotAllowed: the actor may not.
    """
    require(actor, "manage:guests")
    if not GuestToken.objects.filter(id=token.id, revoked__isnull=True).update(revoked=now()):
        return False
    record(actor, "federation.guest-token-revoked", f"urn:uuid:{token.id}", {"guest": token.guest})
    return True


def give_as_guest(guest: Guest, draft: Draft) -> Release:
    """Publish what a guest gives: this node signs and sends it on its behalf, under the clauses that name the guest.

    Args:
        guest: who gives it; nobody else of this node may have it by that.
        draft: what; it is checked as its receivers would check it.

    Returns:
        The release. The same version with the same content again is the first.

    Raises:
        GuestRefused: the agreement names this guest no more.
        NobodyReceives: no clause in force lets the guest give it to anybody.
        ReleaseRefused: its kind is none that guests give, its content does not hold, it is not the guest's, the guest
            has given as much as one may in a day, or this node has no room.
    """
    if not stands(guest):
        raise GuestRefused("no-such-guest", _("The agreement names no such guest of this node."))
    kind = registry.find(ReleaseKind, draft.kind)
    if kind is None or kind.check_guest is None or kind.read is None:
        raise ReleaseRefused("kind", _("Guests cannot give this kind of release here."))
    content = one_line(draft.content)
    _check_room(guest, len(content))
    try:
        kind.check_guest(kind.read(_header(draft, content), content))
    except ContentRefused as refused:
        told = _("Its receivers would refuse the content: %(why)s") % {"why": str(refused)}
        raise ReleaseRefused(refused.code, told) from None
    return publish(guest.actor, replace(draft, behalf=guest.behalf))


def _check_room(guest: Guest, size: int) -> None:
    if not disk.has_room():
        raise ReleaseRefused(
            "no-room", _("This node has no room left. Its administrators are told; try later.")
        )
    given = Release.objects.filter(
        on_behalf=guest.key,
        on_behalf_under=guest.agreement,
        origin=None,
        issued__gt=now() - timedelta(days=1),
    ).aggregate(count=Count("id"), size=Sum("size", default=0))
    if given["count"] < MOST_GIVEN_A_DAY and given["size"] + size <= MOST_BYTES_GIVEN_A_DAY:
        return
    facts = {"guest": guest.token.guest, "code": Agreement.objects.get(id=guest.agreement).code}
    subject = f"urn:taawun:guest:{guest.agreement}:{guest.token.guest}"
    raise_notice("federation.guest-gives-much", subject, Notice.Level.WARNING, facts)
    raise ReleaseRefused(
        "given-much",
        _(
            "In a day a guest gives at most %(count)s releases and %(size)s in all. Go on tomorrow, or ask your host."
        )
        % {"count": number(MOST_GIVEN_A_DAY), "size": filesize(MOST_BYTES_GIVEN_A_DAY)},
    )


def _header(draft: Draft, content: bytes) -> Header:
    """What its receivers will read of it, as far as its content is held to it."""
    return Header(
        lane=UUID(int=0),
        sender=settings.BASE_URL,
        seq=1,
        prev="",
        kind=draft.kind,
        subject=draft.subject,
        version=draft.version,
        action="publish",
        tlp=draft.tlp,
        digest=sha256(content),
        size=len(content),
        issued=now(),
        topics=tuple(sorted(draft.topics)),
        persons=draft.persons,
    )


# ---- telling who sent it ----------------------------------------------------------------------------------------
def tell_readings() -> int:
    """Tell partners what guests of this node read of theirs. Runs as a schedule.

    Returns:
        How many readings were told.
    """
    told = 0
    while some := _tell_some():
        told += some
    return told


@transaction.atomic
def _tell_some() -> int:
    one_speaker()
    unsaid = GuestCopy.objects.filter(is_unsaid=True).select_related("passage__entry__lane__sender")
    some = list(unsaid.order_by("passage__entry__lane", "guest", "passage__entry__seq")[:MOST_IN_A_MESSAGE])
    for _about, group in groupby(some, key=lambda each: (each.passage.entry.lane_id, each.guest)):
        _tell(list(group))
    return len(some)


def _tell(copies: Sequence[GuestCopy]) -> None:
    lane = copies[0].passage.entry.lane
    if lane.sender is None:
        return
    said = messages.send(
        lane.sender,
        "read",
        {
            "lane": str(lane.wire_id),
            "guest": copies[0].guest.partition("#")[2],
            "entries": [
                {
                    "seq": each.passage.entry.seq,
                    "digest": each.passage.entry.digest,
                    "at": timestamp(each.read or now()),
                }
                for each in copies
            ],
        },
    )
    GuestCopy.objects.filter(id__in=[each.id for each in copies]).update(
        said=said.subject.removeprefix("urn:uuid:"), is_unsaid=False
    )
