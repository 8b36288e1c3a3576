"""Observed data of STIX 2.0: the objects numbered inside it become observables of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from taawun.capabilities.intel.stix.findings import Finding, shown
from taawun.capabilities.intel.stix.identity import content_uuid, deterministic_sco_id

# STIX 2.1, Appendix C: properties that only got another name.
_RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "directory": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "file": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "process": {"created": "created_time", "binary_ref": "image_ref"},
    "user-account": {"password_last_changed": "credential_last_changed"},
    "windows-registry-key": {"modified": "modified_time"},
}
# Properties that STIX 2.1 dropped; the value stays under a custom name.
_DROPPED: Final[Mapping[str, tuple[str, ...]]] = {
    "file": ("is_encrypted", "encryption_algorithm", "decryption_key"),
    "process": ("name", "arguments"),
    "archive-ext": ("version",),
    "raster-image-ext": ("image_compression_algorithm",),
    "socket-ext": ("protocol_family",),
}
_ACCOUNT_TYPES: Final[Mapping[str, str]] = {
    "windows local": "windows-local",
    "windows domain": "windows-domain",
}
# STIX 2.1, section 6.13: process identifiers are reused, so two equal processes of two observations are two.
_NEVER_THE_SAME: Final = frozenset({"process"})
_DEEPEST: Final = 50
"""How many references are followed in one line; a longer line is treated like a circle."""

_Path = tuple[str | int, ...]


# Any, here and below: STIX objects are JSON of any shape until they are validated.
@dataclass(frozen=True, slots=True)
class Separated:
    """Observed data without its objects, and the objects beside it by the key each had."""

    value: dict[str, Any]
    observables: dict[str, dict[str, Any]]
    findings: tuple[Finding, ...]


def separate_observables(value: Mapping[str, Any]) -> Separated:
    """Take the objects out of observed data.

    They get deterministic identifiers (STIX 2.1, section 2.9), in the order of the file, and the observed
    data refers to them by ``object_refs``. What marks the observed data marks each of them too, and a
    marking of a part of one covers the whole of it.

    Args:
        value: an ``observed-data`` object with ``objects``; not changed.

    Returns:
        The parts; ``objects`` stays where it is when it is no dictionary, for validation to refuse.
    """
    objects = value["objects"]
    if not isinstance(objects, dict):
        return Separated(dict(value), {}, ())
    return _Separation(value, objects).result()


def rename_hashes(value: Any) -> Any:
    """Write the names of hashes as STIX 2.1 does (``SSDEEP``), at any depth.

    Args:
        value: JSON; not changed.
    """
    if isinstance(value, list):
        return [rename_hashes(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _with_renamed_keys(each) if name == "hashes" and isinstance(each, dict) else rename_hashes(each)
        for name, each in value.items()
    }


def _with_renamed_keys(hashes: Mapping[str, Any]) -> dict[str, Any]:
    return {"SSDEEP" if name == "ssdeep" else name: each for name, each in hashes.items()}


class _Separation:
    """One observed-data object on its way; identifiers are worked out as the references ask for them."""

    def __init__(self, value: Mapping[str, Any], objects: Mapping[str, Any]) -> None:
        self._value = value
        self._objects = objects
        self._readable = {key: each for key, each in objects.items() if _is_readable(each)}
        self._identifiers: dict[str, str] = {}
        self._observables: dict[str, dict[str, Any]] = {}
        self._under_way: set[str] = set()
        self._findings: list[Finding] = []

    def result(self) -> Separated:
        """Do the separation; once an instance."""
        for key in self._objects:
            if key not in self._readable:
                self._warn("bad-observable", ("objects", key), key=shown(key))
        rest = {name: each for name, each in self._value.items() if name != "objects"}
        markings = _texts(rest.get("object_marking_refs"))
        parts = self._take_granular_markings(rest)
        for key in self._readable:
            if key not in self._observables:
                self._raise(key)
        identifiers = [self._identifiers[key] for key in self._readable]
        rest["object_refs"] = list(dict.fromkeys([*_texts(rest.get("object_refs")), *identifiers]))
        observables = {
            key: _marked(self._observables[key], [*markings, *parts.get(key, ())]) for key in self._readable
        }
        return Separated(rest, observables, tuple(self._findings))

    def _take_granular_markings(self, rest: dict[str, Any]) -> dict[str, list[str]]:
        """Remove the selectors that point into ``objects``; tell which markings they put on which object."""
        parts: dict[str, list[str]] = {}
        granular = rest.get("granular_markings")
        if not isinstance(granular, list):
            return parts
        kept = []
        for position, marking in enumerate(granular):
            inside, remaining = _selectors_by_target(marking)
            for key in {key: None for selector in inside for key in self._keys_of(selector)}:
                parts.setdefault(key, []).append(marking["marking_ref"])
                params = {"marking": shown(marking["marking_ref"])}
                self._warn("marking-widened", ("granular_markings", position), **params)
            if remaining or not inside:
                kept.append({**marking, "selectors": remaining} if inside else marking)
        rest["granular_markings"] = kept
        if not kept:
            del rest["granular_markings"]
        return parts

    def _keys_of(self, selector: str) -> list[str]:
        steps = selector.split(".")
        return steps[1:2] if len(steps) > 1 else list(self._readable)

    def _identify(self, key: str) -> str:
        if key not in self._identifiers:
            if key in self._under_way or len(self._under_way) >= _DEEPEST:
                # The content of an object in a circle cannot name itself; the observation and the key can.
                self._identifiers[key] = self._identifier_by_place(key)
                self._warn("observables-in-circle", ("objects", key))
            else:
                self._raise(key)
        return self._identifiers[key]

    def _raise(self, key: str) -> None:
        type_ = self._readable[key]["type"]
        self._under_way.add(key)
        content = self._raised(key, type_)
        self._under_way.remove(key)
        if key not in self._identifiers:
            by_place = type_ in _NEVER_THE_SAME
            identifier = self._identifier_by_place(key) if by_place else deterministic_sco_id(type_, content)
            self._identifiers[key] = identifier
        self._observables[key] = {
            "type": type_,
            "spec_version": "2.1",
            "id": self._identifiers[key],
            **content,
        }

    def _identifier_by_place(self, key: str) -> str:
        uuid = content_uuid("observable", str(self._value.get("id")), key)
        return f"{self._readable[key]['type']}--{uuid}"

    def _raised(self, key: str, type_: str) -> dict[str, Any]:
        path = ("objects", key)
        source = {
            name: each
            for name, each in self._readable[key].items()
            if name not in {"type", "id", "spec_version"}
        }
        content: dict[str, Any] = self._resolved(rename_hashes(self._renamed(source, type_, path)), path)
        extensions = content.get("extensions")
        if isinstance(extensions, dict):
            content["extensions"] = {
                name: self._renamed(each, name, (*path, "extensions")) if isinstance(each, dict) else each
                for name, each in extensions.items()
            }
        if type_ == "user-account" and isinstance(content.get("account_type"), str):
            content["account_type"] = _ACCOUNT_TYPES.get(content["account_type"], content["account_type"])
        if type_ == "network-traffic":
            _list_request_headers(content)
        return content

    def _renamed(self, value: Mapping[str, Any], kind: str, path: _Path) -> dict[str, Any]:
        names = _RENAMED.get(kind, {})
        dropped = _DROPPED.get(kind, ())
        renamed: dict[str, Any] = {}
        for name, each in value.items():
            kept = names.get(name, name)
            if name in dropped or (kept != name and kept in value):
                kept = f"x_{name}"
                self._warn("property-left-behind", (*path, name), property=name, kept=kept)
            renamed[kept] = each
        return renamed

    def _resolved(self, value: Any, path: _Path) -> Any:
        """Put identifiers in place of the keys that references name, at any depth."""
        if isinstance(value, list):
            return [self._resolved(each, (*path, position)) for position, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        resolved: dict[str, Any] = {}
        for name, each in value.items():
            if name.endswith("_ref") and isinstance(each, str):
                for target in self._targets([each], (*path, name)):
                    resolved[name] = target
            elif name.endswith("_refs") and isinstance(each, list):
                targets = self._targets(each, (*path, name))
                resolved |= {name: targets} if targets or not each else {}
            else:
                resolved[name] = self._resolved(each, (*path, name))
        return resolved

    def _targets(self, references: list[Any], path: _Path) -> list[Any]:
        targets = []
        for reference in references:
            if not isinstance(reference, str) or "--" in reference:
                targets.append(reference)  # already an identifier, or for validation to refuse
            elif reference in self._readable:
                targets.append(self._identify(reference))
            else:
                self._warn("dangling-observable", path, property=str(path[-1]), target=shown(reference))
        return targets

    def _warn(self, code: str, path: _Path, **params: str) -> None:
        self._findings.append(Finding("warning", code, path, params))


def _is_readable(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _marked(observable: dict[str, Any], markings: list[str]) -> dict[str, Any]:
    if not markings:
        return observable
    refs = [*_texts(observable.get("object_marking_refs")), *markings]
    return {**observable, "object_marking_refs": list(dict.fromkeys(refs))}


def _selectors_by_target(marking: Any) -> tuple[list[str], list[Any]]:
    """Split the selectors of a granular marking: those into the observed objects, and the others."""
    selectors = marking.get("selectors") if isinstance(marking, dict) else None
    if not isinstance(selectors, list) or not isinstance(marking.get("marking_ref"), str):
        return [], []
    inside = [each for each in selectors if isinstance(each, str) and each.split(".")[0] == "objects"]
    return inside, [each for each in selectors if each not in inside]


def _list_request_headers(traffic: dict[str, Any]) -> None:
    # STIX 2.1, section 6.12.4: each header has a list of values, where 2.0 had one.
    extensions = traffic.get("extensions")
    extension = extensions.get("http-request-ext") if isinstance(extensions, dict) else None
    if not isinstance(extension, dict):
        return
    headers = extension.get("request_header")
    if isinstance(headers, dict):
        extension["request_header"] = {
            name: [each] if isinstance(each, str) else each for name, each in headers.items()
        }
