"""The WSGI environment, and who is believed to be the client."""

import io
import os
from ipaddress import ip_network
from typing import Any

import pytest

from taawun.node.server.environ import Peer, environ_of, peer_of
from tests.node.server.fakes import FakeHeaders, FakeScope

PEER = Peer("192.0.2.7", "40000", "https")


def environ(scope: FakeScope, length: int = 0) -> dict[str, Any]:  # Any: as the environment is
    return environ_of(scope, PEER, io.BytesIO(b"x" * length), length, threads=1)


def test_an_environment_holds_what_the_standard_names_and_no_setting_of_the_node(monkeypatch):
    monkeypatch.setenv("TAAWUN_SECRET_KEY", "secret")
    headers = FakeHeaders([("host", "node.example"), ("content-type", "text/plain"), ("content-length", "3")])
    scope = FakeScope(method="POST", path="/a b", query_string="q=%20", headers=headers)
    made = environ(scope, 3)
    assert made.pop("wsgi.input").read() == b"xxx"
    assert made.pop("wsgi.errors").writable()
    assert made == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "q=%20",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "taawun",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_PORT": "40000",
        "HTTP_HOST": "node.example",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    assert not set(made) & set(os.environ)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ar/تعاون", "/ar/\xd8\xaa\xd8\xb9\xd8\xa7\xd9\x88\xd9\x86"),
        ("/é", "/\xc3\xa9"),
        ("/a/../b//c", "/a/../b//c"),
    ],
)
def test_a_path_is_its_utf8_bytes_as_latin1(path, expected):
    assert environ(FakeScope(path=path))["PATH_INFO"] == expected


@pytest.mark.parametrize(("version", "expected"), [("1", "HTTP/1.0"), ("1.1", "HTTP/1.1"), ("2", "HTTP/2")])
def test_the_protocol_is_named_as_http_names_it(version, expected):
    assert environ(FakeScope(http_version=version))["SERVER_PROTOCOL"] == expected


def test_repeated_headers_are_joined_and_cookies_by_a_semicolon():
    headers = FakeHeaders([("x-a", "1"), ("cookie", "a=1"), ("x-a", "2"), ("cookie", "b=2")])
    made = environ(FakeScope(headers=headers))
    assert made["HTTP_X_A"] == "1,2"
    assert made["HTTP_COOKIE"] == "a=1; b=2"


def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_hyphen():
    headers = FakeHeaders([("x_forwarded_for", "198.51.100.1"), ("x_forwarded-proto", "https"), ("_", "x")])
    made = environ(FakeScope(headers=headers))
    assert [key for key in made if key.startswith("HTTP_")] == []


def test_headers_about_the_framing_and_the_proxy_header_are_left_out():
    headers = FakeHeaders(
        [("transfer-encoding", "chunked"), ("content-length", "999"), ("proxy", "http://192.0.2.1")]
    )
    made = environ(FakeScope(headers=headers), 3)
    assert [key for key in made if key.startswith("HTTP_")] == []
    assert made["CONTENT_LENGTH"] == "3"


def test_a_request_without_a_body_has_no_length():
    assert "CONTENT_LENGTH" not in environ(FakeScope())


def test_the_authority_of_a_target_in_absolute_form_overrules_the_host_header():
    scope = FakeScope(authority="right.example:1", headers=FakeHeaders([("host", "wrong.example")]))
    assert environ(scope)["HTTP_HOST"] == "right.example:1"


PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("192.0.2.7:40000", [], Peer("192.0.2.7", "40000", "http")),
        ("[2001:db8::7]:40000", [], Peer("2001:db8::7", "40000", "http")),
        # a stranger who claims to be somebody else
        ("192.0.2.7:1", [("x-forwarded-for", "10.1.1.1")], Peer("192.0.2.7", "1", "http")),
        ("192.0.2.7:1", [("x-forwarded-proto", "https")], Peer("192.0.2.7", "1", "http")),
        # a proxy that tells
        ("10.0.0.1:1", [("x-forwarded-for", "192.0.2.7")], Peer("192.0.2.7", "", "http")),
        ("[::1]:1", [("x-forwarded-for", "2001:db8::7")], Peer("2001:db8::7", "", "http")),
        ("10.0.0.1:1", [("x-forwarded-proto", "https")], Peer("10.0.0.1", "", "https")),
        ("10.0.0.1:1", [("x-forwarded-proto", "gopher")], Peer("10.0.0.1", "", "http")),
        # what the client itself wrote stands on the left
        ("10.0.0.1:1", [("x-forwarded-for", "198.51.100.1, 192.0.2.7")], Peer("192.0.2.7", "", "http")),
        (
            "10.0.0.1:1",
            [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "192.0.2.7,10.0.0.2")],
            Peer("192.0.2.7", "", "http"),
        ),
        ("10.0.0.1:1", [("x-forwarded-for", "192.0.2.7, nobody")], Peer("10.0.0.1", "", "http")),
        ("10.0.0.1:1", [("x-forwarded-for", "")], Peer("10.0.0.1", "", "http")),
        ("10.0.0.1:1", [("x-forwarded-for", "10.0.0.9, 10.0.0.2")], Peer("10.0.0.9", "", "http")),
    ],
)
def test_only_a_trusted_proxy_is_believed_about_the_client(client, headers, expected):
    assert peer_of(FakeScope(client=client, headers=FakeHeaders(headers)), PROXIES) == expected


def test_without_trusted_proxies_nobody_is_believed():
    scope = FakeScope(client="127.0.0.1:9", headers=FakeHeaders([("x-forwarded-for", "192.0.2.7")]))
    assert peer_of(scope, ()) == Peer("127.0.0.1", "9", "http")
