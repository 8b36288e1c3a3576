"""Every page of the address table as a browser shows it: in both directions of writing, by day and by night.

Each is loaded once a language and looked at in many ways: by axe in both themes, at its edges, enlarged to twice its
size, for controls that do nothing, and on a scale. The pages come from Django's test client into a real browser, so
that they stand in the world of ``world.py`` without a server; whoever may open most of them looks at them. A new
address is looked at by itself.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import quote, urlsplit

import pytest
from django.contrib.staticfiles import finders
from whitenoise.compress import Compressor  # type: ignore[import-untyped]  # it ships no py.typed

from taawun.capabilities.intel.models import Import, Report, StixObject
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.models import ApiToken, Community, Organisation, Person
from taawun.platform.web.directions import TURNING
from tests.addresses import ADDRESSES, NOTHING, PUBLIC, Address, filled
from tests.pages import axe_violations, pages
from tests.world import WithWorld

if TYPE_CHECKING:
    from django.test import Client
    from playwright.sync_api import Browser, BrowserContext, Page, Route
    from pytest_django.fixtures import Settings as SettingsWrapper

__all__ = ["pages"]

# a browser trusts this machine as it does https
_HERE: Final = "http://127.0.0.1:9"
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_OF_THE_LINE: Final = ("Content-Encoding", "Content-Length")
# what a first visit may weigh with all that it loads, in bytes on the line
_HEAVIEST: Final = 120_000
# a window of 1440 pixels in which everything is twice as large has the place of one of these
_ENLARGED: Final = (720, 450)
# the one rule whose answer depends on the theme
_CONTRAST: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# a name as long as one may be
_LONG: Final = (f"<script>alert(1)</script> {'Zusammenarbeit' * 5} مركز الاستجابة لطوارئ الحاسب الآلي " * 3)[
    :200
]
# what makes a page scroll sideways: the innermost elements beyond its edges that nothing around them clips
_WIDER: Final = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const isClipped = (element) => {
    for (let each = element.parentElement; each; each = each.parentElement)
      if (getComputedStyle(each).overflowX !== "visible" && each !== document.documentElement) return true;
    return false;
  };
  const beyond = [...document.body.querySelectorAll("*")].filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return right - left > 0 && (right > width + 1 || left < -1) && !isClipped(element);
  });
  const inner = beyond.filter((element) => !beyond.some((other) => other !== element && element.contains(other)));
  return inner.map((element) => `runs over: ${element.outerHTML.slice(0, 120)}`);
}"""
# what cannot be used and does not say why: a control that is off, or a link that leads nowhere
_DEAD: Final = """() => {
  const says = (element) => element.title || element.getAttribute("aria-describedby");
  const off = [...document.querySelectorAll(":disabled, [aria-disabled=true]")].filter((element) => !says(element));
  const links = [...document.querySelectorAll("a")];
  const nowhere = links.filter((link) => ["", "#", null].includes(link.getAttribute("href")));
  return [...off, ...nowhere].map((element) => `is dead: ${element.outerHTML.slice(0, 120)}`);
}"""
# what is cut off where nobody can get to the rest: one writes to the end of a field, and what is there for a screen
# reader alone is shown to nobody
_CUT: Final = """() => {
  const cuts = [...document.body.querySelectorAll("*:not(.unseen, input, select, textarea)")].filter((element) => {
    const { overflowX, overflowY, textOverflow } = getComputedStyle(element);
    if (element.clientWidth <= 1 || element.clientHeight <= 1) return false;
    const across = ["hidden", "clip"].includes(overflowX) && element.scrollWidth > element.clientWidth + 1;
    const down = ["hidden", "clip"].includes(overflowY) && element.scrollHeight > element.clientHeight + 1;
    return (across && textOverflow !== "ellipsis") || down;
  });
  return cuts.map((element) => `is cut: ${element.outerHTML.slice(0, 120)}`);
}"""
# everything that a page asks for besides itself, whether or not the browser kept it from the page before
_LOADED: Final = """() => [
  ...performance.getEntriesByType("resource").map((each) => each.name),
  ...[...document.querySelectorAll("link[rel=icon]")].map((each) => each.href),
]"""
_SHOWN: Final = [
    each for each in ADDRESSES if each.is_page and each.get not in {"", NOTHING} and 200 in each.opened
]
# where a control that is off and links that lead nowhere are shown as what they look like
_OF_EXAMPLES: Final = "components/"
# what is saved as a file
_FILES: Final = ("/bundle/", "/download/", "/metadata/", "/proofs/")


def _looker(world: WithWorld, address: Address) -> Client:
    openers = set(address.get.split(" | "))
    comers = [each for each in world.world.people if each.permissions is not None]
    able = [each for each in comers if openers & set(each.permissions or ()) or not _is_permission(openers)]
    name = "nobody" if address.get == PUBLIC else "analyst" if not _is_permission(openers) else ""
    chosen = next((each for each in world.world.people if each.name == name), None)
    return (chosen or max(able, key=lambda each: len(each.permissions or ()))).client


def _is_permission(openers: set[str]) -> bool:
    return any(":" in each for each in openers)


@cache
def _packed(name: str) -> int:
    """How large a static file is as the node sends it: it lies packed beside itself, by what packs it here."""
    content = Path(str(finders.find(name))).read_bytes()
    return len(Compressor.compress_gzip(content)) if Compressor().should_compress(name) else len(content)


class Window:
    """A browser's window whose pages a test client fetches.

    Args:
        browser: a real one.
        width: of the window, in CSS pixels.
    """

    def __init__(self, browser: Browser, width: int) -> None:
        self.errors: list[str] = []
        self._context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 800},
            base_url=_HERE,
            # a colour on its way from one theme to the other has no contrast of its own
            reduced_motion="reduce",
        )
        self._context.route("**/*", self._answer)
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _answer(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if not route.request.url.startswith(_HERE):
            route.abort()
            self.errors.append(f"asks another host: {route.request.url}")
        elif parts.path.startswith("/static/"):
            found = finders.find(parts.path.removeprefix("/static/"))
            route.fulfill(path=str(found), content_type=_TYPES[parts.path.rpartition(".")[2]])
        else:
            # the browser is given it unpacked: it undoes only what comes over a line
            headers = {name: value for name, value in self._fetched.items() if name not in _OF_THE_LINE}
            body = gzip.decompress(self._fetched.content) if "Content-Encoding" in self._fetched else None
            route.fulfill(
                status=self._fetched.status_code, headers=headers, body=body or self._fetched.content
            )

    def open(self, path: str, client: Client) -> bool:
        """Open a page as whoever has this test client.

        Returns:
            False where there is no page to look at but a file to save, or a way on: the table of addresses holds
            whether there may be.
        """
        self.errors.clear()
        self._fetched = client.get(path, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
        if self._fetched.status_code != 200 or not self._fetched["Content-Type"].startswith("text/html"):
            return False
        self.page.goto(path)
        return True

    def judge(self, theme: str, options: Mapping[str, object]) -> list[str]:
        """What axe finds wrong in this theme."""
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        return [f"{theme}: {each}" for each in axe_violations(self.page, **options)]

    def enlarged(self) -> list[str]:
        """What does not find its place where everything is shown at twice its size."""
        usual = self.page.viewport_size
        assert usual
        self.page.set_viewport_size({"width": _ENLARGED[0], "height": _ENLARGED[1]})
        found: list[str] = self.page.evaluate(_WIDER) + self.page.evaluate(_CUT)
        self.page.set_viewport_size(usual)
        return [f"at 200 %: {each}" for each in found]

    def weight(self) -> int:
        """What this page and all that it loads weigh on the line, in bytes, to whoever has never been here."""
        names = {urlsplit(each).path for each in self.page.evaluate(_LOADED)}
        return len(self._fetched.content) + sum(_packed(each.removeprefix("/static/")) for each in names)

    def close(self) -> None:
        """Close it."""
        self._context.close()


@pytest.mark.slow
@pytest.mark.any_database
class TestEveryPage(WithWorld):
    """Axe finds nothing, nothing runs over the edge, no script fails, and nothing is asked of another host."""

    browser: ClassVar[Browser]

    @pytest.fixture(autouse=True)
    def _with_a_browser(self, browser: Browser, pages: SettingsWrapper) -> None:
        type(self).browser = browser

    @contextmanager
    def window(self, width: int) -> Iterator[Window]:
        """A window that is closed at the end."""
        opened = Window(self.browser, width)
        try:
            yield opened
        finally:
            opened.close()

    def look_at_all(self, language: str, width: int, first: str, then: str) -> None:
        """Look at every page, first in one theme by every rule, then at the contrast in the other."""
        with self.window(width) as window:
            for address in _SHOWN:
                path = address.path(self.world.things, language)
                if address.query:
                    path += "?" + quote(filled(address.query, self.world.things), safe="=&")
                with self.each(f"{language} {width} {address.route or 'home'}"):
                    if not window.open(path, _looker(self, address)):
                        assert self._is_no_page(address), f"{path} shows no page"
                        continue
                    found = window.judge(first, {}) + window.judge(then, _CONTRAST)
                    found += window.page.evaluate(_WIDER)
                    found += window.page.evaluate(_DEAD) if address.route != _OF_EXAMPLES else []
                    found += window.enlarged() if width > _ENLARGED[0] else []
                    assert found + window.errors == []
                    assert window.weight() < _HEAVIEST
                    assert not TURNING.search(window.page.title())

    def _is_no_page(self, address: Address) -> bool:
        return address.opened != (200,) or address.route.endswith(_FILES)

    def test_every_page_in_english_on_a_desk(self) -> None:
        self.look_at_all("en", 1440, "light", "dark")

    def test_every_page_in_arabic_on_a_phone(self) -> None:
        self.look_at_all("ar", 360, "dark", "light")

    def test_names_as_long_as_they_may_be_move_no_page(self) -> None:
        """Two hundred characters in two directions with a tag and a long word in them, on the narrowest phone."""
        named = {"ar": _LONG, "en": _LONG, "fr": _LONG}
        Person.objects.update(name=_LONG)
        ApiToken.objects.update(name=_LONG[:100])
        Organisation.objects.update(names=named)
        Community.objects.update(names=named)
        Partner.objects.update(names=named, nation_names=named)
        Release.objects.update(title=_LONG)
        Report.objects.update(title=_LONG)
        StixObject.objects.update(name=_LONG)
        Import.objects.update(name=_LONG)
        with self.window(320) as window:
            for language, address in itertools.product(("en", "ar"), _SHOWN):
                with self.each(f"{language} {address.route or 'home'}"):
                    if window.open(address.path(self.world.things, language), _looker(self, address)):
                        assert window.page.evaluate(_WIDER) == []
                        assert window.page.locator("main script").count() == 0
                        assert window.errors == []
