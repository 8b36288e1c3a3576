"""The verbs on agreements: draft, negotiate, sign, ratify, join, leave, narrow, suspend and end."""

from taawun.cooperation.agreements.actions.drafting import (
    adopt,
    counter,
    discard_draft,
    draft,
    edit_draft,
    propose,
    turn_down,
)
from taawun.cooperation.agreements.actions.joining import (
    OPEN_DAYS,
    confirm_newcomer,
    countersign,
    invite,
    take_back_newcomer,
)
from taawun.cooperation.agreements.actions.papers import MAX_SCAN_BYTES, attach_scan
from taawun.cooperation.agreements.actions.signing import APPROVALS, accede, approve, ratify
from taawun.cooperation.agreements.actions.speaking import (
    INSTRUMENT_TYP,
    SIGNATURE_TYP,
    changed,
    changing,
    next_agreement_number,
    urn,
)
from taawun.cooperation.agreements.actions.stopping import (
    declare,
    decline,
    leave,
    lift,
    resume,
    suspend,
    terminate,
)

__all__ = [
    "APPROVALS",
    "INSTRUMENT_TYP",
    "MAX_SCAN_BYTES",
    "OPEN_DAYS",
    "SIGNATURE_TYP",
    "accede",
    "adopt",
    "approve",
    "attach_scan",
    "changed",
    "changing",
    "confirm_newcomer",
    "counter",
    "countersign",
    "declare",
    "decline",
    "discard_draft",
    "draft",
    "edit_draft",
    "invite",
    "leave",
    "lift",
    "next_agreement_number",
    "propose",
    "ratify",
    "resume",
    "suspend",
    "take_back_newcomer",
    "terminate",
    "turn_down",
    "urn",
]
