"""Page, API and decision say the same at every instant: where an agreement stands is derived when it is asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.policy import Allowed, Denied, Facts
from taawun.cooperation.agreements.queries import current_policy, standing_of
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import FrozenClock, frozen, now
from taawun.foundation.tlp import Tlp
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    document,
    partner,
)
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
REPORT = Facts("intel.report", Tlp.GREEN)


def told(cast: Cast, south: PartnerNode, held: Agreement) -> tuple[str, str, str]:
    """The state by the API, its badge on the page, and the decision's reason; empty for a yes."""
    by_api = cast.officer.api.get(f"/agreements/{held.id}").json()["state"]
    page = cast.officer.browser().get(f"/en/agreements/{held.id}/").content.decode()
    badge = re.search(r'<span class="state [^"]*">(.*?)</span>', page, re.DOTALL)
    assert badge
    word = re.sub("<[^>]*>", "", badge[1]).strip().lower().replace(" ", "-")
    decision = current_policy().decide(south.node, REPORT, now().timestamp())
    reason = decision.reason if isinstance(decision, Denied) else ""
    assert isinstance(decision, Allowed) == (not reason)
    return by_api, word, reason


def at(clock: FrozenClock, moment: datetime) -> None:
    clock.advance(moment - now())


def test_it_begins_at_the_first_instant_of_its_validity(cast: Cast) -> None:
    with frozen(NOON) as clock:
        south = partner()
        held = agreement_in_force(south, valid_from=NOON + timedelta(days=10))
        begins = NOON + timedelta(days=10)
        assert told(cast, south, held) == ("signed", "signed", "not-begun")
        at(clock, begins - SECOND)
        assert told(cast, south, held) == ("signed", "signed", "not-begun")
        at(clock, begins)
        assert told(cast, south, held) == ("in-force", "in-force", "")


def test_it_ends_with_the_last_instant_of_its_validity(cast: Cast) -> None:
    ends = NOON + timedelta(days=10)
    with frozen(NOON) as clock:
        south = partner()
        held = agreement_in_force(south, valid_from=NOON, valid_until=ends)
        at(clock, ends - SECOND)
        assert told(cast, south, held) == ("in-force", "in-force", "")
        at(clock, ends)
        assert told(cast, south, held) == ("expired", "expired", "expired")


@pytest.mark.parametrize("days", [0, 10])
def test_notice_takes_effect_to_the_second(cast: Cast, days: int) -> None:
    with frozen(NOON) as clock:
        south = partner()
        held = agreement_in_force(south, valid_from=NOON, notice_days=days)
        clock.advance(SECOND)
        actions.terminate(cast.officer.actor, held, "")
        ends = NOON + SECOND + timedelta(days=days)
        if days:
            assert told(cast, south, held) == ("in-force", "in-force", "")
            at(clock, ends - SECOND)
            assert told(cast, south, held) == ("in-force", "in-force", "")
            at(clock, ends)
        assert told(cast, south, held) == ("terminated", "terminated", "terminated")


def test_what_expires_while_notice_runs_is_expired_first_and_terminated_then(cast: Cast) -> None:
    with frozen(NOON) as clock:
        south = partner()
        expires, ends = NOON + timedelta(days=5), NOON + timedelta(days=10)
        held = agreement_in_force(south, valid_from=NOON, valid_until=expires, notice_days=10)
        actions.terminate(cast.officer.actor, held, "")
        at(clock, expires)
        assert told(cast, south, held) == ("expired", "expired", "expired")
        at(clock, ends - SECOND)
        assert told(cast, south, held) == ("expired", "expired", "expired")
        at(clock, ends)
        assert told(cast, south, held) == ("terminated", "terminated", "terminated")


@pytest.mark.parametrize("ending", ["expired", "terminated"])
def test_a_suspension_ends_with_the_agreement_it_suspends(cast: Cast, ending: str) -> None:
    with frozen(NOON) as clock:
        south = partner()
        ends = NOON + timedelta(days=10)
        until = ends if ending == "expired" else None
        held = agreement_in_force(south, valid_from=NOON, valid_until=until, notice_days=10)
        actions.suspend(cast.officer.actor, held, "")
        if ending == "terminated":
            actions.terminate(cast.officer.actor, held, "")
        at(clock, ends - SECOND)
        assert told(cast, south, held) == ("suspended", "suspended", "suspended")
        at(clock, ends)
        assert told(cast, south, held) == (ending, ending, ending)


def test_notice_that_takes_effect_before_it_begins_leaves_it_signed_and_then_terminated(cast: Cast) -> None:
    with frozen(NOON) as clock:
        south = partner()
        ends = NOON + timedelta(days=10)
        held = agreement_in_force(south, valid_from=NOON + timedelta(days=20), notice_days=10)
        actions.terminate(cast.officer.actor, held, "")
        assert told(cast, south, held) == ("signed", "signed", "not-begun")
        at(clock, ends - SECOND)
        assert told(cast, south, held) == ("signed", "signed", "not-begun")
        at(clock, ends)
        assert told(cast, south, held) == ("terminated", "terminated", "terminated")
        shown = cast.officer.api.get(f"/agreements/{held.id}").json()["versions"][0]
        assert shown["opens"] is None
        page = read(cast.officer.browser().get(f"/en/agreements/{held.id}/")).text
        assert "Version 1 in force" not in page


def test_what_is_signed_by_all_only_after_its_last_day_has_expired(cast: Cast) -> None:
    with frozen(NOON):
        south = partner()
        held = agreement_in_force(
            south, valid_from=NOON - timedelta(days=20), valid_until=NOON - timedelta(days=10)
        )
        assert told(cast, south, held) == ("expired", "expired", "expired")
        assert standing_of(held).signatories == frozenset({"us", "xs"})


def test_a_version_whose_last_day_is_over_is_neither_proposed_nor_signed(cast: Cast) -> None:
    south = partner()
    begun, over = now() - timedelta(days=20), now() - timedelta(days=10)
    draft = actions.draft(cast.officer.actor, document(south, valid_from=begun, valid_until=over))
    with pytest.raises(NotAllowed) as refused:
        actions.propose(cast.officer.actor, draft, edition=draft.draft_edition)
    assert refused.value.reason == "past-its-end"
    held = agreement_proposed(south, valid_from=begun, valid_until=over)
    with pytest.raises(NotAllowed) as refused:
        actions.approve(cast.officer.actor, held, held.versions.get().digest)
    assert refused.value.reason == "past-its-end"
    with pytest.raises(StepRefused):
        actions.approve(cast.officer.actor, held, f"{UUID(int=0).hex}{UUID(int=0).hex}")
