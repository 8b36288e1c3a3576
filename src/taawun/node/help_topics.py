"""The help of the first page, the search and the help itself: which text explains which pages."""

from pathlib import Path

from taawun.platform.web.help import HelpTopic
from taawun.platform.web.navigation import Group

__all__ = ["TOPICS"]

_HERE = Path(__file__).parent / "help"

TOPICS = (
    HelpTopic("taawun", _HERE, Group.HOME, ("help", "help-topic"), order=0),
    # the glossary of the documentation, for whoever is new; no page has it as its help
    HelpTopic("words", _HERE, Group.HOME, (), order=5),
    HelpTopic("guide", _HERE, Group.HOME, ("guide",), order=8),
    HelpTopic("home", _HERE, Group.HOME, ("home", "search", "components"), order=10),
)
