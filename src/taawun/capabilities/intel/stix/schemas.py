"""The JSON schemas of STIX 2.1, compiled once a type; nothing is fetched."""

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from taawun.capabilities.intel.stix.identity import OBSERVABLE_TYPES

# OASIS cti-stix2-json-schemas as the package stix2-validator carries them. The package is located and not
# imported: importing it would load a pattern parser and an HTTP client that nothing here needs.
_PACKAGE: Final = "stix2validator"
_FOLDER: Final = Path("schemas-2.1", "schemas")
_FOLDERS_OF_TYPES: Final = ("sdos", "sros", "observables")
_TYPES_IN_COMMON: Final = ("marking-definition", "language-content", "extension-definition")
_TIMES_OF_EVERY_TYPE: Final = frozenset({"created", "modified"})
_OBJECT, _OBSERVABLE = "core", "cyber-observable-core"


def is_standard(type_: str) -> bool:
    """Tell whether STIX 2.1 defines a type; all others are custom."""
    return type_ in _schemas_of_types()


def times_of(type_: str) -> frozenset[str]:
    """Tell which properties of a type are timestamps; of a custom one ``created`` and ``modified``."""
    return _times_of_types().get(type_, _TIMES_OF_EVERY_TYPE)


@cache
def validator(type_: str, *, is_observable: bool) -> jsonschema_rs.Draft202012Validator:
    """Give the compiled schema a type is held against.

    Args:
        type_: the STIX type; a custom one is held against the schema of common properties.
        is_observable: whether a custom type is held against that of observables, which need no times.

    Returns:
        A validator that asserts formats. Its regular expressions run in linear time, so no value can stall
        it.
    """
    fallback = _OBSERVABLE if is_observable else _OBJECT
    schema = _schemas_of_types().get(type_) or _documents()[f"common/{fallback}.json"]
    return jsonschema_rs.Draft202012Validator(
        schema,
        registry=_registry(),
        validate_formats=True,
        offline=True,
        pattern_options=jsonschema_rs.RegexOptions(),
    )


@cache
def _schemas_of_types() -> dict[str, dict[str, Any]]:
    documents = _documents()
    types = {
        Path(name).stem: schema
        for name, schema in documents.items()
        if name.partition("/")[0] in _FOLDERS_OF_TYPES
    }
    return types | {type_: documents[f"common/{type_}.json"] for type_ in _TYPES_IN_COMMON}


@cache
def _times_of_types() -> dict[str, frozenset[str]]:
    times = {type_: _times_in(schema) for type_, schema in _schemas_of_types().items()}
    return {
        type_: frozenset(own if type_ in OBSERVABLE_TYPES else own | _TIMES_OF_EVERY_TYPE)
        for type_, own in times.items()
    }


def _times_in(schema: dict[str, Any]) -> set[str]:
    own = {name for name, rule in schema.get("properties", {}).items() if _is_time(rule)}
    return own.union(*(_times_in(part) for part in schema.get("allOf", ())))


def _is_time(rule: dict[str, Any]) -> bool:
    parts = [rule, *rule.get("allOf", ())]
    return any(part.get("$ref", "").endswith("/timestamp.json") for part in parts)


@cache
def _registry() -> jsonschema_rs.Registry:
    resources = [(schema["$id"], schema) for schema in _documents().values()]
    return jsonschema_rs.Registry(resources, draft=jsonschema_rs.Draft202012)


@cache
def _documents() -> dict[str, dict[str, Any]]:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"The package {_PACKAGE} is missing; install the locked dependencies.")
    folder = Path(spec.submodule_search_locations[0]) / _FOLDER
    documents = {
        path.relative_to(folder).as_posix(): json.loads(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.json"))
    }
    _correct(documents)
    return documents


def _correct(documents: dict[str, dict[str, Any]]) -> None:
    # The published pattern lost its backslashes: it takes "s::1" and refuses "::ffff:192.0.2.1". Addresses
    # are read by `validation` instead.
    documents["observables/ipv6-addr.json"]["allOf"][1]["properties"]["value"].pop("pattern")
