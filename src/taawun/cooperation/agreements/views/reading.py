"""Reading one agreement: where it stands, its exact versions, and what changed between two texts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from taawun.cooperation.agreements import actions, waiting
from taawun.cooperation.agreements.document import ANY, parse
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.forms import CompareForm
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.agreements.presenting import (
    PartyTile,
    acts,
    badge,
    clause_in_words,
    history,
    kept,
    on_end,
    onward,
    open_counters,
    partners_of,
    party_cards,
    party_tiles,
    period,
    reason_given,
    record_of,
    signing_chart,
    situation,
    state_steps,
    term_facts,
    thread,
)
from taawun.cooperation.agreements.presenting import compare as differences
from taawun.cooperation.agreements.presenting.parts import AgreementSection, ClauseFigure
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.versions import version_of
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.clock import now
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.downloads import attachment
from taawun.platform.web.formats import called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Clause, Document
    from taawun.cooperation.agreements.models import PartyInstrument
    from taawun.cooperation.agreements.presenting import Comparison, Record
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.people.actors import PersonActor

# bytes of two texts that are compared wherever the agreement is opened
_MOST_COMPARED_HERE: Final = 64 * 1024

__all__ = ["ClauseRow", "agreement", "clause_rows", "compare", "version"]


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause as tables and pages show it."""

    clause: Clause
    senders: list[PartyTile]
    receivers: list[PartyTile]
    is_mutual: bool
    sentences: tuple[SafeString, ...]
    onward: SafeString
    kept: str
    on_end: str
    figures: tuple[tuple[object, int], ...] = ()

    @property
    def is_pair(self) -> bool:
        """Whether two parties give each other the same."""
        return self.is_mutual and len(self.senders) == 2  # noqa: PLR2004 - a pair


def clause_rows(document: Document) -> list[ClauseRow]:
    """The clauses of a document for a page."""
    tiles = dict(zip((party.ref for party in document.parties), party_tiles(document), strict=True))
    return [_clause_row(clause, document, tiles) for clause in document.clauses]


def _clause_row(clause: Clause, document: Document, tiles: Mapping[str, PartyTile]) -> ClauseRow:
    sides = [
        list(tiles.values()) if ANY in refs else [tiles[ref] for ref in refs if ref in tiles]
        for refs in (clause.senders, clause.receivers)
    ]
    return ClauseRow(
        clause=clause,
        senders=sides[0],
        receivers=sides[1],
        is_mutual=set(sides[0]) == set(sides[1]),
        sentences=clause_in_words(clause, document),
        onward=onward(clause),
        kept=kept(clause.retention_days),
        on_end=on_end(clause),
    )


# ---- one agreement ----------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:agreements")
def agreement(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """One agreement: parties, where it stands, its clauses, what happened, and what can be done now."""
    held = get_object_or_404(Agreement, id=agreement_id)
    record, standing, at = record_of(held), standing_of(held), now()
    document = standing.current or parse(held.draft.encode())
    partners = partners_of(document)
    possible = acts(actor, record, standing, partners)
    cards = party_cards(document, record, partners, may_add="manage:partners" in actor.permissions)
    figures = _figures(actor, held) if standing.current else []
    context = {
        "agreement": held,
        "document": document,
        "is_draft": standing.current is None,
        # nobody else sees a draft until it is proposed
        "may_read": standing.current is not None or waiting.WRITE in actor.permissions,
        "standing": standing,
        "badge": badge(standing.state),
        "period": period(document),
        "situations": situation(record, standing, at),
        "acts": [act for act in possible if not act.is_ending],
        "endings": [act for act in possible if act.is_ending],
        "parties": cards,
        "steps": state_steps(record, standing, at),
        "clauses": [
            replace(row, figures=tuple((label, counts.get(row.clause.ref, 0)) for label, counts in figures))
            for row in clause_rows(document)
        ],
        "figures": [label for label, _counts in figures],
        "thread": thread(record, standing),
        "answers": [replace(act, style="") for act in possible if act.is_answer],
        "others": [card for card in cards if card.url],
        "signing": signing_chart(record, standing, standing.pending or document) if record.versions else None,
        "changes": _changes(actor, record),
        "facts": term_facts(document),
        "has_paper": document.instrument is not None and standing.current is not None,
        "history": history(record, standing, at),
        "versions": _version_links(record),
        "drawings": [
            (part.label, part.drawing(actor, held))
            for part in _parts(actor)
            if part.drawing and standing.current
        ],
        "may_audit": "read:audit" in actor.permissions,
        "subject": actions.urn(held),
        "sections": [
            (part.label, lines) for part in _parts(actor) if part.lines and (lines := part.lines(actor, held))
        ],
    }
    return render(request, "agreements/agreement.html", context)


def _parts(actor: PersonActor) -> list[AgreementSection]:
    """What other rooms show on the page to this reader."""
    return [part for part in registry.all(AgreementSection) if part.permission in actor.permissions]


def _version_links(record: Record) -> list[tuple[int, str]]:
    return [
        (each.number, reverse("agreement-version", args=[record.agreement.id, each.number]))
        for each in reversed(record.versions)
    ]


def _figures(actor: PersonActor, held: Agreement) -> list[tuple[object, Mapping[str, int]]]:
    """What other rooms count under each clause, with the heads of their columns."""
    shown = [each for each in registry.all(ClauseFigure) if each.permission in actor.permissions]
    return [(each.label, each.figures(held)) for each in shown]


@dataclass(frozen=True, slots=True)
class _Changes:
    """What changed between the two newest versions, for the page of the agreement."""

    form: CompareForm
    old: _Text
    new: _Text
    comparison: Comparison | None


def _changes(actor: PersonActor, record: Record) -> _Changes | None:
    """The newest version beside the one before it; None with fewer than two.

    Long texts are compared on the page of comparisons alone: this one is opened far more often.
    """
    if len(record.versions) < 2:  # noqa: PLR2004 - it takes two to compare
        return None
    texts = _texts(actor, record)
    old, new = texts[len(record.versions) - 2], texts[len(record.versions) - 1]
    form = CompareForm({"old": old.name, "new": new.name}, texts=[(each.name, each.label) for each in texts])
    is_short = sum(len(bytes(each.text)) for each in record.versions[-2:]) <= _MOST_COMPARED_HERE
    return _Changes(form, old, new, differences(old.document, new.document) if is_short else None)


def found_version(held: Agreement, number: int, digest: str = "") -> Version:
    """The version that an address names.

    Raises:
        Http404: there is none.
    """
    found = version_of(held, number, digest)
    if found is None:
        raise Http404
    return found


# ---- a version --------------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:agreements")
def version(request: HttpRequest, actor: PersonActor, agreement_id: UUID, number: int) -> HttpResponseBase:
    """One version, word for word: what is signed, its digest, and who signed it."""
    held = get_object_or_404(Agreement, id=agreement_id)
    found = found_version(held, number, request.GET.get("digest", ""))
    if request.GET.get("format") == "json":
        name = f"{held.code}-version-{_named(record_of(held), found)}.json"
        return attachment(bytes(found.text), name=name, content_type="application/json")
    record, standing = record_of(held), standing_of(held)
    document = record.documents[found.digest]
    partners = partners_of(document)
    about = standing.pending or standing.current
    context = {
        "agreement": held,
        "document": document,
        "parties": party_cards(document, record, partners, may_add="manage:partners" in actor.permissions),
        "clauses": clause_rows(document),
        "facts": term_facts(document),
        "is_current": standing.current is not None and standing.current.digest == found.digest,
        "badge": badge(standing.state),
        "exact": bytes(found.text).decode(),
        "acts": [act for act in acts(actor, record, standing, partners) if "/approve/" in act.url]
        if about and about.digest == found.digest
        else [],
        "comparison": _comparison_with_earlier(record, number),
        "others": [
            (each.digest, f"{reverse('agreement-version', args=[held.id, number])}?digest={each.digest}")
            for each in record.beside(found)
        ],
    }
    return render(request, "agreements/version.html", context)


def _named(record: Record, version: Version) -> str:
    """A version by its number, and by its digest where its depositary proposed several under that number."""
    first = min((each.digest for each in record.beside(version)), default=version.digest)
    return f"{version.number}" if version.digest <= first else f"{version.number}-{version.digest[:12]}"


def _comparison_with_earlier(record: Record, number: int) -> str:
    earlier = [each.number for each in record.versions if each.number < number]
    if not earlier:
        return ""
    return reverse("agreement-compare", args=[record.agreement.id]) + f"?old=v{earlier[-1]}&new=v{number}"


# ---- comparing --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Text:
    name: str
    label: str
    document: Document
    proposal: PartyInstrument | None = None


@require_safe
@signed_in("read:agreements")
def compare(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """What changed between two texts: versions, counter-proposals, and for those who write it the draft."""
    held = get_object_or_404(Agreement, id=agreement_id)
    record, standing = record_of(held), standing_of(held)
    texts = {each.name: each for each in _texts(actor, record)}
    if len(texts) < 2:  # noqa: PLR2004 - it takes two to compare
        return redirect("agreement", held.id)
    names = list(texts)
    asked = {"old": request.GET.get("old") or names[-2], "new": request.GET.get("new") or names[-1]}
    form = CompareForm(asked, texts=[(each.name, each.label) for each in texts.values()])
    if not form.is_valid():
        raise Http404
    old, new = texts[form.cleaned_data["old"]], texts[form.cleaned_data["new"]]
    context = {
        "agreement": held,
        "form": form,
        "old": old,
        "new": new,
        "reasons": [
            said for each in (new, old) if each.proposal and (said := reason_given(record, each.proposal))
        ],
        "comparison": differences(old.document, new.document),
        "adopt_url": _answer_url("agreement-adopt", actor, record, standing, new),
        "turn_down_url": _answer_url("agreement-turn-down", actor, record, standing, new),
    }
    return render(request, "agreements/compare.html", context)


def _texts(actor: PersonActor, record: Record) -> list[_Text]:
    found = [
        _Text(
            f"v{_named(record, each)}",
            _("Version %(number)s") % {"number": formats.digits(each.number)}
            + (f" ({each.digest[:12]})" if record.beside(each) else ""),
            record.documents[each.digest],
        )
        for each in record.versions
    ]
    for each in record.instruments:
        if each.suggestion is not None:
            party = record.documents.get(each.digest)
            signatory = party.party_of(each.node) if party else None
            name = called(signatory.organisation) if signatory else each.node
            sentence = (
                _("Change proposed by %(name)s, %(day)s")
                if record.is_change(each)
                else _("Counter-proposal of %(name)s, %(day)s")
            )
            label = sentence % {
                "name": name,
                "day": formats.short_day(each.at),
            }
            # what an earlier version of this node kept unread may be no agreement
            with suppress(DocumentRefused):
                found.append(_Text(f"c{each.id}", label, parse(bytes(each.suggestion)), each))
    if record.agreement.draft and waiting.WRITE in actor.permissions:
        found.append(_Text("draft", _("Draft"), parse(record.agreement.draft.encode())))
    return found


def _answer_url(name: str, actor: PersonActor, record: Record, standing: Standing, new: _Text) -> str:
    """Where a counter-proposal that is still open is adopted or turned down, for who may do it."""
    if new.proposal is None or waiting.WRITE not in actor.permissions:
        return ""
    is_open = any(each.id == new.proposal.id for each in open_counters(record, standing))
    if not is_open or not _is_ours(new.document):
        return ""
    return reverse(name, args=[record.agreement.id, new.proposal.id])


def _is_ours(document: Document) -> bool:
    return document.depositary.node == settings.BASE_URL
