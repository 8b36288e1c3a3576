"""What happened to an agreement, from the evidence: the line of its states, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from taawun.cooperation.agreements.document import parse_party
from taawun.cooperation.agreements.models import Approval, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.presenting.sentences import party_name
from taawun.cooperation.agreements.presenting.terms import term_day
from taawun.cooperation.agreements.standing import State
from taawun.foundation.signing import SignatureRefused, peek
from taawun.platform.web import formats
from taawun.platform.web.components import Moment, Step
from taawun.platform.web.templatetags.components import code, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.agreements.standing import Standing

__all__ = ["Record", "declared_title", "history", "kid_of", "record_of", "state_steps"]

# a line of more dots than this cannot be read at a glance
_MOST_NEGOTIATION: Final = 3


@dataclass(frozen=True, slots=True)
class Record:
    """The rows of an agreement, read once for a page.

    Args:
        agreement: the agreement.
        versions: its versions, oldest first.
        documents: each version's digest and text, typed.
        approvals: by our officers, oldest first.
        signatures: of parties, oldest first.
        instruments: of parties, oldest first.
        known: nodes that some version names, or that a depositary invited, by address: as the newest word does.
    """

    agreement: Agreement
    versions: tuple[Version, ...]
    documents: dict[str, Document]
    approvals: tuple[Approval, ...]
    signatures: tuple[PartySignature, ...]
    instruments: tuple[PartyInstrument, ...]
    known: dict[str, Party]

    def party(self, node: str, digest: str) -> SafeString:
        """What the party at a node is called in the version that is spoken of; its address where it is none."""
        document = self.documents.get(digest)
        party = (document.party_of(node) if document else None) or self.known.get(node)
        return party_name(party) if party else code(node, copy=False)

    def approved(self, digest: str, step: Approval.Step) -> list[Approval]:
        """The approvals by our officers of one step of one version, oldest first."""
        return [each for each in self.approvals if each.version.digest == digest and each.step == step]

    def said(self, kind: str, node: str, digest: str) -> PartyInstrument | None:
        """What the party at a node said first of this kind about a version; None where it did not."""
        return next(
            (
                each
                for each in self.instruments
                if (each.kind, each.node, each.digest) == (kind, node, digest)
            ),
            None,
        )

    def number(self, digest: str) -> int | None:
        """The number of the version with this digest."""
        document = self.documents.get(digest)
        return document.version if document else None

    def beside(self, version: Version) -> tuple[Version, ...]:
        """Other texts that a depositary proposed under the same number."""
        return tuple(
            each for each in self.versions if each.number == version.number and each.digest != version.digest
        )

    def is_change(self, instrument: PartyInstrument) -> bool:
        """Whether a counter-proposal is a proposal to change what its party had signed before."""
        return instrument.kind == "countered" and any(
            each.digest == instrument.digest and each.node == instrument.node and each.at <= instrument.at
            for each in self.signatures
        )


def record_of(agreement: Agreement) -> Record:
    """Read everything that was written down about an agreement; in four queries."""
    versions = tuple(agreement.versions.order_by("number", "digest"))
    documents = {version.digest: version.document() for version in versions}
    instruments = tuple(PartyInstrument.objects.filter(lineage=agreement.id).order_by("at", "id"))
    return Record(
        agreement,
        versions,
        documents,
        tuple(
            Approval.objects.filter(version__in=versions)
            .select_related("person", "version")
            .order_by("at", "id")
        ),
        tuple(PartySignature.objects.filter(lineage=agreement.id).order_by("at", "id")),
        instruments,
        _known(documents, instruments),
    )


def _known(documents: dict[str, Document], instruments: Sequence[PartyInstrument]) -> dict[str, Party]:
    depositaries = {each.depositary.node for each in documents.values()}
    invited = [
        parse_party(each.said["party"], "/party")
        for each in instruments
        if each.kind == PartyInstrument.Kind.INVITED and each.node in depositaries
    ]
    named = [party for each in documents.values() for party in each.parties if party.node]
    return {party.node: party for party in (*invited, *named)}


def kid_of(signature: PartySignature) -> str:
    """The thumbprint of the key that a signature names; the signature was verified when it was taken in."""
    try:
        return peek(signature.token).kid
    except SignatureRefused:
        return ""


# ---- history ----------------------------------------------------------------------------------------------------
def history(record: Record, standing: Standing, at: datetime) -> list[Moment]:
    """What happened, newest first. A gold dot marks where the agreement began, paused, resumed or ended to bind.

    Args:
        record: of the agreement.
        standing: where it stands.
        at: now; what lies ahead is not history.
    """
    moments = [
        *(_proposed(record, version) for version in record.versions),
        *(_approved(approval) for approval in record.approvals),
        *(_signed(record, signature) for signature in record.signatures),
        *(_declared(record, instrument) for instrument in record.instruments),
    ]
    if _began_here(record):
        moments.append(Moment(_("Drafted on this node"), record.agreement.created))
    for window in standing.windows:
        number = {"number": formats.digits(window.document.version)}
        if window.opens == window.closes:
            continue  # it ended before it could begin
        if window.opens <= at:
            moments.append(Moment(_("Version %(number)s in force") % number, window.opens, marked=True))
        if window.closes and window.closes <= at:
            moments.append(
                Moment(_("Version %(number)s no longer in force") % number, window.closes, marked=True)
            )
    return sorted(moments, key=lambda moment: moment.at or at, reverse=True)


def _began_here(record: Record) -> bool:
    """Whether the first draft was written here; what a partner proposed has no draft of ours before it."""
    if not record.versions:
        return True
    return record.documents[record.versions[0].digest].depositary.node == settings.BASE_URL


def _proposed(record: Record, version: Version) -> Moment:
    document = record.documents[version.digest]
    return Moment(
        _("Version %(number)s proposed") % {"number": formats.digits(version.number)},
        version.received,
        format_html(_("by {}"), text(document.depositary.organisation)),
        url=reverse("agreement-version", args=[record.agreement.id, version.number])
        + (f"?digest={version.digest}" if record.beside(version) else ""),
    )


def _approval_title(step: str) -> str:
    titles = {
        Approval.Step.RATIFICATION: _("Ratification of version %(number)s approved"),
        Approval.Step.ACCESSION: _("Accession to version %(number)s approved"),
    }
    return titles.get(Approval.Step(step), _("Version %(number)s approved"))


def _approved(approval: Approval) -> Moment:
    return Moment(
        _approval_title(approval.step) % {"number": formats.digits(approval.version.number)},
        approval.at,
        format_html(_("by {}"), text(approval.person.name)),
    )


def _signed(record: Record, signature: PartySignature) -> Moment:
    number = record.number(signature.digest)
    title = (
        _("Version %(number)s signed") % {"number": formats.digits(number)}
        if number
        else _("Signed, a version that has not arrived yet")
    )
    return Moment(
        title,
        signature.at,
        format_html(
            _("by {}, key {}"),
            record.party(signature.node, signature.digest),
            code(kid_of(signature), short=6, copy=False),
        ),
    )


def declared_title(record: Record, instrument: PartyInstrument) -> str:
    """What a party did when it declared this."""
    titles = {
        "countered": _("Change proposed") if record.is_change(instrument) else _("Counter-proposal"),
        "declined": _("Counter-proposal turned down")
        if instrument.answers
        else pgettext("event", "Declined"),
        "suspended": pgettext("event", "Suspended"),
        "resumed": _("Suspension lifted"),
        "terminated": _("Notice of termination"),
        "ratified": _("Ratified"),
        "invited": _("Invited to accede"),
        "acceded": _("Accession signed"),
        "countersigned": _("Countersigned by the depositary"),
        "left": _("Notice of leaving"),
        "declared": _("Declaration that less is given or taken"),
        "lifted": _("Declaration lifted"),
    }
    return titles[instrument.kind]


def _declared(record: Record, instrument: PartyInstrument) -> Moment:
    url = ""
    if instrument.suggestion is not None and record.number(instrument.digest):
        query = f"?old=v{record.number(instrument.digest)}&new=c{instrument.id}"
        url = reverse("agreement-compare", args=[record.agreement.id]) + query
    detail = format_html(_("by {}"), record.party(instrument.node, instrument.digest))
    if instrument.note:
        detail = format_html("{}<br>{}", detail, text(instrument.note))
    is_marked = instrument.kind in {"suspended", "resumed", "terminated", "left", "countersigned"}
    return Moment(declared_title(record, instrument), instrument.at, detail, marked=is_marked, url=url)


# ---- the line of states -----------------------------------------------------------------------------------------
def state_steps(record: Record, standing: Standing, at: datetime) -> list[Step]:
    """The states the agreement went through, where it is, and what lies ahead.

    Args:
        record: of the agreement.
        standing: where it stands.
        at: now.
    """
    if standing.current is None:
        return [
            Step(_word("draft"), formats.short_day(record.agreement.created), "now"),
            Step(_word("proposed"), when="future"),
            Step(_word("signed"), when="future"),
            Step(_word("in-force"), when="future"),
        ]
    if standing.windows:
        return _binding_steps(record, standing, at)
    past = _negotiation_steps(record)
    ending = {State.DECLINED: "declined", State.TERMINATED: "terminated"}.get(standing.state)
    if ending:
        when = [each.at for each in record.instruments if each.kind == ending and not each.answers]
        return [*past, Step(_word(ending), formats.short_day(when[-1]) if when else "", "now")]
    return _open_steps(record, standing.current, standing, past)


def _negotiation_steps(record: Record, until: int | None = None) -> list[Step]:
    """Versions and counter-proposals in the order of time; of many only the first and the last ones.

    Args:
        record: of the agreement.
        until: the number of the last version that counts; None for all.
    """
    counted = [each for each in record.versions if until is None or each.number <= until]
    digests = {each.digest for each in counted}
    happened: list[tuple[datetime, Step]] = [
        (
            version.received,
            Step(
                _word("proposed"),
                _lines(
                    formats.short_day(version.received),
                    _("version %(number)s") % {"number": formats.digits(version.number)},
                    format_html(_("by {}"), text(record.documents[version.digest].depositary.organisation)),
                ),
            ),
        )
        for version in counted
    ]
    happened += [
        (
            instrument.at,
            Step(
                _word("countered"),
                _lines(
                    formats.short_day(instrument.at),
                    format_html(_("by {}"), record.party(instrument.node, instrument.digest)),
                ),
            ),
        )
        for instrument in record.instruments
        if instrument.kind == "countered"
        and instrument.digest in digests
        and not record.is_change(instrument)
    ]
    steps = [step for _at, step in sorted(happened, key=lambda each: each[0])]
    return steps if len(steps) <= _MOST_NEGOTIATION else [steps[0], *steps[1 - _MOST_NEGOTIATION :]]


def _binding_steps(record: Record, standing: Standing, at: datetime) -> list[Step]:
    window = next(
        (each for each in standing.windows if each.document is standing.current), standing.windows[-1]
    )
    past = _negotiation_steps(record, window.document.version)
    signatures = [each for each in record.signatures if each.digest == window.document.digest]
    signed_on = max((each.at for each in signatures), default=window.opens)
    # who acceded signed its accession
    count = len(signatures) + len(window.document.acceded)
    signed = Step(
        _word("signed"),
        _lines(
            formats.short_day(signed_on),
            ngettext("%(count)s signature", "%(count)s signatures", count) % {"count": formats.number(count)},
        ),
    )
    if window.opens == window.closes:
        return [*past, *_never_begun(standing, signed, window.opens, at)]
    ratified = _ratified(record, window.document, "done")
    # a date is kept though nobody of whom it is asked has ratified
    before = [*past, signed, ratified] if ratified.detail else [*past, signed]
    if window.opens > at:
        begins = Step(
            _word("in-force"), _("from %(day)s") % {"day": _begin(window.document, window.opens)}, "future"
        )
        return [*_with_now(before), begins]
    in_force = _lines(_("since %(day)s") % {"day": _begin(window.document, window.opens)})
    if window.closes and window.closes <= at:
        is_terminated = standing.state is State.TERMINATED
        ending = Step(
            _word("terminated" if is_terminated else "expired"), formats.short_day(window.closes), "now"
        )
        return [*before, Step(_word("in-force"), in_force), ending]
    end = _end_step(standing, window.document, window.closes)
    if standing.suspensions:
        held = standing.suspensions[0]
        since = _lines(_("since %(day)s") % {"day": formats.short_day(held.at)})
        paused = Step(_word("suspended"), since, "now")
        return [*before, Step(_word("in-force"), in_force), paused, *end]
    return [*before, Step(_word("in-force"), in_force, "now"), *end]


def _never_begun(standing: Standing, signed: Step, closes: datetime, at: datetime) -> list[Step]:
    """Signed by all, and ended before it could begin."""
    if closes > at:
        ends = Step(pgettext("state line", "Ends"), formats.short_day(closes), "future")
        return [Step(signed.label, signed.detail, "now"), ends]
    word = "terminated" if standing.state is State.TERMINATED else "expired"
    return [signed, Step(_word(word), formats.short_day(closes), "now")]


def _end_step(standing: Standing, document: Document, closes: datetime | None) -> list[Step]:
    if standing.ends:
        return [Step(pgettext("state line", "Ends"), formats.short_day(standing.ends), "future")]
    if closes is None:
        return []
    shown = term_day(closes, is_end=True) if closes == document.valid_until else formats.moment(closes)
    return [Step(pgettext("state line", "Expires"), shown, "future")]


def _begin(document: Document, opens: datetime) -> str:
    return term_day(opens) if opens == document.valid_from else formats.short_day(opens)


def _with_now(steps: list[Step]) -> list[Step]:
    last = steps[-1]
    return [*steps[:-1], Step(last.label, last.detail, "now")]


def _open_steps(record: Record, about: Document, standing: Standing, past: list[Step]) -> list[Step]:
    """Where a version stands that is not complete: who signed it, and where a party has to, ratified it."""
    signed, needed = len(standing.signed_by), about.required_signatures()
    detail = _("%(signed)s of %(needed)s signatures") % {
        "signed": formats.number(signed),
        "needed": formats.number(needed),
    }
    ratifying = {party.ref for party in about.parties if party.ratifies}
    waits = bool(ratifying) and signed >= needed
    steps = [*past] if waits else _with_now(past)
    # zero as a digit looks like a dot in Arabic
    steps.append(Step(_word("signed"), detail if signed else "", "now" if waits else "future"))
    if ratifying:
        steps.append(_ratified(record, about, "future"))
    begin = _("from %(day)s") % {"day": term_day(about.valid_from)}
    return [*steps, Step(_word("in-force"), begin, "future")]


def _ratified(record: Record, document: Document, when: str) -> Step:
    """How many of those whose signature waits for a ratification have ratified; zero is left out."""
    ratifying = [party for party in document.parties if party.ratifies]
    given = [said for party in ratifying if (said := record.said("ratified", party.node, document.digest))]
    if not given:
        return Step(_word("ratified"), "", when)
    counted = _("%(given)s of %(needed)s parties") % {
        "given": formats.number(len(given)),
        "needed": formats.number(len(ratifying)),
    }
    return Step(_word("ratified"), _lines(formats.short_day(max(each.at for each in given)), counted), when)


def _word(state: str) -> str:
    words = {
        "draft": pgettext("state", "Draft"),
        "proposed": pgettext("state", "Proposed"),
        "countered": pgettext("state", "Countered"),
        "signed": pgettext("state", "Signed"),
        "ratified": pgettext("state", "Ratified"),
        "in-force": pgettext("state", "In force"),
        "suspended": pgettext("state", "Suspended"),
        "expired": pgettext("state", "Expired"),
        "terminated": pgettext("state", "Terminated"),
        "declined": pgettext("state", "Declined"),
    }
    return words[state]


def _lines(*parts: str) -> SafeString:
    first, *rest = parts
    shown = format_html("{}", first)
    for part in rest:
        shown = format_html("{}<br>{}", shown, part)
    return shown
