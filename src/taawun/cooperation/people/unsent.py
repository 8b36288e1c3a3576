"""What somebody sent when their session had ended: it is kept over the sign-in, so that nothing typed is lost.

Only for whom this browser knows: a signed cookie says who signed in here last, and only that person finds again what
was typed. So a stranger cannot fill the database with sessions, and nobody reads what another wrote. Files and
passwords are never kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from taawun.platform.web.drafts import words_in
from taawun.platform.web.sealed import look_at, put_away, throw_away

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.models import Person

__all__ = ["LIFE", "Unsent", "forget", "keep", "kept", "page_before", "remember"]

# as long as one who was called away needs to sign in again
LIFE: Final = timedelta(minutes=30)
_LARGEST: Final = 256 * 1024
_NAME: Final = "unsent"
_SALT: Final = "taawun.cooperation.people.unsent"
_KNOWN_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Unsent:
    """A form that was sent too late.

    Args:
        path: where it was sent to, with its query.
        page: the page that it was on.
        fields: names and values, in order.
    """

    path: str
    page: str
    fields: tuple[tuple[str, str], ...]

    @property
    def words(self) -> Iterator[str]:
        """What of it people write."""
        return words_in(self.fields)


def remember(response: HttpResponseBase, person: Person) -> None:
    """Let the browser know who signed in, so that what they send too late can be kept for them."""
    response.set_signed_cookie(
        _cookie(),
        str(person.pk),
        salt=_SALT,
        max_age=int(_KNOWN_FOR.total_seconds()),
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def keep(request: HttpRequest) -> bool:
    """Keep what a request sends for whoever signed in here last.

    Returns:
        Whether it is kept; not where nobody is known here, or it has files, or it is too long.
    """
    person = request.get_signed_cookie(_cookie(), None, salt=_SALT, max_age=_KNOWN_FOR)
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    length = sum(len(name) + len(value) for name, value in fields)
    if not person or request.FILES or length > _LARGEST or any("password" in name for name, _v in fields):
        return False
    whole = {
        "person": person,
        "path": request.get_full_path(),
        "page": page_before(request),
        "fields": fields,
    }
    put_away(request, _NAME, whole)
    return True


def kept(request: HttpRequest, person: Person) -> Unsent | None:
    """What is kept for this person, or None."""
    whole = look_at(request, _NAME, LIFE)
    if whole is None or whole["person"] != str(person.pk):
        return None
    return Unsent(whole["path"], whole["page"], tuple((name, value) for name, value in whole["fields"]))


def forget(request: HttpRequest, person: Person) -> None:
    """Forget what is kept, if this request is it: it was sent."""
    held = kept(request, person)
    if held is not None and held.path == request.get_full_path():
        throw_away(request, _NAME)


def page_before(request: HttpRequest) -> str:
    """The page of this node that a request came from, or the first page."""
    came_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        return reverse("home")
    parts = urlsplit(came_from)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _cookie() -> str:
    return f"{settings.SESSION_COOKIE_NAME}-known"
