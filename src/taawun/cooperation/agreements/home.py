"""What agreements tell on the first page, beside the navigation, on a partner's page, and to the search."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from taawun.cooperation.agreements import waiting
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.presenting.sentences import approvals_in_words
from taawun.cooperation.agreements.presenting.situations import badge, is_being_signed
from taawun.cooperation.agreements.queries import newest_documents, standings, standings_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import now
from taawun.foundation.folding import words_match
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.guide import GuideStep
from taawun.platform.web.home import Line
from taawun.platform.web.search import Found, Wanted
from taawun.platform.web.templatetags.components import clause as clause_chip
from taawun.platform.web.templatetags.components import code, state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.agreements.waiting import Waiting
    from taawun.cooperation.partners.models import Lane
    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "STEPS",
    "captions",
    "count_waiting",
    "counts",
    "find",
    "how_they_stand",
    "of_partner",
    "waiting_lines",
]

_MOST = 20
_MOST_NOTABLE: Final = 5
_MOST_WAITING: Final = 8
# what news a line is, by what waits
_KINDS: Final = {
    "approval": "agreements.approval",
    "ratification": "agreements.approval",
    "accession": "agreements.approval",
    "counter": "agreements.counter",
    "draft": "agreements.draft",
}
# as long as it takes to negotiate the next one
_SOON: Final = timedelta(days=90)


# ---- the first page ---------------------------------------------------------------------------------------------
def count_waiting(actor: PersonActor) -> int:
    """How many agreements wait for this actor."""
    return waiting.count(actor)


def counts(actor: PersonActor) -> dict[str, int]:
    """How many things wait for this actor, by the kind of their lines."""
    return dict(Counter(_KINDS[each.what] for each in waiting.waiting_for(actor)))


def waiting_lines(actor: PersonActor) -> list[Line]:
    """Approvals, counter-proposals and drafts that wait for this actor."""
    return [_line(each) for each in waiting.waiting_for(actor)[:_MOST_WAITING]]


def _line(each: Waiting) -> Line:
    agreement = each.agreement
    title = _title(agreement)
    own_code = code(agreement.code, copy=False)
    nation = _other_nation(each.document)
    if each.what == "approval":
        return Line(
            _("Approve “%(title)s”") % {"title": title},
            reverse("agreement-approve", args=[agreement.id, each.document.version]),
            format_html("{} {}", own_code, approvals_in_words(each.approvals)),
            code=nation,
            kind=_KINDS[each.what],
        )
    if each.what in {"ratification", "accession"}:
        is_accession = each.what == "accession"
        sentence = _("Accede to “%(title)s”") if is_accession else _("Ratify “%(title)s”")
        name = "agreement-accede" if is_accession else "agreement-ratify"
        return Line(
            sentence % {"title": title},
            reverse(name, args=[agreement.id, each.document.version]),
            format_html("{} {}", own_code, approvals_in_words(each.approvals)),
            code=nation,
            kind=_KINDS[each.what],
        )
    if each.what == "counter":
        query = f"?old=v{each.document.version}&new=c{each.instrument}"
        asked = (
            _("Answer the counter-proposal to “%(title)s”")
            if each.is_negotiation
            else _("Answer the change that is proposed to “%(title)s”")
        )
        return Line(
            asked % {"title": title},
            reverse("agreement-compare", args=[agreement.id]) + query,
            own_code,
            code=nation,
            kind=_KINDS[each.what],
        )
    return Line(
        _("Finish the draft of “%(title)s”") % {"title": title},
        reverse("agreement-edit", args=[agreement.id]),
        format_html("{} {}", own_code, _("nobody else has seen it")),
        code=nation,
        kind=_KINDS[each.what],
    )


def _other_nation(document: Document) -> str:
    """The letters of the first other party's nation."""
    return next((party.nation for party in document.parties if party.node != settings.BASE_URL), "")


STEPS: Final = (
    GuideStep(
        "agreements.first",
        60,
        gettext_lazy("Draft an agreement"),
        gettext_lazy(
            "Nothing leaves this node without a clause in force. Start from a template; the partner can counter."
        ),
        lambda _actor: Agreement.objects.exists(),
        gettext_lazy("Draft an agreement…"),
        lambda: reverse("agreement-new"),
        permission=waiting.WRITE,
        after="partners.found",
    ),
)


def how_they_stand(_actor: PersonActor) -> SafeString:
    """How many agreements are in which state, and those that wait for others, are paused or end soon."""
    at = now()
    held = standings(at)
    if not held:
        return mark_safe("")
    counts = Counter(badge(standing.state) for _agreement, standing in held)
    notable = (line for agreement, standing in reversed(held) if (line := _notable(agreement, standing, at)))
    context = {"counts": counts.most_common(), "lines": list(islice(notable, _MOST_NOTABLE))}
    return SafeString(render_to_string("agreements/standings.html", context))


def _notable(agreement: Agreement, standing: Standing, at: datetime) -> Line | None:
    """An agreement that waits for others, is paused, or ends soon; None for any other."""
    title, url = _title(agreement), reverse("agreement", args=[agreement.id])
    about = standing.pending or standing.current
    shown = badge(standing.state)
    mark = format_html("{} {}", state(shown.name, shown.word), code(agreement.code, copy=False))
    if about and is_being_signed(standing) and standing.state is not State.DECLINED:
        missing = [
            each
            for each in about.parties
            if each.kind == "node" and each.ref not in standing.signed_by and each.node != settings.BASE_URL
        ]
        if not missing:
            return None
        names = formats.listed([called(each.organisation) for each in missing])
        waits = formats.with_names(_("waits for the signature of %(names)s"), names=names)
        return Line(title, url, format_html("{} <span>{}</span>", mark, waits), code=_other_nation(about))
    if standing.state is State.SUSPENDED and standing.current:
        return Line(title, url, mark, code=_other_nation(standing.current))
    ends = standing.ends or (standing.window.closes if standing.window else None)
    if standing.state is State.IN_FORCE and standing.current and ends and ends - at < _SOON:
        until = _("ends on %(day)s") % {"day": formats.short_day(ends)}
        return Line(
            title, url, format_html("{} <span>{}</span>", mark, until), code=_other_nation(standing.current)
        )
    return None


# ---- a partner's page -------------------------------------------------------------------------------------------
def of_partner(_actor: PersonActor, partner: Partner) -> list[Line]:
    """The agreements to which a partner is a party, newest first."""
    theirs = (
        (agreement, standing)
        for agreement, standing in reversed(standings(now()))
        if (document := standing.pending or standing.current) and document.party_of(partner.node)
    )
    return [_agreement_line(agreement, standing) for agreement, standing in islice(theirs, _MOST)]


def _agreement_line(agreement: Agreement, standing: Standing) -> Line:
    shown = badge(standing.state)
    return Line(
        _title(agreement),
        reverse("agreement", args=[agreement.id]),
        format_html("{} {}", state(shown.name, shown.word), code(agreement.code, copy=False)),
    )


def captions(lanes: Sequence[Lane]) -> dict[UUID, SafeString]:
    """What clause lanes carry: the clause's chip, and its title."""
    ids = {lane.agreement for lane in lanes if lane.agreement}
    agreements = {each.id: each for each in Agreement.objects.filter(id__in=ids)}
    titles = _clause_titles(list(agreements.values()))
    found = {}
    for lane in lanes:
        agreement = agreements.get(lane.agreement) if lane.agreement else None
        if agreement is None:
            found[lane.id] = format_html("{}", _("releases under an agreement that is not known here"))
            continue
        url = reverse("agreement", args=[agreement.id])
        chip = clause_chip(agreement.code, lane.clause, url)
        found[lane.id] = format_html("{} {}", chip, titles.get((agreement.id, lane.clause), ""))
    return found


def _clause_titles(agreements: list[Agreement]) -> dict[tuple[UUID, str], str]:
    language = get_language() or "en"
    return {
        (key, clause.ref): clause.title.in_language(language).value
        for key, standing in (standings_of(agreements) if agreements else {}).items()
        if standing.current
        for clause in standing.current.clauses
    }


# ---- search -----------------------------------------------------------------------------------------------------
def find(_actor: object, wanted: Wanted, limit: int) -> list[Found]:
    """Agreements by code, title or party, then clauses by their titles."""
    rows = list(Agreement.objects.order_by("-number"))
    documents = newest_documents()
    found = (
        Found(
            _title(row),
            reverse("agreement", args=[row.id]),
            _("Agreement"),
            _snippet(row, documents.get(row.id)),
        )
        for row in rows
        if words_match(wanted.text, _texts(row, documents.get(row.id)))
    )
    clauses = (
        each for row in rows if row.id in documents for each in _clauses(row, documents[row.id], wanted.text)
    )
    return list(islice(chain(found, clauses), limit))


def _clauses(row: Agreement, document: Document, text: str) -> Iterator[Found]:
    language = get_language() or "en"
    for clause in document.clauses:
        if words_match(text, clause.title.by_language.values()):
            yield Found(
                clause.title.in_language(language).value,
                reverse("agreement", args=[row.id]) + f"#clause-{clause.ref}",
                _("Clause"),
                f"{row.code} § {clause.ref}",
                clause.tlp_max.label,
            )


def _texts(row: Agreement, document: Document | None) -> list[str]:
    parties = document.parties if document else ()
    names = [name for party in parties for name in party.organisation.by_language.values()]
    return [row.code, *row.titles.values(), *names, *(party.nation for party in parties)]


def _snippet(row: Agreement, document: Document | None) -> str:
    language = get_language() or "en"
    names = [party.organisation.in_language(language).value for party in document.parties] if document else []
    return str(formats.listed([row.code, *names]))


def _title(agreement: Agreement) -> str:
    return called(agreement.title)
