"""Keeping drafts: who wrote what into which form, sealed, in bounds of size, number and time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import QueryDict

from taawun.foundation.clock import now
from taawun.platform.web.drafts.marks import FIELD, page_of
from taawun.platform.web.models import Draft
from taawun.platform.web.sealed import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.http import HttpRequest

    from taawun.platform.web.drafts.marks import Mark

__all__ = [
    "LIFE",
    "LONGEST",
    "MOST_OF_A_PAGE",
    "MOST_OF_A_PERSON",
    "NEVER",
    "Kept",
    "TooLong",
    "discard",
    "forget_sent",
    "gone_on_with",
    "keep",
    "kept",
    "prune",
    "writable",
]

LIFE: Final = timedelta(days=14)
LONGEST: Final = 256 * 1024  # characters, of names and values together
MOST_OF_A_PAGE: Final = 5
MOST_OF_A_PERSON: Final = 40
# never kept, whatever sends them
NEVER: Final = ("password", "secret", "passphrase")
# of the form and not of its writer; hidden editions are always those of the page that is shown
_OF_THE_FORM: Final = frozenset({"csrfmiddlewaretoken", FIELD, "draft-keep", "edition", "read"})


class TooLong(ValueError):
    """What was written is longer than what is kept by itself."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody wrote into a form.

    Args:
        id: of the draft.
        version: edition of the subject when the form was opened.
        written: when it was kept last.
        typed: what was typed, as if the form had been sent.
    """

    id: UUID
    version: str
    written: datetime
    typed: QueryDict


def writable(posted: QueryDict) -> list[tuple[str, str]]:
    """What of a form is kept: names and values, without secrets and without what belongs to the form itself."""
    return [
        (name, value)
        for name, values in posted.lists()
        if name not in _OF_THE_FORM and not any(word in name.lower() for word in NEVER)
        for value in values
    ]


@transaction.atomic
def keep(mark: Mark, fields: Iterable[tuple[str, str]], *, decided: bool = False) -> Draft | None:
    """Keep what was typed since a form was opened.

    Args:
        mark: of the opening.
        fields: names and values, as :func:`writable` gives them.
        decided: whether the writer saw what was written elsewhere and goes on with their own; that one goes.

    Returns:
        A draft that the same person wrote elsewhere since the form was opened, the newest; None where there is none.

    Raises:
        TooLong: it is longer than what is kept.
    """
    typed = list(fields)
    if sum(len(name) + len(value) for name, value in typed) > LONGEST:
        raise TooLong
    own = Draft.objects.filter(person_id=mark.person)
    elsewhere = own.filter(page=mark.page, written__gt=mark.opened).exclude(id=mark.draft)
    if decided:
        elsewhere.delete()
    other = elsewhere.order_by("-written").first()
    if mark.continues is not None and (other is None or other.id != mark.continues):
        own.filter(id=mark.continues, page=mark.page).delete()
    # a page that is left says it once more, while the node still keeps what it said a moment ago
    Draft.objects.update_or_create(
        id=mark.draft,
        defaults={
            "person_id": mark.person,
            "page": mark.page,
            "version": mark.version,
            "sealed": seal(json.dumps(typed, ensure_ascii=False)),
            "written": now(),
        },
    )
    _make_room(mark)
    return other


def _make_room(mark: Mark) -> None:
    """Forget the oldest beyond the bounds: of this form first, then of this person."""
    for narrowed, most in ((Q(page=mark.page), MOST_OF_A_PAGE), (Q(), MOST_OF_A_PERSON)):
        rows = Draft.objects.filter(narrowed, person_id=mark.person).order_by("-written", "-id")
        beyond = list(rows.values_list("id", flat=True)[most : most + MOST_OF_A_PERSON])
        if beyond:
            Draft.objects.filter(id__in=beyond).delete()


def kept(request: HttpRequest, form: str) -> Sequence[Kept]:
    """What the person wrote into a form of this page and did not send, newest first.

    Args:
        request: of the page.
        form: id of the form.
    """
    page = page_of(request, form)
    if not page or request.user.pk is None:
        return ()
    rows = Draft.objects.filter(person_id=request.user.pk, page=page, written__gt=now() - LIFE)
    found = (_opened(row) for row in rows.order_by("-written", "-id")[:MOST_OF_A_PAGE])
    return [each for each in found if each is not None]


def gone_on_with(request: HttpRequest, form: str) -> Kept | None:
    """The draft with which a form is to be opened (``?draft=``); None where there is none.

    Args:
        request: of the page.
        form: id of the form.
    """
    if request.method not in {"GET", "HEAD"} or not request.GET.get("draft"):
        return None
    return next((each for each in kept(request, form) if str(each.id) == request.GET["draft"]), None)


def _opened(row: Draft) -> Kept | None:
    body = unseal(row.sealed)
    if body is None:  # sealed by a key that this node no longer has
        return None
    typed = QueryDict(mutable=True)
    for name, value in json.loads(body):
        typed.appendlist(name, value)
    return Kept(row.id, row.version, row.written, typed)


def discard(person: UUID, draft: UUID) -> str:
    """Forget a draft of this person.

    Returns:
        The address of its form, as its mark named it; empty where there was none.
    """
    row = Draft.objects.filter(person_id=person, id=draft).first()
    if row is None:
        return ""
    row.delete()
    return row.page


def forget_sent(mark: Mark) -> None:
    """Forget what was kept for a form that was sent and taken, with the draft it went on from."""
    ids = [mark.draft, *([mark.continues] if mark.continues else [])]
    Draft.objects.filter(person_id=mark.person, page=mark.page, id__in=ids).delete()


def prune() -> int:
    """Forget drafts that nobody came back to.

    Returns:
        How many were forgotten.
    """
    removed, _by_model = Draft.objects.filter(written__lte=now() - LIFE).delete()
    return removed
