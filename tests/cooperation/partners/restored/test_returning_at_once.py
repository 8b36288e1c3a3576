"""The last two partners of a restored node tell what they hold at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction

from taawun.cooperation.partners.models import Awaited
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.actors import SystemActor
from taawun.platform.audit.models import Entry
from taawun.platform.notices.models import Notice
from tests.at_once import at_once, faults
from tests.cast import Cast, partner

pytestmark = pytest.mark.django_db(transaction=True)
# as long as the first of two waits for the second to look, which it must not do before the first is through
GRACE = 1.5


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    yield
    returning._Known.is_over = False


def overlapping(first: Callable[[], object], second: Callable[[], object]) -> list[str]:
    """The second is begun when the first has done its part and not committed it; what either raised."""
    begun, through = threading.Event(), threading.Event()

    def one() -> None:
        with transaction.atomic():
            first()
            begun.set()
            through.wait(GRACE)

    def other() -> None:
        begun.wait(GRACE)
        second()
        through.set()

    return faults(at_once(one, other))


@pytest.mark.parametrize("how", ["both tell", "one tells and one is given up"])
def test_the_return_of_a_node_ends_once_though_its_last_two_partners_are_done_at_the_same_moment(
    cast: Cast, how: str
) -> None:
    south, east = partner("Southern CERT"), partner("Eastern CERT", node="https://east.example")
    returning.begin(SystemActor("tests"))
    assert returning.is_returning()

    def last() -> None:
        if how == "both tell":
            returning.answered(east.row)
        else:
            returning.give_up(cast.administrator.actor, east.row)

    assert overlapping(lambda: returning.answered(south.row), last) == []
    assert not Awaited.objects.filter(answered=None, given_up=None).exists()
    assert not Notice.objects.filter(kind="partners.returning", resolved=None).exists()
    assert Entry.objects.filter(verb="partners.returned").count() == 1
