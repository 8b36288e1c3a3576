"""What ties an object to others, for one reader: what it names, and what of what shows to them names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Q

from taawun.capabilities.intel.models import Reference, StixObject
from taawun.capabilities.intel.rules import joined_objects, listed_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import Actor

__all__ = ["first_references_of", "naming", "references_of", "relationships_among"]

# an object of so many characters may name some four hundred others
_LONG: Final = 20_000


def references_of(actor: Actor, held: StixObject) -> QuerySet[Reference]:
    """Ties of an object that shows to the actor: what it names, and what of what shows to them names it.

    Of a source it has the identifier only.
    """
    tied = Q(source=held) | Q(target=held.stix_id)
    return (
        # to ask for what is current joins the objects
        Reference.objects.filter(tied, joined_objects(actor), source__is_current=True)
        .select_related("source")
        .only("relation", "target", "source__stix_id")
        .order_by("id")
    )


def first_references_of(
    actor: Actor, held: StixObject, most: int
) -> Callable[[int | None], Iterator[QuerySet[Reference]]]:
    """What finds the first of these ties, or the first behind a key, where a long object names very many.

    To read the ties of both ends in one order the database sorts all of them; each end alone it reads in order.

    Args:
        actor: who asks.
        held: an object that shows to them.
        most: how many.
    """
    every = references_of(actor, held)

    def first(behind: int | None) -> Iterator[QuerySet[Reference]]:
        if len(held.text) < _LONG:
            return
        ends = (Reference.objects.filter(source=held).order_by("id"), every.filter(target=held.stix_id))
        rest = (each if behind is None else each.filter(id__gt=behind) for each in ends)
        keys = [key for each in rest for key in each.values_list("id", flat=True)[:most]]
        yield every.filter(id__in=keys)

    return first


def naming(actor: Actor, stix_id: str, relation: str = "") -> QuerySet[StixObject]:
    """What names an object, of what shows to the actor: as often as it names it, in the order of its ties.

    Args:
        actor: who asks.
        stix_id: identifier of what is named.
        relation: as what it is named; empty for any.
    """
    tied = {"references__target": stix_id} | ({"references__relation": relation} if relation else {})
    return StixObject.objects.filter(listed_objects(actor), **tied).order_by("references__id")


def relationships_among(actor: Actor, keys: Collection[int]) -> dict[int, str]:
    """Of these objects the relationships that show to the actor, by their keys: what each is called."""
    found = StixObject.objects.filter(listed_objects(actor), type="relationship", pk__in=keys)
    return dict(found.values_list("pk", "name"))
