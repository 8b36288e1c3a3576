"""Declining a version, and suspending, resuming and terminating an agreement, each with what will follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.views.asking import Step, asked, name_of, notice_in_words
from taawun.cooperation.partners.models import Lane
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Clause
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["decline", "resume", "suspend", "terminate"]

# a sentence that names more clauses than this is not read
_NAMED: Final = 12


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def decline(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Say no to the version that was proposed, after asking why."""
    held = get_object_or_404(Agreement, id=agreement_id)
    step = Step(
        lambda note: actions.decline(actor, held, note),
        _("Decline “%(title)s”?") % {"title": name_of(held)},
        [
            _("The other parties read that this node does not sign this version, and why."),
            _(
                "A version that is in force stays in force. To change the text instead, make a counter-proposal."
            ),
        ],
        _("Decline this version"),
        _("Declined. The other parties are told."),
        "alarm",
    )
    return asked(request, held, step)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def suspend(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Suspend an agreement at once, after asking why."""
    held = get_object_or_404(Agreement, id=agreement_id)
    effects = [_("From this moment nothing more flows under it, in either direction.")]
    clauses = _clauses(held)
    if clauses:
        effects.append(_stopping(clauses))
    effects += _lanes(held)
    effects += [
        _("What was received before is kept at both sides, and withdrawals and receipts still pass."),
        _("Only this node can lift its own suspension. What waits meanwhile is sent when it does."),
    ]
    step = Step(
        lambda note: actions.suspend(actor, held, note),
        _("Suspend “%(title)s”?") % {"title": name_of(held)},
        effects,
        _("Suspend it at once"),
        _("Suspended. Nothing flows under it until this node lifts the suspension."),
        "alarm",
    )
    return asked(request, held, step)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def resume(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Lift our own suspension, after asking."""
    held = get_object_or_404(Agreement, id=agreement_id)
    step = Step(
        lambda note: actions.resume(actor, held, note),
        _("Lift our suspension of “%(title)s”?") % {"title": name_of(held)},
        [
            _("What its clauses allow flows again at once, unless another party has suspended it too."),
            _("What waited at the nodes of the parties is sent and taken in now."),
        ],
        _("Lift the suspension"),
        _("The suspension is lifted."),
        "gold",
    )
    return asked(request, held, step)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def terminate(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Give notice of termination, after asking why."""
    held = get_object_or_404(Agreement, id=agreement_id)
    standing = standing_of(held)
    document, effects = standing.current, []
    if document:
        effects += notice_in_words(
            standing, _("The agreement ends at once: nothing more flows under it, in either direction.")
        )
        effects.append(_stopping(document.clauses))
        effects += _lanes(held)
        effects += _afterwards(document.clauses)
    effects.append(_("Notice is final. A new agreement can be drafted at any time."))
    step = Step(
        lambda note: actions.terminate(actor, held, note),
        _("Terminate “%(title)s”?") % {"title": name_of(held)},
        effects,
        _("Give notice of termination"),
        _("Notice is given. The other parties are told."),
        "alarm",
    )
    return asked(request, held, step)


# ---- what will follow -------------------------------------------------------------------------------------------
def _clauses(held: Agreement) -> Sequence[Clause]:
    document = standing_of(held).current
    return document.clauses if document else ()


def _stopping(clauses: Sequence[Clause]) -> str:
    """Which clauses nothing is sent or taken in under any more."""
    count = len(clauses)
    if count > _NAMED:
        sentence = ngettext(
            "Its %(count)s clause stops: nothing more is sent or taken in under it.",
            "All its %(count)s clauses stop: nothing more is sent or taken in under them.",
            count,
        )
        return sentence % {"count": formats.number(count)}
    sentence = ngettext(
        "Clause %(clauses)s stops: nothing more is sent or taken in under it.",
        "Clauses %(clauses)s stop: nothing more is sent or taken in under them.",
        count,
    )
    return sentence % {"clauses": _cited(clauses)}


def _lanes(held: Agreement) -> list[str]:
    """How many lanes it has by now; an agreement under which nothing was sent yet has none."""
    count = Lane.objects.filter(agreement=held.id, purpose=Lane.Purpose.CLAUSE).count()
    if not count:
        return []
    sentence = ngettext(
        "Its %(count)s lane stays readable, and carries withdrawals and receipts only.",
        "Its %(count)s lanes stay readable, and carry withdrawals and receipts only.",
        count,
    )
    return [sentence % {"count": formats.number(count)}]


def _afterwards(clauses: Sequence[Clause]) -> list[str]:
    """What the receivers delete and what they keep when it is over."""
    deleting = [clause for clause in clauses if clause.on_termination == "delete"]
    keeping = [clause for clause in clauses if clause.on_termination != "delete"]
    told = []
    if deleting:
        sentence = ngettext(
            "What was received under clause %(clauses)s has then to be deleted, here and at the other parties.",
            "What was received under clauses %(clauses)s has then to be deleted, here and at the other parties.",
            len(deleting),
        )
        told.append(sentence % {"clauses": _cited(deleting)})
        told.append(
            _("Each node does so by itself a day after the end, and signs to whoever gave it that it did.")
        )
    if keeping:
        sentence = ngettext(
            "What was received under clause %(clauses)s may be kept, here and at the other parties.",
            "What was received under clauses %(clauses)s may be kept, here and at the other parties.",
            len(keeping),
        )
        told.append(sentence % {"clauses": _cited(keeping)})
    return told


def _cited(clauses: Sequence[Clause]) -> str:
    return formats.listed([formats.digits(clause.ref) for clause in clauses])
