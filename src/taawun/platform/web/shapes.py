"""The base of every shape that the machine interface takes or answers, and values that are taken only as written.

Left to itself pydantic takes ``0`` for a Boolean, ``"5"`` for a number, and a number for an instant (seconds since
1970): a mistake of the caller's would be stored as something else that they never said.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, LiteralString

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Strict
from pydantic_core import PydanticCustomError

__all__ = ["Day", "Flag", "Instant", "Schema", "Whole"]

_DATED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Schema(BaseModel):
    """A shape of the machine interface.

    Answers are made here by name, never read from rows: ninja's own ``Schema`` looks up every member of every row
    through a getter for Django's objects, which was a third of what a list of a hundred rows cost.
    """


def _dated(code: LiteralString) -> BeforeValidator:
    """Refuse, as pydantic's error ``code``, a text that does not begin with a year, a month and a day, or a number."""

    def check(value: object) -> object:
        if isinstance(value, (bool, int, float)) or (isinstance(value, str) and not _DATED.match(value)):
            raise PydanticCustomError(code, "must be written as a date")
        return value

    return BeforeValidator(check)


Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Instant = Annotated[AwareDatetime, _dated("datetime_type")]
Day = Annotated[date, _dated("date_type")]
