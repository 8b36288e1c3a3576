"""The pages of people: who is here, who is invited, and what one keeps about oneself."""

from taawun.cooperation.people.views.belonging import change_roles, disable, enable, leave, move
from taawun.cooperation.people.views.invitations import (
    accept,
    invitations,
    invite,
    invited,
    revoke_invitation,
)
from taawun.cooperation.people.views.oneself import profile, revoke_token, tokens, unsent_form
from taawun.cooperation.people.views.persons import (
    give_role,
    new_password,
    new_password_link,
    people,
    person,
    take_role,
)

__all__ = [
    "accept",
    "change_roles",
    "disable",
    "enable",
    "give_role",
    "invitations",
    "invite",
    "invited",
    "leave",
    "move",
    "new_password",
    "new_password_link",
    "people",
    "person",
    "profile",
    "revoke_invitation",
    "revoke_token",
    "take_role",
    "tokens",
    "unsent_form",
]
