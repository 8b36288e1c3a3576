"""Nations, for machines."""

from __future__ import annotations

from ninja import Query

from taawun.cooperation.people import models, queries, schemas
from taawun.cooperation.people.api.routing import router
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing

__all__ = ["list_nations", "nation_shown"]


@router.get("/nations", response=Listing[schemas.Nation], summary="List nations")
def list_nations(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Nation]:
    """The nations this node has heard of, by code, each by its own word where that is known."""
    require(acting(request), "read:people")
    return listing(
        Listing[schemas.Nation],
        models.Nation.objects.all(),
        paging,
        order=("code",),
        show=lambda rows: [nation_shown(each) for each in rows],
    )


def nation_shown(nation: models.Nation) -> schemas.Nation:
    """A nation as the interface tells it."""
    names = nation.names or queries.locale_nation_name(nation.code).to_json()
    return schemas.Nation(code=nation.code, name=names)
