"""The help of what is given and received: which text explains which pages."""

from pathlib import Path

from taawun.platform.web.help import HelpTopic
from taawun.platform.web.navigation import Group

__all__ = ["TOPICS"]

_HERE = Path(__file__).parent / "help"

TOPICS = (
    HelpTopic(
        "releases",
        _HERE,
        Group.COOPERATE,
        ("releases", "received", "release", "ledger", "agreement-duties"),
        order=90,
    ),
    HelpTopic(
        "receivers",
        _HERE,
        Group.COOPERATE,
        ("who-would-receive", "release-onward", "release-onward-withdraw"),
        order=95,
    ),
    HelpTopic(
        "guests",
        _HERE,
        Group.COOPERATE,
        ("guests", "guest-tokens", "guest-token-new", "guest-token-revoke"),
        order=100,
    ),
    HelpTopic("public", _HERE, Group.COOPERATE, ("public", "public-again", "release-public"), order=110),
)
