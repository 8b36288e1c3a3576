"""The machine face of people: persons and their roles, organisations, nations, invitations."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPException

import pytest
from django.core import mail
from django.db import connection
from pytest_django import Settings

from taawun.cooperation.people.models import Invitation, Membership, Nation, Organisation
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.queries import open_invitation
from taawun.foundation.clock import frozen, now
from taawun.platform.audit.models import Entry
from tests.cast import Cast, person, some_id

INVITED = {"email": "new@cert.example", "roles": ["analyst", "observer"], "language": "fr"}
ADDED = {"name": {"en": "University of the North"}, "kind": "university", "nation": "XN"}


def _audited(verb: str) -> int:
    return Entry.objects.filter(verb=verb).count()


# ---- persons ----------------------------------------------------------------------------------------------------


def test_persons_are_read_by_everybody_with_a_role(cast: Cast) -> None:
    expected = Cast.statuses(200, stranger=403)
    assert cast.meet("GET", "/people") == expected
    assert cast.meet("GET", f"/people/{cast.analyst.row.id}") == expected


def test_persons_are_listed_by_name_with_their_roles(cast: Cast) -> None:
    items = cast.analyst.api.get("/people").json()["items"]
    assert [each["name"] for each in items] == [
        "Administrator",
        "Analyst",
        "Former",
        "Observer",
        "Officer",
        "Other officer",
        "Stranger",
        "Trainee",
    ]
    assert [each["role"] for each in items[1]["memberships"]] == ["analyst"]
    assert items[1]["memberships"][0]["organisation"]["name"]["fr"] == "CERT du Nord"
    assert [each["name"] for each in items if not each["is_active"]] == ["Former"]


def test_persons_are_found_by_name_and_role(cast: Cast) -> None:
    names = [each["name"] for each in cast.analyst.api.get("/people", search="officer").json()["items"]]
    assert names == ["Officer", "Other officer"]
    names = [each["name"] for each in cast.analyst.api.get("/people", role="trainee").json()["items"]]
    assert names == ["Trainee"]


def test_persons_are_found_whatever_the_accents_and_case_of_their_names(cast: Cast) -> None:
    for name in ("Élodie Ngô", "مُؤمِنة الهاشمي", "Elia"):
        person(Role.OBSERVER, name=name)
    for search, names in (
        ("élodie", ["Élodie Ngô"]),
        ("ÉLODIE", ["Élodie Ngô"]),
        ("ngo elodie", ["Élodie Ngô"]),
        ("el", ["Elia", "Élodie Ngô"]),
        ("مؤمنه هاشمي", ["مُؤمِنة الهاشمي"]),
        ("lodie", []),
        ("?!", []),
    ):
        items = cast.observer.api.get("/people", search=search).json()["items"]
        assert sorted(each["name"] for each in items) == sorted(names), search
    first = cast.observer.api.get("/people", search="el", limit=1).json()
    second = cast.observer.api.get("/people", search="el", limit=1, after=first["next"]).json()
    assert {each["name"] for page in (first, second) for each in page["items"]} == {"Elia", "Élodie Ngô"}
    assert second["next"] is None


def test_a_part_of_an_address_finds_its_person_in_any_case(cast: Cast) -> None:
    local = cast.analyst.row.email.partition("@")[0]
    for part in (local.upper(), f"{local[2:]}@cert.ex"):
        found = cast.administrator.api.get("/people", search=part).json()["items"]
        assert [each["name"] for each in found] == ["Analyst"], part


def test_an_address_is_searched_by_who_manages_people_alone(cast: Cast) -> None:
    part = cast.analyst.row.email.partition("@")[0]
    found = cast.administrator.api.get("/people", search=part).json()["items"]
    assert [each["name"] for each in found] == ["Analyst"]
    assert cast.observer.api.get("/people", search=part).json()["items"] == []


def test_an_address_is_for_oneself_and_who_manages_people(cast: Cast) -> None:
    path = f"/people/{cast.analyst.row.id}"
    assert cast.observer.api.get(path).json()["email"] is None
    assert cast.analyst.api.get(path).json()["email"] == cast.analyst.row.email
    assert cast.administrator.api.get(path).json()["email"] == cast.analyst.row.email


def test_a_person_who_is_not_there_is_not_found(cast: Cast) -> None:
    answer = cast.analyst.api.get(f"/people/{some_id()}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-person")


# ---- roles ------------------------------------------------------------------------------------------------------


def test_roles_are_given_by_administrators_alone(cast: Cast) -> None:
    body = {"organisation": str(Organisation.objects.get().id), "role": "instructor"}
    path = f"/people/{cast.trainee.row.id}/roles"
    assert cast.meet("POST", path, body) == Cast.statuses(403, administrator=201)
    assert _audited("people.role-given") == 1


def test_a_role_that_is_given_again_stays_one(cast: Cast) -> None:
    body = {"organisation": str(Organisation.objects.get().id), "role": "instructor"}
    path = f"/people/{cast.trainee.row.id}/roles"
    first, again = (cast.administrator.api.post(path, body).json() for _ in range(2))
    assert first == again
    assert (first["role"], first["organisation"]["id"]) == ("instructor", body["organisation"])
    assert Membership.objects.filter(person=cast.trainee.row).count() == 2


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"role": "king"}, 422, "people-refused"),
        ({"organisation": "0190b6d0-0000-7000-8000-000000000000"}, 422, "no-such-organisation"),
        ({"organisation": "x"}, 422, "invalid"),
        ({"since": "1999"}, 422, "invalid"),
    ],
)
def test_a_role_that_cannot_be_given_is_refused(
    cast: Cast, changes: dict[str, str], status: int, code: str
) -> None:
    body = {"organisation": str(Organisation.objects.get().id), "role": "instructor", **changes}
    answer = cast.administrator.api.post(f"/people/{cast.trainee.row.id}/roles", body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:taawun:problem:{code}")


def test_a_role_is_taken_by_administrators_alone(cast: Cast) -> None:
    held = Membership.objects.get(person=cast.trainee.row)
    path = f"/people/{cast.trainee.row.id}/roles/{held.pk}"
    assert {**cast.meet("DELETE", path), "administrator": 204} == Cast.statuses(403, administrator=204)
    assert not Membership.objects.filter(pk=held.pk).exists()
    assert cast.administrator.api.delete(path).status_code == 404


def test_a_role_is_taken_under_its_own_person(cast: Cast) -> None:
    held = Membership.objects.get(person=cast.trainee.row)
    answer = cast.administrator.api.delete(f"/people/{cast.analyst.row.id}/roles/{held.pk}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-role")


@pytest.mark.parametrize("number", ["99999999999999999999999", "0"])
def test_a_role_of_a_number_beyond_all_is_not_found(cast: Cast, number: str) -> None:
    answer = cast.administrator.api.delete(f"/people/{cast.trainee.row.id}/roles/{number}")
    assert answer.status_code == 404


def test_the_last_administrators_role_stays(cast: Cast) -> None:
    held = Membership.objects.get(person=cast.administrator.row)
    path = f"/people/{cast.administrator.row.id}/roles/{held.pk}"
    assert cast.administrator.api.delete(path).status_code == 422
    person("administrator")
    assert cast.administrator.api.delete(path).status_code == 204


# ---- organisations and nations ----------------------------------------------------------------------------------


def test_organisations_and_nations_are_read_by_everybody_with_a_role(cast: Cast) -> None:
    expected = Cast.statuses(200, stranger=403)
    assert cast.meet("GET", "/organisations") == expected
    assert cast.meet("GET", "/nations") == expected


def test_organisations_are_added_by_administrators_alone(cast: Cast) -> None:
    assert cast.meet("POST", "/organisations", ADDED) == Cast.statuses(403, administrator=201)
    items = cast.analyst.api.get("/organisations").json()["items"]
    assert [(each["name"]["en"], each["kind"], each["is_host"]) for each in items] == [
        ("Northern CERT", "national-cert", True),
        ("University of the North", "university", False),
    ]
    assert _audited("people.organisation-added") == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "circus"}, "/kind"),
        ({"nation": "xn"}, "/nation"),
        ({"name": {}}, "/name"),
        ({"name": {"en": ""}}, "/name"),
        ({"name": {"en": 5}}, "/name/en"),
    ],
)
def test_an_organisation_that_cannot_be_is_refused_with_its_place(
    cast: Cast, changes: dict[str, object], pointer: str
) -> None:
    answer = cast.administrator.api.post("/organisations", {**ADDED, **changes})
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    assert Organisation.objects.count() == 1


def test_a_nation_is_called_by_its_own_word_or_by_locale_data(cast: Cast) -> None:
    Nation.objects.create(code="MY")
    items = cast.analyst.api.get("/nations").json()["items"]
    assert [(each["code"], each["name"]["en"]) for each in items] == [("MY", "Malaysia"), ("XN", "Northland")]


# ---- invitations ------------------------------------------------------------------------------------------------


def test_invitations_are_for_administrators_alone(cast: Cast) -> None:
    assert cast.meet("POST", "/invitations", INVITED) == Cast.statuses(403, administrator=201)
    assert cast.meet("GET", "/invitations") == Cast.statuses(403, administrator=200)
    path = f"/invitations/{Invitation.objects.get().id}"
    assert {**cast.meet("DELETE", path), "administrator": 204} == Cast.statuses(403, administrator=204)


def test_the_link_is_answered_once_and_opens_the_invitation(cast: Cast) -> None:
    made = cast.administrator.api.post("/invitations", INVITED).json()
    assert made["link"].startswith("http://127.0.0.1:8000/fr/people/invitations/")
    found = open_invitation(made["link"].rstrip("/").rpartition("/")[2])
    assert found is not None
    assert (str(found.id), found.roles) == (made["about"]["id"], ["analyst", "observer"])
    listed = cast.administrator.api.get("/invitations").content.decode()
    assert made["link"].rstrip("/").rpartition("/")[2] not in listed


@pytest.mark.django_db(transaction=True)
def test_an_invitation_is_mailed_where_the_node_can(cast: Cast, settings: Settings) -> None:
    assert cast.administrator.api.post("/invitations", INVITED).json()["was_mailed"] is False
    settings.EMAIL_URL = "smtp://mail.example"
    made = cast.administrator.api.post("/invitations", INVITED).json()
    assert made["was_mailed"] is True
    assert made["link"] in mail.outbox[0].body


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error", [None, SMTPException, TimeoutError, UnicodeEncodeError("ascii", "é", 0, 1, "no")]
)
def test_a_letter_leaves_only_when_its_invitation_is_kept_and_its_failure_fails_nothing(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception | type[Exception] | None
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    sent: list[tuple[str, bool, int]] = []

    def send(_subject: str, body: str, *_rest: object) -> None:
        sent.append((body, connection.in_atomic_block, Invitation.objects.count()))
        if error:
            raise error

    monkeypatch.setattr("taawun.cooperation.people.letters.send_mail", send)
    for headers, was_mailed in (({"Idempotency_Key": "1"}, False), ({}, error is None)):
        sent.clear()
        answer = cast.administrator.api.post("/invitations", INVITED, **headers)
        assert (answer.status_code, answer.json()["was_mailed"]) == (201, was_mailed)
        [(body, within, count)] = sent
        assert answer.json()["link"] in body
        assert (within, count) == (False, Invitation.objects.count())


@pytest.mark.django_db(transaction=True)
def test_of_an_invitation_that_was_undone_no_letter_leaves(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"

    def fail(*_given: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr("taawun.platform.web.idempotency._seal", fail)
        answer = cast.administrator.api.post("/invitations", INVITED, Idempotency_Key="1")
    assert (answer.status_code, Invitation.objects.count(), len(mail.outbox)) == (500, 0, 0)
    first, again = (
        cast.administrator.api.post("/invitations", INVITED, Idempotency_Key="1") for _ in range(2)
    )
    assert first.json() == again.json()
    [letter] = mail.outbox
    assert first.json()["link"] in letter.body


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "nobody"}, "people-refused"),
        ({"roles": ["king"]}, "people-refused"),
        ({"roles": []}, "invalid"),
        ({"language": "de"}, "invalid"),
        ({"organisation": "0190b6d0-0000-7000-8000-000000000000"}, "no-such-organisation"),
    ],
)
def test_an_invitation_that_cannot_be_is_refused(cast: Cast, changes: dict[str, object], code: str) -> None:
    answer = cast.administrator.api.post("/invitations", {**INVITED, **changes})
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:taawun:problem:{code}")
    assert Invitation.objects.count() == 0


def test_who_is_here_already_is_not_invited(cast: Cast) -> None:
    answer = cast.administrator.api.post("/invitations", {**INVITED, "email": cast.analyst.row.email.upper()})
    assert answer.status_code == 422


def test_invitations_tell_what_became_of_them(cast: Cast) -> None:
    api = cast.administrator.api
    revoked, expired = (
        api.post("/invitations", {**INVITED, "email": f"{name}@cert.example"}).json()["about"]["id"]
        for name in ("revoked", "expired")
    )
    api.delete(f"/invitations/{revoked}")
    Invitation.objects.filter(id=expired).update(expires=now() - timedelta(seconds=1))
    opened = api.post("/invitations", INVITED).json()["about"]["id"]
    states = {each["id"]: each["state"] for each in api.get("/invitations").json()["items"]}
    assert states == {revoked: "revoked", expired: "expired", opened: "open"}
    for made, state in ((revoked, "revoked"), (expired, "expired"), (opened, "open")):
        assert [each["id"] for each in api.get("/invitations", state=state).json()["items"]] == [made]
    assert api.get("/invitations", state="accepted").json()["items"] == []
    assert [each["id"] for each in api.get("/invitations", q="EXPIRED@").json()["items"]] == [expired]
    assert api.delete(f"/invitations/{revoked}").status_code == 204
    assert _audited("people.invitation-revoked") == 1


def test_an_invitation_that_is_not_there_is_not_found(cast: Cast) -> None:
    assert cast.administrator.api.delete(f"/invitations/{some_id()}").status_code == 404


def test_an_invitation_lapses_after_its_days(cast: Cast) -> None:
    made = cast.administrator.api.post("/invitations", INVITED).json()
    secret = made["link"].rstrip("/").rpartition("/")[2]
    with frozen(now() + timedelta(days=14)):
        assert open_invitation(secret) is None
