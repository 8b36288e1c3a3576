"""The machine face of partners."""

from __future__ import annotations

from datetime import timedelta

import pytest

from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.identity.descriptor import read
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import lanes
from taawun.cooperation.partners.models import Lane, Partner
from taawun.foundation import fingerprint
from taawun.foundation.clock import frozen, now
from taawun.foundation.signing import SigningKey
from taawun.platform.audit.models import Entry
from tests.cast import Caller, Cast, agreement_in_force, partner, some_id

READ = Cast.statuses(200, stranger=403)
MANAGED = Cast.statuses(403, administrator=200)


def test_partners_and_this_node_are_read_by_everybody_with_a_role(cast: Cast) -> None:
    south = partner()
    for path in ("/node", "/partners", f"/partners/{south.row.id}", f"/partners/{south.row.id}/lanes"):
        assert cast.meet("GET", path) == READ, path


def test_this_node_is_what_its_descriptor_says(cast: Cast) -> None:
    told = cast.observer.api.get("/node").json()
    assert read(told["descriptor"], at=now()).key.kid == told["fingerprint"]["kid"] == node_key().kid
    assert (told["nation"], told["name"]["fr"], told["kind"]) == ("XN", "CERT du Nord", "nation")


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_fingerprint_is_told_in_the_language_that_is_asked_for(cast: Cast, language: str) -> None:
    south = partner()
    path = f"/partners/{south.row.id}"
    asked = cast.observer.api.get(path, language=language).json()["fingerprint"]
    accepted = Caller(cast.observer.token, language).get(path).json()["fingerprint"]
    assert asked == accepted
    assert asked["words"] == list(fingerprint.words(south.row.kid, language))
    assert asked["digits"] == list(fingerprint.digits(south.row.kid))


def test_a_language_without_words_is_refused(cast: Cast) -> None:
    assert cast.observer.api.get("/node", language="de").json()["errors"][0]["parameter"] == "language"


def test_partners_are_listed_by_state(cast: Cast) -> None:
    partner(node="https://a.example", state=Partner.State.MET)
    partner(node="https://b.example")
    nodes = [each["node"] for each in cast.observer.api.get("/partners", state="verified").json()["items"]]
    assert nodes == ["https://b.example"]
    assert cast.observer.api.get("/partners", state="friends").status_code == 422


def test_a_lapsed_descriptor_is_told(cast: Cast) -> None:
    south = partner(issued=now() - timedelta(days=28))
    found = cast.observer.api.get(f"/partners/{south.row.id}").json()
    assert (found["state"], found["is_current"]) == ("verified", False)


# ---- meeting ----------------------------------------------------------------------------------------------------


def test_a_node_is_met_by_administrators_alone(cast: Cast) -> None:
    body = {"node": "https://East.example:443/"}
    assert cast.meet("POST", "/partners", body) == Cast.statuses(403, administrator=202)
    (found,) = cast.observer.api.get("/partners").json()["items"]
    assert (found["node"], found["state"], found["fingerprint"]) == ("https://east.example", "claimed", None)
    assert Entry.objects.filter(verb="partners.met").count() == 1


def test_a_node_that_is_known_is_asked_again(cast: Cast) -> None:
    south = partner()
    Partner.objects.update(wants_pull=False, not_before=now() + timedelta(hours=1))
    answer = cast.administrator.api.post("/partners", {"node": south.node})
    assert (answer.status_code, answer.json()["state"]) == (202, "verified")
    south.row.refresh_from_db()
    assert south.row.wants_pull
    assert south.row.not_before <= now()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("cert.example", "not-an-address"),
        ("https://cert.example/path", "not-an-address"),
        ("https://user:word@cert.example", "not-an-address"),
        ("https://[::1", "not-an-address"),
        ("https://cert.example:99999", "not-an-address"),
        ("http://127.0.0.1:8000", "ourselves"),
    ],
)
def test_what_is_no_other_node_is_not_met(cast: Cast, address: str, code: str) -> None:
    answer = cast.administrator.api.post("/partners", {"node": address})
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["pointer"]) == (
        422,
        f"urn:taawun:problem:{code}",
        "/node",
    )
    assert Partner.objects.count() == 0


@pytest.mark.parametrize("body", [{}, {"node": ""}, {"node": "x" * 401}, {"node": None}, {"address": "x"}])
def test_a_meeting_without_an_address_is_refused(cast: Cast, body: dict[str, object]) -> None:
    assert cast.administrator.api.post("/partners", body).json()["type"] == "urn:taawun:problem:invalid"


# ---- comparing and blocking -------------------------------------------------------------------------------------


def test_a_partner_is_verified_by_administrators_alone(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    path = f"/partners/{south.row.id}/verify"
    assert cast.meet("POST", path, {"kid": south.row.kid}) == MANAGED
    found = cast.observer.api.get(f"/partners/{south.row.id}").json()
    assert (found["state"], found["verified_by"]) == ("verified", "Administrator")
    assert Entry.objects.get(verb="partners.verified").details["kid"] == south.row.kid


def test_a_key_that_changed_while_it_was_compared_is_not_verified(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    answer = cast.administrator.api.post(
        f"/partners/{south.row.id}/verify", {"kid": SigningKey.generate().kid}
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:key-changed")
    south.row.refresh_from_db()
    assert south.row.state == Partner.State.MET


@pytest.mark.parametrize("state", [Partner.State.BLOCKED, Partner.State.CLAIMED])
def test_who_has_not_answered_or_is_blocked_is_not_verified(cast: Cast, state: str) -> None:
    south = partner(state=state)
    if state == Partner.State.CLAIMED:
        Partner.objects.update(kid="")
    answer = cast.administrator.api.post(f"/partners/{south.row.id}/verify", {"kid": south.key.kid})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:not-met")


def test_a_partner_is_blocked_and_unblocked_by_administrators_alone(cast: Cast) -> None:
    south = partner()
    assert cast.meet("POST", f"/partners/{south.row.id}/block") == MANAGED
    assert south.request("GET", "/federation/lanes").status_code == 403
    assert cast.meet("POST", f"/partners/{south.row.id}/unblock") == MANAGED
    # whoever was blocked is compared anew
    assert cast.observer.api.get(f"/partners/{south.row.id}").json()["state"] == "claimed"
    verbs = Entry.objects.filter(verb__in=["partners.blocked", "partners.unblocked"])
    assert sorted(verbs.values_list("verb", flat=True)) == ["partners.blocked", "partners.unblocked"]


def test_a_block_takes_effect_on_decisions_at_once(cast: Cast) -> None:
    south = partner()
    agreement_in_force(south)
    body = {"kind": "intel.report", "tlp": "TLP:GREEN"}
    assert len(cast.analyst.api.post("/federation/decide", body).json()["receivers"]) == 1
    cast.administrator.api.post(f"/partners/{south.row.id}/block")
    decided = cast.analyst.api.post("/federation/decide", body).json()
    assert [each["reason"] for each in decided["others"]] == ["partner-blocked"]
    assert current_policy().grants(south.node)[0].hindrance == "partner-blocked"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/lanes", None),
        ("POST", "/verify", {"kid": "A" * 43}),
        ("POST", "/block", None),
        ("POST", "/unblock", None),
    ],
)
def test_a_partner_that_is_not_there_is_not_found(
    cast: Cast, method: str, path: str, body: dict[str, str] | None
) -> None:
    answer = cast.administrator.api.send(method, f"/partners/{some_id()}{path}", body)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-partner")


# ---- lanes ------------------------------------------------------------------------------------------------------


def test_lanes_are_listed_both_ways_with_how_far_each_is(cast: Cast) -> None:
    south, east = partner(nation="XS"), partner(nation="XE")
    with frozen(now()) as clock:
        messages.send(south.row, "receipt", {})
        messages.send(east.row, "receipt", {})
        clock.advance(timedelta(seconds=1))
        theirs = Lane.objects.create(
            purpose="talk",
            sender=south.row,
            head_seq=4,
            known_seq=6,
            acknowledged_seq=3,
            state="stopped",
            stop_reason="gap",
            stop_detail="entry 5 was expected",
        )
    ours = lanes.talk_lane(south.row)
    items = cast.observer.api.get(f"/partners/{south.row.id}/lanes").json()["items"]
    assert [each["id"] for each in items] == [str(theirs.id), str(ours.id)]
    received, sent = items
    assert {name: received[name] for name in ("direction", "state", "stop_reason", "head", "known")} == {
        "direction": "received",
        "state": "stopped",
        "stop_reason": "gap",
        "head": 4,
        "known": 6,
    }
    assert received["acknowledged"] == 3
    assert (sent["direction"], sent["head"], sent["acknowledged"]) == ("sent", 1, -1)
    for query, found in (
        ("direction=sent", [ours]),
        ("direction=received&state=stopped", [theirs]),
        ("state=running", [ours]),
        ("state=waiting", []),
        ("state=left", []),
    ):
        items = cast.observer.api.get(f"/partners/{south.row.id}/lanes?{query}").json()["items"]
        assert [each["id"] for each in items] == [str(each.id) for each in found], query
    ours.readers.update(receipt_seq=1)
    assert cast.observer.api.get(f"/partners/{south.row.id}/lanes").json()["items"][1]["acknowledged"] == 1
