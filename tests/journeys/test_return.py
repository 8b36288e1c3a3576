"""A node restored from an old backup rejoins: no fork, no lost withdrawal, nothing said twice, and both sides agree."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from taawun.node.demo.nodes import ApiClient, wait_for
from tests.journeys.conftest import Pair, everything, rows

pytestmark = [pytest.mark.journey, pytest.mark.slow]

_LANES = (
    "select l.id, e.seq, e.digest from partners_lane l join partners_laneentry e on e.lane_id = l.id "
    "where (l.sender_id is null) = ? order by l.id, e.seq"
)


def _published(pair: Pair, title: str) -> str:
    identifier = pair.new_report(title)
    pair.analyst(pair.north).post(f"/intel/reports/{identifier}/publish")
    return identifier


def _arrived(pair: Pair, title: str) -> None:
    wait_for(f"{title!r} to arrive", lambda: pair.received().get(title), seconds=60)


def _state_here(pair: Pair, identifier: str) -> str:
    state: str = pair.analyst(pair.north).get(f"/intel/reports/{identifier}")["state"]
    return state


def _restore(pair: Pair, backup: Path, passphrase: Path) -> None:
    pair.north.stop()
    # who stopped a node finds all of it in the file of its database
    assert list(pair.north.home.glob("taawun.sqlite3-*")) == []
    pair.north.command("restore", str(backup), "--passphrase-file", str(passphrase), "--replace")
    pair.north.start()


def _is_returning(administrator: ApiClient) -> bool:
    found: bool = administrator.get("/return")["is_returning"]
    return found


def _back(pair: Pair) -> None:
    administrator = pair.administrator(pair.north)
    wait_for("the node to be back", lambda: None if _is_returning(administrator) else True, seconds=90)


def _same_on_both_sides(pair: Pair) -> None:
    """Every lane of the north has one history, which the south holds."""

    def agree() -> bool | None:
        return True if rows(pair.north, _LANES, 1) == rows(pair.south, _LANES, 0) else None

    wait_for("both to hold the same lanes", agree, seconds=60)
    assert rows(pair.south, "select count(*) from partners_lane where state = 'stopped'") == [(0,)]
    assert rows(pair.north, "select count(*) from partners_lane where state = 'stopped'") == [(0,)]
    alarms = "select kind from notices_notice where kind like 'partners.%' and resolved is null"
    assert rows(pair.south, alarms) == []
    assert rows(pair.north, alarms) == []


@pytest.fixture(scope="module")
def backup(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A backup of the north while it runs, and what it said since: one report more, and one withdrawn."""
    folder = tmp_path_factory.mktemp("backup")
    (folder / "passphrase").write_text("five words that nobody guesses\n")
    before = _published(pair, "before the backup")
    _arrived(pair, "before the backup")
    arguments = ("backup", str(folder / "backup"), "--passphrase-file", str(folder / "passphrase"))
    pair.north.command(*arguments)
    _published(pair, "after the backup")
    _arrived(pair, "after the backup")
    officer = pair.officer(pair.north)
    agreement = officer.get("/agreements", limit=1)["items"][0]["id"]
    officer.post(f"/agreements/{agreement}/suspend", {"note": "a pause"})
    pair.analyst(pair.north).post(f"/intel/reports/{before}/withdraw", {"reason": "it was wrong"})
    wait_for(
        "the withdrawal to arrive",
        lambda: None if "before the backup" in pair.received() else True,
        seconds=60,
    )
    time.sleep(2)  # receipts
    return folder / "backup", folder / "passphrase", before


def test_what_it_said_since_is_known_again_and_it_goes_on(pair: Pair, backup: tuple[Path, Path, str]) -> None:
    place, passphrase, before = backup
    said = rows(pair.north, _LANES, 1)
    _restore(pair, place, passphrase)
    _back(pair)
    known = rows(pair.north, _LANES, 1)
    assert set(said) <= set(known)
    _same_on_both_sides(pair)
    # what was withdrawn is withdrawn, its content is gone, and the agreement is suspended still
    assert _state_here(pair, before) == "withdrawn"
    officer = pair.officer(pair.north)
    [agreement] = officer.get("/agreements", limit=1)["items"]
    assert agreement["state"] == "suspended"
    officer.post(f"/agreements/{agreement['id']}/resume", {"note": "on again"})
    reports = everything(pair.analyst(pair.north), "/intel/reports", state="published")
    assert [each["title"] for each in reports if each["title"] == "after the backup"] == ["after the backup"]
    _published(pair, "after the return")
    _arrived(pair, "after the return")
    titles = [each["title"] for each in everything(pair.analyst(pair.south), "/intel/reports")]
    assert titles.count("after the backup") == 1
    _same_on_both_sides(pair)


def test_restored_again_while_its_partner_is_away_and_killed_it_waits_and_loses_nothing(
    pair: Pair, backup: tuple[Path, Path, str]
) -> None:
    place, passphrase, _before = backup
    pair.south.stop()
    _restore(pair, place, passphrase)
    assert _is_returning(pair.administrator(pair.north))
    draft = pair.new_report("written while it waits")
    refused = pair.analyst(pair.north).raw("POST", f"/intel/reports/{draft}/publish", json={})
    assert refused.status_code == httpx.codes.CONFLICT
    assert refused.json()["type"] == "urn:taawun:problem:returning"
    pair.north.kill()
    pair.north.stop()
    pair.north.start()
    assert _is_returning(pair.administrator(pair.north))
    pair.south.start()
    _back(pair)
    _same_on_both_sides(pair)
    pair.analyst(pair.north).post(f"/intel/reports/{draft}/publish")
    _arrived(pair, "written while it waits")
    _same_on_both_sides(pair)
