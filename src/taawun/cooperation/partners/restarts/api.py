"""The machine face of stopped lanes: how they go on, and the proofs of two histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from taawun.cooperation.partners import models
from taawun.cooperation.partners.api import found_partner
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.queries import forks_with, lane_with, point_of
from taawun.cooperation.partners.restarts import resets, restarting
from taawun.cooperation.partners.restarts import schemas as restart_schemas
from taawun.cooperation.partners.wording import entry_reason, stop_reason
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.platform.web.api import ApiRequest, ErrorAnswers, Listing, Paging, Refusal, listing, missing

if TYPE_CHECKING:
    from taawun.cooperation.partners.restarts.schemas import Restart

__all__ = ["ERRORS", "router"]

router = Router(tags=["partners"])


@router.get(
    "/partners/{uuid:partner_id}/restarts",
    response=Listing[restart_schemas.Restart],
    summary="List restarts of lanes with a partner",
)
def list_restarts(request: ApiRequest, partner_id: UUID, paging: Query[Paging]) -> Listing[Restart]:
    """Restarts of stopped lanes between this node and a partner, newest first, with what each side signed."""
    require(acting(request), "read:partners")
    found = models.Reset.objects.filter(partner=found_partner(partner_id)).select_related("lane", "partner")
    return listing(
        Listing[restart_schemas.Restart],
        found,
        paging,
        order=("-proposed", "-id"),
        show=lambda rows: [_restart(each) for each in rows],
    )


@router.get(
    "/partners/{uuid:partner_id}/forks",
    response=Listing[restart_schemas.Fork],
    summary="List proofs of two histories",
)
def list_forks(request: ApiRequest, partner_id: UUID, paging: Query[Paging]) -> Listing[restart_schemas.Fork]:
    """Proofs that a lane between this node and a partner has two histories, newest first."""
    require(acting(request), "read:partners")
    return listing(
        Listing[restart_schemas.Fork],
        forks_with(found_partner(partner_id)),
        paging,
        order=("-found", "-id"),
        show=lambda rows: [_fork(each) for each in rows],
    )


@router.post(
    "/partners/{uuid:partner_id}/lanes/{uuid:lane_id}/restart",
    response={201: restart_schemas.Restart},
    summary="Propose to restart a stopped lane",
)
def propose_restart(request: ApiRequest, partner_id: UUID, lane_id: UUID) -> Status[Restart]:
    """Say to the sender of a stopped lane what is held here. Its administrator answers with where it goes on."""
    actor = acting(request)
    require(actor, "manage:partners")
    lane = lane_with(found_partner(partner_id), lane_id)
    if lane is None:
        missing("no-such-lane", _("There is no such lane with this partner."))
    return Status(201, _restart(restarting.propose(actor, lane)))


@router.post(
    "/partners/{uuid:partner_id}/statements",
    response=restart_schemas.Restart,
    summary="Take a statement that was brought by hand",
)
def take_statement(request: ApiRequest, partner_id: UUID, body: restart_schemas.StatementBrought) -> Restart:
    """A partner's signed step of a restart that came another way, for example because its talk lane is what stopped."""
    actor = acting(request)
    require(actor, "manage:partners")
    return _restart(resets.take(actor, found_partner(partner_id), body.statement))


@router.get("/restarts/{uuid:restart_id}", response=restart_schemas.Restart, summary="Get a restart")
def get_restart(request: ApiRequest, restart_id: UUID) -> Restart:
    """The restart of a lane, with what each side signed."""
    require(acting(request), "read:partners")
    return _restart(_found(restart_id))


@router.post(
    "/restarts/{uuid:restart_id}/answer", response=restart_schemas.Restart, summary="Answer a restart"
)
def answer_restart(request: ApiRequest, restart_id: UUID) -> Restart:
    """Sign for the last entry of our lane that its reader holds as well: from there it may go on."""
    actor = acting(request)
    require(actor, "manage:partners")
    return _restart(restarting.answer(actor, _found(restart_id)))


@router.post(
    "/restarts/{uuid:restart_id}/confirm", response=restart_schemas.Restart, summary="Confirm a restart"
)
def confirm_restart(request: ApiRequest, restart_id: UUID) -> Restart:
    """Go on from the entry that the sender signed for. What is held after it is left behind, and kept."""
    actor = acting(request)
    require(actor, "manage:partners")
    return _restart(restarting.confirm(actor, _found(restart_id)))


def _found(restart_id: UUID) -> models.Reset:
    reset = models.Reset.objects.select_related("lane", "partner").filter(id=restart_id).first()
    if reset is None:
        missing("no-such-restart", _("There is no such restart."))
    return reset


def _restart(reset: models.Reset) -> Restart:
    values: Any = reset  # words that the model's choices hold
    point = point_of(reset)
    return restart_schemas.Restart(
        id=reset.id,
        partner=reset.partner_id,
        lane=reset.lane_id,
        direction="sent" if reset.lane.sender_id is None else "received",
        state=values.state,
        held=reset.held_seq,
        held_digest=reset.held_digest,
        stopped_at=reset.stopped_at,
        stop_reason=reset.stop_reason,
        stop_sentence=stop_reason(reset.stop_reason),
        point=point,
        leaves_behind=None if point is None else max(0, reset.held_seq - point),
        proposal=reset.proposal,
        answer=reset.answer,
        confirmation=reset.confirmation,
        proposed=reset.proposed,
        answered=reset.answered,
        confirmed=reset.confirmed,
    )


def _fork(fork: models.Fork) -> restart_schemas.Fork:
    return restart_schemas.Fork(
        lane=fork.lane_id,
        sender=fork.lane.sender.node if fork.lane.sender else settings.BASE_URL,
        seq=fork.seq,
        held=fork.held,
        shown=fork.shown,
        shown_by=fork.shown_by.node if fork.shown_by else None,
        found=fork.found,
    )


def _refused(refused: MessageRefused) -> Refusal:
    return Refusal(409, refused.code, entry_reason(refused.code), pointer="/statement")


ERRORS: Final[ErrorAnswers] = {MessageRefused: _refused}
