"""The words around the clauses: who the parties are, what the terms mean, and what holds for the whole agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.cooperation.agreements.presenting.parties import nation_of
from taawun.cooperation.agreements.presenting.sentences import listed, party_name
from taawun.cooperation.agreements.presenting.terms import last_day, term_day
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.templatetags.components import code, text, tlp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.partners.models import Partner

__all__ = ["definitions", "general_provisions", "parties"]


_PAIR: Final = 2


def parties(document: Document, partners: Mapping[str, Partner]) -> Iterator[str]:
    """Each party by its name, its nation, and the node or host it acts through; markup."""
    for number, party in enumerate(document.parties, 1):
        said = _party(party, document, partners)
        yield format_html("({}) {}", formats.digits(number), said)


def _party(party: Party, document: Document, partners: Mapping[str, Partner]) -> str:
    nation = nation_of(party, partners.get(party.node))
    parts = {"party": party_name(party), "nation": text(nation) if nation else ""}
    if party.kind == "guest":
        host = document.party(party.host)
        parts["host"] = party_name(host) if host else party.host
        sentence = _("{party}, {nation}, guest of {host}") if nation else _("{party}, guest of {host}")
    else:
        parts["node"] = code(party.node, copy=False)
        sentence = _("{party}, {nation}, by its node {node}") if nation else _("{party}, by its node {node}")
    return format_html(sentence, **parts)


def definitions(document: Document) -> Iterator[str]:
    """What the words of the clauses mean, as far as this agreement uses them; markup."""
    yield _(
        "“Party” means whoever is named above, or has acceded, and is bound by this agreement: has signed it and, "
        "where ratification is due, ratified it. Until then it gives and receives nothing under it."
    )
    if any(party.kind == "guest" for party in document.parties):
        yield _("A guest is a party without a node: its host signs, sends and receives on its behalf.")
    yield format_html(
        _("“Depositary” means {}, which numbers the versions of this agreement and collects the signatures."),
        party_name(document.depositary),
    )
    yield _(
        "“Node” means the system that a party runs, known by its address and its key, which carries out this agreement."
    )
    yield _("“Release” means one signed version of something that a party sends under a clause.")
    yield format_html(
        _(
            "“Onward” means from a receiver to somebody else. Nothing marked {} or {} goes onward, whatever a clause "
            "says."
        ),
        tlp(Tlp.AMBER_STRICT),
        tlp(Tlp.RED),
    )
    highest = max(clause.tlp_max for clause in document.clauses)
    yield format_html(
        _("Markings are those of the Traffic Light Protocol 2.0 ({}):"),
        code("https://www.first.org/tlp/", copy=False),
    )
    for level, meaning in _markings().items():
        if level <= highest:
            yield format_html(meaning, tlp(level))


def _markings() -> dict[Tlp, str]:
    """What each level lets a receiver do (FIRST, Traffic Light Protocol 2.0), in our own words."""
    return {
        Tlp.CLEAR: _("{} may be shared without limit."),
        Tlp.GREEN: _("{} may be shared within the community, and not through channels open to the public."),
        Tlp.AMBER: _(
            "{} may be shared, with those who need to know, within the receiving organisation and with its clients."
        ),
        Tlp.AMBER_STRICT: _(
            "{} may be shared, with those who need to know, within the receiving organisation alone."
        ),
        Tlp.RED: _("{} is for the persons it names, and goes no further."),
    }


def general_provisions(document: Document) -> Iterator[tuple[str, str]]:
    """What holds for the whole agreement, each with its label; markup."""
    yield _("Entry into force"), _entry_into_force(document)
    if ratifying := [party_name(party) for party in document.parties if party.ratifies]:
        yield (
            _("Ratification"),
            format_html(
                _("The signature of these parties counts once they have ratified it: {}."), listed(ratifying)
            ),
        )
    yield _("Duration"), _duration(document)
    yield _("Accession"), _accession(document)
    yield (
        _("Changes"),
        _(
            "Every party may propose a change to the depositary, which alone puts forward a next version. No party is "
            "moved into another version without its own signature."
        ),
    )
    yield (
        _("Suspension"),
        _(
            "A party may suspend this agreement by a signed instrument. Nothing is sent under it from then on until "
            "that party lifts the suspension."
        ),
    )
    yield (
        _("Declarations"),
        _(
            "A party may declare in a signed instrument that it gives or takes less than a clause allows, and lift "
            "that again. No declaration widens a clause."
        ),
    )
    yield _("Termination"), _termination(document)
    if sum(party.kind == "node" for party in document.parties) > _PAIR or document.accession != "closed":
        yield _("Leaving"), _leaving(document)
    if document.instrument:
        yield (
            _("Instrument"),
            format_html(
                _(
                    "It is the enforceable annex of the instrument “{title}” of {day}, whose scan has the SHA-256 "
                    "{digest}."
                ),
                title=text(document.instrument.title),
                day=formats.day(document.instrument.date),
                digest=code(document.instrument.digest, copy=False),
            ),
        )
    yield _("Authentic texts"), _authentic(document)
    if document.supersedes:
        yield (
            _("Earlier version"),
            format_html(
                _("This version replaces the one whose digest is {}."), code(document.supersedes, copy=False)
            ),
        )


def _day(at: datetime, *, is_end: bool = False) -> str:
    """A day in both calendars; to the minute where it is no bound of a day in UTC."""
    shown = term_day(at, is_end=is_end)
    of = last_day(at) if is_end else at
    hijri = formats.hijri_day(of.date())
    return _("%(gregorian)s, %(hijri)s") % {"gregorian": shown, "hijri": hijri}


def _entry_into_force(document: Document) -> str:
    needed = document.required_signatures()
    nodes = sum(party.kind == "node" for party in document.parties)
    begins = {"day": _day(document.valid_from)}
    if needed == nodes:
        return _("This agreement is in force from %(day)s (UTC), once every party is bound by it.") % begins
    return ngettext(
        "This agreement is in force from %(day)s (UTC), once %(count)s party, among them the depositary, is bound by "
        "it. For a party that is bound later it begins then.",
        "This agreement is in force from %(day)s (UTC), once %(count)s parties, among them the depositary, are bound "
        "by it. For a party that is bound later it begins then.",
        needed,
    ) % {**begins, "count": formats.number(needed)}


def _duration(document: Document) -> str:
    if document.valid_until is None:
        return _("It is concluded without limit of time.")
    return _("Its last day is %(day)s (UTC).") % {"day": _day(document.valid_until, is_end=True)}


def _accession(document: Document) -> str:
    if document.accession == "by-invitation":
        return _(
            "Others may accede to it whom the depositary invites; they are bound once the depositary has countersigned "
            "their accession."
        )
    return _("No other party may accede to it.")


def _termination(document: Document) -> str:
    days = document.notice_days
    if not days:
        return _(
            "A party may end this agreement by a signed notice, which takes effect at once. The duties "
            "that its clauses name for that case remain."
        )
    return ngettext(
        "A party may end this agreement by a signed notice, which takes effect after %(count)s day. "
        "The duties that its clauses name for that case remain.",
        "A party may end this agreement by a signed notice, which takes effect after %(count)s days. "
        "The duties that its clauses name for that case remain.",
        days,
    ) % {"count": formats.number(days)}


def _leaving(document: Document) -> str:
    least = document.least_signatories()
    return ngettext(
        "Any party but the depositary may leave alone by a signed notice with the same number of days; the others stay "
        "bound. With fewer than %(count)s party bound, the agreement is over.",
        "Any party but the depositary may leave alone by a signed notice with the same number of days; the others stay "
        "bound. With fewer than %(count)s parties bound, the agreement is over.",
        least,
    ) % {"count": formats.number(least)}


def _authentic(document: Document) -> str:
    names = formats.reader_locale().languages

    def called(tag: str) -> str:
        return str(names.get(tag.partition("-")[0], tag))

    languages = listed([called(each) for each in document.authentic_languages])
    if len(document.authentic_languages) == 1:
        return format_html(_("The authentic text is that in {}."), languages)
    if not document.prevailing:
        return format_html(_("The texts in {} are equally authentic."), languages)
    return format_html(
        _("The texts in {} are equally authentic. Where they differ, that in {} prevails."),
        languages,
        called(document.prevailing),
    )
