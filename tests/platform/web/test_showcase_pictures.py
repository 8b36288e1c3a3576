"""The page of components looks as it did when somebody last looked at it.

Each sheet is a picture, reduced to a mosaic of few cells, so that another version of a font or of the browser changes
little, and a component that lost its shape, its colour or its direction much. After a change that was looked at and is
meant: ``WRITE_PICTURES=yes .venv/bin/pytest tests/platform/web/test_showcase_pictures.py``.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cast import Cast

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Visit = Callable[..., Page]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pages"), pytest.mark.slow]

HERE: Final = Path(__file__).parent / "pictures"
COLUMNS, ROWS = 16, 8
# of 255: what all cells of a sheet differ by at the mean, and what one cell may differ by
MEAN, MOST = 5, 60
# how far the shape of a sheet may differ: lines break elsewhere with another font
SHAPE: Final = 0.3
_SHEETS: Final = """() => [...document.querySelectorAll("main .sheet")].map((sheet) => {
  const { x, y, width, height } = sheet.getBoundingClientRect();
  return [sheet.id || sheet.getAttribute("aria-label"), x + scrollX, y + scrollY, width, height];
})"""
_REDUCE: Final = """async ([picture, sheets, columns, rows]) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
  const pen = new OffscreenCanvas(columns, rows).getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  const reduced = ([name, x, y, width, height]) => {
    pen.drawImage(image, x, y, width, height, 0, 0, columns, rows);
    const cells = [...pen.getImageData(0, 0, columns, rows).data].filter((_, place) => place % 4 < 3);
    return [name, { shape: height / width, cells }];
  };
  return Object.fromEntries(sheets.map(reduced));
}"""


def _mosaics(page: Page) -> dict[str, dict[str, Any]]:
    # Any: JSON of a mosaic
    sheets = page.evaluate(_SHEETS)
    picture = base64.b64encode(page.screenshot(full_page=True, animations="disabled")).decode()
    # a page of our own forbids what this needs
    found: dict[str, dict[str, Any]] = page.context.new_page().evaluate(
        _REDUCE, [picture, sheets, COLUMNS, ROWS]
    )
    return found


def _difference(seen: dict[str, Any], known: dict[str, Any]) -> str:
    if abs(seen["shape"] / known["shape"] - 1) > SHAPE:
        return f"is {seen['shape']:.2f} as high as it is wide, and was {known['shape']:.2f}"
    apart = [abs(now - before) for now, before in zip(seen["cells"], known["cells"], strict=True)]
    mean = sum(apart) / len(apart)
    return f"differs by {mean:.1f}, at one place by {max(apart)}" if mean > MEAN or max(apart) > MOST else ""


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_each_component_looks_as_it_was_approved(visit: Visit, cast: Cast, language: str, theme: str) -> None:
    page = visit(f"/{language}/components/", cast.trainee, width=1280, theme=theme)
    seen = _mosaics(page)
    kept = HERE / f"components.{language}-{theme}.json"
    if os.environ.get("WRITE_PICTURES"):
        kept.write_text(
            json.dumps(seen, ensure_ascii=False, separators=(",", ":")).replace('},"', '},\n"') + "\n"
        )
    known = json.loads(kept.read_text())
    assert sorted(seen) == sorted(known)
    told = {name: difference for name in seen if (difference := _difference(seen[name], known[name]))}
    assert told == {}
