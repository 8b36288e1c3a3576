"""A node has one address, and one spelling of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.cooperation.partners.identity.addresses import base_address, is_base_address


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://cert.example", "https://cert.example"),
        ("https://cert.example/", "https://cert.example"),
        ("HTTPS://Cert.Example", "https://cert.example"),
        ("https://cert.example:443", "https://cert.example"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_every_spelling_of_an_address_becomes_one(written: str, address: str) -> None:
    assert base_address(written) == address
    assert is_base_address(address)
    assert is_base_address(written) is (written == address)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "cert.example",
        "ftp://cert.example",
        "https://",
        "https://cert.example/node",
        "https://cert.example?x=1",
        "https://cert.example#x",
        "https://user:word@cert.example",
        "https://cert.example:0",
        "https://cert.example:99999",
        "https://cert.example:port",
        "https://[2001:db8::1",
        "https://cert.example\n",
        " https://cert.example",
        "https://" + "a" * 300 + ".example",
    ],
)
def test_what_is_no_base_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        base_address(written)
    assert not is_base_address(written)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_be_an_address_or_not(text: str) -> None:
    assert is_base_address(text) in {True, False}
    assert is_base_address("https://" + text) in {True, False}
