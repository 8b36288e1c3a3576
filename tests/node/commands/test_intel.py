"""`taawun intel`: files in, a bundle out, and what a script can tell by exit code and JSON."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING

import pytest

from taawun.capabilities.intel.models import Import, StixObject
from taawun.capabilities.intel.queries import ObjectFilters, objects
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import bring, indicator, marked
from tests.capabilities.intel.stix.examples import bundle, identifier, sco

if TYPE_CHECKING:
    from pathlib import Path

    from taawun.cooperation.people.models import Organisation
    from tests.cast import Cast
    from tests.node.commands.console import Console

pytestmark = pytest.mark.django_db

# without the time, which would give the tests another name each time
PACKED = gzip.compress(b"{}", mtime=0)
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


def test_an_import_tells_what_came_of_it(node: Organisation, console: Console, sound: Path) -> None:
    ended = console.run("intel", "import", "--tlp", "green", str(sound))
    assert (ended.code, ended.out) == (0, "sound.json: taken in; 2 new, 0 known, 0 refused, 0 warnings\n")
    ended = console.run("intel", "import", "--tlp", "GREEN", "--json", str(sound), str(sound))
    told = {"file": "sound.json", "state": "done", "format": "stix-2.1", **NOTHING, "known": 2}
    assert (ended.code, [json.loads(line) for line in ended.out.splitlines()]) == (0, [told, told])
    assert Import.objects.filter(person=None).count() == 3


def test_a_refused_object_is_a_finding_with_its_place(
    node: Organisation, console: Console, tmp_path: Path
) -> None:
    place = tmp_path / "half.json"
    place.write_bytes(bundle(indicator(1), {**indicator(2), "pattern": 7}))
    refused = console.run("intel", "import", "--tlp", "GREEN", str(place))
    assert (refused.code, refused.err) == (1, "")
    assert refused.out.startswith("half.json: refused; 0 new, 0 known, 1 refused, 0 warnings\n  error: line ")
    assert ", objects/1/pattern: " in refused.out
    partly = console.run("intel", "import", "--tlp", "GREEN", "--leave-out-refused", "--json", str(place))
    assert (partly.code, partly.json["state"], partly.json["new"], partly.json["refused"]) == (
        1,
        "done",
        1,
        1,
    )


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["in words", "as JSON"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "taawun: {} cannot be read: [Errno 2] No such file or directory: '{}'\n"),
        (b"\x1f\x8bjunk and more of it", "taawun: {} cannot be read: Unknown compression method\n"),
        (
            PACKED[:12],
            "taawun: {} cannot be read: Compressed file ended before the end-of-stream",
        ),
        (
            PACKED[:10] + b"\xff" * 9,
            "taawun: {} cannot be read: Error -3 while decompressing data",
        ),
        (b"{", "taawun: file.json: Line 1, column 2: this is not JSON"),
        (b'{"hello": "world"}', "taawun: file.json: This is an object, but not a STIX object"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_in_one_line(
    node: Organisation, console: Console, tmp_path: Path, form: list[str], content: bytes | None, told: str
) -> None:
    place = tmp_path / "file.json"
    if content is not None:
        place.write_bytes(content)
    ended = console.run("intel", "import", "--tlp", "GREEN", *form, str(place))
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith(told.format(place, place))


def test_a_compressed_file_and_standard_input_are_taken_too(
    node: Organisation, console: Console, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "packed.json.gz"
    packed.write_bytes(gzip.compress(sound.read_bytes()))
    assert console.run("intel", "import", "--tlp", "GREEN", "--json", str(packed)).json["new"] == 2
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sound.read_bytes())))
    assert console.run("intel", "import", "--tlp", "GREEN", "--json", "-").json["known"] == 2


# ---- whose it is ------------------------------------------------------------------------------------------------


def test_an_import_may_be_that_of_a_person(cast: Cast, console: Console, sound: Path) -> None:
    analyst = cast.analyst.row
    ended = console.run("intel", "import", "--tlp", "RED", "--person", analyst.email.upper(), str(sound))
    assert (ended.code, ended.err) == (0, "")
    assert Import.objects.get().person == analyst
    seen = {name: objects(member.actor, ObjectFilters()).count() for name, member in cast if member.person}
    assert {name: count for name, count in seen.items() if count} == {"analyst": 2}


def test_what_is_red_needs_the_person_who_may_read_it(
    node: Organisation, console: Console, sound: Path, tmp_path: Path
) -> None:
    ended = console.run("intel", "import", "--tlp", "RED", str(sound))
    told = "taawun: what is TLP:RED is for the person who imports it, and nobody is named; add --person E\n"
    assert (ended.code, ended.out, ended.err) == (2, "", told)
    assert not Import.objects.exists()
    inside = tmp_path / "inside.json"
    inside.write_bytes(bundle(marked(indicator(1), Tlp.RED)))
    ended = console.run("intel", "import", "--tlp", "GREEN", str(inside))
    assert (ended.code, ended.err) == (1, "")
    assert ", objects/0: TLP:RED is for the person who imports it, and nobody is named here." in ended.out
    assert not StixObject.objects.exists()


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("nobody", "taawun: nobody@cert.example is nobody on this node; invite them first\n"),
        ("former", "taawun: {} is nobody on this node; invite them first\n"),
        ("trainee", "taawun: "),
    ],
)
def test_a_person_who_is_not_here_or_may_not_imports_nothing(
    cast: Cast, console: Console, sound: Path, who: str, told: str
) -> None:
    person = dict(cast)[who].person
    email = person.email if person else "nobody@cert.example"
    ended = console.run("intel", "import", "--tlp", "RED", "--person", email, str(sound))
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith(told.format(email))
    assert not Import.objects.exists()


# ---- export -----------------------------------------------------------------------------------------------------


def test_an_export_is_one_bundle_up_to_a_marking(cast: Cast, console: Console) -> None:
    bring(
        marked(indicator(1), Tlp.GREEN),
        marked(indicator(2), Tlp.AMBER),
        sco("domain-name", 3, value="a.example"),
    )
    bring(marked(indicator(4), Tlp.AMBER_STRICT))
    bring(marked(indicator(5), Tlp.RED), actor=cast.analyst.actor)

    def exported(*options: str) -> set[str]:
        ended = console.run("intel", "export", *options)
        assert (ended.code, ended.err, ended.json["type"]) == (0, "", "bundle")
        return {each["id"] for each in ended.json.get("objects", [])}

    one, two, four = (identifier("indicator", number) for number in (1, 2, 4))
    three = identifier("domain-name", 3)
    assert exported() == {one, two, three}
    assert exported("--tlp-max", "GREEN") == {one, three}
    assert exported("--tlp-max", "AMBER+STRICT") == {one, two, three, four}
    assert exported("--type", "domain-name") == {three}
    assert exported("--text", "Indicator 2") == {two}
    assert exported("--text", "nothing of this kind") == set()
