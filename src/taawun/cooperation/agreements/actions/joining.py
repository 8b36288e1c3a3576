"""How others join: the depositary invites and countersigns; each sender confirms who may read what was sent before."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.agreements import forwarding
from taawun.cooperation.agreements.actions.speaking import changed, others_of, say, urn
from taawun.cooperation.agreements.document import part_json, party_json
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.history import History
from taawun.cooperation.agreements.models import Agreement, Newcomer, PartyInstrument
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.rules import can_invite
from taawun.cooperation.agreements.standing.words import most_of
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.rules import ensure, require
from taawun.foundation.clock import now, timestamp
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.agreements.document import Document, Part, Party
    from taawun.cooperation.people.actors import Actor

__all__ = ["OPEN_DAYS", "confirm_newcomer", "countersign", "invite", "take_back_newcomer"]

# an invitation that nobody answered is not open for ever
OPEN_DAYS: Final = 90
# what waits longest for the depositary's own word, beside accessions: who leaves, ratifies, declares or lifts
_NOTED: Final = (
    PartyInstrument.Kind.ACCEDED,
    PartyInstrument.Kind.RATIFIED,
    PartyInstrument.Kind.LEFT,
    PartyInstrument.Kind.DECLARED,
    PartyInstrument.Kind.LIFTED,
)

# of one party; each countersignature goes to all of them, and but for an accession nothing follows from it
_NOTED_AN_HOUR: Final = 20


@transaction.atomic
def invite(  # noqa: PLR0913 - whom, as what, to which clauses, and until when
    actor: Actor,
    agreement: Agreement,
    partner: Partner,
    party: Party,
    note: str,
    *,
    parts: Sequence[Part] | None = None,
    until: datetime | None = None,
) -> PartyInstrument:
    """Invite a node that the agreement does not name to accede to it, as its depositary.

    Args:
        actor: an officer.
        agreement: which.
        partner: the node; verified, for it is shown the agreement and who its parties are.
        party: its entry; address and key are the partner's.
        note: a word to it and to the parties.
        parts: the clauses in which it takes part; None for all that reach any party.
        until: when the invitation can be answered no more; 90 days by default.

    Raises:
        NotAllowed: the actor may not, this node is not the depositary, or the agreement is closed.
        StepRefused: the node is a party already or not verified, its ref is taken, or a clause does not exist.
    """
    require(actor, "approve:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    ensure(can_invite(standing))
    document = standing.current
    if document is None:
        raise StepRefused("no-version", _("No version was proposed yet."))
    if partner.state != Partner.State.VERIFIED:
        raise StepRefused(
            "not-verified",
            _("The fingerprint of %(node)s has not been compared yet; compare it before you invite it.")
            % {"node": partner.node},
        )
    entry = replace(party, kind="node", node=partner.node, host="", kid=partner.kid)
    _check_entry(document, entry, parts)
    ends = until or now() + timedelta(days=OPEN_DAYS)
    more: dict[str, object] = {
        "party": party_json(entry),
        "jwk": partner.jwk,
        "until": timestamp(ends),
    }
    if parts is not None:
        more["parts"] = [part_json(each) for each in parts]
    invitation = say(
        actor, held, document, PartyInstrument.Kind.INVITED, note=note, more=more, beside=(partner.node,)
    )
    forwarding.show_all(held, partner)
    return invitation


def _check_entry(document: Document, entry: Party, parts: Sequence[Part] | None) -> None:
    if document.party_of(entry.node):
        raise StepRefused("party-already", _("This node is a party already."))
    if document.party(entry.ref):
        raise StepRefused("ref-taken", _("Another party has this short name. Choose another one."))
    for each in parts or ():
        if document.clause(each.clause) is None:
            raise StepRefused(
                "unknown-clause",
                _("There is no clause %(clause)s in this agreement.") % {"clause": each.clause},
            )


@transaction.atomic
def countersign(agreement: Agreement) -> int:
    """Countersign, as the depositary, what parties signed and is held here whole; an accession counts with that.

    The depositary decided when it invited: whoever it invited to accede needs no second yes. What it countersigns of
    the others only says that it has it, and when.

    Args:
        agreement: which.

    Returns:
        How many instruments were countersigned.
    """
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    document = standing.current
    if document is None or document.depositary.node != settings.BASE_URL:
        return 0
    rows = PartyInstrument.objects.filter(lineage=held.id)
    said = rows.filter(kind=PartyInstrument.Kind.COUNTERSIGNED, node=settings.BASE_URL)
    countersigned = {(each.of, each.answers, each.said.get("sees")) for each in said}
    waiting = {each.id for each in standing.accessions}
    lately = Counter(each.of for each in said.filter(received__gt=now() - timedelta(hours=1)))
    done = 0
    for row in rows.filter(kind__in=_NOTED).exclude(node=settings.BASE_URL).order_by("received", "id"):
        is_accession = row.kind == PartyInstrument.Kind.ACCEDED
        is_noted = any((row.node, row.chosen, each) in countersigned for each in (row.words, row.mark))
        if is_noted or (is_accession and row.id not in waiting):
            continue
        if not is_accession and (document.party_of(row.node) is None or lately[row.node] >= _NOTED_AN_HOUR):
            continue
        spoken = next(
            (each for each in (document, standing.pending) if each and each.digest == row.digest), None
        )
        most = most_of(PartyInstrument.Kind.COUNTERSIGNED)
        # however much parties say, there is room for who accedes
        most = most if is_accession else most // 2
        if spoken is None or said.filter(digest=spoken.digest).count() >= most:
            continue
        lately[row.node] += 1
        say(
            SystemActor("agreements.depositary"),
            held,
            spoken,
            PartyInstrument.Kind.COUNTERSIGNED,
            note="",
            answers=row,
            more={"sees": row.words},
            beside=(row.node,),
        )
        done += 1
        if is_accession:
            _bring_in(held, row)
    return done


def _bring_in(agreement: Agreement, accession: PartyInstrument) -> None:
    """Everybody hears of a newcomer by its own signed word; it hears of all that was said meanwhile."""
    document = standing_of(agreement).current
    words = [accession.id, *accession.answered().values_list("id", flat=True)]
    for partner in Partner.objects.filter(node__in=others_of(document) if document else []).order_by("node"):
        if partner.node == accession.node:
            forwarding.show_all(agreement, partner)
        else:
            forwarding.show(agreement, partner, words)


@transaction.atomic
def confirm_newcomer(actor: Actor, agreement: Agreement, party: str, *, reads_earlier: bool) -> Newcomer:
    """Confirm a party that acceded, for clauses that give newcomers what this node sent before.

    Args:
        actor: an officer.
        agreement: which.
        party: its key.
        reads_earlier: whether it may read what was sent before it joined; else it reads from its accession on.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it did not accede to this agreement.
    """
    require(actor, "approve:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    document = standing_of(held).current
    entry = document.party_of(party) if document else None
    if document is None or entry is None or not document.has_acceded(entry.ref):
        raise StepRefused("no-newcomer", _("This party did not accede to the agreement later."))
    before = Newcomer.objects.filter(lineage=held.id, party=party).first()
    if before is not None and reads_earlier and not before.reads_earlier:
        _check_widening(held, party)
    row, _is_new = Newcomer.objects.update_or_create(
        lineage=held.id,
        party=party,
        defaults={
            "reads_earlier": reads_earlier,
            "confirmed_by": actor.audit_identity.label[:200],
            "at": now(),
        },
    )
    record(
        actor,
        "agreements.newcomer-confirmed",
        urn(held),
        {"party": party, "reads_earlier": reads_earlier},
    )
    changed()
    for each in registry.all(History):
        each.open(held)
    return row


def _check_widening(held: Agreement, party: str) -> None:
    """From the floor that it was given a newcomer reads on: what stands before it is not given later."""
    if any(each.has_begun(held, party) for each in registry.all(History)):
        raise StepRefused(
            "begun-already",
            _(
                "It reads from its accession on already, and a lane has one beginning. Share with it what it lacks as "
                "something new."
            ),
        )


@transaction.atomic
def take_back_newcomer(actor: Actor, agreement: Agreement, party: str) -> None:
    """Take back that a newcomer was confirmed, as long as it has signed for nothing: a mistake is mended so.

    Afterwards the law has other ways: a declaration that this node gives it less, or a suspension.

    Args:
        actor: an officer.
        agreement: which.
        party: its key.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: nobody confirmed it, or it has signed for something that it was sent.
    """
    require(actor, "approve:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    row = Newcomer.objects.filter(lineage=held.id, party=party).first()
    if row is None:
        raise StepRefused("not-confirmed", _("Nobody here has confirmed this party."))
    if any(each.has_read(held, party) for each in registry.all(History)):
        raise StepRefused(
            "read-already",
            _(
                "It has signed for what it was sent, and the clauses hold. Declare that this node gives it less, or "
                "suspend the agreement."
            ),
        )
    row.delete()
    record(actor, "agreements.newcomer-taken-back", urn(held), {"party": party})
    changed()
