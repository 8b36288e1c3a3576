"""Communities of nations: who belongs to them on which day, and what nations are called by whom."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people import actions, roll
from taawun.cooperation.people.errors import NotAllowed, PeopleError, RollRefused
from taawun.cooperation.people.models import Community, Nation, Organisation, Span
from taawun.cooperation.people.naming import NameSource, locale_nation_name, named_nation
from taawun.cooperation.people.queries import member_counts, members_at
from taawun.cooperation.people.shipped import SHIPPED
from taawun.foundation.multilingual import Text
from taawun.platform.audit.models import Entry
from tests.cast import SYSTEM, Cast, partner
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


@pytest.fixture
def union(node: Organisation) -> Community:
    return actions.add_community(SYSTEM, code="union", names=Text.of(en="Union"))


def at(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def sent_by(answer: Any) -> bytes:  # a streamed answer, which the stubs of the test client do not know
    """The whole of an answer that is written while it is read."""
    return b"".join(answer.streaming_content)


def members(community: Community, when: datetime) -> list[str]:
    return sorted(str(each.nation_id or each.organisation_id) for each in members_at(community, when))


# ---- names -----------------------------------------------------------------------------------------------------
def test_a_nation_is_called_by_its_own_word_then_by_a_community_then_by_locale_data(
    node: Organisation,
) -> None:
    assert named_nation("XN").source is NameSource.OWN
    palestine = named_nation("PS")
    assert palestine.name.to_json() == {
        "ar": "دولة فلسطين",
        "en": "State of Palestine",
        "fr": "État de Palestine",
    }
    assert (palestine.source, palestine.is_fallback) == (NameSource.COMMUNITY, False)
    assert palestine.by == SHIPPED["oic"].name
    iceland = named_nation("IS")
    assert (iceland.source, iceland.is_fallback) == (NameSource.LOCALE, True)
    assert iceland.name.by_language["fr"] == "Islande"


@pytest.mark.parametrize("code", ["XA", "XB", "XK", "XZ", "QO", "ZZ", "AA"])
def test_a_code_of_the_users_is_never_named_by_locale_data(node: Organisation, code: str) -> None:
    assert locale_nation_name(code).to_json() == {"en": code}
    assert named_nation(code).source is NameSource.CODE


def test_a_community_of_this_node_overrides_what_ships_and_names_codes_of_the_users(union: Community) -> None:
    actions.begin_span(SYSTEM, union, standing="member", nation="PS", name=Text.of(en="Palestine"))
    actions.begin_span(SYSTEM, union, standing="member", nation="XA", name=Text.of(en="Aland"))
    assert named_nation("PS").name.by_language == {"en": "Palestine"}
    assert named_nation("XA").by == union.name


def test_a_partner_names_its_nation_once_its_fingerprint_was_compared(node: Organisation) -> None:
    met = partner("Southern CERT", nation="XS", state=Partner.State.MET)
    Partner.objects.filter(node=met.node).update(nation_names={"en": "Southland"})
    assert named_nation("XS").source is NameSource.CODE
    Partner.objects.filter(node=met.node).update(state=Partner.State.VERIFIED)
    assert named_nation("XS").name.by_language == {"en": "Southland"}
    # nobody speaks for another nation than its own, nor names ours
    Partner.objects.filter(node=met.node).update(nation="XN")
    assert named_nation("XN").name.by_language["en"] == "Northland"


def test_the_shipped_list_has_the_57_members_of_the_public_list(data_dir: Path) -> None:
    with (data_dir / "nations_oic.csv").open(encoding="utf-8") as file:
        codes = {row["iso2"] for row in csv.DictReader(file)}
    assert set(SHIPPED["oic"].members) == codes
    assert len(codes) == 57
    assert all(set(name.by_language) == {"ar", "en", "fr"} for name in SHIPPED["oic"].members.values())


def test_a_nation_needs_a_code_of_the_standard(node: Organisation) -> None:
    with pytest.raises(PeopleError, match="ISO 3166-1"):
        actions.add_organisation(SYSTEM, names=Text.of(en="X"), kind=Organisation.Kind.OTHER, nation="EU")
    assert not Nation.objects.filter(code="EU").exists()


# ---- spans -----------------------------------------------------------------------------------------------------
def test_who_is_a_member_at_an_instant(union: Community) -> None:
    begin = actions.begin_span
    begin(SYSTEM, union, standing="applicant", nation="XA", since=date(2020, 1, 1), until=date(2021, 1, 1))
    begin(SYSTEM, union, standing="member", nation="XA", since=date(2021, 1, 1))
    begin(SYSTEM, union, standing="member", nation="XB")
    begin(SYSTEM, union, standing="suspended", nation="XB", since=date(2022, 1, 1), until=date(2023, 1, 1))
    begin(SYSTEM, union, standing="observer", nation="XC", since=date(2020, 1, 1))
    begin(SYSTEM, union, standing="chair", nation="XA", since=date(2024, 1, 1))
    assert members(union, at(2020)) == ["XB"]
    assert members(union, at(2021)) == ["XA", "XB"]
    assert members(union, at(2022, 6)) == ["XA"]
    assert members(union, at(2023)) == ["XA", "XB"]
    assert member_counts([union.id], at(2022, 6)) == {union.id: 1}
    assert member_counts([union.id], at(2023)) == {union.id: 2}


def test_an_organisation_without_a_nation_belongs_too(union: Community) -> None:
    secretariat = actions.add_organisation(
        SYSTEM, names=Text.of(en="Secretariat"), kind=Organisation.Kind.SECRETARIAT, nation=None
    )
    actions.begin_span(SYSTEM, union, standing="member", organisation=secretariat)
    assert members(union, at(2026)) == [str(secretariat.id)]


@pytest.mark.parametrize(
    ("span", "column"),
    [
        ({"standing": "observer", "nation": "XA", "since": date(2020, 6, 1)}, "since"),
        ({"standing": "member", "nation": "XA"}, "since"),
        ({"standing": "chair", "nation": "XA"}, "standing"),
        ({"standing": "chair", "nation": "XB"}, "standing"),
        ({"standing": "suspended", "nation": "XA", "since": date(2019, 1, 1)}, "standing"),
        ({"standing": "member", "nation": "EU"}, "nation"),
        ({"standing": "member"}, "nation"),
        ({"standing": "emperor", "nation": "XC"}, "standing"),
        (
            {"standing": "member", "nation": "XC", "since": date(2020, 1, 2), "until": date(2020, 1, 2)},
            "until",
        ),
    ],
)
def test_what_contradicts_the_history_is_refused_with_its_place(
    union: Community, span: dict[str, Any], column: str
) -> None:
    actions.begin_span(SYSTEM, union, standing="member", nation="XA", since=date(2020, 1, 1))
    before = Span.objects.count(), Entry.objects.count()
    with pytest.raises(RollRefused) as why:
        actions.begin_span(SYSTEM, union, **span)
    assert why.value.column == column
    assert (Span.objects.count(), Entry.objects.count()) == before


def test_what_rests_on_a_membership_ends_with_it(union: Community) -> None:
    held = actions.begin_span(SYSTEM, union, standing="member", nation="XA", since=date(2020, 1, 1))
    chair = actions.begin_span(SYSTEM, union, standing="chair", nation="XA", since=date(2021, 1, 1))
    with pytest.raises(RollRefused):
        actions.strike_span(SYSTEM, held)
    with pytest.raises(RollRefused):
        actions.end_span(SYSTEM, held, date(2020, 1, 1))
    actions.end_span(SYSTEM, held, date(2022, 1, 1))
    chair.refresh_from_db()
    assert chair.until == date(2022, 1, 1)
    verbs = Entry.objects.order_by("-id").values_list("verb", flat=True)[:2]
    assert list(verbs) == ["people.span-ended", "people.span-ended"]


def test_only_who_may_writes_the_history(cast: Cast, union: Community) -> None:
    for member in (cast.analyst, cast.observer, cast.stranger):
        with pytest.raises(NotAllowed):
            actions.begin_span(member.actor, union, standing="member", nation="XA")
    actions.begin_span(cast.officer.actor, union, standing="member", nation="XA")


# ---- files -----------------------------------------------------------------------------------------------------
def test_a_roll_goes_out_and_comes_in_again_the_same(cast: Cast) -> None:
    shipped = actions.add_shipped_community(SYSTEM, "oic")
    actions.begin_span(
        SYSTEM, shipped, standing="observer", nation="XA", since=date(2020, 1, 1), name=Text.of(en="A")
    )
    browser = cast.administrator.browser()
    at_ = reverse("community", args=[shipped.id])
    as_csv = sent_by(browser.get(at_ + "?format=csv"))
    as_json = sent_by(browser.get(at_ + "?format=json"))
    assert roll.read_csv(as_csv.decode())[5] == roll.Line(
        "BF", None, Span.Standing.MEMBER, None, None, SHIPPED["oic"].members["BF"], 7
    )
    # a file of a part is that part; of what is asked for nothing, all that there ever was
    part = roll.read_csv(sent_by(browser.get(at_ + "?format=csv&standing=observer")).decode())
    assert [line.nation for line in part] == ["XA"]
    other = actions.add_community(SYSTEM, code="copy", names=Text.of(en="Copy"))
    for name, body in (("roll.csv", as_csv), ("roll.json", as_json)):
        sent = {"file": SimpleUploadedFile(name, body)}
        assert browser.post(reverse("community-import", args=[other.id]), sent).status_code == 302
        other.refresh_from_db()
        assert other.nation_names == Community.objects.get(id=shipped.id).nation_names
        assert members(other, at(2026)) == members(shipped, at(2026))
        assert other.spans.filter(nation="XA", standing="observer", since=date(2020, 1, 1)).count() == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"nation,standing\nXA,member\nXB,emperor\n", "Line 3"),
        (b"nation,standing\nXA,member\nXA,member\n", "Line 3"),
        (b"nation,standing\nEU,member\n", "ISO 3166-1"),
        (b"nation,standing,since\nXA,member,yesterday\n", "2026-01-31"),
        (b"who,what\nXA,member\n", "The first line names the columns"),
        (b"\xff\xfe", "not UTF-8"),
        (b"nation,standing\n" + b"XA,member\n" * 120_000, "1 MiB"),
        (b"organisation,standing\n01900000-0000-7000-8000-000000000000,member\n", "no such organisation"),
    ],
)
def test_a_roll_that_is_wrong_names_the_place_and_changes_nothing(
    cast: Cast, union: Community, body: bytes, told: str
) -> None:
    actions.begin_span(SYSTEM, union, standing="member", nation="XZ")
    sent = {"file": SimpleUploadedFile("roll.csv", body)}
    answer = cast.administrator.browser().post(reverse("community-import", args=[union.id]), sent)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert members(union, at(2026)) == ["XZ"]


# ---- faces -----------------------------------------------------------------------------------------------------
def test_the_interface_keeps_a_community(cast: Cast) -> None:
    api = cast.officer.api
    made = api.post("/communities", {"code": "oic"}).json()
    assert made["members"] == 57
    at_ = f"/communities/{made['id']}"
    assert api.post("/communities", {"code": "oic"}).status_code == 422
    span = api.post(f"{at_}/spans", {"nation": "XA", "standing": "member", "name": {"en": "Aland"}}).json()
    assert (span["nation"], span["name"]) == ("XA", {"en": "Aland"})
    assert api.get(at_).json()["members"] == 58
    wrong = api.post(f"{at_}/spans", {"nation": "XA", "standing": "member"})
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/since")
    ended = api.post(f"{at_}/spans/{span['id']}/end", {"until": "2026-01-01"}).json()
    assert ended["until"] == "2026-01-01"
    found = api.get(f"{at_}/members", at="2025-12-31T23:59:59Z", limit=100).json()["items"]
    assert len(found) == 58
    assert len(api.get(f"{at_}/members", at="2026-01-01T00:00:00Z", limit=100).json()["items"]) == 57
    rolled = api.get(f"{at_}/roll").json()
    assert len(rolled["spans"]) == 58
    assert api.put(f"{at_}/roll", {"spans": rolled["spans"]}).json()["members"] == 57
    nation = api.get("/nations/PS").json()
    assert (nation["name"]["ar"], nation["source"]) == ("دولة فلسطين", "community")
    assert api.get("/nations/EU").status_code == 404


def test_the_pages_tell_who_belongs_to_it_on_a_day(cast: Cast, union: Community) -> None:
    actions.begin_span(
        SYSTEM, union, standing="member", nation="XA", until=date(2020, 1, 1), name=Text.of(en="Aland")
    )
    browser, at_ = cast.administrator.browser(), reverse("community", args=[union.id])
    assert "Aland" not in browser.get(at_).content.decode()
    assert "Aland" in browser.get(at_ + "?at=2019-12-31").content.decode()
    assert "Aland" in browser.get(at_ + "?history=all&q=aland").content.decode()
    found = browser.get(reverse("nations") + "?q=فلسطين").content.decode()
    assert "State of Palestine" in found
    assert "Iceland" not in found
    first = browser.get(reverse("nations"))
    assert [each.code for each in first.context["listing"].page.items][:2] == ["AD", "AE"]
    assert len(first.context["listing"].page.items) == 50
    second = browser.get(f"{reverse('nations')}?after={first.context['listing'].page.next}")
    codes = [each.code for each in second.context["listing"].page.items]
    assert (len(codes), codes[0] > first.context["listing"].page.items[-1].code) == (50, True)
    assert browser.get(reverse("nations") + "?after=ZW")["Location"] == reverse("nations")
    rows = sent_by(browser.get(reverse("nations") + "?format=csv"))
    assert len(list(csv.reader(io.StringIO(rows.decode("utf-8-sig"))))) == 252  # the head, 249, ours, and XA
    assert json.loads(sent_by(browser.get(reverse("nations") + "?format=json&q=XN")))[0] == {
        "code": "XN",
        "name_ar": "الشمال",
        "name_en": "Northland",
        "name_fr": "Nord",
        "source": "own",
    }
    new = {"code": "league", "name_en": "League"}
    assert browser.post(reverse("community-new"), new).status_code == 302
    assert browser.post(reverse("community-new"), {"code": "league"}).status_code == 422
    assert browser.post(reverse("community-shipped"), {"code": "oic"}).status_code == 302
    sent = {"nation": "xb", "standing": "member", "since": "2020-01-01"}
    assert browser.post(reverse("span-new", args=[union.id]), sent).status_code == 302
    span = union.spans.get(nation="XB")
    assert browser.post(reverse("span-new", args=[union.id]), sent).status_code == 422
    at_end = reverse("span-end", args=[union.id, span.id])
    asked = read(browser.get(at_end))
    assert ", member: when does it end?" in asked.text
    assert "[U+" not in asked.text
    assert browser.post(at_end, {"until": "2019-01-01"}).status_code == 422
    assert browser.post(at_end, {"until": "2021-01-01"}).status_code == 302
    assert browser.post(reverse("span-strike", args=[union.id, span.id])).status_code == 302
    assert not union.spans.filter(nation="XB").exists()
    assert (
        browser.post(
            reverse("community-rename", args=[union.id]), {"name_fr": "L’Union", "edition": 1}
        ).status_code
        == 302
    )
