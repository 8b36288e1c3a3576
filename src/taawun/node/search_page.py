"""The search page: one question to every room that has something to find."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.folding import query_terms, tokens
from taawun.platform.registry import registry
from taawun.platform.web.components import Tab
from taawun.platform.web.search import SearchSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.search import Found

__all__ = ["Hit", "highlighted", "search"]

_OF_EACH: Final = 10
_OF_ONE: Final = 100
_LONGEST: Final = 200
# a word with its marks: letters and digits of every script, and what is written above or below them
_WORD: Final = re.compile(r"[\w\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """One finding as the page shows it: title and snippet with the words that were asked for marked."""

    found: Found
    title: SafeString
    snippet: SafeString


@dataclass(frozen=True, slots=True)
class _Group:
    source: SearchSource
    hits: list[Hit]
    more: str


@require_safe
@signed_in()
def search(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Everything this person may see that a few words describe, room by room."""
    asked = " ".join(request.GET.get("q", "").split())[:_LONGEST]
    sources = [each for each in registry.all(SearchSource) if each.permission in actor.permissions]
    chosen = next((each for each in sources if each.name == request.GET.get("in", "")), None)
    groups = _groups(actor, [chosen] if chosen else sources, asked) if query_terms(asked) else []
    context = {
        "asked": asked,
        "search_text": asked,
        "chosen": chosen,
        "tabs": _tabs(sources, chosen, asked),
        "groups": groups,
        "has_words": bool(query_terms(asked)),
    }
    return render(request, "node/search.html", context)


def _groups(actor: PersonActor, sources: Sequence[SearchSource], asked: str) -> list[_Group]:
    limit = _OF_ONE if len(sources) == 1 else _OF_EACH
    groups = []
    for source in sources:
        # one more than is shown tells whether there is more
        found = source.find(actor, asked, limit + 1)
        if found:
            more = _address(asked, source.name) if len(found) > limit and len(sources) > 1 else ""
            groups.append(_Group(source, [_hit(each, asked) for each in found[:limit]], more))
    return groups


def _hit(found: Found, asked: str) -> Hit:
    return Hit(found, highlighted(found.title, asked), highlighted(found.snippet, asked))


def _tabs(sources: Sequence[SearchSource], chosen: SearchSource | None, asked: str) -> list[Tab]:
    everything = Tab(_("Everything"), _address(asked, ""), current=chosen is None)
    return [everything, *(Tab(each.label, _address(asked, each.name), each is chosen) for each in sources)]


def _address(asked: str, source: str) -> str:
    return "?" + urlencode({"q": asked, **({"in": source} if source else {})})


def highlighted(text: str, asked: str) -> SafeString:
    """A text in which every word that begins with a word of the question is marked, folded as the search folds.

    Args:
        text: plain text; it is escaped.
        asked: what was searched for.
    """
    wanted = tuple(query_terms(asked))
    parts: list[tuple[SafeString]] = []
    end = 0
    for word in _WORD.finditer(text):
        if not wanted or not any(token.startswith(wanted) for token in tokens(word.group())):
            continue
        parts.append((format_html("{}<mark>{}</mark>", text[end : word.start()], word.group()),))
        end = word.end()
    parts.append((format_html("{}", text[end:]),))
    return format_html_join("", "{}", parts)
