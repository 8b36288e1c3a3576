"""The permission matrix: one object for sign-in, tokens, pages, API, documentation and tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from taawun.cooperation.people.actors import PartyActor
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.permissions import Role, matrix
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.rules import Granted, has_permission
from tests.cast import Cast, person
from tests.pages import pages

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings as SettingsWrapper

__all__ = ["pages"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "roles.md"


def table() -> str:
    """The matrix as the documentation shows it."""
    rows = [
        f"| `{each.name}` | {each.label} | {'node' if each.of_node else 'organisation'} | "
        + ("all" if each.roles == frozenset(Role) else ", ".join(str(label) for label in each.role_labels))
        + " |"
        for each in matrix().permissions
    ]
    return "\n".join(["| permission | lets one | counts in | roles |", "|---|---|---|---|", *rows])


def test_the_page_on_roles_shows_the_matrix_as_it_is() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), f"put this table into docs/roles.md:\n{table()}"


def test_a_partner_holds_no_permission_whoever_it_says_that_it_is(cast: Cast) -> None:
    party = PartyActor("https://xs.example", "Administrator")
    assert [each.name for each in matrix().permissions if has_permission(party, each.name) == Granted()] == []


@pytest.mark.parametrize("role", Role)
def test_a_role_lets_its_holder_do_what_the_matrix_says_and_nothing_else(cast: Cast, role: Role) -> None:
    elsewhere = Organisation.objects.create(names={"en": "University"}, kind=Organisation.Kind.UNIVERSITY)
    for place, in_host in ((None, True), (elsewhere, False)):
        actor = actor_of(person(role, organisation=place))
        may = {each.name for each in matrix().permissions if has_permission(actor, each.name) == Granted()}
        assert may == matrix().given_to(role, in_host=in_host)
        assert may == {
            each.name for each in matrix().permissions if role in each.roles and (in_host or not each.of_node)
        }


def test_every_role_and_every_permission_is_in_use() -> None:
    assert [role for role in Role if not matrix().given_to(role)] == []
    assert [each.name for each in matrix().permissions if not each.roles] == []


def test_the_page_and_the_api_show_the_matrix_and_what_a_search_finds_in_it(
    cast: Cast, pages: SettingsWrapper
) -> None:
    shown = cast.administrator.api.get("/permissions").json()
    assert [each["name"] for each in shown] == [each.name for each in matrix().permissions]
    assert {each["name"]: set(each["roles"]) for each in shown} == {
        each.name: {role.value for role in each.roles} for each in matrix().permissions
    }
    found = cast.administrator.api.get("/permissions", text="PARTNERS", role="observer").json()
    assert [each["name"] for each in found] == ["read:partners"]
    browser = cast.administrator.browser()
    answer = browser.get("/ar/people/permissions/")
    page = answer.content.decode()
    assert answer.status_code == 200, answer
    assert page.count('<th scope="row">') == len(matrix().permissions)
    page = browser.get("/en/people/permissions/?q=verify&role=administrator").content.decode()
    assert page.count('<th scope="row">') == 1
    assert "add, verify and block partners" in page
    export: Any = browser.get("/en/people/permissions/?format=csv")  # a stream, which the stubs do not know
    csv = b"".join(export.streaming_content).decode("utf-8-sig").splitlines()
    assert csv[0].startswith("permission,of_node,administrator,analyst")
    assert len(csv) == 1 + len(matrix().permissions)
