"""Putting a node back: everything is laid out beside the node first, and proven, before anything of it is touched."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from taawun.cooperation.partners.identity.keys import private_keys
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.signing import SignatureRefused, SigningKey
from taawun.node.backup import switching
from taawun.node.backup.container import BackupRefused, read_from
from taawun.node.backup.rows import Loading, build_tables, unknown
from taawun.node.notices import tell_of_restore
from taawun.platform.audit.actions import record
from taawun.platform.files.models import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from taawun.node.backup.container import About, Member, Reader

__all__ = ["Restored", "restore"]

_PIECE: Final = 1024 * 1024
# what the next machine says itself: where it is, and what it keeps its rows in
_OF_THE_MACHINE: Final = frozenset({"TAAWUN_HOME", "TAAWUN_DATABASE_URL"})


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back.

    Args:
        about: what the backup said of itself.
        rows, files: how many.
        damaged: digests of files that the node had lost already when the backup was made.
        awaited: base addresses of the partners that the node waits for before it says anything.
    """

    about: About
    rows: int
    files: int
    damaged: tuple[str, ...]
    awaited: tuple[str, ...]


def restore(
    place: Path,
    passphrase: Callable[[], str],
    *,
    replace: bool,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Restored:
    """Put a node back from a backup. Whoever calls has the node for themselves (``node/running.py``).

    Until the last step, which is done to its end by the next command should it be broken off, nothing of a node that is
    here is changed.

    Args:
        place: the backup.
        passphrase: asked for one, where it is encrypted.
        replace: whether a node that is here already may be overwritten.
        progress: told how many bytes were read.

    Raises:
        BackupRefused: it cannot be used here; the sentence names the mend.
        OSError, DatabaseError: this machine cannot hold it.
    """
    if not replace and switching.is_taken():
        raise BackupRefused(
            "node-here",
            f"there is a node in {settings.HOME} already; restore into another TAAWUN_HOME, or say --replace to give "
            "up the one that is here",
        )
    switching.clear()
    try:
        with read_from(place, passphrase, progress) as reader:
            restored = _lay_out(reader)
        switching.decide()
    except BaseException:
        connection.close()
        switching.clear()
        raise
    switching.finish()
    return restored


def _lay_out(reader: Reader) -> Restored:
    about = reader.about()
    _check(about)
    staged = switching.Staged()
    odd: set[str] = set()
    members = reader.members
    with staged.database():
        build_tables(about.migrations)
        rows, following = _load(about, members)
        for member in _and_then(following, members):
            if member.name.startswith("files/"):
                digest = member.name.removeprefix("files/")
                if not _keep_file(staged, digest, member):
                    odd.add(digest)
            else:
                staged.keep(member.name.removeprefix("home/"), member.bytes())
        manifest = reader.prove_whole()
        if odd - set(manifest.damaged):
            raise BackupRefused(
                "damaged",
                f"file {min(odd)} in the backup is damaged; copy it again from where it was kept",
            )
        call_command("migrate", verbosity=0, interactive=False)
        _check_files(staged, set(manifest.damaged))
        with transaction.atomic():
            awaited = returning.begin(SystemActor("console"))
            told = {"made": about.made, "program": about.program, "rows": rows, "awaited": len(awaited)}
            record(SystemActor("console"), "node.restored", f"urn:taawun:node:{about.node}", told)
            tell_of_restore(about.node, about.made)
    _check_key(staged, about)
    staged.keep("node.env", _node_env(staged, about))
    return Restored(about, rows, manifest.files - len(odd), manifest.damaged, awaited)


def _load(about: About, members: Iterator[Member]) -> tuple[int, Member | None]:
    """Load the rows, which come first; also gives the member that follows them."""
    following = None
    with transaction.atomic():
        loading = Loading(about.migrations)
        for member in members:
            if not member.name.startswith("tables/"):
                following = member
                break
            loading.take(member.name.split("/")[1], member.bytes())
        loading.end()
    return loading.rows, following


def _and_then(first: Member | None, others: Iterator[Member]) -> Iterator[Member]:
    if first is not None:
        yield first
    yield from others


# ---- what must hold ---------------------------------------------------------------------------------------------


def _check(about: About) -> None:
    if strange := unknown(about.migrations):
        raise BackupRefused(
            "newer",
            f"the backup was made by Taawun {about.program}, whose database this program does not know "
            f"({strange[0]}): install that version, or a newer one",
        )
    if settings.ENVIRONMENT.is_given("TAAWUN_BASE_URL") and about.node != settings.BASE_URL:
        raise BackupRefused(
            "other-node",
            f"the backup is of {about.node}, and TAAWUN_BASE_URL says {settings.BASE_URL} here: a node keeps its "
            "address, which its signatures cover; set it to the first, or restore elsewhere",
        )
    free = shutil.disk_usage(settings.HOME).free
    if about.file_bytes > free:
        raise BackupRefused(
            "no-room",
            f"the stored files take {about.file_bytes} bytes, and the disk of {settings.HOME} has {free} left; make "
            "room, or set TAAWUN_HOME to a larger disk",
        )


def _check_key(staged: switching.Staged, about: About) -> None:
    # a key that followed at the moment of the backup may not lie in its place yet
    place = f"keys/node-{about.kid}.pem"
    try:
        kid = SigningKey.from_pem(staged.read(place) or staged.read("keys/node.pem") or b"").kid
    except SignatureRefused as refused:
        raise BackupRefused(
            "damaged", f"the key in the backup cannot be used ({refused}); take another one"
        ) from None
    if kid != about.kid:
        raise BackupRefused("damaged", "the key in the backup is not that of its node; take another one")
    if settings.NODE_KEY and kid not in private_keys():
        raise BackupRefused(
            "other-node",
            "TAAWUN_NODE_KEY is not the key of the node in the backup; unset it, or set it to that one",
        )


def _check_files(staged: switching.Staged, damaged: set[str]) -> None:
    """Every file that a row names is there, but for those that the node had lost before."""
    for digest in StoredFile.objects.values_list("digest", flat=True).iterator():
        if digest not in damaged and not staged.has_file(digest):
            raise BackupRefused("damaged", f"file {digest} is missing in the backup; take another one")


# ---- files and settings -----------------------------------------------------------------------------------------


def _keep_file(staged: switching.Staged, digest: str, member: Member) -> bool:
    """Keep a stored file, if it is the one that its digest says."""

    def pieces() -> Iterator[bytes]:
        while piece := member.body.read(_PIECE):
            yield piece

    return staged.keep_file(digest, pieces())


def _node_env(staged: switching.Staged, about: About) -> bytes:
    """What this machine says in its ``node.env``, and of the backup's what it does not say."""
    kept = settings.HOME / "node.env"
    ours = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    said = {_name(line) for line in ours} | _OF_THE_MACHINE
    theirs = (staged.read("node.env") or b"").decode("utf-8").splitlines()
    taken = [line for line in theirs if _name(line) and _name(line) not in said]
    lines = [*ours, *taken]
    if "TAAWUN_BASE_URL" not in {_name(line) for line in lines} and "TAAWUN_BASE_URL" not in os.environ:
        lines.append(f"TAAWUN_BASE_URL={about.node}")
    return "".join(f"{line}\n" for line in lines).encode()


def _name(line: str) -> str:
    return "" if line.lstrip().startswith("#") else line.partition("=")[0].strip()
