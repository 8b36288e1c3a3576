"""The help of the notices: which text explains which pages."""

from pathlib import Path

from taawun.platform.web.help import HelpTopic
from taawun.platform.web.navigation import Group

__all__ = ["TOPICS"]

_HERE = Path(__file__).parent / "help"

TOPICS = (
    HelpTopic(
        "notices",
        _HERE,
        Group.NODE,
        ("notices", "notices-history", "notices-resolve", "notice-resolve", "notice-reopen"),
        order=10,
    ),
)
