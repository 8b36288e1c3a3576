"""Refuses every connection of a test that would leave this machine."""

from __future__ import annotations

import ipaddress
import sys

__all__ = ["NetworkRefused", "guard"]


class NetworkRefused(RuntimeError):
    """A test tried to reach beyond loopback.

    Not an OSError on purpose: code that takes a network failure in its stride must not hide this one.
    """


def is_local(host: object) -> bool:
    """Whether a host, as a socket takes it, stays on this machine without asking a name server."""
    if host is None:
        return True
    text = host.decode("idna") if isinstance(host, bytes | bytearray) else str(host)
    if text in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
        if isinstance(address, tuple) and not is_local(address[0]):
            raise NetworkRefused(f"a test may only talk to this machine, not to {address[0]}")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
        # an address needs no name server; whether it may be called is decided above
        if not is_local(host) and not _is_address(host):
            raise NetworkRefused(f"a test may not ask for the address of {host!r}")


def guard() -> None:
    """Puts the refusal in place for the rest of this process; there is no way to lift it."""
    sys.addaudithook(_hook)
