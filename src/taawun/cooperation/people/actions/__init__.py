"""The verbs on people: every write of this room."""

from taawun.cooperation.people.actions.invitations import (
    INVITATION_LIFE,
    accept_invitation,
    invite,
    revoke_invitation,
)
from taawun.cooperation.people.actions.minting import Minted
from taawun.cooperation.people.actions.oneself import (
    change_password,
    make_password_link,
    rename,
    set_language,
)
from taawun.cooperation.people.actions.organisations import add_organisation, establish_host
from taawun.cooperation.people.actions.roles import (
    disable,
    enable,
    give_role,
    leave,
    move,
    set_roles,
    take_role,
)
from taawun.cooperation.people.actions.tokens import create_token, revoke_token

__all__ = [
    "INVITATION_LIFE",
    "Minted",
    "accept_invitation",
    "add_organisation",
    "change_password",
    "create_token",
    "disable",
    "enable",
    "establish_host",
    "give_role",
    "invite",
    "leave",
    "make_password_link",
    "move",
    "rename",
    "revoke_invitation",
    "revoke_token",
    "set_language",
    "set_roles",
    "take_role",
]
