"""The machine face of federation: who would receive something, what was given and received, and guests' tokens.

What guests themselves may ask stands in :mod:`.as_guest`, behind a door of its own.
"""

from __future__ import annotations

from typing import Final

from taawun.cooperation.federation.api import guests, public_again, releases
from taawun.cooperation.federation.api.releases import decided
from taawun.cooperation.federation.api.routing import router
from taawun.cooperation.federation.errors import ReleaseError
from taawun.platform.web.api import ErrorAnswers, Refusal

__all__ = ["ERRORS", "decided", "guests", "public_again", "releases", "router"]

ERRORS: Final[ErrorAnswers] = {ReleaseError: lambda refused: Refusal(409, refused.code, str(refused))}
