"""The help: what a room registers so that each of its pages explains itself, and the texts as readers get them.

A text is Markdown beside its room, ``<room>/help/<topic>.<language>.md``. Its first line is its title. Its links lead
to other topics (``help:agreements``). What it sets in bold is written on a page, in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language, override
from markdown_it import MarkdownIt

from taawun.foundation.folding import query_terms, tokens
from taawun.platform.registry import registry
from taawun.platform.web.navigation import HEADINGS, Group

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

__all__ = ["HelpText", "HelpTopic", "ShownTopics", "help_of", "text_of", "topic_of_page", "topics_for"]


@dataclass(frozen=True, slots=True)
class HelpTopic:
    """What one text explains.

    Args:
        name: unique, lower-case with hyphens; the end of its address.
        folder: where its texts lie.
        group: under which heading the list of all topics shows it.
        pages: names of the addresses whose help it is. A page has one topic.
        order: its place in the group, lowest first.
    """

    name: str
    folder: Path
    group: Group
    pages: tuple[str, ...]
    order: int = 100

    def source(self, language: str) -> Path:
        """The file of its text in this language."""
        return self.folder / f"{self.name}.{language}.md"


@dataclass(frozen=True, slots=True)
class HelpText:
    """A topic in one language.

    Args:
        name: of the topic.
        title: its first line.
        lead: its first paragraph, plain.
        body: everything below the title, as markup.
        words: what a search looks through, folded.
    """

    name: str
    title: str
    lead: str
    body: SafeString
    words: frozenset[str]

    @property
    def url(self) -> str:
        """Where it is read."""
        return reverse("help-topic", args=[self.name])

    def has(self, wanted: Sequence[str]) -> bool:
        """Whether each of these folded words begins a word of it."""
        return all(any(word.startswith(each) for word in self.words) for each in wanted)


@dataclass(frozen=True, slots=True)
class ShownTopics:
    """A heading of the list of topics with what stands below it; the first group has none."""

    label: _StrOrPromise
    texts: tuple[HelpText, ...]


def text_of(topic: HelpTopic) -> HelpText:
    """A topic in the reader's language."""
    return _read(topic, get_language() or "en")


def topic_of_page(name: str) -> HelpTopic | None:
    """The topic of the page whose address has this name."""
    return _by_page().get(name)


def help_of(request: HttpRequest | None) -> str:
    """Where the help of this page is; for a page without a topic (nothing is there) the list of all topics."""
    match = request.resolver_match if request else None
    topic = topic_of_page(match.view_name) if match else None
    return reverse("help-topic", args=[topic.name]) if topic else reverse("help")


def topics_for(asked: str) -> tuple[ShownTopics, ...]:
    """The list of topics by group.

    Args:
        asked: words that a topic must have, or begin; empty is all topics.
    """
    wanted = query_terms(asked)
    topics = sorted(registry.all(HelpTopic), key=lambda each: (each.order, each.name))
    found = [(each.group, text) for each in topics if (text := text_of(each)).has(wanted)]
    return tuple(
        ShownTopics(HEADINGS.get(group, ""), texts)
        for group in Group
        if (texts := tuple(text for its, text in found if its is group))
    )


@cache
def _by_page() -> Mapping[str, HelpTopic]:
    return {page: topic for topic in registry.all(HelpTopic) for page in topic.pages}


@cache
def _read(topic: HelpTopic, language: str) -> HelpText:
    with override(language):
        source = topic.source(language).read_text(encoding="utf-8")
        title, _line, below = source.removeprefix("# ").partition("\n")
        parsed = _MARKDOWN.parse(below)
        plain = [token.content for token in parsed if token.type == "inline"]
        body = _MARKDOWN.renderer.render(parsed, _MARKDOWN.options, {})
    return HelpText(
        topic.name,
        title,
        _plain(parsed),
        SafeString(body),
        frozenset(tokens(" ".join((title, *plain)))),
    )


def _plain(parsed: Sequence[Token]) -> str:
    first = next(token for token in parsed if token.type == "inline")
    return "".join(each.content for each in first.children or ())


# Any: the options and the environment are the library's own, and are only passed on
def _link(renderer: RendererHTML, parsed: Sequence[Token], at: int, options: Any, _env: Any) -> str:
    target = str(parsed[at].attrs["href"]).removeprefix("help:")
    parsed[at].attrs["href"] = reverse("help-topic", args=[target])
    return renderer.renderToken(parsed, at, options, _env)


def _code(_renderer: RendererHTML, parsed: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    # a technical value keeps its direction inside an Arabic sentence
    return f'<bdi dir="ltr"><code>{escape(parsed[at].content)}</code></bdi>'


# its own raw markup is off, so that a text can bring none
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False})
_MARKDOWN.add_render_rule("link_open", _link)
_MARKDOWN.add_render_rule("code_inline", _code)
