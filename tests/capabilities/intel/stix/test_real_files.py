"""The real files, with exact counts: what is read today must be read tomorrow."""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from taawun.capabilities.intel.stix import Reading, ReadingRefused, read
from taawun.foundation.tlp import Tlp

# The types that tell most, and the issues by code, of every readable event file.
EVENTS: dict[str, tuple[int, int, int, dict[str, int]]] = {
    "cloudmensis__cloudmensis.misp.json": (28, 3, 3, {"misp-unmapped": 5}),
    "dukes__misp-dukes-operation-ghost-event.json": (222, 88, 0, {"misp-unmapped": 13}),
    "kryptocibule__misp-kryptocibule.json": (317, 123, 0, {"misp-unmapped": 68}),
    "mozi__mozi.misp-event.json": (232, 32, 32, {"misp-unmapped": 15, "misp-warning": 1}),
    "sshdoor__misp-events__akiva.json": (10, 3, 0, {"misp-unmapped": 2}),
    "sshdoor__misp-events__atollon.json": (15, 6, 0, {"misp-unmapped": 1}),
    "sshdoor__misp-events__batuu.json": (16, 6, 0, {"misp-unmapped": 2}),
    "sshdoor__misp-events__bespin.json": (7, 2, 0, {"misp-unmapped": 1}),
    "sshdoor__misp-events__borleias.json": (8, 2, 0, {"misp-unmapped": 1}),
    "sshdoor__misp-events__chandrila.json": (12, 4, 0, {"misp-unmapped": 1}),
    "sshdoor__misp-events__coruscant.json": (10, 3, 0, {"misp-unmapped": 1}),
    "sshdoor__misp-events__endor.json": (53, 19, 0, {"misp-unmapped": 12}),
    "sshdoor__misp-events__jakku.json": (13, 4, 0, {"misp-unmapped": 2}),
    "sshdoor__misp-events__kamino.json": (21, 8, 0, {"misp-unmapped": 3}),
    "sshdoor__misp-events__kessel.json": (14, 4, 0, {"misp-unmapped": 4}),
    "sshdoor__misp-events__mimban.json": (23, 9, 0, {"misp-unmapped": 2}),
    "sshdoor__misp-events__onderon.json": (48, 18, 0, {"misp-unmapped": 10}),
    "swc-candiru__swc-candiru_misp.json": (191, 47, 6, {"misp-unmapped": 32, "misp-warning": 1}),
    "winter_vivern__misp-wintervivern.event.json": (46, 6, 4, {"misp-unmapped": 3, "misp-warning": 1}),
}


def counted(reading: Reading) -> Counter[str]:
    return Counter(each.type for each in reading.objects)


@pytest.mark.slow
def test_attack_enterprise_of_stix_2_0_is_taken_whole(data_dir: Path):
    data = gzip.decompress((data_dir / "attack" / "enterprise-attack-stix20.json.gz").read_bytes())
    reading = read(data, default_tlp=Tlp.CLEAR)
    objects = list(reading.objects)
    assert (reading.format, len(objects), len(reading.issues)) == ("stix-2.0", 24771, 0)
    assert Counter(each.type for each in objects) == {
        "relationship": 20048,
        "x-mitre-analytic": 1739,
        "attack-pattern": 835,
        "malware": 696,
        "x-mitre-detection-strategy": 691,
        "course-of-action": 268,
        "intrusion-set": 187,
        "x-mitre-data-component": 109,
        "tool": 91,
        "campaign": 52,
        "x-mitre-data-source": 38,
        "x-mitre-tactic": 14,
        "identity": 1,
        "marking-definition": 1,
        "x-mitre-matrix": 1,
    }
    # The one marking is a statement, which is no level.
    assert Counter((each.tlp, each.is_marked) for each in objects) == {(Tlp.CLEAR, False): 24771}
    assert all(each.received and each.value["spec_version"] == "2.1" for each in objects)
    assert {each.value["is_family"] for each in objects if each.type == "malware"} == {False}
    assert sum(len(each.refs) for each in objects) == 91387


def test_attack_ics_of_stix_2_1_is_taken_as_it_was_written(data_dir: Path):
    data = gzip.decompress((data_dir / "attack" / "ics-attack-18.1.json.gz").read_bytes())
    text = data.decode()
    reading = read(data, default_tlp=Tlp.GREEN)
    objects = list(reading.objects)
    assert (reading.format, len(objects), len(reading.issues)) == ("stix-2.1", 1826, 0)
    assert all(each.received == "" and each.text in text for each in objects)
    assert Counter(each.type for each in objects)["relationship"] == 1373


@pytest.mark.parametrize("name", EVENTS)
def test_a_misp_event_is_taken_with_every_attribute_accounted_for(data_dir: Path, name: str):
    reading = read((data_dir / "misp-events" / name).read_bytes(), default_tlp=Tlp.GREEN, name=name)
    types = counted(reading)
    codes = Counter(issue.code for issue in reading.issues)
    assert (reading.format, reading.issues.errors) == ("misp", 0)
    assert (types.total(), types["observed-data"], types["indicator"], dict(codes)) == EVENTS[name]


def test_every_event_file_is_in_the_table(data_dir: Path):
    files = {path.name for path in (data_dir / "misp-events").glob("*.json")}
    assert files - EVENTS.keys() == {"pypi_backdoor__malicious_pypi_packages.misp-event.json"}


def test_the_event_that_was_published_broken_is_refused_with_line_and_column(data_dir: Path):
    path = data_dir / "misp-events" / "pypi_backdoor__malicious_pypi_packages.misp-event.json"
    with pytest.raises(ReadingRefused) as refused:
        read(path.read_bytes(), default_tlp=Tlp.GREEN, name=path.name)
    place = (refused.value.line, refused.value.column)
    assert refused.value.code == "not-json"
    # A comma before the closing bracket: newer versions of Python point to the comma, older ones behind it.
    assert place in {(37374, 9), (37373, 12)}
    assert f"Line {place[0]}, column {place[1]}" in str(refused.value)


def test_an_event_gives_the_same_bytes_at_every_reading(data_dir: Path):
    data = (data_dir / "misp-events" / "mozi__mozi.misp-event.json").read_bytes()
    one, two = ([each.text for each in read(data, default_tlp=Tlp.GREEN).objects] for _ in range(2))
    assert one == two
