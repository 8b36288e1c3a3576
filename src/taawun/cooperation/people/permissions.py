"""Permissions and roles: what a capability registers so that people may do something with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from taawun.platform.registry import registry

__all__ = ["Permission", "Role", "permissions_of"]


class Role(models.TextChoices):
    """What somebody is in an organisation. A role is a set of permissions, and nothing asks for it by name."""

    ADMINISTRATOR = "administrator", _("administrator")
    ANALYST = "analyst", _("analyst")
    RESEARCHER = "researcher", _("researcher")
    INSTRUCTOR = "instructor", _("instructor")
    TRAINEE = "trainee", _("trainee")
    CONTROLLER = "controller", _("exercise controller")
    DELEGATE = "delegate", _("delegate")
    OFFICER = "officer", _("agreements officer")
    POLICYMAKER = "policymaker", _("policymaker")
    EDITOR = "editor", _("standards editor")
    ORGANISER = "organiser", _("organiser")
    OBSERVER = "observer", _("observer")


@dataclass(frozen=True, slots=True)
class Permission:
    """Something a person may do; token scopes bear the same names.

    Args:
        name: ``verb:room``, for example ``read:intel``.
        label: what it lets one do; a lazy translation.
        roles: the roles that include it.
        of_node: whether it binds the node as a whole: then only a role in the organisation that runs the node
            gives it. A university whose people work here has administrators and officers of its own, and none of
            them verifies a partner or signs for the nation.
    """

    name: str
    label: Any  # a lazy translation
    roles: frozenset[Role]
    of_node: bool = False


@cache
def permissions_of(role: str, *, in_host: bool = True) -> frozenset[str]:
    """Names of the permissions a role includes. The registry is complete before the first question.

    Args:
        role: a value of :class:`Role`.
        in_host: whether it is held in the organisation that runs the node.
    """
    return frozenset(
        permission.name
        for permission in registry.all(Permission)
        if role in permission.roles and (in_host or not permission.of_node)
    )
