"""The notices of agreements: a partner suspended one, somebody lies about one, or speaks in this node's name."""

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
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from taawun.foundation.multilingual import Text

__all__ = ["KINDS", "tell_of_suspension", "tell_of_unsaid"]

_SUSPENDED: Final = "agreements.suspended"
_UNSAID: Final = "agreements.own-words-unsaid"


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
                "signed with the key %(kid)s of this node."
            )
            % p
        ),
        lambda p: (
            _(
                "Nothing of it was taken. Somebody has that key, unless a second copy of this node runs, or it was "
                "restored from a backup and somebody was not waited for. Revoke the key with `taawun key revoke "
                "--key %(kid)s`, and warn the other parties by telephone. Whoever passed it on may have been deceived "
                "as well."
            )
            % p
        ),
        lambda p: reverse("partner", kwargs={"partner_id": p["partner"]}),
    ),
    NoticeKind(
        _UNSAID,
        "read:agreements",
        lambda p: (
            _(
                "This node revoked its key, and held in its own name what it does not know to have said about "
                "%(code)s: %(words)s."
            )
            % {"code": p["code"], "words": _names(p["words"])}
        ),
        lambda _p: _(
            "It was not signed again and counts no more. If some of it was yours, say it again; tell the other parties "
            "by telephone what was not."
        ),
        lambda p: reverse("agreement", args=[p["agreement"]]) if p["agreement"] else reverse("agreements"),
    ),
)


def _names(words: str) -> str:
    """What was said, by its name; the words are instruments, signatures and versions, one after another."""
    names = {**dict(PartyInstrument.Kind.choices), "signed": _("signature"), "proposed": _("version")}
    return formats.listed([str(names[each]) for each in words.split()])


def tell_of_unsaid(lineage: UUID, words: Sequence[str]) -> None:
    """Tell people what of this node's own words was set aside with its key, because it did not say them.

    Args:
        lineage: of the agreement, which may not be known here.
        words: the kinds of what was said, ``signed`` and ``proposed`` among them.
    """
    agreement = Agreement.objects.filter(id=lineage).first()
    params = {
        "agreement": str(lineage) if agreement else "",
        "code": agreement.code if agreement else str(lineage),
        "words": " ".join(words),
    }
    raise_notice(_UNSAID, f"urn:uuid:{lineage}", Notice.Level.ALARM, params)


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
