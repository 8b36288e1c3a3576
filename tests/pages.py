"""Looking at pages: as their markup, and as a person sees them in a browser.

Fixtures ``pages`` and ``visit`` are imported by the conftest.py of the rooms that have pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it ships no py.typed
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django.utils.translation import override

if TYPE_CHECKING:
    from django.http import HttpResponseBase
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
    from pytest_django.fixtures import Settings as SettingsWrapper
    from pytest_django.live_server_helper import LiveServer

    from tests.cast import Member

__all__ = ["Markup", "axe_violations", "judge", "judge_all", "pages", "read", "visit"]

_EMPTY = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Markup(HTMLParser):
    """A page's markup, taken apart.

    Attributes:
        elements: every element as its name and attributes, in order.
        text: everything a reader sees, with single blanks.
        faults: what the house forbids in a page; empty when the page is sound.
        inside: what stands in each textarea, by its name.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.inside: dict[str, str] = {}
        self._writing = ""
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        self.close()
        self._judge()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def all(self, tag: str, /, **attributes: str) -> list[dict[str, str]]:
        """The attributes of every such element that has these attributes."""
        return [
            has
            for found, has in self.elements
            if found == tag and all(has.get(key) == value for key, value in attributes.items())
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.elements.append((tag, has))
        if tag not in _EMPTY:
            self._open.append(tag)
        if tag == "textarea":
            self._writing = has.get("name", "")
        self.faults += [f"<{tag}> has {name}" for name in has if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in has and has.get("type") != "application/json"):
            self.faults.append(f"<{tag}> stands in the page")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes nothing that is open: {self._open[-3:]}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"script", "style"}:
            self._words.append(data)
        if self._open and self._open[-1] == "textarea":
            # a browser takes away the line break with which Django begins a textarea
            self.inside[self._writing] = self.inside.get(self._writing, "") + data

    def _judge(self) -> None:
        self.faults += [f"<{tag}> is never closed" for tag in self._open]
        ids = Counter(has["id"] for _tag, has in self.elements if "id" in has)
        self.faults += [f"id {name!r} is there {count} times" for name, count in ids.items() if count > 1]
        if len(self.all("h1")) != 1:
            self.faults.append(f"the page has {len(self.all('h1'))} first headings")
        outside = [
            has.get(name, "")
            for name, tags in (("src", ("script", "img")), ("href", ("link",)))
            for tag in tags
            for has in self.all(tag)
        ]
        self.faults += [f"asks {url}" for url in outside if "//" in url and not url.startswith("data:")]


def read(response: HttpResponseBase, status: int = 200) -> Markup:
    """The markup of an answer, which must have this status and no faults."""
    html = response.getvalue().decode() if isinstance(response, HttpResponse) else ""
    assert response.status_code == status, html[:2000]
    markup = Markup(html)
    assert markup.faults == []
    return markup


def axe_violations(page: Page, **options: Any) -> list[str]:
    """What axe finds wrong on the page: rule, then the place of its first finding; ``options`` are axe's own."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # what is right is by far the most of its answer, and takes longer to bring here than to find
    found: list[dict[str, Any]] = page.evaluate(
        "options => axe.run(options).then(found => found.violations)",
        {"resultTypes": ["violations"], **options},
    )
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


def judge(page: Page, name: str) -> list[str]:
    """What is wrong with a page as it is shown: what axe finds, and whether it scrolls sideways."""
    found = [f"{name}: {each}" for each in axe_violations(page)]
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    return [*found, f"{name} runs over"] if page.evaluate(wide) else found


def judge_all(visit: Callable[..., Page], paths: Iterable[str], *whose: Member, **shown: Any) -> list[str]:
    """What is wrong with pages, opened one after the other in one window: a window for each takes most of the time.

    Args:
        visit: the fixture.
        paths: of the pages.
        whose: who looks at them; nobody who has signed in by default.
        shown: width and theme, as ``visit`` takes them.
    """
    first, *others = paths
    page = visit(first, *whose, **shown)
    found = judge(page, first)
    for path in others:
        page.goto(path)
        found += judge(page, path)
    return found


@pytest.fixture
def pages(settings: SettingsWrapper) -> Iterator[SettingsWrapper]:
    """Settings under which pages are shown without collecting static files and without a second factor."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.SECOND_FACTOR_REQUIRED = False
    # a page in another language leaves it behind in this thread
    with override("en"):
        yield settings


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer, pages: SettingsWrapper) -> Iterator[Callable[..., Page]]:
    """Opens pages in the browser: ``visit("/en/people/", member, width=360, theme="dark")``.

    The page's errors (a script that fails, something that its content security policy refuses) fail the test, but for
    those that a test brings about and names: ``forgives=("Failed to load resource",)``.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(
        path: str,
        member: Member | None = None,
        *,
        width: int = 1440,
        theme: Literal["light", "dark"] = "light",
        scripts: bool = True,
        forgives: tuple[str, ...] = (),
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=theme,
            base_url=live_server.url,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        if member is not None:
            session = member.browser().cookies[django_settings.SESSION_COOKIE_NAME].value
            name = django_settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))

        def heard(said: ConsoleMessage) -> None:
            if said.type == "error" and not any(each in said.text for each in forgives):
                errors.append(said.text)

        page.on("console", heard)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def stranger_client() -> Client:
    """A browser in which nobody is signed in."""
    return Client()
