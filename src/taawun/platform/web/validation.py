"""What pydantic found wrong in a request, in our words and with the place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.foundation.json_places import pointer_segment
from taawun.platform.web.formats import either

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["worded"]

_QUOTED: Final = re.compile(r"'([^']*)'")

# by pydantic's error type; %(name)s is taken from the error's own context
_SENTENCES: Final = {
    "missing": gettext_lazy("is missing"),
    "extra_forbidden": gettext_lazy("is not a member that is known here"),
    "string_type": gettext_lazy("must be a text"),
    "string_too_long": gettext_lazy("must be at most %(max_length)s characters long"),
    "string_too_short": gettext_lazy("must be at least %(min_length)s characters long"),
    "string_pattern_mismatch": gettext_lazy("must match %(pattern)s"),
    "int_type": gettext_lazy("must be a whole number"),
    "int_parsing": gettext_lazy("must be a whole number"),
    "int_from_float": gettext_lazy("must be a whole number"),
    "bool_type": gettext_lazy("must be true or false"),
    "bool_parsing": gettext_lazy("must be true or false"),
    "list_type": gettext_lazy("must be a list"),
    "dict_type": gettext_lazy("must be an object"),
    "model_type": gettext_lazy("must be an object"),
    "model_attributes_type": gettext_lazy("must be an object"),
    "too_long": gettext_lazy("must have at most %(max_length)s entries"),
    "too_short": gettext_lazy("must have at least %(min_length)s entries"),
    "greater_than_equal": gettext_lazy("must be at least %(ge)s"),
    "less_than_equal": gettext_lazy("must be at most %(le)s"),
    "uuid_type": gettext_lazy("must be a UUID"),
    "uuid_parsing": gettext_lazy("must be a UUID"),
    "literal_error": gettext_lazy("must be %(expected)s"),
    "enum": gettext_lazy("must be %(expected)s"),
    "timezone_aware": gettext_lazy("must name its zone, like 2026-10-01T00:00:00Z"),
    "datetime_type": gettext_lazy("must be an instant, like 2026-10-01T00:00:00Z"),
    "datetime_parsing": gettext_lazy("must be an instant, like 2026-10-01T00:00:00Z"),
    "datetime_from_date_parsing": gettext_lazy("must be an instant, like 2026-10-01T00:00:00Z"),
    "date_type": gettext_lazy("must be a day, like 2026-10-01"),
    "date_parsing": gettext_lazy("must be a day, like 2026-10-01"),
    "date_from_datetime_parsing": gettext_lazy("must be a day, like 2026-10-01"),
    "date_from_datetime_inexact": gettext_lazy("must be a day, like 2026-10-01"),
}


def worded(error: Mapping[str, Any]) -> dict[str, str]:
    """One finding for the problem document.

    Args:
        error: as pydantic lists it, the place prefixed with ``body`` and the body's name, or with ``query``,
            ``path`` or ``header``. Its values are of any type.

    Returns:
        ``detail`` with the place and what is wrong there; ``pointer`` (RFC 6901) into the body or ``parameter``;
        ``code``, which is pydantic's own name for the fault.
    """
    source, *place = [str(part) for part in error["loc"]]
    sentence = _sentence(error)
    if source == "body":
        pointer = "".join(pointer_segment(part) for part in place[1:])
        shown = pointer or _("the body")
        return {"detail": _placed(shown, sentence), "pointer": pointer, "code": error["type"]}
    name = ".".join(place)
    return {"detail": _placed(name, sentence), "parameter": name, "code": error["type"]}


def _placed(place: str, sentence: str) -> str:
    # Translators: the place in a request, and what is wrong there
    return _("%(place)s: %(problem)s") % {"place": place, "problem": sentence}


def _sentence(error: Mapping[str, Any]) -> str:
    known = _SENTENCES.get(error["type"])
    if known is None:
        return _("is not valid here")
    context: dict[str, object] = dict(error.get("ctx", {}))
    if "expected" in context:
        # pydantic joins the words in English: 'a', 'b' or 'c'
        context["expected"] = either(_QUOTED.findall(str(context["expected"])))
    return str(known) % context
