"""What people, organisations, nations and their communities answer to the search of the header."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.cooperation.people import naming
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.models import Community, Membership, Nation, Organisation, Person
from taawun.cooperation.people.rules import places_of
from taawun.foundation.folding import words_match, words_matcher
from taawun.foundation.multilingual import Text
from taawun.foundation.nations import ASSIGNED
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.search import Found, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

__all__ = ["find_nations", "find_people"]

_MANAGE = "manage:people"


def find_people(actor: object, wanted: Wanted, limit: int) -> list[Found]:
    """Persons by name, or by an e-mail address that the actor may see, then organisations by name.

    Whether the actor may ask is the caller's question (``read:people``).

    Args:
        actor: who asks; only a person finds anybody.
        wanted: the words, each of which begins a word of what is found.
        limit: how many at most.

    Returns:
        Them: who is active first, in the order of names; organisations in that in which they came here.
    """
    if not isinstance(actor, PersonActor):
        return []
    found = _persons(actor, wanted.text, limit)
    return [*found, *islice(_organisations(wanted.text), limit - len(found))]


def find_nations(_actor: object, wanted: Wanted, limit: int) -> list[Found]:
    """Communities, then nations, by name or code.

    Args:
        wanted: the words.
        limit: how many at most.

    Returns:
        Them, each in the order of codes.
    """
    return list(islice(chain(_communities(wanted.text), _nations(wanted.text)), limit))


def _persons(actor: PersonActor, text: str, limit: int) -> list[Found]:
    found = list(islice(_with_words(actor, text), limit))
    places: dict[UUID, list[str]] = {key: [] for key, *_told in found}
    held = Membership.objects.filter(person__in=places).order_by("id")
    for key, names in held.values_list("person", "organisation__names"):
        place = called(Text.from_json(names))
        # who has several roles in one works there once
        if place not in places[key]:
            places[key].append(place)
    return [
        Found(
            name,
            reverse("person", args=[key]),
            _("Person"),
            formats.listed([*places[key], *([address] if address else [])]),
        )
        for key, name, address in found
    ]


def _with_words(actor: PersonActor, text: str) -> Iterator[tuple[UUID, str, str]]:
    """Key, name, and the address where the actor may see it, as :func:`~.rules.may_see_address` says it of one."""
    sees_all = _MANAGE in actor.everywhere
    managed = {actor.id}
    if not sees_all and (places := places_of(actor, _MANAGE)):
        managed |= set(Membership.objects.filter(organisation__in=places).values_list("person", flat=True))
    people = Person.objects.order_by("-is_active", "name", "id").values_list("id", "name", "email")
    matches = words_matcher(text)
    for key, name, email in people.iterator():
        address = email if sees_all or key in managed else ""
        if matches((name, address)):
            yield key, name, address


def _organisations(text: str) -> Iterator[Found]:
    columns = ("id", "names", "kind", "nation")
    for key, names, kind, nation in Organisation.objects.order_by("created", "id").values_list(*columns):
        if words_match(text, names.values()):
            told: list[str] = [str(Organisation.Kind(kind).label)]
            if nation:
                told.append(called(naming.named_nation(nation).name))
            yield Found(
                called(Text.from_json(names)),
                reverse("organisation", args=[key]),
                _("Organisation"),
                formats.listed(told),
            )


def _communities(text: str) -> Iterator[Found]:
    for key, code, names in Community.objects.order_by("code").values_list("id", "code", "names"):
        if words_match(text, (code, *names.values())):
            yield Found(called(Text.from_json(names)), reverse("community", args=[key]), _("Community"), code)


def _nations(text: str) -> Iterator[Found]:
    codes = ASSIGNED | set(Nation.objects.values_list("code", flat=True))
    for code, named in naming.named_nations(sorted(codes)).items():
        if words_match(text, (code, *named.name.by_language.values())):
            yield Found(called(named.name), reverse("nation", args=[code]), _("Nation"), code)
