"""On a slow line the node takes what it was given, at its hours, and what is urgent goes first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing import get_context

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from taawun.cooperation.federation.actions import Draft, publish
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.partners.exchange import bandwidth, sync, wire
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import pages
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader
from taawun.foundation.clock import frozen
from taawun.foundation.digests import sha256
from taawun.foundation.outbound.decoding import decoded
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.node import values
from taawun.platform.registry import registry
from tests.cast import SYSTEM, Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes

LARGE = canonical({"long": "x" * (2 * 1024 * 1024)})


@pytest.fixture(autouse=True)
def a_free_line() -> Iterator[None]:
    def free() -> None:
        for name in ("bandwidth", "bandwidth-anybody"):
            (django_settings.HOME / "turns" / name).unlink(missing_ok=True)

    free()
    yield
    free()


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    made = partner()
    agreement_in_force(made, clauses=(clause("1"), clause("2", kinds=("tests.*",))))
    return made


def _publish(cast: Cast, number: int, content: bytes, kind: str = "tests.note") -> None:
    publish(cast.analyst.actor, Draft(kind, f"urn:test:{number}", "1", "A note", Tlp.GREEN, content), None)


# ---- the hours ------------------------------------------------------------------------------------------------------


def test_the_limit_is_that_of_the_hour_in_the_zone_of_the_node(settings: Settings) -> None:
    settings.BANDWIDTH = values.bandwidth("08:00-17:00=256k,22:00-06:00=2M,12:00-13:00=64k")
    settings.DISPLAY_TIME_ZONE = "Asia/Amman"  # three hours ahead of UTC
    found = {}
    for hour, minute in ((4, 59), (5, 0), (9, 30), (13, 59), (14, 0), (19, 0), (2, 59), (3, 0)):
        with frozen(datetime(2026, 1, 5, hour, minute, tzinfo=UTC)):
            found[hour, minute] = bandwidth.rate()
    assert found == {
        (4, 59): None,
        (5, 0): 32_000,
        (9, 30): 8_000,  # where two hold, the smaller
        (13, 59): 32_000,
        (14, 0): None,
        (19, 0): 250_000,
        (2, 59): 250_000,
        (3, 0): None,
    }


def test_without_a_limit_nothing_is_booked(settings: Settings) -> None:
    settings.BANDWIDTH = ()
    assert (bandwidth.take(10**12), bandwidth.busy(), bandwidth.portion()) == (0.0, 0.0, None)
    assert not (django_settings.HOME / "turns" / "bandwidth").exists()


def _book(home: str, count: int) -> None:
    django_settings.HOME = type(django_settings.HOME)(home)
    django_settings.BANDWIDTH = values.bandwidth("8M")
    bandwidth.take(count)


def test_all_processes_keep_one_account(settings: Settings) -> None:
    settings.BANDWIDTH = values.bandwidth("8M")
    others = [
        get_context("fork").Process(target=_book, args=(str(django_settings.HOME), 20_000_000))
        for _ in range(2)
    ]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert 35 < bandwidth.busy() <= 40


def test_however_much_was_booked_the_line_is_free_again_in_ten_minutes(settings: Settings) -> None:
    settings.BANDWIDTH = values.bandwidth("16k")
    bandwidth.take(10**12)
    assert bandwidth.busy() == pytest.approx(600, abs=1)


def test_who_can_wait_waits_its_turn(settings: Settings) -> None:
    settings.BANDWIDTH = values.bandwidth("8M")
    begun = time.monotonic()
    for _ in range(4):
        bandwidth.wait(100_000)
    assert 0.29 < time.monotonic() - begun < 5


# ---- what is served -------------------------------------------------------------------------------------------------


def test_pages_are_served_as_small_as_the_reader_reads_them(cast: Cast, south: PartnerNode) -> None:
    for number in range(40):
        _publish(cast, number, canonical({"note": "An invented sentence about nothing. " * 40, "n": number}))
    lane = Lane.objects.get(sender=None, purpose="clause")
    path = f"/federation/lanes/{lane.id}"
    plain = south.request("GET", path)
    assert "Content-Encoding" not in plain.headers
    for coding in ("zstd", "gzip"):
        packed = south.request("GET", path, Accept_Encoding=coding)
        assert packed.headers["Content-Encoding"] == coding
        assert "Accept-Encoding" in packed.headers["Vary"]
        read = b"".join(decoded([packed.content], coding, 10**7))
        assert read.splitlines()[:-1] == plain.content.splitlines()[:-1]
        assert len(packed.content) < len(read) / 2


def test_on_a_slow_line_pages_are_small_and_who_asks_on_is_told_when(
    cast: Cast, south: PartnerNode, settings: Settings
) -> None:
    for number in range(20):
        _publish(cast, number, canonical({"note": sha256(bytes([number])) * 100, "n": number}))
    settings.BANDWIDTH = values.bandwidth("16k")  # 2,000 bytes a second
    lane = Lane.objects.get(sender=None, purpose="clause")
    answer = south.request("GET", f"/federation/lanes/{lane.id}")
    assert len(answer.content) < 80_000
    assert len(answer.content.splitlines()) < 15
    refused = south.request("GET", f"/federation/lanes/{lane.id}?after=3")
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:taawun:problem:line-busy")
    assert 20 < int(refused.headers["Retry-After"]) < 45


def test_on_a_slow_line_a_content_is_served_part_by_part(
    cast: Cast, south: PartnerNode, settings: Settings
) -> None:
    _publish(cast, 1, LARGE)
    settings.BANDWIDTH = values.bandwidth("640k")  # 80,000 bytes a second
    path = f"/federation/blobs/{sha256(LARGE)}"
    answer = south.request("GET", path, Range="bytes=0-")
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes 0-799999/{len(LARGE)}"
    assert answer.content == LARGE[:800_000]
    assert south.request("GET", path, Range="bytes=800000-").status_code == 429
    bandwidth_file = django_settings.HOME / "turns" / "bandwidth"
    bandwidth_file.unlink()
    rest = south.request("GET", path, Range=f"bytes={len(LARGE) - 5}-")
    assert (rest.getvalue(), rest.headers["Content-Length"]) == (LARGE[-5:], "5")
    rest.close()


def test_a_reader_without_a_name_keeps_no_partner_waiting(
    cast: Cast, south: PartnerNode, settings: Settings
) -> None:
    small, stranger = b'{"note":"for everybody"}', Client()
    for number, content in enumerate((LARGE, small)):
        draft = Draft("tests.note", f"urn:test:{number}", "1", "A note", Tlp.CLEAR, content)
        publish(SYSTEM, draft, in_public=True)
    settings.BANDWIDTH = values.bandwidth("640k")  # 80,000 bytes a second: LARGE takes 26 s
    large = f"/federation/public/{sha256(LARGE)}"
    # the head of it, as often as anybody likes, is nothing on the line
    for path in (large, f"/federation/public/{sha256(small)}", "/federation/public"):
        assert stranger.head(path).status_code == 200
    assert stranger.head(large)["Content-Length"] == str(len(LARGE))
    assert (bandwidth.busy(), bandwidth.busy(is_anybody=True)) == (0.0, 0.0)
    # nor is what would take the line for longer than one turn
    whole = stranger.get(large)
    assert (whole.status_code, whole.json()["type"]) == (429, "urn:taawun:problem:use-range")
    assert (bandwidth.busy(), bandwidth.busy(is_anybody=True)) == (0.0, 0.0)
    # a part of it is booked where those without a name have theirs, a quarter of the line
    part = stranger.get(large, headers={"Range": "bytes=0-"})
    assert (part.status_code, part.getvalue()) == (206, LARGE[:200_000])
    assert bandwidth.busy() == 0.0
    assert bandwidth.busy(is_anybody=True) == pytest.approx(10, abs=2)
    again = stranger.get("/federation/public")
    assert (again.status_code, again.json()["type"]) == (429, "urn:taawun:problem:line-busy")
    assert south.request("GET", f"/federation/blobs/{sha256(LARGE)}", Range="bytes=0-").status_code == 206
    # and partners go first
    (django_settings.HOME / "turns" / "bandwidth-anybody").unlink()
    assert bandwidth.busy(is_anybody=True) == pytest.approx(10, abs=2)
    assert stranger.get(large).status_code == 429


# ---- what is urgent -------------------------------------------------------------------------------------------------


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch, notes: Notes) -> None:
    """A kind of release that is urgent."""
    kind = ReleaseKind(
        "tests.warning",
        "Warning",
        "publish:intel",
        notes.receive,
        notes.withdraw,
        lambda _r: "",
        is_urgent=True,
    )
    monkeypatch.setitem(registry._parts[ReleaseKind], kind.name, kind)


def _listed(reader: PartnerNode) -> dict[str, bool]:
    offers = reader.request("GET", "/federation/lanes").json()["lanes"]
    return {each["clause"]: each.get("urgent", False) for each in offers if each["purpose"] == "clause"}


@pytest.mark.usefixtures("warnings")
def test_a_lane_with_a_warning_on_it_is_marked_until_it_was_signed_for(cast: Cast) -> None:
    reader = partner()
    agreement_in_force(
        reader, clauses=(clause("1", kinds=("tests.note",)), clause("2", kinds=("tests.warning",)))
    )
    _publish(cast, 1, b"{}")
    _publish(cast, 2, b"{}", "tests.warning")
    assert _listed(reader) == {"1": False, "2": True}
    LaneReader.objects.filter(lane__clause="2").update(receipt_seq=1)
    assert _listed(reader) == {"1": False, "2": False}
    # what is taken back is urgent, whatever it was
    LaneEntry.objects.filter(lane__clause="1", kind="tests.note").update(action="withdraw")
    assert _listed(reader) == {"1": True, "2": False}


def test_lanes_are_read_in_the_order_of_their_urgency() -> None:
    def offered(purpose: str, clause: str, *, urgent: bool) -> dict[str, object]:
        return {
            "lane": "01920f4e-0000-7000-8000-000000000001",
            "purpose": purpose,
            "clause": clause,
            "head": "x",
            "urgent": urgent,
        }

    offers = [
        wire.lane_offer(each)
        for each in (
            offered("clause", "1", urgent=False),
            offered("clause", "2", urgent=True),
            offered("talk", "", urgent=False),
            offered("clause", "3", urgent=False),
        )
    ]
    assert [each.clause for each in sync._in_order(offers)] == ["", "2", "1", "3"]


def test_a_kind_may_say_that_it_is_urgent(warnings: None) -> None:
    urgent = {kind for purpose in registry.all(LanePurpose) for kind in purpose.urgent_kinds()}
    assert "tests.warning" in urgent
    assert "tests.note" not in urgent


def test_an_offer_is_not_longer_for_a_lane_that_is_not_urgent(cast: Cast, south: PartnerNode) -> None:
    _publish(cast, 1, b"{}")
    lane = Lane.objects.get(sender=None, purpose="clause")
    assert set(pages.offer(lane, node_key())) == {"lane", "purpose", "agreement", "clause", "head"}
    assert pages.offer(lane, node_key(), is_urgent=True)["urgent"] is True
