"""What a nation is called, and who says so.

By its own word (this node's, or the descriptor of a partner whose fingerprint was compared), else by a community's
list, else by locale data (CLDR). A code that ISO 3166-1 leaves to its users is never named by locale data: nobody who
speaks for it has said anything, so it is called by its letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from babel import Locale

from taawun.cooperation.people.models import Community, Nation
from taawun.cooperation.people.shipped import shipped_names
from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.foundation.nations import is_user_assigned
from taawun.platform.registry import registry
from taawun.platform.web.kept import Kept
from taawun.platform.web.questions import Question
from taawun.platform.web.unit import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["NameSource", "NamedNation", "NationWords", "locale_nation_name", "named_nation", "named_nations"]


class NameSource(StrEnum):
    """Who says what a nation is called; the earlier holds."""

    OWN = "own"
    COMMUNITY = "community"
    LOCALE = "locale"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class NamedNation:
    """A nation by name.

    Args:
        code: ISO 3166-1 alpha-2.
        name: what it is called.
        source: who says so.
        by: the community that calls it so; None for the other sources.
    """

    code: str
    name: Text
    source: NameSource
    by: Text | None = None

    @property
    def is_fallback(self) -> bool:
        """Whether neither the nation nor a community of it has said what it is called."""
        return self.source in {NameSource.LOCALE, NameSource.CODE}


@dataclass(frozen=True, slots=True)
class NationWords:
    """A room that knows what nations call themselves, as partners do by their descriptors.

    Args:
        name: unique.
        read: gives by code the names that it has heard from who speaks for a nation.
    """

    name: str
    read: Callable[[], Mapping[str, Text]]


@dataclass(frozen=True, slots=True)
class _Known:
    """What has been said of nations' names: by themselves, and by each community."""

    own: Mapping[str, Text]
    lists: tuple[tuple[Text, Mapping[str, dict[str, str]]], ...]


def named_nation(code: str) -> NamedNation:
    """What one nation is called, and who says so."""
    return named_nations([code])[code]


def named_nations(codes: Iterable[str]) -> dict[str, NamedNation]:
    """What nations are called, and who says so."""
    known = once("people.names", _KNOWN.get, _Known)
    return {code: _named(code, known) for code in codes}


def _known() -> _Known:
    own: dict[str, Text] = {}
    for room in registry.all(NationWords):
        own |= room.read()
    own |= {code: Text.from_json(names) for code, names in _NAMED_HERE.ask()}
    return _Known(own, tuple((Text.from_json(names), called) for names, called in _COMMUNITIES.ask()))


# every page asks, and each job that names nations
_KNOWN: Final = Kept(_known)
_NAMED_HERE: Final = Question(lambda: Nation.objects.exclude(names={}).values_list("code", "names"))
_COMMUNITIES: Final = Question(
    lambda: Community.objects.exclude(nation_names={}).order_by("code").values_list("names", "nation_names")
)


def _named(code: str, known: _Known) -> NamedNation:
    if code in known.own:
        return NamedNation(code, known.own[code], NameSource.OWN)
    for community, names in known.lists:
        if code in names:
            return NamedNation(code, Text.from_json(names[code]), NameSource.COMMUNITY, community)
    if code in shipped_names():
        name, community = shipped_names()[code]
        return NamedNation(code, name, NameSource.COMMUNITY, community)
    name = locale_nation_name(code)
    is_named = name.by_language.get("en", code) != code
    return NamedNation(code, name, NameSource.LOCALE if is_named else NameSource.CODE)


def locale_nation_name(code: str) -> Text:
    """A nation's name by locale data (CLDR); its letters where that may not say, or does not know."""
    if is_user_assigned(code):
        return Text.of(en=code)
    names = {language: Locale(language).territories.get(code, code) for language in LANGUAGES}
    return Text.from_json(names)
