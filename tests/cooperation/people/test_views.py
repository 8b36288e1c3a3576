"""People's pages meet everybody of the cast."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.cooperation.people.models import ApiToken, Membership, Organisation, Person
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.queries import actor_for_token
from taawun.foundation.clock import frozen, now
from taawun.platform.audit.models import Entry
from taawun.platform.web.reader import Addressed, Calendar, Digits, Reader, Theme
from taawun.platform.web.shell import THEME_COOKIE
from tests.cast import Cast, Member, person, some_id
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")


def host() -> Organisation:
    return Organisation.objects.get(is_host=True)


# ---- who may open what -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("address", "statuses"),
    [
        ("people", {"administrator": 200, "analyst": 200, "trainee": 200, "stranger": 403}),
        ("invitations", {"administrator": 200, "analyst": 403, "officer": 403, "stranger": 403}),
        ("invite", {"administrator": 200, "analyst": 403, "officer": 403, "stranger": 403}),
        ("profile", {"administrator": 200, "analyst": 200, "stranger": 200}),
        ("tokens", {"administrator": 200, "analyst": 200, "stranger": 200}),
    ],
)
def test_a_page_opens_to_those_who_may_and_tells_others_why_not(
    cast: Cast, address: str, statuses: dict[str, int]
) -> None:
    for name, status in statuses.items():
        page = read(dict(cast)[name].browser().get(reverse(address)), status)
        if status == 403:
            assert "This needs the permission" in page.text


@pytest.mark.parametrize("address", ["people", "invitations", "invite", "profile", "tokens"])
def test_who_is_not_signed_in_is_led_to_sign_in_and_back(node: Organisation, address: str) -> None:
    answer = Client().get(reverse(address) + "?role=analyst")
    assert answer.status_code == 302
    assert answer["Location"] == f"/en/account/login/?next={reverse(address)}%3Frole%3Danalyst"


def test_a_person_who_became_inactive_is_a_stranger_at_the_door(cast: Cast) -> None:
    browser = cast.analyst.browser()
    Person.objects.filter(id=cast.analyst.row.id).update(is_active=False)
    assert browser.get(reverse("people")).status_code == 302


@pytest.mark.parametrize(
    ("method", "address"), [("post", "people"), ("put", "profile"), ("delete", "tokens"), ("patch", "invite")]
)
def test_another_method_is_refused(cast: Cast, method: str, address: str) -> None:
    assert cast.administrator.browser().generic(method.upper(), reverse(address)).status_code == 405


def test_an_address_of_a_form_that_is_typed_says_so_in_a_page(cast: Cast) -> None:
    answer = cast.administrator.browser().get(reverse("role-give", args=[cast.analyst.row.id]))
    assert "Nothing to show here" in read(answer, 405).text
    assert answer["Allow"] == "POST"


# ---- the list --------------------------------------------------------------------------------------------------
def test_the_list_searches_names_and_addresses_and_filters_by_role(cast: Cast) -> None:
    made = person(Role.INSTRUCTOR, name="Zaynab Q.")
    browser = cast.administrator.browser()
    everybody = read(browser.get(reverse("people")))
    assert {"Zaynab Q.", "Analyst", "Trainee"} <= {each.name for each in Person.objects.all()}
    assert "Zaynab Q." in everybody.text
    by_name = read(browser.get(reverse("people"), {"q": "zayn"}))
    assert made.email in by_name.text
    assert cast.trainee.row.email not in by_name.text
    by_role = read(browser.get(reverse("people"), {"role": "trainee"}))
    assert cast.trainee.row.email in by_role.text
    assert made.email not in by_role.text
    by_address = read(browser.get(reverse("people"), {"q": made.email}))
    assert "Zaynab Q." in by_address.text
    assert "Nobody fits" in read(browser.get(reverse("people"), {"q": "nobody at all"})).text


@pytest.mark.parametrize("name", ["analyst", "officer", "trainee"])
def test_who_does_not_manage_people_sees_no_address_but_their_own(cast: Cast, name: str) -> None:
    made = person(Role.INSTRUCTOR, name="Zaynab Q.")
    reader: Member = getattr(cast, name)
    browser = reader.browser()
    pages = [reverse("people"), reverse("person", args=[made.id])]
    pages += [f"{reverse('people')}?format={ending}" for ending in ("csv", "json")]
    for address in pages:
        answer = browser.get(address)
        text = (answer.getvalue() if answer.streaming else answer.content).decode()
        assert "Zaynab Q." in text, address
        assert made.email not in text, address
    assert "Nobody fits" in read(browser.get(reverse("people"), {"q": made.email})).text
    assert reader.row.email in read(browser.get(reverse("person", args=[reader.row.id]))).text
    mine = json.loads(browser.get(reverse("people"), {"q": reader.row.email, "format": "json"}).getvalue())
    assert [each["email"] for each in mine] == [reader.row.email]


def test_the_list_has_pages(cast: Cast) -> None:
    Person.objects.bulk_create(
        Person(name=f"Number {number:03}", email=f"n{number}@x.example", password="!") for number in range(60)
    )
    browser = cast.analyst.browser()
    [following] = [has["href"] for has in read(browser.get(reverse("people"))).all("a", rel="next")]
    second = read(browser.get(reverse("people") + following))
    assert "Number 059" in second.text
    assert "Number 001" not in second.text


def test_a_mark_that_the_list_did_not_give_begins_again(cast: Cast) -> None:
    answer = cast.analyst.browser().get(reverse("people"), {"after": "forged"})
    assert (answer.status_code, answer["Location"]) == (302, reverse("people"))


def test_the_list_leaves_as_csv_and_json_with_its_filters(cast: Cast) -> None:
    browser = cast.administrator.browser()
    rows = json.loads(browser.get(reverse("people"), {"role": "trainee", "format": "json"}).getvalue())
    assert rows == [
        {
            "id": str(cast.trainee.row.id),
            "name": "Trainee",
            "email": cast.trainee.row.email,
            "roles": ["trainee"],
            "active": True,
        }
    ]
    text = browser.get(reverse("people"), {"role": "trainee", "format": "csv"}).getvalue().decode("utf-8-sig")
    assert text.splitlines() == [
        "id,name,email,roles,active",
        f"{cast.trainee.row.id},Trainee,{cast.trainee.row.email},trainee,True",
    ]


# ---- roles -----------------------------------------------------------------------------------------------------
def test_an_administrator_gives_a_role_and_the_trail_says_so(cast: Cast) -> None:
    receiver = cast.trainee.row
    browser = cast.administrator.browser()
    form = {"organisation": str(host().id), "role": "instructor"}
    answer = browser.post(reverse("role-give", args=[receiver.id]), form, follow=True)
    assert "Trainee is now instructor." in read(answer).text
    assert set(Membership.objects.filter(person=receiver).values_list("role", flat=True)) == {
        "trainee",
        "instructor",
    }
    assert Entry.objects.filter(verb="people.role-given", subject=f"urn:uuid:{receiver.id}").count() == 1


@pytest.mark.parametrize("form", [{}, {"role": "king"}, {"role": "analyst", "organisation": "nowhere"}])
def test_a_role_that_is_none_is_refused_beside_its_field(cast: Cast, form: dict[str, str]) -> None:
    answer = cast.administrator.browser().post(reverse("role-give", args=[cast.trainee.row.id]), form)
    assert "This cannot be saved yet:" in read(answer, 422).text
    assert Membership.objects.filter(person=cast.trainee.row).count() == 1


def test_a_role_is_taken_only_after_the_question_was_answered(cast: Cast) -> None:
    membership = Membership.objects.get(person=cast.trainee.row)
    browser = cast.administrator.browser()
    address = reverse("role-take", args=[membership.id])
    assert "Take the role “trainee” from Trainee?" in read(browser.get(address)).text
    assert Membership.objects.filter(id=membership.id).exists()
    assert browser.post(address).status_code == 302
    assert not Membership.objects.filter(id=membership.id).exists()


def test_the_last_administrator_keeps_the_role_and_is_told_why(cast: Cast) -> None:
    membership = Membership.objects.get(role=Role.ADMINISTRATOR)
    page = read(cast.administrator.browser().post(reverse("role-take", args=[membership.id])), 422)
    assert "This is the last administrator. Make somebody else one first." in page.text
    assert Membership.objects.filter(id=membership.id).exists()


@pytest.mark.parametrize("who", ["analyst", "officer", "stranger"])
def test_nobody_else_gives_or_takes_roles(cast: Cast, who: str) -> None:
    browser = dict(cast)[who].browser()
    membership = Membership.objects.get(person=cast.trainee.row)
    form = {"organisation": str(host().id), "role": "administrator"}
    assert browser.post(reverse("role-give", args=[cast.trainee.row.id]), form).status_code == 403
    assert browser.post(reverse("role-take", args=[membership.id])).status_code == 403
    assert list(Membership.objects.filter(person=cast.trainee.row)) == [membership]


@pytest.mark.parametrize("address", ["person", "role-give"])
def test_a_person_who_is_not_there_is_not_found(cast: Cast, address: str) -> None:
    browser = cast.administrator.browser()
    send = browser.get if address == "person" else browser.post
    assert send(reverse(address, args=[some_id()])).status_code == 404


# ---- oneself ---------------------------------------------------------------------------------------------------
PROFILE: Final = {
    "name": "Layla",
    "language": "en",
    "digits": "territory",
    "addressed": "neutral",
    "zone": "node",
    "calendar": "gregorian",
    "theme": "device",
}


def test_one_changes_ones_name_language_and_how_pages_read(cast: Cast) -> None:
    form = {
        "name": "  Layla   M. ",
        "language": "ar",
        "digits": "western",
        "addressed": "feminine",
        "zone": "Asia/Kathmandu",
        "calendar": "with-hijri",
        "theme": "dark",
    }
    browser = cast.stranger.browser()
    answer = browser.post(reverse("profile"), form)
    assert (answer.status_code, answer["Location"]) == (302, "/ar/people/profile/")
    assert answer.cookies[THEME_COOKIE].value == "dark"
    changed = Person.objects.get(id=cast.stranger.row.id)
    assert (changed.name, changed.language) == ("Layla M.", "ar")
    assert changed.reading == Reader(
        "Asia/Kathmandu", Calendar.WITH_HIJRI, Digits.WESTERN, Addressed.FEMININE, Theme.DARK
    )
    told = Entry.objects.filter(actor_id=str(changed.id)).order_by("id").values_list("verb", "details")
    assert list(told) == [
        ("people.renamed", {}),
        ("people.reading-changed", {"changed": ["addressed", "calendar", "digits", "theme", "zone"]}),
    ]
    # what was chosen stands in the form, and the next page is written so: 07:58 UTC
    with frozen(datetime(2026, 11, 22, 7, 58, tzinfo=UTC)):
        page = read(browser.get("/ar/people/profile/"))
    assert "22 نوفمبر 2026، 11 جمادى الآخرة 1448، 13:43" in page.text
    chosen = {has["name"]: has["value"] for has in page.all("input", type="radio") if "checked" in has}
    assert chosen == {name: form[name] for name in ("digits", "addressed", "calendar", "theme")}
    # the same once more changes nothing, and leaves no trace
    browser.post(reverse("profile"), form)
    assert Entry.objects.filter(actor_id=str(changed.id)).count() == 2


def test_the_forms_zones_are_cities_in_the_readers_language_with_the_nodes_own_first(
    cast: Cast, settings: SettingsWrapper
) -> None:
    settings.DISPLAY_TIME_ZONE = "Asia/Riyadh"
    for language, node, city in [
        ("en", "that of this node: Riyadh", "Kathmandu"),
        ("ar", "توقيت هذه العقدة: الرياض", "كاتماندو"),
        ("fr", "celui de ce nœud\u00a0: Riyad", "Katmandou"),
    ]:
        html = cast.analyst.browser().get(f"/{language}/people/profile/").content.decode()
        assert f'<option value="node" selected>{node}</option>' in html
        assert f'<option value="Asia/Kathmandu">{city}</option>' in html
    # a name that the list does not have, which only a machine can have set, stays chosen
    Person.objects.filter(id=cast.analyst.row.id).update(zone="Asia/Katmandu")
    assert 'value="Asia/Katmandu" selected' in cast.analyst.browser().get(reverse("profile")).content.decode()


def test_roles_are_named_as_their_person_is_addressed_in_the_header_and_on_their_page(cast: Cast) -> None:
    for addressed, arabic, french in [
        ("neutral", "تحليل", "Analyse"),
        ("feminine", "محلّلة", "Analyste"),
        ("masculine", "محلّل", "Analyste"),
    ]:
        Person.objects.filter(id=cast.analyst.row.id).update(addressed=addressed)
        header = read(cast.analyst.browser().get("/ar/people/profile/"))
        assert f"Analyst {arabic}" in header.text
        theirs = read(cast.administrator.browser().get(f"/ar/people/{cast.analyst.row.id}/"))
        assert f"Analyst {arabic} نشط" in theirs.text
        theirs = read(cast.administrator.browser().get(f"/fr/people/{cast.analyst.row.id}/"))
        assert f"Analyst {french} Actif" in theirs.text


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"language": "de"},
        {"theme": "purple"},
        {"zone": "Mars/Olympus"},
        {"calendar": ""},
        {"digits": "roman"},
        {"addressed": "other"},
    ],
)
def test_a_profile_that_does_not_fit_keeps_what_was_typed(cast: Cast, form: dict[str, str]) -> None:
    given = PROFILE | form
    page = read(cast.stranger.browser().post(reverse("profile"), given), 422)
    assert page.all("input", name="name")[0].get("value", "") == given["name"]
    assert Person.objects.get(id=cast.stranger.row.id).name == "Stranger"


# ---- tokens ----------------------------------------------------------------------------------------------------
def test_a_token_is_shown_once_and_opens_only_what_was_chosen(cast: Cast) -> None:
    browser = cast.analyst.browser()
    form = {"name": "sensors", "scopes": ["read:people"], "days": "7"}
    answer = browser.post(reverse("tokens"), form)
    assert (answer.status_code, answer["Location"]) == (302, reverse("tokens"))
    page = read(browser.get(answer["Location"]))
    [secret] = [
        has["data-copy"] for has in page.all("button") if has.get("data-copy", "").startswith("taawun_")
    ]
    found = actor_for_token(secret)
    assert found is not None
    assert found[0].permissions == frozenset({"read:people"})
    assert timedelta(days=6, hours=23) < found[1].expires - now() <= timedelta(days=7)
    # loading the page again neither shows the token nor makes another
    before = ApiToken.objects.count()
    assert secret not in browser.get(reverse("tokens")).content.decode()
    assert ApiToken.objects.count() == before


def test_how_long_a_token_lives_is_told_in_the_readers_digits(cast: Cast) -> None:
    page = read(cast.analyst.browser().get(reverse("tokens").replace("/en/", "/ar/")))
    assert "٩٠ يومًا" in page.text
    assert "90" not in page.text


@pytest.mark.parametrize(
    "form",
    [
        {"name": "x", "scopes": ["manage:people"], "days": "7"},
        {"name": "x", "scopes": ["everything"], "days": "7"},
        {"name": "x", "days": "7"},
        {"name": "x", "scopes": ["read:people"], "days": "5000"},
        {"scopes": ["read:people"], "days": "7"},
    ],
)
def test_a_token_cannot_do_more_or_live_longer_than_it_may(cast: Cast, form: dict[str, object]) -> None:
    before = ApiToken.objects.count()
    read(cast.analyst.browser().post(reverse("tokens"), form), 422)
    assert ApiToken.objects.count() == before


def test_only_ones_own_tokens_can_be_revoked_here(cast: Cast) -> None:
    own = ApiToken.objects.get(person=cast.analyst.row)
    address = reverse("token-revoke", args=[own.id])
    assert cast.officer.browser().post(address).status_code == 404
    assert cast.administrator.browser().get(address).status_code == 404
    browser = cast.analyst.browser()
    assert "Revoke the token “of the tests”?" in read(browser.get(address)).text
    assert actor_for_token(cast.analyst.token or "") is not None
    assert "The token opens nothing now." in read(browser.post(address, follow=True)).text
    assert actor_for_token(cast.analyst.token or "") is None


def test_several_of_ones_own_tokens_are_revoked_at_once_after_asking(cast: Cast) -> None:
    own, others = (ApiToken.objects.get(person=member.row) for member in (cast.analyst, cast.officer))
    browser, address = cast.analyst.browser(), reverse("tokens-revoke")
    asked = f"{address}?chosen={own.id}&chosen={others.id}&chosen=nonsense"
    assert "Revoke 1 token?" in read(browser.get(asked)).text
    assert "1 token opens nothing now." in read(browser.post(asked, follow=True)).text
    assert "of the tests: It was revoked already." in read(browser.post(asked, follow=True)).text
    assert actor_for_token(cast.analyst.token or "") is None
    assert actor_for_token(cast.officer.token or "") is not None
    assert "Nothing was chosen." in read(browser.get(address, follow=True)).text


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("CLE", ["Clé du relais"]),
        ("مؤشرات", ["ناقل المُؤَشِّرات"]),
        ("relais cle", ["Clé du relais"]),
        ("relais ناقل", []),
        ("taawun_", ["Clé du relais", "of the tests", "ناقل المُؤَشِّرات"]),
        ("aawun_", []),
    ],
)
def test_ones_own_tokens_are_found_by_words_of_their_names_or_how_they_begin(
    cast: Cast, asked: str, names: list[str]
) -> None:
    for number, name in enumerate(("Clé du relais", "ناقل المُؤَشِّرات")):
        ApiToken.objects.create(
            person=cast.analyst.row,
            name=name,
            digest=f"{number:064}",
            hint="taawun_x",
            scopes=[],
            expires=now() + timedelta(days=1),
        )
    shown = read(cast.analyst.browser().get(reverse("tokens"), {"q": asked})).text
    known = ["Clé du relais", "of the tests", "ناقل المُؤَشِّرات"]
    assert [each for each in known if each in shown] == names


@pytest.mark.parametrize("asked", ["ECOLE", "école nord", "north ecole", "مدرسة", "المدرسه"])
def test_organisations_are_found_by_words_of_their_names_in_any_language(cast: Cast, asked: str) -> None:
    Organisation.objects.create(
        names={"en": "School of the North", "fr": "École du Nord", "ar": "مَدْرسة الشمال"},
        kind=Organisation.Kind.UNIVERSITY,
    )
    browser, address = cast.analyst.browser(), reverse("organisations")
    [found] = json.loads(browser.get(address, {"q": asked, "format": "json"}).getvalue())
    assert found["name_fr"] == "École du Nord"
    of_kind = browser.get(address, {"q": asked, "format": "json", "kind": "company"})
    assert json.loads(of_kind.getvalue()) == []


def test_the_list_of_tokens_says_which_of_them_still_open(cast: Cast) -> None:
    with frozen(now() + timedelta(days=2)):
        assert "Expired" in read(cast.analyst.browser().get(reverse("tokens"))).text
    assert "Active" in read(cast.analyst.browser().get(reverse("tokens"))).text
