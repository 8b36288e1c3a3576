"""The help of agreements, from the draft to the end: which text explains which pages."""

from pathlib import Path

from taawun.platform.web.help import HelpTopic
from taawun.platform.web.navigation import Group

__all__ = ["TOPICS"]

_HERE = Path(__file__).parent / "help"

TOPICS = (
    HelpTopic(
        "agreements",
        _HERE,
        Group.COOPERATE,
        (
            "agreements",
            "agreement",
            "agreement-version",
            "agreement-paper",
            "agreement-scan",
            "agreement-scan-file",
        ),
        order=40,
    ),
    HelpTopic(
        "drafting",
        _HERE,
        Group.COOPERATE,
        (
            "agreement-new",
            "agreement-templates",
            "agreement-template",
            "agreement-edit",
            "agreement-draft-parties",
            "agreement-draft-scan",
            "agreement-draft-paper",
            "agreement-propose",
            "agreement-discard",
        ),
        order=50,
    ),
    HelpTopic(
        "signing",
        _HERE,
        Group.COOPERATE,
        (
            "agreement-approve",
            "agreement-ratify",
            "agreement-decline",
            "agreement-counter",
            "agreement-adopt",
            "agreement-turn-down",
            "agreement-compare",
        ),
        order=60,
    ),
    HelpTopic(
        "joining",
        _HERE,
        Group.COOPERATE,
        (
            "agreement-accede",
            "agreement-invite",
            "agreement-newcomer",
            "agreement-newcomer-back",
            "agreement-declare",
            "agreement-lift",
        ),
        order=70,
    ),
    HelpTopic(
        "ending",
        _HERE,
        Group.COOPERATE,
        ("agreement-suspend", "agreement-resume", "agreement-leave", "agreement-terminate"),
        order=80,
    ),
)
