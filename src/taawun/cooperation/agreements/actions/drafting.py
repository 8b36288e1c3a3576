"""Writing and negotiating a text: draft, propose, counter, adopt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from taawun.cooperation.agreements import proposals
from taawun.cooperation.agreements.actions.papers import let_go_of_unnamed_scans
from taawun.cooperation.agreements.actions.speaking import changed, next_agreement_number, say, tell, urn
from taawun.cooperation.agreements.document import parse, write
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.rules import can_declare, can_propose
from taawun.cooperation.people.rules import ensure, require
from taawun.foundation.digests import sha256
from taawun.platform.audit.actions import record
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.people.actors import Actor

__all__ = ["adopt", "counter", "discard_draft", "draft", "edit_draft", "propose", "turn_down"]


@transaction.atomic
def draft(actor: Actor, document: Document) -> Agreement:
    """Begin an agreement. Nobody else sees it until it is proposed.

    Args:
        actor: an officer.
        document: its first version; its id becomes the lineage.

    Raises:
        NotAllowed: the actor may not.
        DocumentRefused: the document does not hold together.
        StepRefused: this node is not its depositary, or there is such an agreement already.
    """
    require(actor, "write:agreements")
    text = write(document)
    checked = parse(text)
    if checked.depositary.node != settings.BASE_URL:
        raise StepRefused("not-depositary", _("The first party of an agreement drafted here is this node."))
    if Agreement.objects.filter(id=checked.id).exists():
        raise StepRefused("exists", _("There is an agreement with this id already."))
    take_turn("agreements.number")
    agreement = Agreement.objects.create(
        id=checked.id, number=next_agreement_number(), titles=checked.title.to_json(), draft=text.decode()
    )
    record(actor, "agreements.drafted", urn(agreement), {"code": agreement.code})
    return agreement


@transaction.atomic
def edit_draft(actor: Actor, agreement: Agreement, document: Document, *, edition: int) -> Agreement:
    """Replace the draft.

    Args:
        actor: an officer.
        agreement: which.
        document: the new text; id and version are the agreement's own.
        edition: the edition the editor had before them.

    Raises:
        NotAllowed: the actor may not.
        DocumentRefused: the document does not hold together.
        StepRefused: somebody else edited it meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    _ensure_edition(held, edition)
    text = write(replace(document, id=held.id, version=_next_number(held)))
    checked = parse(text)
    if not held.versions.exists():
        # once something was proposed, the agreement is called what its newest version calls it
        held.titles = checked.title.to_json()
    held.draft, held.draft_edition = text.decode(), held.draft_edition + 1
    held.save(update_fields=["titles", "draft", "draft_edition"])
    let_go_of_unnamed_scans(held)
    record(actor, "agreements.draft-edited", urn(held), {"edition": held.draft_edition})
    return held


def _ensure_edition(held: Agreement, edition: int) -> None:
    """Go on only with the draft that somebody had before them; what is written meanwhile is not lost unread."""
    if held.draft_edition != edition:
        raise StepRefused("edited-meanwhile", _("Somebody else edited the draft meanwhile. Load it again."))


@transaction.atomic
def discard_draft(actor: Actor, agreement: Agreement, *, edition: int) -> None:
    """Throw the draft away. Where nothing was ever proposed, the agreement goes with it.

    Nobody else has seen it, so nobody is told; the trail keeps that there was one, and the digest of its text.

    Args:
        actor: an officer.
        agreement: which.
        edition: the edition they had before them.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: there is no draft, or somebody else edited it meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    if not held.draft:
        raise StepRefused("no-draft", _("There is no draft of this agreement."))
    _ensure_edition(held, edition)
    about = {"code": held.code, "edition": edition, "digest": sha256(held.draft.encode())}
    record(actor, "agreements.draft-discarded", urn(held), about)
    held.draft, held.draft_edition = "", held.draft_edition + 1
    let_go_of_unnamed_scans(held)
    if held.versions.exists():
        held.save(update_fields=["draft", "draft_edition"])
    else:
        held.delete()


@transaction.atomic
def propose(actor: Actor, agreement: Agreement, *, edition: int) -> Version:
    """Send the draft to every other party as the next version.

    Args:
        actor: an officer.
        agreement: which.
        edition: the edition they read, so that nobody sends what somebody else wrote meanwhile.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: there is no draft, somebody else edited it meanwhile (``edited-meanwhile``), this node is not the
            depositary, or a party is no partner yet.
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    if not held.draft:
        raise StepRefused("no-draft", _("There is no draft to propose. Write one first."))
    _ensure_edition(held, edition)
    standing = standing_of(held)
    text = write(
        replace(
            parse(held.draft.encode()),
            version=_next_number(held),
            supersedes=standing.current.digest if standing.current else "",
        )
    )
    document = parse(text)
    ensure(can_propose(document, standing))
    version = Version.objects.create(
        agreement=held,
        number=document.version,
        text=text,
        digest=document.digest,
        depositary=document.depositary.node,
        proposal=proposals.sign(document),
        is_said=True,
    )
    # whoever still has the draft before them edits what is no longer there
    held.draft, held.draft_edition = "", held.draft_edition + 1
    held.titles = document.title.to_json()
    held.save(update_fields=["draft", "draft_edition", "titles"])
    tell(document, "agreement.proposed", {"document": text.decode(), "proposal": version.proposal})
    record(actor, "agreements.proposed", urn(held), {"version": document.version, "digest": document.digest})
    changed()
    return version


@transaction.atomic
def counter(  # noqa: PLR0913 - what they write, and what they had read
    actor: Actor, agreement: Agreement, document: Document, note: str, *, edition: int, digest: str = ""
) -> PartyInstrument:
    """Answer a proposal, or what is in force, with a text of one's own; the depositary may adopt it.

    Only the depositary numbers versions. So whoever else wants an agreement in force changed sends the text as they
    want it; what is in force stays so until a next version is signed by all. The draft it was written in is done with.

    Args:
        actor: an officer.
        agreement: which.
        document: the text they want; id and version are the agreement's own.
        note: a word to the other parties.
        edition: of the draft they had before them; it matters where there is a draft.
        digest: of the version they compared it with; empty for whichever is on the table.

    Raises:
        NotAllowed: the actor may not.
        DocumentRefused: the document does not hold together.
        StepRefused: there is nothing to counter, we are the depositary of what is in force, or the draft or the
            version it answers is another meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    ensure(can_declare(standing, "countered"))
    about = standing.pending or standing.current
    if about is None:
        raise StepRefused("no-version", _("No version was proposed yet."))
    if digest and about.digest != digest:
        raise StepRefused(
            "edited-meanwhile", _("Another version came meanwhile. Compare your text with that one.")
        )
    if held.draft:
        _ensure_edition(held, edition)
    text = write(replace(document, id=held.id, version=about.version + 1, supersedes=about.digest))
    parse(text)
    if held.draft:
        held.draft, held.draft_edition = "", held.draft_edition + 1
        held.save(update_fields=["draft", "draft_edition"])
    return say(actor, held, about, PartyInstrument.Kind.COUNTERED, note=note, suggestion=text)


@transaction.atomic
def adopt(actor: Actor, agreement: Agreement, suggestion: PartyInstrument, *, edition: int) -> Agreement:
    """Take a party's counter-proposal as our draft of the next version.

    Args:
        actor: an officer.
        agreement: which.
        suggestion: the counter-proposal.
        edition: of the draft that they know is replaced; it matters where there is one.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is no counter-proposal to this agreement, this node is not the depositary, or there is another
            draft meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    if suggestion.lineage != held.id or suggestion.suggestion is None:
        raise StepRefused("no-suggestion", _("This is no counter-proposal to this agreement."))
    document = replace(parse(bytes(suggestion.suggestion)), version=_next_number(held))
    if document.depositary.node != settings.BASE_URL:
        raise StepRefused("not-depositary", _("Only the depositary numbers versions."))
    if held.draft:
        _ensure_edition(held, edition)
    held.draft, held.draft_edition = write(document).decode(), held.draft_edition + 1
    held.save(update_fields=["draft", "draft_edition"])
    let_go_of_unnamed_scans(held)
    record(actor, "agreements.counter-adopted", urn(held), {"suggestion": str(suggestion.id)})
    return held


@transaction.atomic
def turn_down(actor: Actor, agreement: Agreement, suggestion: PartyInstrument, note: str) -> PartyInstrument:
    """Say no to a counter-proposal, as its depositary; the version that it is about is not touched by that.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is not open, or this node is not the depositary.
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    about = standing.pending or standing.current
    if about is None or suggestion.id not in {each.id for each in standing.proposals}:
        raise StepRefused("no-suggestion", _("This is no open counter-proposal to this agreement."))
    if about.depositary.node != settings.BASE_URL:
        raise StepRefused("not-depositary", _("Only the depositary answers counter-proposals."))
    return say(actor, held, about, PartyInstrument.Kind.DECLINED, note=note, answers=suggestion)


def _next_number(agreement: Agreement) -> int:
    last = Version.objects.filter(agreement=agreement).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1
