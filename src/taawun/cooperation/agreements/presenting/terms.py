"""The terms of an agreement around its clauses: dates, notice, who must sign."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from taawun.cooperation.agreements.presenting.sentences import listed, party_name
from taawun.platform.web import formats
from taawun.platform.web.components import Fact
from taawun.platform.web.templatetags.components import code, text

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Document

__all__ = [
    "agreed_facts",
    "authentic_in_words",
    "entry_in_words",
    "history_in_words",
    "last_day",
    "notice",
    "parties_in_words",
    "period",
    "prevailing_in_words",
    "ratifying_in_words",
    "template_facts",
    "term_day",
    "term_facts",
]


def last_day(at: datetime) -> datetime:
    """The last day on which something that ends at an instant still holds, in UTC.

    An agreement whose end is the first instant of 1 October ends with 30 September.
    """
    return at.astimezone(UTC) - timedelta(microseconds=1)


def term_day(at: datetime, *, is_end: bool = False) -> str:
    """A date of an agreement: as a day where it is the bound of one in UTC, else to the minute.

    Both parties must read the same day, whatever zones their nodes show, so it is the day in UTC.

    Args:
        at: the instant.
        is_end: whether it is the first instant after the end.
    """
    moment = at.astimezone(UTC)
    if moment.time() != time():
        return formats.moment(at)
    return formats.day((last_day(at) if is_end else moment).date())


def period(document: Document) -> str:
    """From when until when, in one line."""
    begin = term_day(document.valid_from)
    if document.valid_until is None:
        return _("from %(begin)s, without end") % {"begin": begin}
    return _("%(begin)s to %(end)s") % {"begin": begin, "end": term_day(document.valid_until, is_end=True)}


def history_in_words(history: str) -> str:
    """What a party that joins later may read, in a few words."""
    if history == "all":
        return pgettext("for newcomers", "everything sent before")
    return pgettext("for newcomers", "from their accession on")


def template_facts(document: Document) -> list[Fact]:
    """What a template says of its terms, before anybody signed and any day is chosen."""
    return [*_binding_facts(document), *_language_facts(document)]


def _binding_facts(document: Document) -> list[Fact]:
    facts = [Fact(_("Enters into force"), entry_in_words(document))]
    if document.least_signatories() < document.required_signatures():
        facts.append(Fact(_("Holds with at least"), parties_in_words(document.least_signatories())))
    if ratifying := ratifying_in_words(document):
        facts.append(Fact(_("Ratify"), ratifying))
    return [
        *facts,
        Fact(_("Notice"), notice(document.notice_days)),
        Fact(
            _("Accession"),
            _("by invitation")
            if document.accession == "by-invitation"
            else _("closed: no party joins later"),
        ),
    ]


def entry_in_words(document: Document) -> str:
    """What must be the case for it to enter into force."""
    needed, begins = document.required_signatures(), document.entry_into_force
    nodes = sum(party.kind == "node" for party in document.parties) - len(document.acceded)
    if needed == nodes and begins != "date":
        return _("once all its parties are bound")
    sentence = (
        ngettext(
            "from its first day, once %(count)s party is bound",
            "from its first day, once %(count)s parties are bound",
            needed,
        )
        if begins == "date"
        else ngettext("once %(count)s party is bound", "once %(count)s parties are bound", needed)
    )
    return sentence % {"count": formats.number(needed)}


def parties_in_words(count: int) -> str:
    """A number of parties."""
    return ngettext("%(count)s party", "%(count)s parties", count) % {"count": formats.number(count)}


def ratifying_in_words(document: Document) -> SafeString:
    """The parties whose signature waits for a ratification; empty where none does."""
    return listed([party_name(party) for party in document.parties if party.ratifies])


def term_facts(document: Document) -> list[Fact]:
    """Everything an agreement says besides its title, parties and clauses, and which text of it this is."""
    return [
        *agreed_facts(document),
        Fact(_("Version"), formats.digits(document.version)),
        Fact(_("Digest"), code(document.digest, short=8)),
    ]


def agreed_facts(document: Document) -> list[Fact]:
    """What the parties agree besides the title, the parties and the clauses."""
    facts = [
        Fact(_("In force from"), term_day(document.valid_from)),
        Fact(
            _("Until"),
            term_day(document.valid_until, is_end=True) if document.valid_until else _("without end"),
        ),
        *_binding_facts(document),
        *_language_facts(document),
        Fact(_("Depositary"), text(document.depositary.organisation)),
    ]
    if document.instrument:
        paper = document.instrument
        facts.append(
            Fact(
                _("Annex of"),
                format_html(
                    # a title, its date and its digest
                    _("{}, {} {}"),
                    text(paper.title),
                    formats.day(paper.date),
                    code(paper.digest, short=8),
                ),
            )
        )
    if document.supersedes:
        facts.append(Fact(_("Replaces"), code(document.supersedes, short=8)))
    return facts


def notice(days: int) -> str:
    """How many days lie between a notice of termination and its effect; none is a word of its own."""
    if not days:
        return _("none: termination takes effect at once")
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": formats.number(days)}


def _language_facts(document: Document) -> list[Fact]:
    """In which languages it is authentic, and which one decides; a single one needs no word on that."""
    facts = [Fact(_("Authentic in"), authentic_in_words(document))]
    if len(document.authentic_languages) > 1 or document.prevailing not in {
        "",
        *document.authentic_languages,
    }:
        facts.append(Fact(_("Prevailing language"), prevailing_in_words(document)))
    return facts


def authentic_in_words(document: Document) -> SafeString:
    """The languages in which its text is authentic."""
    return listed([_language(each) for each in document.authentic_languages])


def prevailing_in_words(document: Document) -> str:
    """The language that decides where the texts differ; where there is none, that all are equal."""
    return _language(document.prevailing) if document.prevailing else _("none: all are of equal weight")


def _language(tag: str) -> str:
    return str(formats.reader_locale().languages.get(tag.partition("-")[0], tag))
