"""The pages of releases: who would receive something, what was given and received, and what goes on from here."""

from taawun.cooperation.federation.views.duties import agreement_duties
from taawun.cooperation.federation.views.guests import (
    guest_tokens,
    guests,
    new_guest_token,
    revoke_guest_token,
)
from taawun.cooperation.federation.views.listing import ledger, release, releases, who_would_receive
from taawun.cooperation.federation.views.onward import onward_share, onward_withdraw
from taawun.cooperation.federation.views.public import public_releases, release_public
from taawun.cooperation.federation.views.public_again import public_again
from taawun.cooperation.federation.views.received import received

__all__ = [
    "agreement_duties",
    "guest_tokens",
    "guests",
    "ledger",
    "new_guest_token",
    "onward_share",
    "onward_withdraw",
    "public_again",
    "public_releases",
    "received",
    "release",
    "release_public",
    "releases",
    "revoke_guest_token",
    "who_would_receive",
]
