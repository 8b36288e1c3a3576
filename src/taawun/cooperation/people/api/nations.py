"""Nations, for machines."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from ninja import Query

from taawun.cooperation.people import naming, schemas
from taawun.cooperation.people.api.routing import router
from taawun.cooperation.people.models import Nation
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.nations import is_code
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing, missing

__all__ = ["get_nation", "list_nations", "nation_shown"]


@router.get("/nations", response=Listing[schemas.Nation], summary="List nations")
def list_nations(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Nation]:
    """The nations this node has heard of, by code: each by its own word, else a community's, else locale data's."""
    require(acting(request), "read:people")
    return listing(Listing[schemas.Nation], Nation.objects.all(), paging, order=("code",), show=_shown)


def _shown(rows: Sequence[Nation]) -> list[schemas.Nation]:
    named = naming.named_nations(each.code for each in rows)
    return [nation_shown(named[each.code]) for each in rows]


@router.get("/nations/{code}", response=schemas.Nation, summary="What is a nation called?")
def get_nation(request: ApiRequest, code: str) -> schemas.Nation:
    """Any nation of ISO 3166-1, with who says what it is called, whether or not this node has heard of it."""
    require(acting(request), "read:people")
    if not is_code(code):
        missing("no-such-nation", _("“%(code)s” is no code of ISO 3166-1.") % {"code": code[:20]})
    return nation_shown(naming.named_nation(code))


def nation_shown(nation: naming.NamedNation) -> schemas.Nation:
    """A nation as the interface tells it."""
    return schemas.Nation(
        code=nation.code,
        name=nation.name.to_json(),
        source=nation.source.value,
        by=nation.by.to_json() if nation.by else None,
    )
