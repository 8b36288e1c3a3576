"""Sockets that go only where they may, and no longer than a request has time.

This sits below the HTTP library's pool: the pool keeps its connections by the name in the address, and here,
at the only place where one is opened, the name is looked up once, checked, and connected to as checked. So a
pooled connection always leads to a checked address, and nothing looks the name up a second time.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, Final

import httpcore

from taawun.foundation.outbound.addresses import AllowList, IpAddress, is_public
from taawun.foundation.outbound.errors import OutboundFailed, OutboundRefused

Resolver = Callable[[str, int], Sequence[str]]

# One dead address of a host must not use up the time of its others.
_CONNECT_SECONDS: Final = 10.0
_MOST_ADDRESSES: Final = 8
_LOOKUP_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an answer must come for it to be waited for.

    Attributes:
        grace_seconds: how long nothing is asked of it; also the longest silence at the beginning.
        bytes_per_second: what must have come, on average, for each second beyond.
    """

    grace_seconds: float
    bytes_per_second: float


class Deadline:
    """The moment by which all of a request must be done.

    It travels through the HTTP library in the place of its timeouts, which count anew for every read and so
    would let an answer drip for ever. With a pace it comes the sooner the less has come.
    """

    def __init__(self, seconds: float, least: Pace | None = None) -> None:
        self.seconds = max(seconds, 0.0)
        self._begun = time.monotonic()
        self._least = least
        self._came = 0

    def came(self, size: int) -> None:
        """Count what has come over the wire, in bytes."""
        self._came += size

    def remaining(self, too_late: type[httpcore.TimeoutException]) -> float:
        """Tell the seconds left, more than zero; raise ``too_late`` when there are none."""
        allowed = self.seconds
        if self._least:
            earned = self._least.grace_seconds + self._came / self._least.bytes_per_second
            allowed = min(allowed, earned)
        left = self._begun + allowed - time.monotonic()
        if left <= 0:
            raise too_late
        return left


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Look a host up as the system does.

    Args:
        host: a name, or an address in any spelling.
        port: the port to be called.

    Returns:
        Its addresses.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedNetwork(httpcore.NetworkBackend):
    """Opens connections to permitted addresses only."""

    def __init__(self, allow: AllowList, resolver: Resolver, *, only_allowed: bool) -> None:
        """Make a network.

        Args:
            allow: the operator's exceptions.
            resolver: looks a host up; asked once for each new connection.
            only_allowed: whether public addresses are closed as well; so it is for plain HTTP.
        """
        self._allow = allow
        self._resolver = resolver
        self._only_allowed = only_allowed
        # The system's lookup has no timeout of its own, so it is waited for from outside.
        self._lookups = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="outbound-lookup")
        self._plain = httpcore.SyncBackend()

    # Any: the library passes our deadline through where it would have a number.
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Look the host up, refuse what may not be called, and connect to the first address that answers."""
        deadline: Deadline = timeout
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._permitted(host, port, deadline):
            seconds = min(_CONNECT_SECONDS, deadline.remaining(httpcore.ConnectTimeout))
            try:
                opened = self._plain.connect_tcp(str(address), port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(opened)
        raise failure

    def close(self) -> None:
        """Let go of the lookup threads; lookups under way end by themselves."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    def _permitted(self, host: str, port: int, deadline: Deadline) -> list[IpAddress]:
        addresses = self._addresses(host, port, deadline)
        if self._allow.has_host(host, port):
            return addresses
        permitted = [each for each in addresses if self._is_permitted(each, port)]
        if not permitted and self._only_allowed and any(map(is_public, addresses)):
            raise OutboundRefused(
                "not-https", f"{host} is called by https only; plain http needs an exception."
            )
        if not permitted:
            raise OutboundRefused(
                "private-address",
                f"{host} has no public address; TAAWUN_OUTBOUND_ALLOW can name it as an exception.",
            )
        return permitted

    def _is_permitted(self, address: IpAddress, port: int) -> bool:
        return self._allow.has_address(address, port) or (not self._only_allowed and is_public(address))

    def _addresses(self, host: str, port: int, deadline: Deadline) -> list[IpAddress]:
        literal = _address(host)
        if literal is not None:
            return [literal]
        lookup: Future[Sequence[str]] = self._lookups.submit(self._resolver, host, port)
        try:
            found = lookup.result(timeout=deadline.remaining(httpcore.ConnectTimeout))
        except FutureTimeoutError as error:
            raise OutboundFailed("too-slow", f"Looking up {host} took too long.") from error
        except (OSError, UnicodeError) as error:
            raise OutboundFailed("no-such-host", f"{host} cannot be looked up: {error}.") from error
        addresses = dict.fromkeys(address for address in map(_address, found) if address is not None)
        if not addresses:
            raise OutboundFailed("no-such-host", f"{host} has no address.")
        return list(addresses)[:_MOST_ADDRESSES]


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which every step has only the time its request has left."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        deadline: Deadline = timeout
        return self._inner.read(max_bytes, deadline.remaining(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: Any = None) -> None:
        deadline: Deadline = timeout
        connection: socket.socket = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        try:
            # The library's own loop counts its timeout anew for every piece the other side takes.
            while rest:
                connection.settimeout(deadline.remaining(httpcore.WriteTimeout))
                rest = rest[connection.send(rest) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError from error

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> httpcore.NetworkStream:
        deadline: Deadline = timeout
        seconds = deadline.remaining(httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _address(text: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
