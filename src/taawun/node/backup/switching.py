"""From the old node to the new one, so that whatever breaks it off leaves one of them and never half of each.

What is restored is laid out beside the node: rows in a database of their own (SQLite: a file with ``.restoring`` at
its end; PostgreSQL: a schema), stored files in ``files/restoring``, keys and settings in ``restoring``. Once all of it
is proven and on the disk, the file ``restoring/decided`` is written. Before that nothing has happened; from then on it
will have happened: :func:`finish` moves each part to its place, may be broken off anywhere and called again, and is
called by the next command that is started here.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection, transaction

from taawun.foundation.digests import Sha256Stream
from taawun.node.backup.places import (
    SUFFIX,
    file_place,
    files_folder,
    finish_before_start,
    folder,
    mark,
    one_at_a_time,
    sync,
)
from taawun.platform.files.models import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Staged", "clear", "decide", "finish", "finish_after_start", "is_taken"]

_SCHEMA: Final = "taawun_restoring"
_PIECE: Final = 1024 * 1024


def is_taken() -> bool:
    """Whether there is a node here, or something of one."""
    if (settings.HOME / "keys" / "node.pem").exists():
        return True
    tables = connection.introspection.table_names()
    return bool(tables)


class Staged:
    """Where what is restored is laid out."""

    def __init__(self) -> None:
        self._home: Path = settings.HOME
        self._place = folder(self._home)
        self._files = files_folder(self._home)
        self._place.mkdir(mode=0o700, parents=True)
        self._files.mkdir(mode=0o700, parents=True)

    @contextmanager
    def database(self) -> Iterator[None]:
        """Within, the database is an empty one beside that of the node."""
        connection.close()
        kept = dict(connection.settings_dict)
        if connection.vendor == "postgresql":
            _make_schema()
            options = dict(kept["OPTIONS"])
            options["options"] = f"{options.get('options', '')} -c search_path={_SCHEMA}".strip()
            connection.settings_dict["OPTIONS"] = options
        else:
            connection.settings_dict["NAME"] = f"{kept['NAME']}{SUFFIX}"
        try:
            yield
            if connection.vendor == "sqlite":
                with connection.cursor() as cursor:
                    # one file, with all in it, that can be given its name in one step
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    cursor.execute("PRAGMA journal_mode=DELETE")
        finally:
            connection.close()
            connection.settings_dict.update(kept)

    def keep(self, name: str, data: bytes) -> None:
        """Lay out a file of the home."""
        place = self._place / "home" / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

    def read(self, name: str) -> bytes | None:
        """What was laid out, or None."""
        place = self._place / "home" / name
        return place.read_bytes() if place.exists() else None

    def keep_file(self, digest: str, pieces: Iterable[bytes]) -> bool:
        """Lay out a stored file; one that lies in its place already and is right is left there.

        Returns:
            Whether the pieces are those of the digest.
        """
        if self._lies_here(digest):
            return _digest(pieces) == digest
        place, stream = self._files / digest, Sha256Stream()
        with place.open("wb") as file:
            for piece in pieces:
                stream.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if stream.hexdigest() == digest:
            return True
        place.unlink()
        return False

    def has_file(self, digest: str) -> bool:
        """Whether a stored file was laid out, or lies in its place."""
        return (self._files / digest).exists() or file_place(self._home, digest).exists()

    def _lies_here(self, digest: str) -> bool:
        place = file_place(self._home, digest)
        if not place.exists():
            return False
        with place.open("rb") as file:
            return _digest(iter(lambda: file.read(_PIECE), b"")) == digest


def _digest(pieces: Iterable[bytes]) -> str:
    stream = Sha256Stream()
    for piece in pieces:
        stream.update(piece)
    return stream.hexdigest()


def clear() -> None:
    """Remove what was laid out and not decided."""
    if mark(settings.HOME).exists():
        # it is decided, and finished by whoever starts next
        return
    shutil.rmtree(folder(settings.HOME), ignore_errors=True)
    shutil.rmtree(files_folder(settings.HOME), ignore_errors=True)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
        return
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{connection.settings_dict['NAME']}{SUFFIX}{end}").unlink(missing_ok=True)


def decide() -> None:
    """From here on the new node is the node."""
    home: Path = settings.HOME
    for place, _folders, names in os.walk(folder(home)):
        for name in names:
            sync(Path(place) / name)
        sync(Path(place))
    sync(files_folder(home))
    database = connection.settings_dict["NAME"] if connection.vendor == "sqlite" else None
    if database:
        sync(Path(f"{database}{SUFFIX}"))
        sync(Path(database).absolute().parent)
    waiting = mark(home).with_suffix(".part")
    waiting.write_text(json.dumps({"sqlite": str(Path(database).absolute()) if database else None}))
    sync(waiting)
    waiting.replace(mark(home))
    sync(folder(home))


def finish() -> None:
    """Move what was decided to its place."""
    # it has the old database open
    connection.close()
    finish_before_start(settings.HOME)
    finish_after_start()


def finish_after_start() -> None:
    """Move the parts that need settings and database: a schema, stored files; then it is done."""
    home: Path = settings.HOME
    if not mark(home).exists():
        return
    with one_at_a_time(home):
        if not mark(home).exists():
            return
        if connection.vendor == "postgresql":
            _swap_schemas()
        _movefiles_folder(home)
        shutil.rmtree(files_folder(home), ignore_errors=True)
        mark(home).unlink()
        shutil.rmtree(folder(home), ignore_errors=True)
        sync(home)


def _movefiles_folder(home: Path) -> None:
    if files_folder(home).exists():
        for path in files_folder(home).iterdir():
            place = file_place(home, path.name)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
            sync(place.parent)
    known = set(StoredFile.objects.values_list("digest", flat=True))
    for path in (home / "files").glob("??/??/*"):
        # of the node that was given up
        if path.name not in known:
            path.unlink()


# ---- PostgreSQL -------------------------------------------------------------------------------------------------


def _make_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {_SCHEMA}")
    connection.close()


def _swap_schemas() -> None:
    """Put the tables in the place of the old ones, in one transaction; nothing where that was done."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", [_SCHEMA])
        if not cursor.fetchall():
            return
        cursor.execute("SELECT current_schema()")
        [[current]] = cursor.fetchall()
        quote = connection.ops.quote_name
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
        cursor.execute(listed, [current])
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {quote(current)}.{quote(table)} CASCADE")
        cursor.execute(listed, [_SCHEMA])
        for (table,) in cursor.fetchall():
            # its indexes, constraints and sequence go with it
            cursor.execute(f"ALTER TABLE {_SCHEMA}.{quote(table)} SET SCHEMA {quote(current)}")
        cursor.execute(f"DROP SCHEMA {_SCHEMA}")
