"""Static files are laid out once, and anew when one of them is another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.node import statics


@pytest.fixture
def root(settings: SettingsWrapper, tmp_path: Path) -> Path:
    """Where they are laid out; two files are all there are."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "a.css").write_text("a{}", encoding="ascii")
    (theirs / "b.js").write_text("b()", encoding="ascii")
    settings.STATICFILES_DIRS = [theirs]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    return tmp_path / "static"


def test_they_are_laid_out_once(root: Path):
    assert statics.collect()
    assert {"a.css", "b.js", "staticfiles.json"} < {each.name for each in root.iterdir()}
    assert not statics.collect()


def test_a_file_that_changed_is_laid_out_anew(root: Path, tmp_path: Path):
    statics.collect()
    changed = tmp_path / "theirs" / "a.css"
    changed.write_text("b{}", encoding="ascii")
    later = changed.stat().st_mtime_ns + 10**10
    os.utime(changed, ns=(later, later))

    assert statics.collect()
    assert (root / "a.css").read_text(encoding="ascii") == "b{}"


def test_what_was_broken_off_is_done_again(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    statics.collect()
    (tmp_path / "theirs" / "c.css").touch()

    def falls_over(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(statics, "call_command", falls_over)
        with pytest.raises(OSError, match="the disk is full"):
            statics.collect()

    (tmp_path / "theirs" / "c.css").unlink()
    assert statics.collect()


def test_a_folder_that_was_emptied_is_filled_again(root: Path):
    statics.collect()
    for each in root.iterdir():
        each.unlink()

    assert statics.collect()
