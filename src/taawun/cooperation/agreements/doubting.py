"""Evidence under a key that was revoked: it does not count until its party says it again with a later key.

Source: docs/protocol.md, "Revocation". What is set aside leaves the evidence, so that nothing that reads it need know;
when it was said, as far as that was believed, is remembered. Whoever says the same again, byte for byte and under a
later key, is believed to have said it then: so all parties count from the instants they counted from before.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from taawun.cooperation.agreements import keeping, proposals
from taawun.cooperation.agreements.actions import changed, changing
from taawun.cooperation.agreements.actions.speaking import tell
from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    DoubtedWord,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.notices import tell_of_unsaid
from taawun.cooperation.partners.identity.keys import node_key, own_lineage
from taawun.cooperation.people.actors import PartyActor, SystemActor
from taawun.foundation.digests import sha256
from taawun.foundation.signing import peek
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from taawun.cooperation.partners.exchange.messages import Message
    from taawun.cooperation.partners.models import Partner
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "put_away",
    "put_away_declared",
    "put_away_held",
    "put_away_proposed",
    "put_away_signed",
    "repeat",
]


def put_away_signed(message: Message) -> None:
    """A signature that came in a message which is in quarantine counts no more."""
    _put_away(message, PartySignature, str(message.payload.get("signature", "")))


def put_away_declared(message: Message) -> None:
    """The same for an instrument."""
    _put_away(message, PartyInstrument, str(message.payload.get("instrument", "")))


def put_away_held(message: Message) -> None:
    """What was said to be held in a message that is in quarantine nobody is believed to have listed."""
    said = message.payload
    told = Comparison.objects.filter(
        lineage=keeping.uuid(said, "agreement"), node=message.partner.node, prefix=said.get("prefix", "")
    )
    # what its sender told since stays
    ids = [each.pk for each in told if each.held == said.get("held")]
    Comparison.objects.filter(pk__in=ids).delete()


def _put_away(message: Message, model: type[PartySignature | PartyInstrument], token: str) -> None:
    row = model.objects.filter(node=message.partner.node, token=token).first()
    if row is not None:
        _put_away_row(message.partner, row)


def put_away(partner: Partner, kid: str, since: datetime) -> int:
    """What was signed under a partner's revoked key and came after an instant counts no more, whoever passed it on.

    Args:
        partner: whose key it was.
        kid: the key.
        since: the instant of the revocation; what was here before stands.

    Returns:
        How many words.
    """
    done = 0
    for model in (PartySignature, PartyInstrument):
        rows = model.objects.filter(node=partner.node, received__gt=since).order_by("received")
        for row in rows:
            if peek(row.token).kid == kid:
                _put_away_row(partner, row)
                if isinstance(row, PartySignature):
                    _put_away_version(partner, row.digest, since)
                done += 1
    for version in Version.objects.filter(depositary=partner.node, received__gt=since).exclude(proposal=""):
        if peek(version.proposal).kid == kid:
            _put_away_version(partner, version.digest, since)
            done += 1
    return done


def _put_away_row(partner: Partner, row: PartySignature | PartyInstrument) -> None:
    DoubtedWord.objects.get_or_create(
        node=row.node, said=_said(row.token), defaults={"at": row.at, "received": row.received}
    )
    _let_go(PartyActor(row.node, partner.name.in_language("en").value), row)


def _let_go(actor: Actor, row: PartySignature | PartyInstrument) -> None:
    with changing(row.lineage):
        row.delete()
    record(actor, "agreements.set-aside", f"urn:uuid:{row.lineage}", {"digest": row.digest})


def put_away_proposed(message: Message) -> None:
    """A version that came so goes, unless somebody here approved or signed it: nobody else's word is in it."""
    _put_away_version(message.partner, sha256(str(message.payload.get("document", "")).encode()))


def _put_away_version(partner: Partner, digest: str, since: datetime | None = None) -> None:
    found = Version.objects.filter(digest=digest, depositary=partner.node)
    version = (found.filter(received__gt=since) if since else found).first()
    if version is not None:
        _let_go_of_version(PartyActor(partner.node, partner.name.in_language("en").value), version)


def _let_go_of_version(actor: Actor, version: Version) -> bool:
    """Let go of a version that nobody here approved or signed; whether it went."""
    own = PartySignature.objects.filter(digest=version.digest, node=settings.BASE_URL)
    if version.approvals.exists() or own.exists():
        return False
    agreement = version.agreement
    with changing(agreement.id):
        version.delete()
    if not agreement.versions.exists() and not agreement.draft:
        Agreement.objects.filter(id=agreement.id).delete()
    record(actor, "agreements.set-aside", f"urn:uuid:{agreement.id}", {"digest": version.digest})
    return True


def _said(token: str) -> str:
    return sha256(peek(token).payload)


def repeat(at: datetime) -> int:
    """Say again, with the key of now, what this node said of agreements under keys that it has revoked.

    What stands here in its name and it does not know to have said may be the thief's: signed with the new key it would
    be the node's own. It counts no more, here as at the others, and people are told.

    Args:
        at: the instant of the revocation. What is said is said as of when it was.

    Returns:
        How many signatures were made anew.
    """
    del at
    revoked = {known.kid for known in own_lineage().keys if known.revoked_since}
    key, done = node_key(), 0
    _put_away_unsaid(revoked)
    said_versions = Version.objects.filter(depositary=settings.BASE_URL, is_said=True)
    for version in said_versions.order_by("agreement", "number"):
        document = version.document()
        version.proposal = proposals.sign(document)
        version.save(update_fields=["proposal"])
        said_again = {"document": bytes(version.text).decode(), "proposal": version.proposal}
        tell(document, "agreement.proposed", said_again)
    documents = {version.digest: version for version in Version.objects.all()}
    for model, kind, member in (
        (PartySignature, "agreement.signed", "signature"),
        (PartyInstrument, "agreement.declared", "instrument"),
    ):
        for row in model.objects.filter(node=settings.BASE_URL, is_said=True).order_by("received"):
            said, version_of = peek(row.token), documents.get(row.digest)
            if said.kid not in revoked or version_of is None:
                continue
            row.token, row.jwk = key.sign(said.payload, said.typ), key.public.to_jwk()
            if isinstance(row, PartyInstrument):
                row.mark = sha256(row.token.encode())
            row.save()
            told: dict[str, object] = {member: row.token}
            if isinstance(row, PartyInstrument) and row.suggestion is not None:
                told["document"] = bytes(row.suggestion).decode()
            tell(version_of.document(), kind, told)
            done += 1
    changed()
    return done


def _put_away_unsaid(revoked: Collection[str]) -> None:
    """Let go of what is held in this node's name under revoked keys and it did not say, and tell people of it."""
    actor, found = SystemActor("agreements.revocation"), defaultdict[UUID, list[str]](list)
    for model in (PartySignature, PartyInstrument):
        for row in model.objects.filter(node=settings.BASE_URL, is_said=False).order_by("received"):
            if peek(row.token).kid in revoked:
                _let_go(actor, row)
                found[row.lineage].append(row.kind if isinstance(row, PartyInstrument) else "signed")
    for version in Version.objects.filter(depositary=settings.BASE_URL, is_said=False).order_by("number"):
        is_doubtful = not version.proposal or peek(version.proposal).kid in revoked
        if is_doubtful and _let_go_of_version(actor, version):
            found[version.agreement_id].append("proposed")
    for lineage, words in found.items():
        tell_of_unsaid(lineage, words)
