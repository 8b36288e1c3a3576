"""What arrives by thousands is taken in as what arrives one by one: nobody can tell one from the other afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from taawun.capabilities.intel.composing import identity_id
from taawun.capabilities.intel.models import Reference, Report, ReportObject, Source, StixObject
from taawun.cooperation.federation.models import Passage, Release, ReleaseParty, ReleaseTopic
from taawun.cooperation.partners.exchange import together
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.models import Content, Holding, LaneEntry
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.capabilities.intel.factories import indicator, marked, report
from tests.capabilities.intel.stix.examples import bundle, identifier
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.lanes import TheirLane, clause_lane, nothing_to_fetch

pytestmark = pytest.mark.django_db

KIND = "intel.report"
# each example is two lanes taken in: to make a failing one shorter would take minutes
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SHARED = identifier("indicator", 1)


def _lane(south: PartnerNode, **changes: Any) -> TheirLane:
    clauses = (clause(tlp_max=Tlp.RED),)
    return clause_lane(south, agreement_in_force(south, clauses=clauses, **changes))


def _publish(lane: TheirLane, *objects: dict[str, Any], raw: bytes | None = None, **changes: Any) -> None:
    about = objects[0]
    members: dict[str, Any] = {
        "subject": f"urn:taawun:stix:{about['id']}",
        "version": about["modified"],
        "content": bundle(*objects) if raw is None else raw,
    }
    lane.write(kind=KIND, **(members | changes))


def _told(number: int, day: int = 1, **properties: Any) -> dict[str, Any]:
    """A report on an indicator that many share and one of its own."""
    told = report(number, SHARED, identifier("indicator", number + 2), **properties)
    return {**told, "modified": f"2024-03-{day:02d}T00:00:00.000Z"}


def _for_us() -> tuple[str, ...]:
    from django.conf import settings as node  # noqa: PLC0415 - the name is hypothesis's in this file

    return (node.BASE_URL,)


def _withdraw(lane: TheirLane, number: int) -> None:
    told = _told(number)
    subject, version = f"urn:taawun:stix:{told['id']}", told["modified"]
    lane.write(kind=KIND, subject=subject, version=version, action="withdraw", content=None)


# what a partner may send of one number; most of it is plain
_STEPS: dict[str, Callable[[TheirLane, int], None]] = {
    "plain": lambda lane, number: _publish(lane, _told(number), indicator(1), indicator(number + 2)),
    "strict": lambda lane, number: _publish(
        lane, _told(number), indicator(1), indicator(number + 2), tlp=Tlp.AMBER_STRICT, topics=("attack:T1",)
    ),
    "clearer": lambda lane, number: _publish(
        lane, marked(_told(number), Tlp.CLEAR), indicator(1), tlp=Tlp.AMBER, topics=("attack:T2", "attack:T1")
    ),
    "newer": lambda lane, number: _publish(lane, _told(number, 2, name="Renewed"), indicator(1)),
    "narrowed": lambda lane, number: _publish(lane, _told(number), indicator(1), audience=_for_us()),
    "red": lambda lane, number: _publish(
        lane, _told(number), indicator(1), tlp=Tlp.RED, persons=("analyst@north.example",)
    ),
    "conflict": lambda lane, number: _publish(lane, _told(number, name="Another text"), indicator(1)),
    "broken": lambda lane, number: _publish(lane, _told(number), raw=b'{"type":"bundle"}'),
    "ours": lambda lane, number: _publish(
        lane, {**_told(number), "created_by_ref": identity_id()}, indicator(1)
    ),
    "nobody's": lambda lane, number: _publish(
        lane, _told(number), indicator(1), audience=("https://x.example",)
    ),
    "withdrawn": _withdraw,
}


def _taken_in(
    steps: Sequence[tuple[str, int]], least: int, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Everything that a lane of these steps leaves here, when so many are taken in together; then it is undone."""
    monkeypatch.setattr(together, "_LEAST", least)
    with transaction.atomic():
        # what the first entry of the lane says is the same each time
        lane = _lane(partner(node="https://south.example"), id=UUID(int=7))
        for name, number in steps:
            _STEPS[name](lane, number)
        lane.take()
        process_pending(lane.row, lane.sender.row, nothing_to_fetch)
        found = _everything()
        transaction.set_rollback(True)
    return found


def _everything() -> dict[str, Any]:
    def rows(model: Any, *names: str) -> list[Any]:
        return sorted(json.dumps(row, default=str) for row in model.objects.values_list(*names))

    release = (
        "subject",
        "version",
        "digest",
        "tlp",
        "state",
        "title",
        "onward",
        "is_bound",
        "languages",
        "persons",
    )
    text = (
        "stix_id",
        "version",
        "audience",
        "is_current",
        "tlp",
        "state",
        "digest",
        "name",
        "search",
        "creator",
    )
    shown = (
        "stix_id",
        "title",
        "summary",
        "search",
        "tlp",
        "state",
        "topics",
        "languages",
        "release__version",
    )
    return {
        "entries": list(LaneEntry.objects.order_by("seq").values_list("seq", "state", "reason", "attempts")),
        "releases": rows(Release, *release),
        "topics": rows(ReleaseTopic, "owner__subject", "owner__version", "topic"),
        "parties": rows(ReleaseParty, "owner__subject", "owner__version", "role", "party"),
        "passages": rows(Passage, "entry__seq", "release__subject", "clause", "ended"),
        "objects": rows(StixObject, *text),
        "references": rows(Reference, "source__stix_id", "source__version", "relation", "target"),
        "sources": rows(Source, "object__stix_id", "object__version", "release__subject", "is_first"),
        "reports": rows(Report, *shown),
        "named": rows(ReportObject, "report__stix_id", "stix_id"),
        "contents": rows(Content, "digest", "size"),
        "holdings": rows(Holding, "content_id"),
        "trail": rows(AuditEntry, "verb", "details", "actor_label"),
        "notices": rows(Notice, "kind", "level", "times"),
    }


STEPS = st.lists(
    st.tuples(st.sampled_from([*["plain"] * 12, *sorted(_STEPS)]), st.integers(0, 11)),
    min_size=4,
    max_size=24,
)


@given(steps=STEPS)
@settings(
    max_examples=12,
    deadline=None,
    phases=_PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_together_is_as_one_by_one(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]
) -> None:
    one_by_one = _taken_in(steps, 10_000, monkeypatch)
    assert _taken_in(steps, 2, monkeypatch) == one_by_one


def test_a_thousand_plain_releases_cost_few_questions(cast: Cast, django_assert_max_num_queries: Any) -> None:
    lane = _lane(partner())
    for number in range(200):
        _STEPS["plain"](lane, number)
    lane.take()
    # one by one each takes some forty
    with django_assert_max_num_queries(200 * 6):
        process_pending(lane.row, lane.sender.row, nothing_to_fetch)
    assert lane.outcomes() == [("done", "")] * 201
    assert (Release.objects.count(), Report.objects.count()) == (200, 200)
    assert Source.objects.filter(object__stix_id=SHARED, is_first=True).count() == 1


def test_what_falls_over_together_is_taken_in_one_by_one(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = _lane(partner())
    for number in range(8):
        _STEPS["plain"](lane, number)
    lane.take()

    def fall_over(*_arguments: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("taawun.capabilities.intel.exchange.make_together", fall_over)
    process_pending(lane.row, lane.sender.row, nothing_to_fetch)
    assert lane.outcomes() == [("done", "")] * 9
    assert (Release.objects.count(), Report.objects.count(), Passage.objects.count()) == (8, 8, 8)
