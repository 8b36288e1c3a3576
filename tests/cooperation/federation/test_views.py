"""Pages of releases: who would receive, what was given and received, and what each reader may know of it."""

from __future__ import annotations

import csv
import dataclasses
import json
from importlib import import_module
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.agreements.actions import changed
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.actions import Draft, publish, withdraw
from taawun.cooperation.federation.models import Passage, Receipt, Release, ReleaseTopic
from taawun.cooperation.federation.views.listing import RELEASES
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.permissions import Role
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.cast import (
    SYSTEM,
    Cast,
    Member,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    partner,
    person,
    some_id,
)
from tests.pages import Markup, read

pytestmark = pytest.mark.usefixtures("pages")

LIST = "/en/releases/"
QUESTION = f"{LIST}who-would-receive/"
READERS = ("administrator", "analyst", "officer", "other_officer", "observer", "trainee")


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT")


def seen(client: Client, path: str, status: int = 200) -> Markup:
    return read(client.get(path), status)


def published(number: int = 1, **changes: Any) -> Release:
    members: dict[str, Any] = {
        "kind": "intel.report",
        "subject": f"urn:report:{number}",
        "version": "1",
        "title": f"Report number {number}",
        "tlp": Tlp.GREEN,
        "content": b'{"n":%d}' % number,
        "topics": frozenset({"attack:T1566"}),
    }
    return publish(SYSTEM, Draft(**(members | changes)))


def received(south: PartnerNode, held: Agreement, number: int = 1, **changes: Any) -> Release:
    """A release as it is kept after it arrived over the first clause of an agreement."""
    members: dict[str, Any] = {
        "kind": "intel.report",
        "subject": f"urn:theirs:{number}",
        "version": "1",
        "title": f"Their report {number}",
        "tlp": Tlp.AMBER,
        "digest": sha256(b"x"),
        "size": 1,
        "origin": south.row,
    }
    release = Release.objects.create(**(members | changes))
    ReleaseTopic.objects.create(owner=release, topic="attack:T1059")
    lane, _created = Lane.objects.get_or_create(
        purpose="clause", sender=south.row, agreement=held.id, clause="1"
    )
    entry = LaneEntry.objects.create(
        lane=lane,
        seq=number,
        header="as it came",
        digest=sha256(str(number).encode()),
        kind=release.kind,
        subject=release.subject,
        action="publish",
        issued=now(),
        state="done",
    )
    Passage.objects.create(
        **Passage.place_of(entry),
        release=release,
        entry=entry,
        size=entry.size,
        agreement=held.id,
        document="0" * 64,
        clause="1",
    )
    return release


def outsider(cast: Cast) -> Member:
    """An analyst of this node who belongs to another organisation than the one that runs it."""
    elsewhere = Organisation.objects.create(names={"en": "University"}, kind=Organisation.Kind.UNIVERSITY)
    return Member(person(Role.ANALYST, name="Guest analyst", organisation=elsewhere), None)


# ---- who may ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", READERS)
def test_everybody_with_a_role_asks_and_reads(cast: Cast, south: PartnerNode, who: str) -> None:
    agreement_in_force(south)
    release = published()
    client = dict(cast)[who].browser()
    for path in (LIST, QUESTION, f"{QUESTION}?kind=intel.report&tlp=TLP:GREEN", f"{LIST}{release.id}/"):
        assert client.get(path).status_code == 200, path


def test_a_person_without_a_role_does_not(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    release = published()
    client = cast.stranger.browser()
    for path in (LIST, QUESTION, f"{LIST}{release.id}/"):
        assert client.get(path).status_code == 403, path


def test_an_unknown_release_is_not_found(cast: Cast) -> None:
    assert cast.analyst.browser().get(f"{LIST}{some_id()}/").status_code == 404


# ---- who would receive ------------------------------------------------------------------------------------------
def ask(client: Client, query: str) -> Markup:
    return seen(client, f"{QUESTION}?{query}")


def test_the_answer_names_receivers_by_clause_and_the_others_with_their_reason(
    cast: Cast, south: PartnerNode
) -> None:
    west = partner("Western CERT", nation="XW")
    allowing = agreement_in_force(south, clauses=(clause("2.1", title=Text.of(en="Reports")),))
    narrow = agreement_in_force(west, clauses=(clause("1", tlp_max=Tlp.GREEN),))
    shown = ask(cast.officer.browser(), "kind=intel.report&tlp=TLP:AMBER")
    assert "1 party would receive it" in shown.text
    assert "1 would not, and why" in shown.text
    assert "AG-001 § 2.1 Reports: everything, up to TLP:AMBER" in shown.text
    assert "Clause 1 of AG-002 allows up to TLP:GREEN only." in shown.text
    assert shown.all("a", href=f"/en/agreements/{allowing.id}/#clause-2.1")
    (mend,) = shown.all("a", href=f"/en/agreements/{narrow.id}/")
    assert mend
    assert "Propose a change of the clause" in shown.text


def test_who_may_not_mend_a_refusal_is_told_whom_to_ask_and_given_no_link(
    cast: Cast, south: PartnerNode
) -> None:
    west = partner("Western CERT", nation="XW", state=Partner.State.MET)
    narrow = agreement_in_force(south, clauses=(clause("1", tlp_max=Tlp.GREEN),))
    agreement_in_force(west)
    shown = ask(cast.analyst.browser(), "kind=intel.report&tlp=TLP:AMBER")
    # both officers hold agreements
    officers = (
        "Propose a change of the clause. Ask it of those who hold agreements: Officer and Other officer."
    )
    assert officers in shown.text
    assert shown.all("a", href=f"/en/agreements/{narrow.id}/") == []
    assert "Compare the fingerprint by telephone. Ask it of those who administer this node: " in shown.text
    assert shown.all("a", href=f"/en/partners/{west.row.id}/verify/") == []


def test_who_is_no_partner_has_the_name_and_the_nation_that_the_agreement_gives(
    cast: Cast, south: PartnerNode
) -> None:
    east = partner("Eastern CERT", nation="XE")
    agreement_in_force(south, east)
    east.row.delete()
    changed()
    shown = ask(cast.analyst.browser(), "kind=intel.report&tlp=TLP:GREEN")
    assert "Eastern CERT" in shown.text
    assert east.node not in shown.text
    assert "XE" in shown.text


def test_no_answer_proposes_a_lower_marking(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south, clauses=(clause(tlp_max=Tlp.GREEN),))
    shown = ask(cast.analyst.browser(), "kind=intel.report&tlp=TLP:RED")
    words = shown.text.lower()
    assert not any(word in words for word in ("lower", "downgrade", "change the marking", "mark it"))


@pytest.mark.parametrize(
    ("state", "sentence", "step"),
    [
        (Partner.State.MET, "The fingerprint of this partner's node has not been compared yet.", "verify/"),
        (Partner.State.BLOCKED, "This partner is blocked.", ""),
    ],
)
def test_a_partner_that_is_not_trusted_is_mended_on_its_own_page(
    cast: Cast, south: PartnerNode, state: str, sentence: str, step: str
) -> None:
    agreement_in_force(south)
    Partner.objects.update(state=state)
    changed()
    shown = ask(cast.administrator.browser(), "kind=intel.report&tlp=TLP:GREEN")
    assert sentence in shown.text
    assert shown.all("a", href=f"/en/partners/{south.row.id}/{step}")


def test_an_agreement_that_is_not_signed_says_so(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    shown = ask(cast.analyst.browser(), "kind=intel.report&tlp=TLP:GREEN")
    assert "AG-001 has not been signed by all its parties." in shown.text
    assert shown.all("a", href=f"/en/agreements/{held.id}/")
    assert "Nobody: no clause in force allows it." in shown.text


def test_the_number_of_a_clause_is_in_the_readers_digits(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south, clauses=(clause("2.1", tlp_max=Tlp.GREEN),))
    shown = cast.analyst.browser().get("/ar/releases/who-would-receive/?kind=intel.report&tlp=TLP:AMBER")
    assert "البند ٢.١" in shown.content.decode()


def test_a_question_that_cannot_be_answered_speaks_of_no_saving(cast: Cast) -> None:
    asked = f"{QUESTION}?kind=intel.report&tlp=TLP:PINK"
    shown = cast.analyst.browser().get(asked).content.decode()
    assert "This cannot be answered yet:" in shown
    assert "cannot be saved" not in shown


def test_red_asks_for_names_and_topics_narrow(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south, clauses=(clause(tlp_max=Tlp.RED, topics=("attack:T1566",)),))
    client = cast.analyst.browser()
    red = "kind=intel.report&tlp=TLP:RED"
    assert "TLP:RED names the persons it is for" in ask(client, f"{red}&topics=attack:T1566").text
    assert "1 party would receive it" in ask(client, f"{red}&persons=on&topics=attack:T1566").text
    assert "covers other topics" in ask(client, f"{red}&persons=on&topics=attack:T1110").text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("kind=parking.ticket&tlp=TLP:GREEN", "parking.ticket is not one of the available choices."),
        ("kind=intel.report&tlp=PINK", "PINK is not one of the available choices."),
        ("kind=intel.report", "This field is required."),
        (
            "kind=intel.report&tlp=TLP:RED&topics=phishing",
            "“phishing” is no topic; write one like attack:T1566.",
        ),
    ],
)
def test_a_mistake_in_the_question_is_told(cast: Cast, query: str, sentence: str) -> None:
    assert sentence in seen(cast.analyst.browser(), f"{QUESTION}?{query}", 422).text


def test_asking_writes_nothing(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    before = Entry.objects.count()
    ask(cast.analyst.browser(), "kind=intel.report&tlp=TLP:GREEN")
    assert Entry.objects.count() == before
    assert not Release.objects.exists()


# ---- the list ---------------------------------------------------------------------------------------------------
def titles_in(client: Client, query: str = "") -> list[str]:
    shown = client.get(f"{LIST}?{query}")
    assert shown.status_code == 200
    rows = b"".join(client.get(f"{LIST}?format=json&{query}").streaming_content)  # type: ignore[attr-defined]  # a streaming answer
    titles = [row["title"] for row in json.loads(rows)]
    assert all(title in shown.content.decode() for title in titles if title)
    return titles


def test_the_list_is_searched_and_filtered_by_its_address(cast: Cast, south: PartnerNode) -> None:
    west = partner("Western CERT", nation="XW")
    held = agreement_in_force(south, clauses=(clause("1"),))
    agreement_in_force(west, clauses=(clause("1", kinds=("intel.sighting",)),))
    published(1)
    published(2, kind="intel.sighting")
    received(south, held, 3)
    withdraw(SYSTEM, published(4), "wrong")
    client = cast.analyst.browser()
    everything = ["Report number 4", "Their report 3", "Report number 2", "Report number 1"]
    assert titles_in(client) == everything
    assert titles_in(client, "direction=given") == ["Report number 4", "Report number 2", "Report number 1"]
    assert titles_in(client, "direction=received") == ["Their report 3"]
    assert titles_in(client, f"partner={south.row.id}") == everything
    assert titles_in(client, f"partner={west.row.id}") == ["Report number 2"]
    assert titles_in(client, f"readable_by={south.row.id}") == ["Report number 2", "Report number 1"]
    assert titles_in(client, f"readable_by={west.row.id}") == ["Report number 2"]
    # a partner's page leads there
    page = seen(client, f"/en/partners/{west.row.id}/").text
    assert "What it may read now" in page
    assert "All that was given and received" in page
    assert titles_in(client, "kind=intel.sighting") == ["Report number 2"]
    assert titles_in(client, "state=withdrawn") == ["Report number 4"]
    assert titles_in(client, "q=their") == ["Their report 3"]
    assert titles_in(client, "q=nothing") == []
    for unknown in ("kind=nonsense", f"partner={some_id()}"):
        shown = seen(client, f"{LIST}?{unknown}").text
        assert [title for title in everything if title not in shown] == []
        assert client.get(f"{LIST}?format=json&{unknown}").status_code == 302


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("مؤشرات", "مُؤَشِّرات الاختراق"),
        ("اختراق", "مُؤَشِّرات الاختراق"),
        ("hameconnage", "Hameçonnage en série"),
        ("SERIE hame", "Hameçonnage en série"),
        ("onnage", None),
        ("?!", None),
    ],
)
def test_releases_are_found_by_words_that_are_folded(
    cast: Cast, south: PartnerNode, text: str, title: str | None
) -> None:
    held = agreement_in_force(south)
    received(south, held, 1, title="مُؤَشِّرات الاختراق")
    published(2, title="Hameçonnage en série")
    # what was called something before releases had words
    Release.objects.update(words="")
    import_module("taawun.cooperation.federation.migrations.0020_release_words").write_words(apps, None)
    client = cast.analyst.browser()
    wanted = [title] if title else []
    assert titles_in(client, f"q={quote(text)}") == wanted
    told = cast.analyst.api.get("/federation/releases", text=text).json()["items"]
    assert [each["title"] for each in told] == wanted
    came = [title] if title and title.startswith("م") else []
    rows = client.get(f"/en/releases/received/?q={quote(text)}&format=json").getvalue()
    assert [row["title"] for row in json.loads(rows)] == came


def test_the_list_goes_on_behind_a_mark_and_begins_again_at_a_false_one(
    cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement_in_force(south)
    for number in (1, 2, 3):
        published(number)
    monkeypatch.setattr(
        "taawun.cooperation.federation.views.listing.RELEASES", dataclasses.replace(RELEASES, limit=2)
    )
    client = cast.analyst.browser()
    first = seen(client, LIST)
    assert "Report number 3" in first.text
    assert "Report number 1" not in first.text
    (following,) = first.all("a", rel="next")
    second = seen(client, LIST + following["href"])
    assert "Report number 1" in second.text
    (earlier,) = second.all("a", rel="prev")
    assert "Report number 3" in seen(client, LIST + earlier["href"]).text
    assert client.get(f"{LIST}?after=nonsense")["Location"] == LIST


def test_receipts_are_counted_against_receivers(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    release = published()
    client = cast.analyst.browser()
    assert "nobody has signed for it yet" in seen(client, LIST).text
    entry = LaneEntry.objects.get(passage__release=release)
    Receipt.objects.create(
        **Receipt.place_of(entry), entry=entry, partner=south.row, outcome="done", at=now()
    )
    assert "signed for by 1 of 1" in seen(client, LIST).text


def test_the_list_costs_the_same_queries_however_long_it_is(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    client = cast.analyst.browser()
    seen(client, LIST)
    asked = []
    for number in range(20):
        published(number)
        if number in {2, 19}:
            with CaptureQueriesContext(connection) as queries:
                seen(client, LIST)
            asked.append(len(queries))
    assert asked[0] == asked[1] <= 30


def test_a_csv_has_a_line_a_release(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south, clauses=(clause("2.1"),))
    published()
    client = cast.analyst.browser()
    text = b"".join(client.get(f"{LIST}?format=csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # a streaming answer
    (row,) = csv.DictReader(text.splitlines())
    assert (row["direction"], row["tlp"], row["partners"], row["clauses"]) == (
        "given",
        "TLP:GREEN",
        south.node,
        "AG-001 § 2.1",
    )


# ---- what each reader may know ----------------------------------------------------------------------------------
def test_red_is_known_to_the_persons_it_names_alone(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    named = cast.analyst.row.email.upper()
    release = received(south, held, tlp=Tlp.RED, title="The secret plan", persons=[named])
    for path in (LIST, f"{LIST}{release.id}/"):
        assert "The secret plan" in cast.analyst.browser().get(path).content.decode(), path
        hidden = cast.administrator.browser().get(path).content.decode()
        assert "The secret plan" not in hidden, path
        assert "Threat report for the persons it names" in hidden, path
    page = cast.administrator.browser().get(f"{LIST}{release.id}/").content.decode()
    assert "attack:T1059" not in page
    assert release.subject not in page


def test_amber_strict_stays_inside_the_organisation(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    release = received(south, held, tlp=Tlp.AMBER_STRICT, title="Only for us")
    inside, outside = cast.observer.browser(), outsider(cast).browser()
    for path in (LIST, f"{LIST}{release.id}/"):
        assert "Only for us" in inside.get(path).content.decode(), path
        assert "Only for us" not in outside.get(path).content.decode(), path


def test_a_search_and_an_export_tell_no_title_that_the_page_does_not(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    received(south, held, 1, tlp=Tlp.RED, title="The secret plan")
    received(south, held, 2, tlp=Tlp.AMBER_STRICT, title="Only for us")
    assert titles_in(cast.administrator.browser()) == ["Only for us", None]
    assert titles_in(outsider(cast).browser()) == [None, None]
    assert titles_in(cast.administrator.browser(), "q=secret") == []
    assert titles_in(outsider(cast).browser(), "q=only") == []


# ---- one release ------------------------------------------------------------------------------------------------
def test_a_given_release_tells_where_it_went_and_what_became_of_it(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south, clauses=(clause("2.1"),))
    release = published()
    path = f"{LIST}{release.id}/"
    client = cast.analyst.browser()
    assert "not signed for yet" in seen(client, path).text
    entry = LaneEntry.objects.get(passage__release=release)
    Receipt.objects.create(
        **Receipt.place_of(entry),
        entry=entry,
        partner=south.row,
        outcome="unopened",
        reason="unknown-kind",
        at=now(),
    )
    shown = seen(client, path)
    assert "kept unopened: its receiver does not know this kind" in shown.text
    assert "AG-001 § 2.1" in shown.text
    assert "attack:T1566" in shown.text


def test_a_received_release_tells_its_provenance(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    release = received(south, held)
    shown = seen(cast.analyst.browser(), f"{LIST}{release.id}/")
    assert "Came from XS Southern CERT" in shown.text
    assert "Allowed by AG-001 § 1" in shown.text
    assert "Signature verified" in shown.text
    assert "Here taken in" in shown.text


def test_a_withdrawn_release_says_so_with_its_reason(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    release = withdraw(SYSTEM, published(), "It named a wrong address.")
    shown = seen(cast.analyst.browser(), f"{LIST}{release.id}/")
    assert "It named a wrong address." in shown.text
    assert "withdrawn" in shown.text


# ---- a partner's page -------------------------------------------------------------------------------------------
def test_a_partners_page_shows_its_agreements_its_releases_and_what_its_lanes_carry(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_in_force(south, clauses=(clause("1", title=Text.of(en="Reports of the week")),))
    published()
    received(south, held, 2)
    shown = seen(cast.analyst.browser(), f"/en/partners/{south.row.id}/")
    assert "In force AG-001" in shown.text
    assert "Report number 1" in shown.text
    assert "Their report 2" in shown.text
    assert "AG-001 § 1 Reports of the week" in shown.text
