"""What changed between two texts of an agreement, field by field and in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.agreements.presenting.effects import Pair, effects, paired
from taawun.cooperation.agreements.presenting.sentences import (
    clause_in_words,
    kept,
    kinds_in_words,
    listed,
    on_end,
    onward,
    party_name,
    purpose_in_words,
)
from taawun.cooperation.agreements.presenting.terms import (
    authentic_in_words,
    entry_in_words,
    history_in_words,
    notice,
    parties_in_words,
    prevailing_in_words,
    ratifying_in_words,
    term_day,
)
from taawun.foundation.multilingual import Text, is_rtl
from taawun.foundation.strict_json import canonical
from taawun.platform.web import formats
from taawun.platform.web.templatetags.components import code, tlp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from taawun.cooperation.agreements.document import Clause, Document, Paper, Party

__all__ = ["Change", "Comparison", "Section", "compare", "word_changes"]

# Any: what a field holds is known to its own reader alone
_Shown = Callable[[Any], SafeString]

_MOST_COMPARED: Final = 1_000_000
_WORDS: Final = re.compile(r"\s+|\S+")


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs.

    Args:
        label: what the field is.
        before: its value in the first text, what went marked as deleted; markup.
        after: its value in the second, what came marked as inserted; markup.
        note: for a marking: whether it was raised or lowered; else empty.
    """

    label: str
    before: SafeString
    after: SafeString
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the agreement in which something differs.

    Args:
        clause: the clause's ref; empty for the agreement as a whole.
        title: the clause's title; None for the agreement as a whole.
        kind: ``changed``, ``moved`` (renumbered, and perhaps changed too), ``added`` or ``removed``.
        changes: what differs, in the order of the text.
    """

    clause: str
    title: Text | None
    kind: str
    changes: tuple[Change, ...]

    @property
    def caption(self) -> str:
        """What the table of its changes is called."""
        if not self.clause:
            return _("What changed in the agreement as a whole")
        return _("What changed in clause %(clause)s") % {"clause": formats.digits(self.clause)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two texts.

    Args:
        sections: the agreement as a whole first, then its clauses in the order of the second text.
        same: how many clauses both texts have alike.
        effects: what may flow from now on and could not before, or no longer may, in sentences.
    """

    sections: tuple[Section, ...]
    same: int
    effects: tuple[SafeString, ...] = ()


def compare(before: Document, after: Document) -> Comparison:
    """The differences from one text to another, and what they come to.

    A clause that was only renumbered is recognised by what it says, or by its title.
    """
    sections = []
    whole = tuple(_agreement_changes(before, after))
    if whole:
        sections.append(Section("", None, "changed", whole))
    same = 0
    for pair in paired(before.clauses, after.clauses):
        section = _section(pair, before, after)
        if section:
            sections.append(section)
        else:
            same += 1
    return Comparison(tuple(sections), same, tuple(effects(before, after)))


def _section(pair: Pair, before: Document, after: Document) -> Section | None:
    """What became of one clause; None where nothing did."""
    old, new = pair.before, pair.after
    if new is None:
        if old is None:
            return None
        went = Change(_("Text"), _deleted(_told(old, before)), _nothing())
        return Section(old.ref, old.title, "removed", (went,))
    if old is None:
        came = Change(_("Text"), _nothing(), _inserted(_told(new, after)))
        return Section(new.ref, new.title, "added", (came,))
    changes = list(_clause_changes(old, new, before, after))
    if pair.is_moved:
        numbers = (_plain(formats.digits(old.ref)), _plain(formats.digits(new.ref)))
        changes.insert(0, Change(_("Number"), _deleted(numbers[0]), _inserted(numbers[1])))
        return Section(new.ref, new.title, "moved", tuple(changes))
    return Section(new.ref, new.title, "changed", tuple(changes)) if changes else None


def word_changes(before: str, after: str) -> tuple[SafeString, SafeString]:
    """Two texts with the words that went marked in the first and the words that came marked in the second."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    left, right = [], []
    for step, a, b, c, d in _steps(old, new):
        went, came = "".join(old[a:b]), "".join(new[c:d])
        left.append(format_html("{}", went) if step == "equal" else _around(_deleted, went))
        right.append(format_html("{}", came) if step == "equal" else _around(_inserted, came))
    return _joined(left), _joined(right)


def _steps(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """How one row of words becomes the other, as difflib tells it.

    It takes the square of the length where words repeat, so of long texts only their common beginning and end are told
    from what lies between.
    """
    if len(old) * len(new) <= _MOST_COMPARED:
        return list(SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes())
    least = min(len(old), len(new))
    start = next((at for at in range(least) if old[at] != new[at]), least)
    rest = least - start
    end = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    return [
        ("equal", 0, start, 0, start),
        ("replace", start, len(old) - end, start, len(new) - end),
        ("equal", len(old) - end, len(old), len(new) - end, len(new)),
    ]


def _around(mark: Callable[[str], SafeString], words: str) -> SafeString:
    """Words with a mark; the blanks at their edges stay outside it."""
    bare = words.strip()
    before, _bare, after = words.partition(bare) if bare else (words, "", "")
    return format_html("{}{}{}", before, mark(bare), after)


# ---- the agreement as a whole -----------------------------------------------------------------------------------
def _agreement_changes(before: Document, after: Document) -> Iterator[Change]:
    """A line for every member of the text that differs, besides its clauses."""
    yield from _text_changes(_("Title"), before.title, after.title)
    yield from _text_changes(_("Preamble"), before.preamble, after.preamble)
    yield from _party_changes(before, after)
    for (label, old, was), (_label, new, is_now) in zip(_terms(before), _terms(after), strict=True):
        if old != new or was != is_now:
            yield _told_apart(label, (old, was), (new, is_now))
    yield from _order_changes(before, after)


def _terms(document: Document) -> Iterator[tuple[str, object, SafeString]]:
    """What a text says of the whole: what it is about, the value as it holds it, and the value in words."""
    depositary, paper = document.depositary, document.instrument
    yield _("Depositary"), document.key_of(depositary), party_name(depositary)
    yield _("In force from"), document.valid_from, _plain(term_day(document.valid_from))
    yield _("Until"), document.valid_until, _last_day(document.valid_until)
    yield _("Notice"), document.notice_days, _plain(notice(document.notice_days))
    yield _("Accession"), document.accession, _plain(_accessions()[document.accession])
    yield _("Enters into force"), document.entry_into_force, _plain(entry_in_words(document))
    least = document.min_signatories
    yield _("Holds with at least"), least, _plain(parties_in_words(least))
    ratifying = tuple(sorted(document.key_of(party) for party in document.parties if party.ratifies))
    yield _("Ratify"), ratifying, ratifying_in_words(document) or _nothing()
    yield _("Authentic in"), document.authentic_languages, authentic_in_words(document)
    yield _("Prevailing language"), document.prevailing, _plain(prevailing_in_words(document))
    yield _("Annex of"), paper, _paper(paper)


def _accessions() -> dict[str, str]:
    return {"closed": _("closed"), "by-invitation": _("by invitation")}


def _party_changes(before: Document, after: Document) -> Iterator[Change]:
    """Who the parties are; which of them ratify has a line of its own."""
    old, new = (
        tuple(replace(party, ratifies=False) for party in document.parties) for document in (before, after)
    )
    if old != new:
        yield Change(_("Parties"), _deleted(_parties(old, new)), _inserted(_parties(new, old)))


def _parties(parties: Sequence[Party], others: Sequence[Party]) -> SafeString:
    """The parties of one text by their names; in full those that the other text does not have so."""
    same = set(others)
    return listed([party_name(party) if party in same else _party_in_full(party) for party in parties])


def _party_in_full(party: Party) -> SafeString:
    said = [code(each, copy=False) for each in (party.ref, party.nation, party.node, party.kid) if each]
    if party.kind == "guest":
        said.append(_plain(_("guest of %(host)s") % {"host": party.host}))
    shown = format_html_join(", ", "{}", ((each,) for each in said))
    return format_html("{} ({})", _in_every_language(party.organisation), shown)


def _last_day(at: datetime | None) -> SafeString:
    return _plain(term_day(at, is_end=True) if at else _("without end"))


def _paper(paper: Paper | None) -> SafeString:
    if paper is None:
        return _nothing()
    title, digest = _in_every_language(paper.title), code(paper.digest, copy=False)
    return format_html("{}, {} {}", title, formats.day(paper.date), digest)


def _order_changes(before: Document, after: Document) -> Iterator[Change]:
    """In which order the clauses stand that both texts have."""
    both = {clause.ref for clause in before.clauses} & {clause.ref for clause in after.clauses}
    old, new = ([each.ref for each in document.clauses if each.ref in both] for document in (before, after))
    if old != new:
        yield Change(_("Order of the clauses"), _deleted(_numbers(old)), _inserted(_numbers(new)))


def _numbers(refs: Sequence[str]) -> SafeString:
    return listed([formats.digits(ref) for ref in refs])


# ---- a clause ---------------------------------------------------------------------------------------------------
def _clause_changes(old: Clause, new: Clause, before: Document, after: Document) -> Iterator[Change]:
    yield from _text_changes(_("Title"), old.title, new.title)
    for label, was, is_now in (
        (_("From"), old.senders, new.senders),
        (_("To"), old.receivers, new.receivers),
    ):
        if was != is_now:
            yield _told_apart(label, (was, _side(was, before)), (is_now, _side(is_now, after)))
    yield from _change(_("What may flow"), frozenset(old.kinds), frozenset(new.kinds), _kinds)
    yield from _change(_("Topics"), frozenset(old.topics), frozenset(new.topics), _topics)
    if old.tlp_max != new.tlp_max:
        note = pgettext("marking", "raised") if new.tlp_max > old.tlp_max else pgettext("marking", "lowered")
        yield Change(_("Up to"), _deleted(tlp(old.tlp_max)), _inserted(tlp(new.tlp_max)), note)
    if old.onward != new.onward:
        yield Change(_("Onward"), _deleted(_onward(old)), _inserted(_onward(new)))
    yield from _change(_("Kept"), old.retention_days, new.retention_days, lambda days: _plain(kept(days)))
    if old.on_termination != new.on_termination:
        yield Change(_("If ended"), _deleted(_plain(on_end(old))), _inserted(_plain(on_end(new))))
    yield from _change(
        _("For newcomers"), old.history, new.history, lambda how: _plain(history_in_words(how))
    )
    if old.purpose != new.purpose:
        yield Change(_("Purpose"), _purposes(old, new, _deleted), _purposes(new, old, _inserted))
    if old.recognises != new.recognises:
        yield _told_apart(
            _("Recognises"), (_as_written(old), _counted(old)), (_as_written(new), _counted(new))
        )


def _change(label: str, old: object, new: object, show: _Shown) -> Iterator[Change]:
    if old != new:
        yield _told_apart(label, (old, show(old)), (new, show(new)))


def _told_apart(label: str, before: tuple[object, SafeString], after: tuple[object, SafeString]) -> Change:
    """Two values with their words; where the words are the same, the values stand beside them."""
    (old, was), (new, is_now) = before, after
    if was == is_now:
        was, is_now = (format_html("{} {}", was, code(str(value), copy=False)) for value in (old, new))
    return Change(label, _deleted(was), _inserted(is_now))


def _side(refs: Sequence[str], document: Document) -> SafeString:
    if ANY in refs:
        return _plain(_("any other party"))
    return listed([party_name(party) for ref in refs if (party := document.party(ref))])


def _kinds(kinds: frozenset[str]) -> SafeString:
    return kinds_in_words(sorted(kinds))


def _topics(topics: frozenset[str]) -> SafeString:
    return listed([code(topic, copy=False) for topic in sorted(topics)]) if topics else _plain(_("all"))


def _onward(clause: Clause) -> SafeString:
    named = listed([code(node, copy=False) for node in clause.onward.named])
    return format_html("{} {}", onward(clause), named) if clause.onward.named else onward(clause)


def _purposes(clause: Clause, other: Clause, mark: Callable[[str], SafeString]) -> SafeString:
    """The purposes of one text, those that the other has not marked; all of them where only their order differs."""
    same = [each for each in clause.purpose if each in other.purpose]
    if len(same) == len(clause.purpose) == len(other.purpose):
        return mark(listed([purpose_in_words(each) for each in clause.purpose]))
    return listed(
        [purpose_in_words(each) if each in same else mark(_whole_purpose(each)) for each in clause.purpose]
    )


def _whole_purpose(purpose: Text | str) -> SafeString:
    return _in_every_language(purpose) if isinstance(purpose, Text) else purpose_in_words(purpose)


def _as_written(clause: Clause) -> str:
    return canonical(list(clause.recognises)).decode()


def _counted(clause: Clause) -> SafeString:
    count = len(clause.recognises)
    words = ngettext("%(count)s credential", "%(count)s credentials", count)
    return _plain(words % {"count": formats.number(count)})


# ---- texts in languages -----------------------------------------------------------------------------------------
def _text_changes(label: str, before: Text | None, after: Text | None) -> Iterator[Change]:
    old = before.by_language if before else {}
    new = after.by_language if after else {}
    for language in sorted(old.keys() | new.keys()):
        was, is_now = old.get(language, ""), new.get(language, "")
        if was != is_now:
            left, right = word_changes(was, is_now)
            yield Change(
                _("%(field)s (%(language)s)") % {"field": label, "language": _language(language)},
                _in_language(language, left) if was else _nothing(),
                _in_language(language, right) if is_now else _nothing(),
            )


def _in_every_language(text: Text) -> SafeString:
    """All that a text says: two may differ in a language that is not the reader's."""
    shown = {words: _in_language(tag, _plain(words)) for tag, words in text.by_language.items()}
    return format_html_join(" / ", "{}", ((each,) for each in shown.values()))


def _language(tag: str) -> str:
    return str(formats.reader_locale().languages.get(tag.partition("-")[0], tag))


def _in_language(tag: str, words: SafeString) -> SafeString:
    direction = "rtl" if is_rtl(tag) else "ltr"
    return format_html('<bdi lang="{}" dir="{}">{}</bdi>', tag, direction, words)


# ---- marks ------------------------------------------------------------------------------------------------------
def _told(clause: Clause, document: Document) -> SafeString:
    return format_html_join(" ", "{}", ((sentence,) for sentence in clause_in_words(clause, document)))


def _inserted(value: str) -> SafeString:
    return format_html("<ins>{}</ins>", value) if value else SafeString("")


def _deleted(value: str) -> SafeString:
    return format_html("<del>{}</del>", value) if value else SafeString("")


def _nothing() -> SafeString:
    return format_html('<span class="quiet">{}</span>', _("none"))


def _plain(words: str) -> SafeString:
    return format_html("{}", words)


def _joined(parts: Sequence[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
