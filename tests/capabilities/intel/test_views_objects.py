"""Pages of imports, objects and sightings; and every page of intelligence in the browser."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.models import Import, Report, Sighting, StixObject
from taawun.cooperation.federation.models import Release
from taawun.foundation.tlp import Tlp, stix_marking_definition
from taawun.platform.files.models import StoredFile
from tests.capabilities.intel.factories import Silent, bring, indicator, marked, report, sender
from tests.capabilities.intel.stix.examples import bundle, identifier, sdo
from tests.capabilities.intel.viewing import FIRST, LIST, draft, page_of, refused, shown
from tests.cast import Cast, Member, clause, person
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")


# ---- importing --------------------------------------------------------------------------------------------------
NEW = f"{LIST}imports/new/"
HOW = {"tlp": "TLP:GREEN"}


def upload(content: bytes, name: str = "wave.json") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "application/json")


def test_a_file_is_taken_in_and_its_page_tells_what_came_of_it(cast: Cast) -> None:
    client = cast.analyst.browser()
    response = client.post(NEW, {**HOW, "file": upload(bundle(report(1, FIRST, name="Wave"), indicator(1)))})
    held = Import.objects.get()
    path = f"{LIST}imports/{held.id}/"
    assert response["Location"] == path
    assert (held.name, held.default_tlp) == ("wave.json", Tlp.GREEN)
    waiting = shown(client, path)
    assert waiting.all("progress")
    assert waiting.all("div", id="part-import")[0]["data-seconds"] == "1"
    actions.run_import(Silent(), str(held.id))
    markup = shown(client, path)
    assert "Taken in." in markup.text
    assert "New here 2" in markup.text
    assert markup.all("a", href=page_of(Report.objects.get()))
    assert markup.all("div", id="part-import")[0]["data-seconds"] == "0"
    assert "wave.json" in shown(client, f"{LIST}imports/").text


def test_a_file_of_which_nothing_is_new_says_so(cast: Cast) -> None:
    client = cast.analyst.browser()
    pages = []
    for content in (bundle(indicator(1)), bundle(indicator(1))):
        path = client.post(NEW, {**HOW, "file": upload(content)})["Location"]
        actions.run_import(Silent(), path.rstrip("/").rsplit("/", 1)[1])
        pages.append(shown(client, path).text)
    first, again = pages
    assert "Taken in." in first
    assert "Nothing new: everything in it was known before." in again
    assert "Taken in." not in again
    assert "nothing new" in shown(client, f"{LIST}imports/").text


def test_a_file_of_which_everything_was_refused_says_so(cast: Cast) -> None:
    client = cast.analyst.browser()
    given = {**HOW, "file": upload(bundle(indicator(1, pattern=7))), "leave_out_refused": "on"}
    path = client.post(NEW, given)["Location"]
    actions.run_import(Silent(), str(Import.objects.get().id))
    page = shown(client, path)
    assert "Nothing was taken in: every object was refused." in page.text
    assert "Taken in." not in page.text
    assert "It held no report." not in page.text
    assert [each for each in page.all("div") if "alarm" in each.get("class", "")]
    assert "nothing taken in, all refused" in shown(client, f"{LIST}imports/").text


def test_a_paste_is_taken_in_as_well(cast: Cast) -> None:
    given = {**HOW, "paste": bundle(indicator(1)).decode(), "name": "From a letter"}
    assert cast.analyst.browser().post(NEW, given).status_code == 302
    assert Import.objects.get().name == "From a letter"


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({}, ["Choose a file, or paste the text."]),
        (
            {"paste": '{"type": "bundle",\n "objects": [1,,2]}'},
            ["Line 2, column 16", "/objects/1", "Nothing was stored."],
        ),
        ({"paste": "[]"}, ["Nothing was stored."]),
        ({"paste": "{}", "tlp": ""}, ["This field is required."]),
    ],
)
def test_what_is_no_intelligence_is_refused_with_its_place(
    cast: Cast, given: dict[str, str], sentences: list[str]
) -> None:
    markup = refused(cast.analyst.browser(), NEW, {**HOW, **given})
    for sentence in sentences:
        assert sentence.lower() in markup.text.lower()
    assert markup.inside["paste"].strip() == given.get("paste", "")
    assert not Import.objects.exists()


FAULTS = {
    "malformed": (b'{"type": "bundle",\n "objects": [{"a": 1,}]}', "2", "22", "/objects/0/a"),
    "trailing": (b'{"type": "bundle", "objects": []}\n{}', "2", "1", ""),
    "nested": (b'{"objects":\n[' + b"[" * 99 + b"]" * 99 + b"]}", "2", "64", "/objects/0"),
    "twice": (b'{"objects": [\n{"a": 1, "a": 2}]}', "2", "10", "/objects/0/a"),
    "utf8": (b'{"objects":\n["\xff"]}', "2", "3", ""),
    "number": (b'{"objects":\n[NaN]}', "2", "2", "/objects/0"),
    "nul": (b'{"objects":\n["\\u0000"]}', "2", "2", "/objects/0"),
}
# the word for a line, and the beginning of what says that nothing was stored
TOLD = {
    "en": ("line", "Nothing was stored."),
    "fr": ("ligne", "Rien n’a été enregistré."),
    "ar": ("السطر", "لم يُخزَّن شيء."),
}
MENDS = {
    "malformed": ("Mend the text", "Corrigez le texte", "أصلح النص"),
    "trailing": ("send one value", "une seule valeur", "قيمة واحدة"),
    "nested": ("further out", "Remontez", "انقل"),
    "twice": ("keep one of them", "une", "واحد"),
    "utf8": ("UTF-8", "UTF-8", "UTF-8"),
    "number": ("leave the property out", "omettez", "احذف"),
    "nul": ("Take it out", "Supprimez", "احذف"),
}


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
@pytest.mark.parametrize("way", ["file", "paste"])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_of_a_file_is_told_with_its_place_and_its_mend_and_nothing_is_stored(
    cast: Cast, language: str, way: str, fault: str
) -> None:
    raw, line, column, pointer = FAULTS[fault]
    client = cast.analyst.browser()
    sent = {"file": upload(raw)} if way == "file" else {"paste": raw.decode("utf-8", "replace")}
    markup = refused(client, NEW.replace("/en/", f"/{language}/"), {**HOW, **sent})
    latin = markup.text.translate(str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789"))
    word, nothing = TOLD[language]
    assert f"{word} {line}" in latin.lower()
    assert column in latin
    assert pointer in latin
    assert nothing in latin
    assert MENDS[fault][("en", "fr", "ar").index(language)].lower() in latin.lower()
    assert not Import.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "at most 10 B are accepted"), ("fr", "10"), ("ar", "١٠")],
)
def test_a_file_that_is_too_large_is_told_its_limit_in_the_readers_language(
    cast: Cast, settings: Any, language: str, sentence: str
) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    path = NEW.replace("/en/", f"/{language}/")
    assert (
        sentence
        in refused(cast.analyst.browser(), path, {**HOW, "file": upload(b"[" + b" " * 20 + b"]")}).text
    )
    assert not StoredFile.objects.exists()


def test_a_file_and_a_paste_at_once_and_a_file_too_large_are_refused(cast: Cast, settings: Any) -> None:
    client = cast.analyst.browser()
    both = {**HOW, "file": upload(b"{}"), "paste": "{}"}
    assert "not both" in refused(client, NEW, both).text
    settings.MAX_UPLOAD_BYTES = 10
    assert "at most 10 B" in refused(client, NEW, {**HOW, "file": upload(b"[" + b" " * 20 + b"]")}).text
    assert not Import.objects.exists()


def test_what_was_noticed_often_is_one_line_with_its_places_behind_it(cast: Cast) -> None:
    bad = [indicator(number, valid_from="x") for number in range(2, 70)]
    held = bring(indicator(1), *bad, indicator(1), actor=cast.analyst.actor)
    address = f"{LIST}imports/{held.id}/"
    markup = shown(cast.analyst.browser(), address)
    assert "67 more of this kind" in markup.text
    assert markup.text.count("is no STIX timestamp") == 1
    assert markup.text.count("objects/1/valid_from") == 1
    assert "objects/51/valid_from" in markup.text
    assert "objects/68/valid_from" not in markup.text
    following = shown(cast.analyst.browser(), f"{address}?code=bad-timestamp")
    assert following.text.count("is no STIX timestamp") == 50


def test_what_was_noticed_stands_with_its_line_and_a_sentence(cast: Cast) -> None:
    wrong = indicator(1)
    del wrong["pattern"]
    held = bring(indicator(2), wrong, actor=cast.analyst.actor)
    markup = shown(cast.analyst.browser(), f"{LIST}imports/{held.id}/")
    assert held.state == Import.State.REFUSED
    assert "Nothing was stored: some of its objects are not valid." in markup.text
    assert "objects/1" in markup.text
    assert "error" in markup.text


def test_a_red_import_is_for_whom_brought_it(cast: Cast) -> None:
    held = bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.RED, name="Redwood.json")
    other = Member(person("analyst"), None).browser()
    assert other.get(f"{LIST}imports/{held.id}/").status_code == 404
    assert "Redwood" not in shown(other, f"{LIST}imports/").text


# ---- objects and sightings --------------------------------------------------------------------------------------
def test_objects_are_found_by_words_kind_and_marking_page_by_page(cast: Cast) -> None:
    bring(*(indicator(number) for number in range(1, 61)), sdo("tool", 1, name="Kit B"))
    client, path = cast.analyst.browser(), f"{LIST}objects/"
    first = shown(client, path)
    (following,) = {each["href"] for each in first.all("a") if "after=" in each.get("href", "")}
    assert "Indicator 1" in shown(client, f"{path}{following}").text
    assert "Kit B" in shown(client, f"{path}?type=tool").text
    assert "Indicator" not in shown(client, f"{path}?q=kit").text.replace("Indicator", "", 1)
    assert "No object fits" in shown(client, f"{path}?tlp=TLP:RED").text
    rows = list(
        csv.DictReader(b"".join(client.get(f"{path}?type=tool&format=csv")).decode("utf-8-sig").splitlines())
    )
    assert [(row["id"], row["tlp"]) for row in rows] == [(identifier("tool", 1), "TLP:CLEAR")]


def test_chosen_objects_begin_a_report_or_are_saved_as_one_bundle_as_far_as_one_sees_them(cast: Cast) -> None:
    bring(*(indicator(number) for number in range(1, 4)), tlp=Tlp.GREEN)
    one, two, three = (identifier("indicator", number) for number in range(1, 4))
    StixObject.objects.filter(stix_id=three).update(tlp=Tlp.RED)
    client = cast.analyst.browser()
    chosen = f"chosen={one}&chosen={two}&chosen={three}&chosen=nonsense&chosen=%00"
    begun = read(client.get(f"{LIST}reports/new/?{chosen}"))
    assert begun.inside["objects"].split()[:2] == [one, two]
    answer = client.get(f"{LIST}objects/?{chosen}&format=stix")
    assert answer["Content-Type"] == "application/stix+json;version=2.1"
    told = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]  # it is streamed
    assert (told["type"], [each["id"] for each in told["objects"]]) == ("bundle", [one, two])
    rows = json.loads(b"".join(client.get(f"{LIST}objects/?{chosen}&format=json")))
    assert {each["id"] for each in rows} == {one, two}
    assert {each["object_marking_refs"][0] for each in told["objects"]} == {
        stix_marking_definition(Tlp.GREEN)["id"]
    }


@pytest.mark.parametrize(
    ("sort", "first"), [("kind", "Indicator 2"), ("-kind", "Sofacy"), ("-created", "Sofacy")]
)
def test_objects_are_sorted_by_kind_and_age_but_found_words_by_age_alone(
    cast: Cast, sort: str, first: str
) -> None:
    bring(indicator(1), indicator(2), sdo("malware", 1, name="Sofacy", is_family=True))
    client = cast.analyst.browser()
    rows = shown(client, f"{LIST}objects/?sort={sort}").text
    names = sorted(("Indicator 1", "Indicator 2", "Sofacy"), key=rows.index)
    assert names[0] == first
    assert not [
        each
        for each in shown(client, f"{LIST}objects/?q=indicator").all("a")
        if each.get("id") == "sort-kind"
    ]


def test_an_object_shows_its_text_its_ties_and_where_it_came_from(cast: Cast) -> None:
    held = draft(cast.analyst)
    bring(
        indicator(1, name="<b>Evil</b>", modified="2024-03-01T12:00:00.000Z"),
        actor=cast.analyst.actor,
        name="second.json",
    )
    markup = shown(cast.analyst.browser(), f"{LIST}objects/{FIRST}/")
    assert "<b>Evil</b>" in markup.text
    assert markup.all("pre", dir="ltr")
    assert "second.json" in markup.text
    assert held.title in markup.text
    assert "2024-03-01T12:00:00.000000Z" in markup.text
    assert "2024-01-31T12:00:00.000000Z" in markup.text
    download = cast.analyst.browser().get(f"{LIST}objects/{FIRST}/download/")
    assert download["Content-Disposition"].startswith("attachment")
    assert json.loads(download.content)["name"] == "<b>Evil</b>"


def test_observed_data_is_called_by_what_was_observed(cast: Cast) -> None:
    domain = {
        "type": "domain-name",
        "spec_version": "2.1",
        "id": identifier("domain-name"),
        "value": "seen.example",
    }
    data = sdo(
        "observed-data",
        1,
        first_observed="2024-01-31T12:00:00Z",
        last_observed="2024-01-31T12:00:00Z",
        number_observed=1,
        object_refs=[domain["id"]],
    )
    bring(domain, data)
    text = shown(cast.analyst.browser(), f"{LIST}objects/?type=observed-data").text
    assert "seen.example" in text
    assert data["id"] not in text


def test_a_sighting_goes_back_and_the_page_says_to_whom(cast: Cast) -> None:
    south = sender("South", "XS")
    south.publish(report(1, FIRST), indicator(1))
    client, path = cast.analyst.browser(), f"{LIST}objects/{FIRST}/sighting/"
    assert "Nobody else receives it." in shown(client, path).text
    response = client.post(path, {"count": 3, "note": "At the gateway."})
    made = Sighting.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{path}{made.id}/")
    # loading the page again is asking again, and records nothing
    for _time in range(2):
        told = shown(client, response["Location"])
        assert "Sent to" in told.text
        assert "South" in told.text
    assert Sighting.objects.get().count == 3
    assert "At the gateway." in shown(client, f"{LIST}objects/{FIRST}/").text


def test_a_sighting_that_no_clause_carries_back_stays_here_and_the_page_says_why(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(kinds=("intel.report",)),))
    south.publish(report(1, FIRST), indicator(1))
    told = read(cast.analyst.browser().post(f"{LIST}objects/{FIRST}/sighting/", {"count": 1}, follow=True))
    assert "It stays on this node." in told.text
    assert "Not sent to, and why" in told.text
    assert "South" in told.text
    assert Sighting.objects.get().release is None


def test_what_became_of_a_sighting_is_for_whom_it_is_there_to_see(cast: Cast) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.RED)
    own = cast.analyst.browser().post(f"{LIST}objects/{FIRST}/sighting/", {"count": 1})["Location"]
    assert "The object is our own" in shown(cast.analyst.browser(), own).text
    assert Member(person("analyst"), None).browser().get(own).status_code == 404
    assert cast.officer.browser().get(own).status_code == 403


def test_a_sighting_of_a_partner_has_no_page_of_ours(cast: Cast) -> None:
    south = sender("South", "XS")
    bring(indicator(1))
    seen = sdo("sighting", 1, sighting_of_ref=FIRST, count=2)
    south.publish(seen, kind="intel.sighting")
    path = f"{LIST}objects/{FIRST}/sighting/{Sighting.objects.get().id}/"
    assert cast.analyst.browser().get(path).status_code == 404


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"count": 0}, "greater than or equal to 1"),
        ({"count": "many"}, "Enter a whole number."),
        (
            {"count": 1, "first_seen": "2024-02-02T10:00", "last_seen": "2024-01-01T10:00"},
            "last seen before it was first seen",
        ),
        ({"count": 1, "last_seen": "2124-01-01T10:00"}, "has not been seen yet"),
    ],
)
def test_a_sighting_that_makes_no_sense_is_refused(cast: Cast, given: dict[str, Any], sentence: str) -> None:
    bring(indicator(1))
    markup = refused(cast.analyst.browser(), f"{LIST}objects/{FIRST}/sighting/", {**given, "note": "Kept."})
    assert sentence in markup.text
    assert markup.inside["note"].strip() == "Kept."
    assert not Sighting.objects.exists()


# ---- finding and leading ----------------------------------------------------------------------------------------
def test_the_search_of_the_header_finds_reports_and_objects(cast: Cast) -> None:
    held = draft(cast.analyst, title="Customs wave")
    bring(indicator(5, name="customs.example"))
    hrefs = {each.get("href") for each in shown(cast.analyst.browser(), "/en/search/?q=customs").all("a")}
    assert {page_of(held), f"{LIST}objects/{identifier('indicator', 5)}/"} <= hrefs


def test_the_navigation_leads_to_what_one_may(cast: Cast) -> None:
    analyst, officer = (
        {each.get("href") for each in shown(member.browser(), LIST).all("a")}
        for member in (cast.analyst, cast.officer)
    )
    assert {LIST, f"{LIST}objects/", f"{LIST}imports/"} <= analyst
    assert f"{LIST}imports/" not in officer


def test_what_nobody_can_see_has_no_link_that_says_so(cast: Cast) -> None:
    value = dict(stix_marking_definition(Tlp.GREEN))
    bring(value, indicator(1), actor=cast.analyst.actor)
    client = cast.analyst.browser()
    links = [each["href"] for each in shown(client, f"{LIST}objects/").all("a") if "href" in each]
    of_indicator = f"{LIST}objects/{FIRST}/sighting/"
    assert [each for each in links if each.endswith("/sighting/")] == [of_indicator]
    page = f"{LIST}objects/{value['id']}/"
    assert "We saw it" not in shown(client, page).text
    assert "We saw it" in shown(client, f"{LIST}objects/{FIRST}/").text
    assert client.get(f"{page}sighting/").headers["Location"] == page


def test_an_object_that_everybody_reads_tells_only_the_persons_it_names_of_a_red_release_that_held_it(
    cast: Cast,
) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    told = report(1, FIRST, name="The secret plan")
    south.publish(told, marked(indicator(1), Tlp.GREEN), tlp=Tlp.RED, persons=(cast.analyst.row.email,))
    came = Release.objects.get()
    path, release = f"{LIST}objects/{FIRST}/", f"/en/releases/{came.id}/"
    assert shown(cast.analyst.browser(), path).all("a", href=release)
    hidden = shown(cast.officer.browser(), path)
    assert hidden.all("a", href=release) == []
    assert "for the persons it names" not in hidden.text
    assert "South" not in hidden.text
    assert "By an import or a release that you may not see." in hidden.text
    assert "Nobody, by any release that you may know of." in hidden.text


def test_releases_that_one_may_know_of_are_told_though_the_newest_thirty_are_for_others(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    told = marked(indicator(1), Tlp.GREEN)
    south.publish(report(1, FIRST, name="For everybody"), told, tlp=Tlp.GREEN)
    everybodys = Release.objects.get()
    for number in range(2, 34):
        secret = report(number, FIRST, name=f"Secret {number}")
        south.publish(secret, told, tlp=Tlp.RED, persons=(cast.analyst.row.email,))
    page = shown(cast.officer.browser(), f"{LIST}objects/{FIRST}/")
    assert [link["href"] for link in page.all("a", href=f"/en/releases/{everybodys.id}/")] != []
    assert "Secret" not in page.text
