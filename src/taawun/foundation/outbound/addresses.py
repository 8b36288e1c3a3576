"""Which addresses a node may call: the public ones, and those the operator names.

A descriptor or a feed tells a node where to call, so without this anyone could make it call the machines
beside it (server-side request forgery). What counts is the address itself, however it was written or found.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final

from taawun.foundation.outbound.errors import OutboundRefused

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

HIGHEST_PORT: Final = 65535
# Addresses that carry an IPv4 address inside, through relays that nobody runs any more (RFC 7526, RFC 4380),
# and IPv4-compatible ones (RFC 4291): a public prefix would hide a private target.
_CARRYING: Final = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/32", "::/96", "64:ff9b::/96")))


class AllowList:
    """The operator's exceptions: networks, hosts and ports that may be called though they are not public."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Read the entries of the setting.

        Args:
            entries: each a network (``10.1.0.0/16``), an address (``127.0.0.1``, ``::1``), a host
                (``node.intra.example``), or one of the latter two with a port (``127.0.0.1:8001``,
                ``[::1]:8001``, ``node.intra.example:8443``).

        Raises:
            OutboundRefused: ``bad-setting`` when an entry is none of these.
        """
        self._networks: list[tuple[_IpNetwork, int | None]] = []
        self._hosts: set[tuple[str, int | None]] = set()
        for entry in entries:
            self._add(entry.strip())

    def has_host(self, host: str, port: int) -> bool:
        """Whether a host is allowed by its name, whatever its address."""
        name = host.lower().rstrip(".")
        return (name, None) in self._hosts or (name, port) in self._hosts

    def has_address(self, address: IpAddress, port: int) -> bool:
        """Whether an address is allowed by itself; an IPv4 address written as IPv6 counts as IPv4."""
        plain = unmapped(address)
        return any(plain in network and only in (None, port) for network, only in self._networks)

    def _add(self, entry: str) -> None:
        network = _network(entry.removeprefix("[").removesuffix("]"))
        if network is not None:
            self._networks.append((network, None))
            return
        host, colon, digits = entry.rpartition(":")
        if not colon:
            host, digits = entry, ""
        port = _port(digits) if colon else None
        network = _network(host.removeprefix("[").removesuffix("]"))
        if network is not None and "/" not in host:
            self._networks.append((network, port))
        elif _is_host_name(host) and (port is not None or not colon):
            self._hosts.add((host.lower().rstrip("."), port))
        else:
            raise OutboundRefused(
                "bad-setting",
                f"{entry!a} in TAAWUN_OUTBOUND_ALLOW is no network, host or host:port; mend it.",
            )


def is_public(address: IpAddress) -> bool:
    """Whether an address is of the open Internet.

    Private, loopback, link-local, shared (RFC 6598), multicast, reserved and unspecified ones are not, nor
    those that carry an IPv4 address through a relay (IANA special-purpose registries, RFC 6890).
    """
    plain = unmapped(address)
    if plain.is_multicast or plain.is_reserved or plain.is_unspecified or plain.is_link_local:
        return False
    if isinstance(plain, ipaddress.IPv6Address) and plain.is_site_local:
        return False
    return plain.is_global and not any(plain in network for network in _CARRYING)


def unmapped(address: IpAddress) -> IpAddress:
    """Turn an IPv4 address written as IPv6 (``::ffff:127.0.0.1``, RFC 4291) into what it is."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _network(text: str) -> _IpNetwork | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _port(digits: str) -> int | None:
    if digits.isascii() and digits.isdecimal() and 0 < int(digits[:6]) <= HIGHEST_PORT:
        return int(digits)
    return None


def _is_host_name(text: str) -> bool:
    labels = text.rstrip(".").split(".")
    return (
        text.isascii()
        and all(label.replace("-", "").isalnum() and not label.startswith("-") for label in labels)
        and not labels[-1].isdecimal()
    )
