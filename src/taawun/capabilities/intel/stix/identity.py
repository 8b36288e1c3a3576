"""Identifiers that follow from content, so that the same thing gets the same identifier everywhere."""

import json
import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

# STIX 2.1, section 2.9: the namespace of deterministic identifiers of cyber-observable objects.
_OBSERVABLE_NAMESPACE: Final = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")

# STIX 2.1, section 6: the "ID Contributing Properties" of each type. A process has none: two equal
# processes are two.
_CONTRIBUTING: Final[Mapping[str, tuple[str, ...]]] = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "parent_directory_ref", "extensions"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": (
        "start",
        "end",
        "src_ref",
        "dst_ref",
        "src_port",
        "dst_port",
        "protocols",
        "extensions",
    ),
    "process": (),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}

OBSERVABLE_TYPES: Final = frozenset(_CONTRIBUTING)
"""The types of cyber-observable objects that STIX 2.1 defines (section 6)."""

# Section 2.9: of several hashes only one contributes, the first of these that is there.
_HASHES_BY_PREFERENCE: Final = ("MD5", "SHA-1", "SHA-256", "SHA-512")
# What describes the object rather than what was observed.
_NOT_CONTENT: Final = frozenset(
    {"type", "id", "spec_version", "object_marking_refs", "granular_markings", "defanged"}
)
# Python writes an exponent with at least two digits, ECMAScript (and so RFC 8785) without leading zeros.
_EXPONENT: Final = re.compile(r"e([+-])0*(\d)")
_PLAIN_FROM, _PLAIN_BELOW = 1e-6, 1e21


# Any: the values of STIX properties are JSON of any shape.
def deterministic_sco_id(type_: str, value: Mapping[str, Any]) -> str:
    """Derive the identifier of a cyber-observable object from what was observed.

    Source: STIX 2.1, section 2.9: a UUID of version 5 over the ID contributing properties of the type,
        written as
    canonical JSON (RFC 8785). Where a type has no such property, or the object holds none of them, the
    standard asks for a random identifier; here it follows from all properties that carry content, so that
    reading a file twice gives the same objects.

    Args:
        type_: the STIX type, for example ``domain-name``.
        value: the object's properties as in STIX 2.1, with references already naming identifiers.

    Returns:
        The identifier, ``<type>--<UUID>``.
    """
    content = {name: value[name] for name in _CONTRIBUTING.get(type_, ()) if name in value}
    if "hashes" in content:
        content["hashes"] = _one_hash(content["hashes"])
    if not content:
        content = {name: each for name, each in value.items() if name not in _NOT_CONTENT}
    return f"{type_}--{uuid.uuid5(_OBSERVABLE_NAMESPACE, canonical_json(content))}"


def content_uuid(*parts: str) -> uuid.UUID:
    """Derive a UUID of version 5 from texts, for what has no identifier of its own.

    Args:
        parts: what makes the thing itself, in a fixed order; no two lists of parts share a UUID.
    """
    return uuid.uuid5(_OBSERVABLE_NAMESPACE, json.dumps(["taawun", *parts], ensure_ascii=True))


def canonical_json(value: Any) -> str:
    """Write JSON in its one form by RFC 8785 (JCS): sorted, without spaces, numbers as in ECMAScript.

    Args:
        value: parsed JSON; numbers are finite.

    Returns:
        The text.
    """
    if isinstance(value, Mapping):
        # RFC 8785, section 3.2.3: names are sorted by their UTF-16 code units.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(name)}:{canonical_json(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical_json, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _one_hash(hashes: Any) -> Any:
    if not isinstance(hashes, Mapping) or not hashes:
        return hashes
    for name in _HASHES_BY_PREFERENCE:
        if name in hashes:
            return {name: hashes[name]}
    first = next(iter(hashes))
    return {first: hashes[first]}


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number(number: float) -> str:
    # ECMA-262, Number::toString: the shortest digits that read back as the number; plain from 1e-6 up to
    # 1e21.
    if number == 0:
        return "0"
    if _PLAIN_FROM <= abs(number) < _PLAIN_BELOW:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    return _EXPONENT.sub(r"e\1\2", repr(number)).replace(".0e", "e")
