import copy
import json
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from taawun.capabilities.intel.stix import misp, read
from taawun.capabilities.intel.stix.misp import convert
from taawun.capabilities.intel.stix.misp_events import events_in
from taawun.foundation.tlp import Tlp, from_stix_marking
from tests.capabilities.intel.stix.examples import codes, taken, uuid_of

ORGANISATION = uuid_of(0xAA)
SECONDS = "1700000000"
TIME = "2023-11-14T22:13:20.000Z"


def tags(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def attribute(number: int, type_: str = "domain", value: str = "a.example", **more: Any) -> dict[str, Any]:
    return {"uuid": uuid_of(number), "type": type_, "category": "Network activity", "value": value, **more}


def event(*attributes: Any, **more: Any) -> dict[str, Any]:
    return {
        "uuid": uuid_of(0xEE),
        "info": "An invented event",
        "date": "2023-11-14",
        "timestamp": SECONDS,
        "Orgc": {"name": "XN CERT", "uuid": ORGANISATION},
        "Attribute": list(attributes),
        **more,
    }


def file(value: Any) -> bytes:
    return json.dumps({"Event": value}).encode()


def levels(data: bytes, default_tlp: Tlp = Tlp.GREEN) -> dict[str, Tlp | None]:
    """The level of each object that carries one of its own; None where the default filled the gap."""
    found, _ = taken(data, default_tlp)
    return {each.stix_id: each.tlp if each.is_marked else None for each in found}


WRAPPINGS = [
    lambda one, two: [{"Event": one}, {"Event": two}],
    lambda one, two: {"response": [{"Event": one}, {"Event": two}]},
]


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_several_events_are_found_in_every_wrapping(wrap):
    second = event(attribute(2, value="b.example")) | {"uuid": uuid_of(0xEF)}
    found, reading = taken(json.dumps(wrap(event(attribute(1)), second)).encode())
    assert reading.format == "misp"
    assert [each.name for each in found if each.type == "domain-name"] == ["a.example", "b.example"]
    assert [each.name for each in found if each.type == "identity"] == ["XN CERT"]
    assert codes(reading) == []


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"Event": 1}, [("Event",)]),
        ({"response": {"Event": 1}}, [("response", "Event")]),
        ({"response": [{"Event": 1}, {"Event": 2}]}, [("response", 0, "Event"), ("response", 1, "Event")]),
        ([{"Event": 1}, {"x": 2}, {"Event": 3}], [(0, "Event"), (2, "Event")]),
        ({"response": [{"Attribute": []}]}, []),
        (7, []),
    ],
)
def test_the_way_to_each_event_is_known(document, paths):
    assert [path for path, _ in events_in(document)] == paths


def test_an_event_becomes_valid_stix_with_its_own_identifiers_and_times():
    found, reading = taken(file(event(attribute(1, to_ids=True, comment="C", timestamp="1700000001"))))
    assert sorted(each.stix_id for each in found) == [
        f"domain-name--{uuid_of(1)}",
        f"grouping--{uuid_of(0xEE)}",
        f"identity--{ORGANISATION}",
        f"indicator--{uuid_of(1)}",
        f"observed-data--{uuid_of(1)}",
        next(each.stix_id for each in found if each.type == "relationship"),
    ]
    by_type = {each.type: each for each in found}
    assert by_type["indicator"].name == "[domain-name:value = 'a.example']"
    assert by_type["indicator"].version == "2023-11-14T22:13:21Z".replace("Z", ".000Z")
    assert by_type["grouping"].version == TIME
    assert by_type["grouping"].name == "An invented event"
    assert all((each.line, each.received) == (0, "") for each in found)
    assert all(json.loads(each.text) == each.value for each in found)
    assert codes(reading) == []


def test_converting_twice_gives_the_same_bytes_even_where_the_event_names_nothing():
    bare = {
        "info": "x",
        "Orgc": {"name": "XN CERT", "uuid": ORGANISATION},
        "Attribute": [
            {"type": "domain", "category": "Network activity", "value": "a.example", "to_ids": True},
            {"type": "btc", "category": "Financial fraud", "value": "1"},
            {
                "type": "domain",
                "category": "Network activity",
                "value": "a.example",
                "Sighting": [{"type": "0"}],
            },
        ],
        "Object": [
            {"name": "file", "Attribute": [{"type": "filename", "object_relation": "filename", "value": "x"}]}
        ],
        "EventReport": [{"name": "r", "content": "c"}],
        "Galaxy": [
            {
                "name": "Tool",
                "type": "tool",
                "GalaxyCluster": [
                    {"type": "tool", "value": "T", "tag_name": 'misp-galaxy:tool="T"', "description": "d"}
                ],
            }
        ],
    }
    texts = []
    for _ in range(2):
        found, reading = taken(json.dumps({"Event": copy.deepcopy(bare)}).encode())
        texts.append([each.text for each in found])
        assert reading.issues.errors == 0
    assert texts[0] == texts[1]
    assert len(texts[0]) == len(set(texts[0]))
    assert all("1970-01-01T00:00:00" in text for text in texts[0] if '"modified"' in text)


def test_what_the_converter_makes_up_is_replaced_by_what_follows_from_the_event(monkeypatch):
    class Made:
        def __init__(self, value: dict[str, Any]) -> None:
            self.value = value

        def serialize(self) -> str:
            return json.dumps(self.value)

    class Inventive:
        warnings: ClassVar[dict[str, list[str]]] = {}
        errors: ClassVar[dict[str, list[str]]] = {}

        def parse_misp_event(self, misp_event: dict[str, Any]) -> None:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            tool, note = f"tool--{uuid4()}", f"note--{uuid4()}"
            times = {"spec_version": "2.1", "created": now, "modified": now}
            self.stix_objects = [
                Made({"type": "tool", "id": tool, "name": "T", **times}),
                Made({"type": "note", "id": note, "content": "C", "object_refs": [tool], **times}),
            ]

    monkeypatch.setattr(misp, "_parser_class", lambda: Inventive)
    one, two = (misp.convert({"Event": event()}).objects for _ in range(2))
    assert one == two
    tool, note = one
    assert note["object_refs"] == [tool["id"]]
    assert {tool["modified"], note["created"]} == {TIME}
    assert tool["id"] != note["id"].replace("note", "tool")


def test_what_was_completed_is_told():
    bare = event(attribute(1), {"type": "domain", "category": "Network activity", "value": "b.example"})
    del bare["timestamp"], bare["uuid"], bare["date"]
    assert codes(taken(file(bare))[1]) == [
        ("warning", "misp-undated", "Event"),
        ("info", "misp-completed", "Event"),
        ("info", "misp-completed", "Event/Attribute/1"),
    ]


@pytest.mark.parametrize(
    ("event_tags", "own_tags", "expected"),
    [
        ([], [], None),
        (["tlp:green"], [], Tlp.GREEN),
        (["tlp:white"], [], Tlp.CLEAR),
        (["TLP:AMBER"], [], Tlp.AMBER),
        (["tlp:amber+strict"], [], Tlp.AMBER_STRICT),
        (["tlp:clear", "tlp:red"], [], Tlp.RED),
        (["tlp:amber"], ["tlp:green"], Tlp.GREEN),
        (["tlp:green"], ["tlp:red"], Tlp.RED),
        ([], ["tlp:clear"], Tlp.CLEAR),
        ([], ["tlp:unheard-of"], Tlp.RED),
        (["tlp:unheard-of"], [], Tlp.RED),
        (["type:OSINT", 'osint:source-type="blog"'], [], None),
    ],
)
def test_the_level_of_an_attribute_is_its_own_tags_else_the_events(event_tags, own_tags, expected):
    found = levels(file(event(attribute(1, to_ids=True, Tag=tags(*own_tags)), Tag=tags(*event_tags))))
    for type_ in ("domain-name", "observed-data", "indicator"):
        assert found[f"{type_}--{uuid_of(1)}"] == expected, type_


@pytest.mark.parametrize(
    "properties",
    [
        {"Tag": {"name": "tlp:red"}},
        {"Tag": ["tlp:red"]},
        {"Tag": "tlp:red"},
        {"Tag": tags("tlp : red ")},
        {"EventTag": [{"Tag": {"name": "tlp:red"}}]},
        {"Tag": tags("tlp:clear"), "EventTag": [{"Tag": {"name": "tlp:red"}}]},
    ],
)
def test_a_level_is_found_however_an_export_nests_its_tags(properties):
    found = levels(file(event(attribute(1), **properties)), Tlp.CLEAR)
    assert found[f"domain-name--{uuid_of(1)}"] == Tlp.RED


def test_the_report_of_an_event_is_under_the_events_level_and_not_its_attributes():
    found = levels(file(event(attribute(1, Tag=tags("tlp:red")), Tag=tags("tlp:green"))))
    assert found[f"grouping--{uuid_of(0xEE)}"] == Tlp.GREEN
    assert found[f"domain-name--{uuid_of(1)}"] == Tlp.RED


def test_what_links_two_things_is_under_the_stricter_level_of_theirs():
    sighting = {"uuid": uuid_of(9), "type": "0", "date_sighting": SECONDS}
    red = attribute(1, to_ids=True, Tag=tags("tlp:red"), Sighting=[sighting])
    found = levels(file(event(red, attribute(2, to_ids=True), Tag=tags("tlp:clear"))))
    assert found[f"sighting--{uuid_of(9)}"] == Tlp.RED
    assert sorted(str(level) for name, level in found.items() if name.startswith("relationship")) == [
        str(Tlp.CLEAR),
        str(Tlp.RED),
    ]


def test_an_object_is_under_the_strictest_level_of_its_attributes():
    parts = [
        {
            "uuid": uuid_of(11),
            "type": "filename",
            "object_relation": "filename",
            "value": "x",
            "Tag": tags("tlp:clear"),
        },
        {
            "uuid": uuid_of(12),
            "type": "md5",
            "object_relation": "md5",
            "value": "a" * 32,
            "Tag": tags("tlp:amber"),
        },
    ]
    misp_object = {"uuid": uuid_of(10), "name": "file", "meta-category": "file", "Attribute": parts}
    found = levels(file(event(Object=[misp_object], Tag=tags("tlp:green"))))
    assert found[f"file--{uuid_of(10)}"] == Tlp.AMBER


def test_levels_are_written_with_the_markings_of_oasis_and_their_definitions_come_along():
    found, _ = taken(file(event(attribute(1, Tag=tags("tlp:red")), Tag=tags("tlp:amber"))))
    definitions = [each for each in found if each.type == "marking-definition"]
    assert [each.name for each in definitions] == ["TLP:AMBER", "TLP:RED"]
    used = {ref for each in found for ref in each.value.get("object_marking_refs", ())}
    assert used == {each.stix_id for each in definitions}
    assert {from_stix_marking(ref) for ref in used} == {Tlp.AMBER, Tlp.RED}


def test_an_unknown_tlp_tag_is_named():
    _, reading = taken(file(event(attribute(1, Tag=tags("x", "tlp:ex:chr")))))
    (issue,) = reading.issues
    assert (issue.severity, issue.code, issue.place) == (
        "warning",
        "misp-unknown-tlp",
        "Event/Attribute/0/Tag/1",
    )
    assert (
        issue.message
        == "The tag “tlp:ex:chr” is no TLP marking that is known; what it marks is held as TLP:RED."
    )


def test_an_attribute_without_a_form_in_stix_is_kept_and_named():
    found, reading = taken(file(event(attribute(1), attribute(2, "btc", "1A", category="Financial fraud"))))
    (kept,) = [each for each in found if each.type == "x-misp-attribute"]
    assert (kept.stix_id, kept.name) == (f"x-misp-attribute--{uuid_of(2)}", "1A")
    (issue,) = reading.issues
    assert (issue.severity, issue.code, issue.place) == ("warning", "misp-unmapped", "Event/Attribute/1")
    assert issue.params == {"kind": "attribute", "uuid": uuid_of(2), "type": "btc"}


def test_an_object_without_a_form_in_stix_is_kept_and_named():
    part = {"uuid": uuid_of(4), "type": "text", "object_relation": "text", "value": "x"}
    unknown = {"uuid": uuid_of(3), "name": "made-up", "meta-category": "misc", "Attribute": [part]}
    found, reading = taken(file(event(Object=[unknown])))
    assert f"x-misp-object--{uuid_of(3)}" in {each.stix_id for each in found}
    assert [(issue.code, issue.params["uuid"], issue.params["type"]) for issue in reading.issues] == [
        ("misp-unmapped", uuid_of(3), "made-up")
    ]


@pytest.mark.parametrize(
    ("type_", "value"), [("made-up", "x"), ("md5", "no hash"), ("ip-src", "no address"), ("domain", "")]
)
def test_an_attribute_that_is_not_taken_is_an_error_with_its_reason(type_, value):
    found, reading = taken(file(event(attribute(1), attribute(2, type_, value))))
    assert f"domain-name--{uuid_of(1)}" in {each.stix_id for each in found}
    (issue,) = reading.issues
    assert (issue.severity, issue.code, issue.place) == ("error", "misp-lost", "Event/Attribute/1")
    assert (issue.params["uuid"], issue.params["type"]) == (uuid_of(2), type_)


def test_what_is_deleted_stays_out():
    deleted = [attribute(2, value="b.example", deleted=True), attribute(3, value="c.example", deleted="1")]
    found, reading = taken(file(event(attribute(1), *deleted)))
    assert [each.name for each in found if each.type == "domain-name"] == ["a.example"]
    assert codes(reading) == [
        ("info", "misp-deleted", "Event/Attribute/1"),
        ("info", "misp-deleted", "Event/Attribute/2"),
    ]


def test_a_malware_sample_is_left_out_and_its_hash_taken():
    sample = attribute(1, "malware-sample", f"x.exe|{'a' * 32}", data="UEsDBA==", category="Payload delivery")
    found, reading = taken(file(event(sample)))
    assert codes(reading) == [("warning", "misp-sample", "Event/Attribute/0")]
    assert "UEsDBA==" not in "".join(each.text for each in found)
    assert [each.value["hashes"] for each in found if each.type == "file"] == [{"MD5": "a" * 32}]


@pytest.mark.parametrize("broken", [7, "x", None, []])
def test_an_event_that_is_no_object_is_an_error(broken):
    found, reading = taken(
        json.dumps({"response": [{"Event": broken}, {"Event": event(attribute(1))}]}).encode()
    )
    assert codes(reading)[0] == ("error", "misp-no-object", "response/0/Event")
    assert f"domain-name--{uuid_of(1)}" in {each.stix_id for each in found}


@pytest.mark.parametrize(
    "change",
    [
        {"Attribute": 7},
        {"Attribute": [7, None, "x"]},
        {"Object": {"name": "x"}},
        {"Object": [{"name": "../../../../etc/passwd", "Attribute": []}]},
        {"Tag": "tlp:red"},
        {"Tag": [7, {"name": 7}, {}]},
        {"Orgc": 7},
        {"Orgc": {"name": "x"}},
        {"Galaxy": [{"type": "x"}]},
        {"published": True, "publish_timestamp": "soon"},
        {"EventReport": [{"name": "x"}]},
        {"date": "never", "timestamp": "-5"},
        {"uuid": "not a uuid"},
        {"info": None},
        {"Attribute": [{"type": "domain", "value": "a.example", "Tag": 7, "Sighting": 5, "Galaxy": 1}]},
    ],
)
def test_a_malformed_event_raises_nothing(change):
    reading = read(file({**event(attribute(1)), **change}), default_tlp=Tlp.RED)
    list(reading.objects)
    for issue in reading.issues:
        assert "Traceback" not in issue.message
        assert "site-packages" not in issue.message
        assert "\n" not in issue.message


def test_the_converter_touches_neither_the_network_nor_the_disk():
    document = {
        "Event": event(attribute(1, "attachment", "a.txt", data="aGVsbG8=", category="Payload delivery"))
    }
    document["Event"]["Object"] = [
        {
            "uuid": uuid_of(5),
            "name": "made-up-for-the-test",
            "misp_objects_path_custom": "/etc",
            "Attribute": [
                {"uuid": uuid_of(6), "type": "url", "object_relation": "url", "value": "http://a.example/"}
            ],
        }
    ]
    convert({"Event": event(attribute(1))})  # imports, once, what it needs
    packages = Path(sysconfig.get_paths()["purelib"]).resolve()
    touched: list[tuple[str, Any]] = []
    is_listening = True

    def listen(name: str, arguments: tuple[Any, ...]) -> None:
        if is_listening and name.startswith(
            ("open", "socket.", "os.", "subprocess.", "shutil.", "tempfile.")
        ):
            touched.append((name, arguments))

    sys.addaudithook(listen)
    try:
        convert(document)
    finally:
        is_listening = False
    outside = [
        (name, arguments)
        for name, arguments in touched
        if not (
            name == "open"
            and "r" in (arguments[1] or "")
            and Path(arguments[0]).resolve().is_relative_to(packages)
        )
    ]
    assert outside == []
