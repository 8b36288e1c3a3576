"""The client: one request, one answer, within one size and one time."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

import httpcore
import httpx

from taawun.foundation.outbound.addresses import HIGHEST_PORT, AllowList
from taawun.foundation.outbound.decoding import ACCEPTED, decoded
from taawun.foundation.outbound.errors import OutboundFailed, OutboundRefused
from taawun.foundation.outbound.network import Deadline, GuardedNetwork, Pace, Resolver, system_resolver

_LONGEST_URL: Final = 8192
_CONNECTIONS: Final = 64
_IDLE_CONNECTIONS: Final = 32
# Below the keep-alive time of common servers, so that we rarely write into a connection they just closed.
_IDLE_SECONDS: Final = 30.0
_REDIRECTS: Final = frozenset({300, 301, 302, 303, 305, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answered.

    Attributes:
        status: the HTTP status code.
        headers: names in lower case; values of repeated headers are joined by a comma.
        body: decoded.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """An HTTP client for addresses that others gave us; safe to use from many threads.

    HTTPS only, public addresses only, except for what the operator allows; the address that was checked is
    the one that is called. No redirects, no proxies, no cookies, no environment. Connections are kept and
    used again.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        resolver: Resolver = system_resolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Make a client.

        Args:
            allow: networks, addresses, hosts, or the latter two with a port, that may be called though they
                are private or speak plain HTTP.
            resolver: looks a host up; replaced in tests.
            tls: whom to trust; the usual authorities when left out.

        Raises:
            OutboundRefused: ``bad-setting`` when an entry of ``allow`` cannot be read.
        """
        allowed = AllowList(allow)
        self._networks = {
            "https": GuardedNetwork(allowed, resolver, only_allowed=False),
            "http": GuardedNetwork(allowed, resolver, only_allowed=True),
        }
        context = _usual_authorities() if tls is None else tls
        self._pools = {scheme: _pool(network, context) for scheme, network in self._networks.items()}

    def request(  # noqa: PLR0913 - a request has these parts, and most have defaults
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit_bytes: int,
        deadline_seconds: float,
    ) -> Answer:
        """Send a request and take the whole answer.

        Args:
            method: for example ``GET``.
            url: the full address, percent-encoded.
            headers: to send along.
            body: to send along.
            limit_bytes: how large the answer may be, as it comes and decoded.
            deadline_seconds: by when all of it must be done, from the lookup to the last byte.

        Returns:
            The answer, whatever its status.

        Raises:
            OutboundRefused: when the call or the answer is against the rules; trying again changes nothing.
            OutboundFailed: when it did not come through; trying again later may help.
        """
        request = _request(method, url, headers or {}, body, Deadline(deadline_seconds))
        with self._opened(request) as response:
            answered = _headers(response)
            pieces = decoded(_chunks(request, response), answered.get("content-encoding", ""), limit_bytes)
            return Answer(response.status, answered, b"".join(pieces))

    @contextmanager
    def stream(  # noqa: PLR0913 - a request has these parts, and most have defaults
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit_bytes: int,
        deadline_seconds: float,
        least: Pace | None = None,
        came: Callable[[int], object] = lambda _count: None,
    ) -> Iterator[tuple[int, Mapping[str, str], Iterator[bytes]]]:
        """Send a request and take the answer piece by piece as it arrives.

        Args:
            method: for example ``GET``.
            url: the full address, percent-encoded.
            headers: to send along.
            body: to send along.
            limit_bytes: how large the whole answer may be, as it comes and decoded.
            deadline_seconds: by when all of it must be done, including what the caller does between pieces.
            least: how fast it must come, too; any pace when left out.
            came: told how many bytes came over the line, each time some did; may make them wait.

        Yields:
            The status, the headers as in :class:`Answer`, and an iterator over pieces of the decoded body; it raises
            as :meth:`request` does.

        Raises:
            OutboundRefused: when the call or the answer is against the rules.
            OutboundFailed: when it did not come through.
        """
        deadline = Deadline(deadline_seconds, least)
        request = _request(method, url, headers or {}, body, deadline)
        with self._opened(request) as response:
            answered = _headers(response)
            counted = _counted(_chunks(request, response), deadline, came)
            yield (
                response.status,
                answered,
                decoded(counted, answered.get("content-encoding", ""), limit_bytes),
            )

    @contextmanager
    def stream_lines(  # noqa: PLR0913 - a request has these parts, and most have defaults
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limit_line_bytes: int,
        limit_bytes: int,
        deadline_seconds: float,
        least: Pace | None = None,
        came: Callable[[int], object] = lambda _count: None,
    ) -> Iterator[tuple[int, Mapping[str, str], Iterator[bytes]]]:
        """Send a request and take the answer line by line as it arrives.

        Args:
            method: as for :meth:`stream`, like all the others.
            url: the full address.
            headers: to send along.
            body: to send along.
            limit_line_bytes: how long one line may be.
            limit_bytes: how large the whole answer may be.
            deadline_seconds: by when all of it must be done.
            least: how fast it must come, too.
            came: told how many bytes came.

        Yields:
            The status, the headers as in :class:`Answer`, and an iterator over the lines without their line
            feeds; it raises as :meth:`request` does.

        Raises:
            OutboundRefused: when the call or the answer is against the rules.
            OutboundFailed: when it did not come through.
        """
        with self.stream(
            method,
            url,
            headers=headers,
            body=body,
            limit_bytes=limit_bytes,
            deadline_seconds=deadline_seconds,
            least=least,
            came=came,
        ) as (status, answered, pieces):
            yield status, answered, _lines(pieces, limit_line_bytes)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()
        for network in self._networks.values():
            network.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _opened(self, request: httpcore.Request) -> Iterator[httpcore.Response]:
        with _errors_named(request):
            response = self._pools[request.url.scheme.decode()].handle_request(request)
        try:
            if response.status in _REDIRECTS:
                raise OutboundRefused(
                    "redirect",
                    f"{_shown(request)} answers with a redirect ({response.status}); give the new address.",
                )
            yield response
        finally:
            # A connection whose answer was not read to its end is closed here, not used again.
            response.close()


@cache
def _usual_authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _pool(network: GuardedNetwork, context: ssl.SSLContext) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=context,
        max_connections=_CONNECTIONS,
        max_keepalive_connections=_IDLE_CONNECTIONS,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=network,
    )


def _request(
    method: str, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
) -> httpcore.Request:
    target = _checked_url(url)
    own = {"Host": target.netloc.decode("ascii"), "User-Agent": "taawun", "Accept-Encoding": ACCEPTED}
    given = {name.lower() for name in headers}
    sent = [*((name, value) for name, value in own.items() if name.lower() not in given), *headers.items()]
    if body or method.upper() in {"POST", "PUT", "PATCH"}:
        sent.append(("Content-Length", str(len(body))))
    # A pool waits for a free connection with a plain timeout, unlike the sockets below it.
    timeouts = {"pool": deadline.seconds, "connect": deadline, "read": deadline, "write": deadline}
    try:
        return httpcore.Request(
            method.upper(),
            httpcore.URL(
                scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path
            ),
            headers=sent,
            content=body,
            extensions={"timeout": timeouts},
        )
    except (TypeError, UnicodeError) as error:
        raise OutboundRefused("bad-request", f"The request cannot be sent: {error}.") from error


def _checked_url(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url) if len(url) <= _LONGEST_URL else None
    except (httpx.InvalidURL, ValueError):
        target = None
    if target is None or target.scheme not in {"http", "https"} or not target.host:
        raise OutboundRefused("bad-url", f"{url[:200]!a} is no http or https address.")
    if target.port is not None and not 0 < target.port <= HIGHEST_PORT:
        raise OutboundRefused("bad-url", f"{url[:200]!a} names a port that does not exist.")
    if target.userinfo:
        raise OutboundRefused("bad-url", f"The address of {target.host} must not carry a name or password.")
    return target


def _headers(response: httpcore.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _chunks(request: httpcore.Request, response: httpcore.Response) -> Iterator[bytes]:
    with _errors_named(request):
        yield from response.iter_stream()


def _counted(chunks: Iterable[bytes], deadline: Deadline, came: Callable[[int], object]) -> Iterator[bytes]:
    for chunk in chunks:
        deadline.came(len(chunk))
        came(len(chunk))
        yield chunk


def _lines(pieces: Iterable[bytes], limit_line_bytes: int) -> Iterator[bytes]:
    pending: list[bytes] = []
    size = 0
    for piece in pieces:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            if size + len(end) > limit_line_bytes:
                raise _line_too_long(limit_line_bytes)
            yield b"".join((*pending, end))
            pending, size = [], 0
        size += len(rest)
        if size > limit_line_bytes:
            raise _line_too_long(limit_line_bytes)
        pending.append(rest)
    if size:
        yield b"".join(pending)


def _line_too_long(limit: int) -> OutboundRefused:
    return OutboundRefused("line-too-long", f"A line of the answer has more than {limit} bytes.")


def _shown(request: httpcore.Request) -> str:
    return request.url.host.decode("ascii")


@contextmanager
def _errors_named(request: httpcore.Request) -> Iterator[None]:
    """Turn the library's errors into ours."""
    host = _shown(request)
    try:
        yield
    except httpcore.TimeoutException as error:
        raise OutboundFailed("too-slow", f"{host} took too long.") from error
    except httpcore.ConnectError as error:
        if isinstance(error.__context__, ssl.SSLError):
            raise OutboundFailed("tls-failed", f"{host} cannot be trusted: {error}.") from error
        raise OutboundFailed("unreachable", f"{host} cannot be reached: {error}.") from error
    except httpcore.RemoteProtocolError as error:
        code = "broken-off" if "without" in str(error) else "bad-answer"
        raise OutboundFailed(code, f"{host} did not answer in HTTP: {error}.") from error
    except httpcore.NetworkError as error:
        raise OutboundFailed("broken-off", f"The connection to {host} broke off: {error}.") from error
    except httpcore.LocalProtocolError as error:
        raise OutboundRefused("bad-request", f"The request to {host} cannot be sent: {error}.") from error
