"""The machine face of federation: who would receive something, and what was given and received."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.policy import Denied, Facts
from taawun.cooperation.agreements.queries import party_name
from taawun.cooperation.federation import actions, ledger, models, queries, schemas
from taawun.cooperation.federation.api.routing import router
from taawun.cooperation.federation.decisions import preview
from taawun.cooperation.federation.duties import duties_of, owed_under
from taawun.cooperation.federation.provenance import ways_shown
from taawun.cooperation.federation.readers import readers_of
from taawun.cooperation.federation.rules import can_see_content, findable, reader_of
from taawun.cooperation.federation.standing import may_be_public
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.partners.wording import entry_reason
from taawun.cooperation.people.rules import Refused, require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.tlp import Tlp, UnknownMarking
from taawun.platform.web.api import ApiRequest, Listing, Paging, Refusal, listing, missing
from taawun.platform.web.formats import either
from taawun.platform.web.matching import words_begin
from taawun.platform.web.openapi import answering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.policy import Grant
    from taawun.cooperation.federation.decisions import PartyDecision, Preview
    from taawun.cooperation.federation.provenance import Hop
    from taawun.cooperation.federation.rules import Reader
    from taawun.cooperation.people.rules import Answer

__all__ = ["decided", "found_release", "marking"]


# ---- before publishing ------------------------------------------------------------------------------------------


@router.post("/federation/decide", response=schemas.Decided, summary="Who would receive this?")
def decide(request: ApiRequest, body: schemas.Question) -> schemas.Decided:
    """Who would receive it, by which clause; who would not, and why. Changes nothing."""
    # the answer is made of what was agreed: clauses and their parties
    require(acting(request), "read:agreements")
    facts = Facts(
        kind=body.kind,
        tlp=marking(body.tlp),
        topics=frozenset(body.topics),
        audience=None if body.audience is None else frozenset(body.audience),
        names_persons=body.names_persons,
    )
    return decided(preview(facts), may_be_public(facts))


def decided(found: Preview, public: Answer | None = None) -> schemas.Decided:
    """A preview as every room's API shows it.

    Args:
        found: who would receive it.
        public: whether it may go to everybody; None where that was not asked.
    """
    partners = {each.node: each for each in Partner.objects.all()}
    return schemas.Decided(
        receivers=[_receiver(each, each.grant, partners) for each in found.receivers if each.grant],
        others=[_unreached(each, partners) for each in found.others],
        public=_public(public) if public else None,
    )


def _public(answer: Answer) -> schemas.PublicAnswer:
    if isinstance(answer, Refused):
        return schemas.PublicAnswer(allowed=False, reason=answer.reason, sentence=answer.sentence)
    return schemas.PublicAnswer(allowed=True)


def marking(text: str) -> Tlp:
    """A marking that came in a body.

    Raises:
        Refusal: 422 with the place.
    """
    try:
        return Tlp.parse(text)
    except UnknownMarking:
        names = either([tlp.label for tlp in Tlp])
        raise Refusal(
            422,
            "unknown-marking",
            _("Choose one of these markings: %(names)s.") % {"names": names},
            pointer="/tlp",
        ) from None


def _receiver(decided: PartyDecision, grant: Grant, partners: Mapping[str, Partner]) -> schemas.Receiver:
    return schemas.Receiver(
        party=decided.party,
        name=party_name(decided.party, partners),
        clause=_clause(grant),
        sentence=decided.worded.sentence,
        also=[_clause(each) for each in decided.others],
    )


def _unreached(decided: PartyDecision, partners: Mapping[str, Partner]) -> schemas.Unreached:
    decision = decided.decision
    nearest = decision.grant
    return schemas.Unreached(
        party=decided.party,
        name=party_name(decided.party, partners),
        reason=decision.reason if isinstance(decision, Denied) else "",
        sentence=decided.worded.sentence,
        mend=decided.worded.mend,
        step=decided.worded.step,
        nearest=_clause(nearest) if nearest else None,
    )


def _clause(grant: Grant) -> schemas.ClauseRef:
    return schemas.ClauseRef(
        agreement=grant.agreement,
        code=grant.code,
        clause=grant.clause.ref,
        title=grant.clause.title.to_json(),
        tlp_max=grant.clause.tlp_max.label,
        onward=grant.clause.onward.rule,
    )


# ---- what was given and received --------------------------------------------------------------------------------


@router.get("/federation/releases", response=Listing[schemas.Release], summary="List releases")
def list_releases(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.ReleaseFilter]
) -> Listing[schemas.Release]:
    """What was given and received, newest first. What a marking keeps from the caller is left out of each."""
    actor = acting(request)
    require(actor, "read:federation")
    reader = reader_of(actor)
    return listing(
        Listing[schemas.Release],
        _wanted(wanted, reader).prefetch_related("topics"),
        paging,
        order=("-id",),
        show=lambda rows: [_release(each, reader) for each in rows],
    )


@router.get("/federation/releases/{uuid:release_id}", response=schemas.Release, summary="Get a release")
def get_release(request: ApiRequest, release_id: UUID) -> schemas.Release:
    """One release. Its content is in the room of its kind."""
    actor = acting(request)
    require(actor, "read:federation")
    return _release(found_release(release_id), reader_of(actor))


@router.get(
    "/federation/releases/{uuid:release_id}/passages",
    response=Listing[schemas.Passage],
    summary="List a release's passages",
)
def list_passages(request: ApiRequest, release_id: UUID, paging: Query[Paging]) -> Listing[schemas.Passage]:
    """Where a release of ours went, or over what a partner's came: its provenance."""
    require(acting(request), "read:federation")
    passages = queries.passages_of(found_release(release_id)).prefetch_related(
        "entry__lane__readers__partner"
    )
    return listing(Listing[schemas.Passage], passages, paging, order=("id",), show=_passages)


@router.get(
    "/federation/releases/{uuid:release_id}/receipts",
    response=Listing[schemas.Receipt],
    summary="List a release's receipts",
)
def list_receipts(request: ApiRequest, release_id: UUID, paging: Query[Paging]) -> Listing[schemas.Receipt]:
    """Who signed for a release of ours, and what became of it there."""
    require(acting(request), "read:federation")
    receipts = queries.receipts_of(found_release(release_id)).select_related("entry")
    return listing(Listing[schemas.Receipt], receipts, paging, order=("at", "id"), show=_receipts)


@router.get(
    "/federation/releases/{uuid:release_id}/reach",
    response=schemas.Reach,
    summary="How far a release reached",
)
def get_reach(request: ApiRequest, release_id: UUID) -> schemas.Reach:
    """How many parties signed for it, and how many it reached onward by their own count."""
    require(acting(request), "read:federation")
    direct, onward = queries.reach_of(found_release(release_id))
    return schemas.Reach(direct=direct, onward=onward)


@router.get(
    "/federation/agreements/{uuid:agreement_id}/duties",
    response=schemas.Duties,
    summary="Duties after an agreement's end",
)
def get_duties(request: ApiRequest, agreement_id: UUID) -> schemas.Duties:
    """What this node deletes because the agreement is over, and what its parties proved that they deleted."""
    require(acting(request), "read:federation")
    agreement = Agreement.objects.filter(id=agreement_id).first()
    if agreement is None:
        missing("no-such-agreement", _("There is no such agreement on this node."))
    here = [
        schemas.Owed(
            partner=each.sender.node, ended=each.ended, goes=each.goes, releases=each.passages.count()
        )
        for each in owed_under(agreement)
    ]
    there = [
        schemas.Duty(
            partner=each.partner.node,
            ended=each.ended,
            due=each.due,
            given=each.given,
            proven=each.proven,
            held=each.held,
            last=each.last,
            overdue=each.is_overdue,
        )
        for each in duties_of(agreement)
    ]
    return schemas.Duties(here=here, there=there)


# ---- sharing onward ---------------------------------------------------------------------------------------------


@router.get(
    "/federation/releases/{uuid:release_id}/onward",
    response=schemas.Decided,
    summary="Who would receive a release onward?",
    openapi_extra=answering(problems=[409]),
)
def decide_onward(request: ApiRequest, release_id: UUID) -> schemas.Decided:
    """Who would receive a partner's release if it were shared onward: every hop's clause and one of ours decide."""
    require(acting(request), "read:agreements")
    held = found_release(release_id)
    return decided(actions.preview_onward(held), may_be_public(held.facts()))


@router.post(
    "/federation/releases/{uuid:release_id}/onward",
    response=schemas.Release,
    summary="Share a release onward",
)
def share_onward(request: ApiRequest, release_id: UUID, body: schemas.OnwardAudience) -> schemas.Release:
    """The same bytes go on under our clauses, with the header under which they came. Needs the kind's permission."""
    actor = acting(request)
    audience = None if body.audience is None else frozenset(body.audience)
    shared = actions.share_onward(actor, found_release(release_id), audience)
    return _release(shared, reader_of(actor))


@router.post(
    "/federation/releases/{uuid:release_id}/onward/withdraw",
    response=schemas.Release,
    summary="Take back what was shared onward",
)
def take_back_onward(request: ApiRequest, release_id: UUID, body: schemas.OnwardReason) -> schemas.Release:
    """Take it back from everybody to whom this node shared it onward; it stays here."""
    actor = acting(request)
    return _release(actions.take_back_onward(actor, found_release(release_id), body.reason), reader_of(actor))


@router.post(
    "/federation/releases/{uuid:release_id}/public",
    response=schemas.Release,
    summary="Publish a release to everybody",
)
def publish_to_everybody(request: ApiRequest, release_id: UUID) -> schemas.Release:
    """Put a release that stands here on the public lane, where anybody may read it without signing in."""
    actor = acting(request)
    require(actor, "publish:public")
    return _release(actions.publish_to_everybody(actor, found_release(release_id)), reader_of(actor))


@router.get("/federation/ledger", response=schemas.Ledger, summary="Sum up what was given and received")
def get_ledger(request: ApiRequest, wanted: Query[schemas.LedgerQuery]) -> schemas.Ledger:
    """What each party gave and received, and how far it reached. It tells how much, and never what."""
    require(acting(request), "read:federation")
    found = ledger.cells(
        ledger.Wanted(wanted.agreement, wanted.partner, wanted.kind, wanted.since or "", wanted.until or "")
    )
    return schemas.Ledger(
        by=wanted.by,
        items=[_ledger_line(key, sums) for key, sums in ledger.grouped(found, wanted.by).items()],
        total=_ledger_line(None, ledger.total(found)),
    )


def _ledger_line(key: object, sums: ledger.Sums) -> schemas.LedgerLine:
    return schemas.LedgerLine(key=None if key is None else str(key), **asdict(sums))


def found_release(release_id: UUID) -> models.Release:
    """A release of this node.

    Raises:
        Refusal: 404.
    """
    release = queries.releases().prefetch_related("topics").filter(id=release_id).first()
    if release is None:
        missing("no-such-release", _("There is no such release on this node."))
    return release


def _wanted(wanted: schemas.ReleaseFilter, reader: Reader) -> QuerySet[models.Release]:
    found = queries.releases()
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    # who may not know what a release is about does not find out by asking for it
    if wanted.subject:
        found = found.filter(findable(reader), subject=wanted.subject)
    if wanted.text:
        found = found.filter(findable(reader), words_begin("words", wanted.text))
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.ends_before:
        found = queries.ending_before(found, wanted.ends_before)
    if wanted.direction:
        found = found.filter(origin__isnull=wanted.direction == "sent")
    if wanted.readable_by:
        found = queries.readable_now(found, wanted.readable_by)
    return queries.with_partner(found, wanted.partner) if wanted.partner else found


def _release(release: models.Release, reader: Reader) -> schemas.Release:
    answer = can_see_content(reader, release)
    kept = answer.sentence if isinstance(answer, Refused) else ""
    state: Any = release.state  # one of the words of schemas.Release.state, held by the model's choices
    return schemas.Release(
        id=release.id,
        kind=release.kind,
        direction="sent" if release.origin_id is None else "received",
        tlp=Tlp(release.tlp).label,
        subject=None if kept else release.subject,
        title=None if kept else release.title,
        topics=None if kept else sorted(each.topic for each in release.topics.all()),
        restricted=kept,
        version=release.version,
        digest=release.digest,
        size=release.size,
        licence=release.licence,
        languages=release.languages,
        origin=release.origin_id,
        source=release.source,
        onward=release.onward,
        published_by=release.published_by,
        issued=release.issued,
        state=state,
        withdrawn=release.withdrawn,
        gone=release.gone,
        withdrawal_reason="" if kept else release.withdrawal_reason,
    )


def _passages(rows: Sequence[models.Passage]) -> list[schemas.Passage]:
    came = {each.passage.id: each.hops for each in ways_shown(rows)}
    signed = queries.withdrawals_signed([each for each in rows if each.is_given])
    return [
        schemas.Passage(
            direction="sent" if each.is_given else "received",
            hops=[_hop(hop) for hop in came.get(each.id, ())],
            lane=each.entry.lane_id,
            seq=each.entry.seq,
            agreement=each.agreement,
            document=each.document,
            clause=each.clause,
            partners=_ends(each),
            issued=each.entry.issued,
            ends=each.ends,
            ended=each.ended,
            why_ended=each.why_ended,
            withdrawal_signed_by=[
                partner.node
                for partner in (readers_of(each.entry) if each.is_given else ())
                if (each.entry.lane_id, partner.id) in signed
            ],
        )
        for each in rows
    ]


def _hop(hop: Hop) -> schemas.Hop:
    return schemas.Hop(
        node=hop.node,
        agreement=hop.agreement,
        clause=hop.clause,
        issued=hop.issued,
        signature="verified" if hop.is_verified else "not-verified",
    )


def _ends(passage: models.Passage) -> list[str]:
    sender = passage.entry.lane.sender
    return [sender.node] if sender else sorted(partner.node for partner in readers_of(passage.entry))


def _receipts(rows: Sequence[models.Receipt]) -> list[schemas.Receipt]:
    return [
        schemas.Receipt(
            partner=each.partner.node,
            lane=each.entry.lane_id,
            seq=each.entry.seq,
            outcome=each.outcome,
            reason=each.reason,
            sentence=entry_reason(each.reason),
            at=each.at,
        )
        for each in rows
    ]
