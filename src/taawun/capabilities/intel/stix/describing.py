"""What a list or a graph shows of an object: its name, its summary, and what it refers to."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

NAME_LIMIT: Final = 500
"""The longest name in characters; a longer one (a pattern, for example) is cut and ends in “…”."""

# The property a person would call the object by, type by type; the first with a text in it.
_NAME_PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {
    "artifact": ("url", "mime_type"),
    "autonomous-system": ("name", "number"),
    "directory": ("path",),
    "email-message": ("subject", "message_id"),
    "indicator": ("name", "pattern"),
    "language-content": ("object_ref",),
    "location": ("name", "city", "administrative_area", "country", "region"),
    "malware-analysis": ("product",),
    "network-traffic": ("protocols",),
    "note": ("abstract", "content"),
    "opinion": ("opinion",),
    "process": ("command_line", "pid"),
    "relationship": ("relationship_type",),
    "user-account": ("display_name", "account_login", "user_id"),
    "windows-registry-key": ("key",),
    "x509-certificate": ("subject", "serial_number"),
    "x-misp-attribute": ("x_misp_value",),
    "x-misp-object": ("x_misp_name",),
}
_NAME_PROPERTIES_OF_OTHERS: Final = ("name", "value")
_HASHES_BY_STRENGTH: Final = ("SHA-256", "SHA-512", "SHA-1", "MD5")
_SUMMARY_PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {
    "note": ("content",),
    "opinion": ("explanation",),
    "sighting": ("description", "summary"),
}
_SUMMARY_PROPERTIES_OF_OTHERS: Final = ("description", "x_misp_comment")
# Markings say who may read, not what the object is about.
_NOT_A_REFERENCE: Final = "object_marking_refs"


class Reference(NamedTuple):
    """An edge that goes out from an object.

    Attributes:
        relation: the name of the property that refers: ``created_by_ref``, ``object_refs``,
            ``source_ref``, ….
        target: the identifier it names.
    """

    relation: str
    target: str


# Any, here and below: STIX objects are JSON of any shape.
def name_of(value: Mapping[str, Any]) -> str:
    """Tell what a person would call the object: its name, value, pattern, hash, ….

    Returns:
        One line of at most 500 characters; empty for what has no name of its own (a sighting, observed data).
    """
    type_ = value["type"]
    for property_ in _NAME_PROPERTIES.get(type_, _NAME_PROPERTIES_OF_OTHERS):
        text = _text(value.get(property_))
        if text:
            return f"AS{text}" if property_ == "number" else text
    if type_ == "marking-definition":
        definition = value.get("definition")
        return _text(definition.get("statement")) if isinstance(definition, dict) else ""
    return _hash_of(value.get("hashes"))


def summary_of(value: Mapping[str, Any]) -> str:
    """Tell what the object says in words: its description, or the content of a note.

    Returns:
        The whole text as it stands; empty where there is none.
    """
    for property_ in _SUMMARY_PROPERTIES.get(value["type"], _SUMMARY_PROPERTIES_OF_OTHERS):
        text = value.get(property_)
        if isinstance(text, str) and text:
            return text
    return ""


def references_of(value: Mapping[str, Any]) -> tuple[Reference, ...]:
    """List what the object refers to.

    Source: STIX 2.1, section 2.12: properties of one identifier end in ``_ref``, those of several in
        ``_refs``.
    Markings are left out.

    Returns:
        Each edge once, in the order of the object; ``source_ref`` and ``target_ref`` of a relationship are
        two edges, and their kind is the object's ``relationship_type``.
    """
    references = []
    has_lists = False
    for property_, content in value.items():
        if "_ref" not in property_ or property_ == _NOT_A_REFERENCE:
            continue  # nearly all of them, and this runs for every object of a file
        if property_.endswith("_ref") and isinstance(content, str):
            references.append(Reference(property_, content))
        elif property_.endswith("_refs") and isinstance(content, list):
            has_lists = True
            references += [Reference(property_, target) for target in content if isinstance(target, str)]
    return tuple(dict.fromkeys(references)) if has_lists else tuple(references)


def _text(content: object) -> str:
    if isinstance(content, list):
        content = " ".join(each for each in content if isinstance(each, str))
    if isinstance(content, int) and not isinstance(content, bool):
        return str(content)
    if not isinstance(content, str):
        return ""
    # Only as much as can be shown is folded into one line: a text may be megabytes long.
    line = " ".join(content[: 4 * NAME_LIMIT].split())
    return line if len(line) <= NAME_LIMIT else line[: NAME_LIMIT - 1] + "…"


def _hash_of(hashes: object) -> str:
    if not isinstance(hashes, dict):
        return ""
    for name in (*_HASHES_BY_STRENGTH, *hashes):
        if isinstance(hashes.get(name), str):
            return _text(hashes[name])
    return ""
