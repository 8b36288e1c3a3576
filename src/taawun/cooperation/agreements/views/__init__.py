"""The pages of agreements."""

from taawun.cooperation.agreements.views.drafting import edit, new, template, templates
from taawun.cooperation.agreements.views.inviting import invite
from taawun.cooperation.agreements.views.joining import accede, declare, leave, lift, ratify
from taawun.cooperation.agreements.views.lists import agreements
from taawun.cooperation.agreements.views.newcomers import confirm_newcomer, take_back_newcomer
from taawun.cooperation.agreements.views.papers import draft_scan, scan, scan_file
from taawun.cooperation.agreements.views.parties import draft_parties
from taawun.cooperation.agreements.views.printing import draft_paper, paper
from taawun.cooperation.agreements.views.reading import agreement, compare, version
from taawun.cooperation.agreements.views.steps import (
    adopt,
    approve,
    counter,
    discard,
    propose,
    turn_down,
)
from taawun.cooperation.agreements.views.stopping import decline, resume, suspend, terminate

__all__ = [
    "accede",
    "adopt",
    "agreement",
    "agreements",
    "approve",
    "compare",
    "confirm_newcomer",
    "counter",
    "declare",
    "decline",
    "discard",
    "draft_paper",
    "draft_parties",
    "draft_scan",
    "edit",
    "invite",
    "leave",
    "lift",
    "new",
    "paper",
    "propose",
    "ratify",
    "resume",
    "scan",
    "scan_file",
    "suspend",
    "take_back_newcomer",
    "template",
    "templates",
    "terminate",
    "turn_down",
    "version",
]
