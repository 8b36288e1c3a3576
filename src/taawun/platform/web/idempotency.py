"""A POST that is sent twice is done once (draft-ietf-httpapi-idempotency-key-header).

The answer is written in the transaction of the act itself. So after a crash either both are there, and the
answer is given again, or neither is, and the request is done anew. Of two at once the second waits for the first.
An answer that is an error changed nothing, so it is not remembered. What takes long or cannot be undone, such as an
e-mail, an act leaves to ``transaction.on_commit``.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _

from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.platform.web.models import Answer
from taawun.platform.web.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponseBase

    from taawun.platform.web.bearer import Bearer

__all__ = ["LIFE", "LONGEST_KEY", "MOST_KEPT", "answer_once", "prune"]

LIFE: Final = timedelta(hours=24)
LONGEST_KEY: Final = 255
# so many answers of one token are kept, whatever is asked with it; of more the newest half
MOST_KEPT: Final = 10_000
_NONCE_BYTES: Final = 12
_FIRST_ERROR: Final = 400
# what of an answer is given again; everything else is of the connection
_KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag")


def answer_once(
    bearer: Bearer, key: str, request_digest: str, answer: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """Answer a request, or give again the answer it had.

    Args:
        bearer: who asks; a key is theirs alone.
        key: the Idempotency-Key.
        request_digest: SHA-256 of what is asked: method, address and body.
        answer: does it and answers.

    Returns:
        The answer. Given again it says ``Idempotency-Replayed: true``. A problem (400) for a key that is none, and
        (422) for a key that was used for something else.
    """
    if not key.isprintable() or not key.isascii() or not 1 <= len(key) <= LONGEST_KEY:
        return problem(
            400,
            "bad-idempotency-key",
            _("An Idempotency-Key is 1 to %(most)d visible ASCII characters.") % {"most": LONGEST_KEY},
        )
    with transaction.atomic():
        held, is_new = _claim(bearer, sha256(key.encode()), request_digest)
        if not is_new:
            return _given_again(held, bearer, key, request_digest)
        response = answer()
        if response.status_code >= _FIRST_ERROR:
            transaction.set_rollback(True)
        elif isinstance(response, HttpResponse):
            held.sealed = _seal(response, bearer, key)
            held.save(update_fields=["sealed"])
        else:
            # what is streamed cannot be given again; its act is done, so the key is free for the next one
            held.delete()
        return response


def _claim(bearer: Bearer, key_digest: str, request_digest: str) -> tuple[Answer, bool]:
    """The row of this key; whoever comes second waits here until the first has committed or was undone."""
    Answer.objects.filter(token=bearer.token, key_digest=key_digest, expires__lte=now()).delete()
    held, is_new = Answer.objects.get_or_create(
        token=bearer.token,
        key_digest=key_digest,
        defaults={"request_digest": request_digest, "expires": now() + LIFE},
    )
    if is_new:
        _make_room(bearer)
    return held, is_new


def _make_room(bearer: Bearer) -> None:
    """Forget the oldest answers of a token that was asked with more often than is remembered."""
    kept = Answer.objects.filter(token=bearer.token)
    if kept.count() > MOST_KEPT:
        oldest = kept.order_by("-expires").values_list("expires", flat=True)[MOST_KEPT // 2]
        kept.filter(expires__lt=oldest).delete()


def _given_again(held: Answer, bearer: Bearer, key: str, request_digest: str) -> HttpResponse:
    if held.request_digest != request_digest:
        return problem(
            422,
            "idempotency-key-reused",
            _("This Idempotency-Key was used for another request. Take a new one for each new request."),
        )
    status, headers, body = _open(held, bearer, key)
    response = HttpResponse(body, status=status, headers=headers)
    response["Idempotency-Replayed"] = "true"
    return response


def _seal(response: HttpResponse, bearer: Bearer, key: str) -> bytes:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    plain = json.dumps([response.status_code, headers, response.content.decode()]).encode()
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(bearer, key).encrypt(nonce, plain, None)


def _open(held: Answer, bearer: Bearer, key: str) -> tuple[int, dict[str, str], str]:
    sealed = bytes(held.sealed)
    plain = _cipher(bearer, key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    status, headers, body = json.loads(plain)
    return status, headers, body


def _cipher(bearer: Bearer, key: str) -> AESGCM:
    # a token is 256 random bits, so a plain digest of it is as good as a key
    return AESGCM(bytes.fromhex(sha256(f"taawun-answer\n{bearer.secret}\n{key}".encode())))


def prune() -> int:
    """Forget answers whose day is over.

    Returns:
        How many were forgotten.
    """
    removed, _by_model = Answer.objects.filter(expires__lte=now()).delete()
    return removed
