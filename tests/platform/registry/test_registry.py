"""The registry joins upward what imports must not: each part once, found by its class and name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from taawun.platform.registry import AlreadyRegistered, Capability, NotRegistered, Registry, registry
from taawun.platform.work.schedules import Schedule


@dataclass(frozen=True)
class Tool:
    name: str
    use: str = ""


@dataclass(frozen=True)
class Page:
    name: str


def test_a_part_is_found_by_its_class_and_name() -> None:
    made = Registry()
    hammer, saw, page = Tool("hammer"), Tool("saw"), Page("hammer")
    first, second = Capability("one", "One", (saw, page)), Capability("two", "Two", (hammer,))
    made.register(first)
    made.register(second)
    assert made.all(Tool) == (saw, hammer)
    assert made.all(Page) == (page,)
    assert made.get(Tool, "hammer") is hammer
    assert made.get(Page, "hammer") is page
    assert made.find(Page, "saw") is None
    assert made.capabilities() == (first, second)


def test_what_nobody_announced_is_not_there() -> None:
    made = Registry()
    assert made.all(Tool) == ()
    assert made.find(Tool, "hammer") is None
    with pytest.raises(NotRegistered, match="no Tool named 'hammer' is registered"):
        made.get(Tool, "hammer")


@pytest.mark.parametrize(
    ("again", "told"),
    [
        (Capability("one", "One"), "capability 'one' is registered twice"),
        (Capability("two", "Two", (Page("home"), Tool("saw"))), "Tool 'saw' is registered twice"),
        (Capability("two", "Two", (Tool("axe"), Tool("axe", "again"))), "Tool 'axe' is registered twice"),
    ],
)
def test_what_is_announced_twice_is_refused_and_leaves_nothing_behind(again: Capability, told: str) -> None:
    made = Registry()
    first = Capability("one", "One", (Tool("saw", "first"),))
    made.register(first)
    with pytest.raises(AlreadyRegistered, match=told):
        made.register(again)
    assert made.capabilities() == (first,)
    assert (made.all(Tool), made.all(Page)) == ((Tool("saw", "first"),), ())


def test_this_node_registered_what_its_rooms_bring() -> None:
    names = {schedule.name for schedule in registry.all(Schedule)}
    assert {"audit.seal", "files.sweep", "work.sweep", "work.prune", "partners.nonces"} <= names
    assert len({capability.name for capability in registry.capabilities()}) == len(registry.capabilities())
