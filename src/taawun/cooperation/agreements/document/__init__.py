"""The agreement document: read once at the edge, typed inside (docs/protocol.md, "Agreement document"). Pure.

What parties sign is the exact text; it is parsed, never re-serialised, once it has been proposed.
"""

from taawun.cooperation.agreements.document.narrowing import check_meant, check_narrowings, narrowed
from taawun.cooperation.agreements.document.nouns import (
    ANY,
    KIND,
    MAX_CLAUSES,
    MAX_DAYS,
    MAX_PARTIES,
    MAX_PURPOSE,
    MAX_RULES,
    REF,
    TOPIC,
    Clause,
    Document,
    Narrowing,
    Onward,
    Paper,
    Part,
    Party,
)
from taawun.cooperation.agreements.document.reading import (
    MAX_BYTES,
    parse,
    parse_narrowings,
    parse_parts,
    parse_party,
)
from taawun.cooperation.agreements.document.writing import narrowing_json, part_json, party_json, write

__all__ = [
    "ANY",
    "KIND",
    "MAX_BYTES",
    "MAX_CLAUSES",
    "MAX_DAYS",
    "MAX_PARTIES",
    "MAX_PURPOSE",
    "MAX_RULES",
    "REF",
    "TOPIC",
    "Clause",
    "Document",
    "Narrowing",
    "Onward",
    "Paper",
    "Part",
    "Party",
    "check_meant",
    "check_narrowings",
    "narrowed",
    "narrowing_json",
    "parse",
    "parse_narrowings",
    "parse_parts",
    "parse_party",
    "part_json",
    "party_json",
    "write",
]
