"""The report of the demonstration where no real data is at hand: invented, and about plain crime.

Domains end in ``.example`` (RFC 2606), addresses are documentation's (RFC 5737). Nothing here was ever seen.
"""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["TITLE", "bundle"]

TITLE: Final = "Credential phishing against customs portals, wave 3"
_AT: Final = "2026-11-20T07:58:00.000Z"


def bundle() -> bytes:
    """The report with its objects as a STIX 2.1 bundle."""
    objects = [*_things(), *_indicators(), *_ties()]
    report = _object(
        "report",
        1,
        name=TITLE,
        description=(
            "A third wave of messages imitates the single-window customs portal. The lure is a duty notice; the link "
            "leads to a copied sign-in page behind a short-lived certificate. Stolen sessions are replayed within "
            "minutes from a rented address range."
        ),
        report_types=["campaign"],
        published=_AT,
        object_refs=[each["id"] for each in objects],
    )
    return json.dumps({"type": "bundle", "id": _id("bundle", 1), "objects": [report, *objects]}).encode()


def _id(type_: str, number: int) -> str:
    return f"{type_}--5f0c7f5a-0000-4000-8000-{number:012d}"


def _object(type_: str, number: int, **properties: Any) -> dict[str, Any]:
    # Any: a STIX object is JSON of any shape
    head = {"type": type_, "spec_version": "2.1", "id": _id(type_, number), "created": _AT, "modified": _AT}
    return {**head, **properties}


def _things() -> list[dict[str, Any]]:
    technique = [{"source_name": "mitre-attack", "external_id": "T1566.002"}]
    return [
        _object("campaign", 2, name="Duty notice"),
        _object("tool", 3, name="Kit B, copied sign-in page", tool_types=["credential-exploitation"]),
        _object("infrastructure", 4, name="Rented range", infrastructure_types=["phishing"]),
        _object("attack-pattern", 5, name="Spearphishing Link", external_references=technique),
    ]


def _indicators() -> list[dict[str, Any]]:
    patterns = (
        ("customs-duty.example", "[domain-name:value = 'customs-duty.example']"),
        (
            "portal.customs-duty.example/v3/login",
            "[url:value = 'https://portal.customs-duty.example/v3/login']",
        ),
        ("198.51.100.23", "[ipv4-addr:value = '198.51.100.23']"),
        ("203.0.113.64/27", "[ipv4-addr:value = '203.0.113.64/27']"),
        ("notice@duty-office.example", "[email-addr:value = 'notice@duty-office.example']"),
    )
    return [
        _object(
            "indicator",
            10 + number,
            name=name,
            pattern=pattern,
            pattern_type="stix",
            indicator_types=["malicious-activity"],
            valid_from=_AT,
            confidence=85,
        )
        for number, (name, pattern) in enumerate(patterns)
    ]


def _ties() -> list[dict[str, Any]]:
    ties = [
        (_id("campaign", 2), "uses", _id("tool", 3)),
        (_id("campaign", 2), "uses", _id("infrastructure", 4)),
        (_id("campaign", 2), "uses", _id("attack-pattern", 5)),
        (_id("indicator", 10), "indicates", _id("tool", 3)),
        (_id("indicator", 11), "indicates", _id("tool", 3)),
        (_id("indicator", 12), "indicates", _id("infrastructure", 4)),
        (_id("indicator", 13), "indicates", _id("infrastructure", 4)),
        (_id("indicator", 14), "indicates", _id("campaign", 2)),
    ]
    return [
        _object("relationship", 20 + number, source_ref=source, relationship_type=kind, target_ref=target)
        for number, (source, kind, target) in enumerate(ties)
    ]
