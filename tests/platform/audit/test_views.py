"""The page of the trail."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.urls import reverse

from taawun.cooperation.people.actors import PartyActor, SystemActor
from taawun.platform.audit.actions import record, seal
from taawun.platform.audit.models import Entry
from tests.cast import Cast, agreement_in_force, partner
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")
SYSTEM = SystemActor("tests")


@pytest.fixture
def rows(cast: Cast) -> Cast:
    Entry.objects.all().delete()
    record(SYSTEM, "agreements.signed", "urn:uuid:1", {"note": "=1+1"})
    record(cast.analyst.actor, "intel.imported", "urn:uuid:2")
    record(SYSTEM, "agreements.proposed", "urn:uuid:1")
    return cast


@pytest.mark.parametrize(
    ("who", "status"),
    [("administrator", 200), ("officer", 200), ("analyst", 403), ("observer", 403), ("stranger", 403)],
)
def test_the_trail_opens_to_those_who_may_read_it(rows: Cast, who: str, status: int) -> None:
    browser = dict(rows)[who].browser()
    assert browser.get(reverse("audit")).status_code == status
    assert browser.post(reverse("audit-chain")).status_code == (302 if status == 200 else 403)


@pytest.mark.parametrize(
    ("query", "verbs"),
    [
        ({}, ["agreements.proposed", "intel.imported", "agreements.signed"]),
        ({"verb": "intel.imported"}, ["intel.imported"]),
        ({"verb": "agreements."}, ["agreements.proposed", "agreements.signed"]),
        ({"subject": "urn:uuid:1"}, ["agreements.proposed", "agreements.signed"]),
        ({"actor": "tests", "verb": "agreements.signed"}, ["agreements.signed"]),
        ({"verb": "nothing.at-all"}, []),
    ],
)
def test_the_trail_is_filtered_newest_first(rows: Cast, query: dict[str, str], verbs: list[str]) -> None:
    browser = rows.officer.browser()
    assert read(browser.get(reverse("audit"), query))
    told = json.loads(browser.get(reverse("audit"), {**query, "format": "json"}).getvalue())
    assert [row["verb"] for row in told] == verbs


def test_what_nobody_understands_narrows_nothing_and_makes_no_file(rows: Cast) -> None:
    browser = rows.officer.browser()
    assert "intel.imported" in read(browser.get(reverse("audit"), {"verb": "\0"})).text
    assert browser.get(reverse("audit"), {"verb": "\0", "format": "json"}).status_code == 302


def test_the_trail_is_read_in_words_with_names_and_pages(rows: Cast) -> None:
    person, agreement = rows.analyst.row, agreement_in_force(partner())
    Entry.objects.all().delete()
    record(rows.analyst.actor, "people.role-given", f"urn:uuid:{person.id}", {"role": "analyst", "n": [1]})
    record(SystemActor("console"), "agreements.signed", f"urn:uuid:{agreement.id}")
    record(SystemActor("gone"), "gone.act", "urn:taawun:nation:XN")
    browser = rows.officer.browser()
    page = read(browser.get(reverse("audit")))
    assert "Role given Analyst Analyst" in page.text
    assert "n [1] role analyst" in page.text
    assert f"Agreement signed The operator at the console {agreement.code}" in page.text
    assert "gone.act gone Northland" in page.text
    assert len(page.all("a", href=reverse("person", args=[person.id]))) == 2
    assert len(page.all("a", href=reverse("agreement", args=[agreement.id]))) == 1
    arabic = read(browser.get(reverse("audit").replace("/en/", "/ar/")))
    assert "وُقّعت اتفاقية مشغّل العقدة من سطر الأوامر" in arabic.text
    # those who read by machine keep the verb
    told = json.loads(browser.get(reverse("audit"), {"format": "json"}).getvalue())
    assert [row["verb"] for row in told] == ["gone.act", "agreements.signed", "people.role-given"]


def test_nodes_and_nations_are_named_in_the_readers_language_with_their_pages(rows: Cast) -> None:
    there = partner().row
    there.names = {"en": "CERT South", "ar": "فريق الجنوب"}
    there.save()
    acting = PartyActor(there.node, "CERT South")
    Entry.objects.all().delete()
    record(acting, "agreements.proposed", f"urn:taawun:node:{there.node}")
    record(SYSTEM, "people.nation-named", "urn:taawun:nation:JO")
    record(SYSTEM, "federation.published", f"urn:taawun:stix:indicator--{uuid4()}")
    record(SYSTEM, "federation.published", "urn:taawun:stix:indicator--a/b")
    page = read(rows.officer.browser().get(reverse("audit").replace("/en/", "/ar/")))
    assert page.text.count("فريق الجنوب") == 2
    assert "CERT South" not in page.text
    assert len(page.all("a", href=f"/ar/partners/{there.id}/")) == 2
    assert "الأردن" in page.text
    assert page.text.count("مؤشر") == 2
    assert "urn:taawun" not in page.text


def test_the_filter_offers_the_words_of_verbs_and_says_which_one_is_on(rows: Cast) -> None:
    page = read(rows.officer.browser().get(reverse("audit"), {"verb": "agreements.signed"}))
    [chosen] = [has["value"] for has in page.all("option") if "selected" in has]
    assert chosen == "agreements.signed"
    assert "Take the filter “Act” away" in page.text
    whole = read(rows.officer.browser().get(reverse("audit"), {"verb": "agreements."}))
    [chosen] = [has["value"] for has in whole.all("option") if "selected" in has]
    assert chosen == "agreements."


def test_the_trail_leaves_as_csv_without_formulas(rows: Cast) -> None:
    answer = rows.officer.browser().get(reverse("audit"), {"format": "csv", "verb": "agreements.signed"})
    lines = answer.getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "seq,at,actor_kind,actor_id,actor_label,verb,subject,details,digest"
    assert lines[1].split(",")[2:7] == ["system", "tests", "tests", "agreements.signed", "urn:uuid:1"]


def test_the_trail_has_pages(rows: Cast) -> None:
    for number in range(60):
        record(SYSTEM, "tests.counted", f"urn:number:{number}")
    browser = rows.officer.browser()
    first = read(browser.get(reverse("audit"), {"verb": "tests."}))
    [following] = [has["href"] for has in first.all("a", rel="next")]
    assert "verb=tests." in following
    assert len(read(browser.get(reverse("audit") + following)).all("th", scope="row")) == 10
    assert browser.get(reverse("audit"), {"after": "forged"}).status_code == 302


def test_the_page_says_whether_the_chain_is_whole(rows: Cast) -> None:
    seal()
    browser = rows.administrator.browser()
    whole = read(browser.post(reverse("audit-chain"), follow=True))
    assert "The chain is whole: each of 3 rows fits the one before it." in whole.text
    Entry.objects.filter(seq=2).update(verb="intel.forgotten")
    broken = read(browser.post(reverse("audit-chain"), follow=True))
    assert "The chain is broken at row 2." in broken.text


def test_a_long_chain_is_checked_at_the_console(rows: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    seal()
    monkeypatch.setattr("taawun.platform.audit.queries.LONGEST_WALK", 2)
    browser = rows.administrator.browser()
    assert not read(browser.get(reverse("audit"))).all("form", action=reverse("audit-chain"))
    page = read(browser.post(reverse("audit-chain"), follow=True))
    assert "Let the operator check it: taawun audit verify." in page.text
