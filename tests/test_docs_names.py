"""What the pages for developers name exists: every path, every dotted name, every function and class."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.partners.exchange.messages import MessageKind
from taawun.platform.registry import registry

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "src" / "taawun"
PAGES = [CHECKOUT / "docs" / "where-does-a-file-go.md", CHECKOUT / "docs" / "architecture.md"]
# where a path of a page may begin; a capability is told by the one to imitate
WINGS = ("capabilities", "cooperation", "platform", "capabilities/intel")
ROOTS = [CHECKOUT, PACKAGE, *(PACKAGE / wing for wing in WINGS)]
PREFIXES = ["", "taawun.", "taawun.cooperation.", "taawun.capabilities.", "taawun.capabilities.intel."]
# said to be made later, or names of an example
NOT_HERE = {
    "engines/",
    "src/taawun/a/b.py",
    "tests/a/test_b.py",
    "utils",
    "helpers",
    "common",
    "pattern",
    "prev",
}

PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
NAME = re.compile(r"[A-Za-z_]\w{2,}")


def named(page: Path) -> Iterator[str]:
    """What stands in backticks on a page, without arguments."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for found in re.findall(r"`([^`\n]+)`", text):
        plain = re.sub(r"\(.*\)$", "", found)
        if plain not in NOT_HERE:
            yield plain


@cache
def everything() -> str:
    files = [*sorted(PACKAGE.rglob("*.py")), CHECKOUT / "tests" / "addresses.py"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def is_path_here(path: str) -> bool:
    if path.endswith("/"):
        return any((root / path).is_dir() for root in ROOTS)
    # a file that has grown is a folder of the same name
    return any(
        (root / path).exists() or (root / path).with_suffix("").is_dir() or (root / f"{path}.py").exists()
        for root in ROOTS
    )


def is_kind(name: str) -> bool:
    return registry.find(MessageKind, name) is not None or registry.find(ReleaseKind, name) is not None


def is_name_here(name: str) -> bool:
    if is_kind(name):
        return True
    first, _dot, rest = name.partition(".")
    if first[0].isupper():
        return bool(
            re.search(rf"^class {first}\b", everything(), re.MULTILINE)
            and re.search(rf"^    def {rest}\b", everything(), re.MULTILINE)
        )
    return any(is_attribute(prefix + name) for prefix in PREFIXES)


def is_attribute(name: str) -> bool:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def is_defined(name: str) -> bool:
    definition = rf"^\s*(?:class|def) {name}\b|^{name}(?:: [^=]+)? =|[\"'.]{name}\b|\b{name}:"
    return bool(re.search(definition, everything(), re.MULTILINE)) or any(
        (root / name).exists() for root in ROOTS
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_path_on_the_page_is_here(page: Path) -> None:
    paths = {
        name
        for name in named(page)
        if PATH.fullmatch(name)
        and ("/" in name or name.endswith((".py", ".md", ".toml")))
        # a room of any capability
        and name not in {"apps.py", "exchange.py"}
    }

    assert len(paths) > 5
    assert (
        sorted(name for name in paths if not is_path_here(name) and not (CHECKOUT / ".venv" / name).exists())
        == []
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_dotted_name_on_the_page_is_here(page: Path) -> None:
    names = {
        name for name in named(page) if DOTTED.fullmatch(name) and not name.endswith((".py", ".md", ".toml"))
    }

    assert names
    assert sorted(name for name in names if not is_name_here(name)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_single_name_on_the_page_is_defined_somewhere(page: Path) -> None:
    names = {name for name in named(page) if NAME.fullmatch(name)}

    assert len(names) > 5
    assert sorted(name for name in names if not is_defined(name)) == []


@pytest.mark.parametrize(
    ("name", "is_here"),
    [
        ("agreements.decide", False),
        ("Policy.decide", True),
        ("federation.actions.publish", True),
        ("federation.publish", False),
        ("agreement.proposed", True),
    ],
)
def test_a_name_that_is_here_is_told_from_one_that_is_not(name: str, is_here: bool) -> None:
    assert is_name_here(name) is is_here


def test_a_path_that_is_here_is_told_from_one_that_is_not() -> None:
    assert is_path_here("intel/actions/")
    assert is_path_here("intel/rules.py")
    assert not is_path_here("intel/tasks.py")
    assert not is_path_here("intel/tasks/")
