"""Pages of reports: who may open them, what they show and keep back, and what each mistake is answered with."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from django.test import Client

from taawun.capabilities.intel import actions, picturing
from taawun.capabilities.intel.models import Report
from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.federation.models import Release
from taawun.cooperation.people.actions import leave
from taawun.cooperation.people.models import Organisation
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.capabilities.intel.factories import bring, indicator, marked, report, sender
from tests.capabilities.intel.stix.examples import identifier, sdo
from tests.capabilities.intel.viewing import (
    FIRST,
    LIST,
    SECOND,
    draft,
    page_of,
    refused,
    shown,
    three_partners,
)
from tests.cast import Cast, Member, agreement_in_force, clause, partner, person
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

READERS = ("analyst", "officer", "other_officer")


# ---- who may ----------------------------------------------------------------------------------------------------
def paths(held: Report) -> dict[str, str]:
    return {
        "reports": LIST,
        "report": page_of(held),
        "bundle": page_of(held, "bundle/"),
        "objects": f"{LIST}objects/",
        "object": f"{LIST}objects/{FIRST}/",
        "download": f"{LIST}objects/{FIRST}/download/",
    }


def test_who_reads_intelligence_reads_every_page_of_it(cast: Cast) -> None:
    for path in paths(draft(cast.analyst)).values():
        for who in READERS:
            assert dict(cast)[who].browser().get(path).status_code == 200, (who, path)


def test_who_does_not_read_it_reads_none(cast: Cast) -> None:
    held = draft(cast.analyst)
    for path in paths(held).values():
        for who in ("administrator", "observer", "trainee", "stranger"):
            assert dict(cast)[who].browser().get(path).status_code == 403, (who, path)
        assert Client().get(path).status_code == 302


@pytest.mark.parametrize("who", ["administrator", "officer", "observer", "trainee", "stranger"])
def test_who_only_reads_writes_nothing(cast: Cast, who: str) -> None:
    held, client = draft(cast.analyst), dict(cast)[who].browser()
    steps = [page_of(held, step) for step in ("edit/", "publish/", "withdraw/")]
    for path in (
        *steps,
        f"{LIST}reports/new/",
        f"{LIST}imports/",
        f"{LIST}imports/new/",
        f"{LIST}objects/{FIRST}/sighting/",
    ):
        assert client.get(path).status_code == 403, path
        assert client.post(path, {"title": "x", "edition": 1}).status_code in {403, 405}, path
    assert Report.objects.get().edition == 1


def test_who_only_reads_is_offered_no_act(cast: Cast) -> None:
    held = draft(cast.analyst)
    links = [each.get("href", "") for each in shown(cast.officer.browser(), page_of(held)).all("a")]
    assert page_of(held, "bundle/") in links
    assert not {page_of(held, step) for step in ("edit/", "publish/", "withdraw/")} & set(links)


def test_who_only_reads_is_offered_no_act_on_what_is_published(cast: Cast, three: tuple[str, str]) -> None:
    held = draft(cast.analyst)
    published = cast.analyst.browser().post(page_of(held, "publish/"), answer(held, three, three))
    assert published.status_code == 302
    steps = {page_of(held, step) for step in ("edit/", "publish/", "withdraw/")}
    links = {each.get("href", "") for each in shown(cast.officer.browser(), page_of(held)).all("a")}
    assert page_of(held, "bundle/") in links
    assert not steps & links


def test_who_may_not_publish_is_not_offered_to_share_a_report_onward(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(onward=Onward("public")),))
    south.publish(report(1, FIRST), indicator(1), tlp=Tlp.GREEN)
    path, way = page_of(Report.objects.get()), f"/en/releases/{Release.objects.get().id}/onward/"
    assert shown(cast.analyst.browser(), path).all("a", href=way)
    assert not shown(cast.officer.browser(), path).all("a", href=way)


# ---- what is kept back ------------------------------------------------------------------------------------------
@pytest.fixture
def neighbour(cast: Cast) -> Member:
    """An analyst of another organisation of this node."""
    other = Organisation.objects.create(
        names={"en": "Bank"}, kind=Organisation.Kind.NATIONAL_CERT, nation_id="XN"
    )
    return Member(person("analyst", organisation=other), None)


@pytest.mark.parametrize(("tlp", "secret"), [(Tlp.RED, "Redwood"), (Tlp.AMBER_STRICT, "Strictland")])
def test_what_a_marking_keeps_back_is_on_no_page(
    cast: Cast, neighbour: Member, tlp: Tlp, secret: str
) -> None:
    named = indicator(1, name=secret)
    bring(marked(named, tlp), indicator(2), actor=cast.analyst.actor)
    persons = (cast.analyst.row.email,) if tlp == Tlp.RED else ()
    held = draft(cast.analyst, title=f"About {secret}", tlp=tlp, persons=persons)
    open_one = draft(cast.analyst, title="Open", object_ids=(SECOND,))
    client = neighbour.browser()
    for path in (
        LIST,
        f"{LIST}objects/",
        f"{LIST}objects/{SECOND}/",
        page_of(open_one),
    ):
        assert secret not in shown(client, path).text, path
    # these pages repeat the question itself
    assert "No report fits" in shown(client, f"{LIST}?q={secret}").text
    assert "No object fits" in shown(client, f"{LIST}objects/?q={secret}").text
    assert "Nothing found" in shown(client, f"/en/search/?q={secret}").text
    for path in (
        page_of(held),
        page_of(held, "bundle/"),
        page_of(held, "edit/"),
        f"{LIST}objects/{FIRST}/",
        f"{LIST}objects/{FIRST}/download/",
        f"{LIST}objects/{FIRST}/sighting/",
    ):
        assert client.get(path).status_code == 404, path
    for ending in ("csv", "json"):
        body = b"".join(client.get(f"{LIST}objects/?format={ending}"))
        assert secret.encode() not in body
        assert secret.encode() not in b"".join(client.get(f"{LIST}?format={ending}"))
    assert secret in shown(cast.analyst.browser(), page_of(held)).text


def test_a_search_on_the_page_of_writing_finds_only_what_one_may_see(cast: Cast, neighbour: Member) -> None:
    bring(marked(indicator(1, name="Strictland"), Tlp.AMBER_STRICT), actor=cast.analyst.actor)
    given = {"title": "x", "tlp": "TLP:GREEN", "find": "strictland", "step": "find"}
    mine = read(cast.analyst.browser().post(f"{LIST}reports/new/", given))
    theirs = read(neighbour.browser().post(f"{LIST}reports/new/", given))
    assert [each["value"] for each in mine.all("input", name="add")] == [FIRST]
    assert theirs.all("input", name="add") == []


# ---- the list ---------------------------------------------------------------------------------------------------
def test_an_empty_list_says_what_to_do_first(cast: Cast) -> None:
    markup = shown(cast.analyst.browser(), LIST)
    assert "No report yet" in markup.text
    assert markup.all("a", href="/en/intel/imports/new/")
    # who may not import is not asked to
    assert not shown(cast.officer.browser(), LIST).all("a", href="/en/intel/imports/new/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=second", ["Second"]),
        ("q=lure", ["Second", "First"]),
        ("tlp=TLP:AMBER", ["Second"]),
        ("state=draft", ["Second", "First"]),
        ("state=published", []),
        ("tlp=TLP:PINK", ["Second", "First"]),
        ("tlp=TLP:PINK&q=second", ["Second"]),
        ("after=nonsense", None),
    ],
)
def test_filters_live_in_the_address(cast: Cast, query: str, found: list[str] | None) -> None:
    draft(cast.analyst, title="First")
    draft(cast.analyst, title="Second", tlp=Tlp.AMBER)
    response = cast.analyst.browser().get(f"{LIST}?{query}")
    if found is None:
        assert (response.status_code, response["Location"]) == (302, LIST)
        return
    text = read(response).text
    assert [title for title in ("Second", "First") if title in text] == found


def test_the_list_leaves_as_csv_and_json_with_its_filters(cast: Cast) -> None:
    draft(cast.analyst, title="First")
    held = draft(cast.analyst, title="=Second", topics=("attack:T1566",), tlp=Tlp.AMBER)
    client = cast.analyst.browser()
    rows = list(
        csv.DictReader(
            b"".join(client.get(f"{LIST}?tlp=TLP:AMBER&format=csv")).decode("utf-8-sig").splitlines()
        )
    )
    assert [(row["id"], row["title"], row["topics"]) for row in rows] == [
        (str(held.id), "'=Second", "attack:T1566")
    ]
    assert [each["title"] for each in json.loads(b"".join(client.get(f"{LIST}?format=json")))] == [
        "=Second",
        "First",
    ]


# ---- a report ---------------------------------------------------------------------------------------------------
def test_a_draft_shows_its_objects_its_graph_and_that_nobody_has_it(cast: Cast) -> None:
    malware = sdo("malware", 1, name="Wiper", is_family=False)
    tie = sdo("relationship", 1, relationship_type="indicates", source_ref=FIRST, target_ref=malware["id"])
    bring(indicator(1), malware, tie)
    held = draft(cast.analyst, object_ids=(FIRST, malware["id"], tie["id"]), topics=("attack:T1566",))
    markup = shown(cast.analyst.browser(), page_of(held))
    assert "Nobody: it is a draft" in markup.text
    assert "2 objects" in markup.text
    assert "attack:T1566" in markup.text
    assert len(markup.all("g")) == 3
    assert "The report names 2 objects, with 1 tie among them." in markup.text
    assert markup.all("a", href=page_of(held, "publish/"))
    assert not markup.all("a", href=page_of(held, "withdraw/"))


def test_more_objects_than_are_drawn_are_told_as_a_sentence(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picturing, "MOST_DRAWN", 1)
    held = draft(cast.analyst, object_ids=(FIRST, SECOND))
    markup = shown(cast.analyst.browser(), page_of(held))
    assert "too many objects to draw" in markup.text
    assert "2 objects, marked TLP:CLEAR" in markup.text
    assert not [each for each in markup.all("svg") if each.get("id") == "picture"]


def test_a_report_that_was_imported_says_how_it_will_leave(cast: Cast) -> None:
    three_partners()
    bring(indicator(1), report(1, FIRST), actor=cast.analyst.actor)
    held = Report.objects.get()
    client = cast.analyst.browser()
    assert "passed on exactly as its author wrote it" in shown(client, page_of(held, "publish/")).text
    given = {
        "title": "Ours",
        "summary": "",
        "tlp": "TLP:CLEAR",
        "objects": FIRST,
        "edition": 1,
        "step": "save",
    }
    assert client.post(page_of(held, "edit/"), given).status_code == 302
    assert "leaves as a report of this node" in shown(client, page_of(held, "publish/")).text


def test_what_was_passed_on_is_not_offered_to_be_edited_where_publishing_it_again_is_refused(
    cast: Cast,
) -> None:
    three_partners()
    bring(indicator(1), report(1, FIRST), actor=cast.analyst.actor)
    held = actions.publish_report(cast.analyst.actor, Report.objects.get())
    markup = shown(cast.analyst.browser(), page_of(held, "publish/"))
    assert "This was passed on already, as its author wrote it." in markup.text
    assert not markup.all("a", href=page_of(held, "edit/"))


def test_a_bundle_leaves_as_a_file(cast: Cast) -> None:
    held = draft(cast.analyst)
    response = cast.analyst.browser().get(page_of(held, "bundle/"))
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]
    assert [each["id"] for each in json.loads(b"".join(response))["objects"]] == [FIRST]


def test_a_received_report_says_where_it_came_from_by_which_clause_and_what_may_be_done(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(retention_days=30),))
    south.publish(report(1, FIRST, name="From the south"), indicator(1), tlp=Tlp.AMBER)
    held = Report.objects.get()
    markup = shown(cast.analyst.browser(), page_of(held))
    for words in (
        "Came from",
        "South",
        "Allowed by",
        "verified",
        "What we may do with it",
        "30 days",
        "delete",
    ):
        assert words in markup.text
    assert any(each.get("class") == "clause" for each in markup.all("a"))
    assert not {page_of(held, "edit/"), page_of(held, "publish/")} & {
        each.get("href") for each in markup.all("a")
    }
    # and nobody can reach a step that is not offered
    assert cast.analyst.browser().get(page_of(held, "publish/")).status_code == 403
    assert cast.analyst.browser().get(page_of(held, "edit/")).status_code == 403


def test_a_report_shows_ten_of_its_objects_and_leads_to_the_list_of_all_of_them(cast: Cast) -> None:
    many = [indicator(number) for number in range(1, 13)]
    bring(*many, indicator(20, name="Of no report"), tlp=Tlp.GREEN)
    held = draft(cast.analyst, object_ids=tuple(each["id"] for each in many))
    client = cast.analyst.browser()
    page = shown(client, page_of(held))
    assert len([each for each in page.all("a") if each["href"].endswith("/sighting/")]) == 10
    # a marking that all of them bear is said once
    assert "10 of 12 objects, marked TLP:GREEN" in page.text
    assert "Sightings Act" in page.text
    assert page.all("a", href=f"{LIST}objects/?report={held.id}")
    listed = shown(client, f"{LIST}objects/?report={held.id}")
    assert "12 in all" in listed.text
    assert f"What “{held.title}” names, newest first." in listed.text
    assert listed.all("input", type="hidden", name="report", value=str(held.id))
    assert "Of no report" not in listed.text
    rows = json.loads(b"".join(client.get(f"{LIST}objects/?report={held.id}&q=12&format=json")))
    assert [each["id"] for each in rows] == [identifier("indicator", 12)]
    # what is no report of the reader's names nothing
    assert "No object fits" in shown(client, f"{LIST}objects/?report={FIRST[-36:]}").text


def test_markings_that_differ_have_a_column(cast: Cast) -> None:
    bring(marked(indicator(1), Tlp.CLEAR), marked(indicator(2), Tlp.GREEN))
    page = shown(cast.analyst.browser(), page_of(draft(cast.analyst, object_ids=(FIRST, SECOND))))
    assert "Kind Marking Sightings" in page.text
    assert "2 objects" in page.text
    assert "marked" not in page.text


def test_a_report_says_who_may_see_it_here_and_who_holds_it(cast: Cast) -> None:
    client = cast.analyst.browser()
    for tlp, sentence in (
        (Tlp.AMBER, "Everybody at this node who may read threat intelligence."),
        (
            Tlp.AMBER_STRICT,
            "Those of Northern CERT who may read threat intelligence; nobody else at this node.",
        ),
        (Tlp.RED, f"Only the persons whom it names: {cast.analyst.row.name}."),
    ):
        page = shown(client, page_of(draft(cast.analyst, tlp=tlp, persons=(cast.analyst.row.email,))))
        assert sentence in page.text, tlp
        assert "Nobody: it is a draft, and has never left this node." in page.text
    south = sender("South", "XS")
    south.publish(report(7, identifier("indicator", 8), name="Theirs"), indicator(8))
    page = shown(client, page_of(Report.objects.get(origin=south.node)))
    assert "this node" in page.text
    assert "Whom else its source gave it to, only its source knows." in page.text


def test_who_left_is_none_of_those_who_may_see_a_report_that_names_them(cast: Cast) -> None:
    persons = (cast.analyst.row.email, cast.officer.row.email)
    held = draft(cast.analyst, tlp=Tlp.RED, persons=persons)
    names = sorted((cast.analyst.row.name, cast.officer.row.name))
    before = shown(cast.analyst.browser(), page_of(held)).text
    assert f"Only the persons whom it names: {names[0]} and {names[1]}." in before
    leave(cast.administrator.actor, cast.officer.row, cast.officer.row.memberships.get().organisation)
    after = shown(cast.analyst.browser(), page_of(held)).text
    assert f"Only the persons whom it names: {cast.analyst.row.name}." in after


def test_the_history_of_a_report_tells_of_a_version_only_the_persons_whom_that_names(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    told = report(7, identifier("indicator", 8))
    second = {**told, "modified": "2024-03-01T12:00:00.000Z"}
    south.publish(told, indicator(8))
    south.publish(second, indicator(8), tlp=Tlp.RED, persons=(cast.analyst.row.email,))
    open_to_all, red = Release.objects.order_by("id")
    Release.objects.filter(id=red.id).update(withdrawn=red.issued, withdrawal_reason="The source was found")
    path = page_of(Report.objects.get(release=open_to_all))
    named, other = (shown(member.browser(), path) for member in (cast.analyst, cast.officer))
    for page, is_told in ((named, True), (other, False)):
        assert page.all("a", href=f"/en/releases/{open_to_all.id}/")
        assert bool(page.all("a", href=f"/en/releases/{red.id}/")) is is_told
        assert ("The source was found" in page.text) is is_told
        assert ("Version 2 received" in page.text) is is_told


def test_a_withdrawn_report_of_a_partner_keeps_its_place_and_no_content(cast: Cast) -> None:
    south = sender("South", "XS")
    about = report(1, FIRST, name="Redoubt")
    south.publish(about, indicator(1, name="Gone"))
    south.withdraw(about)
    markup = shown(cast.analyst.browser(), page_of(Report.objects.get()))
    assert "Its source withdrew this report." in markup.text
    assert "Redoubt" not in markup.text
    assert "Gone" not in markup.text


# ---- publishing -------------------------------------------------------------------------------------------------
@pytest.fixture
def three(cast: Cast) -> tuple[str, str]:
    return three_partners()


def answer(
    held: Report, ticked: tuple[str, ...], everybody: tuple[str, ...], **changes: Any
) -> dict[str, Any]:
    return {"edition": held.edition, "receivers": ticked, "shown": everybody, **changes}


def test_the_button_says_to_how_many_as_the_boxes_stand(cast: Cast, three: tuple[str, str]) -> None:
    client = cast.analyst.browser()
    held = draft(cast.analyst)
    page = shown(client, page_of(held, "publish/"))
    (words,) = [json.loads(each["data-to"]) for each in page.all("span") if "data-to" in each]
    assert words == [
        "Sign and publish",
        "Sign and publish to 1 party",
        "Sign and publish to 2 parties",
    ]
    assert "Sign and publish to 2 parties" in page.text
    # whoever was left out stays so, and the button with them
    narrower = refused(client, page_of(held, "publish/"), answer(held, three[:1], (*three, "gone")))
    assert "Sign and publish to 1 party" in narrower.text
    # on paper every page bears the marking
    for path in (page_of(held), page_of(held, "publish/"), f"{LIST}objects/{FIRST}/"):
        assert [each["class"][:6] for each in shown(client, path).all("main")] == ["paper-"], path


def test_the_question_names_who_receives_and_who_does_not_and_why(cast: Cast, three: tuple[str, str]) -> None:
    held = draft(cast.analyst)
    markup = shown(cast.analyst.browser(), page_of(held, "publish/"))
    boxes = markup.all("input", name="receivers")
    assert {each["value"] for each in boxes} == set(three)
    assert all("checked" in each for each in boxes)
    assert "Sign and publish to 2 parties" in markup.text
    assert "1 does not, and why" in markup.text
    assert "West" in markup.text
    assert "TLP:CLEAR" in markup.text
    assert not Release.objects.exists()


def test_with_everybody_ticked_the_clauses_decide(cast: Cast, three: tuple[str, str]) -> None:
    held = draft(cast.analyst)
    response = cast.analyst.browser().post(page_of(held, "publish/"), answer(held, three, three))
    assert (response.status_code, response["Location"]) == (302, page_of(held))
    release = Release.objects.get()
    assert not release.has_audience
    markup = shown(cast.analyst.browser(), page_of(held))
    assert "not signed for yet" in markup.text
    assert "Who does not, and why" in markup.text
    assert markup.all("a", href=page_of(held, "withdraw/"))
    # whoever comes back to the question is told that it is answered
    again = shown(cast.analyst.browser(), page_of(held, "publish/"))
    assert "It was published already, last on" in again.text
    assert "Sign and publish a new version to 2 parties" in again.text


def test_with_one_unticked_only_the_others_receive_it(cast: Cast, three: tuple[str, str]) -> None:
    held = draft(cast.analyst)
    cast.analyst.browser().post(page_of(held, "publish/"), answer(held, three[:1], three))
    release = Release.objects.get()
    assert release.has_audience
    assert [each.party for each in release.parties.filter(role="audience")] == [three[0]]


def test_a_refused_answer_is_a_sentence_and_keeps_the_ticks(cast: Cast, three: tuple[str, str]) -> None:
    held, client = draft(cast.analyst), cast.analyst.browser()
    path = page_of(held, "publish/")
    assert "Nobody is ticked." in refused(client, path, answer(held, (), three)).text
    assert "not sent whole" in refused(client, path, answer(held, three, three, edition="")).text
    newer = answer(held, three[1:], three, edition=held.edition + 1)
    markup = refused(client, path, newer)
    assert "Somebody else changed this report meanwhile." in markup.text
    assert [each["value"] for each in markup.all("input", name="receivers") if "checked" in each] == [
        three[1]
    ]
    assert not Release.objects.exists()


def test_who_receives_having_changed_meanwhile_it_is_asked_again(cast: Cast, three: tuple[str, str]) -> None:
    held = draft(cast.analyst)
    given = answer(held, three, three)
    agreement_in_force(partner("North", nation="XD"))
    markup = refused(cast.analyst.browser(), page_of(held, "publish/"), given)
    assert "Meanwhile it changed who would receive this." in markup.text
    assert "Sign and publish to 3 parties" in markup.text
    assert not Release.objects.exists()


def test_a_report_that_cannot_be_published_says_why_and_offers_no_button(
    cast: Cast, three: tuple[str, str]
) -> None:
    held = draft(cast.analyst, object_ids=())
    markup = shown(cast.analyst.browser(), page_of(held, "publish/"))
    assert "A report speaks of at least one object." in markup.text
    assert markup.all("a", href=page_of(held, "edit/"))
    assert "Sign and publish" not in markup.text
    assert (
        "Add one first."
        in refused(cast.analyst.browser(), page_of(held, "publish/"), answer(held, three, three)).text
    )


def test_with_nobody_to_receive_it_there_is_nothing_to_sign(cast: Cast) -> None:
    held, client = draft(cast.analyst), cast.analyst.browser()
    markup = shown(client, page_of(held, "publish/"))
    assert "Nobody: no clause in force allows it." in markup.text
    assert "Sign and publish" not in markup.text
    assert (
        "Nobody would receive this" in refused(client, page_of(held, "publish/"), answer(held, (), ())).text
    )
    assert Report.objects.get().state == Report.State.DRAFT


# ---- withdrawing ------------------------------------------------------------------------------------------------
def test_withdrawing_asks_for_a_reason_and_is_recorded(cast: Cast, three: tuple[str, str]) -> None:
    held = actions.publish_report(cast.analyst.actor, draft(cast.analyst))
    client, path = cast.analyst.browser(), page_of(held, "withdraw/")
    assert "Withdraw it everywhere" in shown(client, path).text
    assert "its receivers will ask" in read(client.post(path, {"edition": held.edition, "reason": " "})).text
    assert "Somebody else changed" in refused(client, path, {"edition": 1, "reason": "Wrong host."}).text
    assert client.post(path, {"edition": held.edition, "reason": "Wrong host."}).status_code == 302
    assert Report.objects.get().state == Report.State.WITHDRAWN
    assert Entry.objects.filter(verb="intel.report-withdrawn").count() == 1
    assert "This report was withdrawn." in shown(client, page_of(held)).text
    assert client.get(path).status_code == 403


# ---- writing ----------------------------------------------------------------------------------------------------
WRITTEN: dict[str, Any] = {
    "title": "Wave 3",
    "summary": "A lure.",
    "tlp": "TLP:AMBER",
    "topics": "attack:T1566\nattack:T1566.002",
    "languages": ["en", "ar"],
    "other_languages": "",
    "persons": "",
    "objects": f"{FIRST}\n{SECOND}",
    "step": "save",
}


def test_a_report_is_written_on_one_page(cast: Cast) -> None:
    bring(indicator(1), indicator(2))
    response = cast.analyst.browser().post(f"{LIST}reports/new/", WRITTEN)
    held = Report.objects.get()
    assert response["Location"] == page_of(held)
    assert (held.title, held.tlp, held.topics) == ("Wave 3", Tlp.AMBER, ["attack:T1566", "attack:T1566.002"])
    assert held.languages == ["en", "ar"]
    assert sorted(held.named_objects.values_list("stix_id", flat=True)) == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": ""}, "This field is required."),
        ({"title": "x" * 301}, "at most 300 characters"),
        ({"topics": "no-topic"}, "is no topic"),
        ({"other_languages": "english!"}, "is no language code"),
        ({"languages": ["xx"]}, "Select a valid choice."),
        ({"objects": identifier("indicator", 9)}, "There is no such object here"),
        ({"tlp": "TLP:RED"}, "Write their e-mail addresses."),
        ({"tlp": "TLP:RED", "persons": "nobody"}, "is no e-mail address"),
        ({"tlp": "TLP:PINK"}, "Select a valid choice."),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(
    cast: Cast, change: dict[str, str], sentence: str
) -> None:
    bring(indicator(1), indicator(2))
    markup = refused(cast.analyst.browser(), f"{LIST}reports/new/", {**WRITTEN, **change})
    assert sentence in markup.text
    assert any(
        each.get("aria-invalid") == "true"
        for tag in ("input", "textarea", "select")
        for each in markup.all(tag)
    )
    assert markup.inside["summary"].strip() == "A lure."
    assert not Report.objects.exists()


def test_all_that_is_wrong_is_told_at_once_each_at_its_field(cast: Cast) -> None:
    wrong = {"title": "", "topics": "no-topic", "other_languages": "english!", "objects": "indicator--9"}
    markup = refused(cast.analyst.browser(), f"{LIST}reports/new/", {**WRITTEN, **wrong})
    told = {
        each["name"] for tag in ("input", "textarea") for each in markup.all(tag) if each.get("aria-invalid")
    }
    assert told == {"title", "topics", "other_languages", "objects"}
    assert "write the short name of a vocabulary, a colon and the identifier of a term" in markup.text


def test_the_languages_of_a_report_are_ticked_and_named(cast: Cast) -> None:
    bring(indicator(1), indicator(2))
    browser = cast.analyst.browser()
    new = shown(browser, f"{LIST}reports/new/")
    assert "العربية English Français" in new.text
    assert "At least one before it is published." in new.text
    browser.post(f"{LIST}reports/new/", {**WRITTEN, "other_languages": "ms"})
    held = Report.objects.get()
    assert held.languages == ["en", "ar", "ms"]
    assert "Languages: English, Arabic, and Malay" in shown(browser, page_of(held)).text
    edit = shown(browser, page_of(held, "edit/"))
    ticked = [each["value"] for each in edit.all("input", name="languages") if "checked" in each]
    assert (ticked, edit.all("input", name="other_languages")[0]["value"]) == (["ar", "en"], "ms")


def test_a_report_after_an_import_begins_with_what_it_brought(cast: Cast) -> None:
    held = bring(indicator(1), indicator(2))
    browser = cast.analyst.browser()
    address = f"{LIST}reports/new/?import={held.id}"
    assert shown(browser, f"{LIST}imports/{held.id}/").all("a", href=address)
    assert shown(browser, address).inside["objects"].split() == [FIRST, SECOND]
    assert shown(browser, f"{LIST}reports/new/?import={held.person_id}").inside["objects"].split() == []


def test_objects_are_searched_and_added_without_losing_what_was_typed(cast: Cast) -> None:
    bring(indicator(1), indicator(2))
    client, path = cast.analyst.browser(), f"{LIST}reports/new/"
    # Enter in the field of the search sends the button that stands first, which is that of saving
    found = read(
        client.post(path, {**WRITTEN, "title": "", "objects": FIRST, "find": "indicator", "found": ""})
    )
    assert {each["value"]: "disabled" in each for each in found.all("input", name="add")} == {
        FIRST: True,
        SECOND: False,
    }
    added = read(
        client.post(
            path,
            {
                **WRITTEN,
                "objects": FIRST,
                "find": "indicator",
                "found": "indicator",
                "step": "add",
                "add": [SECOND],
            },
        )
    )
    assert added.inside["objects"].split() == [FIRST, SECOND]
    assert added.inside["summary"].strip() == "A lure."
    assert added.all("input", name="title")[0]["value"] == "Wave 3"
    assert not Report.objects.exists()


def test_an_edit_of_something_that_changed_meanwhile_is_kept_on_the_page(cast: Cast) -> None:
    held = draft(cast.analyst)
    path, client = page_of(held, "edit/"), cast.analyst.browser()
    assert shown(client, path).all("input", name="edition")[0]["value"] == "1"
    assert client.post(path, {**WRITTEN, "title": "Theirs", "edition": 1}).status_code == 302
    markup = read(client.post(path, {**WRITTEN, "title": "Mine", "edition": 1}), 409)
    assert f"{cast.analyst.row.name} saved it on" in markup.text
    assert "Title Theirs Mine Save mine Take what is saved" in markup.text
    assert markup.all("input", name="title")[0]["value"] == "Mine"
    assert Report.objects.get().title == "Theirs"
    # what is sent again is about the edition that was shown
    [edition] = markup.all("input", name="edition")
    mine = {**WRITTEN, "title": "Mine", "edition": edition["value"]}
    assert client.post(path, mine).status_code == 302
    assert Report.objects.get().title == "Mine"


def test_a_marking_is_not_lowered_after_publishing(cast: Cast, three: tuple[str, str]) -> None:
    held = actions.publish_report(cast.analyst.actor, draft(cast.analyst))
    given = {**WRITTEN, "tlp": "TLP:CLEAR", "edition": held.edition}
    assert (
        "A marking is never lowered." in refused(cast.analyst.browser(), page_of(held, "edit/"), given).text
    )
