"""What every API room leans on: the gate before each address, problem documents, pages, If-Match.

A room's ``api.py`` has a ninja router and, where it raises errors of its own, ``ERRORS``: how each is answered.
``node/api.py`` puts the rooms together.
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, NoReturn, TypeVar, cast

import orjson
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import UnreadablePostError
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.security import HttpBearer
from pydantic import ConfigDict, Field

from taawun.foundation import strict_json
from taawun.platform.web.bearer import Bearer, TokenDoor, token_door
from taawun.platform.web.formats import either
from taawun.platform.web.idempotency import answer_once
from taawun.platform.web.limits import Buckets, Rate, network_of
from taawun.platform.web.paging import BadCursor, page
from taawun.platform.web.problems import problem
from taawun.platform.web.shapes import Schema
from taawun.platform.web.validation import worded

if TYPE_CHECKING:
    from ninja.types import DictStrAny

__all__ = [
    "ADDRESSES",
    "BODY_LIMITS",
    "TOKENS",
    "ApiRequest",
    "Body",
    "ErrorAnswers",
    "Listing",
    "Paging",
    "Refusal",
    "Renderer",
    "StrictParser",
    "TokenAuth",
    "check_edition",
    "check_edition_if_named",
    "etag",
    "gate",
    "handle_errors",
    "listing",
    "missing",
    "no_such_address",
    "require",
]

log = logging.getLogger(__name__)

R = TypeVar("R")
T = TypeVar("T")

# what one token, and one address, may ask of one web process
TOKENS: Final = Buckets(Rate(burst=500, per_second=50))
ADDRESSES: Final = Buckets(Rate(burst=2000, per_second=200))
BODY_LIMITS: Final = strict_json.Limits(
    max_bytes=2 * 1024 * 1024, max_depth=32, max_string=1024 * 1024, max_values=200_000
)
DEFAULT_PAGE: Final = 50
LARGEST_PAGE: Final = 500
LONGEST_TOKEN: Final = 200
_CHUNK: Final = 64 * 1024
_CHALLENGE: Final = 'Bearer realm="taawun"'
_JSON: Final = re.compile(r"application/([a-z0-9.+-]+\+)?json(\s*;.*)?", re.IGNORECASE)


class ApiRequest(HttpRequest):
    """A request that passed the gate."""

    auth: Bearer


class Refusal(Exception):
    """An answer other than the one that was asked for, as a problem document.

    Args:
        status: the HTTP status.
        code: stable, kebab-case.
        detail: what is wrong and how to mend it, in the reader's language.
        pointer: JSON pointer to the place in the body.
        headers: headers of the answer.
        members: further members of the problem document; JSON values.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        pointer: str = "",
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.pointer = status, code, detail, pointer
        self.headers = dict(headers or {})
        self.members = members

    def response(self) -> HttpResponse:
        """The problem document."""
        answer = problem(self.status, self.code, self.detail, pointer=self.pointer, **self.members)
        for name, value in self.headers.items():
            answer[name] = value
        return answer


def missing(code: str, detail: str) -> NoReturn:
    """There is no such thing, or none for this caller.

    Raises:
        Refusal: 404.
    """
    raise Refusal(404, code, detail)


# ---- the gate ---------------------------------------------------------------------------------------------------


def gate(
    view: Callable[..., HttpResponseBase], *, is_public: bool = False, door: str = "people"
) -> Callable[..., HttpResponseBase]:
    """Put the gate before a view: limits, who calls, Idempotency-Key, and problems for whatever goes wrong.

    Args:
        view: called with the request, which then is an :class:`ApiRequest`.
        is_public: whether it is for everybody; then nobody is asked for a token.
        door: the :class:`~taawun.platform.web.bearer.TokenDoor` whose tokens open it.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            _limit(ADDRESSES, network_of(request.META.get("REMOTE_ADDR", "")))
            bearer = None if is_public else _admit(request, token_door(door))

            def answer() -> HttpResponseBase:
                with _as_get(request):
                    response = _as_problem(view(request, *args, **kwargs))
                if bearer:
                    # what one token may see, no cache keeps for another
                    response.headers.setdefault("Cache-Control", "private, no-store")
                return response

            key = request.headers.get("Idempotency-Key")
            if bearer is None or key is None or request.method != "POST":
                return answer()
            with _read_twice(request) as digest:
                return answer_once(bearer, key, digest, answer)
        except Refusal as refused:
            return refused.response()
        except Http404:
            return no_such_address(request)
        except (
            OperationalError
        ) as error:  # before the operation was called: who comes is read from the database too
            return _busy(error).response()

    guarded.csrf_exempt = True  # type: ignore[attr-defined]  # Django's own mark; a token is no cookie
    return guarded


@contextmanager
def _as_get(request: HttpRequest) -> Iterator[None]:
    """HEAD is answered like GET; the server leaves the content out (RFC 9110, 9.3.2)."""
    method = request.method
    if method == "HEAD":
        request.method = "GET"
    try:
        yield
    finally:
        request.method = method


def _limit(buckets: Buckets, caller: str) -> None:
    wait = buckets.take(caller)
    if wait:
        seconds = math.ceil(wait)
        raise Refusal(
            429,
            "too-many-requests",
            _("Too many requests. Try again in %(seconds)d s.") % {"seconds": seconds},
            headers={"Retry-After": str(seconds)},
        )


def _admit(request: HttpRequest, door: TokenDoor) -> Bearer:
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(
            401,
            "token-missing",
            _("Send an API token: “Authorization: Bearer …”. %(source)s") % {"source": door.source},
            headers={"WWW-Authenticate": _CHALLENGE},
        )
    secret = secret.strip()
    bearer = door.bearer(secret) if len(secret) <= LONGEST_TOKEN else None
    if bearer is None:
        raise Refusal(
            401,
            "token-refused",
            _("This token is unknown here, revoked or expired, or whose it is left. %(source)s")
            % {"source": door.source},
            headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
        )
    _limit(TOKENS, str(bearer.token))
    cast("ApiRequest", request).auth = bearer
    return bearer


@contextmanager
def _read_twice(request: HttpRequest) -> Iterator[str]:
    """The SHA-256 of what is asked (method, address and body), after which the body can be read as if it were new.

    What is remembered for a key is the digest alone. A body that is too large for memory, which only few operations
    take, is copied to an unnamed file meanwhile; whether it is too large for them, they say.
    """
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    try:
        digest.update(request.body)
    except UnreadablePostError:
        raise _broken_off() from None
    except RequestDataTooBig:
        with tempfile.TemporaryFile() as copy:
            for chunk in _chunks(request):
                digest.update(chunk)
                copy.write(chunk)
            copy.seek(0)
            # Django has no way to put a body back; its own `body` does the same once it was read
            request._stream, request._read_started = copy, False  # type: ignore[attr-defined]  # noqa: SLF001 - how Django hands on a body that was read; it has no public way
            yield digest.hexdigest()
        return
    yield digest.hexdigest()


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    try:
        while chunk := request.read(_CHUNK):
            yield chunk
    except UnreadablePostError:
        raise _broken_off() from None


def _body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        raise _too_large() from None
    except UnreadablePostError:
        raise _broken_off() from None


def _broken_off() -> Refusal:
    return Refusal(400, "broken-off", _("The body broke off. Send it again."))


def _too_large() -> Refusal:
    return Refusal(
        413,
        "too-large",
        _("A body has at most %(most)d bytes here.") % {"most": BODY_LIMITS.max_bytes},
    )


def _as_problem(response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return response
    allowed = response["Allow"]
    return Refusal(
        405,
        "wrong-method",
        _("This address takes %(methods)s.") % {"methods": either(allowed.split(", "))},
        headers={"Allow": allowed},
    ).response()


@csrf_exempt
def no_such_address(request: HttpRequest, **_arguments: object) -> HttpResponse:
    """The answer at an address below ``/api/`` where there is nothing."""
    del request
    return problem(
        404, "no-such-address", _("There is nothing at this address. See /api/v1/docs for what there is.")
    )


class TokenAuth(HttpBearer):
    """Tells ninja, and the OpenAPI document, who the gate let in."""

    def __call__(self, request: HttpRequest) -> Bearer:
        """The bearer that the gate found; an operation that has no gate before it is open to nobody."""
        return self.authenticate(request, "")

    def authenticate(self, request: HttpRequest, token: str) -> Bearer:  # noqa: ARG002 - ninja's signature
        """As above: the token was looked at by the gate."""
        return cast("ApiRequest", request).auth


def require(request: ApiRequest, permission: str) -> None:
    """Go on only if the caller holds a permission.

    Raises:
        Exception: the refusal of the room of people, which its API answers with 403 and the reason.
    """
    token_door().require(request.auth.actor, permission)


# ---- bodies -----------------------------------------------------------------------------------------------------


class StrictParser(Parser):
    """Reads bodies through the strict door of the foundation, before anything else looks at them."""

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> DictStrAny:
        """The parameters of an address, whose values ninja checks.

        Raises:
            Refusal: one holds a NUL character, which no database stores.
        """
        for name, values in data.lists():
            if any("\0" in value for value in values):
                raise Refusal(422, "nul-character", _("A parameter holds a NUL character."), parameter=name)
        found: DictStrAny = super().parse_querydict(data, list_fields, request)
        return found

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """The body's value.

        Raises:
            JsonRefused: it is not acceptable JSON.
            Refusal: it is no JSON by its own word, or cannot be read.
        """
        if not _JSON.fullmatch(request.content_type or ""):
            raise Refusal(415, "not-json", _("Send the body as JSON, with “Content-Type: application/json”."))
        # Any JSON value may come; ninja checks it against the operation's schema
        return cast("DictStrAny", strict_json.parse(_body(request), BODY_LIMITS))


class Body(Schema):
    """Base of every request body: a member it does not know is refused, not overlooked."""

    model_config = ConfigDict(extra="forbid")


class Renderer(BaseRenderer):
    """Writes answers: instants as RFC 3339 with ``Z``, letters of every script as they are."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002 - ninja's
        """The answer as JSON. ``data`` is whatever an operation's schema dumped."""
        return orjson.dumps(data, default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: object) -> str:
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{value!r} has no JSON form")


# ---- lists ------------------------------------------------------------------------------------------------------


class Paging(Schema):
    """How much of a list, and from where."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="Rows on the page.")] = DEFAULT_PAGE
    after: Annotated[str, Field(max_length=4096, description="The `next` of the page before.")] = ""


class Listing(Schema, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: Annotated[
        str | None, Field(description="Pass it as `after` for the following page; null on the last one.")
    ]


def listing(
    into: type[Listing[T]],
    queryset: QuerySet[Any, R],
    paging: Paging,
    *,
    order: tuple[str, ...],
    show: Callable[[Sequence[R]], list[T]],
) -> Listing[T]:
    """One page of a queryset, shown.

    Args:
        into: the list's own type, for example ``Listing[Partner]``.
        queryset: what the caller may see, filtered.
        paging: which page.
        order: as :func:`taawun.platform.web.paging.page` takes it.
        show: turns the rows of the page into what is answered, all at once.

    Raises:
        BadCursor: ``after`` was not given out by this list.
    """
    found = page(queryset, order=order, after=paging.after, limit=paging.limit)
    return into(items=show(found.items), next=found.next)


# ---- editions ---------------------------------------------------------------------------------------------------


def etag(edition: object) -> str:
    """The entity tag of an edition (RFC 9110, 8.8.3)."""
    return f'"{edition}"'


def check_edition(request: HttpRequest, edition: object) -> None:
    """Go on only if the caller edits what is there now (RFC 9110, 13.1.1).

    Args:
        request: its If-Match names the edition that was edited, or is ``*``.
        edition: the edition that is there.

    Raises:
        Refusal: 428 without If-Match, 412 with that of another edition.
    """
    given = request.headers.get("If-Match", "").strip()
    if not given:
        raise Refusal(
            428,
            "if-match-missing",
            _("Send the ETag of what you edited as If-Match, so that nobody's work is overwritten."),
        )
    if given != "*" and etag(edition) not in (tag.strip() for tag in given.split(",")):
        raise Refusal(
            412,
            "edited-meanwhile",
            _("Somebody else changed this meanwhile. Load it again and repeat your change."),
            headers={"ETag": etag(edition)},
        )


def check_edition_if_named(request: HttpRequest, edition: int) -> int | None:
    """The same for what may be changed without naming an edition: whoever names one is held to it.

    Args:
        request: with If-Match, or without.
        edition: the edition that is there.

    Returns:
        the edition that the change is held to; None where none was named.

    Raises:
        Refusal: 412 with the If-Match of another edition.
    """
    if not request.headers.get("If-Match", "").strip():
        return None
    check_edition(request, edition)
    return edition


# ---- errors -----------------------------------------------------------------------------------------------------

# Any: each answer takes the very error it is registered for
ErrorAnswers = Mapping[type[Exception], Callable[[Any], Refusal]]


def handle_errors(api: NinjaAPI, *rooms: ErrorAnswers) -> None:
    """Answer every error with a problem document.

    Args:
        api: the composed API.
        rooms: what each room raises, and how that is answered.
    """
    answers: dict[type[Exception], Callable[[Any], Refusal]] = {
        BadCursor: lambda error: Refusal(422, error.code, str(error), parameter="after"),
        ValidationError: _invalid,
        HttpError: _of_ninja,
        Http404: lambda _error: Refusal(404, "not-found", _("There is no such thing, or none for you.")),
        RequestDataTooBig: lambda _error: _too_large(),
        OperationalError: _busy,
        Exception: _fault,
        Refusal: lambda refused: refused,
    }
    for room in rooms:
        answers.update(room)
    for error, answer in answers.items():
        api.add_exception_handler(error, _handler(answer))


def _handler(answer: Callable[[Any], Refusal]) -> Callable[[HttpRequest, Any], HttpResponse]:
    def handle(request: HttpRequest, error: Any) -> HttpResponse:
        del request
        return answer(error).response()

    return handle


def _invalid(error: ValidationError) -> Refusal:
    errors = [worded(each) for each in error.errors]
    first = errors[0]
    return Refusal(
        422,
        "invalid",
        _("What was sent does not fit: %(problem)s") % {"problem": first["detail"]},
        pointer=first.get("pointer", ""),
        errors=errors,
    )


def _of_ninja(error: HttpError) -> Refusal:
    """Ninja wraps whatever its parser raised; the cause knows the place."""
    cause = error.__cause__
    if isinstance(cause, Refusal):
        return cause
    if isinstance(cause, strict_json.JsonRefused):
        return _bad_json(cause)
    return Refusal(error.status_code, "refused", str(error))


def _bad_json(refused: strict_json.JsonRefused) -> Refusal:
    if refused.code == "too-large":
        return _too_large()
    return Refusal(
        400, refused.code, str(refused), pointer=refused.pointer, line=refused.line, column=refused.column
    )


def _busy(error: OperationalError) -> Refusal:
    log.warning("the database did not answer: %s", error)
    return Refusal(
        503,
        "busy",
        _("The database did not answer in time. Nothing was changed; try again."),
        headers={"Retry-After": "1"},
    )


def _fault(error: Exception) -> Refusal:
    log.error("an API operation failed", exc_info=error)
    return Refusal(500, "fault", _("This node failed at it. Nothing was changed; its log says why."))
