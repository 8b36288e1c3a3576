"""Agreements as their API shows them: rows and evidence turned into its schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from taawun.cooperation.agreements import schemas
from taawun.cooperation.agreements.document import narrowing_json, parse
from taawun.cooperation.agreements.drafting import specimen
from taawun.cooperation.agreements.models import Approval, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.presenting.plain import plain
from taawun.cooperation.agreements.presenting.sentences import clause_in_words
from taawun.cooperation.agreements.queries import standing_of, standings_of
from taawun.foundation.strict_json import parse as parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.drafting import Template
    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.agreements.standing import Standing

__all__ = ["agreement", "draft", "summaries", "template", "version"]

_OVER = frozenset({"declined", "terminated", "expired"})


def summaries(rows: Sequence[Agreement]) -> list[schemas.AgreementSummary]:
    """The rows of a list, each with where it stands."""
    standings = standings_of(rows)
    return [_summary(row, standings[row.id]) for row in rows]


def agreement(row: Agreement, *, shows_draft: bool) -> schemas.Agreement:
    """One agreement with everything that was signed about it.

    Args:
        row: the agreement.
        shows_draft: whether the reader may know that a next version is being drafted.
    """
    standing = standing_of(row)
    versions = list(row.versions.order_by("number", "digest"))
    approvals = list(Approval.objects.filter(version__in=versions).select_related("version", "person"))
    return schemas.Agreement(
        **_summary(row, standing).model_dump(),
        pending=standing.pending.version if standing.pending else None,
        signed_by=sorted(standing.signed_by),
        suspensions=[
            schemas.Suspension(instrument=each.id, party=each.party, since=each.at)
            for each in standing.suspensions
        ],
        open_proposals=[each.id for each in standing.proposals],
        **_joined(standing),
        versions=[_brief(each, standing) for each in versions],
        approvals=[
            schemas.Approval(version=each.version.number, person=each.person.name, at=each.at, step=each.step)
            for each in sorted(approvals, key=lambda each: each.at)
        ],
        history=_history(row, versions, approvals),
        draft_edition=row.draft_edition if shows_draft and row.draft else None,
    )


def template(start: Template) -> schemas.Template:
    """A start for an agreement, with what its clauses would say."""
    document = specimen(start)
    return schemas.Template(
        name=start.name,
        label=str(start.label),
        purpose=str(start.purpose),
        title=start.title.to_json(),
        clauses=[clause.title.to_json() for clause in start.clauses],
        preamble=start.preamble.to_json(),
        sentences=[
            [plain(sentence) for sentence in clause_in_words(clause, document)] for clause in document.clauses
        ],
        is_multilateral=start.is_multilateral,
        accession=start.accession,
        notice_days=start.notice_days,
        required_signatures=start.signatures,
    )


def _joined(standing: Standing) -> dict[str, Any]:
    """Who is bound, joins, leaves and narrows, as members of the answer, which are of several types."""
    document = standing.current
    return {
        "signatories": sorted(standing.signatories),
        "ratified_by": sorted(standing.ratified_by),
        "acceded": sorted(ref for ref, _parts in document.acceded) if document else [],
        "leaving": [schemas.Leaving(party=ref, at=at) for ref, at in sorted(standing.leaves.items())],
        "declarations": [
            schemas.Declaration(
                instrument=each.id,
                party=each.party,
                since=each.at,
                narrows=[
                    schemas.Narrowing.model_validate({**narrowing_json(one), "closes": one.closes})
                    for one in each.narrows
                ],
            )
            for each in standing.declared
        ],
        "invitations": [
            schemas.Joining(
                instrument=each.id,
                node=each.invites.node if each.invites else "",
                at=each.at,
                until=each.until,
            )
            for each in standing.invitations
        ],
        "accessions": [
            schemas.Joining(instrument=each.id, node=each.node, at=each.at, until=None)
            for each in standing.accessions
        ],
    }


def version(row: Agreement, held: Version) -> schemas.Version:
    """One version with its text, as JSON."""
    brief = _brief(held, standing_of(row))
    return schemas.Version(**brief.model_dump(), document=parse_json(bytes(held.text)))


def draft(row: Agreement) -> schemas.Draft:
    """The draft that is being written here."""
    return schemas.Draft(edition=row.draft_edition, document=parse_json(row.draft.encode()))


def _summary(row: Agreement, standing: Standing) -> schemas.AgreementSummary:
    # before the first proposal there is nothing but the draft to tell of
    current = standing.current
    document = current or (parse(row.draft.encode()) if row.draft else None)
    return schemas.AgreementSummary(
        id=row.id,
        code=row.code,
        title=row.titles,
        state=standing.state,
        version=current.version if current else None,
        parties=_parties(document) if document else [],
        valid_from=document.valid_from if document else None,
        valid_until=document.valid_until if document else None,
        ends=standing.ends,
        waits_for_us=_waits_for_us(standing),
    )


def _waits_for_us(standing: Standing) -> bool:
    about = standing.pending or standing.current
    us = about.party_of(settings.BASE_URL) if about else None
    return us is not None and us.ref not in standing.signed_by and standing.state not in _OVER


def _parties(document: Document) -> list[schemas.Party]:
    return [
        schemas.Party(
            ref=party.ref,
            kind=party.kind,
            node=party.node,
            nation=party.nation or None,
            organisation=party.organisation.to_json(),
            is_us=party.node == settings.BASE_URL,
        )
        for party in document.parties
    ]


def _brief(held: Version, standing: Standing) -> schemas.VersionBrief:
    document = held.document()
    window = next((each for each in standing.windows if each.document.digest == held.digest), None)
    signatures = PartySignature.objects.filter(lineage=document.id, digest=held.digest).order_by("at", "node")
    return schemas.VersionBrief(
        number=held.number,
        digest=held.digest,
        received=held.received,
        opens=window.opens if window and window.opens != window.closes else None,
        closes=window.closes if window else None,
        signatures=[
            schemas.Signature(party=party.ref, node=each.node, at=each.at)
            for each in signatures
            if (party := document.party_of(each.node))
        ],
        required_signatures=document.required_signatures(),
    )


def _history(
    row: Agreement, versions: Sequence[Version], approvals: Sequence[Approval]
) -> list[schemas.Event]:
    """What happened, oldest first; signatures and declarations at the instant their party gives."""
    numbers = {each.digest: each.number for each in versions}
    events = [
        schemas.Event(
            at=each.received,
            what="proposed",
            who=each.document().depositary.node,
            version=each.number,
            note="",
            instrument=None,
            answers=None,
        )
        for each in versions
    ]
    events += [
        schemas.Event(
            at=each.at,
            what="approved",
            who=each.person.name,
            version=each.version.number,
            note="",
            instrument=None,
            answers=None,
        )
        for each in approvals
    ]
    events += [
        schemas.Event(
            at=each.at,
            what="signed",
            who=each.node,
            version=numbers.get(each.digest),
            note="",
            instrument=None,
            answers=None,
        )
        for each in PartySignature.objects.filter(lineage=row.id)
    ]
    events += [
        schemas.Event(
            at=each.at,
            what=each.kind,
            who=each.node,
            version=numbers.get(each.digest),
            note=each.note,
            instrument=each.id,
            answers=each.answers,
        )
        for each in PartyInstrument.objects.filter(lineage=row.id)
    ]
    return sorted(events, key=lambda event: (event.at, event.what, event.who))
