"""What a change of text comes to: which clause carries what to whom that it did not before, and what no longer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.agreements.presenting.sentences import kinds_in_words, listed, party_name
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.templatetags.components import tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Clause, Document

__all__ = ["Pair", "effects", "paired"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A clause of one text and what became of it in the other; one of them is None where it went or came."""

    before: Clause | None
    after: Clause | None

    @property
    def is_moved(self) -> bool:
        """Whether it is the same clause under another number."""
        return self.before is not None and self.after is not None and self.before.ref != self.after.ref


def paired(before: Sequence[Clause], after: Sequence[Clause]) -> list[Pair]:
    """The clauses of two texts, each with its other self: in the order of the second, then those that went.

    What says the same is the same clause, whatever its number; then what bears the same title; then what bears the same
    number.
    """
    found: dict[str, Clause] = {}
    left = {clause.ref: clause for clause in before}
    for sameness in (_what_it_says, _its_title, _its_number):
        alike: dict[object, dict[str, Clause]] = {}
        for clause in left.values():
            alike.setdefault(sameness(clause), {})[clause.ref] = clause
        for clause in after:
            others = alike.get(sameness(clause), {})
            if clause.ref in found or not others:
                continue
            match = others.pop(clause.ref if clause.ref in others else next(iter(others)))
            found[clause.ref] = left.pop(match.ref)
    return [
        *(Pair(found.get(each.ref), each) for each in after),
        *(Pair(each, None) for each in left.values()),
    ]


def _what_it_says(clause: Clause) -> object:
    # what a clause recognises is JSON as it was written, which has no hash
    return repr(replace(clause, ref=""))


def _its_title(clause: Clause) -> object:
    return clause.title


def _its_number(clause: Clause) -> object:
    return clause.ref


def effects(before: Document, after: Document) -> list[SafeString]:
    """A sentence for everything that may flow from now on and could not before, or no longer may, and who ratifies.

    Args:
        before: one text.
        after: another.
    """
    found = list(_ratifying(before, after))
    for pair in paired(before.clauses, after.clauses):
        found += _of(pair, before, after)
    return found


def _ratifying(before: Document, after: Document) -> Iterator[SafeString]:
    """Whom the text binds later than by its signature alone, and whom no longer."""
    then, now = _who_ratify(before), _who_ratify(after)
    parties = {after.key_of(party): party.ref for party in after.parties}
    for key in (each for each in parties if each in now - then):
        sentence = _("It binds {party} only after its ratification: its signature alone does not.")
        yield format_html(sentence, party=_names([key], parties, after))
    for key in (each for each in parties if each in then - now):
        sentence = _("It binds {party} by its signature alone, without ratification.")
        yield format_html(sentence, party=_names([key], parties, after))


def _who_ratify(document: Document) -> frozenset[str]:
    return frozenset(document.key_of(party) for party in document.parties if party.ratifies)


def _of(pair: Pair, before: Document, after: Document) -> Iterator[SafeString]:
    old, new = pair.before, pair.after
    then = _reached(old.receivers, before) if old else {}
    now = _reached(new.receivers, after) if new else {}
    number = formats.digits(new.ref if new else old.ref if old else "")
    came, went = now.keys() - then.keys(), then.keys() - now.keys()
    if new and came:
        yield format_html(
            _("Clause {number} now also reaches {parties}: {kinds}, up to {tlp}."),
            number=number,
            parties=_names(came, now, after),
            kinds=kinds_in_words(new.kinds),
            tlp=tlp(new.tlp_max),
        )
    if old and went:
        yield format_html(
            _("Clause {number} no longer reaches {parties}."),
            number=number,
            parties=_names(went, then, before),
        )
    stay = now.keys() & then.keys()
    if not (old and new and stay):
        return
    parties = _names(stay, now, after)
    for sentence, what in _carried(old, new):
        yield format_html(sentence, number=number, parties=parties, what=what)
    gave, give = _reached(old.senders, before), _reached(new.senders, after)
    if begin := give.keys() - gave.keys():
        names = _names(begin, give, after)
        yield format_html(_("Clause {number} now also lets {parties} give."), number=number, parties=names)
    if stop := gave.keys() - give.keys():
        names = _names(stop, gave, before)
        yield format_html(_("Clause {number} no longer lets {parties} give."), number=number, parties=names)


def _carried(old: Clause, new: Clause) -> Iterator[tuple[str, SafeString]]:
    """What a clause carries to those whom it reached before, too: more, and no longer."""
    more, no_longer = (
        _("Clause {number} now also carries {what} to {parties}."),
        _("Clause {number} no longer carries {what} to {parties}."),
    )
    if new.tlp_max > old.tlp_max:
        yield more, _levels(old.tlp_max, new.tlp_max)
    if new.tlp_max < old.tlp_max:
        yield no_longer, _levels(new.tlp_max, old.tlp_max)
    if added := [kind for kind in new.kinds if kind not in old.kinds]:
        yield more, kinds_in_words(added)
    if removed := [kind for kind in old.kinds if kind not in new.kinds]:
        yield no_longer, kinds_in_words(removed)


def _levels(low: Tlp, high: Tlp) -> SafeString:
    """The markings above one and up to another."""
    return listed([tlp(level) for level in Tlp if low < level <= high])


def _reached(side: Sequence[str], document: Document) -> dict[str, str]:
    """The parties of one side of a clause: how decisions name them, each with its ref."""
    parties = document.parties if ANY in side else [each for each in document.parties if each.ref in side]
    return {document.key_of(party): party.ref for party in parties}


def _names(keys: Iterable[str], refs: dict[str, str], document: Document) -> SafeString:
    chosen = set(keys)
    if len(chosen) == len(document.parties) > 2:  # noqa: PLR2004 - of two, both are named
        return format_html("{}", _("every party"))
    named = (document.party(ref) for key, ref in refs.items() if key in chosen)
    return listed([party_name(party) for party in named if party])
