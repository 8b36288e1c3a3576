"""The search page: one question to every room that has something to find."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.http import QueryDict
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from taawun.cooperation.agreements.forms.days import Day
from taawun.cooperation.partners.queries import partner_addresses
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.folding import query_terms, tokens
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.components import Tab
from taawun.platform.web.forms import address, filter_views, understood
from taawun.platform.web.search import Narrowing, SearchSource, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.search import Found

__all__ = ["Hit", "SearchFilters", "highlighted", "search"]

_OWN: Final = "own"
_FIELDS: Final = {
    Narrowing.KIND: ("kind",),
    Narrowing.MARKING: ("tlp",),
    Narrowing.ORIGIN: ("origin",),
    Narrowing.TIME: ("since", "until"),
}
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


class SearchFilters(forms.Form):
    """What is searched for, and by what it is narrowed; all of it stands in the address.

    Args:
        sources: the rooms that answer this reader.
    """

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    tlp = forms.ChoiceField(
        label=gettext_lazy("Marking"),
        required=False,
        choices=[("", gettext_lazy("all")), *((each.label, each.label) for each in Tlp)],
    )
    origin = forms.ChoiceField(label=pgettext_lazy("of what is found", "Source"), required=False)
    since = Day(label=pgettext_lazy("first day", "From"), required=False)
    until = Day(label=pgettext_lazy("last day", "Until"), required=False)

    def __init__(
        self, *args: Any, sources: Sequence[SearchSource], **kwargs: Any
    ) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        language = get_language() or "en"
        partners = [(node, name.in_language(language).value) for node, name in partner_addresses().items()]
        kinds = [(str(each.label), list(each.kinds())) for each in sources]
        # Any: a label may be a lazy translation, and several kinds stand under one
        choices: dict[str, list[tuple[str, Any]]] = {
            "kind": [("", _("all")), *((label, named) for label, named in kinds if named)],
            "origin": [("", _("all")), (_OWN, _("this node")), *partners],
        }
        for name, shown in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = shown
        # what no room of this reader's tells apart is not offered, and its choices are not told
        told_apart = frozenset[Narrowing]().union(*(each.narrows for each in sources))
        for narrowing, names in _FIELDS.items():
            if narrowing not in told_apart:
                for name in names:
                    del self.fields[name]

    def wanted(self, text: str) -> Wanted:
        """What is asked for.

        Args:
            text: the words.
        """
        given = understood(self)
        since, until, origin = given.get("since"), given.get("until"), given.get("origin")
        return Wanted(
            text=text,
            kind=given.get("kind", ""),
            tlp=Tlp.parse(given["tlp"]) if given.get("tlp") else None,
            since=formats.begins(since) if since else None,
            until=formats.begins(until + timedelta(days=1)) if until else None,
            origin=("" if origin == _OWN else origin) if origin else None,
        )


@require_safe
@signed_in()
def search(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Everything this person may see that a few words describe, room by room."""
    asked = " ".join(request.GET.get("q", "").split())[:_LONGEST]
    sources = [each for each in registry.all(SearchSource) if each.permission in actor.permissions]
    sources.sort(key=lambda each: each.order)
    form = SearchFilters(request.GET, sources=sources)
    wanted = form.wanted(asked)
    answering = [each for each in sources if each.answers(wanted)]
    chosen = next((each for each in answering if each.name == request.GET.get("in", "")), None)
    has_words = bool(query_terms(asked))
    # without words what narrows the search says by itself what is looked for
    is_asked = has_words or (bool(wanted.narrowings) and not asked)
    groups = _groups(request.GET, actor, [chosen] if chosen else answering, wanted) if is_asked else []
    context = {
        "asked": asked,
        "search_text": asked,
        "chosen": chosen,
        "tabs": _tabs(request.GET, answering, chosen) if is_asked else (),
        "filters": filter_views(form, request.GET),
        "unfiltered": address(QueryDict(mutable=True), q=asked) if wanted.narrowings else "",
        "groups": groups,
        "is_asked": is_asked,
    }
    return render(request, "node/search.html", context)


def _groups(
    asked: QueryDict, actor: PersonActor, sources: Sequence[SearchSource], wanted: Wanted
) -> list[_Group]:
    limit = _OF_ONE if len(sources) == 1 else _OF_EACH
    groups = []
    for source in sources:
        # one more than is shown tells whether there is more
        found = source.find(actor, wanted, limit + 1)
        if found:
            is_more = len(found) > limit and len(sources) > 1
            more = address(asked, **{"in": source.name}) if is_more else ""
            groups.append(_Group(source, [_hit(each, wanted.text) for each in found[:limit]], more))
    return groups


def _hit(found: Found, asked: str) -> Hit:
    return Hit(found, highlighted(found.title, asked), highlighted(found.snippet, asked))


def _tabs(asked: QueryDict, sources: Sequence[SearchSource], chosen: SearchSource | None) -> list[Tab]:
    everything = Tab(_("Everything"), address(asked, **{"in": ""}), current=chosen is None)
    return [
        everything,
        *(Tab(each.label, address(asked, **{"in": each.name}), each is chosen) for each in sources),
    ]


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
