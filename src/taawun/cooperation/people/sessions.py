"""Who is at the door of a page: from a signed-in person to the one who acts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.cooperation.people import queries, unsent
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Organisation, Person
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.role_names import role_name
from taawun.cooperation.people.rules import require
from taawun.foundation.multilingual import Text
from taawun.platform.web.access import Host, Visitor
from taawun.platform.web.kept import Kept
from taawun.platform.web.pages import is_by_script, refuse
from taawun.platform.web.problems import problem
from taawun.platform.web.questions import Question
from taawun.platform.web.reader import ANYBODY, Addressed, Reader
from taawun.platform.web.unit import once

if TYPE_CHECKING:
    from collections.abc import Callable

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["admit", "host", "person_of", "reader", "signed_in", "visitor"]

P = ParamSpec("P")


def person_of(request: HttpRequest) -> Person:
    """The person behind a request that was let in.

    Raises:
        TypeError: nobody is signed in; the view lacks its guard.
    """
    if not isinstance(request.user, Person):
        raise TypeError("nobody is signed in: guard this view with signed_in")
    return request.user


def signed_in(
    permission: str | None = None,
) -> Callable[
    [Callable[Concatenate[HttpRequest, PersonActor, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """Guards a page: the view is called as ``view(request, actor, …)``.

    Whoever is not signed in is led to the sign-in page and back, and finds again what they sent; whoever lacks
    the permission, or is refused by a rule on the way (:class:`NotAllowed`), gets the reason as a page with
    status 403.

    Args:
        permission: what the actor must hold; None lets everybody in who is signed in.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, PersonActor, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return admit(request, permission, lambda actor: view(request, actor, *args, **kwargs))

        update_wrapper(guarded, view)
        return guarded

    return decorate


def admit(
    request: HttpRequest, permission: str | None, enter: Callable[[PersonActor], HttpResponseBase]
) -> HttpResponseBase:
    """Let somebody in: calls ``enter(actor)``, or answers with the sign-in page or a refusal.

    Args:
        request: what was asked.
        permission: what the actor must hold; None for nothing beyond being signed in.
        enter: makes the page.
    """
    if not isinstance(request.user, Person):
        return _to_sign_in(request)
    if request.method == "POST":
        unsent.forget(request, request.user)
    actor = queries.actor_of(request.user)
    try:
        if permission is not None:
            require(actor, permission)
        return enter(actor)
    except NotAllowed as refused:
        return refuse(request, 403, _("Not allowed"), refused.sentence, code=refused.reason)


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if is_by_script(request):
        told = _(
            "Your session has ended. What you typed stays here; when you send it, it is kept while you sign in."
        )
        return problem(401, "not-signed-in", told)
    back = request.get_full_path()
    if request.method == "POST" and unsent.keep(request):
        told = _("Your session had ended. What you wrote is kept for half an hour: sign in, then send it.")
        messages.warning(request, told)
        back = reverse("unsent")
    elif request.method == "POST":
        told = _("Your session had ended, so what you sent was not saved. Sign in, and send it once more.")
        messages.warning(request, told)
        back = unsent.page_before(request)
    return redirect_to_login(back, reverse("account_login"))


def visitor(request: HttpRequest) -> Visitor | None:
    """Who is signed in, as the shell shows them; None for a stranger."""
    person = getattr(request, "user", None)
    if not isinstance(person, Person):
        return None
    actor, held = queries.actor_and_roles(person)
    labels = [role_name(role, Addressed(person.addressed)) for role in Role if role in held]
    return Visitor(actor, person.name, labels[0] if labels else "", actor.permissions)


def reader(request: HttpRequest) -> Reader:
    """How who is signed in wants to read; anybody where nobody is."""
    person = getattr(request, "user", None)
    return person.reading if isinstance(person, Person) else ANYBODY


def host() -> Host | None:
    """Who runs this node, as the shell shows it; None before it was initialised."""
    return once("people.host", _HOST.get, _Read).host


@dataclass(frozen=True, slots=True)
class _Read:
    host: Host | None


def _read_host() -> _Read:
    found = _RUNS_IT.ask()
    if not found:
        return _Read(None)
    names, code = found[0][0], found[0][1] or ""
    return _Read(Host(Text.from_json(names), queries.nation_name(code) if code else None, code))


# every page asks
_HOST: Final = Kept(_read_host)
_RUNS_IT: Final = Question(
    lambda: Organisation.objects.filter(is_host=True).values_list("names", "nation_id")
)
