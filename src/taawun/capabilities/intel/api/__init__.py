"""The machine face of intelligence: bring in, read, report, publish, sight.

Objects are joined from stored text, never built anew: that is exact, and a hundred times cheaper.
"""

from __future__ import annotations

from typing import Any, Final

from taawun.capabilities.intel.api import importing, objects, reports, sightings
from taawun.capabilities.intel.api.routing import router
from taawun.capabilities.intel.errors import EditedMeanwhile, ImportRefused, IntelError
from taawun.platform.web.api import ErrorAnswers, Refusal

__all__ = ["ERRORS", "importing", "objects", "reports", "router", "sightings"]


def _import_refused(refused: ImportRefused) -> Refusal:
    place: dict[str, Any] = {"line": refused.line, "column": refused.column} if refused.line else {}
    status = 413 if refused.code == "too-large" else 422
    return Refusal(status, refused.code, str(refused), pointer=refused.pointer, **place)


def _refused(refused: IntelError) -> Refusal:
    return Refusal(422, refused.code, str(refused), pointer=f"/{refused.field}" if refused.field else "")


ERRORS: Final[ErrorAnswers] = {
    ImportRefused: _import_refused,
    EditedMeanwhile: lambda refused: Refusal(412, refused.code, str(refused)),
    IntelError: _refused,
}
