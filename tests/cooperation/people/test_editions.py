"""Two who change one thing: whoever saves second learns of the first, and loses nothing of what they typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from functools import partial

import pytest
from django.urls import reverse

from taawun.cooperation.people import actions
from taawun.cooperation.people.actions import ContactFields, ProviderFields
from taawun.cooperation.people.errors import EditedMeanwhile
from taawun.cooperation.people.models import Community, DutyContact, IdentityProvider, Organisation
from taawun.foundation.multilingual import Text
from taawun.platform.web.drafts import Standing, standing_at
from tests.cast import SYSTEM, Cast, some_id
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

Thing = Organisation | DutyContact | IdentityProvider | Community

CONTACT = ContactFields(
    name=Text.of(en="First"), zone="UTC", days=(0,), opens=time(8), closes=time(16), email="duty@cert.example"
)
PROVIDER = ProviderFields(
    name="First", issuer="https://id.example", client="taawun", domains=("cert.example",)
)


def host() -> Organisation:
    return Organisation.objects.get(is_host=True)


def organisation() -> Organisation:
    return actions.add_organisation(
        SYSTEM, names=Text.of(en="First"), kind=Organisation.Kind.DONOR, nation=None
    )


@dataclass(frozen=True)
class Page:
    """A form that changes something.

    Attributes:
        name: of its address.
        make: makes the thing, called “First”.
        sent: what its form sends besides the name.
        field: of the name.
        api: where programs change the thing, and with what.
    """

    name: str
    make: Callable[[], Thing]
    sent: Mapping[str, str]
    field: str
    api: tuple[str, str, Callable[[str], dict[str, object]]]


PAGES = [
    Page(
        "organisation-change",
        organisation,
        {"kind": "donor"},
        "name_en",
        ("PUT", "/organisations/{}", lambda name: {"name": {"en": name}, "kind": "donor"}),
    ),
    Page(
        "contact",
        lambda: actions.add_contact(SYSTEM, host(), CONTACT),
        {"zone": "UTC", "is_always": "on", "email": "duty@cert.example"},
        "name_en",
        (
            "PUT",
            "/contacts/{}",
            lambda name: {
                "name": {"en": name},
                "zone": "UTC",
                "is_always": True,
                "email": "duty@cert.example",
            },
        ),
    ),
    Page(
        "provider",
        lambda: actions.add_provider(SYSTEM, host(), PROVIDER),
        {"protocol": "oidc", "issuer": "https://id.example", "client": "taawun", "is_active": "on"},
        "name",
        (
            "PUT",
            "/identity-providers/{}",
            lambda name: {"name": name, "issuer": "https://id.example", "client": "taawun"},
        ),
    ),
    Page(
        "community-rename",
        lambda: actions.add_community(SYSTEM, code="union", names=Text.of(en="First")),
        {},
        "name_en",
        ("PATCH", "/communities/{}", lambda name: {"name": {"en": name}}),
    ),
]


def called(thing: Thing) -> str:
    thing.refresh_from_db()
    return thing.name if isinstance(thing, IdentityProvider) else thing.names["en"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_save_over_a_newer_one_is_asked_about_and_nothing_typed_is_lost(cast: Cast, page: Page) -> None:
    thing = page.make()
    at = reverse(page.name, args=[thing.id])
    browser = cast.administrator.browser()
    (opened,) = read(browser.get(at)).all("input", name="edition")
    mine = {**page.sent, page.field: "Mine", "edition": opened["value"]}
    assert (
        browser.post(at, {**page.sent, page.field: "Theirs", "edition": opened["value"]}).status_code == 302
    )

    told = read(browser.post(at, mine), 409)
    assert called(thing) == "Theirs"
    assert "saved it on" in told.text
    assert cast.administrator.actor.label in told.text
    assert "Theirs Mine" in told.text
    assert [each["value"] for each in told.all("input", name=page.field)] == ["Mine"]
    (now,) = told.all("input", name="edition")
    assert browser.post(at, mine | {"edition": now["value"]}).status_code == 302
    assert called(thing) == "Mine"
    # a page that says nothing of what it saw is no newer than any
    assert browser.post(at, {**page.sent, page.field: "Blind"}).status_code == 409
    assert called(thing) == "Mine"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_program_that_names_an_edition_is_held_to_it(cast: Cast, page: Page) -> None:
    thing, (method, path, body) = page.make(), page.api
    api, at = cast.administrator.api, path.format(thing.id)
    first = api.send(method, at, body("Second"), headers={"If-Match": '"1"'})
    assert (first.status_code, first["ETag"]) == (200, '"2"')
    stale = api.send(method, at, body("Third"), headers={"If-Match": '"1"'})
    assert (stale.status_code, stale["ETag"]) == (412, '"2"')
    assert stale.json()["type"] == "urn:taawun:problem:edited-meanwhile"
    assert called(thing) == "Second"
    # who names none changes whatever is there, as before there were editions
    assert api.send(method, at, body("Fourth")).status_code == 200
    assert called(thing) == "Fourth"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_an_open_form_learns_who_saved_meanwhile_but_only_of_what_its_reader_may_change(
    cast: Cast, page: Page
) -> None:
    thing = page.make()
    at = reverse(page.name, args=[thing.id]).removeprefix("/en")
    before = standing_at(cast.administrator.actor, at)
    assert before == Standing("1")
    browser = cast.administrator.browser()
    browser.post(f"/en{at}", {**page.sent, page.field: "Second", "edition": "1"})
    after = standing_at(cast.administrator.actor, at)
    assert after is not None
    assert (after.version, after.who) == ("2", cast.administrator.actor.label)
    assert standing_at(cast.trainee.actor, at) is None
    assert standing_at(cast.administrator.actor, at.replace(str(thing.id), str(some_id()))) is None


def test_two_at_once_that_passed_every_page_are_told_apart_in_the_end(cast: Cast) -> None:
    shown = organisation()
    save = partial(
        actions.change_organisation,
        cast.administrator.actor,
        shown,
        names=Text.of(en="Second"),
        kind=Organisation.Kind.DONOR,
        nation=None,
        edition=1,
    )
    save()
    with pytest.raises(EditedMeanwhile):
        save()
