"""Live parts: pieces of a page that keep themselves current by asking for the page again.

A part is written with ``{% live "name" %}…{% endlive %}``. Its browser asks for the same address every few seconds and
says which part it wants and which it has (``If-None-Match``, RFC 9110, section 13.1.2); it gets that part alone, or
304 where nothing is new. No view knows of it, and without scripts the page is as it was when it was loaded.

A tag (``ETag``) names what the node had written when the part was made, and until when that may be believed. Signed
for that session and address, it lets most polls be answered without a view, a session or a template. It names it by
digests that only the node can make: how much was written, and when a partner was last heard, is not for every reader.

What the node had written is told by pulses, which rooms register. A part watches the trail and the notices unless it
says otherwise: with ``watches="notices"`` nothing else makes it anew, and ``watches="audit notices work:<id>"`` also
what leaves no row in the trail, such as how far a job is.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from taawun.platform.web.kept import as_written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponseBase

__all__ = ["LIFE", "PART", "WATCHED", "LiveParts", "Pulse", "begin", "end"]

PART: Final = "X-Taawun-Part"
"""The header in which a poll names the part that it wants."""

LIFE: Final = timedelta(minutes=5)
"""How long a part is believed while nothing is written: it may say how long ago something was."""

WATCHED: Final = ("audit", "notices")
"""The pulses that a part watches where it does not say otherwise: every act leaves a row in the trail."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")
_WATCH: Final = re.compile(r"[a-z][a-z0-9-]{0,40}(?::[A-Za-z0-9-]{1,64})?")
_BEGIN: Final = re.compile(rb"<!--part:([a-z][a-z0-9-]*) ([A-Za-z0-9: -]*)\|([^>]*)-->")
_UNTAGGED: Final = b' data-etag=""'
# no pulse is read so: a part that watches what its page did not ask for is made again by its first poll
_UNASKED: Final = "?"
# a form carries another token each time it is made, which makes no other part of it
_TOKEN: Final = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a room registers so that polls are answered without a view while it stays the same.

    Args:
        name: the room.
        read: a few letters, digits and ``@:_/-`` that change with every write that a page may show; cheap, for every
            poll reads it. It is given the thing that a part watches (``work:<id>``), or nothing.
    """

    name: str
    read: Callable[[str], str]


def begin(name: str, watches: Iterable[str] = WATCHED, at: str = "") -> str:
    """The mark before a part.

    Args:
        name: of the part.
        watches: the pulses that make it anew, each with what it is of: ``work:<id>``.
        at: the address that is asked for it; empty for that of its page.

    Raises:
        ValueError: no part can be called so, or watch that.
    """
    watched = " ".join(watches)
    if not _NAME.fullmatch(name):
        raise ValueError(f"a live part is named in small letters, digits and hyphens, not {name!r}")
    if not all(_WATCH.fullmatch(each) for each in watched.split()):
        raise ValueError(f"a live part cannot watch {watched!r}")
    if ">" in at:
        raise ValueError(f"a live part cannot be asked for at {at!r}")
    return f"<!--part:{name} {watched}|{at}-->"


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
        if request.method != "GET" or not (name or settings.SESSION_COOKIE_NAME in request.COOKIES):
            return self._get_response(request)
        # before the page is made: what is written meanwhile makes the next poll find something new
        tag = _Tag.read(request, name) if name else None
        written = _written(tag.pulses if tag else WATCHED)
        pulses = {each: _told(each, pulse) for each, pulse in written.items()}
        if tag is not None and tag.pulses == pulses and now().timestamp() < tag.until:
            return _nothing_new(request.headers["If-None-Match"])
        with as_written(written):
            response = self._get_response(request)
        return _part_of(request, response, name, pulses, tag) if name else _tagged(request, response, pulses)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part as it stands on a page.

    Args:
        name: of the part.
        watches: the pulses that make it anew.
        at: the address that is asked for it; empty for that of its page.
        content: between its marks.
        begin: where its first mark begins.
        end: where its last mark ends.
    """

    name: str
    watches: Sequence[str]
    at: str
    content: bytes
    begin: int
    end: int


def _parts(page: bytes) -> Iterator[_Part]:
    """The parts of a page, in their order; none lies within another."""
    end = 0
    while begun := _BEGIN.search(page, end):
        name, watches, at = (each.decode("ascii") for each in begun.groups())
        # an expression for all of a part would look at each letter of the page: this took 4 % of a long one
        mark = f"<!--/part:{name}-->".encode("ascii")
        last = page.find(mark, begun.end())
        end = begun.end() if last < 0 else last + len(mark)
        if last >= 0:
            yield _Part(name, watches.split(), at, page[begun.end() : last], begun.start(), end)


@dataclass(frozen=True, slots=True)
class _Tag:
    """What a tag says.

    Args:
        pulses: what the node had written, by what is watched; a question mark where nobody asked.
        until: seconds of the epoch until which the part is believed.
        digest: of the part.
    """

    pulses: Mapping[str, str]
    until: int
    digest: str

    @classmethod
    def read(cls, request: HttpRequest, name: str) -> _Tag | None:
        """What the browser has, if this node gave it to this session for this part of this address."""
        given = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
        said, _dot, seal = given.rpartition(".")
        if not said or not constant_time_compare(seal, _seal(request, request.get_full_path(), name, said)):
            return None
        pulses, until, digest = said.split(".")
        watched = (each.partition("=") for each in pulses.split(",") if each)
        return cls({key: value for key, _is, value in watched}, int(until), digest)

    @classmethod
    def of(cls, part: _Part, pulses: Mapping[str, str]) -> _Tag:
        """The tag of a part of a page that was made after these pulses were read."""
        known = {each: pulses.get(each, _UNASKED) for each in part.watches}
        until = int((now() + LIFE).timestamp())
        return cls(known, until, sha256(_TOKEN.sub(b"", part.content))[:24])

    def written(self, request: HttpRequest, part: _Part) -> str:
        """As a header's value, signed for the address at which the part is asked for."""
        pulses = ",".join(f"{key}={value}" for key, value in self.pulses.items())
        said = f"{pulses}.{self.until}.{self.digest}"
        return f'"{said}.{_seal(request, part.at or request.get_full_path(), part.name, said)}"'


def _seal(request: HttpRequest, at: str, name: str, said: str) -> str:
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return _digest("taawun.platform.web.live", f"{session}\n{at}\n{name}\n{said}")


def _written(watched: Iterable[str]) -> dict[str, str]:
    """What the node has written, by what is watched."""
    found = {}
    for each in watched:
        name, _of, subject = each.partition(":")
        pulse = registry.find(Pulse, name)
        found[each] = pulse.read(subject) if pulse else ""
    return found


def _told(watched: str, pulse: str) -> str:
    """A pulse as it is told to a browser."""
    return _digest("taawun.platform.web.live.pulse", f"{watched}\n{pulse}")


def _digest(purpose: str, text: str) -> str:
    """What only this node can make of a text; 144 bits."""
    made = salted_hmac(purpose, text, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(made[:18]).decode("ascii")


def _tagged(request: HttpRequest, response: HttpResponseBase, pulses: Mapping[str, str]) -> HttpResponseBase:
    """The page with a tag on each of its parts."""
    if not isinstance(response, HttpResponse) or b"<!--part:" not in response.content:
        return response
    page, pieces, at = response.content, list[bytes](), 0
    for part in _parts(page):
        tagged = _with_tag(part, _Tag.of(part, pulses).written(request, part))
        pieces += page[at : part.begin], tagged
        at = part.end
    return _with_content(response, b"".join([*pieces, page[at:]]))


def _part_of(
    request: HttpRequest,
    response: HttpResponseBase,
    name: str,
    pulses: Mapping[str, str],
    had: _Tag | None,
) -> HttpResponseBase:
    if isinstance(response, HttpResponseRedirect):
        # to the sign-in: the session is over, and a part of that page is not what was asked for
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    if response.status_code != HTTPStatus.OK or not isinstance(response, HttpResponse):
        return response
    found = next((each for each in _parts(response.content) if each.name == name), None)
    if found is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    tag = _Tag.of(found, pulses)
    written = tag.written(request, found)
    if had is not None and had.digest == tag.digest:
        return _nothing_new(written)
    response["ETag"] = written
    return _with_content(response, _with_tag(found, written))


def _with_tag(part: _Part, written: str) -> bytes:
    """A part whose browser is told what it has."""
    return part.content.replace(_UNTAGGED, b" data-etag='" + written.encode("ascii") + b"'", 1)


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
