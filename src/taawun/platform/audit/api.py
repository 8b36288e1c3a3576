"""The machine face of the audit trail."""

from __future__ import annotations

from ninja import Query, Router

from taawun.platform.audit import models, queries, schemas
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing, require

__all__ = ["router"]

router = Router(tags=["audit"])


@router.get("/audit", response=Listing[schemas.AuditEntry], summary="Read the audit trail")
def list_audit_entries(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.AuditFilter]
) -> Listing[schemas.AuditEntry]:
    """Who did what to which thing, newest first. `taawun audit verify` proves the chain unbroken."""
    require(request, "read:audit")
    return listing(
        Listing[schemas.AuditEntry],
        queries.entries(queries.Filters(verb=wanted.verb, subject=wanted.subject, actor=wanted.actor)),
        paging,
        order=("-id",),
        show=lambda rows: [_entry(each) for each in rows],
    )


def _entry(entry: models.Entry) -> schemas.AuditEntry:
    return schemas.AuditEntry(
        id=entry.id,
        at=entry.at,
        actor=schemas.AuditActor(kind=entry.actor_kind, id=entry.actor_id, label=entry.actor_label),
        verb=entry.verb,
        subject=entry.subject,
        details=entry.details,
        seq=entry.seq,
        digest=entry.digest,
    )
