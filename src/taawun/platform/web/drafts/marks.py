"""The mark of one opening of a form: signed, so that only its own page can save under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core import signing
from django.utils.translation import get_language_from_path

from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["FIELD", "Mark", "new_mark", "page_of", "read_mark"]

# the field of a form that carries its mark
FIELD: Final = "draft-mark"
_SALT: Final = "taawun.platform.web.drafts"
# a page that stood open for longer is opened anew; what it holds is sent all the same
_LIFE: Final = timedelta(days=14)
_LONGEST_PAGE: Final = 300


@dataclass(frozen=True, slots=True)
class Mark:
    """One opening of a form.

    Args:
        person: primary key of who opened it, as text.
        page: address of the form, without its language, then ``#`` and the id of the form on its page.
        version: edition of what the form is about; empty where there is none.
        draft: id under which this opening keeps what is typed.
        opened: when; drafts that were written later are news to this page.
        continues: the draft with which it was opened; it goes when this one is kept.
    """

    person: str
    page: str
    version: str
    draft: UUID
    opened: datetime
    continues: UUID | None = None

    def signed(self) -> str:
        """The mark as a form carries it."""
        continues = str(self.continues) if self.continues else ""
        whole = [
            self.person,
            self.page,
            self.version,
            str(self.draft),
            self.opened.isoformat(),
            continues,
        ]
        return signing.dumps(whole, salt=_SALT, compress=True)

    def renewed(self, version: str) -> Mark:
        """The same opening, after its reader learnt of everything that there is by now.

        Args:
            version: the edition that they were told of.
        """
        return replace(self, version=version, opened=now(), continues=None)


def new_mark(person: object, page: str, version: str, continues: UUID | None = None) -> Mark:
    """The mark of a form that is opened now."""
    return Mark(str(person), page, version, uuid7(), now(), continues)


def read_mark(signed: str, person: object) -> Mark | None:
    """The mark that a form carried; None where it is none, is too old, or is somebody else's.

    Args:
        signed: as the page had it.
        person: primary key of who sends it.
    """
    try:
        owner, page, version, draft, opened, continues = signing.loads(signed, salt=_SALT, max_age=_LIFE)
    except (signing.BadSignature, ValueError):
        return None
    if owner != str(person):
        return None
    return Mark(
        owner,
        page,
        version,
        UUID(draft),
        datetime.fromisoformat(opened),
        UUID(continues) if continues else None,
    )


def page_of(request: HttpRequest, form: str) -> str:
    """Under which address the drafts of a form are kept; empty where that is none.

    Args:
        request: of its page.
        form: its id on the page.
    """
    path = request.path_info
    language = get_language_from_path(path)
    page = f"{path[len(language) + 1 :]}#{form}" if language else ""
    return page if len(page) <= _LONGEST_PAGE else ""
