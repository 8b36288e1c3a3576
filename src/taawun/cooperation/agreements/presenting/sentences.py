"""Clauses in plain words: what a clause says, as one would tell it to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from taawun.cooperation.agreements.actions import APPROVALS
from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.agreements.kinds import KindWords
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.templatetags.components import code, text, tlp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taawun.cooperation.agreements.document import Clause, Document, Party

__all__ = [
    "approvals_in_words",
    "clause_in_words",
    "flow",
    "kept",
    "kinds_in_words",
    "listed",
    "on_end",
    "onward",
    "party_name",
    "purpose_in_words",
]

_PAIR = 2


def listed(parts: Sequence[str]) -> SafeString:
    """Things in a row as the reader's language joins them: “a, b, and c”. Each part is escaped where it needs it."""
    # each part is escaped before it is put between the words of the language, which are not markup
    return SafeString(formats.listed([format_html("{}", part) for part in parts]))


def approvals_in_words(given: int) -> str:
    """How many of our officers approved a version; zero is a sentence, for as a digit it looks like a dot in Arabic."""
    if not given:
        return ngettext(
            "No approval yet; %(needed)s is needed.", "No approval yet; %(needed)s are needed.", APPROVALS
        ) % {"needed": formats.number(APPROVALS)}
    # two are needed, so English has one form; other languages count those that were given
    return ngettext("%(given)s of %(needed)s approvals.", "%(given)s of %(needed)s approvals.", given) % {
        "given": formats.number(given),
        "needed": formats.number(APPROVALS),
    }


def party_name(party: Party) -> SafeString:
    """A party by its organisation's name, isolated from the text around it."""
    return format_html("<bdi>{}</bdi>", text(party.organisation))


def kinds_in_words(kinds: Sequence[str]) -> SafeString:
    """Release kinds as nouns: “threat reports and sightings”, “everything”; an unknown kind by its name."""
    if "*" in kinds:
        return format_html("{}", pgettext("what may flow", "everything"))
    return listed([_kind_in_words(kind) for kind in kinds])


def _kind_in_words(kind: str) -> SafeString:
    known = registry.find(KindWords, kind)
    if known:
        return format_html("{}", known.plural)
    room, _dot, thing = kind.partition(".")
    label = next((each.label for each in registry.capabilities() if each.name == room), None)
    if thing == "*" and label:
        # Translators: the name of a capability, for example “Threat intelligence”
        return format_html("{}", _("everything under “%(room)s”") % {"room": label})
    return code(kind, copy=False)


# ---- the sentences of a clause ----------------------------------------------------------------------------------
def clause_in_words(clause: Clause, document: Document) -> tuple[SafeString, ...]:
    """What a clause says, a sentence each: what may flow, about what, onward, how long, and what happens at the end.

    Args:
        clause: the clause.
        document: the document it stands in, which names the parties.
    """
    sentences = [flow(clause, document)]
    if clause.topics:
        topics = listed([code(topic, copy=False) for topic in clause.topics])
        sentences.append(format_html(_("Only what is about {}."), topics))
    sentences += [_onward_sentence(clause, document), _kept_sentence(clause), _end_sentence(clause)]
    if clause.history == "all":
        sentences.append(_plain(_("A party that joins later may read what was sent before.")))
    if clause.purpose:
        sentences.append(
            format_html(_("Purpose: {}."), listed([purpose_in_words(each) for each in clause.purpose]))
        )
    if clause.recognises:
        count = len(clause.recognises)
        sentence = ngettext(
            "It gives standing to %(count)s credential.", "It gives standing to %(count)s credentials.", count
        )
        sentences.append(_plain(sentence % {"count": formats.number(count)}))
    return tuple(sentences)


def purpose_in_words(purpose: Text | str) -> SafeString:
    """A purpose in the reader's language where it is in several; what somebody typed as they typed it."""
    return text(purpose) if isinstance(purpose, Text) else format_html('<bdi dir="auto">{}</bdi>', purpose)


def flow(clause: Clause, document: Document) -> SafeString:
    """Who may send what to whom, up to which marking."""
    senders, receivers = _sides(clause, document)
    what = {"kinds": kinds_in_words(clause.kinds), "tlp": tlp(clause.tlp_max)}
    if senders is None and receivers is None:
        return _filled(_("Every party may send every other party {kinds}, up to {tlp}."), what)
    if senders is None or receivers is None:
        if senders is None:
            what["receivers"] = _names(receivers or ())
            return _filled(_("Every other party may send {receivers} {kinds}, up to {tlp}."), what)
        what["senders"] = _names(senders)
        return _filled(_("{senders} may send every other party {kinds}, up to {tlp}."), what)
    if len(senders) == _PAIR and set(senders) == set(receivers):
        what["parties"] = _names(senders)
        return _filled(_("{parties} may send each other {kinds}, up to {tlp}."), what)
    what |= {"senders": _names(senders), "receivers": _names(receivers)}
    return _filled(_("{senders} may send {receivers} {kinds}, up to {tlp}."), what)


def _sides(clause: Clause, document: Document) -> tuple[tuple[Party, ...] | None, tuple[Party, ...] | None]:
    """The parties of both sides; None is any party. Between two parties “any other” is the other one."""
    senders, receivers = _resolved(clause.senders, document), _resolved(clause.receivers, document)
    if len(document.parties) == _PAIR:
        everybody = document.parties
        if senders is None:
            senders = everybody if receivers is None else _without(everybody, receivers)
        if receivers is None:
            receivers = everybody if len(senders) == _PAIR else _without(everybody, senders)
    return senders, receivers


def _resolved(refs: Sequence[str], document: Document) -> tuple[Party, ...] | None:
    if ANY in refs:
        return None
    return tuple(party for ref in refs if (party := document.party(ref)))


def _without(parties: Sequence[Party], others: Sequence[Party]) -> tuple[Party, ...]:
    return tuple(party for party in parties if party not in others) or tuple(parties)


def _names(parties: Sequence[Party]) -> SafeString:
    return listed([party_name(party) for party in parties])


def _onward_sentence(clause: Clause, document: Document) -> SafeString:
    rule = clause.onward.rule
    if rule == "none":
        return _plain(_("The receiver does not share it onward."))
    if rule == "named":
        names = listed([_node_name(node, document) for node in clause.onward.named])
        return _capped(clause, Tlp.AMBER, format_html(_("The receiver may share it onward with {}"), names))
    sentence = {
        "parties": _("The receiver may share it onward with the other parties of this agreement"),
        "public": _("The receiver may share it onward with anybody"),
    }[rule]
    return _capped(clause, Tlp.GREEN, _plain(sentence))


def _capped(clause: Clause, most: Tlp, sentence: SafeString) -> SafeString:
    """What the protocol itself never lets go onward, whatever a clause says."""
    if clause.tlp_max <= most:
        return format_html("{}.", sentence)
    return format_html(_("{}, but nothing above {}."), sentence, tlp(most))


def _node_name(node: str, document: Document) -> SafeString:
    party = document.party_of(node)
    return party_name(party) if party else code(node, copy=False)


def _kept_sentence(clause: Clause) -> SafeString:
    days = clause.retention_days
    if days is None:
        return _plain(_("It may be kept without limit of time."))
    sentence = ngettext("It is deleted after %(count)s day.", "It is deleted after %(count)s days.", days)
    return _plain(sentence % {"count": formats.number(days)})


def _end_sentence(clause: Clause) -> SafeString:
    if clause.on_termination == "delete":
        return _plain(_("When the agreement ends, the receiver deletes what it holds under this clause."))
    return _plain(_("What was received may be kept when the agreement ends."))


# ---- the same in a word or two, for tables ----------------------------------------------------------------------
def onward(clause: Clause) -> SafeString:
    """Whether and to whom it may go on, in a word or two."""
    words = {
        "none": pgettext("onward", "no"),
        "parties": pgettext("onward", "parties only"),
        "public": pgettext("onward", "anybody"),
    }
    if clause.onward.rule == "named":
        count = len(clause.onward.named)
        word = ngettext("%(count)s named", "%(count)s named", count)
        return _plain(word % {"count": formats.number(count)})
    return _plain(words[clause.onward.rule])


def kept(days: int | None) -> str:
    """How long something is kept, in a word or two."""
    if days is None:
        return _("no limit")
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": formats.number(days)}


def on_end(clause: Clause) -> str:
    """What happens to it when the agreement ends, in one word."""
    return (
        pgettext("on ending", "delete")
        if clause.on_termination == "delete"
        else pgettext("on ending", "keep")
    )


def _plain(sentence: str) -> SafeString:
    return format_html("{}", sentence)


def _filled(sentence: str, parts: dict[str, SafeString]) -> SafeString:
    filled: Callable[..., SafeString] = format_html
    return filled(sentence, **parts)
