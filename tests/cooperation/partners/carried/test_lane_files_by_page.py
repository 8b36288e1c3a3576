"""Lanes on a disk by page and by program: a file to take along, one that was brought, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from taawun.cooperation.partners.carried import carrying
from taawun.cooperation.partners.carried.wording import refusal_words
from taawun.cooperation.partners.logs import lane_files, lanes
from taawun.cooperation.partners.logs.lane_files import FileRefused
from taawun.cooperation.partners.models import Lane, LaneReader, Partner
from taawun.foundation import age
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from taawun.platform.files.models import FileUse
from taawun.platform.work.actions import run
from taawun.platform.work.models import Job
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.partners.logs.test_lane_files import TheirFile, _opened, _packed
from tests.lanes import TheirLane, clause_lane
from tests.pages import read

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


@pytest.fixture
def theirs(south: PartnerNode) -> TheirLane:
    lane = clause_lane(south, agreement_in_force(south))
    for number in range(3):
        lane.write(kind="tests.note", subject=f"urn:test:{number}", version="1", content=b'{"a":1}')
    return lane


def packed(lane: TheirLane, tmp_path: Path, **changes: Any) -> bytes:
    return _packed(tmp_path / "file", TheirFile(lane, **changes).lines()).read_bytes()


def address(south: PartnerNode) -> str:
    return f"/en/partners/{south.row.id}/lane-files/"


def bring(client: Client, south: PartnerNode, content: bytes) -> Any:
    return client.post(address(south), {"file": SimpleUploadedFile("lane.taawun", content)})


# ---- brought ----------------------------------------------------------------------------------------------------
def test_a_file_is_brought_by_page_taken_in_by_the_worker_and_told(
    cast: Cast, south: PartnerNode, theirs: TheirLane, notes: Notes, tmp_path: Path
) -> None:
    client = cast.administrator.browser()
    sent = bring(client, south, packed(theirs, tmp_path))
    assert sent.status_code == 302
    job = Job.objects.get()
    assert "Checking" in read(client.get(sent["Location"])).text
    run(job.id)
    job.refresh_from_db()
    assert (job.state, job.result["entries"], job.result["new"]) == ("done", 4, 4)
    assert len(notes.received) == 3
    shown = read(client.get(sent["Location"])).text
    assert "Taken in." in shown
    assert "Southern CERT" in shown
    # the file itself is not kept, and who brought it stands in the trail
    assert not FileUse.objects.exists()
    [row] = Entry.objects.filter(verb="partners.lane-imported")
    assert row.actor_id == str(cast.administrator.row.id)
    # again it is nothing new
    again = bring(client, south, packed(theirs, tmp_path))
    run(Job.objects.exclude(id=job.id).get().id)
    assert "Nothing new" in read(client.get(again["Location"])).text
    assert len(notes.received) == 3


def test_what_is_no_file_for_this_node_is_refused_at_once_and_not_kept(
    cast: Cast, south: PartnerNode, theirs: TheirLane, tmp_path: Path
) -> None:
    client = cast.administrator.browser()
    for content, words in (
        (b"junk", "The file is not whole."),
        (packed(theirs, tmp_path, reader="https://other.example"), "The file is for another node."),
    ):
        assert words in read(bring(client, south, content), 422).text
    assert "Choose the file" in read(client.post(address(south)), 422).text
    Partner.objects.filter(id=south.row.id).update(state=Partner.State.BLOCKED)
    assert "Its sender is blocked." in read(bring(client, south, packed(theirs, tmp_path)), 422).text
    assert not Job.objects.exists()
    assert not FileUse.objects.exists()


def test_an_altered_file_changes_nothing_and_the_page_says_in_which_line(
    cast: Cast, south: PartnerNode, theirs: TheirLane, notes: Notes, tmp_path: Path
) -> None:
    theirs.entries[2] = theirs.forged(theirs.entries[2], digest="f" * 64)
    client = cast.administrator.browser()
    sent = bring(client, south, packed(theirs, tmp_path))
    job = Job.objects.get()
    run(job.id)
    job.refresh_from_db()
    assert (job.state, job.result["refused"], job.result["line"]) == ("done", "altered", 4)
    shown = read(client.get(sent["Location"])).text
    assert "Nothing was taken in. The file was altered" in shown
    assert "(Line 4 of the file.)" in shown
    assert notes.received == []
    theirs.row.refresh_from_db()
    assert theirs.row.head_seq == -1


def test_who_may_no_longer_manage_partners_takes_nothing_in(
    cast: Cast, south: PartnerNode, theirs: TheirLane, notes: Notes, tmp_path: Path
) -> None:
    job = carrying.begin_import(cast.administrator.actor, [packed(theirs, tmp_path)])
    cast.administrator.row.memberships.all().delete()
    run(job.id)
    job.refresh_from_db()
    assert job.state == "failed"
    assert notes.received == []


def test_while_the_disk_is_almost_full_nothing_is_taken(
    cast: Cast, south: PartnerNode, theirs: TheirLane, tmp_path: Path, settings: Settings
) -> None:
    settings.FREE_DISK_BYTES = 2**60
    shown = read(bring(cast.administrator.browser(), south, packed(theirs, tmp_path)), 422)
    assert "The disk of this node is almost full." in shown.text
    settings.FREE_DISK_BYTES, settings.MAX_UPLOAD_BYTES = 0, 100
    shown = read(bring(cast.administrator.browser(), south, packed(theirs, tmp_path)), 422)
    assert "The file is larger than this node accepts." in shown.text
    assert not FileUse.objects.exists()
    assert list(settings.HOME.glob("lane-*")) == []


# ---- taken along ------------------------------------------------------------------------------------------------
def test_a_lane_is_taken_along_as_the_file_that_the_console_writes(
    cast: Cast, south: PartnerNode, tmp_path: Path
) -> None:
    agreement_in_force(south)
    lane = Lane.objects.create(purpose=Lane.Purpose.TALK)
    LaneReader.objects.create(lane=lane, partner=south.row)
    said = lanes.Item("tests.word", "urn:x", "", "publish", Tlp.AMBER, b"{}")
    lanes.append(lane, [said])
    client = cast.administrator.browser()
    shown = read(client.get(address(south)))
    assert "messages" in shown.text
    assert "so nobody else opens it" in shown.text
    sent = client.post(f"{address(south)}{lane.id}/", {"part": "all"})
    assert (sent.status_code, sent["Content-Type"]) == (200, "application/octet-stream")
    place = tmp_path / "file"
    place.write_bytes(sent.getvalue())
    assert south.node.encode() in _opened(place, south).splitlines()[0]
    # whoever takes it along has nothing in hand, not at the node that wrote it either
    with pytest.raises(FileRefused) as refused, lane_files._opened(place) as file:
        file.readline()
    assert refused.value.code == "other-key"
    assert south.node.encode() not in sent.getvalue()
    [left] = Entry.objects.filter(verb="partners.lane-exported")
    told = {name: left.details[name] for name in ("for", "entries", "contents", "last")}
    assert told == {"for": south.node, "entries": "1", "contents": "1", "last": "0"}
    by_program = cast.administrator.api.post(f"/partners/{south.row.id}/lane-files/{lane.id}", {"after": -1})
    assert (by_program.status_code, by_program.getvalue()[: len(age.INTRO)]) == (200, age.INTRO)
    listed = cast.administrator.api.get(f"/partners/{south.row.id}/lane-files").json()["items"]
    assert [(each["lane"], each["purpose"]) for each in listed] == [(str(lane.id), "talk")]


def test_nobody_takes_along_what_the_partner_may_not_read(cast: Cast, south: PartnerNode) -> None:
    lane = Lane.objects.create(purpose=Lane.Purpose.CLAUSE, head_seq=3, clause="1")
    client = cast.administrator.browser()
    assert (
        "The partner does not read that lane"
        in read(client.post(f"{address(south)}{lane.id}/", {"part": "all"}), 422).text
    )
    refused = cast.administrator.api.post(f"/partners/{south.row.id}/lane-files/{lane.id}", {})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:taawun:problem:no-such-lane")
    assert "There is nothing to take along" in read(client.get(address(south))).text
    assert not Entry.objects.filter(verb="partners.lane-exported").exists()


# ---- by program, and who may ------------------------------------------------------------------------------------
def test_a_program_brings_a_file_and_watches_its_job(
    cast: Cast, south: PartnerNode, theirs: TheirLane, tmp_path: Path
) -> None:
    api = cast.administrator.api
    sent = api.send("POST", "/lane-files", raw=packed(theirs, tmp_path))
    assert sent.status_code == 202
    run(sent.json()["job"])
    found = api.get(f"/jobs/{sent.json()['job']}").json()
    assert (found["state"], found["result"]["new"], found["result"]["sender"]) == ("done", 4, south.node)
    assert cast.analyst.api.get(f"/jobs/{sent.json()['job']}").status_code == 404
    refused = api.send("POST", "/lane-files", raw=b"junk")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:taawun:problem:damaged")


def test_a_large_file_is_never_in_memory_as_a_whole(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def taken(_actor: object, chunks: Iterable[bytes], name: str = "") -> Job:
        del name
        sizes.extend(len(each) for each in chunks)
        return Job(id=uuid4())

    monkeypatch.setattr(carrying, "begin_import", taken)
    large = b"x" * (3 * carrying.PIECE + 1)
    api = cast.administrator.api
    assert api.send("POST", "/lane-files", raw=large).status_code == 202
    assert (sum(sizes), max(sizes)) == (len(large), carrying.PIECE)


def test_each_refusal_has_its_own_words() -> None:
    codes = set()
    source = Path(lane_files.__file__).read_text(encoding="utf-8")
    for piece in source.split("FileRefused(")[1:]:
        found = piece.lstrip().split(",", 1)[0].strip('"\n ')
        if found.replace("-", "").isalpha():
            codes.add(found)
    assert len(codes) > 8
    assert {code for code in codes if refusal_words(code) == refusal_words("nothing")} == {"other-file"}
