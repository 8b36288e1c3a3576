"""Every link and every form of every page, as a browser without JavaScript has them.

Nothing here lists forms: they are read off the pages of the address table, filled as the page fills them, and sent by
each of their buttons, with the token that stands in them and no header of a script. So a new page is covered by itself.
What holds of each:

* a form says where it goes, or goes to its own page, has a button that sends it, and what it is sent to answers;
* what is hidden until a script shows it is nothing that one needs;
* whoever is shown a link or a button may use it: one that they may not use is explained or absent, never dead.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils.translation import override

from tests.addresses import ADDRESSES, NOTHING, PUBLIC, SIGNED_IN
from tests.pages import pages
from tests.world import Comer, WithWorld, undone

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

__all__ = ["pages"]

# those whose pages differ; administrators and the others hold all permissions between them
LOOKERS: Final = ("nobody", "administrator", "officer", "analyst", "observer")
# shown by a script where they can work, and helps that nobody needs: copying, choosing all, counting, folding, passkeys
SHOWN_BY_SCRIPTS: Final = ("copy", "choose-all", "list-chosen", "side-fold", "passkey-problem")
_READ: Final = [
    each for each in ADDRESSES if each.is_page and each.get not in {"", NOTHING} and 200 in each.opened
]


@dataclass
class Form:
    """A form as it stands in a page.

    Attributes:
        action: where it goes; empty to its own page.
        method: ``get`` or ``post``.
        fields: what it sends without a button, as the page filled it.
        buttons: what each of its buttons that send it has.
        lines: how many fields it has into which one writes a line.
        asks: whether it has anything that one fills or chooses.
    """

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)
    lines: int = 0
    asks: bool = False


class Controls(HTMLParser):
    """The links and forms of a page, and what is hidden in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: dict[str, Form] = {}
        self.hidden: list[str] = []
        self._open: Form | None = None
        self._writing: tuple[Form, str, str] | None = None
        self._choosing: tuple[Form, str, list[tuple[str, bool]]] | None = None
        # a button may stand before the form that it belongs to
        self._apart: list[tuple[str, str, dict[str, str]]] = []
        self.feed(html)
        for form, tag, has in self._apart:
            self._take(self.forms[form], tag, has)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if "hidden" in has:
            self.hidden.append(f"{has.get('class', '')} {has.get('id', '')}")
        if tag == "a" and "href" in has and "download" not in has:
            self.links.append(has["href"])
        if tag == "form":
            self._open = Form(has.get("action", ""), has.get("method", "get").lower())
            self.forms[has.get("id", f"#{len(self.forms)}")] = self._open
        elif tag == "option" and self._choosing:
            self._choosing[2].append((has.get("value", ""), "selected" in has))
        elif tag in {"input", "button", "textarea", "select"} and "disabled" not in has:
            if "form" in has:
                self._apart.append((has["form"], tag, has))
            elif self._open:
                self._take(self._open, tag, has)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea" and self._writing:
            form, name, text = self._writing
            form.fields.append((name, text.removeprefix("\n")))
            self._writing = None
        elif tag == "select" and self._choosing:
            form, name, options = self._choosing
            chosen = [value for value, is_chosen in options if is_chosen] or [
                value for value, _ in options[:1]
            ]
            form.fields += [(name, value) for value in chosen]
            self._choosing = None

    def handle_data(self, data: str) -> None:
        if self._writing:
            form, name, text = self._writing
            self._writing = form, name, text + data

    def _take(self, form: Form, tag: str, has: dict[str, str]) -> None:
        kind, name = has.get("type", "submit" if tag == "button" else "text"), has.get("name", "")
        form.asks |= kind not in {"submit", "button", "reset", "hidden"}
        if kind == "submit" and tag in {"button", "input"}:
            form.buttons.append(has)
        elif kind in {"button", "reset", "file"} or not name:
            return
        elif tag == "textarea":
            self._writing = form, name, ""
        elif tag == "select":
            self._choosing = form, name, []
        elif kind not in {"checkbox", "radio"} or "checked" in has:
            form.fields.append((name, has.get("value", "on" if kind in {"checkbox", "radio"} else "")))
            form.lines += kind not in {"checkbox", "radio", "hidden"}


@cache
def _named(path: str) -> str:
    """What the address at a path is called; empty where there is none."""
    with override("en"):
        try:
            return resolve(path).view_name
        except Resolver404:
            return ""


@pytest.mark.slow
@pytest.mark.any_database
class TestEveryForm(WithWorld):
    """Each link leads somewhere and each form goes somewhere, for whoever is shown them."""

    def test_every_link_and_every_form_of_every_page_is_answered_without_a_script(self) -> None:
        for name in LOOKERS:
            comer = self.world.comer(name, machine=False)
            client = Client(enforce_csrf_checks=True, raise_request_exception=False)
            client.cookies = comer.client.cookies
            seen: set[object] = set()
            for path in self._pages_of(comer):
                with self.each(f"{name} {path}"):
                    faults = list(self._faults(client, path, seen))
                    assert not faults, "\n".join(faults)

    def _pages_of(self, comer: Comer) -> Iterator[str]:
        for address in _READ:
            openers = address.get.split(" | ")
            held = comer.permissions
            if PUBLIC in openers or (held is not None and (SIGNED_IN in openers or set(openers) & held)):
                yield address.path(self.world.things)

    def _faults(self, client: Client, path: str, seen: set[object]) -> Iterator[str]:
        answer = client.get(path)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            return
        found = Controls(answer.content.decode())
        for each in found.hidden:
            if not set(each.split()) & set(SHOWN_BY_SCRIPTS):
                yield f"hidden without a script: {each}"
        for link in found.links:
            yield from self._follow(client, path, link, seen)
        for form in found.forms.values():
            # a field for a line of text sends its form by itself, if it is the only one (HTML, section 4.10.21.2)
            if not form.buttons and form.lines != 1 and form.asks:
                yield f"nothing sends the form to {form.action or 'its page'}"
            for button in form.buttons or [{}]:
                yield from self._send(client, path, form, button, seen)

    def _follow(self, client: Client, path: str, link: str, seen: set[object]) -> Iterator[str]:
        there = urlsplit(urljoin(path, link))
        # in the other languages every address answers alike; test_every_address.py holds that
        if there.netloc or there.scheme or not there.path.startswith("/en/"):
            return
        # one of each kind: what a page looks like with another thing in it, its own test holds
        kind = (_named(there.path), frozenset(name for name, _ in parse_qsl(there.query)))
        if link.startswith("#") or kind in seen:
            return
        seen.add(kind)
        with undone():
            answer = client.get(f"{there.path}?{there.query}")
            yield from self._judge(answer, f"the link {link}")

    def _send(
        self, client: Client, path: str, form: Form, button: dict[str, str], seen: set[object]
    ) -> Iterator[str]:
        there = urlsplit(urljoin(path, button.get("formaction") or form.action or path))
        method = button.get("formmethod", form.method)
        sent = form.fields + ([(button["name"], button.get("value", ""))] if "name" in button else [])
        names = frozenset(name for name, _ in sent)
        kind = (_named(there.path), method, names, button.get("value", "").partition("-")[0])
        if kind in seen:
            return
        seen.add(kind)
        with undone():
            before = deepcopy(client.cookies)
            if method == "post":
                body = urlencode(sent)
                answer = client.post(there.geturl(), body, content_type="application/x-www-form-urlencoded")
            else:
                answer = client.get(there.path, sent)
            # whoever signed out by it comes back as they were
            client.cookies = before
            yield from self._judge(answer, f"the form to {there.path} by {button}")

    @staticmethod
    def _judge(answer: Response, told: str) -> Iterator[str]:
        """What is wrong with an answer: it is refused at the door, or is none; 502 tells of a provider elsewhere."""
        if answer.streaming:
            answer.getvalue()  # read to its end, so that what it is read from is let go
        if answer.status_code in {400, 403, 404, 405, 415, 500, 503}:
            yield f"{told} is answered {answer.status_code}"
