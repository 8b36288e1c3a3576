"""The verbs on people: every write of this room."""

from taawun.cooperation.people.actions.communities import (
    add_community,
    add_shipped_community,
    begin_span,
    end_span,
    rename_community,
    replace_roll,
    strike_span,
)
from taawun.cooperation.people.actions.contacts import (
    ContactFields,
    add_contact,
    change_contact,
    record_contact_test,
    remove_contact,
)
from taawun.cooperation.people.actions.invitations import (
    INVITATION_LIFE,
    accept_invitation,
    invite,
    revoke_invitation,
)
from taawun.cooperation.people.actions.minting import Minted
from taawun.cooperation.people.actions.oneself import (
    change_password,
    hide_guide,
    look,
    make_password_link,
    rename,
    set_language,
    set_reading,
)
from taawun.cooperation.people.actions.organisations import (
    add_organisation,
    change_organisation,
    establish_host,
)
from taawun.cooperation.people.actions.roles import (
    disable,
    enable,
    give_role,
    leave,
    move,
    set_roles,
    take_role,
)
from taawun.cooperation.people.actions.sign_in import (
    ProviderFields,
    add_provider,
    admit_identity,
    change_provider,
    refuse_identity,
    remove_provider,
)
from taawun.cooperation.people.actions.tokens import create_token, revoke_token
from taawun.cooperation.people.actions.wishes import choose_notifications, stop_letters, stop_summary

__all__ = [
    "INVITATION_LIFE",
    "ContactFields",
    "Minted",
    "ProviderFields",
    "accept_invitation",
    "add_community",
    "add_contact",
    "add_organisation",
    "add_provider",
    "add_shipped_community",
    "admit_identity",
    "begin_span",
    "change_contact",
    "change_organisation",
    "change_password",
    "change_provider",
    "choose_notifications",
    "create_token",
    "disable",
    "enable",
    "end_span",
    "establish_host",
    "give_role",
    "hide_guide",
    "invite",
    "leave",
    "look",
    "make_password_link",
    "move",
    "record_contact_test",
    "refuse_identity",
    "remove_contact",
    "remove_provider",
    "rename",
    "rename_community",
    "replace_roll",
    "revoke_invitation",
    "revoke_token",
    "set_language",
    "set_reading",
    "set_roles",
    "stop_letters",
    "stop_summary",
    "strike_span",
    "take_role",
]
