"""Characters that turn the direction of text are seen, and stay where a text is kept or given back."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from taawun.platform.web.directions import visible_page
from tests.cast import Cast, person
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")
NAME = "invoice\u202egnp.exe"
SEEN = "invoice[U+202E]gnp.exe"


@pytest.mark.parametrize("code", [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
def test_each_of_them_is_a_mark(code: int) -> None:
    assert visible_page(f"<p>a{chr(code)}b</p>".encode()) == f"<p>a[U+{code:04X}]b</p>".encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "كلمة \u200eCVE-2026-1\u200e و\u200fكلمة\u061c",
        "un nom\u202f: « \u00a0 »",
        "a word\u2060 \u2065 \u206a \u2029",
        "“quoted”, 日本 🛡",
    ],
)
def test_a_page_without_any_stays_as_it_is(text: str) -> None:
    page = text.encode()
    assert visible_page(page) is page


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<title>\u202ex</title>", "<title>[U+202E]x</title>"),
        ('<b title="\u2067x">y</b>', '<b title="[U+2067]x">y</b>'),
        ('<input value="\u202ex" placeholder="\u202ey">', '<input value="\u202ex" placeholder="[U+202E]y">'),
        ('<option value="\u202ex">\u202ex</option>', '<option value="\u202ex">[U+202E]x</option>'),
        (
            '<textarea name="a">\n\u202ex</textarea>\u202e<textarea>\u202e</textarea>',
            '<textarea name="a">\n\u202ex</textarea>[U+202E]<textarea>\u202e</textarea>',
        ),
        (
            '<button data-copy="\u202ex" title="\u202ex"></button>',
            '<button data-copy="\u202ex" title="[U+202E]x"></button>',
        ),
        # what a stranger wrote is escaped, so it does not pass for a field
        ("<p>value=&quot;\u202ex&quot;</p>", "<p>value=&quot;[U+202E]x&quot;</p>"),
        ("<p>&lt;textarea&gt;\u202ex</p>", "<p>&lt;textarea&gt;[U+202E]x</p>"),
    ],
)
def test_text_and_titles_show_them_while_fields_and_copies_keep_them(page: str, shown: str) -> None:
    assert visible_page(page.encode()).decode() == shown


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_a_name_is_shown_with_them_as_marks_wherever_a_page_has_it(cast: Cast, language: str) -> None:
    someone = person("analyst", name=NAME)
    for path in ("people/", f"people/{someone.id}/"):
        answer = cast.administrator.browser().get(f"/{language}/{path}")
        assert SEEN in read(answer).text
        assert "\u202e" not in answer.content.decode()


def test_a_form_gives_the_name_back_as_it_was(cast: Cast) -> None:
    client = Client()
    client.force_login(person("analyst", name=NAME), "allauth.account.auth_backends.AuthenticationBackend")
    [field] = read(client.get("/en/people/profile/")).all("input", name="name")
    assert field["value"] == NAME


def test_exports_and_the_machine_interface_keep_them(cast: Cast) -> None:
    someone = person("analyst", name=NAME)
    client = cast.administrator.browser()
    exported = b"".join(client.get("/en/people/?format=csv"))
    assert NAME in exported.decode()
    answer = cast.administrator.api.get(f"/people/{someone.id}")
    assert json.loads(answer.content)["name"] == NAME
