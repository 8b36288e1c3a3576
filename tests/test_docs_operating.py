"""What the page for operators says to choose stands on the pages of a node, in these words."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.pofile import read_po

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "operating.md"
CATALOGUE = CHECKOUT / "src" / "taawun" / "locale" / "fr" / "LC_MESSAGES" / "django.po"


def _shown() -> set[str]:
    """What a node shows in English, with … for what is put into it."""
    with CATALOGUE.open("rb") as file:
        return {
            re.sub(r"%\(\w+\)s", "…", each.id)
            for each in read_po(file)
            if each.id and isinstance(each.id, str)
        }


def test_what_is_to_be_chosen_on_a_page_is_called_so_there() -> None:
    text = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))
    captions = set(re.findall(r"(?<![*\w])\*([^*]+)\*(?![*\w])", text))

    assert {"Restart this lane…", "Take in the chosen", "Add a partner…"} <= captions
    assert sorted(captions - _shown()) == []
