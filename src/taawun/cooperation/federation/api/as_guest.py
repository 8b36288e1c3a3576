"""What a guest of this node may ask, with a token that is bound to one agreement: its host serves and sends for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.federation import actions, guests, models, schemas
from taawun.cooperation.federation.actions import Draft
from taawun.cooperation.federation.api.releases import marking
from taawun.cooperation.federation.guest_door import guest_of
from taawun.cooperation.partners.exchange.serving import content_response, part_in
from taawun.cooperation.partners.models import Content
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.files.errors import FileGone
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing, missing
from taawun.platform.web.openapi import answering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponseBase

    from taawun.cooperation.agreements.document import Clause, Document, Party
    from taawun.cooperation.federation.guests import Guest

__all__ = ["router"]

router: Final = Router(tags=["guest"])


# ---- the agreement ----------------------------------------------------------------------------------------------
@router.get(
    "/guest/agreement",
    response=schemas.GuestAgreement,
    summary="What is agreed with me?",
    openapi_extra=answering(problems=(404,)),
)
def get_guest_agreement(request: ApiRequest) -> schemas.GuestAgreement:
    """The agreement to which the token is bound: its state, and which clauses give to the guest or take from it."""
    guest = guest_of(request)
    agreement, document, party = _agreed(guest)
    standing = standing_of(agreement)
    state: Any = standing.state.value  # one of the words of agreements
    host = document.party(party.host) if party else None
    return schemas.GuestAgreement(
        id=agreement.id,
        code=agreement.code,
        title=document.title.to_json(),
        state=state,
        version=document.version,
        digest=document.digest,
        guest=guest.token.guest,
        name=party.organisation.to_json() if party else {},
        host=host.node if host else "",
        is_party=party is not None,
        receives=[_clause(each) for each in document.clauses if party and _names(each.receivers, party)],
        gives=[_clause(each) for each in document.clauses if party and _names(each.senders, party)],
        token_expires=guest.token.expires,
    )


@router.get(
    "/guest/agreement/text",
    response=dict[str, Any],
    summary="The exact text of my agreement",
    openapi_extra=answering(problems=(404,)),
)
def get_guest_agreement_text(request: ApiRequest) -> HttpResponse:
    """The exact text that was signed, byte for byte."""
    _agreement, document, _party = _agreed(guest_of(request))
    return HttpResponse(
        bytes(Version.objects.get(digest=document.digest).text), content_type="application/json"
    )


def _agreed(guest: Guest) -> tuple[Agreement, Document, Party | None]:
    agreement = Agreement.objects.filter(id=guest.agreement).first()
    standing = standing_of(agreement) if agreement else None
    document = guests.version_for(guest, standing) if standing else None
    if standing is None or agreement is None or document is None:
        missing("no-such-agreement", _("There is no such agreement on this node."))
    is_party = document is standing.current
    return agreement, document, document.party(guest.token.guest) if is_party else None


def _names(refs: Sequence[str], party: Party) -> bool:
    return ANY in refs or party.ref in refs


def _clause(clause: Clause) -> schemas.GuestClause:
    return schemas.GuestClause(
        clause=clause.ref,
        title=clause.title.to_json(),
        kinds=list(clause.kinds),
        topics=list(clause.topics),
        tlp_max=clause.tlp_max.label,
        onward=clause.onward.rule,
        retention_days=clause.retention_days,
    )


# ---- what is for it ---------------------------------------------------------------------------------------------
@router.get("/guest/releases", response=Listing[schemas.GuestRelease], summary="List what is for me")
def list_guest_releases(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.GuestFilter]
) -> Listing[schemas.GuestRelease]:
    """What the guest may have at this moment, newest first.

    Each is decided anew, so a page may hold fewer than were asked for; `next` says whether there is more.
    """
    guest = guest_of(request)
    found = guests.copies_for(guest)
    if wanted.kind:
        found = found.filter(passage__release__kind=wanted.kind)
    if wanted.unread:
        found = found.filter(read=None)
    return listing(
        Listing[schemas.GuestRelease],
        found,
        paging,
        order=("-id",),
        show=lambda rows: [
            _release(each) for each, may in zip(rows, guests.may_read(guest, rows), strict=True) if may
        ],
    )


@router.get(
    "/guest/contents/{digest}",
    response=bytes,
    summary="Read a content",
    openapi_extra=answering(media_type="application/octet-stream", problems=(410,)),
)
def get_guest_content(request: ApiRequest, digest: str) -> HttpResponseBase:
    """The exact bytes of what is for the guest, by their SHA-256; `Range` goes on where a download broke off.

    That the guest reads it is noted once the whole of it was served, at once or in parts, and its sender is told: it is
    the guest's receipt.
    """
    guest = guest_of(request)
    copies = list(guests.copies_for(guest).filter(passage__entry__content_digest=digest))
    allowed = [each for each, may in zip(copies, guests.may_read(guest, copies), strict=True) if may]
    content = Content.objects.filter(digest=digest).first() if allowed else None
    if content is None:
        _no_content()
    try:
        response = content_response(request, content)
    except FileGone:
        _no_content()  # it was withdrawn in this moment
    # before a byte of it leaves: what was read is never without its receipt; a HEAD, answered like GET, reads nothing
    if request.META["REQUEST_METHOD"] != "HEAD":
        guests.note_served(allowed, part_in(response, content), content.size)
    return response


def _no_content() -> NoReturn:
    missing(
        "no-such-content",
        _("There is no such content for you: your agreement does not give it to you, or it was withdrawn."),
    )


@router.get(
    "/guest/withdrawals",
    response=Listing[schemas.GuestWithdrawal],
    summary="List what I have to delete",
)
def list_guest_withdrawals(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.GuestWithdrawal]:
    """What the guest has read and was withdrawn since, or whose time is over; newest first."""
    return listing(
        Listing[schemas.GuestWithdrawal],
        guests.withdrawn_from(guest_of(request)),
        paging,
        order=("-id",),
        show=lambda rows: [_withdrawal(each) for each in rows],
    )


def _release(copy: models.GuestCopy) -> schemas.GuestRelease:
    release, entry = copy.passage.release, copy.passage.entry
    return schemas.GuestRelease(
        id=release.id,
        kind=release.kind,
        subject=release.subject,
        version=release.version,
        title=release.title,
        tlp=Tlp(release.tlp).label,
        topics=sorted(each.topic for each in release.topics.all()),
        persons=release.persons,
        licence=release.licence,
        languages=release.languages,
        digest=release.digest,
        size=release.size,
        sender=entry.lane.sender.node if entry.lane.sender else "",
        clause=copy.passage.clause,
        document=copy.passage.document,
        issued=entry.issued,
        ends=copy.passage.ends,
        read=copy.read,
    )


def _withdrawal(copy: models.GuestCopy) -> schemas.GuestWithdrawal:
    release = copy.passage.release
    return schemas.GuestWithdrawal(
        kind=release.kind,
        subject=release.subject,
        version=release.version,
        digest=release.digest,
        read=copy.read,
        ended=copy.passage.ended or release.withdrawn,
        reason=release.withdrawal_reason,
    )


# ---- what it gives ----------------------------------------------------------------------------------------------
@router.get("/guest/given", response=Listing[schemas.GuestGiven], summary="List what I gave")
def list_guest_given(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.GuestGiven]:
    """What this node signed and sent on the guest's behalf, newest first."""
    guest = guest_of(request)
    return listing(
        Listing[schemas.GuestGiven],
        guests.given_by(guest),
        paging,
        order=("-id",),
        show=_given,
    )


@router.post("/guest/releases", response={201: schemas.GuestGiven}, summary="Give something")
def give_as_guest(request: ApiRequest, body: schemas.GuestOffer) -> Status[schemas.GuestGiven]:
    """This node signs it and sends it on the guest's behalf to everybody to whom a clause lets the guest give it.

    It is checked as its receivers check it, and kept here only to be served.
    """
    guest = guest_of(request)
    draft = Draft(
        kind=body.kind,
        subject=body.subject,
        version=body.version,
        title=body.title,
        tlp=marking(body.tlp),
        content=canonical(body.content),
        topics=frozenset(body.topics),
        licence=body.licence,
        languages=tuple(body.languages),
        persons=tuple(body.persons),
    )
    return Status(201, _given([actions.give_as_guest(guest, draft)])[0])


@router.post(
    "/guest/given/{uuid:release_id}/withdraw", response=schemas.GuestGiven, summary="Withdraw what I gave"
)
def withdraw_as_guest(request: ApiRequest, release_id: UUID, body: schemas.GuestReason) -> schemas.GuestGiven:
    """The headers stay, the content goes, here and at every receiver."""
    guest = guest_of(request)
    release = guests.given_by(guest).filter(id=release_id).first()
    if release is None:
        missing("no-such-release", _("You gave no such release under this agreement."))
    actions.withdraw(guest.actor, release, body.reason)
    return _given([guests.given_by(guest).get(id=release_id)])[0]


def _given(releases: Sequence[models.Release]) -> list[schemas.GuestGiven]:
    signed = guests.signed_for(releases)
    return [
        schemas.GuestGiven(
            id=each.id,
            kind=each.kind,
            subject=each.subject,
            version=each.version,
            title=each.title,
            tlp=Tlp(each.tlp).label,
            digest=each.digest,
            size=each.size,
            issued=each.issued,
            state=_word(each),
            withdrawn=each.withdrawn,
            signed=signed.get(each.id, 0),
        )
        for each in releases
    ]


def _word(release: models.Release) -> Any:
    return release.state  # one of the words of the schema, held by the model's choices
