"""The table of settings in the documentation is complete and true."""

import re
from pathlib import Path

from taawun.node.environment import SETTINGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `(TAAWUN_[A-Z_]+)` \| (?:`([^`]*)`|empty) \| (.+) \|$", re.MULTILINE)


def test_every_setting_stands_in_the_documentation_with_its_default_and_purpose():
    documented = [(name, default, purpose) for name, default, purpose in ROW.findall(PAGE.read_text("utf-8"))]

    assert documented == [(setting.name, setting.default, setting.purpose) for setting in SETTINGS]
