"""How an agreement was negotiated: who said what, in order, what came of it, and who approved and signed when.

No message of the protocol is a mere remark (docs/protocol.md, "Agreements"). So the thread is made of what is signed:
versions, counter-proposals and answers, each with the words that travelled with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.models import Approval
from taawun.cooperation.agreements.presenting.timelines import declared_title
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.platform.web import formats
from taawun.platform.web.charts import Deed, Inject, Sign, Timeline, TimelineRow, Wording
from taawun.platform.web.components import Chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.models import PartyInstrument, PartySignature, Version
    from taawun.cooperation.agreements.presenting.timelines import Record
    from taawun.cooperation.agreements.standing import Standing

__all__ = ["Remark", "signing_chart", "thread"]

# what parties say to each other about a text, and not about what flows under it
_SAID: Final = frozenset({"countered", "declined"})


@dataclass(frozen=True, slots=True)
class Remark:
    """What one party said in a negotiation.

    Args:
        at: when.
        code: the letters of its nation, or empty.
        name: what it is called; markup.
        is_own: whether this node said it.
        title: what it did.
        note: the words that travelled with it, as they were written; empty without any.
        outcome: what came of it; empty where nothing did, or nothing has to.
        is_open: whether it waits for an answer.
        url: where what it says is read or compared; empty where that is nowhere.
        link: the words of that.
    """

    at: datetime
    code: str
    name: SafeString
    is_own: bool
    title: str
    note: str = ""
    outcome: str = ""
    is_open: bool = False
    url: str = ""
    link: str = ""


def thread(record: Record, standing: Standing) -> list[Remark]:
    """Everything that was proposed, countered, answered and signed, the oldest first.

    Args:
        record: of the agreement.
        standing: where it stands.
    """
    said = [
        *(_proposal(record, version) for version in record.versions),
        *(_word(record, standing, each) for each in record.instruments if each.kind in _SAID),
        *(_signature(record, each) for each in record.signatures),
    ]
    return sorted(said, key=lambda each: each.at)


def _proposal(record: Record, version: Version) -> Remark:
    document = record.documents[version.digest]
    earlier = [each for each in record.versions if each.number < version.number]
    page = reverse("agreement-version", args=[record.agreement.id, version.number])
    url, link = page, _("Read the exact text")
    if earlier and not record.beside(version):
        url = _compared(record, f"v{earlier[-1].number}", f"v{version.number}")
        link = _("See what it changes")
    return Remark(
        version.received,
        document.depositary.nation,
        record.party(document.depositary.node, version.digest),
        document.depositary.node == settings.BASE_URL,
        _("Version %(number)s proposed") % {"number": formats.digits(version.number)},
        url=url,
        link=link,
    )


def _word(record: Record, standing: Standing, said: PartyInstrument) -> Remark:
    number, is_open = record.number(said.digest), any(each.id == said.id for each in standing.proposals)
    is_compared = said.suggestion is not None and number is not None
    return Remark(
        said.at,
        _nation(record, said.node, said.digest),
        record.party(said.node, said.digest),
        said.node == settings.BASE_URL,
        declared_title(record, said),
        said.note,
        _outcome(record, said, is_open=is_open) if said.suggestion is not None else "",
        is_open=is_open,
        url=_compared(record, f"v{number}", f"c{said.id}") if is_compared else "",
        link=_("See what it changes") if is_compared else "",
    )


def _outcome(record: Record, said: PartyInstrument, *, is_open: bool) -> str:
    """What came of a counter-proposal, or of the proposal of a change."""
    if is_open:
        return _("It waits for an answer.")
    digest = sha256(bytes(said.suggestion or b""))
    taken = next((each for each in record.versions if each.digest == digest), None)
    if taken:
        return _("It was adopted as version %(number)s.") % {"number": formats.digits(taken.number)}
    if any(each.kind == "declined" and each.answers == said.chosen for each in record.instruments):
        return _("It was turned down.")
    number = record.number(said.digest)
    later = [
        each.number
        for each in record.versions
        if number and each.number > number and each.received >= said.at
    ]
    if later:
        return _("Version %(number)s answered it.") % {"number": formats.digits(later[0])}
    return ""


def _signature(record: Record, signature: PartySignature) -> Remark:
    number = record.number(signature.digest)
    return Remark(
        signature.at,
        _nation(record, signature.node, signature.digest),
        record.party(signature.node, signature.digest),
        signature.node == settings.BASE_URL,
        _("Version %(number)s signed") % {"number": formats.digits(number)}
        if number
        else _("Signed, a version that has not arrived yet"),
    )


def _nation(record: Record, node: str, digest: str) -> str:
    document = record.documents.get(digest)
    party = (document.party_of(node) if document else None) or record.known.get(node)
    return party.nation if party else ""


def _compared(record: Record, old: str, new: str) -> str:
    return reverse("agreement-compare", args=[record.agreement.id]) + f"?old={old}&new={new}"


# ---- who approved and signed when -------------------------------------------------------------------------------
_APPROVED: Final = Sign("circle", gettext_lazy("approval by an officer of this node"))
_SIGNED: Final = Sign("diamond", gettext_lazy("signature"))
_RATIFIED: Final = Sign("square", gettext_lazy("ratification"))


def signing_chart(record: Record, standing: Standing, about: Document) -> Chart | None:
    """Who approved, signed and ratified which version, and when; None before anybody did.

    The versions stand above, a line for each party below. It ends with the last act, and with now where a version
    still waits for somebody.

    Args:
        record: of the agreement.
        standing: where it stands.
        about: the version on the table, whose parties have a line.
    """
    nodes = [party for party in about.parties if party.kind == "node"]
    language = get_language() or "en"
    rows = tuple(
        TimelineRow(
            party.nation,
            party.organisation.in_language(language).value,
            tuple(sorted(_deeds(record, party.node), key=lambda each: each.at)),
            is_own=party.node == settings.BASE_URL,
        )
        for party in nodes
    )
    moments = [deed.at for row in rows for deed in row.deeds]
    used = {deed.sign for row in rows for deed in row.deeds}
    if not moments:
        return None
    injects = tuple(
        Inject(
            formats.digits(each.number),
            each.received,
            _("Version %(number)s") % {"number": formats.digits(each.number)},
        )
        for each in record.versions
    )
    waits = len(standing.signed_by) < about.required_signatures()
    at = now()
    picture = Timeline(
        _("Party"),
        min(each.at for each in injects),
        at if waits else max(moments),
        rows,
        injects,
        now=at if waits else None,
        wording=Wording(
            tuple(each for each in (_APPROVED, _SIGNED, _RATIFIED) if each in used),
            _("Versions"),
            _("Version"),
            _("What was done"),
        ),
        width=1100,
    )
    return Chart("signatures", _("Signatures"), _finding(standing, about), picture, is_titled=False)


def _deeds(record: Record, node: str) -> Iterator[Deed]:
    if node == settings.BASE_URL:
        for approval in record.approvals:
            if approval.step != Approval.Step.ACCESSION:
                yield Deed(approval.at, _APPROVED, formats.digits(approval.version.number))
    for signature in record.signatures:
        number = record.number(signature.digest)
        if signature.node == node and number:
            yield Deed(signature.at, _SIGNED, formats.digits(number))
    for said in record.instruments:
        number = record.number(said.digest)
        if said.kind == "ratified" and said.node == node and number:
            yield Deed(said.at, _RATIFIED, formats.digits(number))


def _finding(standing: Standing, about: Document) -> str:
    signed, needed = len(standing.signed_by), about.required_signatures()
    sentence = ngettext(
        "Version %(number)s has %(signed)s of the %(needed)s signature it needs.",
        "Version %(number)s has %(signed)s of the %(needed)s signatures it needs.",
        needed,
    )
    return sentence % {
        "number": formats.digits(about.version),
        "signed": formats.number(signed),
        "needed": formats.number(needed),
    }
