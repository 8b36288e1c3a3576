"""Roles in organisations: who may give and take them, and what is left of somebody who may not come in any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.account.forms import default_token_generator
from allauth.mfa.models import Authenticator
from django.urls import reverse

from taawun.cooperation.people import actions
from taawun.cooperation.people.errors import LastAdministrator, NotAllowed, PeopleError
from taawun.cooperation.people.models import ApiToken, Membership, Organisation, Person
from taawun.cooperation.people.permissions import Permission, Role, permissions_of
from taawun.cooperation.people.queries import actor_for_token, actor_of, persons
from taawun.cooperation.people.rules import may_see_address
from taawun.platform.audit.models import Entry
from taawun.platform.registry import registry
from tests.cast import Cast, Member, person, token_of
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


@pytest.fixture
def university(cast: Cast) -> Organisation:
    return Organisation.objects.create(names={"en": "University"}, kind=Organisation.Kind.UNIVERSITY)


def roles_of(row: Person, place: Organisation) -> set[str]:
    return set(Membership.objects.filter(person=row, organisation=place).values_list("role", flat=True))


def test_a_permission_of_the_node_comes_only_from_the_organisation_that_runs_it(
    cast: Cast, university: Organisation
) -> None:
    host = Organisation.objects.get(is_host=True)
    of_node = {each.name for each in registry.all(Permission) if each.of_node}
    assert {"manage:partners", "approve:agreements", "write:agreements", "read:audit"} <= of_node
    elsewhere = actor_of(person(*Role.values, organisation=university))
    assert elsewhere.permissions.isdisjoint(of_node)
    assert {"manage:people", "publish:intel", "read:agreements"} <= elsewhere.permissions
    assert of_node <= actor_of(person(*Role.values, organisation=host)).permissions


@pytest.mark.parametrize(
    ("role", "held", "not_held"),
    [
        (Role.ADMINISTRATOR, "manage:people manage:partners read:audit", "read:intel approve:agreements"),
        (Role.OFFICER, "write:agreements approve:agreements read:intel", "publish:intel manage:people"),
        (Role.DELEGATE, "write:agreements", "approve:agreements read:intel"),
        (Role.POLICYMAKER, "approve:agreements read:audit read:intel", "write:agreements publish:intel"),
        (Role.ANALYST, "read:intel write:intel publish:intel", "write:agreements read:audit"),
        (Role.OBSERVER, "read:people read:agreements", "read:intel write:agreements"),
    ],
)
def test_a_role_is_its_permissions(role: Role, held: str, not_held: str) -> None:
    assert set(held.split()) <= permissions_of(role)
    assert set(not_held.split()).isdisjoint(permissions_of(role))


def test_who_administers_one_organisation_manages_its_people_and_no_others(
    cast: Cast, university: Organisation
) -> None:
    host = Organisation.objects.get(is_host=True)
    dean = actor_of(person(Role.ADMINISTRATOR, name="Dean", organisation=university))
    student = person(Role.TRAINEE, organisation=university)
    actions.give_role(dean, student, university, Role.RESEARCHER)
    actions.set_roles(dean, student, university, [Role.INSTRUCTOR])
    assert roles_of(student, university) == {"instructor"}
    refusals: list[Callable[[], object]] = [
        lambda: actions.give_role(dean, student, host, Role.ANALYST),
        lambda: actions.give_role(dean, cast.analyst.row, university, Role.ANALYST),
        lambda: actions.disable(dean, cast.analyst.row),
        lambda: actions.make_password_link(dean, cast.stranger.row),
        lambda: actions.invite(dean, email="new@x.example", organisation=host, roles=["observer"]),
        lambda: actions.take_role(dean, Membership.objects.get(person=cast.analyst.row)),
        lambda: actions.add_organisation(dean, names=host.name, kind=Organisation.Kind.OTHER, nation=None),
    ]
    for refused in refusals:
        before = Membership.objects.count(), Entry.objects.count()
        with pytest.raises(NotAllowed) as why:
            refused()
        assert why.value.reason == "not-of-the-host"
        assert (Membership.objects.count(), Entry.objects.count()) == before


def test_who_administers_one_organisation_does_not_disable_somebody_who_works_for_another_too(
    cast: Cast, university: Organisation
) -> None:
    dean = actor_of(person(Role.ADMINISTRATOR, organisation=university))
    shared = person(Role.ANALYST)
    Membership.objects.create(person=shared, organisation=university, role=Role.RESEARCHER)
    with pytest.raises(NotAllowed):
        actions.disable(dean, shared)
    with pytest.raises(NotAllowed):
        actions.make_password_link(dean, shared)
    actions.leave(dean, shared, university)
    assert roles_of(shared, university) == set()


def test_who_comes_from_another_organisation_is_let_in_by_nothing_that_its_administrators_may_know(
    cast: Cast, university: Organisation
) -> None:
    host = Organisation.objects.get(is_host=True)
    dean = actor_of(person(Role.ADMINISTRATOR, organisation=university))
    # an administrator hands out an account for whatever address, and keeps what opens it
    minted = actions.invite(
        dean, email="chief@cert.example", organisation=university, roles=["administrator"]
    )
    theirs = actions.accept_invitation(
        minted.secret, name="Chief", password="known-to-the-dean-7", language="en"
    )
    Authenticator.objects.create(user=theirs, type=Authenticator.Type.TOTP, data={"secret": "s"})
    token, browser = token_of(theirs, "manage:people"), Member(theirs, None).browser()
    link = actions.make_password_link(dean, theirs)
    shown = cast.administrator.browser().post(
        reverse("role-give", args=[theirs.id]), {"organisation": str(host.id), "role": "officer"}, follow=True
    )
    assert "make them a link for a new password" in shown.content.decode()
    theirs.refresh_from_db()
    assert "approve:agreements" in actor_of(theirs).permissions
    assert not theirs.has_usable_password()
    assert not Authenticator.objects.filter(user=theirs).exists()
    assert actor_for_token(token) is None
    assert browser.get(reverse("people")).status_code == 302
    assert not default_token_generator.check_token(theirs, link.secret.partition("-")[2])
    assert Entry.objects.filter(verb="people.ways-in-ended").count() == 1
    # who manages everybody lets them in, and a further role, of whichever organisation, changes nothing
    actions.make_password_link(cast.administrator.actor, theirs)
    theirs.set_password("known-to-the-chief-7")
    theirs.save()
    actions.give_role(cast.administrator.actor, theirs, host, Role.ANALYST)
    actions.set_roles(cast.administrator.actor, theirs, university, [Role.RESEARCHER])
    assert Person.objects.get(id=theirs.id).has_usable_password()


def test_neither_a_move_nor_a_leave_before_it_keeps_what_another_organisations_administrators_may_know(
    cast: Cast, university: Organisation
) -> None:
    host = Organisation.objects.get(is_host=True)
    ministry = Organisation.objects.create(names={"en": "Ministry"}, kind=Organisation.Kind.MINISTRY)
    dean = actor_of(person(Role.ADMINISTRATOR, organisation=university))
    for place in (host, ministry):
        moved, left = (
            person(Role.TRAINEE, organisation=university),
            person(Role.TRAINEE, organisation=university),
        )
        for each in (moved, left):
            each.set_password("known-to-the-dean-7")
            each.save()
        actions.move(cast.administrator.actor, moved, university, place, ["analyst"])
        actions.leave(dean, left, university)
        actions.give_role(cast.administrator.actor, left, place, Role.ANALYST)
        assert not any(Person.objects.get(id=each.id).has_usable_password() for each in (moved, left))
    # of the organisation that runs the node nobody else managed the account
    own = person(Role.ANALYST)
    own.set_password("known-to-nobody-7")
    own.save()
    actions.move(cast.administrator.actor, own, host, university, ["researcher"])
    assert Person.objects.get(id=own.id).has_usable_password()


def test_addresses_and_invitations_of_other_organisations_are_not_shown(
    cast: Cast, university: Organisation
) -> None:
    dean_row = person(Role.ADMINISTRATOR, organisation=university)
    dean, student = actor_of(dean_row), person(Role.TRAINEE, organisation=university)
    assert may_see_address(dean, student)
    assert not may_see_address(dean, cast.analyst.row)
    assert set(persons(dean, "@cert.example")) == {dean_row, student}
    host = Organisation.objects.get(is_host=True)
    made = actions.invite(
        cast.administrator.actor, email="a@x.example", organisation=host, roles=["analyst"]
    ).thing
    client = cast.administrator.browser()
    client.force_login(dean_row, "allauth.account.auth_backends.AuthenticationBackend")
    assert "a@x.example" not in client.get(reverse("invitations")).content.decode()
    assert client.post(reverse("invitation-revoke", args=[made.id])).status_code == 404
    # nor closed by inviting the same address: the other way round its own is theirs to close
    with pytest.raises(PeopleError, match="Another organisation of this node has invited"):
        actions.invite(dean, email="A@x.example", organisation=university, roles=["trainee"])
    made.refresh_from_db()
    assert made.revoked is None
    theirs = actions.invite(dean, email="b@x.example", organisation=university, roles=["trainee"]).thing
    actions.invite(cast.administrator.actor, email="b@x.example", organisation=host, roles=["analyst"])
    theirs.refresh_from_db()
    assert theirs.revoked is not None


def test_the_last_administrator_of_the_node_stays_by_whatever_act(
    cast: Cast, university: Organisation
) -> None:
    host, actor, row = (
        Organisation.objects.get(is_host=True),
        cast.administrator.actor,
        cast.administrator.row,
    )
    # neither of these could let anybody in
    person(Role.ADMINISTRATOR, organisation=university)
    person(Role.ADMINISTRATOR, is_active=False)
    other = person(Role.OFFICER)
    Membership.objects.create(person=other, organisation=host, role=Role.ADMINISTRATOR)
    actions.disable(actor, other)
    refusals: list[Callable[[], object]] = [
        lambda: actions.take_role(actor, Membership.objects.get(person=row)),
        lambda: actions.set_roles(actor, row, host, ["analyst"]),
        lambda: actions.leave(actor, row, host),
        lambda: actions.move(actor, row, host, university, ["administrator"]),
    ]
    for refused in refusals:
        with pytest.raises(LastAdministrator):
            refused()
        assert roles_of(row, host) == {"administrator"}
        assert roles_of(row, university) == set()
    with pytest.raises(PeopleError, match="yourself"):
        actions.disable(actor, row)


def test_moving_ends_every_role_there_and_gives_the_new_ones_here(
    cast: Cast, university: Organisation
) -> None:
    host, row = Organisation.objects.get(is_host=True), cast.analyst.row
    with pytest.raises(PeopleError):
        actions.move(cast.administrator.actor, row, host, university, ["emperor"])
    assert roles_of(row, host) == {"analyst"}
    actions.move(cast.administrator.actor, row, host, university, ["researcher", "instructor"])
    assert (roles_of(row, host), roles_of(row, university)) == (set(), {"instructor", "researcher"})
    told = Entry.objects.filter(verb__startswith="people.").order_by("-id").values_list("verb", flat=True)
    assert list(told[:4]) == [
        "people.left-organisation",
        "people.role-taken",
        "people.role-given",
        "people.role-given",
    ]


def test_somebody_who_is_disabled_and_enabled_again_comes_in_by_no_session_or_token_from_before(
    cast: Cast,
) -> None:
    row, secret, browser = cast.analyst.row, token_of(cast.analyst.row), cast.analyst.browser()
    assert browser.get(reverse("profile")).status_code == 200
    actions.disable(cast.administrator.actor, row)
    assert browser.get(reverse("profile")).status_code == 302
    row.refresh_from_db()
    actions.enable(cast.administrator.actor, row)
    assert browser.get(reverse("profile")).status_code == 302
    assert actor_for_token(secret) is None
    assert not ApiToken.objects.filter(person=row, revoked__isnull=True).exists()
    row.refresh_from_db()
    assert "publish:intel" in actor_of(row).permissions


def test_before_somebody_comes_from_another_organisation_the_pages_say_what_ends(
    cast: Cast, university: Organisation
) -> None:
    browser, host = cast.administrator.browser(), Organisation.objects.get(is_host=True)
    theirs = person(Role.ANALYST, name="Theirs", organisation=university)
    told = "With a first role elsewhere all that opens it ends"
    for asked in (
        reverse("person", args=[theirs.id]),
        reverse("person-move", args=[theirs.id, university.id]),
    ):
        assert told in read(browser.get(asked)).text
    ours = cast.analyst.row
    for asked in (reverse("person", args=[ours.id]), reverse("person-move", args=[ours.id, host.id])):
        assert told not in read(browser.get(asked)).text
    given = {"organisation": str(host.id), "role": "analyst"}
    assert browser.post(reverse("role-give", args=[theirs.id]), given).status_code == 302
    page = read(browser.get(reverse("person", args=[theirs.id]))).text
    assert "all that opened it has ended. Make sure who they are" in page
    assert told not in page


def test_the_pages_change_leave_move_and_disable(cast: Cast, university: Organisation) -> None:
    host, row, browser = (
        Organisation.objects.get(is_host=True),
        cast.analyst.row,
        cast.administrator.browser(),
    )
    at = [row.id, host.id]
    assert browser.post(reverse("person-roles", args=at), {"roles": ["officer", "editor"]}).status_code == 302
    assert roles_of(row, host) == {"officer", "editor"}
    assert browser.post(reverse("person-roles", args=at), {}).status_code == 422
    moved = {"organisation": str(university.id), "roles": ["editor"]}
    assert browser.post(reverse("person-move", args=at), moved).status_code == 302
    assert roles_of(row, university) == {"editor"}
    assert browser.get(reverse("person-leave", args=at)).status_code == 404
    at = [row.id, university.id]
    told = "Analyst belongs to no organisation then: password, passkeys, codes and tokens end"
    taken = Membership.objects.get(person=row)
    for asked in (reverse("person-leave", args=at), reverse("role-take", args=[taken.id])):
        assert told in read(browser.get(asked)).text
    Membership.objects.create(person=row, organisation=university, role=Role.ANALYST)
    assert told in read(browser.get(reverse("person-leave", args=at))).text
    assert told not in read(browser.get(reverse("role-take", args=[taken.id]))).text
    assert browser.post(reverse("person-leave", args=at)).status_code == 302
    assert roles_of(row, university) == set()
    assert browser.post(reverse("person-disable", args=[row.id])).status_code == 302
    row.refresh_from_db()
    assert not row.is_active
    found = browser.get(reverse("people") + f"?state=inactive&organisation={host.id}").content.decode()
    assert f'href="{reverse("person", args=[row.id])}"' not in found
    assert (
        reverse("person", args=[row.id])
        in browser.get(reverse("people") + "?state=inactive").content.decode()
    )


def test_the_interface_changes_leaves_moves_and_disables(cast: Cast, university: Organisation) -> None:
    host, row, api = Organisation.objects.get(is_host=True), cast.analyst.row, cast.administrator.api
    at = f"/people/{row.id}"
    answer = api.put(f"{at}/organisations/{host.id}", {"roles": ["officer"]})
    assert [each["role"] for each in answer.json()["memberships"]] == ["officer"]
    wrong = api.put(f"{at}/organisations/{host.id}", {"roles": ["emperor"]})
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/roles")
    body = {"before": str(host.id), "after": str(university.id), "roles": ["editor"]}
    assert api.post(f"{at}/move", body).json()["memberships"][0]["organisation"]["id"] == str(university.id)
    assert api.delete(f"{at}/organisations/{university.id}").status_code == 204
    assert api.delete(f"{at}/organisations/{university.id}").status_code == 422
    assert api.post(f"{at}/disable").json()["is_active"] is False
    assert api.post(f"{at}/enable").json()["is_active"] is True
