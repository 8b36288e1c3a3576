"""The navigation shows each reader where they may go, and where they are."""

from __future__ import annotations

import pytest
from django.urls import NoReverseMatch, reverse

from taawun.platform.registry import Capability, Registry
from taawun.platform.web import navigation
from taawun.platform.web.navigation import Group, NavigationEntry, groups_for

ALL = {"read:people", "read:audit"}


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry with these entries only; their pages are real."""
    made = Registry()
    made.register(
        Capability(
            "tests",
            "tests",
            (
                NavigationEntry("trail", Group.NODE, "Trail", "audit", "read:audit", order=20),
                NavigationEntry("people", Group.NODE, "People", "people", "read:people", order=10),
                NavigationEntry(
                    "profile", Group.COOPERATE, "Profile", "profile", count=lambda actor: len(str(actor))
                ),
            ),
        )
    )
    monkeypatch.setattr(navigation, "registry", made)


def shown(permissions: set[str], path: str = "/en/") -> list[tuple[str, list[str]]]:
    groups = groups_for(permissions, path, "me")
    return [(str(group.label), [str(entry.label) for entry in group.entries]) for group in groups]


@pytest.mark.usefixtures("entries")
def test_entries_stand_in_their_groups_in_their_order_and_empty_groups_do_not() -> None:
    assert shown(ALL) == [("Cooperate", ["Profile"]), ("This node", ["People", "Trail"])]


@pytest.mark.usefixtures("entries")
def test_what_a_reader_may_not_open_is_not_offered() -> None:
    assert shown({"read:people"}) == [("Cooperate", ["Profile"]), ("This node", ["People"])]
    assert shown(set()) == [("Cooperate", ["Profile"])]


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize(
    ("path", "current"),
    [
        (reverse("people"), ["People"]),
        (reverse("invite"), ["People"]),
        (reverse("tokens"), ["People"]),
        (reverse("profile"), ["Profile"]),
        (reverse("audit"), ["Trail"]),
        ("/en/elsewhere/", []),
    ],
)
def test_the_nearest_page_above_the_reader_is_marked(path: str, current: list[str]) -> None:
    found = [
        str(entry.label) for group in groups_for(ALL, path, "me") for entry in group.entries if entry.current
    ]
    assert found == current


@pytest.mark.usefixtures("entries")
def test_an_entry_counts_what_waits_for_its_reader() -> None:
    counts = {entry.name: entry.count for group in groups_for(ALL, "/en/", "me") for entry in group.entries}
    assert counts == {"profile": 2, "people": 0, "trail": 0}


def test_an_entry_that_leads_nowhere_fails_rather_than_go_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Registry()
    made.register(Capability("tests", "tests", (NavigationEntry("lost", Group.DEFEND, "Lost", "no-page"),)))
    monkeypatch.setattr(navigation, "registry", made)

    with pytest.raises(NoReverseMatch, match="no-page"):
        groups_for(ALL, "/en/", "me")
