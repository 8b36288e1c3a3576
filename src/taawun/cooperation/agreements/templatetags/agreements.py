"""What the templates of agreements are built from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import template
from django.template.defaultfilters import linebreaksbr
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.paper.provisions import parties
from taawun.cooperation.agreements.presenting import agreed_facts, partners_of
from taawun.platform.web.templatetags.components import code, icon, moment, state, text, tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.presenting import PartyCard, PartyTile, Remark
    from taawun.cooperation.agreements.views.reading import ClauseRow

register = template.Library()


@register.inclusion_tag("agreements/contract.html")
def contract(document: Document, clauses: Sequence[ClauseRow]) -> dict[str, Any]:  # what a template is given
    """Everything that whoever approves or proposes a text agrees to: its parties, its terms and its clauses.

    Args:
        document: the text.
        clauses: its clauses as pages show them.
    """
    said = parties(document, partners_of(document))
    return {
        "document": document,
        "parties": list(zip(document.parties, said, strict=True)),
        "facts": agreed_facts(document),
        "clauses": clauses,
    }


# ---- what an agreement of many has a hundred of; a template for each takes four times as long ---------------------
@register.simple_tag
def tiles(parties: Sequence[PartyTile]) -> SafeString:
    """Parties as the tiles of their nations, one behind the other."""
    return SafeString("".join([tile(each.code, each.name, own=each.is_own) for each in parties]))


@register.simple_tag
def party_cards(parties: Sequence[PartyCard]) -> SafeString:
    """Every party with how it stands to the version that is shown."""
    return SafeString(f'<div class="parties">{"".join([_card(each) for each in parties])}</div>')


def _card(party: PartyCard) -> str:
    lines = [f"<h2>{text(party.name)}{_own() if party.is_own else ''}</h2>"]
    if party.nation:
        role = escape(_(", depositary")) if party.is_depositary else ""
        lines.append(f"<p>{text(party.nation)}{role}</p>")
    elif party.is_depositary:
        lines.append(format_html("<p>{}</p>", _("Depositary")))
    if party.node and not party.is_own:
        lines.append(f"<p>{_address(party)}</p>")
    lines += [f"<p>{escape(caption)} {moment(at)}</p>" for caption, at in party.dates]
    lines += [f"<p>{escape(caption)} {conditional_escape(names)}</p>" for caption, names in party.approvals]
    if party.kid:
        lines.append(format_html("<p>{} {}</p>", _("Key"), code(party.kid, short=8)))
    if party.warning:
        lines.append(f'<p class="warning">{icon("alert")}<span>{escape(party.warning)}</span></p>')
    shown = "\n".join(lines)
    return (
        f'<section class="party">\n{tile(party.code, own=party.is_own, large=True)}\n<div>{shown}</div>\n'
        f'<div class="party-state">{state(party.badge, party.word)}</div>\n</section>'
    )


def _own() -> SafeString:
    return format_html(' <span class="note">{}</span>', _("our node"))


def _address(party: PartyCard) -> str:
    if not party.url:
        return code(party.node)
    return f'<a href="{escape(party.url)}"><bdi dir="ltr" class="mono">{escape(party.node)}</bdi></a>'


@register.simple_tag
def remarks(said: Sequence[Remark]) -> SafeString:
    """What the parties said to each other, as a thread."""
    return SafeString(f'<ol class="thread">{"".join([_remark(each) for each in said])}</ol>')


def _remark(said: Remark) -> str:
    own = _own() if said.is_own else ""
    link = f' <a href="{escape(said.url)}">{escape(said.link)}</a>' if said.url else ""
    lines = [
        f"<p><b>{conditional_escape(said.name)}</b>{own}</p>",
        f'<p class="meta"><span>{escape(said.title)}</span> <span>{moment(said.at)}</span>{link}</p>',
    ]
    if said.note:
        lines.append(f'<blockquote class="words-of" dir="auto">{linebreaksbr(said.note)}</blockquote>')
    if said.outcome:
        mark, clock = (" open", icon("clock")) if said.is_open else ("", "")
        lines.append(f'<p class="outcome{mark}">{clock}{escape(said.outcome)}</p>')
    whose = tile(said.code, own=said.is_own) if said.code else ""
    shown = "\n".join(lines)
    return f"<li{_OWN if said.is_own else ''}>\n{whose}\n<div>{shown}</div></li>"


_OWN: Final = ' class="own"'
