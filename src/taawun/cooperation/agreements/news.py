"""What people are told of agreements, if they want to be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from taawun.cooperation.agreements import waiting
from taawun.cooperation.agreements.models import PartyInstrument, PartySignature, Version
from taawun.platform.notices.news import NewsKind, Topic, Way, risks_of
from taawun.platform.web import formats

if TYPE_CHECKING:
    from datetime import datetime

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["NEWS"]

_APPROVALS: Final = frozenset({"approval", "ratification", "accession"})


def _waits(whats: frozenset[str], actor: PersonActor) -> int:
    """How many agreements wait for the actor in one of these ways."""
    return len({each.agreement.id for each in waiting.waiting_for(actor) if each.what in whats})


def _versions(after: datetime, until: datetime) -> bool:
    """Whether a version came, or a signature of ours by which one may be ratified."""
    signed = PartySignature.objects.filter(received__gt=after, received__lte=until, awaits_ratification=True)
    return Version.objects.filter(received__gt=after, received__lte=until).exists() or signed.exists()


def _to_approve(actor: PersonActor, after: datetime, until: datetime) -> int:
    came = set(
        Version.objects.filter(received__gt=after, received__lte=until).values_list("digest", flat=True)
    )
    signed = PartySignature.objects.filter(received__gt=after, received__lte=until, awaits_ratification=True)
    ratify = set(signed.values_list("digest", flat=True))
    return len(
        {
            each.agreement.id
            for each in waiting.waiting_for(actor)
            if (each.what in _APPROVALS and each.document.digest in came)
            or (each.what == "ratification" and each.document.digest in ratify)
        }
    )


def _countered(after: datetime, until: datetime) -> set[object]:
    """The agreements to which others proposed something."""
    found = PartyInstrument.objects.filter(
        kind=PartyInstrument.Kind.COUNTERED, received__gt=after, received__lte=until
    ).exclude(node=settings.BASE_URL)
    return set(found.values_list("lineage", flat=True))


def _to_answer(actor: PersonActor, after: datetime, until: datetime) -> int:
    countered = _countered(after, until)
    found = waiting.waiting_for(actor)
    return len({each.agreement.id for each in found if each.what == "counter"} & countered)


NEWS: Final = (
    NewsKind(
        "agreements.approval",
        Topic.WAITING,
        _("An agreement waits for your approval"),
        waiting.APPROVE,
        lambda count: (
            ngettext(
                "%(count)s agreement waits for your approval.",
                "%(count)s agreements wait for your approval.",
                count,
            )
            % {"count": formats.number(count)}
        ),
        "agreements",
        _versions,
        _to_approve,
        partial(_waits, _APPROVALS),
        Way.SUMMARY,
    ),
    NewsKind(
        "agreements.counter",
        Topic.WAITING,
        _("A party proposes a change to an agreement"),
        waiting.WRITE,
        lambda count: (
            ngettext(
                "%(count)s agreement has a counter-proposal that waits for your answer.",
                "%(count)s agreements have a counter-proposal that waits for your answer.",
                count,
            )
            % {"count": formats.number(count)}
        ),
        "agreements",
        lambda after, until: bool(_countered(after, until)),
        _to_answer,
        partial(_waits, frozenset({"counter"})),
        Way.SUMMARY,
    ),
    NewsKind(
        "agreements.draft",
        Topic.WAITING,
        _("A draft of an agreement is not finished"),
        waiting.WRITE,
        lambda count: (
            ngettext(
                "%(count)s draft of an agreement is not finished.",
                "%(count)s drafts of agreements are not finished.",
                count,
            )
            % {"count": formats.number(count)}
        ),
        "agreements",
        # it comes from nobody else: it waits, and never begins to
        lambda _after, _until: False,
        lambda _actor, _after, _until: 0,
        partial(_waits, frozenset({"draft"})),
    ),
    *risks_of("agreements", "read:agreements", {waiting.WRITE, waiting.APPROVE}),
)
