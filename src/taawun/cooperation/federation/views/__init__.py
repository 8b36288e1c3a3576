"""The pages of releases: who would receive something, what was given and received, and what goes on from here."""

from taawun.cooperation.federation.views.duties import agreement_duties
from taawun.cooperation.federation.views.listing import ledger, release, releases, who_would_receive
from taawun.cooperation.federation.views.onward import onward_share, onward_withdraw

__all__ = [
    "agreement_duties",
    "ledger",
    "onward_share",
    "onward_withdraw",
    "release",
    "releases",
    "who_would_receive",
]
