"""Writing a document that nobody has proposed yet, and a party as an invitation names it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taawun.foundation.clock import timestamp
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from taawun.cooperation.agreements.document.nouns import Clause, Document, Narrowing, Paper, Part, Party

__all__ = ["narrowing_json", "part_json", "party_json", "write"]


def write(document: Document) -> bytes:
    """The text of a document that has not been proposed yet; its own ``text`` and ``digest`` are not looked at."""
    value: dict[str, object] = {
        "id": str(document.id),
        "version": document.version,
        "title": document.title.to_json(),
        "parties": [party_json(party) for party in document.parties],
        "clauses": [_clause_json(clause) for clause in document.clauses],
        "valid_from": timestamp(document.valid_from),
        "accession": document.accession,
        "min_signatories": document.min_signatories,
        "entry_into_force": document.entry_into_force,
        "notice_days": document.notice_days,
        "authentic_languages": list(document.authentic_languages),
    }
    optional: dict[str, tuple[object, Callable[[Any], object]]] = {
        "valid_until": (document.valid_until, timestamp),
        "supersedes": (document.supersedes, str),
        "prevailing": (document.prevailing, str),
        "preamble": (document.preamble, lambda words: words.to_json()),
        "instrument": (document.instrument, _paper_json),
    }
    value.update({name: show(held) for name, (held, show) in optional.items() if held})
    return canonical(value)


def _paper_json(paper: Paper) -> dict[str, object]:
    return {"title": paper.title.to_json(), "date": paper.date.isoformat(), "digest": paper.digest}


def party_json(party: Party) -> dict[str, object]:
    """A party as a document or an invitation names it."""
    found: dict[str, object] = {
        "ref": party.ref,
        "kind": party.kind,
        "organisation": party.organisation.to_json(),
    }
    members = {"node": party.node, "host": party.host, "nation": party.nation, "kid": party.kid}
    found.update({name: held for name, held in members.items() if held})
    if party.ratifies:
        found["ratifies"] = True
    return found


def _clause_json(clause: Clause) -> dict[str, object]:
    onward: object = clause.onward.rule
    if clause.onward.rule == "named":
        onward = {"named": list(clause.onward.named)}
    found: dict[str, object] = {
        "ref": clause.ref,
        "title": clause.title.to_json(),
        "from": list(clause.senders),
        "to": list(clause.receivers),
        "kinds": list(clause.kinds),
        "topics": list(clause.topics),
        "tlp_max": clause.tlp_max.label,
        "purpose": [each.to_json() if isinstance(each, Text) else each for each in clause.purpose],
        "onward": onward,
        "history": clause.history,
        "on_termination": clause.on_termination,
    }
    if clause.retention_days is not None:
        found["retention_days"] = clause.retention_days
    if clause.recognises:
        found["recognises"] = [dict(each) for each in clause.recognises]
    return found


def narrowing_json(narrowing: Narrowing) -> dict[str, object]:
    """A narrowing as a declaration says it."""
    found: dict[str, object] = {"clause": narrowing.clause, "direction": narrowing.direction}
    if narrowing.tlp_max is not None:
        found["tlp_max"] = narrowing.tlp_max.label
    lists = {"kinds": narrowing.kinds, "topics": narrowing.topics, "without": narrowing.without}
    found.update({name: list(held) for name, held in lists.items() if held})
    return found


def part_json(part: Part) -> dict[str, object]:
    """A clause in which an invited party takes part, as an invitation says it."""
    return {"clause": part.clause, "directions": list(part.directions)}
