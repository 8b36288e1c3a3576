"""The lock files name no index, and the documentation says why each dependency is here."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def pins(lock: str) -> dict[str, set[str]]:
    """The pinned versions of each package; more than one where they depend on the platform."""
    found: dict[str, set[str]] = {}
    for line in (CHECKOUT / lock).read_text(encoding="ascii").splitlines():
        pinned = re.match(r"([a-z0-9-]+)==([^ ;\\]+)", line)
        if pinned:
            found.setdefault(pinned[1], set()).add(pinned[2])
    return found


def documented(heading: str) -> list[str]:
    text = (CHECKOUT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    section = section.partition("\n### ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")]
    return rows[1:]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_nothing_else(lock: str):
    pin = re.compile(r"[a-z0-9-]+==[^ ;]+( ; [^\\]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = (CHECKOUT / lock).read_text(encoding="ascii").splitlines()

    assert [line for line in lines if not pin.fullmatch(line) and not digest.fullmatch(line)] == []
    assert pins(lock)


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        (LOCKS[0], PROJECT["project"]["dependencies"]),
        (LOCKS[1], PROJECT["dependency-groups"]["dev"]),
    ],
)
def test_every_dependency_is_locked(lock: str, requirements: list[str]):
    assert {name_of(requirement) for requirement in requirements} - pins(lock).keys() == set()


def test_both_locks_agree_on_what_they_share():
    run, develop = (pins(lock) for lock in LOCKS)

    assert {name for name in run.keys() & develop.keys() if not develop[name] <= run[name]} == set()


@pytest.mark.parametrize(
    ("heading", "requirements"),
    [
        ("Running a node", PROJECT["project"]["dependencies"]),
        ("Developing", PROJECT["dependency-groups"]["dev"]),
    ],
)
def test_every_dependency_is_documented_in_order(heading: str, requirements: list[str]):
    assert documented(heading) == sorted(name_of(requirement) for requirement in requirements)


def licence_of(package: str) -> str:
    """What its wheel says in one line; empty where the package is not for this machine."""
    try:
        told = metadata(package)
    except PackageNotFoundError:
        return ""
    classifiers = [each for each in told.get_all("Classifier") or [] if each.startswith("License")]
    # a whole text of a licence mentions others
    short = [
        each
        for each in (*(told.get_all("License") or []), *(told.get_all("License-Expression") or []))
        if each and len(each) < 100
    ]
    return " ".join(short + classifiers)


def test_every_package_of_a_node_whose_licence_asks_something_is_said():
    text = (CHECKOUT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = text.partition("\n### Licences")[2].partition("\n## ")[0]
    said = {line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")} - {
        "package"
    }
    asking = {name for name in pins(LOCKS[0]) if re.search(r"GPL|MPL|Mozilla|EUPL|CDDL", licence_of(name))}

    assert {"psycopg", "cpe", "pycountry"} <= asking
    assert said >= asking
    assert said <= pins(LOCKS[0]).keys()
