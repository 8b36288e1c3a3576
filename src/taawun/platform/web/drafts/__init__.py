"""What somebody writes into a form is kept by itself until it is sent, so that nothing typed is lost.

A form opts in with the tag ``keeps_draft``. It gives the page a *mark*: a signed note of who opened which form, when,
and about which version of its subject. A script sends the mark with what was typed a few seconds after the last key.
When the form is opened again, the page says what was kept; it never writes over what is there.

Each opening of a form has a draft of its own. So two tabs keep two drafts, and whoever saves second learns of the
first. Drafts are no acts: nobody else sees them, nothing comes of them, and the audit trail does not name them.
"""

from taawun.platform.web.drafts.keeping import (
    LIFE,
    MOST_OF_A_PAGE,
    MOST_OF_A_PERSON,
    TooLong,
    discard,
    gone_on_with,
    keep,
    kept,
    prune,
)
from taawun.platform.web.drafts.marks import FIELD, Mark, read_mark
from taawun.platform.web.drafts.showing import Difference, differences, refill, words_in
from taawun.platform.web.drafts.subjects import DraftSubject, Stale, Standing, standing_at

__all__ = [
    "FIELD",
    "LIFE",
    "MOST_OF_A_PAGE",
    "MOST_OF_A_PERSON",
    "Difference",
    "DraftSubject",
    "Mark",
    "Stale",
    "Standing",
    "TooLong",
    "differences",
    "discard",
    "gone_on_with",
    "keep",
    "kept",
    "prune",
    "read_mark",
    "refill",
    "standing_at",
    "words_in",
]
