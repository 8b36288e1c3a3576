"""What this room refuses, and why."""

from __future__ import annotations

__all__ = ["GuestRefused", "NobodyReceives", "ReleaseError", "ReleaseRefused"]


class ReleaseError(ValueError):
    """An act on a release that cannot be done as asked."""

    code = "release-refused"


class NobodyReceives(ReleaseError):
    """No clause in force lets anybody have this; nothing was published."""

    code = "nobody-receives"


class ReleaseRefused(ReleaseError):
    """A release that cannot be published or withdrawn as it is.

    Args:
        code: stable code.
        message: why, and the mend.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class GuestRefused(ReleaseError):
    """A token that cannot be made for a guest as asked.

    Args:
        code: stable code.
        message: why, and the mend.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
