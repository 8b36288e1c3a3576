"""The file of a backup: whatever is damaged, cut off, foreign or newer is refused, and the sentence names the mend."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest
import zstandard

from taawun.foundation.digests import sha256
from taawun.node.backup import container
from taawun.node.backup.container import FORMAT, About, BackupRefused, read_from, write_to

ABOUT = About(
    FORMAT, "0.1.0", "2026-11-29T08:00:00Z", "https://north.example", "k" * 43, ("people.0001_initial",), 5
)
FILE = b"hello"


def _nothing(_bytes: int) -> None:
    """Nobody watches."""


def _write(place: Path, passphrase: str | None = None) -> Path:
    with write_to(place, passphrase, _nothing) as writer:
        writer.add("about.json", orjson.dumps(asdict(ABOUT)))
        writer.add("tables/people.Nation/000001", b'["code"]\n["XN"]')
        assert writer.add_file(sha256(FILE), len(FILE), io.BytesIO(FILE))
        writer.end(rows=1, damaged=())
    return place


def _read(place: Path, passphrase: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with read_from(place, lambda: passphrase, _nothing) as reader:
        assert reader.about() == ABOUT
        for member in reader.members:
            found[member.name] = member.bytes()
        assert reader.prove_whole().rows == 1
    return found


def _refused(place: Path, passphrase: str = "") -> tuple[str, str]:
    with pytest.raises(BackupRefused) as refused:
        _read(place, passphrase)
    return refused.value.code, str(refused.value)


@pytest.mark.parametrize("passphrase", [None, "five words that nobody guesses"])
def test_what_was_put_in_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str | None
) -> None:
    place = _write(tmp_path / "backup", passphrase)
    assert _read(place, passphrase or "") == {
        "tables/people.Nation/000001": b'["code"]\n["XN"]',
        f"files/{sha256(FILE)}": FILE,
    }
    assert place.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["backup"]


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    place = tmp_path / "backup"
    place.write_text("of yesterday")
    with pytest.raises(FileExistsError):
        _write(place)
    assert place.read_text() == "of yesterday"


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def break_off() -> None:
        with write_to(tmp_path / "backup", None, _nothing) as writer:
            writer.add("about.json", b"{}")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_whatever_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = _write(tmp_path / "backup").read_bytes()
    cut = tmp_path / "cut"
    for left in range(4, len(whole) - 1, 7):
        cut.write_bytes(whole[:left])
        code, said = _refused(cut)
        assert (code, "copy it again" in said) == ("damaged", True) or code == "no-backup"


def test_another_passphrase_is_told_from_damage(tmp_path: Path) -> None:
    place = _write(tmp_path / "backup", "five words that nobody guesses")
    assert _refused(place, "other words")[0] == "passphrase"
    data = bytearray(place.read_bytes())
    data[-20] ^= 1
    place.write_bytes(data)
    assert _refused(place, "five words that nobody guesses")[0] == "damaged"


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "letter"
    place.write_text("Dear partner, …")
    assert _refused(place) == (
        "no-backup",
        f"{place} is no backup of a node: name a file that `taawun backup` made",
    )


def _archive(
    place: Path, *members: tuple[str, bytes], change: Callable[[tarfile.TarInfo], object] = id
) -> Path:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info)
            tar.addfile(info, io.BytesIO(data))
    place.write_bytes(zstandard.compress(body.getvalue()))
    return place


def test_another_archive_is_refused(tmp_path: Path) -> None:
    assert _refused(_archive(tmp_path / "a", ("home/x", b"")))[0] == "no-backup"
    assert _refused(_archive(tmp_path / "b"))[0] == "no-backup"


def test_a_newer_format_is_told_with_the_version_that_made_it(tmp_path: Path) -> None:
    newer = orjson.dumps({**asdict(ABOUT), "format": FORMAT + 1, "program": "7.0"})
    code, said = _refused(_archive(tmp_path / "newer", ("about.json", newer)))
    assert (code, "made by Taawun 7.0: install that version" in said) == ("newer", True)


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/passwd", "home/../../evil", "home/keys/..", "files/x", "tables/../x/000001", "other"],
)
def test_a_member_with_a_place_of_its_own_choice_is_refused(tmp_path: Path, name: str) -> None:
    place = _archive(tmp_path / "a", ("about.json", orjson.dumps(asdict(ABOUT))), (name, b"x"))
    assert "does not belong into it" in _refused(place)[1]


def test_a_link_is_refused(tmp_path: Path) -> None:
    def link(info: tarfile.TarInfo) -> None:
        if info.name.startswith("home/"):
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"

    place = _archive(
        tmp_path / "a", ("about.json", orjson.dumps(asdict(ABOUT))), ("home/keys/x", b""), change=link
    )
    assert "does not belong into it" in _refused(place)[1]


def test_a_member_that_was_exchanged_is_named(tmp_path: Path) -> None:
    manifest = orjson.dumps({"members": {"about.json": "0" * 64}, "rows": 1, "files": 0, "damaged": []})
    place = _archive(
        tmp_path / "a", ("about.json", orjson.dumps(asdict(ABOUT))), (container.MANIFEST, manifest)
    )
    code, said = _refused(place)
    assert (code, "about.json in it is not what was put there" in said) == ("damaged", True)
