"""Parts of a page that keep themselves current: what a poll is told, by whom, and at what cost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from taawun.capabilities.intel.actions import begin_import
from taawun.capabilities.intel.models import Import
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import frozen, now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record, seal
from taawun.platform.audit.models import Entry
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.web.live import LIFE, begin
from taawun.platform.work.models import Job
from tests.calls import calls_of
from tests.capabilities.intel.factories import indicator
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.federation.test_views import received
from tests.pages import pages, visit

if TYPE_CHECKING:
    from django.test import Client
    from django.test.client import _MonkeyPatchedWSGIResponse as Response
    from playwright.sync_api import Page

    from taawun.cooperation.agreements.models import Agreement

    Visit = Callable[..., Page]

__all__ = ["pages", "visit"]

pytestmark = pytest.mark.usefixtures("pages")
HOME = "/en/"


def tag_of(page: bytes, part: str = "home") -> str:
    found = re.search(rb'data-part="' + part.encode() + rb'" data-etag=\'([^\']+)\'', page)
    assert found is not None
    return found[1].decode()


def poll(client: Client, tag: str = "", path: str = HOME, part: str = "home") -> Response:
    return client.get(path, headers={"X-Taawun-Part": part, "If-None-Match": tag})


def in_step(client: Client) -> str:
    """The tag of a browser that has what there is, and knows it."""
    told = poll(client, tag_of(client.get(HOME).content))
    assert (told.status_code, told.content) == (304, b"")
    return str(told["ETag"])


def arrive(south: PartnerNode, held: Agreement, number: int) -> None:
    """A release as the partner's lane brings it: with its row in the trail."""
    received(south, held, number)
    record(SystemActor("sync"), "releases.received", f"urn:x:{number}")


def open_notice() -> Notice:
    return raise_notice(
        "partners.lane-stopped",
        "urn:x",
        Notice.Level.ALARM,
        {"node": "x", "seq": "1", "reason": "digest", "partner": str(uuid4())},
    )


def test_a_poll_that_finds_nothing_new_asks_nobody_and_no_view(cast: Cast) -> None:
    client = cast.analyst.browser()
    tag = in_step(client)
    with CaptureQueriesContext(connection) as asked:
        told = poll(client, tag)
    assert (told.status_code, told.content, told["ETag"]) == (304, b"", tag)
    assert {each["sql"].split('FROM "')[1].split('"')[0] for each in asked} == {
        "audit_entry",
        "notices_notice",
    }
    assert len(asked) == 3


def test_the_trail_may_be_sealed_without_anything_being_new(cast: Cast) -> None:
    client = cast.analyst.browser()
    tag = in_step(client)
    assert seal() > 0
    assert poll(client, tag)["ETag"] == tag


def test_a_tag_tells_no_reader_how_much_the_node_wrote_or_holds_open(cast: Cast) -> None:
    client, other = cast.analyst.browser(), cast.observer.browser()
    open_notice()
    tag = in_step(client)
    said = tag.strip('"').split(".")[0]
    assert f"audit={Entry.objects.count()}" not in said.split(",")
    assert "notices=1" not in said.split(",")
    # a number has few digits: whoever counts up finds it in none of its digests without the node's key
    assert all(len(each.partition("=")[2]) == 24 for each in said.split(","))
    assert {each.partition("=")[0] for each in said.split(",")} == {"audit", "notices"}
    record(SystemActor("tests"), "tests.wrote", "urn:x")
    assert in_step(client).split(".")[0] != tag.split(".")[0]
    assert in_step(other).split(".")[0] == in_step(client).split(".")[0]


def test_what_is_written_is_in_the_next_poll_which_brings_the_part_alone(cast: Cast) -> None:
    client = cast.analyst.browser()
    tag = in_step(client)
    south = partner("Southern CERT")
    arrive(south, agreement_in_force(south), 1)
    told = poll(client, tag)
    page = told.content.decode()
    assert told.status_code == 200
    assert "Their report 1" in page
    assert page.startswith('<div class="live" id="part-home"')
    assert "<html" not in page
    assert tag_of(told.content) == told["ETag"] != tag
    assert int(told["Content-Length"]) == len(told.content)
    assert poll(client, told["ETag"]).status_code == 304


def test_a_notice_that_comes_or_goes_is_in_the_next_poll_though_no_act_raised_it(cast: Cast) -> None:
    client = cast.administrator.browser()
    tag = in_step(client)
    open_notice()
    told = poll(client, tag)
    assert told.status_code == 200
    resolve("partners.lane-stopped", "urn:x")
    assert poll(client, told["ETag"]).status_code == 200


def test_a_part_is_made_anew_after_its_life_though_nothing_was_written(cast: Cast) -> None:
    client = cast.analyst.browser()
    south = partner("Southern CERT")
    received(south, agreement_in_force(south), 1)
    tag = in_step(client)
    with frozen(now() + LIFE + timedelta(seconds=1)):
        told = poll(client, tag)
    assert told.status_code == 200
    assert "5 minutes ago" in told.content.decode()


def test_a_form_whose_token_alone_is_another_makes_no_part_anew(cast: Cast) -> None:
    client, path = cast.administrator.browser(), reverse("partner", args=[partner("Southern CERT").row.id])
    Partner.objects.update(failures=1)
    told = poll(client, path=path, part="partner")
    assert b"csrfmiddlewaretoken" in told.content
    record(SystemActor("tests"), "tests.wrote", "urn:x")
    assert poll(client, told["ETag"], path, "partner").status_code == 304


def test_the_tag_of_another_session_address_or_part_and_one_that_was_changed_say_nothing(cast: Cast) -> None:
    client, other = cast.analyst.browser(), cast.administrator.browser()
    tag = in_step(client)
    assert poll(other, tag).status_code == 200
    assert poll(client, tag, path="/en/?q=x").status_code == 200
    assert poll(client, tag, path="/ar/").status_code == 200
    for changed in (
        tag.replace(tag[1], "9" if tag[1] != "9" else "8", 1),
        '"."',
        '"x.y.z.w"',
        "",
        "*",
        tag[:-2],
    ):
        assert poll(client, changed).status_code == 200
    assert poll(client, tag).status_code == 304


def test_who_has_signed_out_gets_no_page_of_the_sign_in_for_a_part(cast: Cast) -> None:
    client = cast.analyst.browser()
    tag = in_step(client)
    client.logout()
    told = poll(client, tag)
    assert (told.status_code, told.content) == (401, b"")


def test_a_part_that_a_page_does_not_have_is_nothing(cast: Cast) -> None:
    told = poll(cast.analyst.browser(), part="elsewhere")
    assert (told.status_code, told.content) == (204, b"")


@pytest.mark.parametrize(
    "said",
    [
        *({"name": name} for name in ("", "A", "a b", "1", "a-->", "ä")),
        *({"name": "a", "watches": [watched]} for watched in ("audit|", "work:-->", "work:", "Audit")),
        {"name": "a", "at": "/en/-->"},
    ],
)
def test_a_part_is_named_so_that_it_cannot_end_its_own_mark(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="live part"):
        begin(**said)


def test_the_number_of_notices_is_made_anew_by_notices_alone_at_an_address_of_its_own(cast: Cast) -> None:
    client, notices = cast.administrator.browser(), reverse("notices")
    tag = tag_of(client.get(reverse("profile")).content, "notices")
    record(SystemActor("sync"), "releases.received", "urn:x")
    with CaptureQueriesContext(connection) as asked:
        assert poll(client, tag, notices, "notices").status_code == 304
    assert len(asked) == 1
    open_notice()
    told = poll(client, tag, notices, "notices")
    assert 'class="cover-count">1<' in told.content.decode()
    assert poll(client, told["ETag"], notices, "notices").status_code == 304
    # the tag is of the address that is asked, not of the page it stood on
    assert poll(client, tag, reverse("profile"), "notices").status_code == 200


def test_how_far_a_job_is_and_a_contact_with_a_partner_are_new_to_their_pages_alone(cast: Cast) -> None:
    client = cast.analyst.browser()
    south, west = partner("Southern CERT"), partner("Western CERT", nation="XW")
    held = begin_import(
        cast.analyst.actor,
        json.dumps(indicator()).encode(),
        name="a.json",
        default_tlp=Tlp.GREEN,
        leave_out_refused=False,
    )
    job = Job.objects.get(subject_id=str(held.id))
    Import.objects.filter(id=held.id).update(state=Import.State.WAITING)
    pages = {
        "home": HOME,
        "import": reverse("import", args=[held.id]),
        "partner": reverse("partner", args=[south.row.id]),
    }
    tags = {part: poll(client, part=part, path=path)["ETag"] for part, path in pages.items()}

    def new() -> set[str]:
        found = {part: poll(client, tags[part], path, part) for part, path in pages.items()}
        tags.update({part: told["ETag"] for part, told in found.items()})
        return {part for part, told in found.items() if told.status_code == 200}

    # what a page said of a job it asks for with the first poll
    new()
    assert new() == set()
    Job.objects.filter(id=job.id).update(state=Job.State.RUNNING, done=40, total=100)
    assert new() == {"import"}
    Partner.objects.filter(id=west.row.id).update(last_contact=now())
    assert new() == set()
    Partner.objects.filter(id=south.row.id).update(last_contact=now())
    assert new() == {"partner"}
    Import.objects.filter(id=held.id).update(state=Import.State.REFUSED)
    record(SystemActor("work"), "intel.import-refused", f"urn:uuid:{held.id}")
    assert "import" in new()
    # nothing more comes of it, and nothing asks any more
    assert b'data-seconds="0"' in client.get(pages["import"]).content


def test_a_poll_that_finds_nothing_new_is_answered_in_a_few_hundred_calls(cast: Cast) -> None:
    client = cast.analyst.browser()
    tag = in_step(client)
    # a third of them are the client's own
    assert calls_of(lambda: poll(client, tag)) < 800
    assert poll(client, tag).status_code == 304


def ask(page: Page, part: str) -> None:
    """Let a part ask at once, as it does when somebody comes back to the page."""
    page.evaluate("part => htmx.trigger(`#part-${part}`, 'taawun:look')", part)


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_open_shows_what_came_without_moving_what_one_reads(visit: Visit, cast: Cast) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    received(south, held, 1)
    page = visit(HOME, cast.analyst)
    page.get_by_role("link", name="Their report 1").focus()
    arrive(south, held, 2)
    with page.expect_response(lambda told: told.status == 200):
        ask(page, "home")
    page.wait_for_timeout(100)
    # what has the focus is not pulled from under who uses it
    assert page.get_by_role("link", name="Their report 2").count() == 0
    page.evaluate("document.activeElement.blur()")
    ask(page, "home")
    page.get_by_role("link", name="Their report 2").wait_for()
    assert page.locator("[data-line].changed .title").all_inner_texts() == ["Their report 2"]

    # a number comes over the bell and into the navigation, and nothing beside it moves
    page.evaluate(
        "window.moved = 0; new PerformanceObserver(found => found.getEntries().forEach(each => moved += each.value))"
        ".observe({type: 'layout-shift'})"
    )
    open_notice()
    ask(page, "notices")
    page.locator(".cover-count").wait_for()
    assert page.locator(".cover-count").inner_text() == "1"
    assert page.locator('.entries a[data-entry="notices"] .count').inner_text() == "1"
    page.wait_for_timeout(200)
    assert page.evaluate("moved") == 0

    # behind another tab nothing asks, and who finds nothing new asks later and later
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.headers.get("x-taawun-part", "")))
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    ask(page, "notices")
    page.wait_for_timeout(100)
    assert asked == []
    page.evaluate("delete document.hidden")
    with page.expect_response(lambda told: told.status == 304):
        ask(page, "notices")
    page.wait_for_timeout(100)
    ask(page, "notices")
    page.wait_for_timeout(100)
    assert asked == ["notices"]
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    assert sorted(asked) == ["home", "notices", "notices"]
