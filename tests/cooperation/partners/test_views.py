"""Pages of partners: who may open them, what they say, and that nothing is written but by an action."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Lane, LaneReader, Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation import fingerprint
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Text
from taawun.platform.audit.models import Entry
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, partner
from tests.pages import Markup, read

pytestmark = pytest.mark.usefixtures("pages")

LIST = "/en/partners/"


def page_of(row: Partner, step: str = "") -> str:
    return f"{LIST}{row.id}/{step}"


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    read(response)
    return response.content.decode()


def test_a_partners_duty_contact_is_told_on_its_clock_and_on_the_readers(cast: Cast) -> None:
    south, at = partner(), now()
    duty = {
        "name": {"en": "Duty officer"},
        "hours": {"zone": "Asia/Kathmandu", "days": [6, 0, 1, 2, 3], "from": "08:00", "until": "16:00"},
        "languages": ["en"],
    }
    told = descriptor.write(
        node=south.row.node,
        kind="nation",
        nation="XS",
        name=Text.of(en="Southern CERT"),
        nation_name=None,
        contacts=[duty],
        key=south.key,
        recovery_jwk=None,
        at=at,
    )
    Partner.objects.filter(id=south.row.id).update(descriptor=told, descriptor_issued=at)
    page = read(cast.analyst.browser().get(page_of(south.row)))
    assert "Duty officer Sun to Thu, 08:00 to 16:00 Asia/Kathmandu 02:15 to 10:15 here English" in page.text


# ---- who may ----------------------------------------------------------------------------------------------------
READERS = ("administrator", "analyst", "officer", "other_officer", "observer", "trainee")


@pytest.mark.parametrize("who", READERS)
def test_everybody_with_a_role_reads_the_list_and_a_partner(cast: Cast, who: str) -> None:
    south = partner()
    client = dict(cast)[who].browser()
    assert client.get(LIST).status_code == 200
    assert client.get(page_of(south.row)).status_code == 200


def test_a_person_without_a_role_reads_neither(cast: Cast) -> None:
    south = partner()
    client = cast.stranger.browser()
    assert client.get(LIST).status_code == 403
    assert client.get(page_of(south.row)).status_code == 403


def test_nobody_in_particular_is_led_to_the_sign_in(cast: Cast) -> None:
    answer = Client().get(LIST)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/en/account/login/")


@pytest.mark.parametrize("who", [*READERS[1:], "stranger"])
@pytest.mark.parametrize("step", ["verify/", "block/", "unblock/"])
def test_only_an_administrator_opens_and_takes_a_step(cast: Cast, who: str, step: str) -> None:
    south = partner(state=Partner.State.MET)
    client = dict(cast)[who].browser()
    assert client.get(page_of(south.row, step)).status_code == 403
    assert client.post(page_of(south.row, step), {"kid": south.row.kid, "compared": "on"}).status_code == 403
    assert Partner.objects.get().state == Partner.State.MET


@pytest.mark.parametrize("who", [*READERS[1:], "stranger"])
def test_only_an_administrator_adds_a_partner(cast: Cast, who: str) -> None:
    client = dict(cast)[who].browser()
    assert client.get(f"{LIST}new/").status_code == 403
    assert client.post(f"{LIST}new/", {"node": "https://south.example"}).status_code == 403
    assert not Partner.objects.exists()


# ---- the list ---------------------------------------------------------------------------------------------------
def test_the_list_tells_each_state_and_how_many_lanes_are_in_step(cast: Cast) -> None:
    south = partner("Southern CERT", nation="XS")
    partner("Western CERT", nation="XW", state=Partner.State.MET)
    Lane.objects.create(purpose="talk", sender=south.row, head_seq=3, known_seq=3)
    Lane.objects.create(purpose="clause", sender=south.row, head_seq=3, known_seq=5)
    shown = text_of(cast.analyst.browser(), LIST)
    assert "1 of 2 lanes in step" in shown
    assert "not yet compared, receives nothing" in shown
    assert "verified" in shown


def _lanes(south: PartnerNode) -> None:
    """Sixty lanes that it sends, of which one is stopped and one has something to fetch, and one of ours."""
    rows = [
        Lane(
            purpose="clause",
            sender=south.row,
            clause=f"{number}",
            head_seq=0,
            known_seq=1 if number == 7 else 0,
            state="stopped" if number == 3 else "running",
            stop_reason="gap" if number == 3 else "",
        )
        for number in range(60)
    ]
    Lane.objects.bulk_create(rows)
    own = Lane.objects.create(purpose="clause", clause="1", head_seq=4)
    LaneReader.objects.create(lane=own, partner=south.row, receipt_seq=2)


def test_a_partners_page_shows_some_lanes_and_those_first_that_stand_still(cast: Cast) -> None:
    south = partner()
    _lanes(south)
    shown = read(cast.analyst.browser().get(page_of(south.row)))
    assert len(shown.all("td", **{"data-label": "Direction"})) == 12
    assert "stopped: an entry is missing" in shown.text
    assert "1 entry to fetch" in shown.text
    assert shown.all("a", href=page_of(south.row, "lanes/"))
    assert "All lanes of this partner" in shown.text


def test_all_lanes_are_paged_filtered_and_exported(cast: Cast) -> None:
    south = partner()
    _lanes(south)
    client, path = cast.analyst.browser(), page_of(south.row, "lanes/")

    def listed(query: str) -> int:
        return len(read(client.get(f"{path}{query}")).all("td", **{"data-label": "Direction"}))

    first = read(client.get(path))
    [following] = first.all("a", rel="next")
    assert (listed(""), listed(following["href"])) == (50, 11)
    assert (listed("?state=stopped"), listed("?state=left"), listed("?state=waiting")) == (1, 0, 2)
    assert (listed("?direction=sent"), listed("?direction=sent&state=stopped")) == (1, 0)
    assert client.get(f"{path}?after=nothing")["Location"] == path
    answer = client.get(f"{path}?format=json&direction=sent")
    [own] = json.loads(answer.getvalue())
    assert (own["clause"], own["head"], own["acknowledged"], own["state"]) == ("1", 4, 2, "running")
    lines = client.get(f"{path}?format=csv").getvalue().decode("utf-8-sig").splitlines()
    assert lines[0].startswith("id,direction,purpose,agreement,clause,state,")
    assert len(lines) == 62


def test_a_page_of_lanes_asks_as_often_however_many_there_are(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    south = partner()
    client, path = cast.analyst.browser(), page_of(south.row, "lanes/")
    _lanes(south)
    with CaptureQueriesContext(connection) as few:
        client.get(f"{path}?state=waiting")
    with django_assert_max_num_queries(len(few)):
        client.get(path)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=south", {"Southern CERT"}),
        ("q=WESTERN+cert", {"Western CERT"}),
        ("q=xw", {"Western CERT"}),
        ("q=nowhere", set()),
        ("state=met", {"Western CERT"}),
        ("state=verified&q=west", set()),
        ("state=nonsense", {"Southern CERT", "Western CERT"}),
    ],
)
def test_the_list_is_searched_and_filtered_by_its_address(cast: Cast, query: str, expected: set[str]) -> None:
    partner("Southern CERT", nation="XS")
    partner("Western CERT", nation="XW", state=Partner.State.MET)
    shown = text_of(cast.analyst.browser(), f"{LIST}?{query}")
    assert {name for name in ("Southern CERT", "Western CERT") if name in shown} == expected


def test_the_list_leaves_as_json_and_csv_with_its_filters(cast: Cast) -> None:
    south = partner("Southern CERT", nation="XS")
    partner("Western CERT", nation="XW", state=Partner.State.MET)
    client = cast.observer.browser()
    got = b"".join(client.get(f"{LIST}?format=json&state=verified").streaming_content)  # type: ignore[attr-defined]  # a streaming answer
    assert [row["node"] for row in json.loads(got)] == [south.node]
    lines = b"".join(client.get(f"{LIST}?format=csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # a streaming answer
    assert [row["name"] for row in csv.DictReader(lines.splitlines())] == ["Southern CERT", "Western CERT"]


def test_an_empty_list_says_what_to_do_first_to_who_may_do_it(cast: Cast) -> None:
    assert "/en/partners/new/" in text_of(cast.administrator.browser(), LIST)
    assert "/en/partners/new/" not in text_of(cast.analyst.browser(), LIST)


# ---- adding -----------------------------------------------------------------------------------------------------
def test_a_new_partner_is_being_contacted_and_its_page_asks_again_by_itself(cast: Cast) -> None:
    client = cast.administrator.browser()
    answer = client.post(f"{LIST}new/", {"node": "https://South.example/"})
    known = Partner.objects.get()
    assert (known.node, known.state) == ("https://south.example", Partner.State.CLAIMED)
    assert answer["Location"] == page_of(known)
    shown = text_of(client, page_of(known))
    assert "This node is being contacted." in shown
    assert 'hx-trigger="every 2s, taawun:look"' in shown
    assert '<noscript><meta http-equiv="refresh"' in shown


def test_an_address_that_this_node_refuses_to_call_is_said_not_to_be_called_and_how_it_would_be(
    cast: Cast,
) -> None:
    client = cast.administrator.browser()
    client.post(f"{LIST}new/", {"node": "https://10.0.0.7:8443"})
    Partner.objects.update(failures=1, last_error="It is private.", last_error_code="private-address")
    shown = text_of(client, page_of(Partner.objects.get()))
    assert "being contacted" not in shown
    assert "not called" in shown
    assert "has to add 10.0.0.7:8443 to TAAWUN_OUTBOUND_ALLOW and restart it" in shown


def test_the_page_asks_less_often_once_its_node_has_answered(cast: Cast) -> None:
    client = cast.administrator.browser()
    partner()
    assert 'hx-trigger="every 20s, taawun:look"' in text_of(client, page_of(Partner.objects.get()))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "This field is required."),
        ("south.example", "A node&#x27;s address looks like https://cert.example, without a path."),
        (
            "https://south.example/en/",
            "A node&#x27;s address looks like https://cert.example, without a path.",
        ),
        ("ftp://south.example", "A node&#x27;s address looks like https://cert.example, without a path."),
    ],
)
def test_an_address_that_is_none_is_refused_beside_its_field_and_stays_typed(
    cast: Cast, given: str, sentence: str
) -> None:
    answer = cast.administrator.browser().post(f"{LIST}new/", {"node": given})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in shown
    assert not given or f'value="{given}"' in shown
    assert not Partner.objects.exists()


def test_the_nodes_own_address_is_no_partner(cast: Cast) -> None:
    answer = cast.administrator.browser().post(f"{LIST}new/", {"node": settings.BASE_URL})
    assert "That is this node&#x27;s own address." in answer.content.decode()
    assert not Partner.objects.exists()


def test_a_partner_that_does_not_answer_is_asked_again_when_told_to(cast: Cast) -> None:
    south = partner()
    Partner.objects.update(failures=4, wants_pull=False, last_error="No answer.")
    client = cast.administrator.browser()
    assert page_of(south.row, "ask/") in text_of(client, page_of(south.row))
    assert client.post(page_of(south.row, "ask/")).status_code == 302
    assert Partner.objects.get().wants_pull
    assert client.get(page_of(south.row, "ask/")).status_code == 405


# ---- comparing --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_both_fingerprints_are_read_in_the_language_of_the_page(cast: Cast, language: str) -> None:
    south = partner(state=Partner.State.MET)
    shown = text_of(cast.administrator.browser(), f"/{language}/partners/{south.row.id}/verify/")
    for kid in (south.row.kid, node_key().kid):
        for word in fingerprint.words(kid, language):
            assert f"<li>{word}</li>" in shown
        # numbered like the words, so that both begin with the same group whichever way their page runs
        groups = (f'<li><bdi dir="ltr" class="mono">{group}</bdi></li>' for group in fingerprint.digits(kid))
        assert "".join(groups) in shown
        assert kid in shown
    assert shown.count("<svg") >= 2


def test_comparing_verifies_the_key_that_was_shown_and_is_recorded(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    client = cast.administrator.browser()
    answer = client.post(page_of(south.row, "verify/"), {"kid": south.row.kid, "compared": "on"})
    assert answer["Location"] == page_of(south.row)
    known = Partner.objects.get()
    assert (known.state, known.verified_by) == (Partner.State.VERIFIED, "Administrator")
    assert Entry.objects.get(verb="partners.verified").details["kid"] == south.row.kid


def test_comparing_needs_the_tick(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    answer = cast.administrator.browser().post(page_of(south.row, "verify/"), {"kid": south.row.kid})
    assert answer.status_code == 422
    assert "Compare first: read the words to each other, then tick this box." in answer.content.decode()
    assert Partner.objects.get().state == Partner.State.MET


def test_a_key_that_changed_while_they_compared_is_not_verified_and_the_new_one_is_shown(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    answer = cast.administrator.browser().post(
        page_of(south.row, "verify/"), {"kid": node_key().kid, "compared": "on"}
    )
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "The key changed while you compared. Compare again." in shown
    assert f'name="kid" value="{south.row.kid}"' in shown
    assert Partner.objects.get().state == Partner.State.MET


@pytest.mark.parametrize("state", [Partner.State.BLOCKED, Partner.State.CLAIMED])
def test_what_has_no_key_or_is_blocked_cannot_be_compared(cast: Cast, state: str) -> None:
    south = partner(state=state)
    if state == Partner.State.CLAIMED:
        Partner.objects.update(kid="")
    assert cast.administrator.browser().get(page_of(south.row, "verify/")).status_code == 302


# ---- blocking ---------------------------------------------------------------------------------------------------
def test_blocking_asks_first_and_names_its_effect(cast: Cast) -> None:
    south = partner()
    client = cast.administrator.browser()
    shown = text_of(client, page_of(south.row, "block/"))
    assert "Block Southern CERT?" in shown
    assert "nothing is sent to it and nothing is taken from it" in shown
    assert Partner.objects.get().state == Partner.State.VERIFIED
    client.post(page_of(south.row, "block/"))
    assert Partner.objects.get().state == Partner.State.BLOCKED
    assert Entry.objects.filter(verb="partners.blocked").count() == 1


def test_unblocking_leads_back_to_comparing(cast: Cast) -> None:
    south = partner(state=Partner.State.BLOCKED)
    client = cast.administrator.browser()
    assert "compared anew" in text_of(client, page_of(south.row, "unblock/"))
    client.post(page_of(south.row, "unblock/"))
    assert Partner.objects.get().state == Partner.State.CLAIMED
    assert Entry.objects.filter(verb="partners.unblocked").count() == 1


# ---- one partner ------------------------------------------------------------------------------------------------
def test_a_stopped_lane_says_why_and_what_to_do(cast: Cast) -> None:
    south = partner()
    lane = Lane.objects.create(
        purpose="talk", sender=south.row, head_seq=7, known_seq=9, state="stopped", stop_reason="fork"
    )
    raise_notice(
        "partners.lane-stopped",
        f"urn:uuid:{lane.id}",
        Notice.Level.ALARM,
        {"node": south.node, "partner": str(south.row.id), "seq": "8", "reason": "fork"},
    )
    shown = text_of(cast.observer.browser(), page_of(south.row))
    assert "stopped: the sender signed two different histories" in shown
    assert "Telephone the partner&#x27;s administrator" in shown
    assert f"A lane of {south.node} was stopped at entry 8" in shown


def test_another_partners_notice_is_not_shown_here(cast: Cast) -> None:
    south, west = partner(nation="XS"), partner("Western CERT", nation="XW")
    raise_notice(
        "partners.key-changed",
        f"urn:taawun:node:{west.node}",
        Notice.Level.ALARM,
        {"node": west.node, "partner": str(west.row.id), "name": "Western CERT"},
    )
    assert "shows another key" not in text_of(cast.analyst.browser(), page_of(south.row))
    assert "shows another key" in text_of(cast.analyst.browser(), page_of(west.row))


def test_what_we_sent_and_the_partner_did_not_sign_for_is_counted(cast: Cast) -> None:
    south = partner()
    lane = Lane.objects.create(purpose="clause", head_seq=4, known_seq=4, clause="1")
    LaneReader.objects.create(lane=lane, partner=south.row, receipt_seq=1)
    assert "3 not signed for" in text_of(cast.analyst.browser(), page_of(south.row))
    LaneReader.objects.update(receipt_seq=4)
    assert "all signed for" in text_of(cast.analyst.browser(), page_of(south.row))


def test_buttons_are_shown_to_those_who_may_press_them(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    assert "verify/" in text_of(cast.administrator.browser(), page_of(south.row))
    assert "verify/" not in text_of(cast.officer.browser(), page_of(south.row))


@pytest.mark.parametrize("state", Partner.State.values)
def test_who_only_reads_is_offered_no_step_with_a_partner_in_any_state(cast: Cast, state: str) -> None:
    below = page_of(partner("Southern CERT").row)
    Partner.objects.update(state=state, failures=1)
    page = read(cast.observer.browser().get(below))
    steps = {has.get("href", "") for has in page.all("a")} | {
        has.get("action", "") for has in page.all("form", method="post")
    }
    assert {each for each in steps if each.startswith(below) and each != below} == set()


def test_what_a_partner_calls_itself_is_escaped(cast: Cast) -> None:
    south = partner("<script>alert(1)</script>")
    for path in (LIST, page_of(south.row), page_of(south.row, "verify/"), page_of(south.row, "block/")):
        shown = text_of(cast.administrator.browser(), path)
        assert "<script>alert(1)" not in shown, path
        assert "alert(1)" in shown, path


def test_an_unknown_partner_is_not_found(cast: Cast, node: Organisation) -> None:
    assert cast.analyst.browser().get(f"{LIST}{node.id}/").status_code == 404


# ---- beside every page -----------------------------------------------------------------------------------------
def test_the_foot_of_the_navigation_says_how_many_partners_are_in_step(cast: Cast) -> None:
    south, east = partner("Southern CERT"), partner("Eastern CERT", nation="XE")
    partner("Western CERT", nation="XW", state=Partner.State.MET)
    at = datetime(2026, 11, 22, 8, 41, tzinfo=UTC)
    Partner.objects.filter(id=south.row.id).update(last_contact=at)
    Partner.objects.filter(id=east.row.id).update(failures=3, last_contact=at - timedelta(days=3))
    with frozen(at + timedelta(hours=2)):
        shown = read(cast.analyst.browser().get("/en/")).text
        assert "Partners: 1 of 2 in step Last contact 08:41" in shown
    with frozen(at + timedelta(days=1)):
        assert "Last contact 22 Nov 2026" in text_of(cast.analyst.browser(), "/en/")
    assert "in step" not in text_of(cast.stranger.browser(), "/en/")


def test_the_navigation_stays_folded_where_somebody_folded_it(cast: Cast) -> None:
    client = cast.analyst.browser()
    assert 'class="frame"' in client.get("/en/").content.decode()
    client.cookies["taawun-rail"] = "yes"
    assert 'class="frame rail"' in client.get("/en/").content.decode()


# ---- the public lane of a partner -------------------------------------------------------------------------------
def test_following_a_public_lane_and_no_longer_are_each_undone_beside_the_message(cast: Cast) -> None:
    south, client = partner(), cast.administrator.browser()

    def press_undo(page: Markup) -> Markup:
        [form] = [has for has in page.all("form") if has.get("class") == "told"]
        return read(client.post(form["action"], follow=True))

    def is_followed() -> bool:
        return Partner.objects.get(id=south.row.id).is_followed

    page = read(client.post(page_of(south.row, "follow/"), follow=True))
    assert "Its public lane is read from its beginning. What it brings appears here. Undo" in page.text
    assert is_followed()
    page = press_undo(page)
    assert "Nothing more is taken in from its public lane. Undo" in page.text
    assert not is_followed()
    press_undo(page)
    assert is_followed()
    verbs = Entry.objects.filter(verb__contains="follow").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["partners.followed", "partners.unfollowed", "partners.followed"]


def test_what_was_refused_offers_no_undo(cast: Cast) -> None:
    south = partner(state=Partner.State.CLAIMED)
    page = read(cast.administrator.browser().post(page_of(south.row, "follow/"), follow=True))
    assert "Compare the fingerprint of this partner first" in page.text
    assert [has for has in page.all("form") if has.get("class") == "told"] == []
