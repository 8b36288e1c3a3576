"""The machine face of the audit trail."""

from __future__ import annotations

from django.utils.translation import gettext as _
from ninja import Query, Router

from taawun.platform.audit import actions, models, queries, schemas
from taawun.platform.web.api import ApiRequest, Listing, Paging, Refusal, listing, require

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


@router.get("/audit/chain", response=schemas.AuditChain, summary="See where the chain of the trail stands")
def get_audit_chain(request: ApiRequest) -> schemas.AuditChain:
    """How many rows are sealed, and the digest of the last one: note it, to see later that none were cut off."""
    require(request, "read:audit")
    found = queries.chain()
    return schemas.AuditChain(rows=found.rows, head=found.head, waiting=found.waiting)


@router.post("/audit/chain", response=schemas.AuditChainChecked, summary="Check the chain of the trail")
def check_audit_chain(request: ApiRequest) -> schemas.AuditChainChecked:
    """Walk the chain from its first row and compute every link anew. Changes nothing.

    A long chain is checked at the console, and answered 409 here.
    """
    require(request, "read:audit")
    if queries.chain().is_long:
        raise Refusal(
            409, "long-chain", _("The chain is long. Let the operator check it: taawun audit verify.")
        )
    found = actions.verify()
    return schemas.AuditChainChecked(
        rows=found.rows, head=found.head, waiting=found.unsealed, broken_at=found.broken_at
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
