"""A content is read before the transaction that takes it in: on SQLite nobody else writes while that lasts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from taawun.cooperation.federation.kinds import Arrival, ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import Passage, Release
from taawun.platform.registry import registry
from tests.cast import Cast, agreement_in_force, clause, partner
from tests.cooperation.federation.test_exchange import DONE, note
from tests.lanes import TheirLane, clause_lane

if TYPE_CHECKING:
    from taawun.cooperation.partners.logs.chain import Header

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Reader:
    """A kind that notes what it was asked, and whether a transaction was open then."""

    asked: list[tuple[str, bool]] = field(default_factory=list)
    found: list[object] = field(default_factory=list)
    refusal: ContentRefused | None = None

    def read(self, header: Header, content: bytes) -> object:
        self.asked.append(("read", connection.in_atomic_block))
        if self.refusal:
            raise self.refusal
        return header.subject, content

    def receive(self, arrival: Arrival) -> None:
        self.asked.append(("receive", connection.in_atomic_block))
        self.found.append(arrival.read)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    made = Reader()
    kind = ReleaseKind(
        "tests.note", "Note", "publish:intel", made.receive, lambda _: None, lambda _: "", read=made.read
    )
    monkeypatch.setitem(registry._parts[ReleaseKind], kind.name, kind)
    return made


@pytest.fixture
def lanes(cast: Cast) -> tuple[TheirLane, TheirLane]:
    south = partner()
    agreement = agreement_in_force(south, clauses=(clause("1"), clause("2")))
    return clause_lane(south, agreement, "1"), clause_lane(south, agreement, "2")


def test_it_is_read_outside_once_whatever_lanes_it_comes_over(
    lanes: tuple[TheirLane, TheirLane], reader: Reader
) -> None:
    for lane in lanes:
        entry = note(lane)
        assert lane.deliver() == [DONE, DONE]
    assert reader.asked == [("read", False), ("receive", True)]
    assert reader.found == [("urn:test:1", entry.content)]
    assert Passage.objects.count() == 2


def test_what_cannot_be_read_is_refused_and_leaves_nothing(
    lanes: tuple[TheirLane, TheirLane], reader: Reader
) -> None:
    reader.refusal = ContentRefused("no-note", "there is no note in it")
    note(lanes[0])
    assert lanes[0].deliver()[1] == ("refused", "no-note")
    assert reader.asked == [("read", False)]
    assert not Release.objects.exists()


def test_what_was_withdrawn_is_read_again_when_it_comes_again(
    lanes: tuple[TheirLane, TheirLane], reader: Reader
) -> None:
    lane = lanes[0]
    lane.withdraw(note(lane))
    lane.deliver()
    note(lane)
    assert lane.deliver()[-1] == DONE
    # what is withdrawn further along a lane is not even fetched
    assert reader.asked == [("read", False), ("receive", True)]
