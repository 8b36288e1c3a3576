"""Who is at the door: how pages of the platform know their visitor without importing the room of people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase

from taawun.platform.registry import registry

if TYPE_CHECKING:
    from taawun.foundation.multilingual import Text
    from taawun.platform.web.reader import Reader

__all__ = ["Doorkeeper", "Host", "Visitor", "doorkeeper", "signed_in"]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, as the shell shows them.

    Args:
        actor: as who they act; what rules and actions take.
        label: their name.
        role: what they are here, in the reader's language.
        permissions: what they may do.
    """

    actor: Any  # the room of people knows its type
    label: str
    role: str
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Host:
    """The organisation that runs this node, as the shell shows it.

    Args:
        name: what it is called.
        nation: what its nation is called; None where it has none.
        code: the nation's two letters, or empty.
    """

    name: Text
    nation: Text | None
    code: str


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """What the room of people registers, once.

    Args:
        name: ``people``.
        visitor: who is signed in, or None.
        reader: how who is signed in wants to read; anybody where nobody is.
        host: who runs this node, or None before it was initialised.
        admit: ``admit(request, permission, enter)`` calls ``enter(actor)`` for somebody who is signed in and, if
            a permission is named, holds it; others get the sign-in page or a refusal with its reason.
    """

    name: str
    visitor: Callable[[HttpRequest], Visitor | None]
    reader: Callable[[HttpRequest], Reader]
    host: Callable[[], Host | None]
    admit: Callable[[HttpRequest, str | None, Callable[[Any], HttpResponseBase]], HttpResponseBase]


def doorkeeper() -> Doorkeeper | None:
    """The doorkeeper of this node; None in a composition without people."""
    return registry.find(Doorkeeper, "people")


def signed_in(
    permission: str | None = None,
) -> Callable[
    [Callable[Concatenate[HttpRequest, Any, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """Guards a page of the platform: the view is called as ``view(request, actor, …)``.

    Args:
        permission: what the actor must hold; None lets everybody in who is signed in.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, Any, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            door = registry.get(Doorkeeper, "people")
            return door.admit(request, permission, lambda actor: view(request, actor, *args, **kwargs))

        update_wrapper(guarded, view)
        return guarded

    return decorate
