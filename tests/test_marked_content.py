"""What is marked TLP:RED or TLP:AMBER+STRICT is read by whom it is for, and by nobody else, by whatever address.

Every marked thing of ``world.py`` carries a word of its own. Everybody asks every address for everything; whoever
reads a word that is not for them has found a leak, and whoever does not find one that is for them cannot work.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from taawun.capabilities.intel.models import Import, Report
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.models import Content, Lane
from taawun.cooperation.people.models import ApiToken, Person
from taawun.foundation import signing
from taawun.foundation.clock import frozen, now
from tests.addresses import ADDRESSES, GUEST, NOTHING, OWN, PUBLIC, SIGNED, SIGNED_IN, Address, filled
from tests.pages import pages
from tests.world import WANTED, Comer, WithWorld, World, rows

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

__all__ = ["pages"]

# a question that finds everything that is marked, in whatever way an address is asked
_QUESTION: Final = f"q={WANTED}&text={WANTED}&search={WANTED}"
_SAVED: Final = "&format=json"
_TOKEN: Final = re.compile(r"ey[\w-]+\.[\w-]+\.[\w-]+")
_READ: Final = [each for each in ADDRESSES if each.get and each.get != NOTHING and not each.is_borrowed]
_SIGHTINGS: Final = next(each for each in _READ if each.route == "api/v1/intel/sightings")
_PARAMETERS: Final = {
    "report_id": Report,
    "import_id": Import,
    "release_id": Release,
    "agreement_id": Agreement,
    "person_id": Person,
}


def _text(answer: Response) -> str:
    data = b"".join(answer) if answer.streaming else answer.content
    return data.decode(errors="replace")


# ---- asking for everything --------------------------------------------------------------------------------------
def _questions(address: Address, world: World) -> Iterator[str]:
    """Every way to ask an address."""
    if "<" not in address.route:
        path = address.path(world.things)
        yield path
        if address.is_page:
            yield f"{path}?{_QUESTION}{_SAVED}"
        yield f"{path}?{_QUESTION}"
        if address.is_page:
            yield f"{path}?{_QUESTION}&format=csv"
        return
    names = re.findall(r"<(?:\w+:)?(\w+)>", address.route)
    if "stix_id" in names:
        ids = [*world.hidden["stix_id"], world.things["stix_id"], world.things["once_red"]]
    else:
        model = _PARAMETERS.get(names[0])
        ids = [str(each) for each in model._default_manager.values_list("pk", flat=True)] if model else [""]
    for each in ids:
        yield address.path({**world.things, **({names[0]: each} if each else {})})


def _is_at_the_door(address: Address, method: str, comer: Comer) -> bool:
    """Whether somebody is turned away for who they are, whatever they ask for: test_every_address.py holds that."""
    openers = set(address.methods[method].split(" | "))
    if comer.permissions is None:
        return openers.isdisjoint({PUBLIC, GUEST})
    return not address.unseen and openers.isdisjoint(comer.permissions | {PUBLIC, SIGNED_IN, OWN, GUEST})


def _answers(address: Address, world: World, comer: Comer) -> Iterator[tuple[str, str]]:
    for path in _questions(address, world):
        answer = comer.send("GET", path)
        yield path, _text(answer)
        is_page = answer.status_code in {200, 302} and answer["Content-Type"].startswith("text/html")
        if path.endswith(_SAVED) and is_page:
            # it has no list that could be saved: that was the page itself, which has answered the question
            return


def _everything(world: World, comer: Comer, *, pages: bool) -> Iterator[tuple[str, str]]:
    """Every address that lets them in, and what it answers."""
    for address in _READ:
        if address.is_page is not pages or SIGNED in address.methods.values():
            continue
        if not _is_at_the_door(address, "GET", comer):
            yield from _answers(address, world, comer)
    if not pages and not _is_at_the_door(_SIGHTINGS, "GET", comer):
        ids = [*world.hidden["stix_id"], world.things["stix_id"], world.things["once_red"]]
        for stix_id in ids:
            path = f"/api/v1/intel/sightings?of={stix_id}"
            yield path, _text(comer.send("GET", path))


def _at_doors(world: World, comer: Comer, number: int, *, pages: bool) -> Iterator[tuple[str, str]]:
    """Every address that turns them away, and what it answers; each of so many asks it for something else."""
    for address in _READ:
        if address.is_page is not pages or SIGNED in address.methods.values():
            continue
        questions = list(_questions(address, world))
        if questions and _is_at_the_door(address, "GET", comer):
            path = questions[number % len(questions)]
            yield path, _text(comer.send("GET", path))


def _between_nodes(comer: Comer) -> Iterator[tuple[str, str]]:
    """Every lane and every content, as a partner asks for them."""
    lanes = [f"/federation/lanes/{each}" for each in Lane.objects.values_list("id", flat=True)]
    blobs = [f"/federation/blobs/{each}" for each in Content.objects.values_list("digest", flat=True)]
    for path in ("/federation/lanes", *lanes, *blobs):
        text = _text(comer.send("GET", path))
        # what a header says is inside its signature's envelope
        said = [signing.peek(token).payload.decode() for token in _TOKEN.findall(text)]
        yield path, "\n".join([text, *said])


def _leaks(world: World, comer: Comer, answers: Iterator[tuple[str, str]]) -> tuple[list[str], set[str]]:
    """Where they read what is not for them, and every word they read."""
    leaks, seen = [], set()
    for path, text in answers:
        for secret in world.secrets:
            if secret.word in text:
                seen.add(secret.word)
                if comer.name not in secret.readers:
                    leaks.append(f"{path} tells {comer.name}: {secret.about} ({secret.word})")
    return leaks, seen


_MEETING: Final = frozenset({"analyst", "officer", "outsider", "administrator"})
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _about(address: Address) -> str:
    """The parameter of an address that may be of something hidden; empty where there is none."""
    names = re.findall(r"<(?:\w+:)?(\w+)>", address.route)
    return next((name for name in names if name in {"stix_id", "report_id", "import_id"}), "")


_ABOUT_ONE: Final = [each for each in ADDRESSES if _about(each)]


def _like(thing: str) -> str:
    """An identifier of the same form, of nothing."""
    return _ID.sub(str(uuid4()), thing)


def _without_ids(answer: Response) -> tuple[int, str]:
    """An answer without the identifiers in it, which an asker knows, and without the page's own secrets for forms."""
    text = re.sub(r"\b[A-Za-z0-9]{64}\b", "", _text(answer))
    return answer.status_code, _ID.sub("", text)


def _keys() -> list[str]:
    """The keys of the node and of its people, which are in no answer."""
    key = (settings.HOME / "keys" / "node.pem").read_text().splitlines()[1]
    return [key, settings.SECRET_KEY, *ApiToken.objects.values_list("digest", flat=True)]


@pytest.mark.slow
class TestMarkedContent(WithWorld):
    """Everybody asks for everything."""

    def test_everybody_reads_what_is_for_them_and_nothing_else(self) -> None:
        # one walk answers every question: on a node full of things it is most of what there is to wait for
        kept_secret = _keys()
        seen: dict[str, set[str]] = defaultdict(set)
        people, machines, members = self.world.people, self.world.machines, set(self.world.members)
        if connection.vendor == "postgresql":
            # the same is asked of both databases, with other values for each person: here by two who differ most
            members = {"named", "outsider"}
            people = [each for each in people if each.name in members]
            machines = [each for each in machines if each.name in {*members, "guest"}]
        for comers, is_page in ((people, True), (machines, False)):
            for comer in comers:
                with self.each(f"{comer.name} {'pages' if is_page else 'machine'}"):
                    answers = list(_everything(self.world, comer, pages=is_page))
                    leaks, words = _leaks(self.world, comer, iter(answers))
                    seen[comer.name] |= words
                    assert not leaks, "\n".join(leaks)
                    assert [path for path, text in answers if any(key in text for key in kept_secret)] == []
        for name in members:
            with self.each(name):
                missed = [
                    each.about
                    for each in self.world.secrets
                    if name in each.readers - {each.word} and each.word not in seen[name]
                ]
                assert not missed, "\n".join(missed)

    @pytest.mark.any_database
    def test_who_is_turned_away_reads_nothing_of_it(self) -> None:
        kept_secret = _keys()
        for comers, is_page in ((self.world.people, True), (self.world.machines, False)):
            for number, comer in enumerate(comers):
                with self.each(f"{comer.name} {'pages' if is_page else 'machine'}"):
                    answers = list(_at_doors(self.world, comer, number, pages=is_page))
                    _told, words = _leaks(self.world, comer, iter(answers))
                    assert words == set()
                    assert [path for path, text in answers if any(key in text for key in kept_secret)] == []

    def test_a_partner_reads_on_its_lanes_what_is_for_it_and_no_other_does(self) -> None:
        for name in self.world.nodes:
            with self.each(name):
                node = self.world.comer(f"node {name}")
                told = Comer(name, None, node.client, node.headers, node.signer)
                leaks, seen = _leaks(self.world, told, _between_nodes(told))
                assert not leaks, "\n".join(leaks)
                assert seen == {each.word for each in self.world.secrets if name in each.readers}

    # ---- what is hidden is not there ----------------------------------------------------------------------------
    @pytest.mark.any_database
    def test_what_somebody_may_not_see_is_not_told_apart_from_nothing_by_any_method(self) -> None:
        for address in _ABOUT_ONE:
            for method in address.methods:
                for comer in self.world.people if address.is_page else self.world.machines:
                    if comer.name in _MEETING:
                        with self.each(f"{method} {address.route} {comer.name}"):
                            self._looks_like_nothing(address, method, comer)

    def _looks_like_nothing(self, address: Address, method: str, comer: Comer) -> None:
        name = _about(address)
        before = self.world.before()
        unseen = [thing for thing, readers in self.world.hidden[name].items() if comer.name not in readers]
        for thing in unseen[:1] if _is_at_the_door(address, method, comer) else unseen:
            # until when a live part is believed stands in its tag, in seconds
            with frozen(now()):
                told, nothing = (
                    _without_ids(self._ask(address, method, comer, name, each))
                    for each in (thing, _like(thing))
                )
            assert told == nothing
        after = rows()
        assert [table for table in after if after[table] != before[table]] == []

    def _ask(self, address: Address, method: str, comer: Comer, name: str, thing: str) -> Response:
        things = {**self.world.things, address.things.get(name, name): thing}
        body = filled(address.body, things) if method in {"POST", "PUT"} else None
        return comer.send(method, address.path(things), body)

    def test_naming_what_somebody_may_not_see_tells_as_little_as_naming_nothing(self) -> None:
        sends = (
            ("POST", "/api/v1/intel/sightings", lambda thing: {"of": thing}),
            (
                "POST",
                "/api/v1/intel/reports",
                lambda thing: {"title": "x", "tlp": "TLP:RED", "object_ids": [thing]},
            ),
            ("GET", "/api/v1/intel/sightings?of={}", None),
            ("GET", "/api/v1/intel/objects?text={}", None),
            ("GET", "/api/v1/federation/releases?subject=urn:taawun:stix:{}", None),
            ("GET", "/api/v1/intel/reports?text={}", None),
        )
        for method, path, body in sends:
            for name in ("analyst", "outsider"):
                comer = self.world.comer(name)
                with self.each(f"{path} {name}"):
                    for thing, readers in self.world.hidden["stix_id"].items():
                        if name in readers:
                            continue
                        told = [
                            _without_ids(comer.send(method, path.format(each), body(each) if body else None))
                            for each in (thing, _like(thing))
                        ]
                        assert told[0] == told[1], f"{path} {name}"
