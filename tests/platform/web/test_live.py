"""Parts of a page that keep themselves current: what a poll is told, by whom, and at what cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import frozen, now
from taawun.platform.audit.actions import record, seal
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.web.live import LIFE, begin
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


def tag_of(page: bytes) -> str:
    found = re.search(rb"data-etag='([^']+)'", page)
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


@pytest.mark.parametrize("name", ["", "A", "a b", "1", "a-->", "ä"])
def test_a_part_is_named_so_that_it_cannot_end_its_own_mark(name: str) -> None:
    with pytest.raises(ValueError, match="live part"):
        begin(name)


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_open_shows_what_came_without_moving_what_one_reads(visit: Visit, cast: Cast) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    received(south, held, 1)
    page = visit(HOME, cast.analyst)
    page.get_by_role("link", name="Their report 1").focus()
    arrive(south, held, 2)
    ask = "void htmx.ajax('GET', location.href, {source: document.querySelector('[data-part]'), swap: 'outerHTML'})"
    with page.expect_response(lambda told: told.status == 200):
        page.evaluate(ask)
    page.wait_for_timeout(100)
    # what has the focus is not pulled from under who uses it
    assert page.get_by_role("link", name="Their report 2").count() == 0
    page.evaluate("document.activeElement.blur()")
    page.evaluate(ask)
    page.get_by_role("link", name="Their report 2").wait_for()
    assert page.locator("[data-line].changed .title").all_inner_texts() == ["Their report 2"]
