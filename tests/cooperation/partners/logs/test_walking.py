"""How a lane is named is signed by nobody: its first entry, which is, says the same or the lane is not read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange.sync import sync_partner
from taawun.cooperation.partners.logs.lane_files import FileRefused, import_lane
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.foundation.strict_json import canonical
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode
from tests.cooperation.conftest import Notes
from tests.cooperation.partners.exchange.test_sync import _offer, server
from tests.cooperation.partners.exchange.test_sync import south as met_south
from tests.cooperation.partners.logs.test_lane_files import (
    TheirFile,
    _clause_lane,
    _packed,
    agreement,
    south,
)
from tests.cooperation.partners.their_node import TheirNode
from tests.lanes import clause_lane, talk_lane

__all__ = ["agreement", "met_south", "server", "south"]


@pytest.mark.parametrize(
    "named", [{"clause": "2"}, {"agreement": uuid4()}, {"purpose": "talk", "clause": "", "agreement": None}]
)
def test_a_lane_that_was_offered_as_another_is_not_begun(
    south: PartnerNode, agreement: Agreement, named: dict[str, Any]
) -> None:
    lane = clause_lane(south, agreement)
    lane.write(kind="tests.note")
    Lane.objects.filter(id=lane.row.id).update(**named)
    with pytest.raises(ChainBroken) as broken:
        lane.take()
    assert (broken.value.code, broken.value.seq) == ("opening", 0)
    assert not LaneEntry.objects.filter(lane=lane.row).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"content": None},
        {"content": b"{}"},
        {"content": b"[]"},
        {"kind": "tests.word"},
        {"to": "https://elsewhere.example"},
        {"content": canonical({"purpose": "talk", "sender": "https://elsewhere.example"})},
        {"content": canonical({"purpose": "clause", "sender": settings.BASE_URL})},
    ],
)
def test_a_first_entry_that_opens_nothing_begins_nothing(south: PartnerNode, changes: dict[str, Any]) -> None:
    lane = talk_lane(south)
    lane.entries.clear()
    lane.open(**{name: value for name, value in changes.items() if name != "kind"})
    if "kind" in changes:
        lane.entries[0] = lane.forged(lane.entries[0], kind=changes["kind"])
    with pytest.raises(ChainBroken) as broken:
        lane.take()
    assert broken.value.code == "opening"


def test_both_are_told_of_a_list_that_contradicts_the_lane(
    server: TheirNode, met_south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = _offer(server, met_south, "clause", agreement=uuid4(), clause="1")
    offered = {**server.offer(lane, "clause"), "clause": "2"}
    monkeypatch.setattr(server, "offer", lambda *_given: offered)
    sync_partner(met_south.row.id)
    row = Lane.objects.get(sender=met_south.row)
    assert (row.state, row.stop_reason, row.head_seq) == ("stopped", "opening", -1)
    assert Notice.objects.get(kind="partners.lane-stopped").params["reason"] == "opening"
    assert LaneEntry.objects.filter(kind="lane.stopped", lane__sender=None).count() == 1


@pytest.mark.parametrize("altered", [{"clause": "2"}, {"agreement": str(uuid4())}, {"agreement": None}])
def test_who_carries_a_disk_changes_nothing_of_what_a_lane_is(
    cast: Cast,
    south: PartnerNode,
    agreement: Agreement,
    notes: Notes,
    tmp_path: Path,
    altered: dict[str, Any],
) -> None:
    lane = _clause_lane(south, agreement)
    lane.write(kind="tests.note", subject="urn:test:1", version="1")
    first, *lines = TheirFile(lane).lines()
    said = json.loads(first)
    said["lane"] |= altered
    with pytest.raises(FileRefused, match="Line 2: its first entry says that it is another lane") as refused:
        import_lane(cast.administrator.actor, _packed(tmp_path / "lane", [canonical(said) + b"\n", *lines]))
    assert refused.value.code == "altered"
    assert not Lane.objects.filter(sender=south.row).exists()
    import_lane(cast.administrator.actor, _packed(tmp_path / "lane", [first, *lines]))
    assert [each[0] for each in notes.received] == ["urn:test:1"]
