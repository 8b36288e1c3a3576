"""The pages of partners: who they are, whether they are compared, and how their lanes stand."""

from taawun.cooperation.partners.views.knowing import (
    add,
    ask,
    block,
    follow_public,
    forget,
    give_up,
    own_keys,
    partner,
    unblock,
    unfollow_public,
    verify,
)
from taawun.cooperation.partners.views.lists import partner_lanes, partners
from taawun.cooperation.partners.views.setting_aside import quarantined

__all__ = [
    "add",
    "ask",
    "block",
    "follow_public",
    "forget",
    "give_up",
    "own_keys",
    "partner",
    "partner_lanes",
    "partners",
    "quarantined",
    "unblock",
    "unfollow_public",
    "verify",
]
