"""A node that was restored, and what it had shared onward: it stays its source's, and goes when its source says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.federation.actions import Draft, let_go, publish, share_onward, take_back_onward
from taawun.cooperation.federation.actions.letting_go import COMES_AGAIN
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.cooperation.partners.restored import held, returning
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_exchange import DONE, note
from tests.lanes import TheirLane, clause_lane
from tests.restored import Told, forget

SYSTEM = SystemActor("tests")
PUBLIC = Onward("public")


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """What a process remembers of its node's return ends with the test."""
    yield
    returning._Known.is_over = False


@dataclass
class Shared:
    """What came from a source and went on to the east."""

    source: TheirLane
    east: PartnerNode

    @property
    def lane(self) -> Lane:
        """Ours to the east."""
        return Lane.objects.get(sender=None, purpose="clause", readers__partner=self.east.row)

    def forget(self) -> Told:
        """Lose all of it: the release, and that it was shared."""
        told = forget(self.lane, 0)
        forget(self.source.row, 0)
        assert not Release.objects.exists()
        returning.begin(SYSTEM)
        return told

    def told(self, told: Told) -> Release:
        """The east tells it again, before the source's lane was read."""
        assert held.take(self.east.row, told.lane.id, told.lines[1:]) == len(told.lines) - 1
        for each in (self.east, self.source.sender):
            returning.answered(each.row)
        return Release.objects.get()

    def taken_back(self) -> bool:
        """Whether the last word to the east is that it goes."""
        return LaneEntry.objects.filter(lane=self.lane).latest("seq").action == "withdraw"


@pytest.fixture
def shared(cast: Cast, notes: Notes) -> Shared:
    south, east = partner(), partner("East", nation="XE")
    agreement = agreement_in_force(south, clauses=(clause(onward=PUBLIC),))
    source = clause_lane(south, agreement)
    note(source)
    assert source.deliver()[-1] == DONE
    agreement_in_force(east)
    share_onward(cast.analyst.actor, Release.objects.get())
    return Shared(source, east)


def test_it_is_its_sources_again_and_no_room_is_given_it_as_ours(shared: Shared, notes: Notes) -> None:
    before = list(notes.received)
    found = shared.told(shared.forget())
    assert (found.origin, found.source, found.state) == (shared.source.sender.row, "", "ended")
    assert Passage.objects.get(release=found).entry.lane == shared.lane
    assert notes.received == before


def test_once_its_source_was_read_again_it_stands_as_it_did(shared: Shared, notes: Notes) -> None:
    found = shared.told(shared.forget())
    assert shared.source.deliver()[-1] == DONE
    again = Release.objects.get()
    assert (again.id, again.state, notes.received[-1][0]) == (found.id, "live", "urn:test:1")
    shared.source.withdraw(shared.source.entries[1])
    shared.source.deliver()
    assert shared.taken_back()


def test_what_its_source_took_back_meanwhile_is_taken_back_onward(shared: Shared) -> None:
    told = shared.forget()
    shared.source.withdraw(shared.source.entries[1])
    found = shared.told(told)
    # what is withdrawn brings no content any more
    shared.source.entries[1] = replace(shared.source.entries[1], content=None)
    shared.source.deliver()
    assert shared.taken_back()
    found.refresh_from_db()
    assert (found.state, found.gone) == ("withdrawn", "source")
    assert not Passage.objects.filter(ended=None).exists()


def test_what_nobody_brings_again_is_taken_back_onward(shared: Shared) -> None:
    found = shared.told(shared.forget())
    with frozen(now() + COMES_AGAIN - timedelta(minutes=1)):
        let_go()
        assert not shared.taken_back()
    with frozen(now() + COMES_AGAIN):
        let_go()
        assert shared.taken_back()
    found.refresh_from_db()
    assert (found.state, found.gone) == ("withdrawn", "sender")


def test_another_partner_that_takes_back_its_own_of_that_name_takes_nothing_of_it(
    shared: Shared, notes: Notes
) -> None:
    told = shared.forget()
    west = partner("West", nation="XW")
    other = clause_lane(west, agreement_in_force(west))
    other.withdraw(note(other))
    shared.told(told)
    other.deliver()
    assert not shared.taken_back()


def test_what_was_vouched_for_stays_so(cast: Cast, notes: Notes) -> None:
    via, east = partner("Via", nation="XV"), partner("East", nation="XE")
    stranger = partner("Stranger", nation="XU", state="met")
    agreement = agreement_in_force(via, clauses=(clause(onward=PUBLIC),))
    lane = clause_lane(via, agreement)
    elsewhere = TheirLane(
        stranger, Lane(purpose="clause", sender=stranger.row), agreement="ab" * 32, clause="9"
    )
    elsewhere.open()
    first = elsewhere.write(kind="tests.note", subject="urn:test:1", version="1")
    note(lane, content=first.content, origin=first.token)
    assert lane.deliver()[-1] == DONE
    held_before = Release.objects.get()
    assert (held_before.origin, held_before.source) == (via.row, stranger.node)
    # of an agreement that is not known here nothing says that it may go on: it went before, as our own header says
    Release.objects.update(onward="public", is_bound=False)
    agreement_in_force(east)
    share_onward(cast.analyst.actor, Release.objects.get())
    shared = Shared(lane, east)
    found = shared.told(shared.forget())
    assert (found.origin, found.source, found.state) == (via.row, stranger.node, "ended")


def test_what_was_taken_back_onward_alone_leaves_ours_of_that_name(shared: Shared, cast: Cast) -> None:
    take_back_onward(cast.analyst.actor, Release.objects.get(), "")
    told = shared.forget()
    own = Release.objects.create(
        kind="tests.note", tlp=Tlp.GREEN, subject="urn:test:1", version="1", digest="c" * 64, size=1
    )
    assert held.take(shared.east.row, told.lane.id, told.lines[1:]) == 2
    own.refresh_from_db()
    assert own.state == "live"


def inside(organisation: Organisation, subject: str, version: str) -> Draft:
    """What stays inside an organisation."""
    content = b'{"a":"%s"}' % version.encode()
    return Draft("tests.note", subject, version, "x", Tlp.AMBER_STRICT, content, organisation=organisation)


def test_what_stays_inside_one_of_several_organisations_is_shown_to_none_where_nobody_knows_which(
    cast: Cast, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, str]] = []
    plain = registry.get(ReleaseKind, "tests.note")
    kind = replace(
        plain, regain=lambda found, _header, _content: shown.append((found.subject, found.version))
    )
    monkeypatch.setitem(registry._parts[ReleaseKind], "tests.note", kind)
    other = Organisation.objects.create(names={"en": "Another"})
    east = partner("East", nation="XE")
    agreement_in_force(east, clauses=(clause(tlp_max=Tlp.AMBER_STRICT),))
    for version in ("1", "2"):
        publish(SYSTEM, inside(other, "urn:x:1", version))
    publish(SYSTEM, inside(other, "urn:x:2", "1"))
    told = forget(Lane.objects.get(sender=None, purpose="clause"), 1)
    returning.begin(SYSTEM)
    held.take(east.row, told.lane.id, told.lines[2:])
    assert shown == [("urn:x:1", "2")]
    assert Release.objects.get(subject="urn:x:1", version="2").organisation == other
    assert Release.objects.get(subject="urn:x:2").organisation is None
