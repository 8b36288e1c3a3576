"""What this room refuses, and why."""

from __future__ import annotations

__all__ = ["AgreementError", "DocumentRefused", "StepRefused"]


class AgreementError(ValueError):
    """An act on an agreement that cannot be done as asked."""

    code = "agreement-refused"


class DocumentRefused(AgreementError):
    """An agreement's document that cannot be taken.

    Args:
        place: where, as a JSON pointer, for example ``/clauses/0/to``.
        message: what is wrong and how to mend it.
    """

    code = "document-refused"

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place or '/'}: {message}")
        self.place = place
        self.message = message


class StepRefused(AgreementError):
    """A step that the agreement's state, or the actor's part in it, does not allow.

    Args:
        code: stable code.
        message: why, and what would be possible.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
