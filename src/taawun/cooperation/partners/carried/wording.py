"""Why a file of a lane is not taken, in the reader's language. The console says the same in English, in more words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.platform.web.formats import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

__all__ = ["refusal_words"]

_NO_FILE: Final = gettext_lazy("This is no file of a lane. Take the one that the partner’s node wrote.")
_ALTERED: Final = gettext_lazy(
    "The file was altered, or somebody else signed it. Have it written again, and carry it as it is."
)
_NOT_WHOLE: Final = gettext_lazy("The file is not whole. Copy it again, or have it written again.")
_WORDS: Final[Mapping[str, _StrOrPromise]] = {
    "other-file": _NO_FILE,
    "other-format": gettext_lazy(
        "The file is of a form that this node cannot read. Update the older of the two."
    ),
    "not-to-us": gettext_lazy("The file is for another node. Have one written for this one."),
    "other-key": gettext_lazy(
        "The file is encrypted to another node, or to a key that this node has replaced. Have it written again."
    ),
    "unknown-sender": gettext_lazy(
        "Its sender is no partner of this node. Add it first, then bring the file again."
    ),
    "partner-blocked": gettext_lazy("Its sender is blocked. Unblock it first."),
    "descriptor-refused": gettext_lazy(
        "The descriptor in the file cannot be believed. Have it written again."
    ),
    "busy": gettext_lazy("The node is dealing with this partner. Bring the file again in a moment."),
    "not-taken": gettext_lazy("The lane is not taken from this partner yet: compare its fingerprint first."),
    "no-room": gettext_lazy("The disk of this node is almost full. Make room first."),
    "too-large": gettext_lazy("The file is larger than this node accepts."),
    "gap": gettext_lazy(
        "Entries are missing before the first of the file. Have one written that begins earlier."
    ),
    "altered": _ALTERED,
    "truncated": _NOT_WHOLE,
    "damaged": _NOT_WHOLE,
    "no-such-lane": gettext_lazy("The partner does not read that lane at the moment; nothing is written."),
}


def refusal_words(code: str, line: int | None = None) -> str:
    """Why, and the mend; with the line of the file where there is one.

    Args:
        code: of a :class:`FileRefused`.
        line: of the file.
    """
    sentence = str(_WORDS.get(code, _NO_FILE))
    if line is None:
        return sentence
    return _("%(sentence)s (Line %(line)s of the file.)") % {"sentence": sentence, "line": number(line)}
