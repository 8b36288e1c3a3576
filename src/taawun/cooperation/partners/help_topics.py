"""The help of partners, fingerprints and lanes: which text explains which pages."""

from pathlib import Path

from taawun.platform.web.help import HelpTopic
from taawun.platform.web.navigation import Group

__all__ = ["TOPICS"]

_HERE = Path(__file__).parent / "help"

TOPICS = (
    HelpTopic(
        "partners",
        _HERE,
        Group.COOPERATE,
        (
            "partners",
            "partner",
            "partner-add",
            "partner-ask",
            "partner-follow",
            "partner-unfollow",
            "partner-block",
            "partner-unblock",
            "partner-forget",
            "partner-give-up",
        ),
        order=10,
    ),
    HelpTopic("fingerprint", _HERE, Group.COOPERATE, ("partner-verify", "own-keys"), order=20),
    HelpTopic(
        "lanes",
        _HERE,
        Group.COOPERATE,
        (
            "partner-lanes",
            "partner-lane-files",
            "partner-lane-file",
            "partner-lane-brought",
            "partner-lane-restart",
            "partner-quarantine",
            "partner-proofs",
            "partner-statement",
            "partner-restart",
            "partner-restart-answer",
            "partner-restart-confirm",
        ),
        order=30,
    ),
)
