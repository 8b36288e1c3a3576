"""Which role may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from taawun.cooperation.people.forms import PermissionFilters
from taawun.cooperation.people.permissions import Role, matrix
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.forms import understood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor
    from taawun.cooperation.people.permissions import Permission

__all__ = ["permissions"]


@require_safe
@signed_in("manage:people")
def permissions(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """The permission matrix, as the rooms of this node registered it."""
    del actor
    form = PermissionFilters(request.GET)
    wanted = understood(form)
    found = matrix().fitting(wanted.get("q", ""), wanted.get("role", ""))
    if request.GET.get("format") in {"csv", "json"}:
        return _export(request.GET["format"], found)
    context = {"form": form, "permissions": found, "is_filtered": any(wanted.values())}
    return render(request, "people/permissions.html", context)


def _export(ending: str, found: Iterable[Permission]) -> HttpResponseBase:
    if ending == "json":
        rows = (
            {
                "permission": each.name,
                "of_node": each.of_node,
                "roles": [r.value for r in Role if r in each.roles],
            }
            for each in found
        )
        return as_json("permissions", rows)
    head = ("permission", "of_node", *(role.value for role in Role))
    return as_csv(
        "permissions",
        head,
        ((each.name, each.of_node, *(role in each.roles for role in Role)) for each in found),
    )
