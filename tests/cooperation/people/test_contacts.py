"""Organisations and their duty contacts: kept here, told in the descriptor, read with care at the other side."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from taawun.cooperation.partners.actions import own_descriptor
from taawun.cooperation.partners.identity import descriptor, duty
from taawun.cooperation.people import actions
from taawun.cooperation.people.actions import ContactFields
from taawun.cooperation.people.errors import ContactRefused, NotAllowed, PeopleError
from taawun.cooperation.people.models import DutyContact, Organisation
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Text
from taawun.platform.audit.models import Entry
from tests.cast import SYSTEM, Cast, person
from tests.foundation.test_openpgp import ED25519

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

NIGHT = ContactFields(
    name=Text.of(en="Duty officer", ar="الضابط المناوب"),
    zone="Asia/Kuala_Lumpur",
    days=(4, 0, 0),
    opens=time(22),
    closes=time(6),
    languages=("ar", "en"),
    phone="+60 3 1234 5678",
    email="duty@cert.example",
    pgp_key=ED25519,
)


def host() -> Organisation:
    return Organisation.objects.get(is_host=True)


def test_the_contacts_of_the_host_travel_in_its_descriptor_and_no_others(cast: Cast) -> None:
    other = actions.add_organisation(
        SYSTEM, names=Text.of(en="Other"), kind=Organisation.Kind.DONOR, nation=None
    )
    actions.add_contact(cast.officer.actor, host(), NIGHT)
    actions.add_contact(SYSTEM, other, replace(NIGHT, name=Text.of(en="Not ours")))
    told = descriptor.read(own_descriptor(), at=now()).contacts
    assert duty.read(told) == [
        duty.Contact(
            name=NIGHT.name,
            zone=ZoneInfo("Asia/Kuala_Lumpur"),
            days=(0, 4),
            opens=time(22),
            closes=time(6),
            languages=("ar", "en"),
            phone="+60 3 1234 5678",
            email="duty@cert.example",
            fingerprint="FC5B86F4B4BA7302A3152557C557E3155F290669",
            tested=None,
        )
    ]


def test_a_test_is_written_down_with_its_outcome_and_told(cast: Cast) -> None:
    contact = actions.add_contact(SYSTEM, host(), NIGHT)
    at = datetime(2026, 10, 1, 8, 30, tzinfo=UTC)
    with frozen(at):
        actions.record_contact_test(cast.officer.actor, contact, "late")
        assert duty.read(descriptor.read(own_descriptor(), at=now()).contacts)[0].tested == at
        assert Entry.objects.latest("id").details["outcome"] == "late"
        actions.record_contact_test(cast.officer.actor, contact, "failed")
        assert duty.read(descriptor.read(own_descriptor(), at=now()).contacts)[0].tested is None
    with pytest.raises(ContactRefused):
        actions.record_contact_test(cast.officer.actor, contact, "perhaps")
    # another name was tested as much as before, another number was not
    held = actions.change_contact(SYSTEM, contact, replace(NIGHT, name=Text.of(en="Another")))
    assert held.tested == at
    assert actions.change_contact(SYSTEM, held, replace(NIGHT, phone="+60 3 9999 9999")).tested is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"days": ()}, "days"),
        ({"days": (7,)}, "days"),
        ({"closes": None}, "days"),
        ({"closes": time(22)}, "closes"),
        ({"phone": "", "email": ""}, "phone"),
        ({"phone": "call me"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"languages": ("English",)}, "languages"),
        ({"pgp_key": "hello"}, "pgp_key"),
        ({"pgp_key": ED25519.replace("PUBLIC", "PRIVATE")}, "pgp_key"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(cast: Cast, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ContactRefused) as why:
        actions.add_contact(SYSTEM, host(), replace(NIGHT, **wrong))
    assert why.value.field == field
    assert not DutyContact.objects.exists()


def test_who_keeps_the_contacts_of_one_organisation_keeps_no_others(cast: Cast) -> None:
    university = Organisation.objects.create(names={"en": "University"}, kind=Organisation.Kind.UNIVERSITY)
    theirs = actor_of(person(Role.OFFICER, organisation=university))
    actions.add_contact(theirs, university, NIGHT)
    for actor in (theirs, cast.analyst.actor, cast.stranger.actor):
        with pytest.raises(NotAllowed):
            actions.add_contact(actor, host(), NIGHT)


def test_an_organisation_has_at_most_six_contacts_and_their_descriptor_is_taken(cast: Cast) -> None:
    # as large as a contact may be
    longest = 4096 - 80
    body = base64.b64encode(b"\x99\x0b\x00\x04" + b"\x00" * 2815).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    key = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{lines}\n-----END PGP PUBLIC KEY BLOCK-----\n"
    assert longest - 200 < len(key) <= 4096
    largest = replace(NIGHT, pgp_key=key, name=Text.of(en="x" * 480, fr="x" * 480))
    for _each in range(6):
        actions.add_contact(SYSTEM, host(), largest)
    with pytest.raises(ContactRefused, match="six"):
        actions.add_contact(SYSTEM, host(), NIGHT)
    token = own_descriptor()
    assert len(token) <= descriptor.MAX_BYTES
    assert len(duty.read(descriptor.read(token, at=now()).contacts)) == 6


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"name": "Duty"},
        {"name": {"en": "a\u202eb"}},
        {"name": {"en": "x" * 501}},
    ],
)
def test_a_contact_without_a_proper_name_is_left_out(told: dict[str, object]) -> None:
    assert duty.read([told]) == []


def test_what_a_partner_says_is_bounded_and_what_does_not_fit_left_out() -> None:
    told: dict[str, object] = {
        "name": {"en": "Duty"},
        "hours": {"zone": "../../etc/passwd", "days": [0, True, 9, "1", 2.0], "from": "25:00", "until": {}},
        "languages": ["ar", 7, "e\u202en", "x" * 300],
        "phone": "+60\u2066 1",
        "email": ["duty@cert.example"],
        "pgp": {"fingerprint": "AAAA", "key": "hello"},
        "tested": "yesterday",
        "more": "x",
    }
    found = duty.read([told] * 100)
    assert len(found) == 6
    assert found[0] == duty.Contact(Text.of(en="Duty"), None, (0,), None, None, ("ar",), "", "", "", None)
    strange: tuple[Any, ...] = (None, [], "always", {"days": "all"})
    for hours in strange:
        assert duty.read([{"name": {"en": "Duty"}, "hours": hours, "languages": None, "pgp": []}])


def test_the_pages_keep_organisations_and_contacts(cast: Cast) -> None:
    browser = cast.administrator.browser()
    new = {"name_en": "Grid <b>operator</b>", "name_ar": "مشغّل الشبكة", "kind": "operator", "nation": "xn"}
    assert browser.post(reverse("organisation-new"), new).status_code == 302
    made = Organisation.objects.get(kind="operator")
    assert browser.post(reverse("organisation-new"), new | {"nation": "EU"}).status_code == 422
    listed = browser.get(reverse("organisations") + "?q=grid&kind=operator").content.decode()
    assert "Grid &lt;b&gt;operator" in listed
    assert "<b>operator" not in listed
    assert "Grid" not in browser.get(reverse("organisations") + "?kind=ministry").content.decode()
    change = new | {"name_en": "Grid", "kind": "company"}
    assert (
        browser.post(reverse("organisation-change", args=[made.id]), change | {"edition": 1}).status_code
        == 302
    )
    sent = {
        "name_en": "Duty",
        "zone": "Asia/Kuala_Lumpur",
        "days": ["0", "1"],
        "opens": "08:00",
        "closes": "16:00",
        "languages": "ar en",
        "phone": "+60 3 1234 5678",
        "pgp_key": ED25519,
    }
    at = reverse("contact-new", args=[made.id])
    assert browser.post(at, sent | {"zone": "Nowhere"}).status_code == 422
    assert browser.post(at, sent).status_code == 302
    contact = DutyContact.objects.get()
    page = browser.get(reverse("organisation", args=[made.id])).content.decode()
    assert "FC5B86F4B4BA7302A3152557C557E3155F290669" in page
    assert "Mon and Tue, 08:00 to 16:00" in page
    assert "not tested yet" in page
    assert (
        browser.post(reverse("contact-test", args=[contact.id]), {"outcome": "answered"}).status_code == 302
    )
    assert (
        browser.post(
            reverse("contact", args=[contact.id]), sent | {"is_always": "on", "edition": 1}
        ).status_code
        == 302
    )
    page = browser.get(reverse("organisation", args=[made.id])).content.decode()
    assert "at any hour" in page
    assert "answered" in page
    assert browser.post(reverse("contact-remove", args=[contact.id])).status_code == 302
    assert not DutyContact.objects.exists()


def test_the_interface_keeps_organisations_and_contacts(cast: Cast) -> None:
    api = cast.administrator.api
    made = api.post("/organisations", {"name": {"en": "Donor"}, "kind": "donor"}).json()
    at = f"/organisations/{made['id']}"
    assert api.put(at, {"name": {"en": "A donor"}, "kind": "donor"}).json()["name"] == {"en": "A donor"}
    body = {"name": {"en": "Duty"}, "zone": "UTC", "is_always": True, "email": "duty@cert.example"}
    contact = api.post(f"{at}/contacts", body).json()
    wrong = api.post(f"{at}/contacts", body | {"zone": "Nowhere"})
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/zone")
    tested = api.post(f"/contacts/{contact['id']}/test", {"outcome": "late"}).json()
    assert (tested["outcome"], tested["tested"] is None) == ("late", False)
    assert api.put(f"/contacts/{contact['id']}", body | {"email": "b@cert.example"}).json()["outcome"] == ""
    assert len(api.get(f"{at}/contacts").json()["items"]) == 1
    assert api.delete(f"/contacts/{contact['id']}").status_code == 204
    assert api.get(f"{at}/contacts").json()["items"] == []


def test_the_nation_of_a_node_stays(cast: Cast) -> None:
    ours = host()
    with pytest.raises(PeopleError, match="speaks for its nation"):
        actions.change_organisation(SYSTEM, ours, names=ours.name, kind=Organisation.Kind.OTHER, nation="XA")
