"""Keeping versions of an agreement, whoever brought them, and finding one by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from taawun.cooperation.agreements import keeping
from taawun.cooperation.agreements.actions.speaking import next_agreement_number
from taawun.cooperation.agreements.models import Agreement, PartySignature, Version
from taawun.cooperation.partners.errors import MessageRefused
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from taawun.cooperation.agreements.document import Document

__all__ = ["check_depositary", "check_room", "keep_version", "version_of"]


def check_depositary(document: Document, kid: str) -> None:
    """See that a version is by the depositary of its agreement.

    Args:
        document: the version.
        kid: the key that its depositary signed it with, or sent it under.

    Raises:
        MessageRefused: ``not-depositary``: another node is, or another key than that of its lineage signed it, or the
            agreement is a draft of this node.
    """
    held = Agreement.objects.select_for_update().filter(id=document.id).first()
    if held is None:
        return
    first = held.versions.order_by("number", "digest").first()
    depositary = first.document().depositary if first else None
    if (
        depositary is None
        or depositary.node != document.depositary.node
        or not keeping.stands_for(depositary.node, depositary.kid, kid)
    ):
        raise MessageRefused("not-depositary", "another node is the depositary of this agreement")


def check_room(document: Document) -> None:
    """A depositary may have so many versions before our people, and not fill their list, the memory and the disk.

    Args:
        document: a further one.

    Raises:
        MessageRefused: ``too-many-waiting``.
    """
    theirs = Version.objects.filter(depositary=document.depositary.node)
    keeping.check_texts_waiting(
        theirs.exclude(keeping.was_answered("agreement_id")), "text", len(document.text)
    )


def keep_version(document: Document, proposal: str = "") -> Agreement:
    """Keep a version that is not held yet, once it was checked; its agreement is made with the first one.

    Of a depositary that signs two texts under one number both are kept, so that all parties hold the same; this node
    signs neither from then on.

    Args:
        document: the version.
        proposal: its depositary's signed word that it proposed it; empty where its signature came instead.

    Returns:
        The agreement, locked.
    """
    held = Agreement.objects.select_for_update().filter(id=document.id).first()
    if held is None:
        take_turn("agreements.number")
        held = Agreement.objects.create(
            id=document.id, number=next_agreement_number(), titles=document.title.to_json()
        )
    depositary = document.depositary.node
    Version.objects.create(
        agreement=held,
        number=document.version,
        text=document.text,
        digest=document.digest,
        depositary=depositary,
        proposal=proposal,
    )
    newest = held.versions.order_by("-number", "-digest").first()
    if newest and newest.digest == document.digest:
        held.titles = document.title.to_json()
        held.save(update_fields=["titles"])
    keeping.look_back(document)
    keeping.warn_of_two_texts(held, depositary, document.version)
    return held


def version_of(agreement: Agreement, number: int, digest: str = "") -> Version | None:
    """The version of a number; None where there is none.

    Args:
        agreement: which.
        number: of the version.
        digest: where its depositary proposed several texts under the number, which of them; empty for the one that
            this node signed, else the first.
    """
    found = list(agreement.versions.filter(number=number).order_by("digest"))
    if digest:
        return next((each for each in found if each.digest == digest), None)
    if len(found) > 1:
        signed = PartySignature.objects.filter(lineage=agreement.id, node=settings.BASE_URL)
        ours = set(signed.values_list("digest", flat=True))
        found.sort(key=lambda each: (each.digest not in ours, each.digest))
    return found[0] if found else None
