"""Which role may do what, for machines."""

from __future__ import annotations

from ninja import Query

from taawun.cooperation.people import schemas
from taawun.cooperation.people.api.routing import router
from taawun.cooperation.people.permissions import Role, matrix
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.platform.web.api import ApiRequest

__all__ = ["list_permissions"]


@router.get("/permissions", response=list[schemas.PermissionShown], summary="Which role may do what?")
def list_permissions(
    request: ApiRequest, wanted: Query[schemas.PermissionFilter]
) -> list[schemas.PermissionShown]:
    """The permission matrix, as the rooms of this node registered it; token scopes bear the same names."""
    require(acting(request), "manage:people")
    return [
        schemas.PermissionShown(
            name=each.name,
            label=str(each.label),
            of_node=each.of_node,
            roles=[role.value for role in Role if role in each.roles],
        )
        for each in matrix().fitting(wanted.text, wanted.role)
    ]
