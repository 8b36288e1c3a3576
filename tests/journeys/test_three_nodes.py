"""An agreement of three nations, from its first draft to the last signed statement that what was shared is deleted."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from taawun.foundation import clock
from taawun.foundation.signing import SigningKey, peek
from taawun.node.demo.nodes import RunningNode, _descendants, wait_for
from taawun.node.demo.several import clause
from tests.journeys.conftest import Pair, rows
from tests.journeys.hostile import Hostile, HostileLane
from tests.journeys.three import Three, running

pytestmark = [pytest.mark.journey, pytest.mark.slow]

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def three(agreed: Pair, tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    with running(agreed, tmp_path_factory.mktemp("three"), tables) as made:
        # what the first two agreed on alone would let everything flow between them
        made.officer(made.north).post(f"/agreements/{agreed.story.agreement}/suspend", {"note": "meanwhile"})
        made.agreement(made.south, agreed.story.agreement, lambda found: found["state"] == "suspended")
        yield made


@pytest.fixture
def hostile(three: Three) -> Iterator[Hostile]:
    with three.here():
        made = Hostile(three.north.base, "Two-faced CERT")
    yield made
    made.stop()


def test_an_agreement_of_three_is_negotiated_ratified_acceded_to_narrowed_shared_under_left_and_ended(
    three: Three,
) -> None:
    north, south, east = three.nodes
    common = _negotiated(three)
    own = three.agree(
        north,
        south,
        clauses=[
            clause("1", **{"from": ["xn"], "to": ["xs"]}, tlp_max="TLP:AMBER", onward={"named": [east.base]})
        ],
    )
    three.publish(north, "before the east acceded")
    three.arrived(south, "before the east acceded")
    assert three.preview(north, "TLP:AMBER")[south.base] == "1"
    three.publish(north, "in confidence", "TLP:AMBER")
    three.arrived(south, "in confidence")

    _acceded(three, common)
    _shared_under_it(three)
    _narrowed(three, common)
    _shared_onward(three)
    _left(three, common)
    _ended(three, own, common)
    for node in three.nodes:
        assert json.loads(node.command("audit", "verify", "--json").stdout)["broken_at"] is None


def _negotiated(three: Three) -> str:
    """Proposed, countered, adopted, signed by two persons of each, ratified by the one that ratifies."""
    north, south, _east = three.nodes
    common = three.propose(
        north,
        south,
        ratify=[south],
        accession="by-invitation",
        notice_days=1,
        clauses=[clause("1"), clause("2", **{"from": ["xs"]}, tlp_max="TLP:AMBER")],
    )
    path = f"/agreements/{common}"
    three.agreement(south, common, lambda found: found["state"] == "proposed")
    document = three.officer(south).get(f"{path}/versions/1")["document"]
    document["clauses"][0]["retention_days"] = 365
    three.officer(south).post(f"{path}/counter", {"document": document, "note": "A year is enough."})
    countered = three.agreement(north, common, lambda found: found["state"] == "countered")
    three.officer(north).post(f"{path}/adopt", {"suggestion": countered["open_proposals"][0]})
    edition = three.officer(north).get(path)["draft_edition"]
    three.officer(north).post(f"{path}/propose", headers={"If-Match": f'"{edition}"'})
    second = three.agreement(south, common, lambda found: len(found["versions"]) == 2)
    digest = second["versions"][-1]["digest"]
    # one person is not enough
    three.officer(north).post(f"{path}/approve", {"digest": digest})
    assert three.officer(north).get(path)["signed_by"] == []
    three.officer(north, 1).post(f"{path}/approve", {"digest": digest})
    three.approve(south, common, digest)
    for node in (north, south):
        signed = three.agreement(node, common, lambda found: found["signed_by"] == ["xn", "xs"])
        assert (signed["state"], signed["ratified_by"]) == ("proposed", ["xn"])
    three.approve(south, common, digest, "ratify")
    for node in (north, south):
        held = three.agreement(node, common, lambda found: found["state"] == "in-force")
        assert (held["version"], held["signatories"]) == (2, ["xn", "xs"])
    return common


def _acceded(three: Three, common: str) -> None:
    """Invited by the depositary, acceded to by two persons, countersigned; then all three know of it."""
    north, _south, east = three.nodes
    invited = three.invite(north, common, east)
    assert (invited["state"], invited["signatories"]) == ("in-force", ["xn", "xs"])
    three.accede(east, common)
    for node in three.nodes:
        held = three.agreement(node, common, lambda found: found["acceded"] == ["xe"])
        assert (held["state"], held["signatories"]) == ("in-force", ["xe", "xn", "xs"])
    assert three.preview(north, "TLP:GREEN")[east.base] == "1"


def _shared_under_it(three: Three) -> None:
    """One report reaches both, whole; what one of them has seen of it comes back to its author alone."""
    north, south, east = three.nodes
    report = three.publish(north, "for all of us")
    sent = three.analyst(north).raw("GET", f"/intel/reports/{report}/bundle").json()["objects"]
    for node in (south, east):
        there = three.arrived(node, "for all of us")
        came = three.analyst(node).raw("GET", f"/intel/reports/{there}/bundle").json()["objects"]
        assert {each["id"]: each for each in came} == {each["id"]: each for each in sent}
    # it gives what is sent from its accession on, and not so much as a header of what was sent before
    assert set(three.received(east)) == {"for all of us"}
    question = "select lane_id from partners_lanereader where first_seq > 0"
    [(lane,)] = rows(north, question)
    with three.here():
        served = _headers(three.read_lane(north, str(UUID(str(lane))), three.node_key(east)))
    assert [each["kind"] for each in served[:2]] == ["lane.joined", "intel.report"]
    assert served[0]["seq"] > 1
    seen = next(each["id"] for each in sent if each["type"] == "indicator")
    told = three.analyst(east).post("/intel/sightings", {"of": seen, "count": 3})
    assert told["sent_to"] == [north.base]
    sighting = wait_for(
        "the sighting in the north",
        lambda: next(iter(three.analyst(north).get("/intel/sightings", of=seen)["items"]), None),
    )
    assert sighting["count"] == 3
    assert three.analyst(south).get("/intel/sightings", of=seen)["items"] == []


def _narrowed(three: Three, common: str) -> None:
    """The east takes no reports of the first clause any more; the preview says why, and it gets none."""
    north, south, east = three.nodes
    narrows = [{"clause": "1", "direction": "takes", "kinds": ["intel.sighting"]}]
    three.officer(east).post(f"/agreements/{common}/declare", {"narrows": narrows})
    for node in (north, south):
        held = three.agreement(node, common, lambda found: found["declarations"])
        assert [each["party"] for each in held["declarations"]] == ["xe"]
    assert three.preview(north, "TLP:GREEN", "intel.sighting") == {south.base: "1", east.base: "1"}
    assert three.preview(north, "TLP:GREEN") == {south.base: "1", east.base: "narrowed"}
    three.publish(north, "more than the east takes")
    three.arrived(south, "more than the east takes")
    assert set(three.received(east)) == {"for all of us"}


def _shared_onward(three: Three) -> None:
    """What the north sent in confidence, under a clause that names the east, goes on to it with its way."""
    north, south, east = three.nodes
    analyst, release = three.analyst(south), three.release(south, "in confidence")
    asked = analyst.get(f"/federation/releases/{release}/onward")
    assert [(each["party"], each["clause"]["clause"]) for each in asked["receivers"]] == [(east.base, "2")]
    analyst.post(f"/federation/releases/{release}/onward", {})
    three.arrived(east, "in confidence")
    came = three.release(east, "in confidence")
    [passage] = three.analyst(east).get(f"/federation/releases/{came}/passages")["items"]
    assert [(hop["node"], hop["signature"]) for hop in passage["hops"]] == [
        (north.base, "verified"),
        (south.base, "verified"),
    ]
    # what came under no clause that lets it go on goes nowhere
    green = three.release(south, "for all of us")
    refused = analyst.get(f"/federation/releases/{green}/onward")
    assert refused["receivers"] == []
    assert analyst.refused("POST", f"/federation/releases/{green}/onward", {})["type"].endswith(
        "nobody-receives"
    )


def _left(three: Three, common: str) -> None:
    """The east gives notice; it takes part until the day is over, the others go on without it."""
    north, south, east = three.nodes
    three.officer(east).post(f"/agreements/{common}/leave", {"note": "We go our own way."})
    held = three.agreement(north, common, lambda found: found["leaving"])
    assert [each["party"] for each in held["leaving"]] == ["xe"]
    assert three.preview(north, "TLP:GREEN", "intel.sighting") == {south.base: "1", east.base: "1"}
    three.move_clocks(DAY + timedelta(minutes=5))
    for node in three.nodes:
        three.agreement(node, common, lambda found: found["signatories"] == ["xn", "xs"])
    assert three.preview(north, "TLP:GREEN") == {south.base: "1", east.base: "left"}
    three.publish(north, "without the east")
    three.arrived(south, "without the east")
    assert "without the east" not in three.received(east)


def _ended(three: Three, own: str, common: str) -> None:
    """Ended, each deletes what its clauses say; the giver has that in writing, also of what went onward."""
    north, south, east = three.nodes
    reached = three.release(north, "in confidence")
    wait_for(
        "how far it reached",
        lambda: (
            three.analyst(north).get(f"/federation/releases/{reached}/reach") == {"direct": 1, "onward": 1}
            or None
        ),
        seconds=60,
    )
    three.officer(north).post(f"/agreements/{own}/terminate", {"note": "It is over."})
    three.officer(north).post(f"/agreements/{common}/terminate", {"note": "It is over."})
    three.agreement(south, own, lambda found: found["state"] == "terminated")
    given = three.agreement(south, common, lambda found: found["ends"])
    assert given["state"] == "in-force"
    assert three.preview(north, "TLP:AMBER")[south.base] == "tlp"
    assert three.preview(north, "TLP:GREEN")[south.base] == "1"
    there = three.officer(south).get(f"/federation/agreements/{own}/duties")["here"]
    assert [(each["partner"], each["releases"]) for each in there] == [(north.base, 1)]
    # the people there can still look at what will go
    three.move_clocks(timedelta(minutes=15))
    assert three.notice(south, "federation.ends-with-agreement")["level"] == "warning"
    assert "in confidence" in three.received(south)

    three.move_clocks(DAY)
    three.gone(south, "in confidence")
    three.gone(east, "in confidence")
    assert _proven(three, north, own) == {south.base: (1, 1, 0)}
    # the day of grace of who left is over too; what came from the south went with its source
    three.gone(east, "for all of us")
    three.agreement(south, common, lambda found: found["state"] == "terminated")
    three.move_clocks(2 * DAY)
    for title in ("before the east acceded", "for all of us", "more than the east takes", "without the east"):
        three.gone(south, title)
    assert three.received(south) == {}
    assert three.received(east) == {}
    assert _proven(three, north, common) == {south.base: (4, 4, 0), east.base: (1, 1, 0)}
    page = three.page(north, north.nation.player("officer"), f"/en/releases/duties/{common}/")
    for proven in (
        "XS Demo CERT South {day} 4 4 — {day} proven",
        "XE Demo CERT East {day} 1 1 — {day} proven",
    ):
        assert re.search(proven.format(day=r"\d+ \w+ \d+, \d+:\d+"), page), page


def _proven(three: Three, node: RunningNode, agreement: str) -> dict[str, tuple[int, int, int]]:
    """By partner: what it was to delete, what it signed that it deleted, and what of that it keeps by another way."""

    def look() -> list[Any] | None:
        found: list[Any] = three.officer(node).get(f"/federation/agreements/{agreement}/duties")["there"]
        return found if all(each["proven"] == each["given"] and each["ended"] for each in found) else None

    found = wait_for("the signed statements", look, seconds=60)
    assert not any(each["overdue"] for each in found)
    return {each["partner"]: (each["given"], each["proven"], each["held"]) for each in found}


# ---- who comes later ------------------------------------------------------------------------------------------------


def test_what_was_sent_before_a_newcomer_acceded_is_its_to_read_once_somebody_confirmed_it(
    three: Three,
) -> None:
    north, south, east = three.nodes
    # no other agreement lets anything of this marking go
    giving = [clause("1", tlp_max="TLP:AMBER", history="all")]
    agreement = three.agree(north, south, accession="by-invitation", clauses=giving)
    three.publish(north, "of the early days", "TLP:AMBER")
    three.arrived(south, "of the early days")
    three.invite(north, agreement, east)
    three.accede(east, agreement, north, south)

    [found] = rows(north, "select id from partners_lane where agreement = ?", UUID(agreement).hex)
    lane = str(UUID(str(found[0])))
    with three.here():
        # it is not told of the lane, and there is none where it asks for it
        assert lane not in three.signed(north, three.node_key(east)).text
        assert three.read_lane(north, lane, three.node_key(east)).status_code == 404
    assert three.preview(north, "TLP:AMBER") == {south.base: "1", east.base: "unconfirmed"}
    [asked] = three.officer(north).get(f"/agreements/{agreement}/newcomers")["items"]
    would_read = [(each["clause"], each["kind"], each["tlp"], each["count"]) for each in asked["earlier"]]
    assert would_read == [("1", "intel.report", "TLP:AMBER", 1)]
    assert "of the early days" not in three.received(east)

    three.confirm(north, agreement, east)
    three.arrived(east, "of the early days")
    with three.here():
        served = _headers(three.read_lane(north, lane, three.node_key(east)))
    kinds = ["lane.opened", "intel.report", "lane.joined"]
    assert [(each["seq"], each["kind"]) for each in served] == list(enumerate(kinds))
    three.officer(north).post(f"/agreements/{agreement}/terminate", {"note": "It is over."})


def _headers(page: httpx.Response) -> list[Any]:
    """What the headers of a page of a lane say, which ends with its head."""
    lines = page.text.splitlines()[:-1]
    return [json.loads(peek(json.loads(line)["header"]).payload) for line in lines]


# ---- what a partner may try, or suffer ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def common(three: Three) -> Iterator[str]:
    """An agreement of the three, while what can go wrong under it is tried."""
    north, south, east = three.nodes
    made = three.agree(north, south, east, clauses=[clause("1", onward="public")])
    yield made
    three.officer(north).post(f"/agreements/{made}/terminate", {"note": "It is over."})


@pytest.mark.usefixtures("common")
def test_nothing_passes_while_two_clocks_differ_and_both_partner_pages_say_so(three: Three) -> None:
    north, south, _east = three.nodes
    three.move_clocks(timedelta(minutes=10), south)

    def told() -> bool | None:
        said = (three.partner(north, south)["last_error"], three.partner(south, north)["last_error"])
        return True if all("the clocks of the two nodes differ" in each for each in said) else None

    wait_for("both to see that the clocks differ", told, seconds=60)
    administrator = south.nation.player("administrator")
    page = three.page(south, administrator, f"/en/partners/{three.partner(south, north)['id']}/")
    assert "the clocks of the two nodes differ" in page
    three.publish(north, "while the clocks differ", to=south)
    assert "while the clocks differ" not in three.received(south)
    three.move_clocks(timedelta(minutes=-10), south)
    three.arrived(south, "while the clocks differ")
    wait_for(
        "both to be well again",
        lambda: (
            not (three.partner(north, south)["last_error"] or three.partner(south, north)["last_error"])
            or None
        ),
        seconds=60,
    )


def test_a_release_stays_closed_where_its_clause_changed_while_it_was_on_its_way(three: Three) -> None:
    north, south, _east = three.nodes
    own = three.agree(north, south, clauses=[clause("7", tlp_max="TLP:AMBER")])
    path = f"/agreements/{own}"
    document = three.officer(north).get(f"{path}/versions/1")["document"] | {"version": 2}
    document["clauses"][0]["tlp_max"] = "TLP:CLEAR"
    officer = three.officer(north)
    draft = officer.call("PUT", f"{path}/draft", json={"document": document}, headers={"If-Match": "*"})
    officer.post(f"{path}/propose", headers={"If-Match": f'"{draft["edition"]}"'})
    digest = three.agreement(south, own, lambda found: len(found["versions"]) == 2)["versions"][-1]["digest"]
    three.approve(north, own, digest)
    three.agreement(south, own, lambda found: found["signed_by"] == ["xn"])
    three.officer(south).post(f"{path}/approve", {"digest": digest})
    workers = _descendants(south.pid, "worker")
    for each in workers:
        os.kill(each, signal.SIGSTOP)
    try:
        three.publish(north, "on its way", "TLP:AMBER")
        three.officer(south, 1).post(f"{path}/approve", {"digest": digest})
        three.agreement(north, own, lambda found: found["version"] == 2)
    finally:
        for each in workers:
            os.kill(each, signal.SIGCONT)
    told = three.notice(south, "partners.entry-unopened")
    assert told["sentence"].endswith("its marking is stricter than its clause allows.")
    release = three.release(north, "on its way")
    receipt = wait_for(
        "the receipt",
        lambda: next(
            iter(three.analyst(north).get(f"/federation/releases/{release}/receipts")["items"]), None
        ),
    )
    assert (receipt["outcome"], receipt["reason"]) == ("unopened", "tlp")
    assert "on its way" not in three.received(south)
    three.officer(north).post(f"{path}/terminate", {"note": "It is over."})


@pytest.mark.usefixtures("common")
def test_what_went_to_one_alone_is_shared_onward_by_it_to_nobody(three: Three) -> None:
    north, south, east = three.nodes
    three.publish(north, "for the south alone", to=south)
    three.arrived(south, "for the south alone")
    analyst, release = three.analyst(south), three.release(south, "for the south alone")
    asked = analyst.get(f"/federation/releases/{release}/onward")
    assert asked["receivers"] == []
    others = {each["party"]: (each["reason"], each["mend"]) for each in asked["others"]}
    assert others[east.base] == ("onward", "Ask the source")
    refused = analyst.refused("POST", f"/federation/releases/{release}/onward", {})
    assert refused["type"].endswith("nobody-receives")
    assert "for the south alone" not in three.received(east)


@pytest.mark.usefixtures("common")
def test_two_histories_of_one_lane_are_proven_by_those_who_were_shown_them(
    three: Three, hostile: Hostile
) -> None:
    north, _south, east = three.nodes
    with three.here():
        other = hostile.face(east.base, three.key(east))
        digest, lineage = _agreed_with(three, hostile, other)
        first = hostile.clause_lane(lineage, audience=(north.base, east.base))
        second = HostileLane(other, "clause", lineage, "1", first.id, list(first.entries))
        other.lanes.append(second)
        for face, lane, title in ((hostile, first, "to the north"), (other, second, "to the east")):
            lane.release(title, digest)
            face.knock()
        three.arrived(north, "to the north")
        three.arrived(east, "to the east")
    three.move_clocks(timedelta(hours=1, minutes=5))
    for node in (north, east):
        told = three.notice(node, "partners.lane-forked", seconds=120)
        assert told["level"] == "alarm"
        page = three.page(node, node.nation.player("administrator"), told["address"])
        assert "Block" in page
    # so that what they say each other goes by one agreement again
    three.officer(north).post(f"/agreements/{lineage}/terminate", {"note": "Its depositary lies."})
    three.agreement(east, lineage, lambda found: found["state"] == "terminated")
    for node in (north, east):
        three.administrator(node).post(f"/partners/{three.known(node, hostile.base)['id']}/block")


def _agreed_with(three: Three, hostile: Hostile, other: Hostile) -> tuple[str, str]:
    """An agreement of the liar, its depositary, with the north and the east; the text's digest, and the lineage."""
    faces = ((three.north, hostile), (three.east, other))
    for node, _face in faces:
        three.administrator(node).post("/partners", {"node": hostile.base})
        met = wait_for("the two to meet", partial(three.met, node, hostile.base))
        kid = met["fingerprint"]["kid"]
        three.administrator(node).post(f"/partners/{met['id']}/verify", {"kid": kid})
    document = three.document(three.north, three.east)
    liar = {
        "ref": "xh",
        "kind": "node",
        "node": hostile.base,
        "nation": "XH",
        "organisation": {"en": hostile.name},
        "kid": hostile.key.kid,
    }
    named = document | {"parties": [liar, *document["parties"]]}
    for _node, face in faces:
        lineage, digest = face.propose(named)
        face.knock()
    for node, _face in faces:
        three.agreement(node, lineage, lambda found: found["signed_by"])
        three.approve(node, lineage, digest)
    for node, _face in faces:
        three.agreement(node, lineage, lambda found: found["state"] == "in-force")
    return digest, lineage


@pytest.mark.usefixtures("common")
def test_a_rotated_key_goes_on_and_what_came_under_a_forged_or_stolen_one_does_not(three: Three) -> None:
    north, _south, east = three.nodes
    with three.here():
        forged = SigningKey.generate()
        answer = three.signed(north, forged)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:taawun:problem:unknown-key")
        old = three.node_key(east)
        assert three.signed(north, old).status_code == 200
    east.command("key", "rotate")
    three.publish(east, "under the next key")
    three.arrived(north, "under the next key")
    assert three.notice(north, "partners.key-rotated")["sentence"].endswith("its old key says so.")
    with three.here():
        since = clock.now()
    time.sleep(1)
    three.publish(east, "by a thief")
    three.arrived(north, "by a thief")
    with three.here():
        stolen = three.node_key(east)
    recovery = str(east.home / "keys" / "recovery.pem")
    east.command("key", "revoke", "--since", clock.timestamp(since), "--recovery", recovery)
    three.gone(north, "by a thief")
    assert three.notice(north, "partners.key-revoked")["level"] == "alarm"
    told = three.notice(north, "partners.quarantined")
    assert "by a thief" not in three.received(north)
    with three.here():
        refused = three.signed(north, stolen)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:taawun:problem:retired-key")
    page = three.page(north, north.nation.player("administrator"), told["address"])
    assert "Drop" in page
    path = f"/partners/{three.partner(north, east)['id']}/quarantine"
    aside = three.administrator(north).get(path)["items"]
    # beside receipts and the like, which the owner of the key sends again by itself
    assert [each["kind"] for each in aside].count("intel.report") == 1
    dropped = {"entries": [each["id"] for each in aside]}
    assert three.administrator(north).post(f"{path}/drop", dropped) == {"count": len(aside)}
    three.publish(east, "after the thief")
    three.arrived(north, "after the thief")
    assert set(three.received(north)) >= {"under the next key", "after the thief"}


@pytest.mark.usefixtures("common")
def test_who_was_gone_for_forty_days_is_sent_nothing_meanwhile_and_misses_nothing_after(three: Three) -> None:
    north, south, east = three.nodes
    east.stop()
    three.move_clocks(40 * DAY)
    wait_for(
        "the others to renew theirs",
        lambda: three.preview(north, "TLP:GREEN").get(south.base) == "1" or None,
        seconds=60,
    )
    assert three.preview(north, "TLP:GREEN")[east.base] == "descriptor-lapsed"
    assert three.partner(north, east)["last_error"] == "it cannot be reached"
    three.publish(north, "while the east was gone")
    three.arrived(south, "while the east was gone")
    east.start()
    three.arrived(east, "while the east was gone")
    assert three.preview(north, "TLP:GREEN")[east.base] == "1"
