"""The icons and the star, drawn for this interface: a box of 20, strokes of 1.5 with round ends, no fill."""

from __future__ import annotations

from typing import Final

__all__ = ["FLIPPED", "ICONS", "STAR"]

ICONS: Final[dict[str, str]] = {
    "home": '<path d="M3.5 9.2 10 3.8l6.5 5.4M5.2 8.2v8h9.6v-8M8.3 16.2v-4.4h3.4v4.4"/>',
    "agreement": '<path d="M5 3h6.8L15 6.2V17H5zM11.5 3v3.5H15M7.5 9.5h5M7.5 12h5M7.5 14.5h3"/>',
    "partners": (
        '<circle cx="10" cy="5" r="2"/><circle cx="4.8" cy="15" r="2"/><circle cx="15.2" cy="15" r="2"/>'
        '<path d="M9.1 6.8 5.7 13.2M10.9 6.8l3.4 6.4M6.8 15h6.4"/>'
    ),
    "intelligence": (
        '<circle cx="10" cy="10" r="5.6"/><circle cx="10" cy="10" r="2.2"/>'
        '<path d="M10 2.2v3.4M10 14.4v3.4M2.2 10h3.4M14.4 10h3.4"/>'
    ),
    "object": '<path d="M10 3.2 16 6.6v6.8l-6 3.4-6-3.4V6.6zM4.2 6.7 10 10l5.8-3.3M10 10v6.6"/>',
    "drill": '<path d="M10 2.8 16 5v4.6c0 3.6-2.4 6.3-6 7.6-3.6-1.3-6-4-6-7.6V5zM7.4 9.8l1.9 1.9 3.4-3.6"/>',
    "calendar": (
        '<path d="M3.6 4.8h12.8v12H3.6zM3.6 8.6h12.8M7 3v3.2M13 3v3.2M6.6 11.6h1.6M11.8 '
        '11.6h1.6M6.6 14.2h1.6"/>'
    ),
    "campaign": (
        '<path d="M3.2 8.4v3.4l2.6.4L14 15.6V4.6L5.8 8zM5.8 8v4.2M6.4 12.4l1 4h2l-.8-3.2M16.4 8.2v3.6"/>'
    ),
    "people": (
        '<circle cx="7.4" cy="6.6" r="2.8"/><path d="M2.4 16.4c.2-3.2 2-5 5-5s4.8 1.8 5 5M12.6 4.2a2.8 2.8 0 0 1 0 4.9'
        'M14 11.9c2.2.5 3.4 2 3.6 4.5"/>'
    ),
    "person": '<circle cx="10" cy="6.6" r="3.2"/><path d="M3.8 17c.3-3.6 2.5-5.6 6.2-5.6s5.9 2 6.2 5.6"/>',
    "audit": '<path d="M5 3.4h10v13.2H5zM7.4 6.8h5.2M7.4 10h5.2M7.4 13.2h3M3 6.8h2M3 10h2M3 13.2h2"/>',
    "bell": (
        '<path d="M10 3c-2.8 0-4.4 2-4.4 4.8 0 4-1.6 5-1.6 6h12c0-1-1.6-2-1.6-6C14.4 5 '
        '12.8 3 10 3zM8.4 16.2a1.7 1.7 0 0 0 3.2 0"/>'
    ),
    "import": '<path d="M10 3v8.6M6.6 8.4 10 11.8l3.4-3.4M3.6 12.6v4h12.8v-4"/>',
    "download": '<path d="M10 3v8.6M6.6 8.4 10 11.8l3.4-3.4M4 16.6h12"/>',
    "print": '<path d="M6 7.4V3h8v4.4M6 14H3.6V7.4h12.8V14H14M6 11.6h8V17H6z"/>',
    "search": '<circle cx="8.8" cy="8.8" r="5.2"/><path d="m12.8 12.8 4 4"/>',
    "globe": (
        '<circle cx="10" cy="10" r="7"/><path d="M3 10h14M10 3c-2.4 2-3.4 4.4-3.4 7s1 5 '
        '3.4 7c2.4-2 3.4-4.4 3.4-7S12.4 5 10 3z"/>'
    ),
    "menu": '<path d="M3.4 5.4h13.2M3.4 10h13.2M3.4 14.6h13.2"/>',
    "close": '<path d="m5 5 10 10M15 5 5 15"/>',
    "check": '<path d="m4 10.4 4 4L16 5.8"/>',
    "alert": '<path d="M10 3.4 17.4 16H2.6zM10 8.2v3.6M10 13.8v.2"/>',
    "info": '<circle cx="10" cy="10" r="7"/><path d="M10 9.2v4.4M10 6.4v.2"/>',
    "help": (
        '<circle cx="10" cy="10" r="7"/>'
        '<path d="M7.9 8.1a2.1 2.1 0 1 1 3.2 1.8c-.7.4-1.1.9-1.1 1.7M10 13.6v.2"/>'
    ),
    "clock": '<circle cx="10" cy="10" r="7"/><path d="M10 5.8V10l2.8 2"/>',
    "seal": (
        '<path d="m10 2.6 1.9 1.5 2.4-.1.7 2.3 2 1.4-.9 2.3.9 2.3-2 1.4-.7 2.3-2.4-.1-1.9 1.5-1.9-1.5-2.4.1-.7-2.3-2'
        '-1.4.9-2.3L3 7.7l2-1.4L5.7 4l2.4.1z"/><path d="m7.2 10.2 2 2 3.6-3.9"/>'
    ),
    "eye": (
        '<path d="M2.4 10S5 4.8 10 4.8 17.6 10 17.6 10 15 15.2 10 15.2 2.4 10 2.4 '
        '10z"/><circle cx="10" cy="10" r="2.2"/>'
    ),
    "lock": '<path d="M4.6 9h10.8v7.6H4.6zM7 9V6.4a3 3 0 0 1 6 0V9"/>',
    "key": '<circle cx="6.6" cy="13.4" r="3.2"/><path d="m9 11 7.4-7.4M13 7l2.6 2.6M10.8 9.2l1.8 1.8"/>',
    "phone": '<path d="M6 2.8h8v14.4H6zM9 14.6h2"/>',
    "copy": '<path d="M7.4 7.4h9v9h-9zM4.8 12.6H3.6v-9h9v1.2"/>',
    "plus": '<path d="M10 4v12M4 10h12"/>',
    "edit": '<path d="m4 16 .8-3.4 8.6-8.6 2.6 2.6-8.6 8.6zM11.6 5.8l2.6 2.6"/>',
    "remove": '<path d="M4 5.6h12M8 5.6V3.4h4v2.2M5.6 5.6l.8 11h7.2l.8-11M8.4 8.6v5M11.6 8.6v5"/>',
    "link": (
        '<path d="M8.4 11.6 11.6 8.4M9.4 6.2l1.8-1.8a3.1 3.1 0 0 1 4.4 4.4l-1.8 1.8M10.6 '
        '13.8l-1.8 1.8a3.1 3.1 0 0 1-4.4-4.4l1.8-1.8"/>'
    ),
    "filter": '<path d="M3.4 5.6h13.2M6 10h8M8.4 14.4h3.2"/>',
    "settings": (
        '<path d="M3.4 6.4h7M14 6.4h2.6M3.4 13.6h2.6M9.6 13.6h7"/><circle cx="12.2" '
        'cy="6.4" r="1.8"/><circle cx="7.8" cy="13.6" r="1.8"/>'
    ),
    "arrow": '<path d="M3.6 10h12.8M11.8 5.4 16.4 10l-4.6 4.6"/>',
    "return": '<path d="M7.8 4.6 4 8.4l3.8 3.8M4 8.4h7.4a4.4 4.4 0 0 1 4.4 4.4v2.6"/>',
    "chevron": '<path d="m7.6 4.8 5.2 5.2-5.2 5.2"/>',
    "fold": '<path d="M3.4 4.2h13.2v11.6H3.4zM8 4.2v11.6M13.4 7.8 11.2 10l2.2 2.2"/>',
    "down": '<path d="m4.8 7.6 5.2 5.2 5.2-5.2"/>',
    "up": '<path d="m4.8 12.8 5.2-5.2 5.2 5.2"/>',
    "sign-out": '<path d="M11.6 3.6H4.6v12.8h7M8.6 10h8.2M13.8 7l3 3-3 3"/>',
    "ring": '<circle cx="10" cy="10" r="5.6"/>',
    "half": '<circle cx="10" cy="10" r="5.6"/><path d="M10 4.4v11.2"/>',
    "pause": '<path d="M7.2 4.6v10.8M12.8 4.6v10.8"/>',
    "dash": '<path d="M4.6 10h10.8"/>',
    "dot": '<circle cx="10" cy="10" r="2"/>',
}

# pictures of a direction turn with the direction of reading; searches, clocks and checks do not
FLIPPED: Final = frozenset({"arrow", "return", "chevron", "campaign", "fold", "sign-out"})

_SQUARES = (
    '<rect x="6.8" y="6.8" width="18.4" height="18.4"/>'
    '<rect x="6.8" y="6.8" width="18.4" height="18.4" transform="rotate(45 16 16)"/>'
)
_OCTAGON = '<path d="M13.9 11h4.2L21 13.9v4.2L18.1 21h-4.2L11 18.1v-4.2z"/>'

# the mark, in a box of 32 with strokes of 1.3
STAR: Final = f'{_SQUARES}{_OCTAGON}<circle class="star-dot" cx="16" cy="16" r="1.7"/>'
