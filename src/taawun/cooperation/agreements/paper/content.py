"""What stands on the paper of an agreement, whatever it is printed with: blocks of words in one language or in two.

The words of clauses are those of its page, so that what is read on paper is what was read on the screen before it was
signed. Nothing here depends on the clock: the same text with the same signatures is the same paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from itertools import zip_longest
from typing import TYPE_CHECKING, Final
from unicodedata import category, east_asian_width

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import override

from taawun.cooperation.agreements.paper.provisions import definitions, general_provisions, parties
from taawun.cooperation.agreements.presenting.plain import Run, runs
from taawun.cooperation.agreements.presenting.sentences import clause_in_words, party_name
from taawun.cooperation.agreements.presenting.timelines import kid_of
from taawun.foundation.multilingual import Prose, Text, is_rtl
from taawun.platform.web import formats
from taawun.platform.web.reader import for_everybody
from taawun.platform.web.templatetags.components import code, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.agreements.models import PartySignature
    from taawun.cooperation.partners.models import Partner

__all__ = ["Block", "Labels", "Paper", "Runs", "Signing", "paper_of", "printable"]

Runs = tuple[Run, ...]
# letters of the exact text on a line of the annex
_LINE: Final = 112


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph in each language of the paper.

    Args:
        kind: ``title``, ``subtitle``, ``heading``, ``clause`` (its number and title), ``paragraph`` or ``item``.
        texts: its words, a language each; empty where that language has no such paragraph.
    """

    kind: str
    texts: tuple[Runs, ...]


@dataclass(frozen=True, slots=True)
class Signing:
    """Where one party signs.

    Args:
        lines: who it is, and when and with which key its node signed.
    """

    lines: tuple[Runs, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """Words around the text, in the main language.

    Args:
        page: “page {n} of {all}”.
        digest: what the digest in the foot is.
        qr: what the QR code holds.
        exact: what the attached file is.
        ink: what is written by hand: name, capacity, signature, place and date.
    """

    page: str
    digest: str
    qr: str
    exact: str
    ink: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """An agreement as it is printed.

    Args:
        languages: one, or two side by side: the one that is read from right to left stands at the right.
        main: the language that was asked for first: of everything around the text.
        title: of the agreement, in the main language.
        version: which one it is, in the main language.
        blocks: in order.
        signatures: of the node parties and the guests, in the document's order.
        annex: head of the annex, then what is said about it.
        exact: the exact text that is signed.
        digest: its SHA-256.
        labels: words around the text.
        watermark: what is written across a draft; empty for what was proposed.
        dated: the day it is of, for the file's own facts.
        indic: the languages in which numbers are written in Arabic-Indic digits here.
    """

    languages: tuple[str, ...]
    main: str
    title: str
    version: str
    blocks: tuple[Block, ...]
    signatures: tuple[Signing, ...]
    annex: tuple[Runs, ...]
    exact: str
    digest: str
    labels: Labels
    watermark: str
    dated: date
    indic: frozenset[str]

    @property
    def urn(self) -> str:
        """The digest by name (RFC 6920, section 7: the form that people read), as the QR code holds it."""
        return f"nih:sha-256;{self.digest}"

    def lines(self) -> list[str]:
        """The exact text in lines of a page's width; what a page could not show is written as JSON escapes it."""
        found, line, width = [], [], 0
        for letter in printable(self.exact):
            line.append(letter)
            width += 2 if east_asian_width(letter) in {"F", "W"} else 1
            if width >= _LINE:
                found.append("".join(line))
                line, width = [], 0
        return [*found, "".join(line)] if line else found


def printable(exact: str) -> str:
    """A JSON text in which nothing turns the direction of what stands around it; it still means the same."""
    return "".join(
        f"\\u{ord(letter):04x}" if category(letter) in {"Cc", "Cf"} and letter.isascii() is False else letter
        for letter in exact
    )


@dataclass(frozen=True, slots=True)
class _Sources:
    document: Document
    signatures: Sequence[PartySignature]
    partners: Mapping[str, Partner]


# a paper reads the same whoever has it printed
@for_everybody()
def paper_of(
    document: Document,
    signatures: Sequence[PartySignature],
    partners: Mapping[str, Partner],
    *,
    languages: Sequence[str],
    is_draft: bool = False,
) -> Paper:
    """Set an agreement for print.

    Args:
        document: a version, or a draft.
        signatures: of parties on this version.
        partners: by address, for the names that nations give themselves.
        languages: one or two of the interface's languages.
        is_draft: whether nobody else has seen it.
    """
    sources = _Sources(document, signatures, partners)
    ordered = _side_by_side(languages)
    columns = [_column(sources, language) for language in ordered]
    blocks = tuple(
        Block(kinds[0], tuple(words for _kind, words in row))
        for row in zip(*columns, strict=True)
        if (kinds := [kind for kind, _words in row])
    )
    main = languages[0]
    with override(main):
        return Paper(
            languages=ordered,
            main=main,
            title=document.title.in_language(main).value,
            version=_("Version %(number)s") % {"number": formats.digits(document.version)},
            blocks=blocks,
            signatures=tuple(_signing(party, sources) for party in document.parties),
            annex=tuple(runs(line) for line in _annex(document)),
            exact=document.text.decode(),
            digest=document.digest,
            labels=_labels(),
            # Translators: written across every page of a draft
            watermark=_("DRAFT") if is_draft else "",
            dated=_dated(sources),
            indic=frozenset(each for each in ordered if _has_own_digits(each)),
        )


def _side_by_side(languages: Sequence[str]) -> tuple[str, ...]:
    """What is read from right to left stands at the right, as bilateral treaties are printed."""
    found = tuple(dict.fromkeys(languages))[:2]
    return found[::-1] if len(found) > 1 and is_rtl(found[0]) and not is_rtl(found[1]) else found


def _has_own_digits(language: str) -> bool:
    with override(language):
        return formats.digits("1") != "1"


def _dated(sources: _Sources) -> date:
    latest = max((each.at for each in sources.signatures), default=sources.document.valid_from)
    return latest.astimezone(UTC).date()


# ---- one language -----------------------------------------------------------------------------------------------
def _column(sources: _Sources, language: str) -> list[tuple[str, Runs]]:
    """The paragraphs in one language; as many in each, and of the same kinds."""
    document = sources.document
    with override(language):
        found = [
            ("title", runs(text(document.title))),
            ("subtitle", runs(_("Version %(number)s") % {"number": formats.digits(document.version)})),
            ("heading", runs(_("Parties"))),
            *(("item", runs(each)) for each in parties(document, sources.partners)),
            *_preamble(document.preamble, language),
            ("heading", runs(_("Definitions"))),
            *(("item", runs(each)) for each in definitions(document)),
            ("heading", runs(_("What the parties give each other"))),
        ]
        for clause in document.clauses:
            number = formats.digits(clause.ref)
            head = format_html(_("Clause {number}. {title}"), number=number, title=text(clause.title))
            found.append(("clause", runs(head)))
            told = format_html_join(" ", "{}", ((each,) for each in clause_in_words(clause, document)))
            found.append(("paragraph", runs(told)))
        found.append(("heading", runs(_("General provisions"))))
        for label, sentence in general_provisions(document):
            found.append(("item", (Run(f"{label}. ", is_strong=True), *runs(sentence))))
        found.append(("heading", runs(_("Signatures"))))
        return found


def _preamble(preamble: Prose | None, language: str) -> list[tuple[str, Runs]]:
    """Its paragraphs; in a language that has fewer than another, empty ones at the end."""
    if preamble is None:
        return []
    most = max(len(Prose.paragraphs(words)) for words in preamble.by_language.values())
    chosen = preamble.in_language(language)
    tag = chosen.language if chosen.is_fallback else ""
    lines = [(Run(each, language=tag, is_isolated=bool(tag)),) for each in Prose.paragraphs(chosen.value)]
    return [("paragraph", words or ()) for words, _each in zip_longest(lines, range(most))]


# ---- signatures and annex ---------------------------------------------------------------------------------------
def _signing(party: Party, sources: _Sources) -> Signing:
    name = (Run(_in_full(party.organisation), is_strong=True),)
    if party.kind == "guest":
        host = sources.document.party(party.host)
        called = party_name(host) if host else "—"
        return Signing((name, runs(format_html(_("Its host signs on its behalf: {}."), called))))
    signed = next((each for each in sources.signatures if each.node == party.node), None)
    if signed is None:
        return Signing((name, runs(_("Not signed electronically."))))
    at = signed.at.astimezone(UTC)
    day = _("%(gregorian)s, %(hijri)s") % {
        "gregorian": formats.day(at.date()),
        "hijri": formats.hijri_day(at.date()),
    }
    when = runs(
        format_html(
            _("Signed electronically on {day}, at {time}."),
            day=day,
            time=code(f"{at:%H:%M:%S} UTC", copy=False),
        )
    )
    return Signing((name, when, runs(format_html(_("With the key {}"), code(kid_of(signed), copy=False)))))


def _in_full(name: Text) -> str:
    """A name in every language it has: who signs with ink may read any of them."""
    return " / ".join(dict.fromkeys(name.by_language.values()))


def _annex(document: Document) -> list[str]:
    return [
        _("Annex: the exact text"),
        _(
            "The nodes of the parties sign and carry out the text below, as it is: a single line of UTF-8, broken here "
            "only to fit the page. Where the words before and this text differ, this text counts."
        ),
        format_html(_("Its SHA-256 is {}."), code(document.digest, copy=False)),
    ]


def _labels() -> Labels:
    return Labels(
        # Translators: keep {n} and {all}
        page=_("page {n} of {all}"),
        digest=_("SHA-256 of the exact text"),
        qr=_("QR code of the digest"),
        exact=_("The exact text of the agreement"),
        ink=(
            _("Name"),
            # Translators: in which a person signs, for example as minister
            _("Capacity"),
            _("Signature"),
            _("Place and date"),
        ),
    )
