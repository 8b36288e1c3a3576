"""Permissions and roles: what a capability registers so that people may do something with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from taawun.platform.registry import registry

__all__ = ["Matrix", "Permission", "Role", "matrix", "permissions_of"]


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

    @property
    def room(self) -> str:
        """What it is about: the room that its name ends with."""
        return self.name.partition(":")[2]

    @property
    def role_labels(self) -> list[Any]:
        """The roles that include it, in their order, as people call them; lazy translations."""
        return [role.label for role in Role if role in self.roles]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Which role may do what: the one object that sign-in, tokens, pages, API and tests ask.

    Args:
        permissions: all there are, by room and name.
    """

    permissions: tuple[Permission, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of all permissions, which are those of token scopes as well."""
        return frozenset(each.name for each in self.permissions)

    def given_to(self, role: str, *, in_host: bool = True) -> frozenset[str]:
        """Names of the permissions a role includes.

        Args:
            role: a value of :class:`Role`.
            in_host: whether it is held in the organisation that runs the node.
        """
        return frozenset(
            each.name for each in self.permissions if role in each.roles and (in_host or not each.of_node)
        )

    def fitting(self, text: str = "", role: str = "") -> tuple[Permission, ...]:
        """Those among its permissions that a search finds.

        Args:
            text: what their name, or their words in the reader's language, have in them.
            role: a role that includes them; any where empty.
        """
        wanted = text.strip().casefold()
        return tuple(
            each
            for each in self.permissions
            if (not role or role in each.roles)
            and (wanted in each.name.casefold() or wanted in str(each.label).casefold())
        )


def matrix() -> Matrix:
    """The matrix as the rooms of this node registered it."""
    found = registry.all(Permission)
    return Matrix(tuple(sorted(found, key=lambda each: (each.room, each.name))))


@cache
def permissions_of(role: str, *, in_host: bool = True) -> frozenset[str]:
    """Names of the permissions a role includes. The registry is complete before the first question.

    Args:
        role: a value of :class:`Role`.
        in_host: whether it is held in the organisation that runs the node.
    """
    return matrix().given_to(role, in_host=in_host)
