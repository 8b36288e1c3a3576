"""A partner whose lane does not hold: it is stopped, both administrators are told, and both sign for how it goes on."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from taawun.node.demo.nodes import ApiClient, DemoFailed, RunningNode, wait_for
from tests.journeys.conftest import Pair, everything, rows, tamper

pytestmark = [pytest.mark.journey, pytest.mark.slow]


# what the north does, behind its program's back, to the last but one report of its lane
THE_LIE = (
    "where id = (select id from partners_laneentry where kind = 'intel.report' and action = 'publish' "
    "order by id desc limit 1 offset 1)"
)
FAULTS = [
    pytest.param(
        f"update partners_laneentry set header = substr(header, 1, length(header) - 8) || 'AAAAAAAA' {THE_LIE}",
        "signature",
        id="a changed signature",
    ),
    pytest.param(f"delete from partners_laneentry {THE_LIE}", "gap", id="an entry that is gone"),
    pytest.param(
        "update partners_content set body = cast(replace(cast(body as text), 'lie', 'LIE') as blob) "
        f"where digest = (select content_digest from partners_laneentry {THE_LIE})",
        "digest",
        id="a changed content",
    ),
    pytest.param(
        "update partners_laneentry set header = (select header from partners_laneentry e where "
        f"e.lane_id = partners_laneentry.lane_id and e.seq = partners_laneentry.seq - 1) {THE_LIE}",
        # what is repeated is known already; what follows it does not continue what is held
        "gap",
        id="a repeated entry",
    ),
    pytest.param(
        "update partners_laneentry set header = (select header from partners_laneentry e where "
        f"e.lane_id = partners_laneentry.lane_id and e.seq = partners_laneentry.seq + 1) {THE_LIE}",
        "gap",
        id="entries out of order",
    ),
    pytest.param(
        f"delete from partners_laneentry where id >= (select id from partners_laneentry {THE_LIE})",
        "truncated",
        id="an end that is cut off",
    ),
]


def copy_of(pair: Pair) -> None:
    """Keep the north's database as it is now."""
    with (
        closing(sqlite3.connect(pair.north.home / "taawun.sqlite3")) as database,
        closing(sqlite3.connect(pair.north.home / "before.sqlite3")) as copy,
    ):
        database.backup(copy)


def put_back(pair: Pair) -> None:
    """Mend the north, as its operator does from what was kept: whatever was changed in it stands there as it did."""
    pair.north.stop()
    with closing(sqlite3.connect(pair.north.home / "taawun.sqlite3")) as database, database:
        database.execute("attach ? as before", (str(pair.north.home / "before.sqlite3"),))
        for table in ("partners_laneentry", "partners_content"):
            database.execute(f"insert or replace into main.{table} select * from before.{table}")
    pair.north.start()


def signed_for_by_both(pair: Pair) -> None:
    """Let the stopped lane go on in the one way that administrators have: each of the two signs for where."""
    reader, sender = pair.administrator(pair.south), pair.administrator(pair.north)
    (north,) = [each["id"] for each in reader.get("/partners")["items"] if each["node"] == pair.north.base]
    lanes = everything(reader, f"/partners/{north}/lanes")
    (stopped,) = [each["id"] for each in lanes if each["state"] == "stopped"]
    proposed = reader.post(f"/partners/{north}/lanes/{stopped}/restart")
    restart = f"/restarts/{proposed['id']}"
    wait_for("the proposal in the north", partial(in_state, sender, restart, "proposed"), seconds=60)
    assert sender.post(f"{restart}/answer")["state"] == "answered"
    wait_for("the answer in the south", partial(in_state, reader, restart, "answered"), seconds=60)
    # until then nothing has changed: one signature restarts nothing
    assert rows(pair.south, "select count(*) from partners_lane where state = 'stopped'") == [(1,)]
    assert reader.post(f"{restart}/confirm")["state"] == "done"


def in_state(administrator: ApiClient, restart: str, state: str) -> Any:
    try:
        found = administrator.get(restart)
    except DemoFailed:
        # it has not come yet
        return None
    return found if found["state"] == state else None


@pytest.mark.parametrize(("change", "reason"), FAULTS)
def test_a_lane_that_does_not_hold_is_stopped_kept_told_to_both_and_goes_on_once_both_have_signed(
    pair: Pair, change: str, reason: str
):
    analyst = pair.analyst(pair.north)
    mark = uuid.uuid4().hex
    analyst.post(f"/intel/reports/{pair.new_report(f'before {mark}')}/publish")
    wait_for("the first report", lambda: f"before {mark}" in pair.received() or None)
    pair.south.stop()
    for title in (f"the lie {mark}", f"after {mark}"):
        analyst.post(f"/intel/reports/{pair.new_report(title)}/publish")
    copy_of(pair)
    assert tamper(pair.north, change) in {1, 2}

    pair.south.start()
    stopped = wait_for(
        "the lane to stop",
        lambda: rows(pair.south, "select stop_reason from partners_lane where state = 'stopped'") or None,
        seconds=60,
    )

    assert stopped == [(reason,)]
    assert {title for title in pair.received() if mark in title} == {f"before {mark}"}
    for node, kind in ((pair.south, "partners.lane-stopped"), (pair.north, "partners.lane-stopped-there")):
        notice = wait_for("the notice", partial(found_notice, pair, node, kind), seconds=60)
        assert notice["level"] == "alarm"

    put_back(pair)
    signed_for_by_both(pair)
    all_of_it = {f"before {mark}", f"the lie {mark}", f"after {mark}"}
    wait_for("what was held back", lambda: all_of_it <= set(pair.received()) or None, seconds=60)
    assert rows(pair.south, "select count(*) from partners_lane where state = 'stopped'") == [(0,)]
    for node, kind in ((pair.south, "partners.lane-stopped"), (pair.north, "partners.lane-stopped-there")):
        wait_for("the end of the alarm", partial(no_notice, pair, node, kind), seconds=60)


def no_notice(pair: Pair, node: RunningNode, kind: str) -> Any:
    return None if found_notice(pair, node, kind) else True


def found_notice(pair: Pair, node: RunningNode, kind: str) -> Any:
    notices = pair.administrator(node).get("/notices")["items"]
    return next((each for each in notices if each["kind"] == kind), None)


# states of what the south holds of reports that wait
WAITING = (
    "select state from partners_laneentry where kind = 'intel.report' and state = 'pending' and lane_id in "
    "(select id from partners_lane where sender_id is not null)"
)


def test_a_suspended_agreement_withholds_what_is_already_on_its_way(pair: Pair):
    analyst = pair.analyst(pair.north)
    # the lane holds again: all that was published before this is there
    analyst.post(f"/intel/reports/{pair.new_report('before the suspension')}/publish")
    wait_for("a report in the south", lambda: "before the suspension" in pair.received() or None, seconds=60)
    wait_for("all of it in the south", lambda: not rows(pair.south, WAITING) or None, seconds=60)
    pair.south.stop()
    analyst.post(f"/intel/reports/{pair.new_report('in flight')}/publish")
    pair.officer(pair.north).post(f"/agreements/{pair.story.agreement}/suspend", {"note": "wait"})

    pair.south.start()
    held = wait_for("the header in the south", lambda: rows(pair.south, WAITING) or None, seconds=60)

    assert held == [("pending",)]
    assert "in flight" not in pair.received()

    pair.officer(pair.north).post(f"/agreements/{pair.story.agreement}/resume", {"note": "go on"})
    wait_for("the report in the south", lambda: "in flight" in pair.received() or None, seconds=60)
    assert rows(pair.south, WAITING) == []
