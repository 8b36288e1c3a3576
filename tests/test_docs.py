"""The documentation builds, without a dead link and without a request elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from taawun.node.cli import COMMANDS

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")]
# what makes a browser fetch something, as opposed to a link that a person may follow
FETCHES = re.compile(
    r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)\s*=\s*["']?(?:https?:)?//[^"'>\s]+"""
    r"""|url\(\s*["']?(?:https?:)?//[^)]+|@import\s+["'](?:https?:)?//[^"']+""",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("text", "fetches"),
    [
        ('<script src="https://cdn.example/x.js">', True),
        ("<link rel=stylesheet href=//cdn.example/x.css>", True),
        ('<img alt="a" src="http://cdn.example/x.png">', True),
        ("@import 'https://fonts.example/css';", True),
        ("src: url(https://fonts.example/x.woff2)", True),
        ('<a href="https://www.rfc-editor.org/rfc/rfc9421">RFC 9421</a>', False),
        ('<script src="js/base.js">', False),
    ],
)
def test_a_request_elsewhere_is_told_from_a_link(text: str, fetches: bool):
    assert bool(FETCHES.search(text)) is fetches


def test_the_site_builds_and_asks_no_one_else(tmp_path: Path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    pages = [path for path in tmp_path.rglob("*") if path.suffix in {".html", ".css"}]
    assert len(pages) > 5
    found = {path.name: FETCHES.findall(path.read_text(encoding="utf-8")) for path in pages}
    assert {name: fetched for name, fetched in found.items() if fetched} == {}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_between_the_files_of_the_checkout_lead_somewhere(page: str):
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)

    assert [target for target in targets if not (CHECKOUT / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^\s*\$ |^)(?:\./)?taawun ([a-z]+)", text, re.MULTILINE))

    assert named - {name for name, _module, _line in COMMANDS} == set()


def test_every_document_that_the_code_cites_is_here():
    cited = {
        (path.relative_to(CHECKOUT).as_posix(), name)
        for folder in ("src", "tests", "benchmarks", "tools")
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and path.suffix in {".py", ".html", ".css", ".js", ""}
        for name in re.findall(r"\b[\w./-]*\w\.md\b", path.read_text(encoding="utf-8"))
    }

    # a path may be put together of its parts
    here = {name for page in PAGES for name in (page.name, page.relative_to(CHECKOUT).as_posix())}

    assert cited
    assert sorted(place for place in cited if place[1] not in here) == []
