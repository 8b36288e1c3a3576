"""What a room registers so that its pages and its part of the machine interface are served.

The node iterates over these, and so knows a room by its registration only.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LargeBodies", "Operations", "Pages"]


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a room.

    Args:
        name: the first part of their addresses below the language: ``intel`` for ``/en/intel/…``.
        module: the module with their ``urlpatterns``, dotted.
    """

    name: str
    module: str


@dataclass(frozen=True, slots=True)
class Operations:
    """What a room adds to ``/api/v1/``.

    Args:
        name: the room's name.
        module: the module with its ninja ``router`` and, where it raises errors of its own, ``ERRORS``, dotted.
        door: the :class:`~taawun.platform.web.bearer.TokenDoor` whose tokens open these addresses.
    """

    name: str
    module: str
    door: str = "people"


@dataclass(frozen=True, slots=True)
class LargeBodies:
    """Addresses that take files: their bodies may be as large as ``TAAWUN_MAX_UPLOAD_BYTES`` says.

    Args:
        name: unique, for example ``intel.imports``.
        path: what such an address has in its path, for example ``/intel/imports``.
    """

    name: str
    path: str
