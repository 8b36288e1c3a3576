"""Small things that a browser's session keeps for some minutes, sealed: the database never holds them in clear."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from taawun.foundation.clock import now

if TYPE_CHECKING:
    from datetime import timedelta

    from django.http import HttpRequest

__all__ = ["look_at", "put_away", "seal", "take_out", "throw_away", "unseal"]

_PURPOSE: Final = b"taawun.platform.web.sealed"
_PREFIX: Final = "sealed."


def put_away(request: HttpRequest, name: str, value: object) -> None:
    """Keep something in the session, sealed with a key that is made of ``SECRET_KEY``.

    Args:
        request: of the browser that keeps it.
        name: by which it is found again; what was kept under it before is forgotten.
        value: a JSON value.
    """
    body = json.dumps(value, ensure_ascii=False).encode()
    request.session[_PREFIX + name] = _box().encrypt_at_time(body, _seconds()).decode("ascii")


def look_at(request: HttpRequest, name: str, life: timedelta) -> Any:  # any JSON value
    """What is kept under a name, or None: nothing, too old, or sealed with another key.

    Args:
        request: of the browser that keeps it.
        name: as it was put away.
        life: how long it may be kept.
    """
    kept = request.session.get(_PREFIX + name)
    if not isinstance(kept, str):
        return None
    try:
        body = _box().decrypt_at_time(kept.encode(), int(life.total_seconds()), _seconds())
    except InvalidToken:
        return None
    return json.loads(body)


def take_out(request: HttpRequest, name: str, life: timedelta) -> Any:  # any JSON value
    """The same, once: it is forgotten when it is taken, which only a GET does."""
    if request.method != "GET":
        return None
    value = look_at(request, name, life)
    throw_away(request, name)
    return value


def throw_away(request: HttpRequest, name: str) -> None:
    """Forget what is kept under a name."""
    if _PREFIX + name in request.session:  # asking first leaves the session unchanged where nothing is kept
        del request.session[_PREFIX + name]


def seal(text: str) -> str:
    """A text for the database that only this node can read, sealed with a key that is made of ``SECRET_KEY``."""
    return _box().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str | None:
    """The text again; None where it was sealed with another key."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box() -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def _seconds() -> int:
    return int(now().timestamp())
