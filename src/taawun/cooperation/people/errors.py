"""What this room refuses, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from taawun.cooperation.people.permissions import Role
from taawun.platform.web.formats import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "EditedMeanwhile",
    "InvitationRefused",
    "LastAdministrator",
    "NameRefused",
    "NotAllowed",
    "PeopleError",
    "RoleUnknown",
    "ScopeRefused",
    "TokenOutlives",
    "WishRefused",
    "ZoneRefused",
]


class NotAllowed(Exception):
    """The actor may not do this.

    Args:
        reason: stable code of the reason.
        sentence: the reason in the reader's language, with the mend.
        params: facts of the reason, for machines.
    """

    def __init__(self, reason: str, sentence: str, params: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.params = dict(params or {})


class PeopleError(ValueError):
    """An act on people that cannot be done as asked."""

    code = "people-refused"
    field = ""


class EditedMeanwhile(PeopleError):
    """Somebody else saved it since the editor opened it."""

    code = "edited-meanwhile"

    def __init__(self) -> None:
        super().__init__(_("Somebody else changed this meanwhile. Load it again and repeat your change."))


class NameRefused(PeopleError):
    """Nobody can be called that."""

    field = "name"

    def __init__(self) -> None:
        super().__init__(_("A name has 1 to 200 characters."))


class ZoneRefused(PeopleError):
    """No clock goes by that zone."""

    code = "no-such-zone"
    field = "zone"

    def __init__(self) -> None:
        super().__init__(_("This is no time zone; choose one like Asia/Kuala_Lumpur."))


class WishRefused(PeopleError):
    """Nobody can be told of that, or not in that way."""

    field = "kinds"


class InvitationRefused(PeopleError):
    """The invitation cannot be used."""

    code = "invitation-refused"

    def __init__(self) -> None:
        # one sentence for unknown, used and expired alike: a guesser learns nothing
        super().__init__(
            _("This invitation is unknown, used or expired. Ask your administrator for a new one.")
        )


class ScopeRefused(PeopleError):
    """A token was asked for with a scope its owner does not have."""

    code = "scope-refused"
    field = "scopes"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__(
            _("You do not have these permissions yourself, so a token cannot: %(scopes)s.")
            % {"scopes": listed(scopes)}
        )


class TokenOutlives(PeopleError):
    """A token was asked for that would live longer than the token that asks."""

    code = "outlives"
    field = "days"

    def __init__(self) -> None:
        super().__init__(
            _("A token that is made with a token lives no longer than it. Sign in to make one that does.")
        )


class RoleUnknown(PeopleError):
    """A role was named that there is not, or none at all.

    Args:
        field: the member of the body that names it.
    """

    def __init__(self, field: str = "roles") -> None:
        self.field = field
        super().__init__(_("Choose at least one of these roles: %(roles)s.") % {"roles": listed(Role.values)})


class LastAdministrator(PeopleError):
    """Without this role nobody could give it back."""

    code = "last-administrator"

    def __init__(self) -> None:
        super().__init__(_("This is the last administrator. Make somebody else one first."))


class RollRefused(PeopleError):
    """The roll of a community contradicts itself, or cannot be read.

    Args:
        sentence: what is wrong, and the mend.
        line: which line of the roll, counting from 1; 0 where it is the whole.
        column: which column of it.
    """

    code = "roll-refused"

    def __init__(self, sentence: str, line: int = 0, column: str = "") -> None:
        where = _("Line %(line)s: %(sentence)s") % {"line": line, "sentence": sentence} if line else sentence
        super().__init__(where)
        self.sentence = sentence
        self.line = line
        self.column = column
        self.field = "/".join(["spans", str(line - 1), column] if line else [column]).rstrip("/")


class ContactRefused(PeopleError):
    """Something that is said of a duty contact cannot be.

    Args:
        field: the member that is wrong.
        sentence: what is wrong, and the mend.
    """

    code = "contact-refused"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class ProviderRefused(PeopleError):
    """Something that is said of an identity provider cannot be.

    Args:
        field: the member that is wrong.
        sentence: what is wrong, and the mend.
    """

    code = "provider-refused"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class SignInRefused(PeopleError):
    """A provider's word lets nobody in.

    Args:
        code: why: the administrator finds it in the trail.
    """

    def __init__(self, code: str) -> None:
        super().__init__(
            _(
                "Your organisation knows you, but this node lets nobody in who was not invited. Ask an administrator."
            )
        )
        self.code = code
