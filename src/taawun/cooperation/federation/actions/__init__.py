"""The verbs on releases: publish, share onward, withdraw. Nothing leaves a node by another way."""

from taawun.cooperation.federation.actions.guests import (
    give_as_guest,
    issue_guest_token,
    revoke_guest_token,
    tell_readings,
)
from taawun.cooperation.federation.actions.letting_go import let_go
from taawun.cooperation.federation.actions.onward import preview_onward, share_onward
from taawun.cooperation.federation.actions.public import publish_to_everybody
from taawun.cooperation.federation.actions.public_again import (
    PUBLIC_AGAIN,
    Verb,
    decide_about_all,
    leave_off,
    put_back,
    refusals,
)
from taawun.cooperation.federation.actions.publishing import Draft, ensure_public, publish, urn
from taawun.cooperation.federation.actions.reaching import onward_counts, tell_reach
from taawun.cooperation.federation.actions.withdrawing import take_back_onward, withdraw

__all__ = [
    "PUBLIC_AGAIN",
    "Draft",
    "Verb",
    "decide_about_all",
    "ensure_public",
    "give_as_guest",
    "issue_guest_token",
    "leave_off",
    "let_go",
    "onward_counts",
    "preview_onward",
    "publish",
    "publish_to_everybody",
    "put_back",
    "refusals",
    "revoke_guest_token",
    "share_onward",
    "take_back_onward",
    "tell_reach",
    "tell_readings",
    "urn",
    "withdraw",
]
