"""A node with something of everything, in a file and back: what is restored and taken again is the same."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from django.conf import settings
from django.db import connection

from taawun.node.backup.taking import back_up
from taawun.platform.audit.actions import seal
from taawun.platform.audit.models import Entry
from taawun.platform.files import actions as files
from taawun.platform.files.models import StoredFile
from tests import world
from tests.node.commands.console import in_own_process

# what a restore itself writes
_WRITTEN = {"audit.Entry", "notices.Notice", "partners.Awaited", "partners.Partner"}


def _opened(place: Path) -> dict[str, bytes]:
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(place.read_bytes())).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return {
            info.name: handle.read()
            for info in tar.getmembers()
            if (handle := tar.extractfile(info)) is not None
        }


def _rows(members: dict[str, bytes]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, data in members.items():
        if name.startswith("tables/"):
            found.setdefault(name.split("/")[1], []).extend(
                orjson.loads(line) for line in data.split(b"\n")[1:]
            )
    return found


def _unwritten(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What a restore leaves as it was; a public lane is never continued after one, so it is closed then."""
    kept = {name: rows for name, rows in tables.items() if name not in _WRITTEN}
    return {**kept, "partners.Lane": [row for row in kept["partners.Lane"] if "public" not in row]}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_everything_of_a_node_comes_back(tmp_path: Path) -> None:
    world.build()
    seal()
    stored = files.store([b"x" * 3_000_000], owner="urn:x", limit=10**7)
    lost = files.store([b"lost"], owner="urn:y", limit=100)
    (settings.HOME / "files" / files.place_of(lost.digest)).unlink()
    changed = files.store([b"changed"], owner="urn:z", limit=100)
    (settings.HOME / "files" / files.place_of(changed.digest)).write_bytes(b"another")
    place, home = tmp_path / "backup", tmp_path / "home"

    taken = back_up(place, None)
    assert set(taken.damaged) == {lost.digest, changed.digest}
    assert taken.files == StoredFile.objects.count() - 2
    assert Entry.objects.filter(verb="node.backed-up").count() == 1

    # whichever kind of database it came from, a new machine has its own
    restored = in_own_process(home, "restore", str(place), "--json")
    assert (restored.code, restored.err) == (0, "")
    assert restored.json["rows"] == taken.rows
    assert set(restored.json["damaged"]) == {lost.digest, changed.digest}
    assert (home / "files" / files.place_of(stored.digest)).stat().st_size == 3_000_000
    assert not (home / "files" / files.place_of(changed.digest)).exists()
    proved = in_own_process(home, "audit", "verify", "--json")
    assert (proved.code, proved.json["broken_at"], proved.json["broken_lanes"]) == (0, None, [])

    again = tmp_path / "again"
    assert in_own_process(home, "backup", str(again), "--unencrypted").code == 1  # two files are lost still
    first, second = _opened(place), _opened(again)
    before, after = _rows(first), _rows(second)
    assert _unwritten(after) == _unwritten(before)
    assert len(before) > 30
    assert [row for row in before["audit.Entry"] if row not in after["audit.Entry"]] == []
    assert any("node.restored" in row for row in after["notices.Notice"])
    assert first["home/keys/node.pem"] == second["home/keys/node.pem"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_node_moves_into_the_other_kind_of_database_and_back(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: --database postgres")
    world.build()
    place, home = tmp_path / "backup", tmp_path / "home"
    taken = back_up(place, None)
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS restored_here")
        cursor.execute("CREATE DATABASE restored_here")
    try:
        url = f"postgresql://postgres@/restored_here?host={connection.settings_dict['HOST']}"
        for _time in range(2):
            # the second time into a database that is in use
            restored = in_own_process(
                home, "restore", str(place), "--json", "--replace", TAAWUN_DATABASE_URL=url
            )
            assert (restored.code, restored.err) == (0, "")
        assert restored.json["rows"] == taken.rows
        again = tmp_path / "again"
        made = in_own_process(home, "backup", str(again), "--unencrypted", TAAWUN_DATABASE_URL=url)
        assert (made.code, made.err) == (0, "")
        before, after = _rows(_opened(place)), _rows(_opened(again))
        assert _unwritten(after) == _unwritten(before)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE restored_here WITH (FORCE)")
