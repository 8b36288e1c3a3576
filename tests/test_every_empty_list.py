"""Every list on a node on which nothing has happened yet: it says what is missing, and what to do first.

Who may do it is given the way to it; who may not reads a sentence that says how it comes about, and is shown no way
that would be closed to them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from taawun.cooperation.people.permissions import Role
from tests.addresses import ADDRESSES, NOTHING
from tests.cast import Member, establish_node, person
from tests.pages import pages, read

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["pages"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

# by list: where its empty page leads who may do everything; empty where there is nothing to do but wait
LISTS: Final = {
    "agreements/": "agreements/new/",
    "intel/": "intel/imports/new/",
    "intel/imports/": "intel/imports/new/",
    "intel/objects/": "intel/imports/new/",
    "notices/": "",
    "notices/history/": "",
    "partners/": "partners/new/",
    "people/communities/": "people/communities/new/",
    "people/invitations/": "people/invitations/new/",
    "people/providers/": "people/providers/new/",
    "people/tokens/": "",  # the form for one stands below
    "releases/": "agreements/",
    "releases/guests/": "agreements/",
    "releases/guests/tokens/": "releases/guests/tokens/new/",
    "releases/ledger/": "agreements/",
    "releases/public/": "",
    "releases/received/": "agreements/",
}
# they hold rows from the first day: who runs the node, the nations of the world, what set it up, invented examples
NEVER_EMPTY: Final = ("audit/", "components/", "people/", "people/nations/", "people/organisations/")


def emptiness(client: Client, route: str) -> list[str]:
    """What stands in the place of the rows, each as its markup."""
    answer = client.get(f"/en/{route}")
    if answer.status_code == 403:
        return []
    read(answer)
    found = re.findall(r'<div class="empty">(.*?)</div></div>', answer.content.decode(), re.DOTALL)
    assert len(found) == 1, f"{route} says nothing in the place of its rows"
    return found


def test_every_list_without_rows_says_what_to_do_first_to_who_may_and_to_who_may_not() -> None:
    establish_node()
    keeper = Member(person(Role.ADMINISTRATOR, Role.OFFICER, Role.ANALYST), None).browser()
    readers = [Member(person(role), None).browser() for role in (Role.OBSERVER, Role.TRAINEE, Role.ANALYST)]
    for route, first in LISTS.items():
        [said] = emptiness(keeper, route)
        ways = re.findall(r'href="([^"]+)"', said)
        assert ([way.removeprefix("/en/") for way in ways[:1]] or [""]) == [first], route
        for reader in readers:
            for told in emptiness(reader, route):
                assert re.search(r"<p>\s*\S+ \S+", told), f"{route} does not say how it comes about"
                for way in re.findall(r'href="([^"#][^"]*)"', told):
                    assert reader.get(way).status_code == 200, f"{route} leads to {way}, which is closed"


def test_every_list_is_known_here() -> None:
    """A new list needs a line above."""
    establish_node()
    keeper = Member(person(Role.ADMINISTRATOR, Role.OFFICER, Role.ANALYST), None).browser()
    for address in ADDRESSES:
        if "<" in address.route or not address.is_page or address.get in {"", NOTHING} or address.is_borrowed:
            continue
        answer = keeper.get(f"/en/{address.route}")
        if answer.status_code == 200 and 'id="list"' in answer.content.decode():
            assert address.route in {*LISTS, *NEVER_EMPTY}, f"{address.route} is a list and is not in LISTS"
