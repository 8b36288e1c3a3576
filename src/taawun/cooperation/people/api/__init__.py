"""The machine face of people: oneself, tokens, persons and roles, invitations, organisations, nations."""

from __future__ import annotations

from typing import Any, Final

from taawun.cooperation.people.api import (
    communities,
    contacts,
    invitations,
    nations,
    notifications,
    oneself,
    organisations,
    permissions,
    persons,
    providers,
)
from taawun.cooperation.people.api.routing import router, words
from taawun.cooperation.people.errors import EditedMeanwhile, NotAllowed, PeopleError
from taawun.platform.web.api import ErrorAnswers, Refusal

__all__ = [
    "ERRORS",
    "communities",
    "contacts",
    "invitations",
    "nations",
    "notifications",
    "oneself",
    "organisations",
    "permissions",
    "persons",
    "providers",
    "router",
    "words",
]


def _not_allowed(refused: NotAllowed) -> Refusal:
    facts: dict[str, Any] = dict(refused.params)  # further members of the problem document
    return Refusal(403, refused.reason, refused.sentence, **facts)


def _people_error(error: PeopleError) -> Refusal:
    return Refusal(422, error.code, str(error), pointer=f"/{error.field}" if error.field else "")


def _edited_meanwhile(error: EditedMeanwhile) -> Refusal:
    return Refusal(412, error.code, str(error))


ERRORS: Final[ErrorAnswers] = {
    NotAllowed: _not_allowed,
    PeopleError: _people_error,
    EditedMeanwhile: _edited_meanwhile,
}
