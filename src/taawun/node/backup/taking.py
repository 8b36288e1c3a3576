"""Taking a node into a backup while it runs."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from django.conf import settings

from taawun import __version__
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import now, timestamp
from taawun.node.backup.container import ABOUT, FORMAT, About, BackupRefused, write_to
from taawun.node.backup.rows import about, applied, chunks_of, models_at, one_instant, unknown
from taawun.node.environment import SETTINGS
from taawun.platform.audit.actions import record
from taawun.platform.files import actions as files
from taawun.platform.files.errors import FileGone
from taawun.platform.files.models import StoredFile
from taawun.platform.work.turns import hold_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from taawun.node.backup.container import Writer

__all__ = ["OFFLINE", "Taken", "back_up"]

# the private recovery key belongs into a safe: beside the node's key it could no longer revoke what was stolen with it
OFFLINE: Final = "recovery.pem"
_SECRETS: Final = frozenset(
    {
        "TAAWUN_SECRET_KEY",
        "TAAWUN_NODE_KEY",
        "TAAWUN_DATABASE_URL",
        "TAAWUN_EMAIL_URL",
        "TAAWUN_METRICS_TOKEN",
    }
)
# where a node is, is for the next machine to say
_OF_THE_MACHINE: Final = frozenset({"TAAWUN_HOME"})
_LONGEST_WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup holds.

    Args:
        bytes: of the file.
        rows, files, file_bytes: what was put in.
        damaged: digests of stored files that are missing or changed on this node, and not in the backup.
        left_out: names of files in the folder of keys that were left where they are.
    """

    bytes: int
    rows: int
    files: int
    file_bytes: int
    damaged: tuple[str, ...]
    left_out: tuple[str, ...]


def back_up(
    place: Path, passphrase: str | None, progress: Callable[[int], None] = lambda _bytes: None
) -> Taken:
    """Put everything of this node into one file.

    The rows are those of one instant; stored files are not removed until they were read.

    Args:
        place: where the file will be; until it is whole there is nothing of that name.
        passphrase: what opens it; None writes it in the clear.
        progress: told how many bytes were written.

    Raises:
        BackupRefused: the database has migrations that this program does not know.
        FileExistsError, OSError: the file cannot be written.
        KeyUnusable: the node's key is not there.
    """
    migrations = applied()
    if strange := unknown(migrations):
        raise BackupRefused(
            "newer",
            f"the database was migrated by a newer program ({strange[0]}); run the backup with that one",
        )
    with _no_sweep(), one_instant(), write_to(place, passphrase, progress) as writer:
        stored = list(StoredFile.objects.order_by("digest").values_list("digest", "size"))
        writer.add(ABOUT, orjson.dumps(_about(migrations, sum(size for _digest, size in stored))))
        rows = 0
        for model in models_at(migrations):
            for number, (data, count) in enumerate(chunks_of(model), 1):
                writer.add(f"tables/{about(model).label}/{number:06}", data)
                rows += count
        left_out = _add_home(writer)
        damaged = tuple(digest for digest, size in stored if not _add_file(writer, digest, size))
        # one that was changed is in the archive under a name that is not its own, and is passed over
        writer.end(rows=rows, damaged=damaged)
    taken = Taken(
        place.stat().st_size,
        rows,
        len(stored) - len(damaged),
        sum(size for digest, size in stored if digest not in damaged),
        damaged,
        left_out,
    )
    told = {"bytes": taken.bytes, "rows": rows, "files": taken.files, "damaged": len(damaged)}
    record(SystemActor("console"), "node.backed-up", f"urn:taawun:node:{settings.BASE_URL}", told)
    return taken


@contextmanager
def _no_sweep() -> Iterator[None]:
    """Keep what is not used any more from being removed: the backup's rows may still name it."""
    ends = time.monotonic() + _LONGEST_WAIT_SECONDS
    while True:
        with hold_turn(files.SWEEP) as is_ours:
            if is_ours:
                yield
                return
        if time.monotonic() > ends:
            raise BackupRefused("busy", "another backup is being made; try again once it is done")
        time.sleep(0.2)


def _about(migrations: tuple[str, ...], file_bytes: int) -> About:
    given = [each.name for each in SETTINGS if each.name in os.environ and each.name not in _OF_THE_MACHINE]
    return About(
        format=FORMAT,
        program=__version__,
        made=timestamp(now()),
        node=settings.BASE_URL,
        kid=node_key().kid,
        migrations=migrations,
        file_bytes=file_bytes,
        settings={name: os.environ[name] for name in given if name not in _SECRETS},
        secret_settings=tuple(name for name in given if name in _SECRETS),
    )


def _add_home(writer: Writer) -> tuple[str, ...]:
    """Keys and settings. What comes from the environment is put where ``taawun init`` would have put it."""
    folder, left_out = settings.HOME / "keys", list[str]()
    held = {
        f"keys/{each.relative_to(folder).as_posix()}": each for each in folder.rglob("*") if each.is_file()
    }
    for name, path in sorted(held.items()):
        if path.name == OFFLINE:
            left_out.append(name)
        else:
            writer.add(f"home/{name}", path.read_bytes())
    if "keys/node.pem" not in held:
        writer.add("home/keys/node.pem", node_key().to_pem())
    writer.add("home/secret-key", settings.SECRET_KEY.encode())
    if (settings.HOME / "node.env").exists():
        writer.add("home/node.env", (settings.HOME / "node.env").read_bytes())
    return tuple(left_out)


def _add_file(writer: Writer, digest: str, size: int) -> bool:
    try:
        with files.open_file(digest) as handle:
            if handle.seek(0, os.SEEK_END) != size:
                return False
            handle.seek(0)
            return writer.add_file(digest, size, handle)
    except FileGone:
        return False
