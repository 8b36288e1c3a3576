"""How much a guest may give: all of it is signed by its host, and kept by everybody that receives it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taawun.cooperation.federation.actions import guests
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.queries import readable_now
from taawun.foundation.clock import frozen, now
from taawun.platform.notices.models import Notice
from tests.cast import Caller, Cast, agreement_in_force, clause, partner
from tests.cooperation.federation.test_guests import hosting, offer, report, token

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


@pytest.fixture
def guest(cast: Cast) -> Caller:
    """The university, which may give something to South."""
    south = partner("Southern CERT", nation="XS")
    return Caller(token(cast, hosting(south, clause(senders=("uni",), receivers=("xs",)))))


def _give(guest: Caller) -> str:
    """Give another report; how that was answered."""
    answer = guest.post("/guest/releases", offer(report()))
    return "" if answer.status_code == 201 else str(answer.json()["type"])


def test_in_a_day_it_gives_so_many_and_no_more_and_people_are_told(
    guest: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "MOST_GIVEN_A_DAY", 2)
    assert [_give(guest) for _number in range(3)] == ["", "", "urn:taawun:problem:given-much"]
    assert Release.objects.count() == 2
    notice = Notice.objects.get(kind="federation.guest-gives-much")
    assert (notice.params["guest"], notice.resolved) == ("uni", None)
    with frozen(now() + timedelta(days=1, seconds=1)):
        assert _give(guest) == ""


def test_in_a_day_it_gives_so_many_bytes_and_no_more(guest: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _give(guest) == ""
    monkeypatch.setattr(guests, "MOST_BYTES_GIVEN_A_DAY", 2 * Release.objects.get().size - 1)
    assert _give(guest) == "urn:taawun:problem:given-much"


def test_it_gives_nothing_where_the_disk_is_full(guest: Caller, settings: Settings) -> None:
    settings.FREE_DISK_BYTES = 2**62
    assert _give(guest) == "urn:taawun:problem:no-room"
    assert not Release.objects.exists()


def test_what_a_guest_gave_is_readable_by_whom_its_own_clauses_name(cast: Cast) -> None:
    south, east = partner("Southern CERT", nation="XS"), partner("Eastern CERT", nation="XE")
    guest = Caller(token(cast, hosting(south, clause(senders=("uni",), receivers=("xs",)))))
    # under which the node itself gives, and its guest does not
    agreement_in_force(east)
    assert _give(guest) == ""
    assert [readable_now(Release.objects.all(), each.row.id).count() for each in (south, east)] == [1, 0]
