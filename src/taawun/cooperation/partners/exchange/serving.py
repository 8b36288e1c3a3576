"""The node's federation addresses: plain views over stored text. A handler never calls another node."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from django.http import FileResponse, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import AskedTooOften, DescriptorRefused, PartnerRefused
from taawun.cooperation.partners.exchange import access, bandwidth, delivered
from taawun.cooperation.partners.exchange.wire import JSON_LINES
from taawun.cooperation.partners.identity.descriptor import kid_of
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import joining, lanes, pages, witness
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.urgency import urgent_lanes
from taawun.cooperation.partners.models import Content, Lane, Partner
from taawun.cooperation.partners.restored import returning
from taawun.foundation import strict_json
from taawun.foundation.compression import chosen, compressed
from taawun.foundation.digests import sha256
from taawun.foundation.request_signatures import RequestRefused
from taawun.platform.files import actions as files
from taawun.platform.registry import registry
from taawun.platform.web.downloads import confine
from taawun.platform.web.limits import Buckets, Rate, network_of
from taawun.platform.web.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.partners.models import LaneEntry

__all__ = [
    "blob",
    "content_response",
    "descriptor",
    "inbox",
    "lane",
    "lane_list",
    "part_in",
    "public",
    "public_blob",
    "signed",
]

log = logging.getLogger(__name__)

JOSE: Final = "application/jose"
# when a partner comes back to a node that is returning
_RETURNING_SECONDS: Final = 30
_INBOX_BYTES: Final = 256 * 1024
# two members, one of them a list of texts: anybody may send this, so it gets no more than it needs
_INBOX_LIMITS: Final = strict_json.Limits(max_bytes=_INBOX_BYTES, max_depth=2, max_values=2_000)
# whoever asks while the line is booked for less is answered, and the next waits the longer
_LONGEST_BUSY: Final = 2.0
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_PART: Final = re.compile(r"bytes (\d+)-(\d+)/")
# what anybody of one network may ask of one web process: a page of a lane and what it names, then one a second
ANYBODY: Final = Buckets(Rate(burst=60, per_second=1))
_OK: Final = 200
_CACHED_SECONDS: Final = 60
# what of unknown nodes one network may introduce to one web process: a few at once, then one a minute
INTRODUCTIONS: Final = Buckets(Rate(burst=5, per_second=1 / 60))


def signed(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Open a view to partners that sign their requests, and to nobody else."""

    def guarded(request: HttpRequest, **arguments: object) -> HttpResponseBase:
        try:
            partner = access.caller(request)
        except RequestRefused as refused:
            return _not_signed(refused)
        except AskedTooOften as refused:
            return _too_often(refused)
        except PartnerRefused as refused:
            return problem(403, refused.code, str(refused))
        return view(request, partner, **arguments)

    return guarded


def _not_signed(refused: RequestRefused) -> HttpResponse:
    if isinstance(refused, access.KeyIsReplaced):
        return problem(401, refused.code, str(refused), rotations=refused.rotations)
    return problem(401, refused.code, str(refused))


@require_GET
def descriptor(request: HttpRequest) -> HttpResponse:
    """``GET /.well-known/taawun``: who this node says it is."""
    del request
    response = HttpResponse(actions.own_descriptor(), content_type=JOSE)
    response["Cache-Control"] = "max-age=300"
    return response


def speaking(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer that this node is returning, while it does not know what it had said (see :mod:`.returning`)."""

    def guarded(request: HttpRequest, partner: Partner, **arguments: object) -> HttpResponseBase:
        return _returning() if returning.is_returning() else view(request, partner, **arguments)

    return guarded


def _returning() -> HttpResponse:
    response = problem(
        503,
        "returning",
        "This node was restored from a backup and waits for what its partners hold of its lanes.",
    )
    response["Retry-After"] = str(_RETURNING_SECONDS)
    return response


@require_GET
@signed
@speaking
def lane_list(request: HttpRequest, partner: Partner) -> HttpResponse:
    """``GET /federation/lanes``: the lanes the caller may read, with their signed heads."""
    del request
    key, open_lanes = node_key(), Lane.objects.filter(is_closed=False).order_by("opened")
    held = lanes.read_by(partner, open_lanes)
    urgent = urgent_lanes(partner, held)
    late = joining.newcomers(partner, [each.id for each in held])
    offers = [
        pages.offer(each, key, is_urgent=each.id in urgent, newcomer=late.get(each.id)) for each in held
    ]
    return HttpResponse(orjson.dumps({"lanes": offers}), content_type="application/json")


@require_GET
@signed
@speaking
def lane(request: HttpRequest, partner: Partner, lane_id: UUID) -> HttpResponseBase:
    """``GET /federation/lanes/{lane}?after=SEQ&limit=N``: entries after SEQ as JSON lines, then a signed head."""
    found = next(iter(lanes.read_by(partner, Lane.objects.filter(id=lane_id))), None)
    if found is None:
        # a lane of others is not told apart from none
        return problem(404, "no-such-lane", "There is no such lane for your node.")
    wanted = _wanted(request)
    if isinstance(wanted, HttpResponse):
        return wanted
    if booked := _booked():
        return booked
    # what stands before the floor of who joined later is not there for it, whatever it asks for
    first = joining.first_of(joining.newcomers(partner, [found.id]).get(found.id))
    after = max(wanted.after, first - 1)
    entries = pages.page(found, after, limit=wanted.limit, most=bandwidth.portion())
    return _page(request, found, entries, partner)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which entries of a lane are asked for."""

    after: int
    limit: int


def _wanted(request: HttpRequest) -> _Wanted | HttpResponse:
    try:
        after = int(request.GET.get("after", "-1"))
        limit = min(int(request.GET.get("limit", str(pages.MOST))), pages.MOST)
    except ValueError:
        return problem(400, "bad-page", "`after` and `limit` are whole numbers.")
    if after < -1 or limit < 1:
        return problem(400, "bad-page", "`after` is at least -1 and `limit` at least 1.")
    return _Wanted(after, limit)


def _page(
    request: HttpRequest, found: Lane, entries: Sequence[LaneEntry], reader: Partner | None
) -> HttpResponse:
    coding = chosen(request.headers.get("Accept-Encoding", ""))
    body = compressed(b"".join(pages.lines(found, entries, reader)), coding)
    if not _is_head(request):
        bandwidth.take(len(body), is_anybody=reader is None)
    response = HttpResponse(body, content_type=JSON_LINES)
    response["Vary"] = "Accept-Encoding"
    if coding:
        response["Content-Encoding"] = coding
    return response


def _booked(*, is_anybody: bool = False) -> HttpResponse | None:
    """A word that the line of this node is booked for longer than somebody may be kept waiting, where it is.

    A handler that waited itself would keep a thread from everybody else.
    """
    wait = bandwidth.busy(is_anybody=is_anybody)
    if wait <= _LONGEST_BUSY:
        return None
    return _too_often(
        AskedTooOften(wait, "line-busy", f"The line is busy. Try again in {math.ceil(wait)} s.")
    )


@csrf_exempt
@require_http_methods(["GET", "PUT"])
@signed
@speaking
def blob(request: HttpRequest, partner: Partner, digest: str) -> HttpResponseBase:
    """``GET /federation/blobs/{digest}``: a content that is too large for its line, under the same decision.

    ``PUT /federation/blobs/{digest}?from=N``: a piece of one, from a partner that nobody can fetch it from.
    """
    is_digest = _DIGEST.fullmatch(digest) is not None
    if request.method == "PUT" and is_digest:
        return _taken(lambda: delivered.take_piece(request, partner, digest))
    if not is_digest or not pages.may_have(partner, digest):
        return problem(404, "no-such-blob", "There is no such content for your node.")
    content = Content.objects.filter(digest=digest).first()
    if content is None:
        return problem(410, "withdrawn", "This content was withdrawn.")
    return content_response(request, content)


# ---- for anybody ------------------------------------------------------------------------------------------------


def _open_to_all(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Open a view to whoever asks, a few times a minute; what it answers may be kept by caches for as long."""

    def guarded(request: HttpRequest, **arguments: object) -> HttpResponseBase:
        if wait := ANYBODY.take(network_of(request.META.get("REMOTE_ADDR", ""))):
            refusal = f"Too many requests from your address. Try again in {math.ceil(wait)} s."
            return _too_often(AskedTooOften(wait, "asked-too-often", refusal))
        if returning.is_returning():
            return _returning()
        response = view(request, **arguments)
        if response.status_code == _OK:
            response["Cache-Control"] = f"public, max-age={_CACHED_SECONDS}"
        return response

    return guarded


@require_safe
@_open_to_all
def public(request: HttpRequest) -> HttpResponseBase:
    """``GET /federation/public?after=SEQ&limit=N``: this node's public lane, as a node reads it, unsigned."""
    key = node_key()
    found = lanes.own_public_lanes().filter(is_closed=False, head_seq__gt=0).first()
    if found is None:
        return problem(404, "nothing-public", "This node has published nothing to everybody.")
    wanted = _wanted(request)
    if isinstance(wanted, HttpResponse):
        return wanted
    if booked := _booked(is_anybody=True):
        return booked
    most = bandwidth.portion(is_anybody=True)
    entries = pages.page(found, wanted.after, limit=wanted.limit, most=most)
    readable = registry.get(LanePurpose, found.purpose).readable(found, entries, None)
    # what is served changes with the lane, with what of it may be had, and with the key that signs its head
    told = [key.kid, found.head_digest, str(wanted.after), [[each.seq for each in entries], readable]]
    etag = quote_etag(sha256(strict_json.canonical(told)))
    if unchanged := get_conditional_response(request, etag=etag):
        return unchanged
    response = _page(request, found, entries, None)
    # a signed head is made anew for each answer: the same entries, not the same bytes
    response["ETag"] = f"W/{etag}"
    return response


@require_safe
@_open_to_all
def public_blob(request: HttpRequest, digest: str) -> HttpResponseBase:
    """``GET /federation/public/{digest}``: a content that stands on the public lane, as a file to save."""
    if _DIGEST.fullmatch(digest) is None or not pages.is_public(digest):
        return problem(404, "no-such-blob", "There is no such content for everybody.")
    content = Content.objects.filter(digest=digest).first()
    if content is None:
        return problem(410, "withdrawn", "This content was withdrawn.")
    etag = quote_etag(digest)
    if unchanged := get_conditional_response(request, etag=etag):
        return unchanged
    response = confine(content_response(request, content, is_anybody=True), f"{digest[:16]}.json")
    response["ETag"] = etag
    return response


def content_response(request: HttpRequest, content: Content, *, is_anybody: bool = False) -> HttpResponseBase:
    """The bytes of a content that the caller may have.

    Args:
        request: what is asked; a HEAD books nothing of the line, for nothing of the content goes.
        content: what for.
        is_anybody: for a reader without a name, who keeps no partner waiting.
    """
    if _is_head(request):
        # the length alone: an open file would wait for bytes that nobody reads
        head = HttpResponse(content_type="application/octet-stream")
        head["Content-Length"] = str(content.size)
        return head
    if booked := _booked(is_anybody=is_anybody):
        return booked
    if content.body is not None:
        bandwidth.take(content.size, is_anybody=is_anybody)
        return HttpResponse(bytes(content.body), content_type="application/octet-stream")
    return _file(request, content.digest, content.size, is_anybody=is_anybody)


def part_in(response: HttpResponseBase, content: Content) -> tuple[int, int]:
    """Which bytes of a content an answer to a GET brings: from which one to before which.

    Args:
        response: as :func:`content_response` gives it.
        content: the same.
    """
    if response.status_code == _OK:
        return 0, content.size
    found = _PART.match(response.get("Content-Range", ""))
    return (int(found[1]), int(found[2]) + 1) if found else (0, 0)


def _file(request: HttpRequest, digest: str, size: int, *, is_anybody: bool) -> HttpResponseBase:
    """A file, from where an interrupted download stopped (RFC 9110, section 14)."""
    start = _range_start(request.headers.get("Range", ""), size)
    most = bandwidth.portion(is_anybody=is_anybody)
    if start is None and most is not None and size > most:
        # one request would book the line for as long as all of it takes, whether it is read or not
        told = (
            "This is more than goes out at once at the moment. Ask for it part by part, with Range: bytes=0-."
        )
        return problem(429, "use-range", told)
    handle = files.open_file(digest)
    if start is None:
        bandwidth.take(size, is_anybody=is_anybody)
        return FileResponse(handle, content_type="application/octet-stream")
    handle.seek(start)
    if most is None or size - start <= most:
        bandwidth.take(size - start, is_anybody=is_anybody)
        response: HttpResponseBase = FileResponse(handle, status=206, content_type="application/octet-stream")
        end = size
    else:
        # a part of it (RFC 9110, section 15.3.7): whoever wants the rest asks for it when the line is free
        with handle:
            response = HttpResponse(handle.read(most), status=206, content_type="application/octet-stream")
        end = start + most
        bandwidth.take(most, is_anybody=is_anybody)
    response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response["Content-Length"] = str(end - start)
    return response


def _is_head(request: HttpRequest) -> bool:
    """Whether only the head of an answer goes, as it was asked: the interface has its views answer as to a GET."""
    return request.META.get("REQUEST_METHOD") == "HEAD"


def _range_start(header: str, size: int) -> int | None:
    found = re.fullmatch(r"bytes=(\d{1,15})-", header.strip())
    start = int(found[1]) if found else None
    return start if start is not None and start < size else None


@csrf_exempt
@require_POST
def inbox(request: HttpRequest) -> HttpResponseBase:
    """``POST /federation/inbox``: a node says that it has news, or that it exists. The truth is pulled.

    The body is ``{"descriptor": JWS, "heads": [JWS, …], "compare": true}``. Heads are of the sender's own lanes, or of
    lanes that both read; with ``compare`` the answer brings those that are held here. As JSON lines the
    body is a page of a lane, from a partner that nobody can fetch it from.
    """
    if request.content_type == JSON_LINES:
        return _deliver(request)
    if len(request.body) > _INBOX_BYTES:
        return problem(413, "too-large", f"The inbox takes at most {_INBOX_BYTES} bytes.")
    try:
        said = strict_json.parse(request.body, _INBOX_LIMITS)
        token = said["descriptor"]
        if not isinstance(token, str):
            raise TypeError  # noqa: TRY301 - one answer for every malformed body
    except (strict_json.JsonRefused, KeyError, TypeError) as why:
        return problem(400, "malformed", f"The inbox takes {{descriptor, heads}}: {why}")
    return _hear(request, token, said)


def _deliver(request: HttpRequest) -> HttpResponseBase:
    @signed
    def take(request: HttpRequest, partner: Partner) -> HttpResponseBase:
        return _taken(lambda: delivered.take(request, partner))

    return take(request)


def _taken(take: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return take()
    except delivered.Undeliverable as refused:
        return refused.answer()
    except AskedTooOften as refused:
        return _too_often(refused)


def _hear(request: HttpRequest, token: str, said: Mapping[str, Any]) -> HttpResponse:
    answer = HttpResponse(status=202)
    try:
        known = Partner.objects.exclude(kid="").filter(kid=kid_of(token)).first()
        if known:
            caller = access.caller(request)
            actions.heard_from(caller, token)
            answer = _compared(caller, said)
        else:
            network = network_of(request.META.get("REMOTE_ADDR", ""))
            # before anything of it is looked at: a signature costs more to check than to make up
            if wait := INTRODUCTIONS.take(network):
                refusal = f"Too many unknown nodes from your address. Try again in {math.ceil(wait)} s."
                return _too_often(AskedTooOften(wait, "too-many-requests", refusal))
            access.introduce(request, token)
            actions.hear_of(token, network)
    except RequestRefused as refused:
        return _not_signed(refused)
    except DescriptorRefused as refused:
        return problem(400, refused.code, str(refused))
    except AskedTooOften as refused:
        return _too_often(refused)
    except PartnerRefused as refused:
        return problem(403, refused.code, str(refused))
    return answer


def _compared(caller: Partner, said: Mapping[str, Any]) -> HttpResponse:
    """Heads of lanes that both read, for heads of them; the answer says nothing of what was thought of theirs."""
    heads = witness.answer(caller, said.get("heads"), wants_ours=said.get("compare") is True)
    if heads is None:
        return HttpResponse(status=202)
    return HttpResponse(orjson.dumps({"heads": heads}), status=202, content_type="application/json")


def _too_often(refused: AskedTooOften) -> HttpResponse:
    response = problem(429, refused.code, str(refused))
    response["Retry-After"] = str(math.ceil(refused.wait))
    return response
