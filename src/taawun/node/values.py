"""What the text of a setting means: each function here turns it into a value, or says in one sentence why it cannot.

The sentences go to logs, so they never quote a key, or an address with a password in it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

__all__ = [
    "Cap",
    "Database",
    "Mail",
    "address",
    "bandwidth",
    "bearer",
    "database",
    "mail",
    "networks",
    "number",
    "one_of",
    "outbound",
    "private_key",
    "switch",
    "text",
    "texts",
    "zone",
]

_DAY: Final = 24 * 60
# of a token that opens something to whoever brings it
_SHORTEST_TOKEN: Final = 20
_LEAST_BITS: Final = 16_000
_CAP: Final = re.compile(
    r"(?:(?P<begin>[0-9]{1,2}:[0-9]{2})-(?P<end>[0-9]{1,2}:[0-9]{2})=)?(?P<bits>[0-9]{1,12})(?P<unit>[kMG])?"
)
_ENCODED: Final = "in user and password write : / ? # @ and % as %3A %2F %3F %23 %40 and %25"


@dataclass(frozen=True, slots=True)
class Database:
    """Where a database is.

    Args:
        engine: ``sqlite`` or ``postgresql``.
        name: of SQLite the path; of PostgreSQL the database.
        user, password, host, port: of PostgreSQL; empty for libpq's own defaults. The host may be the folder of a Unix
            socket.
        options: further parameters of libpq.
    """

    engine: str
    name: str
    user: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    port: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """Where e-mail is handed over.

    Args:
        host, port: of the server.
        user, password: empty where it asks for none.
        tls_from_start: whether the connection begins encrypted; otherwise STARTTLS follows.
    """

    host: str
    port: int
    tls_from_start: bool
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Cap:
    """How much of a line may be taken, at some hours of the day.

    Args:
        begin, end: minutes of the day; from the first on, and until before the second. The end may be earlier: then it
            is that of the next day.
        bytes_per_second: how much.
    """

    begin: int
    end: int
    bytes_per_second: float

    def holds_at(self, minute: int) -> bool:
        """Whether it holds at a minute of the day."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


def text(value: str) -> str:
    """Any text."""
    return value


def bearer(value: str) -> str:
    """A token that a program brings, or none."""
    if value and (
        len(value) < _SHORTEST_TOKEN or not value.isascii() or not value.isprintable() or " " in value
    ):
        raise ValueError(f"a token has at least {_SHORTEST_TOKEN} letters, digits and signs, without spaces")
    return value


def texts(value: str) -> tuple[str, ...]:
    """Texts between commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number from the least to the most there may be."""

    def read(value: str) -> int:
        plain = value.isascii() and value.isdigit() and len(value) <= len(str(most))
        if not plain or not least <= int(value) <= most:
            raise ValueError(f"{value[:40]!r} is not a whole number from {least} to {most}")
        return int(value)

    return read


def switch(value: str) -> bool:
    """Yes or no, in any of the ways they are written."""
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False}
    known["off"] = False
    try:
        return known[value.lower()]
    except KeyError:
        raise ValueError(f"{value!r} is neither yes nor no") from None


def bandwidth(value: str) -> tuple[Cap, ...]:
    """Limits of a line, each with its hours or for the whole day, between commas; empty for none."""
    return tuple(_cap(part) for part in texts(value))


def _cap(part: str) -> Cap:
    found = _CAP.fullmatch(part)
    if found is None:
        raise ValueError(
            f"{part[:40]!a} is no limit like 2M, or 08:00-17:00=256k: bits a second, with k, M or G; the hours are "
            "those of TAAWUN_TIME_ZONE"
        )
    bits = int(found["bits"]) * {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3}[found["unit"] or ""]
    if bits < _LEAST_BITS:
        raise ValueError(
            f"{part[:40]!a} is less than {_LEAST_BITS // 1000}k, over which nothing comes in time"
        )
    begin, end = (_minute(found[name]) for name in ("begin", "end"))
    if found["begin"] and begin == end:
        raise ValueError(f"{part[:40]!a} begins when it ends")
    return Cap(begin, end if found["begin"] else _DAY, bits / 8)


def _minute(text: str | None) -> int:
    if not text:
        return 0
    hour, _, minute = text.partition(":")
    if int(hour) * 60 + int(minute) > _DAY or int(minute) >= 60:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text!a} is no time of the day")
    return int(hour) * 60 + int(minute)


def one_of(*choices: str) -> Callable[[str], str]:
    """One of a few words."""

    def choose(value: str) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")
        return value

    return choose


def address(value: str) -> str:
    """A node's public address, without a slash at its end."""
    parts = _split(value, "https://cert.example")
    _port(parts)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{value!r} is not an address like https://cert.example")
    if parts.username is not None:
        raise ValueError("it must not have a user or password: everybody sees it")
    if parts.path not in {"", "/"}:
        raise ValueError(f"{value!r} must not have a path: a node stands at the root of its host")
    return value.rstrip("/")


def zone(value: str) -> str:
    """A time zone by its name in the IANA database."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is not a time zone like Asia/Amman or UTC") from None
    return value


def networks(value: str) -> tuple[str, ...]:
    """Addresses or networks between commas."""
    for entry in texts(value):
        try:
            ipaddress.ip_network(entry)
        except ValueError as problem:
            raise ValueError(f"{problem}; write an address, or a network like 10.1.0.0/16") from None
    return texts(value)


def outbound(value: str) -> tuple[str, ...]:
    """Networks, hosts, or hosts with a port, between commas."""
    if not texts(value):
        return ()
    from taawun.foundation.outbound.addresses import (  # noqa: PLC0415 - it brings the whole HTTP client
        AllowList,
    )
    from taawun.foundation.outbound.errors import OutboundRefused  # noqa: PLC0415 - as the import above

    for entry in texts(value):
        try:
            AllowList([entry])
        except OutboundRefused:
            raise ValueError(
                f"{entry!a} is no network, host or host with a port, like 10.1.0.0/16, partner.internal or "
                "127.0.0.1:8002"
            ) from None
    return texts(value)


def private_key(value: str) -> str:
    """An Ed25519 key as PEM; empty for none."""
    if value:
        from taawun.foundation.signing import SigningKey  # noqa: PLC0415 - it brings the cryptography

        SigningKey.from_pem(value.encode())
    return value


def mail(value: str) -> Mail | None:
    """A mail server; None for an empty text."""
    if not value:
        return None
    form = "smtp://user:password@host:587 or smtps://user:password@host:465"
    parts = _split(value, form)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError(f"it must look like {form}")
    is_tls = parts.scheme == "smtps"
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"nothing follows the port: it must look like {form}; {_ENCODED}")
    return Mail(
        host=parts.hostname,
        port=_port(parts) or (465 if is_tls else 587),
        tls_from_start=is_tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


# ---- databases --------------------------------------------------------------------------------------------------


def database(value: str) -> Database | None:
    """A database; None for an empty text.

    The query of a PostgreSQL address holds parameters of libpq, which stand before what the address says itself
    (PostgreSQL, "Connection URIs" and "Parameter Key Words").
    """
    if not value:
        return None
    parts = _split(value, "postgresql://user:password@host/name or sqlite:///path")
    if parts.fragment:
        raise ValueError(f"nothing follows a #; {_ENCODED}")
    if parts.scheme == "sqlite":
        # sqlite:///relative or sqlite:////absolute
        path = unquote(parts.path[1:])
        if parts.netloc or parts.query or not path:
            raise ValueError("a path follows, and nothing else: sqlite:///relative or sqlite:////absolute")
        return Database("sqlite", path)
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgresql(parts)
    raise ValueError(f"the scheme {parts.scheme!r} is neither sqlite nor postgresql")


def _postgresql(parts: SplitResult) -> Database:
    port = _port(parts)
    given = _parameters(parts.query)
    found = Database(
        "postgresql",
        name=given.pop("dbname", unquote(parts.path.removeprefix("/"))),
        user=given.pop("user", unquote(parts.username or "")),
        password=given.pop("password", unquote(parts.password or "")),
        host=given.pop("host", unquote(parts.hostname or "")),
        port=given.pop("port", str(port or "")),
        options=given,
    )
    if not found.name and "service" not in given:
        raise ValueError("it names no database: postgresql://user:password@host/name")
    return found


def _parameters(query: str) -> dict[str, str]:
    if not query:
        return {}
    from psycopg import pq  # noqa: PLC0415 - whoever is on SQLite does not wait for it

    # asked of the libpq that will be given them
    known = {each.keyword.decode() for each in pq.Conninfo.get_defaults()}
    given: dict[str, str] = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if unquote(name) not in known or not equals:
            raise ValueError(
                f"{unquote(name)[:40]!a} is no parameter of PostgreSQL's connections, written name=value; "
                "sslmode=verify-full is one"
            )
        given[unquote(name)] = unquote(value)
    return given


# ---- addresses --------------------------------------------------------------------------------------------------


def _split(value: str, form: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:
        # a bracket without its other one, and the like
        raise ValueError(f"it must look like {form}; {_ENCODED}") from None


def _port(parts: SplitResult) -> int | None:
    """The port, or None. What is wrong with it is not quoted: it may be the beginning of a password."""
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"its port is not a number from 1 to 65535; {_ENCODED}")
    return port
