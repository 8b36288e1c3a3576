"""Contents that came in part: what lies here already, so that only the rest is asked for, also after a restart.

Nothing of it is believed: whole, its digest is taken like that of anything else. It is a place to save a slow line what
it carried once, so it may be emptied at any time.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from django.conf import settings

from taawun.cooperation.partners.logs.contents import OtherContent
from taawun.cooperation.partners.models import Partner
from taawun.foundation.digests import Sha256Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MOST_OF_ONE", "Partial", "sweep"]

_PIECE: Final = 1024 * 1024
# what nobody went on with for so long, nobody will
_SECONDS_KEPT: Final = 7 * 24 * 3600
# of one partner no more lies here than twice the largest content it may send
_LARGEST_OF_ONE: Final = 2
# nor more contents, however little came of each; a file of a lane brings them two hundred at a time
MOST_OF_ONE: Final = 1_000
# nobody compared it, and the largest it may say is an agreement
_OF_A_STRANGER: Final = 8 * 1024 * 1024


class Partial:
    """What has come of one content from one partner.

    Args:
        partner: who sends it.
        digest: SHA-256 of the whole, 64 small hexadecimal digits.
        size: bytes of the whole, as its signed header states them.
    """

    def __init__(self, partner: Partner, digest: str, size: int) -> None:
        self._digest, self._size = digest, size
        self._folder = _root() / str(partner.id)
        self._path = self._folder / digest
        is_compared = partner.state == Partner.State.VERIFIED
        self._most = _LARGEST_OF_ONE * settings.MAX_UPLOAD_BYTES if is_compared else _OF_A_STRANGER

    @property
    def held(self) -> int:
        """How many bytes have come."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def is_whole(self) -> bool:
        """Whether all have."""
        return self.held >= self._size

    def append(self, piece: bytes) -> None:
        """Take the bytes that follow those that lie here.

        Raises:
            OtherContent: they are more than there may be; none are kept.
        """
        if self.held + len(piece) > self._size:
            self.drop()
            raise OtherContent(f"more than {self._size} bytes came")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room(len(piece))
        with self._path.open("ab") as file:
            file.write(piece)

    def pieces(self) -> Iterator[bytes]:
        """The bytes that lie here, in order."""
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def is_right(self) -> bool:
        """Whether what lies here is the content that was signed for."""
        stream = Sha256Stream()
        for piece in self.pieces():
            stream.update(piece)
        return (stream.size, stream.hexdigest()) == (self._size, self._digest)

    def drop(self) -> None:
        """Forget what lies here."""
        self._path.unlink(missing_ok=True)
        # with the last of them goes the folder
        with suppress(OSError):
            self._folder.rmdir()

    def _make_room(self, wanted: int) -> None:
        """Let those go that waited longest, until this piece fits."""
        others = [(file.stat().st_mtime, file) for file in self._folder.iterdir() if file != self._path]
        room = self._most - self.held - wanted - sum(file.stat().st_size for _at, file in others)
        waiting = sorted(others)
        while waiting and (room < 0 or len(waiting) >= MOST_OF_ONE):
            _at, file = waiting.pop(0)
            room += file.stat().st_size
            file.unlink()


def sweep() -> int:
    """Forget what nobody went on with for a week, and what partners left that are no longer known.

    Returns:
        How many contents were forgotten.
    """
    if not _root().exists():
        return 0
    known = {str(key) for key in Partner.objects.values_list("id", flat=True)}
    before, forgotten = time.time() - _SECONDS_KEPT, 0
    for folder in _root().iterdir():
        old = [file for file in folder.iterdir() if folder.name not in known or file.stat().st_mtime < before]
        forgotten += len(old)
        for file in old:
            file.unlink(missing_ok=True)
        if folder.name not in known:
            shutil.rmtree(folder, ignore_errors=True)
    return forgotten


def _root() -> Path:
    place: Path = settings.HOME / "partial"
    return place
