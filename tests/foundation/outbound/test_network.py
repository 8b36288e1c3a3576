"""Where the client goes: to the addresses that were checked, and to nobody who only claims a name."""

import datetime as dt
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from taawun.foundation.outbound import Outbound
from tests.foundation.outbound.loopback import (
    LOOPBACK,
    calling,
    failed,
    get,
    refused,
    response,
    says,
    serving,
)


class Answers:
    """A resolver that gives its answers one after the other and counts the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = answers
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", None),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0.0.0.0", None),  # noqa: S104 - named to be refused
        ("0", "0.0.0.0"),  # noqa: S104 - named to be refused
        ("[::1]", None),
        ("[::]", None),
        ("[::ffff:127.0.0.1]", None),
        ("[::ffff:7f00:1]", None),
        ("[fe80::1]", None),
        ("[fd00::1]", None),
        ("10.1.2.3", None),
        ("169.254.169.254", None),
        ("100.64.0.1", None),
        ("100.127.255.255", None),
        ("192.168.0.1", None),
        ("localhost", "127.0.0.1"),
        ("localhost.", "127.0.0.1"),
        ("intra.example", "10.0.0.8"),
        ("metadata.example", "169.254.169.254"),
        ("shared.example", "100.100.100.200"),
        ("six.example", "::1"),
        ("mapped.example", "::ffff:127.0.0.1"),
        ("scoped.example", "fe80::1%1"),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_private_address_is_not_called_however_it_is_written_or_named(host, address, scheme):
    resolver = Answers([address] if address else [])
    with Outbound(resolver=resolver) as outbound:
        assert refused(outbound, f"{scheme}://{host}/") == "private-address"
    assert resolver.asked == (0 if address is None else 1)


def test_the_private_addresses_of_a_host_are_passed_over_for_its_permitted_one():
    with serving(says(response(b"ok"))) as server:
        resolver = Answers(["10.0.0.8", "169.254.169.254", "127.0.0.1"])
        with Outbound(["127.0.0.1"], resolver=resolver) as outbound:
            assert get(outbound, f"http://xs.example:{server.port}/").body == b"ok"


def test_a_name_that_is_rebound_after_the_check_is_not_looked_up_again():
    with serving(says(response(b"ok"))) as server:
        resolver = Answers(["127.0.0.1"], ["169.254.169.254"])
        with Outbound(LOOPBACK, resolver=resolver) as outbound:
            for _ in range(3):
                assert get(outbound, f"http://xs.example:{server.port}/").body == b"ok"
        assert (resolver.asked, server.connections) == (1, 1)


def test_a_name_that_is_rebound_between_two_connections_is_checked_anew():
    with serving(says(response(b"ok", Connection="close"))) as server:
        resolver = Answers(["127.0.0.1"], ["169.254.169.254"])
        with Outbound(LOOPBACK, resolver=resolver) as outbound:
            url = f"http://xs.example:{server.port}/"
            assert get(outbound, url).body == b"ok"
            assert refused(outbound, url) == "private-address"
        assert server.connections == 1


def test_the_next_address_is_tried_when_one_does_not_answer():
    with serving(says(response(b"ok"))) as server:
        resolver = Answers(["127.0.0.2", "127.0.0.1"])
        with Outbound(LOOPBACK, resolver=resolver) as outbound:
            assert get(outbound, f"http://xs.example:{server.port}/").body == b"ok"


def test_a_host_may_be_allowed_by_name_and_port():
    with serving(says(response(b"ok"))) as server:
        resolver = Answers(["127.0.0.1"])
        with Outbound([f"xs.example:{server.port}"], resolver=resolver) as outbound:
            assert get(outbound, f"http://XS.example:{server.port}/").body == b"ok"
            assert refused(outbound, f"http://xs.example:{server.port + 1}/") == "private-address"
            assert refused(outbound, f"http://xn.example:{server.port}/") == "private-address"


def test_an_address_may_be_allowed_at_one_port_only():
    with serving(says(response(b"ok"))) as server, Outbound([f"127.0.0.1:{server.port}"]) as outbound:
        assert get(outbound, server.url).body == b"ok"
        assert refused(outbound, "http://127.0.0.1:1/") == "private-address"


def test_plain_http_is_not_spoken_to_the_open_internet():
    with Outbound(resolver=Answers(["192.88.98.1"])) as outbound:
        assert refused(outbound, "http://xs.example/") == "not-https"
        assert refused(outbound, "http://8.8.8.8/") == "not-https"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "xs.example",
        "//xs.example",
        "ftp://xs.example/",
        "file:///etc/hosts",
        "unix:///run/socket",
        "ws://xs.example/",
        "https://",
        "https:///path",
        "https://[::1",
        "https://xs.example:99999/",
        "https://xs.example:0/",
        "https://user@xs.example/",
        "https://user:secret@xs.example/",
        "https://xs.example/" + "a" * 9000,
        "https://xs.example/\n",
    ],
)
def test_an_address_that_is_not_plainly_http_is_refused(url):
    resolver = Answers([])
    with Outbound(resolver=resolver) as outbound:
        assert refused(outbound, url) == "bad-url"
    assert resolver.asked == 0


def test_a_secret_in_an_address_is_not_repeated_in_the_message():
    with Outbound() as outbound:
        assert "hunter2" not in str(refused(outbound, "https://user:hunter2@xs.example/"))


@pytest.mark.parametrize(
    "status", ["300 Multiple Choices", "301 Moved", "302 Found", "303 See", "307 T", "308 P"]
)
def test_a_redirect_is_not_followed(status):
    with calling(says(response(b"", status, Location="http://127.0.0.1:1/"))) as (outbound, server):
        assert refused(outbound, server.url) == "redirect"
        assert len(server.requests) == 1


def test_not_modified_is_no_redirect():
    with calling(says(b"HTTP/1.1 304 Not Modified\r\n\r\n")) as (outbound, server):
        assert get(outbound, server.url).status == 304


def test_a_proxy_named_in_the_environment_is_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with calling(says(response(b"ok"))) as (outbound, server):
        assert get(outbound, server.url).body == b"ok"


@pytest.mark.parametrize(
    "headers", [{"X-One": "a\r\nX-Two: b"}, {"X One": "a"}, {"X-One": "é"}, {"X-One": "a\x00"}]
)
def test_a_header_that_would_break_out_of_its_line_is_not_sent(headers):
    with calling(says(response(b"ok"))) as (outbound, server):
        assert refused(outbound, server.url, headers=headers) == "bad-request"
        assert server.requests == []


def test_a_lookup_that_hangs_is_given_up_at_the_deadline():
    release = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        release.wait(10)
        return []

    with Outbound(resolver=hanging) as outbound:
        started = time.monotonic()
        assert failed(outbound, "https://xs.example/", deadline_seconds=0.2) == "too-slow"
        assert time.monotonic() - started < 5
        release.set()


def test_a_name_that_nobody_knows_fails():
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with Outbound(resolver=unknown) as outbound:
        assert failed(outbound, "https://xs.example/") == "no-such-host"
    with Outbound(resolver=Answers([])) as outbound:
        assert failed(outbound, "https://xs.example/") == "no-such-host"


class Certificate:
    """A self-signed certificate for a name, the server's context with it and a client's that trusts it."""

    def __init__(self, name: str, folder: Path, *, days: int = 1) -> None:
        key = Ed25519PrivateKey.generate()
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=9))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, None)
        )
        pem = certificate.public_bytes(Encoding.PEM)
        file = folder / "certificate.pem"
        file.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.asked_for: list[str | None] = []
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(file)
        self.server.sni_callback = lambda _socket, name, _context: self.asked_for.append(name)
        self.client = ssl.create_default_context(cadata=pem.decode("ascii"))


def test_https_names_the_host_and_checks_its_certificate_though_it_connects_to_an_address(tmp_path):
    certificate = Certificate("xs.example", tmp_path)
    with serving(says(response(b"ok")), certificate.server) as server:
        resolver = Answers(["127.0.0.1"])
        with Outbound(LOOPBACK, resolver=resolver, tls=certificate.client) as outbound:
            url = f"https://xs.example:{server.port}/"
            assert [get(outbound, url).body for _ in range(3)] == [b"ok"] * 3
        assert certificate.asked_for == ["xs.example"]
        assert f"Host: xs.example:{server.port}".encode() in server.requests[0]
        assert server.connections == 1


def test_a_certificate_for_another_name_an_unknown_issuer_or_a_past_time_is_not_trusted(tmp_path):
    right, past = Certificate("xs.example", tmp_path), Certificate("xs.example", tmp_path, days=-1)
    resolver = Answers(["127.0.0.1"])
    with serving(says(response(b"ok")), right.server) as server:
        with Outbound(LOOPBACK, resolver=resolver, tls=right.client) as outbound:
            assert failed(outbound, f"https://xn.example:{server.port}/") == "tls-failed"
        with Outbound(LOOPBACK, resolver=resolver) as outbound:
            assert failed(outbound, f"https://xs.example:{server.port}/") == "tls-failed"
        assert server.requests == []
    with (
        serving(says(response(b"ok")), past.server) as server,
        Outbound(LOOPBACK, resolver=resolver, tls=past.client) as outbound,
    ):
        assert failed(outbound, f"https://xs.example:{server.port}/") == "tls-failed"


def test_https_to_a_server_that_speaks_plain_http_fails():
    with serving(says(response(b"ok"))) as server, Outbound(LOOPBACK) as outbound:
        # The server waits for the end of a request that never ends in its eyes.
        assert failed(outbound, f"https://127.0.0.1:{server.port}/", deadline_seconds=0.3) == "too-slow"


def test_a_handshake_that_hangs_is_given_up_at_the_deadline():
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, Outbound(LOOPBACK) as outbound:
        started = time.monotonic()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert failed(outbound, url, deadline_seconds=0.3) == "too-slow"
        assert time.monotonic() - started < 5
