"""A member, a partner's member, a stranger, an administrator and a guest party against every address.

What opens an address stands in ``addresses.py``. Here each address meets each of those who may come, by every
method, in their own way of coming: with a session, a token, a signature, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.urls import Resolver404, URLResolver, get_resolver, resolve

from taawun.cooperation.people.permissions import matrix
from taawun.node.api import api
from taawun.platform.web.problems import MEDIA_TYPE
from tests.addresses import (
    ADDRESSES,
    GUEST,
    NOTHING,
    OFF,
    OWN,
    PUBLIC,
    SIGNED,
    SIGNED_IN,
    Address,
    filled,
    holders,
)
from tests.pages import pages
from tests.world import Comer, WithWorld, World, rows, undone

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response
    from django.urls import URLPattern
    from pytest_django.fixtures import Settings as SettingsWrapper

__all__ = ["pages"]

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PERMISSION: Final = re.compile(r"\(([a-z]+:[a-z-]+)\)")


def _name(address: Address) -> str:
    return address.route or "home"


def _is_signed(address: Address) -> bool:
    return SIGNED in address.methods.values()


def _whose(address: Address) -> str:
    """Who comes to an address of machines in the way that it asks for."""
    openers = address.methods.values()
    return "node south" if SIGNED in openers else "guest" if GUEST in openers else "administrator"


PAGES: Final = [each for each in ADDRESSES if each.is_page]
OUR_PAGES: Final = [each for each in PAGES if not each.is_borrowed]
MACHINES: Final = [each for each in ADDRESSES if not each.is_page and not each.route.startswith("^")]


# ---- the map ----------------------------------------------------------------------------------------------------
def _routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _routes(each.url_patterns, before + str(each.pattern))
        else:
            yield before + str(each.pattern)


def _mapped() -> set[str]:
    return {route.removeprefix("en/") for route in _routes(get_resolver().url_patterns)}


def test_every_address_has_a_line_in_the_table(pages: SettingsWrapper) -> None:
    known = {address.route for address in ADDRESSES}
    missing = sorted(_mapped() - known)
    assert not missing, (
        "tests/addresses.py says nothing about these addresses; add to ADDRESSES\n"
        + "\n".join(f'    Address("{route}", get="the permission that opens it"),' for route in missing)
    )


def test_every_line_of_the_table_has_its_address(pages: SettingsWrapper) -> None:
    routes = [address.route for address in ADDRESSES]
    assert sorted(set(routes) - _mapped()) == []
    assert len(routes) == len(set(routes))


def test_the_document_of_the_machine_interface_takes_the_methods_of_the_table() -> None:
    documented = {
        path.lstrip("/"): {method.upper() for method in operations}
        for path, operations in api.get_openapi_schema()["paths"].items()
    }
    told = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", each.route): set(each.methods)
        for each in ADDRESSES
        if each.route.startswith("api/v1/") and each.route not in _OF_THE_API
    }
    assert documented == told


_OF_THE_API: Final = ("api/v1/", "api/v1/openapi.json", "api/v1/docs")


# ---- who may ----------------------------------------------------------------------------------------------------
def _ask(world: World, address: Address, method: str, comer: Comer, language: str = "en") -> Response:
    path = address.path(world.things, language)
    if address.query:
        path += "?" + quote(filled(address.query, world.things), safe="=&")
    body = filled(address.body, world.things) if method in {"POST", "PUT", "PATCH"} else None
    answer = comer.send(method, path, body)
    # whoever is answered whatever: nothing that stands in it may run
    policy = answer.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy, f"{method} {path} {comer.name}: {answer.status_code}"
    assert "unsafe-" not in policy
    return answer


def _comers(world: World, address: Address) -> list[Comer]:
    return world.people if address.is_page else world.machines


def _may(comer: Comer, opener: str) -> bool:
    held = comer.permissions
    for each in opener.split(" | "):
        if each == PUBLIC or (each == SIGNED_IN and held is not None) or (held and each in held):
            return True
        if each == OWN and comer.name == "analyst":
            return True
    return False


def _expected(address: Address, method: str, comer: Comer) -> frozenset[int]:
    """How this comer is turned away, or nothing where they are let in."""
    opener = address.methods[method]
    if opener == NOTHING and (comer.permissions is not None or address.route.startswith("^")):
        return frozenset({404})
    if opener == OFF:
        return frozenset({404})
    if opener == PUBLIC or (opener == GUEST and comer.name == "guest"):
        return frozenset()
    if opener == GUEST:
        return frozenset({401})
    if comer.permissions is None:
        return frozenset({302 if address.is_page else 401})
    refused = set() if _may(comer, opener) else {404 if OWN in opener else 403}
    if address.unseen and address.unseen not in comer.permissions:
        refused.add(404)
    if comer.name == "outsider" and not refused:
        refused |= {404} if address.is_inside else {403} if address.is_theirs else set()
    return frozenset(refused)


def _assert_turned_away(address: Address, comer: Comer, answer: Response) -> None:
    """Turned away in the right form, with a reason, and without a word of what is there."""
    told = f"{comer.name}: {answer.status_code} {answer.get('Location', '')}"
    if answer.status_code == 302:
        after = "" if address.is_borrowed else "?next=/en/"
        assert answer["Location"].startswith(f"/en/account/login/{after}"), told
        return
    if not address.is_page:
        assert answer["Content-Type"] == MEDIA_TYPE, told
        assert answer.json()["status"] == answer.status_code
    if answer.status_code == 401:
        assert answer["WWW-Authenticate"].startswith("Bearer "), told
    if answer.status_code == 403 and not (address.is_theirs and comer.name == "outsider"):
        missing = _PERMISSION.findall(answer.content.decode())
        assert missing, f"{told} without saying which permission is missing"
        assert comer.permissions is not None
        assert set(missing).isdisjoint(comer.permissions), f"{told}, for lack of {missing} which they hold"


def _assert_let_in(address: Address, method: str, comer: Comer, answer: Response) -> None:
    told = f"{comer.name}: {answer.status_code} {answer.get('Location', '')}"
    if method == "GET":
        assert answer.status_code in address.opened, told
    else:
        assert answer.status_code not in {401, 404, 405}, told
        assert answer.status_code < 500, told
        # a rule may still say no, for another reason than the door's
        assert answer.status_code != 403 or not _PERMISSION.findall(answer.content.decode()), told
    if answer.status_code == 302 and not address.is_borrowed:
        assert "/account/login/?next" not in answer["Location"], told


def _assert_unchanged(before: Mapping[str, object], told: str) -> None:
    after = rows()
    changed = [name for name, held in after.items() if held != before[name]]
    assert changed == [], f"{told} changed {changed}"


_MALFORMED: Final = (
    "x",
    "-1",
    "0",
    "%00",
    "%0a",
    "%ff",
    "..",
    "%2e%2e",
    "'",
    "%25",
    "9" * 30,
    "a" * 3000,
    "00000000-0000-0000-0000-000000000000",
    "{" + "0" * 8 + "-0000-0000-0000-" + "0" * 12 + "}",
    "indicator--00000000-0000-4000-8000-000000000000",
    "\u0661",
)


# ---- what holds for one address ---------------------------------------------------------------------------------
def _turns_away_all_others(world: World, address: Address) -> None:
    for method in address.methods:
        before = world.before()
        for comer in _comers(world, address):
            expected = _expected(address, method, comer)
            if not expected:
                continue
            answer = _ask(world, address, method, comer)
            assert answer.status_code in expected, f"{method} {comer.name}: {answer.status_code}"
            _assert_turned_away(address, comer, answer)
        _assert_unchanged(before, f"{method} {_name(address)} by those who may not")


def _opens_to_those_who_may(world: World, address: Address) -> None:
    for method in address.methods:
        comers = [each for each in _comers(world, address) if not _expected(address, method, each)]
        if connection.vendor == "postgresql":
            # what is asked of the database is the same for all, with other values: here two who differ most
            comers = [*comers[:1], *comers[1:][-1:]]
        for comer in comers:
            with undone():
                _assert_let_in(address, method, comer, _ask(world, address, method, comer))


def _is_alike_in_each_language(world: World, address: Address) -> None:
    comers = [world.comer(name, machine=False) for name in ("nobody", "trainee", "officer", "administrator")]
    for method in address.methods:
        # language decides nothing: one for each way in which they are let in or turned away
        for expected, comer in {_expected(address, method, each): each for each in comers}.items():
            told = expected or (set(address.opened) if method == "GET" else set())
            # where one answer alone is right, the others hold that it comes in English
            statuses = set(told) if len(told) == 1 else set()
            for language in ("ar", "fr") if statuses else ("ar", "en", "fr"):
                with undone():
                    statuses.add(_ask(world, address, method, comer, language).status_code)
            assert len(statuses) == 1, f"{method} {comer.name}: {statuses}"


def _tells_a_machine_its_methods(world: World, address: Address) -> None:
    comer = world.comer(_whose(address))
    before = world.before()
    for method in METHODS:
        if method in address.methods:
            continue
        answer = _ask(world, address, method, comer)
        assert answer.status_code == 405, f"{method}: {answer.status_code}"
        told = {each.strip() for each in answer["Allow"].split(",")} - {"HEAD", "OPTIONS"}
        assert told == set(address.methods)
        stranger = _ask(world, address, method, world.comer("nobody"))
        assert stranger.status_code in {401, 405}, f"{method} nobody: {stranger.status_code}"
    _assert_unchanged(before, _name(address))


def _takes_no_other_method(world: World, address: Address) -> None:
    before = world.before()
    for method in METHODS:
        if method in address.methods:
            continue
        for name in ("nobody", "administrator"):
            answer = _ask(world, address, method, world.comer(name, machine=False))
            assert answer.status_code == 405, f"{method} {name}: {answer.status_code}"
            told = {each.strip() for each in answer["Allow"].split(",")} - {"HEAD", "OPTIONS"}
            assert told == set(address.methods)
    _assert_unchanged(before, _name(address))


def _takes_no_form_from_elsewhere(world: World, address: Address) -> None:
    before = world.before()
    # forms are refused before anybody is asked who they are: one for each way in which they are let in or turned away
    known = [each for each in world.people if each.permissions is not None]
    for comer in {tuple(sorted(_expected(address, "POST", each))): each for each in known}.values():
        careful = Client(enforce_csrf_checks=True, raise_request_exception=False)
        careful.cookies = comer.client.cookies
        answer = _ask(world, address, "POST", Comer(comer.name, comer.permissions, careful))
        assert answer.status_code == 403, f"{comer.name}: {answer.status_code}"
    _assert_unchanged(before, _name(address))


def _asks_for_a_second_factor(world: World, address: Address) -> None:
    before = world.before()
    for method in address.methods:
        with override_settings(SECOND_FACTOR_REQUIRED=True):
            answer = _ask(world, address, method, world.comer("administrator", machine=False))
        assert (answer.status_code, answer.get("Location")) == (302, "/en/account/2fa/"), method
    _assert_unchanged(before, _name(address))


def _stands_malformed_ids(world: World, address: Address) -> None:
    named = {"nobody", "administrator", "analyst", "guest"}
    comers = [each for each in _comers(world, address) if each.name in named]
    if SIGNED in address.methods.values():
        comers.append(world.comer("node south"))
    names = re.findall(r"<(?:\w+:)?(\w+)>", address.route)
    things = {**world.things, **{name: f"\x02{name}\x03" for name in names}}
    plain = Address(address.route).path(things)
    before, is_asked, is_again = world.before(), False, False
    for malformed in _MALFORMED:
        path = plain
        for name in names:
            path = path.replace(quote(f"\x02{name}\x03"), quote(malformed, safe="%'.-"))
        if _leads_nowhere(path):
            # no view learns who came, or how: the answer is the same for all that is malformed
            if not is_asked:
                _ask_malformed(address, "GET", path, comers[0], None)
            is_asked = True
            continue
        for method in address.methods:
            for comer in _who_asks(address, method, comers, is_again=is_again):
                _ask_malformed(address, method, path, comer, filled(address.body, world.things) or None)
        is_again = True
    _assert_unchanged(before, _name(address))


def _who_asks(address: Address, method: str, comers: Sequence[Comer], *, is_again: bool) -> Iterator[Comer]:
    is_one_in = False
    for comer in comers:
        expected = _expected(address, method, comer)
        if not expected:
            # of what is not there, all who are let in learn the same: one of them asks
            if is_one_in:
                continue
            is_one_in = True
        elif is_again and expected & {302, 401, 403}:
            continue  # who is turned away at the door is so whatever they ask for
        yield comer


def _leads_nowhere(path: str) -> bool:
    try:
        resolve(unquote(path, errors="replace"))
    except Resolver404:
        return True
    return False


def _ask_malformed(
    address: Address, method: str, path: str, comer: Comer, body: Mapping[str, object] | None
) -> None:
    answer = comer.send(method, path, body)
    told = f"{method} {path[:120]} {comer.name}: {answer.status_code}"
    if address.is_borrowed:
        assert answer.status_code < 500, told
    else:
        assert answer.status_code in {302, 401, 403, 404, 405, 422}, told
        if answer.status_code == 302:
            assert "/account/login/" in answer["Location"] or path.endswith(".."), told


def _is_for_partners_that_sign(world: World, address: Address) -> None:
    method = next(iter(address.methods))
    before = world.before()
    for comer in world.machines:
        if comer.signer is None and address.route != "federation/inbox":
            answer = _ask(world, address, method, comer)
            assert answer.status_code == 401, f"{comer.name}: {answer.status_code}"
            assert answer["Content-Type"] == MEDIA_TYPE
    _assert_unchanged(before, _name(address))


# ---- every address meets everybody ------------------------------------------------------------------------------
@pytest.mark.slow
class TestEveryAddress(WithWorld):
    """Each address meets everybody."""

    def of_each(self, addresses: Sequence[Address], check: Callable[[World, Address], None]) -> None:
        """Check each of these addresses; one that fails does not hide the others."""
        for address in addresses:
            with self.each(_name(address)):
                check(self.world, address)

    def test_everybody_holds_what_the_matrix_gives_their_role_and_nothing_else(self) -> None:
        held = {
            name: {each.name for each in self.world.machines if name in (each.permissions or ())} - {"narrow"}
            for name in matrix().names
        }
        assert held == holders()

    def test_an_address_opens_to_those_who_may(self) -> None:
        self.of_each([each for each in ADDRESSES if not _is_signed(each)], _opens_to_those_who_may)

    @pytest.mark.any_database
    def test_an_address_opens_to_nobody_else(self) -> None:
        self.of_each([each for each in ADDRESSES if not _is_signed(each)], _turns_away_all_others)

    @pytest.mark.any_database
    def test_a_page_opens_in_each_language_alike(self) -> None:
        self.of_each(PAGES, _is_alike_in_each_language)

    @pytest.mark.any_database
    def test_a_machine_that_asks_by_a_wrong_method_is_told_the_right_ones(self) -> None:
        self.of_each(MACHINES, _tells_a_machine_its_methods)

    @pytest.mark.any_database
    def test_a_page_takes_no_method_that_it_does_not_need(self) -> None:
        self.of_each(OUR_PAGES, _takes_no_other_method)

    @pytest.mark.any_database
    def test_a_form_from_elsewhere_is_taken_from_nobody(self) -> None:
        own = [each for each in PAGES if each.post and not each.is_from_elsewhere]
        self.of_each(own, _takes_no_form_from_elsewhere)

    @pytest.mark.any_database
    def test_without_a_second_factor_a_page_leads_to_where_one_is_set_up(self) -> None:
        self.of_each(OUR_PAGES, _asks_for_a_second_factor)

    def test_a_malformed_id_finds_nothing_and_breaks_nothing(self) -> None:
        self.of_each([each for each in ADDRESSES if "<" in each.route], _stands_malformed_ids)

    def test_only_a_partner_that_signs_may_ask_what_is_between_nodes(self) -> None:
        self.of_each([each for each in ADDRESSES if _is_signed(each)], _is_for_partners_that_sign)
