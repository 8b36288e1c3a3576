"""The machine face of notices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch
from django.utils.translation import gettext as _
from ninja import Query, Router

from taawun.platform.notices import actions, models, queries, schemas
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.registry import registry
from taawun.platform.web.api import ApiRequest, Listing, Paging, Refusal, listing, missing, require
from taawun.platform.web.bearer import token_door

__all__ = ["router"]

router = Router(tags=["notices"])


@router.get("/notices", response=Listing[schemas.Notice], summary="List notices")
def list_notices(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.NoticeFilters]
) -> Listing[schemas.Notice]:
    """What is meant for somebody with the caller's permissions, newest first: what is open, or what was resolved."""
    is_open = wanted.state == "open"
    found = queries.open_notices if is_open else queries.resolved_notices
    return listing(
        Listing[schemas.Notice],
        found(request.auth.permissions, wanted.level or ""),
        paging,
        order=("-last_seen", "-id") if is_open else ("-resolved", "-id"),
        show=lambda rows: [_notice(each) for each in rows],
    )


@router.post(
    "/notices/{uuid:notice_id}/resolve", response=schemas.Notice, summary="Mark a notice as dealt with"
)
def resolve_notice(request: ApiRequest, notice_id: UUID) -> schemas.Notice:
    """Close a notice. It opens anew when the same thing happens again."""
    notice = queries.open_notices(request.auth.permissions).filter(id=notice_id).first()
    if notice is None:
        missing("no-such-notice", _("There is no such open notice for you."))
    require(request, "manage:notices")
    actions.settle(notice, lambda verb, subject: token_door().record(request.auth.actor, verb, subject))
    notice.refresh_from_db()
    return _notice(notice)


@router.post("/notices/{uuid:notice_id}/reopen", response=schemas.Notice, summary="Open a notice again")
def reopen_notice(request: ApiRequest, notice_id: UUID) -> schemas.Notice:
    """Undo that a notice was marked as dealt with; 409 where the same was told anew since."""
    notice = queries.resolved_notices(request.auth.permissions).filter(id=notice_id).first()
    if notice is None:
        missing("no-such-notice", _("There is no such notice for you that was dealt with."))
    require(request, "manage:notices")
    if not actions.reopen(
        notice, lambda verb, subject: token_door().record(request.auth.actor, verb, subject)
    ):
        raise Refusal(409, "told-anew", _("The same was told anew meanwhile: that notice is open."))
    notice.refresh_from_db()
    return _notice(notice)


def _notice(notice: models.Notice) -> schemas.Notice:
    kind = registry.get(NoticeKind, notice.kind)
    level: Any = notice.level  # one of the words of schemas.Notice.level, held by the model's choices
    return schemas.Notice(
        id=notice.id,
        kind=notice.kind,
        level=level,
        subject=notice.subject,
        sentence=kind.sentence(notice.params),
        mend=kind.mend(notice.params),
        address=_address(kind, notice),
        created=notice.created,
        last_seen=notice.last_seen,
        times=notice.times,
        resolved=notice.resolved,
    )


def _address(kind: NoticeKind, notice: models.Notice) -> str:
    try:
        return kind.address(notice.params)
    except NoReverseMatch:  # this composition has no page for it
        return ""
