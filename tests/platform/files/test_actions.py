"""Files by digest: stored once, whole or not at all, and gone when nobody uses them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections, transaction
from pytest_django import Settings

from taawun.foundation.clock import frozen, now
from taawun.foundation.digests import sha256
from taawun.platform.files.actions import let_go, open_file, read, store, sweep
from taawun.platform.files.errors import FileGone, FileTooLarge
from taawun.platform.files.models import FileUse, StoredFile
from taawun.platform.files.storage import DurableFileSystemStorage

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder of files for each test."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def _files(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def _place(content: bytes) -> str:
    digest = sha256(content)
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def test_bytes_are_stored_under_their_digest_and_read_back(folder: Path) -> None:
    stored = store([b"one ", b"", b"two"], owner="urn:a", limit=7, name="note.txt")
    assert (stored.digest, stored.size) == (sha256(b"one two"), 7)
    assert read(stored.digest) == b"one two"
    with open_file(stored.digest) as handle:
        assert handle.read(3) == b"one"
    assert _files(folder) == [_place(b"one two")]
    assert FileUse.objects.get().name == "note.txt"


def test_the_same_bytes_are_stored_once_for_all_their_owners(folder: Path) -> None:
    for owner in ("urn:a", "urn:b", "urn:a"):
        store([b"same"], owner=owner, limit=4)
    assert (StoredFile.objects.count(), FileUse.objects.count(), _files(folder)) == (1, 2, [_place(b"same")])


def test_nothing_is_as_good_a_file_as_any(folder: Path) -> None:
    assert read(store([], owner="urn:a", limit=0).digest) == b""


def test_more_than_the_limit_stores_nothing_and_asks_for_no_more(folder: Path) -> None:
    asked = []

    def endless() -> Iterator[bytes]:
        while True:
            asked.append(1)
            yield b"x" * 10

    with pytest.raises(FileTooLarge) as refused:
        store(endless(), owner="urn:a", limit=25)
    assert (refused.value.limit, len(asked)) == (25, 3)
    assert (StoredFile.objects.count(), _files(folder)) == (0, [])


def test_a_source_that_fails_stores_nothing(folder: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the line broke off")

    with pytest.raises(OSError, match="broke off"):
        store(failing(), owner="urn:a", limit=100)
    assert (StoredFile.objects.count(), _files(folder)) == (0, [])


@pytest.mark.parametrize("digest", [sha256(b"never stored"), "a" * 64])
def test_what_is_not_there_is_said_to_be_gone(digest: str) -> None:
    with pytest.raises(FileGone, match=digest):
        open_file(digest)
    with pytest.raises(FileGone):
        read(digest)


# ---- what nobody uses -----------------------------------------------------------------------------------------------


def test_a_file_goes_with_its_last_use_and_not_before_an_hour(folder: Path) -> None:
    with frozen(now()) as clock:
        store([b"a"], owner="urn:a", limit=1)
        store([b"a"], owner="urn:b", limit=1)
        store([b"b"], owner="urn:b", limit=1)
        assert let_go("urn:b") == 2
        assert (let_go("urn:b"), let_go("urn:nobody")) == (0, 0)
        clock.advance(HOUR)
        assert sweep() == 0
        clock.advance(timedelta(microseconds=1))
        assert [sweep(), sweep()] == [1, 0]
        assert _files(folder) == [_place(b"a")]
        assert list(StoredFile.objects.values_list("digest", flat=True)) == [sha256(b"a")]


def test_a_file_that_is_wanted_again_stays(folder: Path) -> None:
    with frozen(now()) as clock:
        store([b"a"], owner="urn:a", limit=1)
        let_go("urn:a")
        clock.advance(2 * HOUR)
        store([b"a"], owner="urn:b", limit=1)
        assert sweep() == 0
        assert read(sha256(b"a")) == b"a"


def test_a_file_whose_bytes_are_lost_is_swept_like_any_other_and_mended_when_stored_again(
    folder: Path,
) -> None:
    with frozen(now()) as clock:
        store([b"a"], owner="urn:a", limit=1)
        (folder / _place(b"a")).unlink()
        store([b"a"], owner="urn:b", limit=1)
        assert read(sha256(b"a")) == b"a"
        (folder / _place(b"a")).unlink()
        let_go("urn:a")
        let_go("urn:b")
        clock.advance(2 * HOUR)
        assert sweep() == 1
    assert StoredFile.objects.count() == 0


def test_a_store_that_is_undone_leaves_bytes_that_the_next_store_uses(folder: Path) -> None:
    with transaction.atomic():
        store([b"a"], owner="urn:a", limit=1)
        transaction.set_rollback(True)
    assert StoredFile.objects.count() == 0
    store([b"a"], owner="urn:a", limit=1)
    assert read(sha256(b"a")) == b"a"


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_while_a_sweep_removes_it_is_there_afterwards(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with frozen(now()) as clock:
        store([b"a"], owner="urn:a", limit=1)
        let_go("urn:a")
        clock.advance(2 * HOUR)
        delete = DurableFileSystemStorage.delete
        storing: list[Thread] = []

        def again() -> None:
            try:
                store([b"a"], owner="urn:b", limit=1)
            finally:
                connections.close_all()

        def meanwhile(storage: DurableFileSystemStorage, name: str) -> None:
            # the row is gone, the bytes are still there: somebody stores the same bytes
            storing.append(Thread(target=again))
            storing[0].start()
            storing[0].join(0.3)
            delete(storage, name)

        monkeypatch.setattr(DurableFileSystemStorage, "delete", meanwhile)
        assert sweep() == 1
        storing[0].join(20)
        assert read(sha256(b"a")) == b"a"
        assert FileUse.objects.get().owner == "urn:b"


@pytest.mark.django_db(transaction=True)
def test_many_that_store_the_same_at_once_store_it_once(folder: Path) -> None:
    def work(number: int) -> None:
        try:
            for each in range(5):
                store([b"file %d" % each], owner=f"urn:{number}", limit=10)
        finally:
            connections.close_all()

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (StoredFile.objects.count(), FileUse.objects.count()) == (5, 20)
    assert _files(folder) == sorted(_place(b"file %d" % each) for each in range(5))


def test_what_somebody_else_stored_in_this_moment_is_not_stored_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store([b"a"], owner="urn:a", limit=1)
    # looked for before the other one had finished
    monkeypatch.setattr(DurableFileSystemStorage, "exists", lambda _storage, _name: False)
    store([b"a"], owner="urn:b", limit=1)
    assert _files(folder) == [_place(b"a")]
    assert read(sha256(b"a")) == b"a"


# ---- a process that is killed ---------------------------------------------------------------------------------------

_WRITER = """
import sys
from django.conf import settings
settings.configure(MEDIA_ROOT=sys.argv[1])
import django
django.setup()
from django.core.files.base import File
from taawun.platform.files.storage import DurableFileSystemStorage

class Slow(File):
    def __init__(self): self.name = "slow"
    def chunks(self, chunk_size=None):
        yield b"half"
        print("half", flush=True)
        sys.stdin.read()
        yield b"whole"

DurableFileSystemStorage().save("aa/bb/name", Slow())
"""


def test_a_process_killed_while_it_writes_leaves_no_half_of_a_file_under_its_name(folder: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
    assert not default_storage.exists("aa/bb/name")
    assert default_storage.save("aa/bb/name", ContentFile(b"whole")) == "aa/bb/name"
    assert (folder / "aa/bb/name").read_bytes() == b"whole"
