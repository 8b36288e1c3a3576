"""Who holds a report or an object, who saw it how often, and who on this node may read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Q, Sum
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.models import NamedReader, Report, ReportReader, StixObject
from taawun.cooperation.federation.guests import names_of_guests, readings_of
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.presenting import arrived_at, deliveries
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.models import Membership, Person
from taawun.cooperation.people.queries import host
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.charts import Bar, Bars
from taawun.platform.web.components import Chart
from taawun.platform.web.formats import called

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.cooperation.federation.presenting import Delivery
    from taawun.cooperation.people.actors import PersonActor
    from taawun.cooperation.people.models import Organisation
    from taawun.foundation.multilingual import Text

__all__ = ["Arrival", "Reach", "how_often_seen", "reach_of", "who_may_see"]

_BARS: Final = 10


# ---- who holds it -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Arrival:
    """That a partner's release is here.

    Args:
        nation: letters of this node's nation.
        name: of the organisation that runs this node.
        since: when it was taken in; None where every way by which it came is gone.
    """

    nation: str
    name: Text
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Reach:
    """Who holds what was released.

    Args:
        arrival: this node itself, of what a partner gave; None of what is ours.
        deliveries: to whom it went from here, each partner once, by the first of its ways.
        guests: who of the guests read it, and when.
    """

    arrival: Arrival | None = None
    deliveries: tuple[Delivery, ...] = ()
    guests: tuple[tuple[Text, datetime], ...] = ()

    @property
    def sentence(self) -> str:
        """How many of those to whom it went have signed for it; empty where it went to nobody."""
        if not self.deliveries:
            return ""
        signed, everybody = sum(1 for each in self.deliveries if each.signed), len(self.deliveries)
        if signed == everybody:
            words = ngettext(
                "The %(count)s party that it went to has signed for it.",
                "All %(count)s parties that it went to have signed for it.",
                everybody,
            )
            return words % {"count": formats.number(everybody)}
        if not signed:
            return _("Nobody that it went to has signed for it yet.")
        words = ngettext(
            "%(signed)s of the %(count)s party that it went to has signed for it.",
            "%(signed)s of the %(count)s parties that it went to have signed for it.",
            everybody,
        )
        return words % {"signed": formats.number(signed), "count": formats.number(everybody)}


def reach_of(*releases: Release) -> Reach:
    """Who holds these releases.

    Args:
        releases: of one thing, the newest first; as :func:`taawun.cooperation.federation.presenting.with_passages`
            reads them.
    """
    newest: dict[UUID, Delivery] = {}
    for each in deliveries(*releases):
        newest.setdefault(each.partner.id, each)
    read = {copy.guest: copy for release in releases for copy in readings_of(release)}
    guests = tuple(zip(names_of_guests(read.values()), (copy.read for copy in read.values()), strict=True))
    arrival = next((_arrival(each) for each in releases if each.origin_id is not None), None)
    return Reach(
        arrival, tuple(newest.values()), tuple((name, read_at) for name, read_at in guests if read_at)
    )


def _arrival(release: Release) -> Arrival:
    here = host()
    return Arrival(here.nation_id or "", here.name, arrived_at(release))


# ---- who may read it --------------------------------------------------------------------------------------------
def who_may_see(held: Report | StixObject) -> str:
    """Who on this node may read it, by its marking (FIRST, TLP 2.0), as a sentence.

    Args:
        held: what the reader may see already: of TLP:RED they are among those who are named.
    """
    tlp = Tlp(held.tlp)
    if tlp == Tlp.RED:
        names = formats.listed(_named(held))
        return _("Only the persons whom it names: %(names)s.") % {"names": names}
    if tlp == Tlp.AMBER_STRICT:
        sentence = _("Those of %(organisation)s who may read threat intelligence; nobody else at this node.")
        return sentence % {"organisation": _organisation(held.organisation)}
    return _("Everybody at this node who may read threat intelligence.")


def _organisation(organisation: Organisation) -> str:
    return called(organisation.name)


def _named(held: Report | StixObject) -> list[str]:
    if isinstance(held, Report):
        named = Q(id__in=ReportReader.objects.filter(report=held).values("person")) | Q(id=held.author_id)
    else:
        named = Q(id__in=NamedReader.objects.filter(source__object=held).values("person"))
    # whoever left the organisation was named as one of it, and may read it no more
    here = Membership.objects.filter(organisation=held.organisation).values("person")
    persons = Person.objects.filter(named, id__in=here, is_active=True)
    return sorted(persons.values_list("name", flat=True))


# ---- who saw it -------------------------------------------------------------------------------------------------
def how_often_seen(actor: PersonActor, stix_ids: QuerySet[StixObject] | Sequence[str]) -> Chart | None:
    """How often each party saw any of these objects; None where no two did.

    Args:
        actor: who reads.
        stix_ids: identifiers, or a query for the objects.
    """
    seen = queries.sightings_of(actor, stix_ids).exclude(is_count=True)
    sums = list(
        seen.order_by().values("seen_by").annotate(times=Sum("count")).order_by("-times", "seen_by")[:_BARS]
    )
    if len(sums) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    names = _names(each["seen_by"] for each in sums)
    first = seen.order_by("first_seen").values_list("first_seen", flat=True)[0]
    total = sum(each["times"] for each in sums)
    words = ngettext(
        "Seen %(count)s time since %(day)s, by %(names)s.",
        "Seen %(count)s times since %(day)s, by %(names)s.",
        total,
    )
    told = {"count": formats.number(total), "day": formats.day(first), "names": formats.listed(names)}
    bars = tuple(
        Bar(name, each["times"], is_compared=not each["seen_by"])
        for name, each in zip(names, sums, strict=True)
    )
    picture = Bars(_("Who"), _("How often"), bars)
    return Chart("how-often-seen", _("Sightings"), words % told, picture, is_titled=False)


def _names(nodes: Iterable[str]) -> list[str]:
    language = get_language() or "en"
    held = list(nodes)
    known = {
        each.node: each.name.in_language(language).value for each in Partner.objects.filter(node__in=held)
    }
    return [known.get(node, node) if node else _("this node") for node in held]
