"""The house's own rules about its code that no linter holds."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
EXCEPTION = re.compile(r"# (?:noqa: [A-Z0-9]+(?:, [A-Z0-9]+)*|type: ignore\[[a-z, -]+\])")


def test_every_exception_to_a_rule_has_its_reason_beside_it() -> None:
    folders = ("src", "tests", "benchmarks", "tools")
    bare = []
    for path in sorted(path for folder in folders for path in (CHECKOUT / folder).rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            # of two on one line the last bears the reason for both
            found = list(EXCEPTION.finditer(line))
            if found and not re.search(r"[A-Za-z]{3}", line[found[-1].end() :]):
                bare.append(f"{path.relative_to(CHECKOUT)}:{number}")

    assert bare == []


def test_no_file_is_longer_than_600_lines() -> None:
    long = [
        f"{path.relative_to(CHECKOUT)}: {count}"
        for path in sorted((CHECKOUT / "src").rglob("*.py"))
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 600
    ]

    assert long == []
