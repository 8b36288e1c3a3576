"""Small invented objects for the tests; every factory takes what a test wants different."""

import json
from typing import Any

from taawun.capabilities.intel.stix import CheckedObject, Reading, read
from taawun.foundation.tlp import Tlp

TIME = "2024-01-31T12:00:00.000Z"
LATER = "2024-02-01T12:00:00.000Z"

TLP_1_WHITE = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
TLP_1_GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
TLP_1_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
TLP_1_RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
TLP_CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
TLP_GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
TLP_AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
TLP_STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
TLP_RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def uuid_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def identifier(type_: str, number: int = 1) -> str:
    return f"{type_}--{uuid_of(number)}"


def sdo(type_: str, number: int = 1, /, **properties: Any) -> dict[str, Any]:
    common = {"type": type_, "spec_version": "2.1", "id": identifier(type_, number)}
    return {**common, "created": TIME, "modified": TIME, **properties}


def old(type_: str, number: int = 1, /, **properties: Any) -> dict[str, Any]:
    """An object of STIX 2.0."""
    value = sdo(type_, number, **properties)
    del value["spec_version"]
    return value


def sco(type_: str, number: int = 1, /, **properties: Any) -> dict[str, Any]:
    return {"type": type_, "spec_version": "2.1", "id": identifier(type_, number), **properties}


def marking(number: int, /, **properties: Any) -> dict[str, Any]:
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": identifier("marking-definition", number),
        "created": TIME,
    }
    return {**definition, **properties}


def statement(number: int) -> dict[str, Any]:
    return marking(number, definition_type="statement", definition={"statement": "Copyright XN CERT"})


def bundle(*objects: Any, **properties: Any) -> bytes:
    envelope = {"type": "bundle", "id": identifier("bundle"), **properties}
    return json.dumps({**envelope, "objects": list(objects)}).encode()


def taken(data: bytes, default_tlp: Tlp = Tlp.AMBER) -> tuple[list[CheckedObject], Reading]:
    reading = read(data, default_tlp=default_tlp)
    return list(reading.objects), reading


def codes(reading: Reading) -> list[tuple[str, str, str]]:
    return [(issue.severity, issue.code, issue.place) for issue in reading.issues]
