"""What stood for everybody before a restore, for machines of people here who decide about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninja import Query

from taawun.cooperation.federation import actions, queries, schemas
from taawun.cooperation.federation.api.routing import router
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.tlp import Tlp
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.federation.models import Release

__all__ = ["list_waiting"]


@router.get(
    "/federation/public/waiting",
    response=Listing[schemas.WaitsForEverybody],
    summary="List what stood for everybody before a restore",
)
def list_waiting(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.WaitsForEverybody]:
    """What a restored node puts on its public lane only when somebody says so, newest first."""
    require(acting(request), "publish:public")
    return listing(
        Listing[schemas.WaitsForEverybody],
        queries.waiting_for_everybody().prefetch_related("topics", "parties"),
        paging,
        order=("-id",),
        show=_shown,
    )


def _shown(rows: Sequence[Release]) -> list[schemas.WaitsForEverybody]:
    why = actions.refusals(rows)
    return [
        schemas.WaitsForEverybody(
            id=each.id,
            kind=each.kind,
            tlp=Tlp(each.tlp).label,
            subject=each.subject,
            version=each.version,
            title=each.title,
            digest=each.digest,
            size=each.size,
            issued=each.issued,
            refusal=why.get(each.id, ""),
        )
        for each in rows
    ]


@router.post(
    "/federation/public/waiting/put-back",
    response=schemas.AgainDecided,
    summary="Put back what stood for everybody",
)
def put_back(request: ApiRequest, body: schemas.AgainDecision) -> schemas.AgainDecided:
    """Anybody may read it again. Of those that may not go to everybody any more, the list says why."""
    actor = acting(request)
    require(actor, "publish:public")
    if body.releases is None:
        return schemas.AgainDecided(job=actions.decide_about_all(actor, "put-back").id)
    done = actions.put_back(actor, body.releases)
    return schemas.AgainDecided(count=done.count, kept=done.kept)


@router.post(
    "/federation/public/waiting/leave-off",
    response=schemas.AgainDecided,
    summary="Leave off what stood for everybody",
)
def leave_off(request: ApiRequest, body: schemas.AgainDecision) -> schemas.AgainDecided:
    """Nobody reads it there any more. Whoever had it keeps it until the release is withdrawn."""
    actor = acting(request)
    require(actor, "publish:public")
    if body.releases is None:
        return schemas.AgainDecided(job=actions.decide_about_all(actor, "leave-off").id)
    done = actions.leave_off(actor, body.releases)
    return schemas.AgainDecided(count=done.count, kept=done.kept)
