"""The notice of agreements: a partner suspended one, so nothing flows under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.models import Agreement, PartyInstrument
from taawun.cooperation.agreements.queries import standings_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.models import Partner
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from taawun.foundation.multilingual import Text

__all__ = ["KINDS", "tell_of_suspension"]

_SUSPENDED: Final = "agreements.suspended"


def _said(params: Mapping[str, str]) -> dict[str, str]:
    language = get_language() or "en"
    names = {
        name: params.get(f"{name}_{language}") or params.get(f"{name}_en", "") for name in ("by", "title")
    }
    return {**names, "code": params["code"]}


KINDS: Final = (
    NoticeKind(
        _SUSPENDED,
        "read:agreements",
        lambda p: (
            _("%(by)s suspended the agreement “%(title)s” (%(code)s): nothing flows under it.") % _said(p)
        ),
        lambda _p: _(
            "Read there why, and speak with the partner. What was prepared goes out once it is lifted."
        ),
        lambda p: reverse("agreement", args=[p["agreement"]]),
    ),
    NoticeKind(
        "agreements.two-texts",
        "read:agreements",
        lambda p: _("%(node)s, the depositary of %(code)s, proposed two texts under one number.") % p,
        lambda _p: _(
            "This node signs neither. Compare the digests with the other parties by telephone, and ask the "
            "depositary for a next version."
        ),
        lambda p: reverse("agreement", args=[p["agreement"]]),
    ),
    NoticeKind(
        "agreements.two-words",
        "read:agreements",
        lambda p: _("%(node)s, a party of %(code)s, signed two different things under one id.") % p,
        lambda _p: _(
            "Both count, at every node, whichever was shown to whom. Read them in the history, and ask the party "
            "by telephone what it meant."
        ),
        lambda p: reverse("agreement", args=[p["agreement"]]),
    ),
    NoticeKind(
        "agreements.too-many-words",
        "read:agreements",
        lambda p: _("%(node)s, a party of %(code)s, says more about it than is kept here.") % p,
        lambda _p: _(
            "Every node keeps the same of it. Where the party is bound, nothing flows under this version any more, "
            "since nobody can know where it stands: ask it what it means, and agree on a next version, with or "
            "without it."
        ),
        lambda p: reverse("agreement", args=[p["agreement"]]),
    ),
    NoticeKind(
        "agreements.two-countersignatures",
        "read:agreements",
        lambda p: _("%(node)s, the depositary of %(code)s, countersigned one instrument twice.") % p,
        lambda _p: _("The first countersignature counts, at every node. Ask the depositary what happened."),
        lambda p: reverse("agreement", args=[p["agreement"]]),
    ),
    NoticeKind(
        "agreements.own-word-forged",
        "read:partners",
        lambda p: (
            _(
                "%(node)s passed on a word about %(code)s in the name of this node that this node never said. It is "
                "signed with the replaced key %(kid)s of this node."
            )
            % p
        ),
        lambda _p: _(
            "Nothing of it was taken. Somebody has that key: revoke it with `taawun key revoke`, and warn the other "
            "parties by telephone. Whoever passed it on may have been deceived as well."
        ),
        lambda p: reverse("partner", kwargs={"partner_id": p["partner"]}),
    ),
)


def tell_of_suspension(lineage: UUID) -> None:
    """Raise the notice of an agreement that another party has suspended, and close it where that is over.

    It follows the standing, so it is right in whatever order the parties' words arrive.

    Args:
        lineage: of the agreement; one that is not known here is told nothing of.
    """
    agreement = Agreement.objects.filter(id=lineage).first()
    if agreement is None:
        return
    subject = f"urn:uuid:{agreement.id}"
    standing = standings_of([agreement])[agreement.id]
    theirs = (
        PartyInstrument.objects.filter(id__in=[each.id for each in standing.suspensions])
        .exclude(node=settings.BASE_URL)
        .order_by("at")
        .first()
        if standing.state is State.SUSPENDED
        else None
    )
    if theirs is None:
        resolve(_SUSPENDED, subject)
        return
    if Notice.objects.filter(kind=_SUSPENDED, subject=subject, resolved=None).exists():
        return
    partner = Partner.objects.filter(node=theirs.node).first()
    params = {
        "agreement": str(agreement.id),
        "code": agreement.code,
        **_in_languages("title", agreement.title),
        **(_in_languages("by", partner.name) if partner else {"by_en": theirs.node}),
    }
    raise_notice(_SUSPENDED, subject, Notice.Level.WARNING, params)


def _in_languages(name: str, words: Text) -> dict[str, str]:
    said = {f"{name}_{language}": value for language, value in words.by_language.items()}
    return {f"{name}_en": words.in_language("en").value, **said}
