"""The file of a backup: a tar archive, compressed by zstd, encrypted by a passphrase unless its maker said otherwise.

Members, in this order:

* ``about.json``: who and what it is of (:class:`About`), so that a reader who cannot use it stops here;
* ``tables/{app}.{model}/{number}``: rows as JSON lines, the names of the columns first;
* ``home/…``: keys and settings, as they lie in the node's home;
* ``files/{digest}``: stored files, by their SHA-256;
* ``manifest.json``: the digests of all members but the files, and how many files there are (:class:`Manifest`). What
  has none was cut off.

Other programs open it too: ``age --decrypt FILE | zstd --decompress | tar --extract``.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import tarfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

import orjson
import zstandard

from taawun.foundation import age
from taawun.foundation.digests import Sha256Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = [
    "FORMAT",
    "About",
    "BackupRefused",
    "Manifest",
    "Member",
    "Reader",
    "Writer",
    "read_from",
    "write_to",
]

FORMAT: Final = 1
ABOUT: Final = "about.json"
MANIFEST: Final = "manifest.json"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_LEVEL: Final = 3
_PIECE: Final = 1024 * 1024
# what is no file of a node's people is small: rows are cut into members, and keys and settings are some lines
MOST_OF_A_MEMBER: Final = 256 * 1024 * 1024
_PLACE: Final = re.compile(
    r"about\.json|manifest\.json|files/[0-9a-f]{64}"
    r"|tables/[a-z_]+\.[A-Za-z]+/[0-9]{6}"
    r"|home/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]*"
)
_MODE: Final = 0o600


class BackupRefused(ValueError):
    """A file is no backup that can be used here; the sentence names the mend. Nothing was changed.

    Args:
        code: ``no-backup``, ``passphrase``, ``damaged``, ``newer``, ``other-node``, ``no-room`` or ``incomplete``.
        message: what was found, and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class About:
    """What a backup is of.

    Args:
        format: of the file; a reader refuses what it does not know.
        program: version of the program that made it.
        made: when, RFC 3339 in UTC.
        node: base address of the node.
        kid: of the node's key.
        migrations: which were applied, ``app.name`` each.
        file_bytes: how much its stored files are together.
        settings: those that came from the environment, but for secrets: the next machine needs them too.
        secret_settings: names of those that came from there and are secret; key and session key are in the file.
    """

    format: int
    program: str
    made: str
    node: str
    kid: str
    migrations: tuple[str, ...]
    file_bytes: int
    settings: Mapping[str, str] = field(default_factory=dict)
    secret_settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a whole backup holds.

    Args:
        members: SHA-256 of each member but the files and this one, by its name.
        rows: how many rows of tables.
        files: how many stored files.
        damaged: digests of files that were not, or not rightly, in the node's storage. What is in the backup under
            such a name is something else.
    """

    members: Mapping[str, str]
    rows: int
    files: int
    damaged: tuple[str, ...] = ()


class Readable(Protocol):
    """Bytes that are read once, from the beginning."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most so many; all that are left by default."""


@dataclass(frozen=True, slots=True)
class Member:
    """Something in a backup.

    Args:
        name: as above.
        size: bytes.
        body: to be read before the next member is asked for.
    """

    name: str
    size: int
    body: Readable

    def bytes(self) -> bytes:
        """All of a member that is no stored file."""
        data = self.body.read(MOST_OF_A_MEMBER + 1)
        if len(data) != self.size:
            raise BackupRefused("damaged", _damaged(f"{self.name} in it is not whole"))
        return data


# ---- writing ----------------------------------------------------------------------------------------------------


@contextmanager
def write_to(place: Path, passphrase: str | None, progress: Callable[[int], None]) -> Iterator[Writer]:
    """Write a backup beside its place, and give it its name once it is whole and on the disk.

    Args:
        place: where it will be. What is there already is left alone.
        passphrase: what opens it; None writes it in the clear.
        progress: told how many bytes were written.

    Raises:
        FileExistsError: there is a file of this name.
        OSError: it cannot be written; nothing of it is left.
    """
    if place.exists():
        raise FileExistsError(f"{place} exists already")
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb", opener=lambda path, flags: os.open(path, flags, _MODE)) as file:
            counted = _Counted(file, progress)
            sealed = age.Encrypted(counted, age.ByPassphrase(passphrase)) if passphrase is not None else None
            squeezing = zstandard.ZstdCompressor(level=_LEVEL, threads=-1)
            sink: Any = sealed or counted  # whatever can be written to
            with squeezing.stream_writer(sink, closefd=False) as squeezed:
                writer = Writer(squeezed)
                try:
                    yield writer
                except BaseException:
                    writer.break_off()
                    raise
            if sealed:
                sealed.close()
            file.flush()
            os.fsync(file.fileno())
        part.rename(place)
        _sync_folder(place.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class Writer:
    """Puts members into a backup.

    Args:
        sink: where the archive goes.
    """

    def __init__(self, sink: Any) -> None:  # Any: what zstandard gives to write to
        self._tar = tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by `end`
        self._members: dict[str, str] = {}
        self._files = 0

    def add(self, name: str, data: bytes) -> None:
        """A member of these bytes."""
        self._members[name] = self._put(name, len(data), io.BytesIO(data))

    def add_file(self, digest: str, size: int, handle: IO[bytes]) -> bool:
        """A stored file.

        Returns:
            Whether it is the one that its digest says.
        """
        self._files += 1
        return self._put(f"files/{digest}", size, handle) == digest

    def end(self, *, rows: int, damaged: tuple[str, ...]) -> None:
        """Write the manifest."""
        manifest = Manifest(self._members, rows, self._files, damaged)
        self._put(MANIFEST, len(data := orjson.dumps(asdict(manifest))), io.BytesIO(data))
        self._tar.close()

    def break_off(self) -> None:
        """Write nothing more, not even the end of the archive."""
        # Any: the stream of an archive closes itself when it is forgotten, and there is no other way to tell it not to
        stream: Any = self._tar.fileobj
        stream.closed = True

    def _put(self, name: str, size: int, handle: IO[bytes]) -> str:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, _MODE, int(time.time())
        measured = _Measured(handle)
        self._tar.addfile(info, measured)
        return measured.stream.hexdigest()


class _Measured:
    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self.stream = handle, Sha256Stream()

    def read(self, size: int = -1) -> bytes:
        data = self._handle.read(size)
        self.stream.update(data)
        return data


class _Counted:
    def __init__(self, sink: IO[bytes], progress: Callable[[int], None]) -> None:
        self._sink, self._progress, self._bytes = sink, progress, 0

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        self._bytes += len(data)
        self._progress(self._bytes)
        return len(data)


# ---- reading ----------------------------------------------------------------------------------------------------


@contextmanager
def read_from(
    place: Path, passphrase: Callable[[], str], progress: Callable[[int], None]
) -> Iterator[Reader]:
    """Read a backup.

    Args:
        place: the file.
        passphrase: asked for one, where it is encrypted.
        progress: told how many bytes were read.

    Raises:
        BackupRefused: it is none, or not a whole one, or another passphrase opens it. What was read before is right,
            and is to be thrown away all the same.
        OSError: it cannot be read.
    """
    with place.open("rb") as file:
        beginning = file.read(len(age.INTRO))
        file.seek(0)
        source: IO[bytes] = io.BufferedReader(_Watched(file, progress), _PIECE)
        if beginning == age.INTRO:
            opener = age.ByPassphrase(passphrase())
            source = io.BufferedReader(age.Pieces(age.decrypt(source, opener)), _PIECE)
        elif not beginning.startswith(_ZSTD):
            raise BackupRefused(
                "no-backup", f"{place} is no backup of a node: name a file that `taawun backup` made"
            )
        try:
            with zstandard.ZstdDecompressor().stream_reader(source, closefd=False) as plain:
                yield Reader(plain, source)
        except age.WrongPassphrase:
            raise BackupRefused(
                "passphrase", f"the passphrase does not open {place}; give the one it was made with"
            ) from None
        except (age.AgeRefused, tarfile.TarError, zstandard.ZstdError, EOFError) as problem:
            raise BackupRefused("damaged", _damaged(str(problem))) from None


def _damaged(found: str) -> str:
    return f"the backup is damaged or not whole ({found}); copy it again from where it was kept, or take an older one"


class Reader:
    """Takes members out of a backup, each held against its digest.

    Args:
        plain: the archive.
        source: what it is unpacked from, read to its end to see that nothing was cut off.
    """

    def __init__(self, plain: IO[bytes], source: IO[bytes]) -> None:
        self._source = source
        self._tar = tarfile.open(fileobj=plain, mode="r|")  # noqa: SIM115 - it ends with what it reads from
        self._digests: dict[str, str] = {}
        self._files = 0
        self.manifest: Manifest | None = None
        # one walk over the archive, which can be read once
        self.members: Iterator[Member] = self._walk()

    def about(self) -> About:
        """What the backup is of: its first member."""
        first = next(self.members, None)
        if first is None or first.name != ABOUT:
            raise BackupRefused(
                "no-backup", "the file holds no backup of a node: name a file that `taawun backup` made"
            )
        told = _parsed(first.bytes())
        if told.get("format") != FORMAT:
            raise BackupRefused(
                "newer",
                f"the backup is of a format that this program does not read; it was made by Taawun "
                f"{str(told.get('program'))[:40]}: install that version, or a newer one",
            )
        about: About = _typed(About, told)
        return about

    def _walk(self) -> Iterator[Member]:
        """The members, up to the manifest."""
        for info in self._tar:
            if not info.isreg() or not _PLACE.fullmatch(info.name) or self.manifest is not None:
                raise BackupRefused("damaged", _damaged(f"{info.name[:80]!r} does not belong into it"))
            handle = self._tar.extractfile(info)
            if handle is None:
                raise BackupRefused("damaged", _damaged(f"{info.name} cannot be read"))
            measured = _Measured(handle)
            member = Member(info.name, info.size, measured)
            if info.name == MANIFEST:
                self.manifest = _typed(Manifest, _parsed(member.bytes()))
                continue
            yield member
            while measured.read(_PIECE):
                pass
            if info.name.startswith("files/"):
                self._files += 1
            else:
                self._digests[info.name] = measured.stream.hexdigest()

    def prove_whole(self) -> Manifest:
        """Hold what was read against the manifest, after the last member.

        Raises:
            BackupRefused: something is missing, was changed or does not belong.
        """
        manifest = self.manifest
        if manifest is None:
            raise BackupRefused("damaged", _damaged("its end is missing"))
        while self._source.read(_PIECE):
            pass
        wrong = sorted(set(self._digests.items()) ^ set(manifest.members.items()))
        if wrong:
            raise BackupRefused("damaged", _damaged(f"{wrong[0][0]} in it is not what was put there"))
        if self._files != manifest.files:
            raise BackupRefused(
                "damaged", _damaged(f"it should hold {manifest.files} files and holds {self._files}")
            )
        return manifest


# Any: JSON of an archive; each member is typed where it is read
def _parsed(data: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError as problem:
        raise BackupRefused("damaged", _damaged(str(problem))) from None
    if not isinstance(told, dict):
        raise BackupRefused("damaged", _damaged("what it says of itself cannot be read"))
    return told


def _typed(kind: Any, told: Mapping[str, Any]) -> Any:
    try:
        return kind(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
        )
    except TypeError:
        raise BackupRefused("damaged", _damaged("what it says of itself cannot be read")) from None


class _Watched(io.RawIOBase):
    """A file that tells how far it was read."""

    def __init__(self, file: IO[bytes], progress: Callable[[int], None]) -> None:
        self._file, self._progress = file, progress

    def readable(self) -> bool:
        return True

    def readinto(
        self, buffer: Any
    ) -> int:  # Any: a writable buffer, which has no type of its own in Python 3.11
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._progress(self._file.tell())
        return len(data)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
