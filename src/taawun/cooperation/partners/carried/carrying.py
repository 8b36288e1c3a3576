"""Writing a lane's file for somebody at a browser, and taking one in as background work.

What a file is and what is believed of it stands in :mod:`taawun.cooperation.partners.logs.lane_files`; the console
reads and writes such files itself.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.partners.exchange import disk
from taawun.cooperation.partners.logs import lanes
from taawun.cooperation.partners.logs.lane_files import (
    FileRefused,
    Written,
    export_lane,
    import_lane,
    sender_of,
)
from taawun.cooperation.partners.models import Lane
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.rules import require
from taawun.foundation.identifiers import uuid7
from taawun.platform.files import actions as files
from taawun.platform.files.errors import FileTooLarge
from taawun.platform.work.actions import enqueue
from taawun.platform.work.schedules import JobKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taawun.cooperation.partners.models import Partner
    from taawun.platform.work.models import Job
    from taawun.platform.work.schedules import Reporter

__all__ = ["IMPORT", "JOB", "MANAGE", "PIECE", "begin_import", "readable", "written"]

MANAGE: Final = "manage:partners"
IMPORT: Final = "partners.lane-import"
# what of a file is in memory at once
PIECE: Final = 1024 * 1024


def readable(partner: Partner) -> list[Lane]:
    """Lanes of ours that a partner may read at this moment: those of which a file can be written for it."""
    ours = Lane.objects.filter(sender=None, head_seq__gte=0).order_by("purpose", "opened")
    return lanes.read_by(partner, ours)


def written(actor: PersonActor, lane: Lane, reader: Partner, *, after: int = -1) -> tuple[Written, IO[bytes]]:
    """Write a lane of ours for one of its readers, for whom it is carried on a disk.

    Args:
        actor: who takes it along.
        lane: a lane of ours.
        reader: for whom.
        after: the last entry that the reader holds; all from the first on when left out.

    Returns:
        What the file has, and the file, open: whoever reads it closes it.

    Raises:
        NotAllowed: the actor may not.
        FileRefused: the reader may not read that lane now.
        OSError: there is no room for it.
    """
    with _room() as place:
        done = export_lane(actor, lane, reader, place, after=after)
        # it stays readable where it is open, and is gone with whoever reads it
        return done, place.open("rb")


def begin_import(actor: PersonActor, chunks: Iterable[bytes], name: str = "") -> Job:
    """Keep a file that somebody brought, and have it taken in by the worker.

    Args:
        actor: who brings it.
        chunks: its bytes, in order.
        name: what it is called, for people.

    Returns:
        The job; its result tells what the file brought.

    Raises:
        NotAllowed: the actor may not.
        FileRefused: it is no file of a lane for this node, or of nobody who is known here, or there is no room;
            nothing is kept.
        FileTooLarge: it is larger than a node takes.
    """
    require(actor, MANAGE)
    if not disk.has_room():
        raise FileRefused("no-room", "The disk of this node is almost full: nothing is taken from partners.")
    subject = f"{uuid7()} {actor.id}"
    # no transaction is open while it comes: others write meanwhile
    with _room() as place:
        size = 0
        with place.open("wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > settings.MAX_UPLOAD_BYTES:
                    raise FileTooLarge(settings.MAX_UPLOAD_BYTES)
                file.write(chunk)
        # a file that is none for this node is refused while whoever brought it still looks
        sender_of(place)
        with place.open("rb") as file, transaction.atomic():
            pieces = iter(partial(file.read, PIECE), b"")
            stored = files.store(pieces, owner=_owner(subject), limit=settings.MAX_UPLOAD_BYTES, name=name)
            return enqueue(IMPORT, f"{subject} {stored.digest}")


def _owner(subject: str) -> str:
    return f"urn:uuid:{subject.split(maxsplit=1)[0]}"


@contextmanager
def _room() -> Iterator[Path]:
    """A place in the node's home for one file, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lane-", dir=settings.HOME) as folder:
        yield Path(folder, "lane")


@contextmanager
def _on_disk(digest: str) -> Iterator[Path]:
    """A stored file as one with a place, wherever storage keeps it."""
    with _room() as place:
        with files.open_file(digest) as stored, place.open("wb") as file:
            shutil.copyfileobj(stored, file, PIECE)
        yield place


def _run(reporter: Reporter, subject: str) -> dict[str, object]:
    """Take a file in. One that is refused is a result: trying again would not make it another."""
    _id, person_id, digest = subject.split()
    actor = actor_of(Person.objects.get(id=UUID(person_id)))
    try:
        with _on_disk(digest) as place:
            found = import_lane(actor, place, reporter.progress)
    except FileRefused as refused:
        files.let_go(_owner(subject))
        return {"refused": refused.code, "line": refused.line, "said": str(refused)}
    files.let_go(_owner(subject))
    return {
        "lane": str(found.lane),
        "sender": found.sender,
        "entries": found.entries,
        "new": found.new,
        "waiting": found.waiting,
        "stopped": found.stopped,
    }


def _give_up(subject: str, _error: str) -> None:
    files.let_go(_owner(subject))


# Any: an actor, whose type the room of work does not know
def _is_visible(actor: Any, _subject: str) -> bool:
    return MANAGE in actor.permissions


JOB: Final = JobKind(IMPORT, _("Taking in a lane from a file"), _run, _give_up, _is_visible)
