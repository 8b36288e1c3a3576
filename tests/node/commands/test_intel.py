"""`taawun intel`: files in, a bundle out, and what a script can tell by exit code and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taawun.capabilities.intel.models import Import, StixObject
from tests.capabilities.intel.factories import indicator
from tests.capabilities.intel.stix.examples import bundle

if TYPE_CHECKING:
    from pathlib import Path

    from taawun.cooperation.people.models import Organisation
    from tests.node.commands.console import Console

pytestmark = pytest.mark.django_db

NOTHING = dict.fromkeys(
    ("new", "known", "differing", "refused", "errors", "warnings", "remarks", "not_listed"), 0
)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file with two indicators."""
    place = tmp_path / "sound.json"
    place.write_bytes(bundle(indicator(1), indicator(2)))
    return place


# ---- import -----------------------------------------------------------------------------------------------------


def test_an_import_that_fails_for_good_is_told_in_words_and_numbers(
    node: Organisation, console: Console, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr("taawun.capabilities.intel.actions.importing.store", fail)
    ended = console.run("intel", "import", "--tlp", "GREEN", str(sound))
    assert ended.code == 1
    assert ended.out == (
        "sound.json: failed; 0 new, 0 known, 0 refused, 0 warnings\n"
        "  error: This node failed at the file; its log says why. Nothing of it was kept. Tell an administrator, and "
        "import it again.\n"
    )
    ended = console.run("intel", "import", "--tlp", "GREEN", "--json", str(sound))
    told = {"file": "sound.json", "state": "failed", "format": "stix-2.1", **NOTHING, "errors": 1}
    assert (ended.code, ended.json) == (1, told)
    assert not StixObject.objects.exists()
    assert {held.counts["errors"] for held in Import.objects.all()} == {1}
