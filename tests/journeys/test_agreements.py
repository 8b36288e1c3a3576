"""Two nodes under an agreement: either proposes a change of it, and both see its end alike."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from taawun.node.demo.nodes import RunningNode, wait_for
from tests.journeys.conftest import Pair, rows

pytestmark = [pytest.mark.journey, pytest.mark.slow]


def held(pair: Pair, node: RunningNode) -> Any:
    return pair.officer(node).get(f"/agreements/{pair.story.agreement}")


def seen(pair: Pair, node: RunningNode, is_so: Any) -> Any:
    """The agreement as a node has it, once it is so; a test of whatever the answer holds."""

    def look() -> Any:
        found = held(pair, node)
        return found if is_so(found) else None

    return wait_for("the agreement at the other node", look)


def approve(pair: Pair, node: RunningNode, digest: str) -> None:
    for which in (0, 1):
        officer = node.api(node.nation.player("officer", which))
        officer.post(f"/agreements/{pair.story.agreement}/approve", {"digest": digest})


def verbs(pair: Pair, node: RunningNode) -> list[object]:
    subject = f"urn:uuid:{pair.story.agreement}"
    question = "select verb from audit_entry where subject = ? order by id"
    return [verb for (verb,) in rows(node, question, subject)]


def test_the_south_changes_what_is_in_force_and_the_north_ends_it_and_both_say_the_same(pair: Pair) -> None:
    north, south, path = pair.north, pair.south, f"/agreements/{pair.story.agreement}"
    number = held(pair, south)["version"]
    document = pair.officer(south).get(f"{path}/versions/{number}")["document"]
    document["notice_days"] = 0
    pair.officer(south).post(f"{path}/counter", {"document": document, "note": "No notice, please."})
    proposed = seen(pair, north, lambda found: found["open_proposals"])
    assert (proposed["state"], proposed["version"], proposed["pending"]) == ("in-force", number, None)

    pair.officer(north).post(f"{path}/adopt", {"suggestion": proposed["open_proposals"][0]})
    edition = pair.officer(north).get(path)["draft_edition"]
    pair.officer(north).post(f"{path}/propose", headers={"If-Match": f'"{edition}"'})
    pending = seen(pair, south, lambda found: found["pending"] == number + 1)
    assert (pending["state"], pending["version"]) == ("in-force", number)
    for node in (north, south):
        approve(pair, node, pending["versions"][-1]["digest"])
    for node in (north, south):
        now_in_force = seen(pair, node, lambda found: found["version"] == number + 1)
        assert (now_in_force["state"], now_in_force["open_proposals"]) == ("in-force", [])
    assert verbs(pair, south).count("agreements.countered") == verbs(pair, north).count(
        "agreements.countered"
    )

    pair.officer(south).post(f"{path}/suspend", {"note": "We look into something."})
    for node in (south, north):
        suspended = seen(pair, node, lambda found: found["state"] == "suspended")
        assert [each["party"] for each in suspended["suspensions"]] == ["XS"]
    pair.officer(north).post(f"{path}/terminate", {"note": "It is over."})
    ended = [seen(pair, node, lambda found: found["state"] == "terminated") for node in (north, south)]
    same = ("state", "version", "ends", "signed_by", "open_proposals")
    assert [ended[0][name] for name in same] == [ended[1][name] for name in same]
    for node in (north, south):
        asked = pair.analyst(node).post("/federation/decide", {"kind": "intel.report", "tlp": "TLP:GREEN"})
        assert (asked["receivers"], asked["others"][0]["reason"]) == ([], "terminated")
    wait_for("the trail in the south", partial(_has, pair, south, "agreements.terminated"))


def _has(pair: Pair, node: RunningNode, verb: str) -> bool:
    return verb in verbs(pair, node)
