"""Readers without a node of their own, between two nodes that run: a guest of the south, and anybody at all.

A later version names the guest, so all of it goes over a lane that the south reads already.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import httpx
import pytest

from taawun.foundation.digests import sha256
from taawun.foundation.strict_json import canonical, parse
from taawun.foundation.tlp import Tlp
from taawun.node.demo.nodes import ApiClient, wait_for
from tests.cooperation.federation.test_guests import offer, report
from tests.journeys.conftest import Pair, everything, rows
from tests.journeys.test_agreements import approve, held, seen

pytestmark = [pytest.mark.journey, pytest.mark.slow]

# a host tells what its guests read within a minute
TOLD_SECONDS = 100


def published(pair: Pair, made: str) -> Any:
    """Publish a report of the north; its release."""
    analyst = pair.analyst(pair.north)
    told = analyst.post(f"/intel/reports/{made}/publish")
    return analyst.get("/federation/releases", direction="sent", subject=subject_of(told))["items"][0]


def open_report(pair: Pair, title: str) -> str:
    """A draft in the north on something that anybody may know; its id."""
    analyst, path = pair.analyst(pair.north), "/intel/imports"
    begun = analyst.call(
        "POST",
        path,
        params={"name": "open.json", "tlp": "TLP:CLEAR"},
        content=canonical(report(Tlp.CLEAR)),
        headers={"Content-Type": "application/json"},
    )
    wait_for(
        "the import", lambda: (analyst.get(f"{path}/{begun['id']}")["state"] == "done") or None, seconds=90
    )
    about = analyst.get("/intel/objects", tlp="TLP:CLEAR", type="domain-name")["items"][0]["id"]
    body = {"title": title, "summary": title, "tlp": "TLP:CLEAR", "object_ids": [about]}
    identifier: str = analyst.post("/intel/reports", body)["id"]
    return identifier


def subject_of(told: Any) -> str:
    """What a report is called on lanes."""
    return f"urn:taawun:stix:{told['stix_id']}"


def name_a_guest(pair: Pair) -> None:
    """The south asks for a version that names a university which it hosts, and both approve it."""
    north, south, path = pair.north, pair.south, f"/agreements/{pair.story.agreement}"
    number = held(pair, south)["version"]
    document = pair.officer(south).get(f"{path}/versions/{number}")["document"]
    host = next(each["ref"] for each in document["parties"] if each.get("node") == south.base)
    university = {
        "ref": "uni",
        "kind": "guest",
        "host": host,
        "nation": "XS",
        "organisation": {"en": "University of the South"},
    }
    document["parties"].append(university)
    pair.officer(south).post(f"{path}/counter", {"document": document, "note": "For our university."})
    proposed = seen(pair, north, lambda found: found["open_proposals"])
    pair.officer(north).post(f"{path}/adopt", {"suggestion": proposed["open_proposals"][0]})
    edition = pair.officer(north).get(path)["draft_edition"]
    pair.officer(north).post(f"{path}/propose", headers={"If-Match": f'"{edition}"'})
    pending = seen(pair, south, lambda found: found["pending"] == number + 1)
    for node in (north, south):
        approve(pair, node, pending["versions"][-1]["digest"])
    for node in (north, south):
        seen(pair, node, lambda found: found["version"] == number + 1)


def first(ask: Any) -> Any:
    """The first of what there is, or None."""
    items = ask()
    return items[0] if items else None


@pytest.fixture
def guest(pair: Pair) -> Iterator[ApiClient]:
    """A university that the agreement names, at its host; something was published before it was."""
    published(pair, pair.new_report("Before the guest"))
    name_a_guest(pair)
    made = pair.administrator(pair.south).post(
        "/federation/guests/tokens",
        {"agreement": pair.story.agreement, "guest": "uni", "name": "library", "days": 30},
    )
    with closing(ApiClient(pair.south.base, made["token"])) as client:
        yield client


def test_a_guest_reads_gives_and_loses_at_its_host_what_an_agreement_lets_it(
    pair: Pair, guest: ApiClient
) -> None:
    north, south = pair.north, pair.south
    assert guest.get("/guest/agreement")["is_party"]

    # the north gives, the guest reads at the south, and the north has it in writing
    told = pair.new_report("For the university too")
    release = published(pair, told)
    item = wait_for("what is for the guest", partial(first, lambda: guest.get("/guest/releases")["items"]))
    assert (item["sender"], item["subject"], item["read"]) == (north.base, release["subject"], None)
    content = guest.raw("GET", f"/guest/contents/{item['digest']}")
    assert (content.status_code, sha256(content.content)) == (200, item["digest"])
    assert [each["subject"] for each in everything(guest, "/guest/releases")] == [release["subject"]]
    readings = f"/federation/releases/{release['id']}/readings"
    reading = wait_for(
        "the receipt of the guest",
        partial(first, lambda: pair.officer(north).get(readings)["items"]),
        seconds=TOLD_SECONDS,
    )
    assert reading["guest"] == f"{south.base}#uni"
    assert reading["said"] is not None

    # the guest gives, and the north receives it as the south's word for it
    given = offer(report())
    assert guest.post("/guest/releases", given)["state"] == "live"
    analyst = pair.analyst(north)
    came = wait_for(
        "what the guest gave, in the north",
        partial(first, lambda: analyst.get("/intel/reports", state="received")["items"]),
    )
    assert came["title"] == "From the university"
    assert wait_for(
        "the north's receipt for it",
        lambda: guest.get("/guest/given")["items"][0]["signed"] or None,
    )

    # what the north takes back is gone for the guest, and it is told to delete it
    analyst.post(f"/intel/reports/{told}/withdraw", {"reason": "It named a person."})
    gone = wait_for(
        "the withdrawal, for the guest", partial(first, lambda: guest.get("/guest/withdrawals")["items"])
    )
    assert (gone["subject"], gone["digest"]) == (release["subject"], item["digest"])
    assert guest.raw("GET", f"/guest/contents/{item['digest']}").status_code == 404
    assert everything(guest, "/guest/releases") == []
    assert rows(south, "select 1 from partners_content where digest = ?", item["digest"]) == []


def test_what_the_north_publishes_to_everybody_a_follower_holds_and_a_stranger_reads_until_it_is_withdrawn(
    pair: Pair,
) -> None:
    north, south = pair.north, pair.south
    administrator = pair.administrator(south)
    partner = next(each for each in everything(administrator, "/partners") if each["node"] == north.base)
    administrator.post(f"/partners/{partner['id']}/follow")

    told = open_report(pair, "For everybody")
    release = published(pair, told)
    pair.officer(north).post(f"/federation/releases/{release['id']}/public")
    question = (
        "select e.state from partners_laneentry e join partners_lane l on l.id = e.lane_id "
        "where l.purpose = 'public' and e.subject = ? and e.action = 'publish'"
    )
    state = partial(rows, south, question, release["subject"])
    wait_for("the follower", lambda: (state() == [("done",)]) or None)
    stands = [each for each in lines(north.base) if "content" in each and each["content"].get("type")]
    assert "For everybody" in str(stands)

    pair.analyst(north).post(f"/intel/reports/{told}/withdraw", {"reason": "It was said too early."})
    wait_for("the withdrawal at the follower", lambda: (state() == [("withdrawn",)]) or None)
    wait_for(
        "the end of it at the follower",
        lambda: (pair.received().get("For everybody") is None) or None,
    )
    assert "For everybody" not in str(lines(north.base))
    path = f"/federation/public/{release['digest']}"
    assert httpx.get(north.base + path, trust_env=False).status_code in {404, 410}


def lines(base: str) -> list[Any]:
    """What anybody reads of a node's public lane, without a key."""
    answer = httpx.get(f"{base}/federation/public?after=-1", trust_env=False)
    assert answer.status_code == 200
    return [parse(line) for line in answer.content.splitlines()]
