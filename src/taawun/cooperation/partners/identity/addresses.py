"""Base addresses: what a node is called in descriptors, agreements and lanes. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

__all__ = ["LONGEST", "base_address", "is_base_address"]

LONGEST: Final = 300  # the column's width
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def base_address(text: str) -> str:
    """The one spelling of a node's base address: scheme and host in small letters, no default port, no path.

    Args:
        text: as somebody wrote it.

    Raises:
        ValueError: it is no such address, or says more than one does (a path, a query, a user).
    """
    if len(text) > LONGEST or any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("it is too long, or holds white space")
    parts = urlsplit(text)
    port = parts.port  # raises ValueError for what is no port
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0:
        raise ValueError("it does not begin with https:// and a host")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("it has more than a host and a port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def is_base_address(text: str) -> bool:
    """Whether a text is a node's base address in its one spelling."""
    try:
        return base_address(text) == text
    except ValueError:
        return False
