"""The help of the audit trail: which text explains which pages."""

from pathlib import Path

from taawun.platform.web.help import HelpTopic
from taawun.platform.web.navigation import Group

__all__ = ["TOPICS"]

_HERE = Path(__file__).parent / "help"

TOPICS = (HelpTopic("audit", _HERE, Group.NODE, ("audit", "audit-chain"), order=40),)
