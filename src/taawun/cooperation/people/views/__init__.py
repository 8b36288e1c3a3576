"""The pages of people: who is here, who is invited, and what one keeps about oneself."""

from taawun.cooperation.people.views.belonging import change_roles, disable, enable, leave, move
from taawun.cooperation.people.views.communities import (
    add_community,
    add_shipped,
    begin_span,
    communities,
    community,
    end_span,
    import_roll,
    nations,
    rename_community,
    strike_span,
)
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
    "add_community",
    "add_shipped",
    "begin_span",
    "change_roles",
    "communities",
    "community",
    "disable",
    "enable",
    "end_span",
    "give_role",
    "import_roll",
    "invitations",
    "invite",
    "invited",
    "leave",
    "move",
    "nations",
    "new_password",
    "new_password_link",
    "people",
    "person",
    "profile",
    "rename_community",
    "revoke_invitation",
    "revoke_token",
    "strike_span",
    "take_role",
    "tokens",
    "unsent_form",
]
