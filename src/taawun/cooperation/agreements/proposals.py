"""A depositary's signed word that it proposed a version: by it anybody may pass the version on (docs/protocol.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.identity.keys import node_key
from taawun.foundation import strict_json
from taawun.foundation.clock import now, timestamp
from taawun.foundation.signing import SignatureRefused

if TYPE_CHECKING:
    from datetime import datetime

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.partners.identity.lineage import Verifier
    from taawun.foundation.signing import SigningKey

__all__ = ["PROPOSAL_TYP", "check", "sign", "write"]

PROPOSAL_TYP: Final = "taawun-proposal+jws"


def sign(document: Document) -> str:
    """This node's word that it proposes a version, as its depositary. It binds nobody: a signature does.

    Args:
        document: the version.
    """
    return write(document, settings.BASE_URL, node_key(), now())


def write(document: Document, node: str, key: SigningKey, at: datetime) -> str:
    """A depositary's word that it proposes a version. Pure.

    Args:
        document: the version.
        node: base address of the depositary.
        key: its current one.
        at: when.
    """
    said = {"agreement": str(document.id), "digest": document.digest, "node": node, "at": timestamp(at)}
    return key.sign(strict_json.canonical(said), PROPOSAL_TYP)


def check(token: object, document: Document, keys: Verifier) -> str:
    """See that a depositary gave its word on exactly this version.

    Args:
        token: the signed text. Whatever stood there.
        document: the version.
        keys: of its depositary.

    Returns:
        The signed text.

    Raises:
        MessageRefused: ``unsigned`` without one, ``signature`` where it is another's, or about something else.
    """
    if not isinstance(token, str):
        raise MessageRefused(
            "unsigned", "a version comes with its depositary's signed word that it proposed it"
        )
    try:
        said = strict_json.parse(keys.verify(token, PROPOSAL_TYP))
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise MessageRefused("signature", str(refused)) from None
    about = (said.get("agreement"), said.get("digest"), said.get("node")) if isinstance(said, dict) else ()
    if about != (str(document.id), document.digest, document.depositary.node):
        raise MessageRefused("signature", "what was signed is about another version")
    return token
