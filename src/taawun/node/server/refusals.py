"""What the server answers by itself: problem documents (RFC 9457) that say what is wrong and what to do."""

import json
from http import HTTPStatus

from taawun.node.server.wire import Exchange, Headers

MEBIBYTE = 1024 * 1024


class Refusal(Exception):
    """A request that never reaches the application.

    Attributes:
        status: the HTTP status.
        code: a stable word in kebab-case.
        detail: sentences that name the limit and the mend.
        headers: further headers of the answer.
    """

    def __init__(self, status: HTTPStatus, code: str, detail: str, headers: Headers | None = None) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or []


def send_problem(exchange: Exchange, refusal: Refusal) -> None:
    """Answer with the refusal as ``application/problem+json`` and let the connection end.

    Args:
        exchange: the exchange to answer.
        refusal: what to say.
    """
    document = {
        "type": "about:blank",
        "title": refusal.status.phrase,
        "status": refusal.status.value,
        "detail": refusal.detail,
        "code": refusal.code,
    }
    headers = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        # What is left of the body must not be read as the next request.
        ("connection", "close"),
        *refusal.headers,
    ]
    exchange.response_bytes(refusal.status.value, headers, json.dumps(document).encode())


def too_large(limit: int) -> Refusal:
    """The body is over the limit (in bytes) of its address: 413."""
    if limit == 0:
        return Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body-too-large",
            "This address takes no body. Send the request without one.",
        )
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body-too-large",
        f"The body is larger than the {_size(limit)} that this address takes. "
        "Send less at once, for example in several files.",
    )


def too_slow(grace: float, rate: int, longest: float) -> Refusal:
    """The body came slower than grace (seconds), rate (bytes a second) and longest (seconds) allow: 408."""
    return Refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        "body-too-slow",
        f"The body did not arrive in time. It has {grace:g} seconds, one more for every {_size(rate)}, "
        f"and at most {longest:g}. Send it again over a faster line, or in smaller parts.",
    )


def too_many(per_client: int, retry_seconds: int) -> Refusal:
    """Too many bodies are under way from this client, or from all together: 503."""
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too-many-bodies",
        f"Too many uploads are under way; one client may have {per_client} at once. "
        f"Wait {retry_seconds} seconds and send it again.",
        [("retry-after", str(retry_seconds))],
    )


def broken_off() -> Refusal:
    """The body ended before it was whole, or has trailers: 400."""
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        "body-broken-off",
        "The body ended before it was whole, or carries trailers. Send it again, whole and without trailers.",
    )


def bad_path() -> Refusal:
    """The path is not UTF-8: 400."""
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        "path-not-utf-8",
        "The path is not UTF-8. Percent-encode the bytes of its UTF-8 form.",
    )


def no_tunnels() -> Refusal:
    """CONNECT was asked for: 501."""
    return Refusal(
        HTTPStatus.NOT_IMPLEMENTED,
        "no-tunnels",
        "This server opens no tunnels. Send the request to it directly.",
    )


def broken_here() -> Refusal:
    """The application failed; the reason is in the log only: 500."""
    return Refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal-error",
        "The node could not finish this request; its log says why. "
        "Try again, and tell the node's operator if it happens again.",
    )


def _size(count: int) -> str:
    if count >= MEBIBYTE:
        return f"{count / MEBIBYTE:g} MiB" if count % MEBIBYTE == 0 else f"{count / MEBIBYTE:.2f} MiB"
    return f"{count / 1024:g} KiB" if count >= 1024 else f"{count} bytes"  # noqa: PLR2004 - the unit itself
