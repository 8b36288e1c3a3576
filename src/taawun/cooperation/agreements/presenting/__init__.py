"""Agreements in the reader's words: sentences of clauses, differences of versions, timelines, situations."""

from taawun.cooperation.agreements.presenting.differences import Change, Comparison, Section, compare
from taawun.cooperation.agreements.presenting.negotiation import Remark, signing_chart, thread
from taawun.cooperation.agreements.presenting.parties import (
    PartyCard,
    PartyTile,
    partners_of,
    party_cards,
    party_tiles,
)
from taawun.cooperation.agreements.presenting.sentences import (
    approvals_in_words,
    clause_in_words,
    flow,
    kept,
    on_end,
    onward,
)
from taawun.cooperation.agreements.presenting.situations import (
    Act,
    Badge,
    Situation,
    acts,
    badge,
    is_being_signed,
    open_counters,
    reason_given,
    situation,
)
from taawun.cooperation.agreements.presenting.terms import (
    agreed_facts,
    last_day,
    period,
    template_facts,
    term_day,
    term_facts,
)
from taawun.cooperation.agreements.presenting.timelines import Record, history, record_of, state_steps

__all__ = [
    "Act",
    "Badge",
    "Change",
    "Comparison",
    "PartyCard",
    "PartyTile",
    "Record",
    "Remark",
    "Section",
    "Situation",
    "acts",
    "agreed_facts",
    "approvals_in_words",
    "badge",
    "clause_in_words",
    "compare",
    "flow",
    "history",
    "is_being_signed",
    "kept",
    "last_day",
    "on_end",
    "onward",
    "open_counters",
    "partners_of",
    "party_cards",
    "party_tiles",
    "period",
    "reason_given",
    "record_of",
    "signing_chart",
    "situation",
    "state_steps",
    "template_facts",
    "term_day",
    "term_facts",
    "thread",
]
