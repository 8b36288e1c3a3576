"""What this room refuses, and why."""

from __future__ import annotations

__all__ = ["EditedMeanwhile", "ImportRefused", "IntelError", "ReportRefused", "SightingRefused"]


class IntelError(ValueError):
    """An act on intelligence that cannot be done as asked.

    Args:
        code: stable code.
        message: why, and the mend.
        field: the form field it is about, or empty.
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class ImportRefused(IntelError):
    """A file that is not taken; nothing was stored.

    Args:
        code: stable code, from the reader.
        message: what is wrong and where.
        line: from 1; 0 where there is no place to point to.
        column: from 1; 0 likewise.
        pointer: JSON pointer of the place, as far as it is known.
    """

    def __init__(self, code: str, message: str, *, line: int = 0, column: int = 0, pointer: str = "") -> None:
        super().__init__(code, message, "file")
        self.line = line
        self.column = column
        self.pointer = pointer


class ReportRefused(IntelError):
    """A report, or a step with it, that cannot be."""


class EditedMeanwhile(ReportRefused):
    """Somebody else changed the report since it was read."""


class SightingRefused(IntelError):
    """A sighting that makes no sense."""
