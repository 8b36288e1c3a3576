"""The help of threat intelligence: which text explains which pages."""

from pathlib import Path

from taawun.platform.web.help import HelpTopic
from taawun.platform.web.navigation import Group

__all__ = ["TOPICS"]

_HERE = Path(__file__).parent / "help"

TOPICS = (
    HelpTopic(
        "reports",
        _HERE,
        Group.DEFEND,
        ("reports", "report", "report-new", "report-edit", "report-bundle", "report-picture"),
        order=10,
    ),
    HelpTopic("publishing", _HERE, Group.DEFEND, ("report-publish", "report-withdraw"), order=20),
    HelpTopic(
        "objects",
        _HERE,
        Group.DEFEND,
        (
            "objects",
            "object",
            "object-download",
            "object-picture",
            "sighting-new",
            "sighting-count",
            "sighting-told",
        ),
        order=30,
    ),
    HelpTopic("imports", _HERE, Group.DEFEND, ("imports", "import-new", "import"), order=40),
)
