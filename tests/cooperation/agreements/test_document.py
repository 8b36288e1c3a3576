"""The agreement document: what is refused and where, and that nothing is lost between writing and reading."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import given

from taawun.cooperation.agreements.document import MAX_BYTES, Document, parse, write
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.people.models import Organisation
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from tests.strategies import documents

# a text is read, or refused in somebody's language; of the database it wants no more than that there is a node
pytestmark = pytest.mark.any_database

# JSON to be spoilt is of any type
Json = dict[str, Any]
Spoil = Callable[[Json], object]


def _node(ref: str, address: str) -> Json:
    return {
        "ref": ref,
        "kind": "node",
        "node": address,
        "nation": "XN",
        "organisation": {"en": ref},
        "kid": "k" * 43,
    }


def _valid() -> Json:
    return {
        "id": "0193b1a0-0000-7000-8000-000000000001",
        "version": 1,
        "title": {"en": "Sharing"},
        "parties": [
            _node("a", "https://a.example"),
            _node("b", "https://b.example"),
            {"ref": "g", "kind": "guest", "host": "b", "organisation": {"en": "Guest"}},
        ],
        "clauses": [
            {
                "ref": "1",
                "title": {"en": "Reports"},
                "from": ["any"],
                "to": ["b", "g"],
                "kinds": ["intel.report"],
                "tlp_max": "TLP:AMBER",
            }
        ],
        "valid_from": "2026-01-01T00:00:00Z",
    }


def _set(*path: str | int, to: object) -> Spoil:
    def spoil(value: Json) -> None:
        holder: Any = value
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = to

    return spoil


def _drop(*path: str | int) -> Spoil:
    def spoil(value: Json) -> None:
        holder: Any = value
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]

    return spoil


def _clause(member: str, to: object) -> Spoil:
    return _set("clauses", 0, member, to=to)


def test_a_document_with_only_what_is_needed_gets_the_careful_defaults() -> None:
    document = parse(json.dumps(_valid()).encode())
    clause = document.clauses[0]
    assert (document.accession, document.min_signatories, document.entry_into_force) == ("closed", 2, "all")
    assert (document.notice_days, document.valid_until, document.supersedes) == (0, None, "")
    assert (document.authentic_languages, document.prevailing, document.preamble) == (("en",), "", None)
    assert (clause.topics, clause.purpose, clause.recognises, clause.retention_days) == ((), (), (), None)
    assert (clause.onward.rule, clause.history, clause.on_termination) == ("none", "from-accession", "delete")
    assert (document.valid_from, clause.tlp_max) == (datetime(2026, 1, 1, tzinfo=UTC), Tlp.AMBER)
    assert document.digest == sha256(json.dumps(_valid()).encode())


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (_drop("id"), "/id"),
        (_set("id", to="AG-014"), "/id"),
        (_set("id", to=14), "/id"),
        (_drop("version"), "/version"),
        (_set("version", to=0), "/version"),
        (_set("version", to=True), "/version"),
        (_set("version", to="1"), "/version"),
        (_set("version", to=10_001), "/version"),
        (_drop("title"), "/title"),
        (_set("title", to={}), "/title"),
        (_set("title", to={"en": " "}), "/title"),
        (_set("title", to="Sharing"), "/title"),
        (_set("surprise", to=1), "/surprise"),
        (_drop("parties"), "/parties"),
        (_set("parties", to=[]), "/parties"),
        (_set("parties", to={}), "/parties"),
        (_set("parties", to=[_node(f"p{n}", f"https://p{n}.example") for n in range(251)]), "/parties"),
        (_set("parties", 1, to="b"), "/parties/1"),
        (_set("parties", 1, "surprise", to=1), "/parties/1/surprise"),
        (_set("parties", 1, "kind", to="observer"), "/parties/1/kind"),
        (_set("parties", 1, "node", to="b.example"), "/parties/1/node"),
        (_set("parties", 1, "node", to="https://b.example/path"), "/parties/1/node"),
        (_set("parties", 1, "node", to="https://B.example"), "/parties/1/node"),
        (_set("parties", 1, "node", to="https://[b"), "/parties/1/node"),
        (_set("parties", 1, "kid", to="k" * 42), "/parties/1/kid"),
        (_set("parties", 1, "kid", to="k" * 42 + "!"), "/parties/1/kid"),
        (_set("parties", 1, "nation", to="xn"), "/parties/1/nation"),
        (_set("parties", 1, "ref", to=""), "/parties/1/ref"),
        (_set("parties", 1, "ref", to="b b"), "/parties/1/ref"),
        (_set("parties", 1, "ref", to="b" * 41), "/parties/1/ref"),
        (_set("parties", 1, "organisation", to=None), "/parties/1/organisation"),
        (_set("parties", 1, "ref", to="a"), "/parties"),
        (_set("parties", 1, "ref", to="any"), "/parties"),
        (_set("parties", 1, "node", to="https://a.example"), "/parties"),
        (lambda value: value["parties"].pop(1), "/parties"),
        (lambda value: value["parties"].insert(0, value["parties"].pop()), "/parties/0"),
        (_set("parties", 2, "host", to="c"), "/parties/2/host"),
        (_set("parties", 2, "host", to="g"), "/parties/2/host"),
        (_drop("parties", 2, "host"), "/parties/2/host"),
        (_drop("clauses"), "/clauses"),
        (_set("clauses", to=[]), "/clauses"),
        (_set("clauses", 0, to=7), "/clauses/0"),
        (lambda value: value["clauses"].append(value["clauses"][0]), "/clauses/1/ref"),
        (_clause("ref", "1 2"), "/clauses/0/ref"),
        (_clause("title", {"en": ""}), "/clauses/0/title"),
        (_clause("from", []), "/clauses/0/from"),
        (_clause("to", []), "/clauses/0/to"),
        (_clause("to", ["c"]), "/clauses/0/to"),
        (_clause("to", ["any", "b"]), "/clauses/0/to"),
        (_clause("to", ["b", "b"]), "/clauses/0/to"),
        (_clause("to", "b"), "/clauses/0/to"),
        (_clause("to", [3]), "/clauses/0/to"),
        (_clause("kinds", []), "/clauses/0/kinds"),
        (_clause("kinds", ["Intel"]), "/clauses/0/kinds/0"),
        (_clause("kinds", ["*", "intel.*.x"]), "/clauses/0/kinds/1"),
        (_clause("topics", ["T1566"]), "/clauses/0/topics/0"),
        (_clause("topics", ["attack:T1566", "attack:a b"]), "/clauses/0/topics/1"),
        (_clause("tlp_max", "AMBER+"), "/clauses/0/tlp_max"),
        (_drop("clauses", 0, "tlp_max"), "/clauses/0/tlp_max"),
        (_clause("onward", "everybody"), "/clauses/0/onward"),
        (_clause("onward", {"named": ["https://c.example"], "or": 1}), "/clauses/0/onward"),
        (_clause("onward", {"named": ["c"]}), "/clauses/0/onward/named/0"),
        (_clause("onward", {"named": "https://c.example"}), "/clauses/0/onward/named"),
        (_clause("history", "some"), "/clauses/0/history"),
        (_clause("retention_days", 0), "/clauses/0/retention_days"),
        (_clause("retention_days", 1.5), "/clauses/0/retention_days"),
        (_clause("on_termination", "burn"), "/clauses/0/on_termination"),
        (_clause("recognises", {}), "/clauses/0/recognises"),
        (_clause("purpose", [""]), "/clauses/0/purpose"),
        (_clause("unless", "holiday"), "/clauses/0/unless"),
        (_drop("valid_from"), "/valid_from"),
        (_set("valid_from", to="2026-01-01"), "/valid_from"),
        (_set("valid_from", to="2026-01-01T00:00:00+03:00"), "/valid_from"),
        (_set("valid_until", to="2026-01-01T00:00:00Z"), "/valid_until"),
        (_set("valid_until", to="soon"), "/valid_until"),
        (_set("supersedes", to=1), "/supersedes"),
        (_set("accession", to="open"), "/accession"),
        (_set("min_signatories", to=1), "/min_signatories"),
        (_set("entry_into_force", to=1), "/entry_into_force"),
        (_set("entry_into_force", to="soon"), "/entry_into_force"),
        (_set("notice_days", to=-1), "/notice_days"),
        (_set("authentic_languages", to="en"), "/authentic_languages"),
        (_set("prevailing", to=["en"]), "/prevailing"),
        (_set("preamble", to="We"), "/preamble"),
    ],
)
@pytest.mark.django_db
def test_each_fault_is_refused_at_its_place(spoil: Spoil, place: str) -> None:
    value = _valid()
    spoil(value)
    with pytest.raises(DocumentRefused) as refused:
        parse(json.dumps(value).encode())
    assert refused.value.place == place
    assert str(refused.value).endswith(f": {refused.value.message}")


@pytest.mark.parametrize(
    ("spoil", "language", "sentence"),
    [
        (_clause("kinds", []), "en", "Clause 1 of the text, What may flow: names no kind"),
        (_clause("kinds", []), "ar", "البند ١ من النص، ما يجوز أن ينتقل: لا يذكر أي نوع"),
        (_clause("topics", ["T1566"]), "en", "Clause 1 of the text, Topics, entry 1: must be vocabulary:id"),
        (_clause("unless", "holiday"), "en", "Clause 1 of the text, “unless”: is not a member"),
        (
            _clause("retention_days", 0),
            "fr",
            "Clause 1 du texte, Conservation\u00a0: doit être un nombre entier",
        ),
        (_set("notice_days", to=-1), "en", "Notice: must be a whole number from 0 to 36,500"),
        (_drop("parties", 0, "kid"), "en", "Party 1 of the text, Key: must be the thumbprint"),
    ],
)
def test_a_fault_names_clause_and_field_in_the_readers_language(
    spoil: Spoil, language: str, sentence: str, node: Organisation
) -> None:
    value = _valid()
    spoil(value)
    with override(language):
        with pytest.raises(DocumentRefused) as refused:
            parse(json.dumps(value).encode())
        assert str(refused.value).startswith(sentence)


@pytest.mark.django_db
def test_a_purpose_is_what_somebody_typed_or_a_text_in_languages() -> None:
    value = _valid()
    value["clauses"][0]["purpose"] = ["as typed", {"ar": "الدفاع", "en": "defence"}]
    document = parse(json.dumps(value).encode())
    assert document.clauses[0].purpose == ("as typed", Text.of(en="defence", ar="الدفاع"))
    assert parse(write(document)).clauses == document.clauses
    for spoilt in ({"en": ""}, {}, {"English": "x"}, 3, "x" * 301, "\u202edefence", {"en": "\u2066defence"}):
        value["clauses"][0]["purpose"] = [spoilt]
        with pytest.raises(DocumentRefused, match="Purpose"):
            parse(json.dumps(value).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"id": 1, "id": 2}',
        b'{"id": "\xff"}',
        b'{"version": NaN}',
        b"[" * 5000,
        b'{"a": "' + b"x" * MAX_BYTES + b'"}',
    ],
    ids=["empty", "list", "null", "cut off", "twice", "not UTF-8", "NaN", "deep", "large"],
)
def test_what_is_no_json_object_is_refused_as_a_whole(text: bytes) -> None:
    with pytest.raises(DocumentRefused) as refused:
        parse(text)
    assert refused.value.place == ""


@given(documents())
def test_what_is_written_is_read_back_whole(document: Document) -> None:
    again = parse(write(document))
    assert again == document
    assert write(again) == document.text
    assert again.digest == sha256(again.text)


@given(documents())
def test_a_party_is_found_by_its_ref_its_address_and_its_key(document: Document) -> None:
    for party in document.parties:
        assert document.party(party.ref) is party
        if party.kind == "node":
            assert document.party_of(party.node) is party
            assert document.key_of(party) == party.node
        else:
            host = document.party(party.host)
            assert host is not None
            assert document.key_of(party) == f"{host.node}#{party.ref}"
    assert document.party_of("https://nobody.example") is None
    assert document.clause("nothing") is None
    assert document.depositary is document.parties[0]


@pytest.mark.parametrize(
    ("entry_into_force", "min_signatories", "needed"),
    [("all", 2, 2), (2, 2, 2), (2, 5, 2), (9, 2, 2)],
)
def test_no_more_signatures_are_needed_than_there_are_nodes(
    entry_into_force: str | int, min_signatories: int, needed: int
) -> None:
    document = parse(json.dumps(_valid()).encode())
    changed = replace(document, entry_into_force=entry_into_force, min_signatories=min_signatories)
    assert changed.required_signatures() == needed


@pytest.mark.parametrize(("parties", "clauses"), [(250, 40), (20, 500)])
def test_clauses_times_parties_are_limited_and_the_refusal_says_what_to_do(
    node: Organisation, parties: int, clauses: int
) -> None:
    made = _valid()
    guests = [
        {"ref": f"g{number}", "kind": "guest", "host": "b", "organisation": {"en": "Guest"}}
        for number in range(parties - 2)
    ]
    made["parties"] = [*made["parties"][:2], *guests]
    one = made["clauses"][0] | {"to": ["any"]}
    made["clauses"] = [one | {"ref": str(number)} for number in range(clauses)]
    assert len(parse(json.dumps(made).encode()).clauses) == clauses
    made["parties"].append({"ref": "more", "kind": "guest", "host": "b", "organisation": {"en": "Guest"}})
    if parties == 250:
        made["parties"].pop()
        made["clauses"].append(one | {"ref": "more"})
    with pytest.raises(DocumentRefused) as refused:
        parse(json.dumps(made).encode())
    assert refused.value.place == "/clauses"
    assert "10,000 rules; write fewer clauses, or divide it into several agreements" in str(refused.value)
