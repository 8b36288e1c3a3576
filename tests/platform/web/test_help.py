"""The pages of the help: all topics with their search, and a topic, whole or as the part that the panel loads."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.pages import read

# test_every_address.py opens both pages on PostgreSQL; the texts are no rows
pytestmark = [pytest.mark.usefixtures("pages", "db"), pytest.mark.any_database]


def test_a_stranger_reads_all_topics_and_what_taawun_is(stranger_client: Client):
    markup = read(stranger_client.get("/en/help/"))

    assert "No node stands above the others" in markup.text
    assert markup.all("a", href="/en/help/audit/")


@pytest.mark.parametrize(
    ("language", "asked", "topic"),
    [
        ("en", "SIXTEEN words", "fingerprint"),
        ("ar", "بصمه المفتاح", "fingerprint"),
        ("ar", "الحَجر", "lanes"),
        ("fr", "depositaire cote", "signing"),
    ],
)
def test_a_search_folds_words_as_the_search_of_the_node_does(
    stranger_client: Client, language: str, asked: str, topic: str
):
    markup = read(stranger_client.get(f"/{language}/help/", {"q": asked}))

    assert markup.all("a", href=f"/{language}/help/{topic}/", **{"class": "title"})
    assert markup.all("a", href=f"/{language}/help/profile/") == []


def test_a_search_that_finds_nothing_leads_back(stranger_client: Client):
    markup = read(stranger_client.get("/en/help/", {"q": "zzz"}))

    assert "Nothing found" in markup.text
    assert markup.all("a", href="?")


def test_a_topic_is_a_page_and_for_the_panel_a_part(stranger_client: Client):
    page = read(stranger_client.get("/ar/help/fingerprint/"))
    part = stranger_client.get("/ar/help/fingerprint/", headers={"HX-Request": "true"})

    assert "ست عشرة كلمة" in page.text
    # a technical value keeps its direction inside an Arabic sentence
    assert b'<bdi dir="ltr"><code>taawun key</code></bdi>' in part.content
    assert part.content.startswith(b'<h2 id="help-head">')
    assert "HX-Request" in part["Vary"]


def test_there_is_no_topic_of_another_name(stranger_client: Client):
    assert stranger_client.get("/en/help/nothing/").status_code == 404


@pytest.mark.parametrize(
    ("path", "topic"),
    [
        ("/fr/account/login/", "/fr/help/signing-in/"),
        ("/fr/help/", "/fr/help/taawun/"),
        ("/fr/nothing/", "/fr/help/"),
    ],
)
def test_each_page_leads_to_its_own_help_and_where_nothing_is_to_all(
    stranger_client: Client, path: str, topic: str
):
    markup = read(stranger_client.get(path), 404 if "nothing" in path else 200)

    assert [has["href"] for has in markup.all("a", **{"class": "cover-help"})] == [topic]
