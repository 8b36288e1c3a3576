"""A lane in a file: what a reader may have goes into it, and what comes out is held to what comes by wire."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard
from django.conf import settings

from taawun.cooperation.agreements.actions import suspend
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.actions import Draft, publish
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange import disk
from taawun.cooperation.partners.exchange.partials import Partial
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, lane_files
from taawun.cooperation.partners.logs.lane_files import (
    Brought,
    FileRefused,
    Written,
    export_lane,
    import_lane,
)
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation import age
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.lanes import TheirLane

LARGE = canonical({"long": "x" * (2 * 1024 * 1024)})


@pytest.fixture(autouse=True)
def nothing_lies_here() -> Iterator[None]:
    yield
    shutil.rmtree(settings.HOME / "partial", ignore_errors=True)


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    made = partner()
    Partner.objects.update(is_reachable=False)
    made.row.refresh_from_db()
    return made


@pytest.fixture
def agreement(south: PartnerNode) -> Agreement:
    return agreement_in_force(south)


@dataclass
class TheirFile:
    """A file as a partner writes it: also one that it ought not to write."""

    lane: TheirLane
    reader: str = ""

    def lines(self, after: int = -1) -> list[bytes]:
        """Its lines, each with its end."""
        lane, row = self.lane, self.lane.row
        offer = {
            "lane": str(row.wire_id),
            "purpose": row.purpose,
            "agreement": str(row.agreement) if row.agreement else None,
            "clause": row.clause,
            "head": lane.head(),
        }
        first = {
            "format": "taawun-lane/1",
            "for": self.reader or settings.BASE_URL,
            "written": timestamp(now()),
            "descriptor": lane.sender.descriptor(),
            "lane": offer,
        }
        found = [canonical(first) + b"\n"]
        for entry in lane.entries[after + 1 :]:
            content = entry.content
            is_large = content is not None and len(content) > chain.INLINE_BYTES
            found.append(chain.write_line(entry.token, None if is_large else content))
            if content is not None and is_large:
                said = canonical({"blob": sha256(content), "size": len(content)})
                found.append(said + b"\n" + content + b"\n")
        found.append(chain.write_head_line(lane.head()))
        return [*found, canonical({"end": len(lane.entries) - after - 1}) + b"\n"]


def _packed(place: Path, lines: list[bytes]) -> Path:
    """A file for this node, of whatever lines."""
    with place.open("wb") as file:
        sealed = age.Encrypted(file, age.ToKey(node_key().public.public_key))
        sealed.write(zstandard.ZstdCompressor().compress(b"".join(lines)))
        sealed.close()
    return place


def _opened(place: Path, reader: PartnerNode) -> bytes:
    """What its reader finds in a file."""
    with place.open("rb") as file:
        packed = b"".join(age.decrypt(file, age.WithKeys([reader.key.private_key])))
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


def _clause_lane(south: PartnerNode, agreement: Agreement) -> TheirLane:
    row = Lane(purpose="clause", sender=south.row, agreement=agreement.id, clause="1")
    lane = TheirLane(south, row, agreement=agreement.versions.get().digest, clause="1")
    lane.open()
    return lane


def _publish(cast: Cast, number: int, content: bytes) -> None:
    publish(
        cast.analyst.actor, Draft("tests.note", f"urn:test:{number}", "1", "A note", Tlp.GREEN, content), None
    )


def _nothing_of(south: PartnerNode) -> bool:
    return not Lane.objects.filter(sender=south.row).exists()


# ---- writing --------------------------------------------------------------------------------------------------------


def test_a_lane_is_written_with_its_contents_and_read_as_it_is_served(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    _publish(cast, 1, b'{"note":1}')
    _publish(cast, 2, LARGE)
    lane = Lane.objects.get(sender=None, purpose="clause")
    done = export_lane(cast.administrator.actor, lane, south.row, tmp_path / "lane")
    assert done == Written(3, 3, 2)
    text = _opened(tmp_path / "lane", south)
    served = south.request("GET", f"/federation/lanes/{lane.id}").content.splitlines()[:-1]
    assert [line for line in text.splitlines() if line.startswith(b'{"header"')] == served
    assert LARGE in text
    assert text.splitlines()[-1] == b'{"end":3}'
    assert [each.name for each in tmp_path.iterdir()] == ["lane"]


def test_nobody_but_its_reader_opens_a_file(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    _publish(cast, 1, b'{"note":"what south alone may read"}')
    lane = Lane.objects.get(sender=None, purpose="clause")
    export_lane(cast.administrator.actor, lane, south.row, tmp_path / "lane")
    assert b"what south alone may read" in _opened(tmp_path / "lane", south)
    with pytest.raises(age.WrongKey):
        _opened(tmp_path / "lane", partner("East", nation="XE"))
    with pytest.raises(FileRefused) as refused:
        import_lane(cast.administrator.actor, tmp_path / "lane")
    assert refused.value.code == "other-key"


def test_a_file_that_is_not_encrypted_is_not_taken(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    lane, place = _clause_lane(south, agreement), tmp_path / "lane"
    place.write_bytes(zstandard.ZstdCompressor().compress(b"".join(TheirFile(lane).lines())))
    with pytest.raises(FileRefused) as refused:
        import_lane(cast.administrator.actor, place)
    assert (refused.value.code, _nothing_of(south)) == ("damaged", True)


def test_what_the_reader_may_not_have_now_goes_without_its_content(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    _publish(cast, 1, b'{"note":1}')
    _publish(cast, 2, LARGE)
    suspend(cast.officer.actor, agreement, "")
    lane = Lane.objects.get(sender=None, purpose="clause")
    assert export_lane(cast.administrator.actor, lane, south.row, tmp_path / "lane") == Written(3, 1, 2)


def test_a_lane_is_written_for_its_readers_alone_and_by_who_may(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    _publish(cast, 1, b'{"note":1}')
    lane = Lane.objects.get(sender=None, purpose="clause")
    with pytest.raises(FileRefused) as refused:
        export_lane(cast.administrator.actor, lane, partner("East", nation="XE").row, tmp_path / "lane")
    assert refused.value.code == "no-such-lane"
    with pytest.raises(NotAllowed):
        export_lane(cast.analyst.actor, lane, south.row, tmp_path / "lane")
    with pytest.raises(NotAllowed):
        import_lane(cast.analyst.actor, tmp_path / "lane")
    assert list(tmp_path.iterdir()) == []


# ---- reading --------------------------------------------------------------------------------------------------------


def test_what_a_file_brings_is_taken_in_once_and_signed_for(
    cast: Cast, south: PartnerNode, agreement: Agreement, notes: Notes, tmp_path: Path
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", subject="urn:test:small", version="1", content=b'{"note":1}')
    lane.write(kind="tests.note", subject="urn:test:large", version="1", content=LARGE)
    place = _packed(tmp_path / "lane", TheirFile(lane).lines())
    done = import_lane(cast.administrator.actor, place)
    assert done == Brought(lane.row.wire_id, south.node, 3, 3, 0, "")
    assert notes.received == [
        ("urn:test:small", "1", b'{"note":1}'),
        ("urn:test:large", "1", LARGE),
    ]
    assert LaneEntry.objects.filter(lane__sender=None, kind="receipt").count() == 1
    # again it brings nothing, and one that begins later goes on
    assert import_lane(cast.administrator.actor, place).new == 0
    lane.write(kind="tests.note", subject="urn:test:later", version="1", content=b'{"note":2}')
    done = import_lane(cast.administrator.actor, _packed(place, TheirFile(lane).lines(after=1)))
    assert (done.entries, done.new, len(notes.received)) == (2, 1, 3)


def test_a_partner_that_was_never_reached_is_met_by_its_file(
    cast: Cast, notes: Notes, tmp_path: Path
) -> None:
    south = partner(state=Partner.State.CLAIMED)
    Partner.objects.update(kid="", jwk={}, descriptor="", descriptor_issued=None, is_reachable=False)
    lane = TheirLane(south, Lane(purpose="talk", sender=south.row))
    lane.open()
    lane.say("tests.word", {"word": 1})
    lines = TheirFile(lane).lines()
    with pytest.raises(FileRefused):
        import_lane(cast.administrator.actor, _packed(tmp_path / "lane", lines[:-1]))
    south.row.refresh_from_db()
    assert (south.row.state, south.row.kid) == ("claimed", "")
    done = import_lane(cast.administrator.actor, _packed(tmp_path / "lane", lines))
    south.row.refresh_from_db()
    assert (done.new, south.row.state, south.row.kid, notes.heard) == (2, "met", south.key.kid, [1])


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_a_file_that_is_cut_off_after_any_line_changes_nothing(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path, place: int
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", content=b'{"note":1}')
    lines = TheirFile(lane).lines()
    with pytest.raises(FileRefused, match=rf"Line {place + 1}: the file ends here") as refused:
        import_lane(cast.administrator.actor, _packed(tmp_path / "lane", lines[:place]))
    assert refused.value.code == "truncated"
    assert _nothing_of(south)


def test_a_file_that_is_cut_off_anywhere_or_is_none_changes_nothing(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", content=LARGE)
    whole = _packed(tmp_path / "whole", TheirFile(lane).lines()).read_bytes()
    for bad in (b"", b"no zstd", whole[: len(whole) // 2], whole[:-9], b"\0" + whole):
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(FileRefused):
            import_lane(cast.administrator.actor, tmp_path / "bad")
    assert _nothing_of(south)
    with pytest.raises(FileNotFoundError):
        import_lane(cast.administrator.actor, tmp_path / "none")


def test_a_file_that_was_altered_names_the_line_and_changes_nothing(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", content=b'{"note":1}')
    lane.write(kind="tests.note", content=LARGE)
    first, opening, note, large, beside, head, end = TheirFile(lane).lines()
    other = TheirLane(south, Lane(purpose="talk", sender=south.row))
    other.open()
    cases: list[tuple[list[bytes], str]] = [
        ([first, opening, note.replace(b"note", b"tone"), large, beside, head, end], "Line 3:.*content"),
        ([first, opening, note[:60] + b"AAAA" + note[64:], large, beside, head, end], "Line 3:"),
        ([first, opening, large, beside, head, end], "Line 3:.*expected"),
        ([first, note, opening, large, beside, head, end], "Line 2:"),
        ([first, opening, note, beside, large, head, end], "Line 4:.*entry before"),
        ([first, opening, note, large, beside.replace(b"xxx", b"yyy", 1), head, end], "Line 5:.*signed for"),
        ([first, opening, note, large, beside, beside, head, end], "Line 6:.*entry before"),
        ([first, opening, note, large, beside, chain.write_head_line(lane.head(0)), end], "Line 6:.*head"),
        ([first, opening, note, large, beside, chain.write_head_line(other.head()), end], "Line 6:.*head"),
        ([first, opening, note, large, beside, head, b'{"end":2}\n'], "Line 7:.*end"),
        ([first, opening, note, large, beside, head, end, b"x\n"], "Line 8:.*follows"),
        ([first, opening, note, large, beside, head, note, end], "Line 7:.*follows the head"),
        ([first, opening, note, large, beside, end], "Line 6:.*end"),
        ([first, b"x" * 400_000 + b"\n"], "Line 2:.*too long"),
        ([b"{}\n", opening, head, end], "Line 1:"),
    ]
    for lines, sentence in cases:
        with pytest.raises(FileRefused, match=sentence):
            import_lane(cast.administrator.actor, _packed(tmp_path / "lane", lines))
    assert _nothing_of(south)


def test_a_file_of_or_for_somebody_else_changes_nothing(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    lane = _clause_lane(south, agreement)
    codes: dict[str, Any] = {}

    def refused(name: str, lines: list[bytes]) -> None:
        with pytest.raises(FileRefused) as caught:
            import_lane(cast.administrator.actor, _packed(tmp_path / "lane", lines))
        codes[name] = caught.value.code

    refused("for others", TheirFile(lane, "https://elsewhere.example").lines())
    first, *rest = TheirFile(lane).lines()
    refused("another form", [first.replace(b"taawun-lane/1", b"taawun-lane/9"), *rest])
    east = partner("East", nation="XE")
    forged = TheirFile(lane).lines()
    forged[0] = forged[0].replace(south.descriptor().encode(), east.descriptor().encode())
    signed_by_east = _clause_lane(PartnerNode(south.row, east.key), agreement)
    refused("signed by another", TheirFile(signed_by_east).lines())
    later = _clause_lane(south, agreement)
    later.write()
    refused("begins later", TheirFile(later).lines(after=0))
    Partner.objects.filter(id=south.row.id).update(state=Partner.State.BLOCKED)
    refused("blocked", TheirFile(lane).lines())
    Partner.objects.filter(id=south.row.id).update(state=Partner.State.MET)
    refused("not compared", TheirFile(lane).lines())
    Partner.objects.filter(id=south.row.id).update(node="https://moved.example")
    refused("unknown", TheirFile(lane).lines())
    assert codes == {
        "for others": "not-to-us",
        "another form": "other-format",
        "signed by another": "altered",
        "begins later": "gap",
        "blocked": "partner-blocked",
        "not compared": "not-taken",
        "unknown": "unknown-sender",
    }
    assert _nothing_of(south)


def test_what_could_not_be_opened_comes_with_the_file_that_is_taken_again(
    cast: Cast, south: PartnerNode, notes: Notes, tmp_path: Path
) -> None:
    other = agreement_in_force(south, valid_from=now() + timedelta(minutes=5))
    lane = _clause_lane(south, other)
    lane.write(kind="tests.note", subject="urn:test:1", version="1", content=canonical({"n": "x" * 9000}))
    place = _packed(tmp_path / "lane", TheirFile(lane).lines())
    done = import_lane(cast.administrator.actor, place)
    assert (done.new, done.waiting, notes.received) == (2, 1, [])
    with frozen(now() + timedelta(minutes=10)):
        done = import_lane(cast.administrator.actor, place)
    assert (done.new, done.waiting) == (0, 0)
    assert [subject for subject, _version, _content in notes.received] == ["urn:test:1"]


def test_a_file_that_tells_another_history_stops_the_lane_as_a_line_would(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", content=b'{"note":1}')
    import_lane(cast.administrator.actor, _packed(tmp_path / "lane", TheirFile(lane).lines()))
    lane.entries[1] = lane.forged(lane.entries[1], subject="urn:test:other")
    done = import_lane(cast.administrator.actor, _packed(tmp_path / "lane", TheirFile(lane).lines()))
    assert (done.new, done.stopped) == (0, "fork")


def test_of_a_stopped_lane_a_file_brings_no_more_than_a_line(
    cast: Cast, south: PartnerNode, agreement: Agreement, notes: Notes, tmp_path: Path
) -> None:
    lane = _clause_lane(south, agreement)
    import_lane(cast.administrator.actor, _packed(tmp_path / "lane", TheirFile(lane).lines()))
    row = Lane.objects.get(sender=south.row)
    stop_lane(row, south.row, ChainBroken("fork", 1, "it signed two histories"))
    lane.write(kind="tests.note", subject="urn:test:1", version="1", content=b'{"note":1}')
    done = import_lane(cast.administrator.actor, _packed(tmp_path / "lane", TheirFile(lane).lines()))
    assert (done.new, done.stopped, notes.received) == (0, "fork", [])
    assert LaneEntry.objects.filter(lane=row).count() == 1


def test_a_file_keeps_no_content_that_is_larger_than_a_node_takes(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    append = Partial.append

    def noted(partial: Partial, piece: bytes) -> None:
        append(partial, piece)
        kept.append(partial.held)

    monkeypatch.setattr(Partial, "append", noted)
    monkeypatch.setattr(settings, "MAX_UPLOAD_BYTES", len(LARGE) - 1)
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", subject="urn:test:1", version="1", content=LARGE)
    done = import_lane(cast.administrator.actor, _packed(tmp_path / "lane", TheirFile(lane).lines()))
    assert (done.new, kept, list((settings.HOME / "partial").rglob("*"))) == (2, [], [])
    assert LaneEntry.objects.get(lane__sender=south.row, seq=1).reason == "too-large"


def test_a_file_for_which_there_is_no_room_or_that_unpacks_without_end_changes_nothing(
    cast: Cast, south: PartnerNode, agreement: Agreement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", subject="urn:test:1", version="1", content=LARGE)
    place = _packed(tmp_path / "lane", TheirFile(lane).lines())
    free = shutil.disk_usage(settings.HOME).free
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: SimpleNamespace(free=free))
    monkeypatch.setattr(settings, "FREE_DISK_BYTES", free - len(LARGE))
    assert disk.has_room()
    with pytest.raises(FileRefused) as refused:
        import_lane(cast.administrator.actor, place)
    assert (refused.value.code, _nothing_of(south)) == ("no-room", True)
    monkeypatch.setattr(settings, "FREE_DISK_BYTES", 0)
    monkeypatch.setattr(lane_files, "_ALWAYS_UNPACKED", 0)
    assert place.stat().st_size * 200 < len(LARGE)
    with pytest.raises(FileRefused) as refused:
        import_lane(cast.administrator.actor, place)
    assert (refused.value.code, _nothing_of(south)) == ("too-large", True)


def test_a_node_that_is_returning_takes_a_file_in_and_signs_for_it_later(
    cast: Cast,
    south: PartnerNode,
    agreement: Agreement,
    notes: Notes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", subject="urn:test:1", version="1", content=b'{"note":1}')
    monkeypatch.setattr(returning, "is_returning", lambda: True)
    done = import_lane(cast.administrator.actor, _packed(tmp_path / "lane", TheirFile(lane).lines()))
    assert (done.new, len(notes.received)) == (2, 1)
    assert not LaneEntry.objects.filter(lane__sender=None, kind="receipt").exists()


def test_the_form_is_the_one_that_is_written_down() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert f"`{lane_files.FORMAT}`" in page
