"""The files that pages load (styles, scripts, fonts), laid out for the web server once for each version of them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collect"]

_MARK: Final = ".collected"


def collect() -> bool:
    """Lay them out where the web server reads them, unless those of this version lie there already.

    To compress them takes longer than everything else that a node does when it starts.

    Returns:
        Whether they were laid out anew.
    """
    root = Path(settings.STATIC_ROOT)
    mark, wanted = root / _MARK, _version()
    if mark.exists() and mark.read_text(encoding="ascii", errors="replace") == wanted:
        return False
    # gone before and written after: what was broken off is done again by the next start
    mark.unlink(missing_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    mark.write_text(wanted, encoding="ascii")
    return True


def _version() -> str:
    """What tells one set of files from another: where each lies, how large it is and when it was written."""
    return sha256("\n".join(sorted(_files())).encode()).hexdigest()


def _files() -> Iterator[str]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            place = Path(storage.path(name))
            held = place.stat()
            yield f"{name}\t{place}\t{held.st_size}\t{held.st_mtime_ns}"
