"""Answers that pySAML2 7 wrote and signed with xmlsec1 to a request of this node: another reading of the standard."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from taawun.cooperation.people.oidc import Claims
from taawun.cooperation.people.saml import Idp, SamlRefused, Service, finish
from taawun.foundation.clock import frozen

ANSWERS = Path(__file__).parent / "answers"
WRITTEN = datetime(2026, 11, 29, 16, 21, 48, tzinfo=UTC)
IDP = Idp(
    "https://idp.example/metadata",
    "https://idp.example/sso",
    (ANSWERS / "certificate.pem").read_text(encoding="ascii"),
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
)
NODE = Service(
    "https://north.example/people/providers/1/metadata", "https://north.example/people/sign-in/answer"
)


def _posted(name: str) -> str:
    return base64.b64encode((ANSWERS / name).read_bytes()).decode()


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        # the response and its assertion signed, RSA over SHA-256; a NameID that lasts
        ("lasting.xml", "4c8f081f34f5b4e60192b6d0e54361e35e15116a69808a8ffced82623a8616ce"),
        # the assertion alone, RSA over SHA-512; a NameID made anew each time, with the attribute subject-id
        ("passing.xml", "subject-id:amal@university.example"),
    ],
)
def test_what_another_implementation_signed_is_read(name: str, subject: str) -> None:
    with frozen(WRITTEN):
        answer = finish(IDP, NODE, _posted(name))
    assert answer.claims == Claims(
        subject=subject,
        email="amal@university.example",
        name="Amal Example",
        groups=frozenset({"analysts"}),
    )
    assert answer.request == "_d172d4f14131ebccfd61e8eba05f9d8c7d912c0f"


@pytest.mark.parametrize("name", ["lasting.xml", "passing.xml"])
def test_it_is_over_after_its_time(name: str) -> None:
    with frozen(WRITTEN + timedelta(minutes=16, seconds=1)), pytest.raises(SamlRefused) as refused:
        finish(IDP, NODE, _posted(name))
    assert refused.value.code == "expired"
