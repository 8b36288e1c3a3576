"""The bytes of entries: small ones in the database, large ones as files, both by digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from taawun.cooperation.partners.chain import INLINE_BYTES
from taawun.cooperation.partners.models import Content, LaneEntry
from taawun.foundation.digests import sha256
from taawun.platform.files import actions as files

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["drop_unused", "find", "get", "has", "put"]


def put(body: bytes) -> Content:
    """Store bytes; bytes that are there already are not stored again."""
    digest = sha256(body)
    found = Content.objects.filter(digest=digest).first()
    if found:
        return found
    inline = len(body) <= INLINE_BYTES
    if not inline:
        files.store([body], owner=_owner(digest), limit=len(body))
    content, _created = Content.objects.get_or_create(
        digest=digest, defaults={"size": len(body), "body": body if inline else None}
    )
    return content


def get(digest: str) -> bytes:
    """The bytes with this digest.

    Raises:
        Content.DoesNotExist: they are not, or no longer, here.
        FileGone: they should be in a file and are not.
    """
    content = Content.objects.get(digest=digest)
    return files.read(digest) if content.body is None else bytes(content.body)


def find(digests: Collection[str]) -> dict[str, bytes]:
    """The small contents among these digests, in one query; large ones are fetched by digest instead."""
    rows = Content.objects.filter(digest__in=digests, body__isnull=False).values_list("digest", "body")
    return {digest: bytes(body) for digest, body in rows if body is not None}


def has(digest: str) -> bool:
    """Whether the bytes are here."""
    return Content.objects.filter(digest=digest).exists()


@transaction.atomic
def drop_unused(digest: str) -> bool:
    """Remove bytes that no entry needs any more: every entry that named them is withdrawn or refused.

    Returns:
        Whether they were removed.
    """
    gone = (LaneEntry.State.WITHDRAWN, LaneEntry.State.REFUSED)
    if not digest or LaneEntry.objects.filter(content_digest=digest).exclude(state__in=gone).exists():
        return False
    removed, _ = Content.objects.filter(digest=digest).delete()
    files.let_go(_owner(digest))
    return removed > 0


def _owner(digest: str) -> str:
    return f"urn:taawun:content:{digest}"
