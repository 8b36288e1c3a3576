"""The machine face of partners: this node's own descriptor, other nodes, and the lanes between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from taawun.cooperation.partners import actions, models, queries, schemas
from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.exchange.following import follow, unfollow
from taawun.cooperation.partners.identity import descriptor as descriptors
from taawun.cooperation.partners.identity import keys, quarantine
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.partners.wording import last_problem, return_fault, stop_reason
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation import fingerprint
from taawun.foundation.clock import now
from taawun.foundation.multilingual import LANGUAGES
from taawun.platform.web.api import ApiRequest, ErrorAnswers, Listing, Paging, Refusal, listing, missing

if TYPE_CHECKING:
    from taawun.cooperation.partners.identity.lineage import Lineage

__all__ = ["ERRORS", "found_partner", "router"]

router = Router(tags=["partners"])


@router.get("/node", response=schemas.Node, summary="Describe this node")
def get_node(request: ApiRequest, shown: Query[schemas.FingerprintQuery]) -> schemas.Node:
    """This node as its descriptor describes it, with the fingerprint that partners compare."""
    require(acting(request), "read:partners")
    told = descriptors.read(actions.own_descriptor(), at=now())
    return schemas.Node(
        node=told.node,
        kind=told.kind,
        name=told.name.to_json(),
        nation=told.nation or None,
        nation_name=told.nation_name.to_json() if told.nation_name else None,
        fingerprint=_fingerprint(told.key.kid, shown.language),
        issued=told.issued,
        valid_until=told.valid_until,
        descriptor=told.token,
    )


@router.get("/partners", response=Listing[schemas.Partner], summary="List partners")
def list_partners(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.PartnerFilter]
) -> Listing[schemas.Partner]:
    """Other nodes that are known here, by address."""
    require(acting(request), "read:partners")
    partners = models.Partner.objects.all()
    if wanted.state:
        partners = partners.filter(state=wanted.state)
    return listing(
        Listing[schemas.Partner],
        partners,
        paging,
        order=("node",),
        show=lambda rows: [_partner(each, wanted.language) for each in rows],
    )


@router.post("/partners", response={202: schemas.Partner}, summary="Meet a node")
def meet_partner(request: ApiRequest, body: schemas.Meeting) -> Status[schemas.Partner]:
    """Ask to be introduced to the node at an address. It is asked soon; until it answers it is `claimed`."""
    met = actions.meet(acting(request), body.node, calls_us=body.calls_us)
    return Status(202, _partner(met, None))


@router.get("/partners/{uuid:partner_id}", response=schemas.Partner, summary="Get a partner")
def get_partner(
    request: ApiRequest, partner_id: UUID, shown: Query[schemas.FingerprintQuery]
) -> schemas.Partner:
    """A partner, with the fingerprint of its key."""
    require(acting(request), "read:partners")
    return _partner(found_partner(partner_id), shown.language)


@router.post("/partners/{uuid:partner_id}/verify", response=schemas.Partner, summary="Verify a partner")
def verify_partner(request: ApiRequest, partner_id: UUID, body: schemas.Verification) -> schemas.Partner:
    """Say that two administrators compared the fingerprint out of band, and it is the same."""
    actor = acting(request)
    require(actor, "manage:partners")
    return _partner(actions.verify(actor, found_partner(partner_id), body.kid), None)


@router.post("/partners/{uuid:partner_id}/forget", response=schemas.Partner, summary="Forget a claim")
def forget_claim(request: ApiRequest, partner_id: UUID) -> schemas.Partner:
    """Say that a node which came by itself is not the one whose address it names; another may come in its place."""
    actor = acting(request)
    require(actor, "manage:partners")
    actions.forget_claim(actor, found_partner(partner_id))
    return _partner(found_partner(partner_id), None)


@router.post("/partners/{uuid:partner_id}/block", response=schemas.Partner, summary="Block a partner")
def block_partner(request: ApiRequest, partner_id: UUID) -> schemas.Partner:
    """Stop all traffic with a partner at once."""
    actor = acting(request)
    require(actor, "manage:partners")
    actions.block(actor, found_partner(partner_id))
    return _partner(found_partner(partner_id), None)


@router.post("/partners/{uuid:partner_id}/unblock", response=schemas.Partner, summary="Unblock a partner")
def unblock_partner(request: ApiRequest, partner_id: UUID) -> schemas.Partner:
    """Let a blocked partner talk again. Its fingerprint is compared anew before it receives anything."""
    actor = acting(request)
    require(actor, "manage:partners")
    actions.unblock(actor, found_partner(partner_id))
    return _partner(found_partner(partner_id), None)


@router.post(
    "/partners/{uuid:partner_id}/follow", response=schemas.Partner, summary="Follow a partner's public lane"
)
def follow_partner(request: ApiRequest, partner_id: UUID) -> schemas.Partner:
    """Take in what it publishes to everybody, from the beginning, and tell it so. Nothing else is taken by that."""
    actor = acting(request)
    require(actor, "manage:partners")
    return _partner(follow(actor, found_partner(partner_id)), None)


@router.post(
    "/partners/{uuid:partner_id}/unfollow",
    response=schemas.Partner,
    summary="Follow a partner's public lane no longer",
)
def unfollow_partner(request: ApiRequest, partner_id: UUID) -> schemas.Partner:
    """Take nothing more in from it. What came stays, and goes when the partner withdraws it."""
    actor = acting(request)
    require(actor, "manage:partners")
    return _partner(unfollow(actor, found_partner(partner_id)), None)


@router.get("/return", response=schemas.Return, summary="See for whom a restored node waits")
def get_return(request: ApiRequest) -> schemas.Return:
    """Whether this node was restored from a backup and says nothing yet, and which partners it waits for."""
    require(acting(request), "read:partners")
    return schemas.Return(
        is_returning=returning.is_returning(),
        partners=[
            schemas.Awaited(
                partner=each.partner_id,
                node=each.partner.node,
                name=each.partner.name.to_json(),
                since=each.since,
                answered=each.answered,
                given_up=each.given_up,
                fault=each.fault,
                fault_sentence=return_fault(each.fault) if each.fault else "",
            )
            for each in returning.awaited()
        ],
    )


@router.post(
    "/partners/{uuid:partner_id}/give-up", response=schemas.Partner, summary="Wait for a partner no longer"
)
def give_up_partner(request: ApiRequest, partner_id: UUID) -> schemas.Partner:
    """A restored node waits for this partner no longer.

    Lanes that it reads are never continued; others are opened for the same purpose.
    """
    actor = acting(request)
    require(actor, "manage:partners")
    returning.give_up(actor, found_partner(partner_id))
    return _partner(found_partner(partner_id), None)


@router.get(
    "/partners/{uuid:partner_id}/lanes", response=Listing[schemas.Lane], summary="List a partner's lanes"
)
def list_lanes(
    request: ApiRequest, partner_id: UUID, paging: Query[Paging], wanted: Query[schemas.LaneFilters]
) -> Listing[schemas.Lane]:
    """The lanes between this node and a partner, both ways, newest first, with how far each is."""
    require(acting(request), "read:partners")
    return listing(
        Listing[schemas.Lane],
        queries.lanes_with(found_partner(partner_id), wanted.direction or "", wanted.state or ""),
        paging,
        order=("-opened", "id"),
        show=lambda rows: [_lane(each) for each in rows],
    )


@router.get("/node/keys", response=schemas.OwnKeys, summary="List this node's keys")
def get_own_keys(request: ApiRequest) -> schemas.OwnKeys:
    """The keys this node has signed with, and whether its recovery key was moved off. `taawun key` changes them."""
    require(acting(request), "manage:partners")
    recovery = keys.recovery_jwk()
    return schemas.OwnKeys(
        keys=_keys(keys.own_lineage()),
        recovery=recovery["kid"] if recovery else None,
        is_recovery_here=keys.recovery_file().exists(),
    )


@router.get(
    "/partners/{uuid:partner_id}/keys", response=list[schemas.PastKey], summary="List a partner's keys"
)
def list_keys(request: ApiRequest, partner_id: UUID) -> list[schemas.PastKey]:
    """The keys that a partner has signed with, oldest first; none until it has answered."""
    require(acting(request), "read:partners")
    partner = found_partner(partner_id)
    return _keys(keys.lineage_of(partner)) if partner.kid else []


def _keys(lineage: Lineage) -> list[schemas.PastKey]:
    return [
        schemas.PastKey(
            kid=each.kid,
            is_current=each is lineage.current,
            since=each.since,
            until=each.until,
            revoked_since=each.revoked_since,
        )
        for each in lineage.keys
    ]


@router.get(
    "/partners/{uuid:partner_id}/quarantine",
    response=Listing[schemas.QuarantinedEntry],
    summary="List what is in quarantine",
)
def list_quarantine(
    request: ApiRequest, partner_id: UUID, paging: Query[Paging]
) -> Listing[schemas.QuarantinedEntry]:
    """What came from a partner under a key that it revoked since, newest first; nobody reads it before that."""
    require(acting(request), "manage:partners")
    return listing(
        Listing[schemas.QuarantinedEntry],
        quarantine.in_quarantine(found_partner(partner_id)),
        paging,
        order=("-id",),
        show=lambda rows: [_quarantined(each) for each in rows],
    )


def _quarantined(entry: models.LaneEntry) -> schemas.QuarantinedEntry:
    return schemas.QuarantinedEntry(
        id=entry.id,
        lane=entry.lane_id,
        seq=entry.seq,
        kind=entry.kind,
        digest=entry.digest,
        size=entry.size,
        issued=entry.issued,
        received=entry.recorded,
        key=entry.kid,
    )


@router.post(
    "/partners/{uuid:partner_id}/quarantine/take-in",
    response=schemas.QuarantineDecided,
    summary="Take in what is in quarantine",
)
def take_in_quarantined(
    request: ApiRequest, partner_id: UUID, body: schemas.QuarantineDecision
) -> schemas.QuarantineDecided:
    """Take entries in, as the partner's administrator said that they are genuine."""
    actor = acting(request)
    require(actor, "manage:partners")
    return schemas.QuarantineDecided(count=quarantine.take_in(actor, found_partner(partner_id), body.entries))


@router.post(
    "/partners/{uuid:partner_id}/quarantine/drop",
    response=schemas.QuarantineDecided,
    summary="Drop what is in quarantine",
)
def drop_quarantined(
    request: ApiRequest, partner_id: UUID, body: schemas.QuarantineDecision
) -> schemas.QuarantineDecided:
    """Drop entries for good; their headers stay."""
    actor = acting(request)
    require(actor, "manage:partners")
    return schemas.QuarantineDecided(count=quarantine.drop(actor, found_partner(partner_id), body.entries))


def found_partner(partner_id: UUID) -> models.Partner:
    """A partner by its id.

    Raises:
        Refusal: 404.
    """
    partner = models.Partner.objects.filter(id=partner_id).first()
    if partner is None:
        missing("no-such-partner", _("There is no such partner."))
    return partner


def _partner(partner: models.Partner, language: str | None) -> schemas.Partner:
    state: Any = partner.state  # one of the words of schemas.Partner.state, held by the model's choices
    return schemas.Partner(
        id=partner.id,
        node=partner.node,
        kind=partner.kind,
        name=partner.name.to_json(),
        nation=partner.nation or None,
        nation_name=partner.nation_names or None,
        state=state,
        fingerprint=_fingerprint(partner.kid, language) if partner.kid else None,
        is_current=partner.is_current(now()),
        is_reachable=partner.is_reachable,
        is_followed=partner.is_followed,
        is_follower=partner.is_follower,
        descriptor_issued=partner.descriptor_issued,
        descriptor_valid_until=partner.descriptor_valid_until,
        verified=partner.verified,
        verified_by=partner.verified_by,
        created=partner.created,
        last_contact=partner.last_contact,
        last_error=last_problem(partner),
        last_error_code=partner.last_error_code,
    )


def _fingerprint(kid: str, language: str | None) -> schemas.Fingerprint:
    spoken = language or (get_language() or "en")[:2]
    if spoken not in LANGUAGES:
        spoken = "en"
    return schemas.Fingerprint(
        kid=kid,
        language=spoken,
        words=list(fingerprint.words(kid, spoken)),
        digits=list(fingerprint.digits(kid)),
    )


def _lane(lane: models.Lane) -> schemas.Lane:
    is_ours = lane.sender_id is None
    values: Any = lane  # with the annotation of lanes_with, and words that the model's choices hold
    return schemas.Lane(
        id=lane.id,
        direction="sent" if is_ours else "received",
        purpose=values.purpose,
        agreement=lane.agreement,
        clause=lane.clause,
        state=values.state,
        part_of=lane.part_of_id,
        stale_since=lane.stale_since,
        stop_reason=lane.stop_reason,
        stop_sentence=stop_reason(lane.stop_reason),
        stop_detail=lane.stop_detail,
        stopped_at=lane.stopped_at,
        head=lane.head_seq,
        known=lane.known_seq,
        acknowledged=values.receipt_seq if is_ours else lane.acknowledged_seq,
        opened=lane.opened,
        last_entry=lane.last_entry,
    )


def _refused(refused: PartnerRefused) -> Refusal:
    if refused.code in {"not-an-address", "ourselves"}:
        return Refusal(422, refused.code, str(refused), pointer="/node")
    return Refusal(409, refused.code, str(refused))


ERRORS: Final[ErrorAnswers] = {PartnerRefused: _refused}
