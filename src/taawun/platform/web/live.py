"""Live parts: pieces of a page that keep themselves current by asking for the page again.

A part is written with ``{% live "name" %}…{% endlive %}``. Its browser asks for the same address every few seconds and
says which part it wants and which it has (``If-None-Match``, RFC 9110, section 13.1.2); it gets that part alone, or
304 where nothing is new. No view knows of it, and without scripts the page is as it was when it was loaded.

A tag (``ETag``) names what the node had written when the part was made, and until when that may be believed. Signed
for that session and address, it lets most polls be answered without a view, a session or a template.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.crypto import constant_time_compare, salted_hmac

from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

__all__ = ["LIFE", "PART", "LiveParts", "Pulse", "begin", "end"]

PART: Final = "X-Taawun-Part"
"""The header in which a poll names the part that it wants."""

LIFE: Final = timedelta(minutes=5)
"""How long a part is believed while nothing is written: it may say how long ago something was."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")
_PARTS: Final = re.compile(rb"<!--part:([a-z][a-z0-9-]*)-->(.*?)<!--/part:\1-->", re.DOTALL)
_UNTAGGED: Final = b' data-etag=""'
# a form carries another token each time it is made, which makes no other part of it
_TOKEN: Final = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a room registers so that polls are answered without a view while it stays the same.

    Args:
        name: the room.
        read: a few characters that change with every write that a page may show; cheap, for every poll reads it.
    """

    name: str
    read: Callable[[], str]


def begin(name: str) -> str:
    """The mark before a part.

    Raises:
        ValueError: no part can be called so.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a live part is named in small letters, digits and hyphens, not {name!r}")
    return f"<!--part:{name}-->"


def end(name: str) -> str:
    """The mark behind a part."""
    return f"<!--/part:{name}-->"


class LiveParts:
    """Answers polls, and tags the parts of every page that has some."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with a page, with one part of it, or that nothing is new."""
        name = request.headers.get(PART, "")
        if request.method != "GET" or not name:
            return _tagged(request, self._get_response(request))
        tag = _Tag.read(request, name)
        # before the page is made: what is written meanwhile makes the next poll find something new
        pulse = _pulse()
        if tag is not None and tag.pulse == pulse and now().timestamp() < tag.until:
            return _nothing_new(request.headers["If-None-Match"])
        return _part_of(request, self._get_response(request), name, pulse, tag)


@dataclass(frozen=True, slots=True)
class _Tag:
    """What a tag says.

    Args:
        pulse: what the node had written.
        until: seconds of the epoch until which the part is believed.
        digest: of the part.
    """

    pulse: str
    until: int
    digest: str

    @classmethod
    def read(cls, request: HttpRequest, name: str) -> _Tag | None:
        """What the browser has, if this node gave it to this session for this part of this address."""
        given = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
        said, _dot, seal = given.rpartition(".")
        if not said or not constant_time_compare(seal, _seal(request, name, said)):
            return None
        pulse, until, digest = said.split(".")
        return cls(pulse, int(until), digest)

    def written(self, request: HttpRequest, name: str) -> str:
        """As a header's value, signed."""
        said = f"{self.pulse}.{self.until}.{self.digest}"
        return f'"{said}.{_seal(request, name, said)}"'


def _seal(request: HttpRequest, name: str, said: str) -> str:
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    whose = f"{session}\n{request.get_full_path()}\n{name}\n{said}"
    digest = salted_hmac("taawun.platform.web.live", whose, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:18]).decode("ascii")


def _pulse() -> str:
    return "-".join(each.read() for each in registry.all(Pulse))


def _digest(part: bytes) -> str:
    return sha256(_TOKEN.sub(b"", part))[:24]


def _tagged(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The page with a tag on each of its parts. It names no pulse, so that the first poll has the page made."""
    if not isinstance(response, HttpResponse) or b"<!--part:" not in response.content:
        return response

    def tag(found: re.Match[bytes]) -> bytes:
        name, part = found[1].decode("ascii"), found[2]
        written = _Tag("", 0, _digest(part)).written(request, name)
        return part.replace(_UNTAGGED, b" data-etag='" + written.encode("ascii") + b"'", 1)

    return _with_content(response, _PARTS.sub(tag, response.content))


def _part_of(
    request: HttpRequest, response: HttpResponseBase, name: str, pulse: str, had: _Tag | None
) -> HttpResponseBase:
    if isinstance(response, HttpResponseRedirect):
        # to the sign-in: the session is over, and a part of that page is not what was asked for
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    if response.status_code != HTTPStatus.OK or not isinstance(response, HttpResponse):
        return response
    part = next(
        (each[2] for each in _PARTS.finditer(response.content) if each[1].decode("ascii") == name), None
    )
    if part is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    tag = _Tag(pulse, int((now() + LIFE).timestamp()), _digest(part))
    written = tag.written(request, name)
    if had is not None and had.digest == tag.digest:
        return _nothing_new(written)
    response["ETag"] = written
    return _with_content(
        response, part.replace(_UNTAGGED, b" data-etag='" + written.encode("ascii") + b"'", 1)
    )


def _with_content(response: HttpResponse, content: bytes) -> HttpResponse:
    response.content = content
    # what stands there was counted before
    if "Content-Length" in response:
        response["Content-Length"] = str(len(content))
    return response


def _nothing_new(tag: str) -> HttpResponse:
    response = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    response["ETag"] = tag
    return response
