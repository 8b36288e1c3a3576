"""What the page of an agreement tells: where it stands, and what the reader may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

__all__ = ["Act", "Situation"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the case, and whether it waits for somebody here.

    Args:
        tone: of the notice: neutral, green, gold or alarm.
        sentence: what is the case; markup.
        link: words of the one link; empty without one.
        url: where it leads.
    """

    tone: str
    sentence: SafeString
    link: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """A step the reader may take.

    Args:
        label: words of the button; an ellipsis means that a question follows.
        url: where it is asked.
        style: ``primary``, ``danger`` or empty.
        icon: its icon, or empty.
        is_ending: whether it pauses or ends the agreement, so that it stands apart from the others.
        is_answer: whether it answers the other parties about the text, so that it stands below what they said.
    """

    label: str
    url: str
    style: str = ""
    icon: str = ""
    is_ending: bool = False
    is_answer: bool = False
