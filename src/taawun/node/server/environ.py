"""The WSGI environment (PEP 3333) of a request."""

import sys
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import IO, Any, Final

from taawun.node.server.wire import RequestHeaders, Scope

# The process's own environment is left out on purpose: PEP 3333 allows it, and it holds the node's secrets.
_ALWAYS: Final[dict[str, Any]] = {  # Any: PEP 3333 lets an environment hold objects of any type
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "taawun",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}
_LEFT_OUT: Final = frozenset({"HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH", "HTTP_PROXY"})

Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """Who sent a request, and how.

    Attributes:
        address: the client's address.
        port: the client's port; empty where a proxy stands between.
        scheme: ``http`` or ``https``.
    """

    address: str
    port: str
    scheme: str


def peer_of(scope: Scope, trusted_proxies: Networks) -> Peer:
    """Find who sent a request, also through a proxy that is trusted to tell.

    Args:
        scope: the request's head.
        trusted_proxies: the networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are
            believed.

    Returns:
        The other end of the connection; or, if that is a trusted proxy, the last address that no trusted
        proxy added about another. What a client wrote into the header itself is never believed.
    """
    address, _, port = scope.client.rpartition(":")
    address = address.strip("[]")
    if not trusted_proxies or not _within(address, trusted_proxies):
        return Peer(address, port, scope.scheme)
    told = scope.headers.get("x-forwarded-proto", "")
    scheme = told if told in {"http", "https"} else scope.scheme
    hops = [
        hop.strip()
        for name, value in scope.headers.items()
        if name == "x-forwarded-for"
        for hop in value.split(",")
    ]
    for hop in reversed(hops):
        if not _is_address(hop):
            break
        address = hop
        if not _within(hop, trusted_proxies):
            break
    return Peer(address, "", scheme)


def environ_of(scope: Scope, peer: Peer, body: IO[bytes], length: int, *, threads: int) -> dict[str, Any]:
    """Make the WSGI environment of a request.

    Args:
        scope: the request's head.
        peer: who sent it.
        body: its whole body, at its beginning.
        length: the body's length in bytes.
        threads: how many threads the application runs in.

    Returns:
        The environment. Text is "bytes as latin-1", as PEP 3333 has it. Repeated headers are joined; a header
        whose name holds an underscore is dropped, since it could not be told from one with a hyphen.
    """
    server, _, port = scope.server.rpartition(":")
    environ = _ALWAYS.copy()
    environ["wsgi.multithread"] = threads > 1
    environ["wsgi.url_scheme"] = peer.scheme
    environ["wsgi.input"] = body
    environ["REQUEST_METHOD"] = scope.method
    environ["PATH_INFO"] = scope.path.encode().decode("latin-1")
    environ["QUERY_STRING"] = scope.query_string
    environ["SERVER_NAME"] = server.strip("[]")
    environ["SERVER_PORT"] = port
    environ["SERVER_PROTOCOL"] = "HTTP/1.0" if scope.http_version == "1" else f"HTTP/{scope.http_version}"
    environ["REMOTE_ADDR"] = peer.address
    environ["REMOTE_PORT"] = peer.port
    _add_headers(environ, scope.headers)
    if length:
        environ["CONTENT_LENGTH"] = str(length)
    if scope.authority is not None:
        environ["HTTP_HOST"] = scope.authority  # RFC 9112, 3.2.2: it overrules the Host header
    return environ


def _add_headers(environ: dict[str, Any], headers: RequestHeaders) -> None:
    for name, value in headers.items():
        key = _key_of(name)
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value
        elif key:
            environ[key] = value


@lru_cache(maxsize=1024)
def _key_of(name: str) -> str:
    """The key of a header in the environment; empty where it has none."""
    if "_" in name:
        return ""
    key = name.upper().replace("-", "_")
    if key == "CONTENT_TYPE":
        return key
    return "" if (key := f"HTTP_{key}") in _LEFT_OUT else key


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, networks: Networks) -> bool:
    if not _is_address(address):
        return False
    parsed = ip_address(address)
    return any(parsed in network for network in networks)
