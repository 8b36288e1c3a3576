"""Whether an object is STIX 2.1: the published JSON schemas, and the rules a schema cannot say."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from taawun.capabilities.intel.stix import schemas
from taawun.capabilities.intel.stix.findings import Finding, kind_of, shown

PATTERN_LIMIT: Final = 64 * 1024
"""The longest pattern of an indicator that is accepted, in bytes of UTF-8."""

# The schema library collects every error at once, some 2 KB each, before it hands out the first. An object
# with a million bad values would fill the memory, so a large one is judged up to its first error.
_ALL_ERRORS_UP_TO: Final = 64 * 1024
_MOST_FINDINGS: Final = 20
_LONGEST_PROPERTY: Final = 250  # STIX 2.1, section 3.1

# Values that an attacker chose and an analyst recorded. A URL that breaks RFC 3986 is still what was seen,
# and a refusal would lose the indicator: such a value is kept, with a warning.
_OBSERVED_VALUES: Final = frozenset({"url", "domain-name", "email-addr"})

# STIX 2.1, the descriptions of these properties: the second is not before the first.
_ORDERED_TIMES: Final = (
    ("first_seen", "last_seen"),
    ("first_observed", "last_observed"),
    ("valid_from", "valid_until"),
    ("start_time", "stop_time"),
)
_LEAP_SECOND: Final = re.compile(r":60(?=[.Z])")
_PREFIX_PATTERN: Final = re.compile(r"\^([a-z0-9-]+)--\Z")
_IDENTIFIER_PATTERN: Final = "^[a-z][a-z0-9-]+[a-z0-9]--"
# What a regular expression of the schemas is for, by how it begins.
_CODES_OF_PATTERNS: Final = (
    ("^[0-9]{4}-(0[1-9]", "bad-timestamp"),
    ("T\\d{2}:", "bad-timestamp"),
    ("^[a-fA-F0-9]{", "bad-hash"),
    ("^([a-fA-F0-9]{2})+", "bad-encoding"),
    ("^([A-Za-z0-9+/]{4})*", "bad-encoding"),
    ("^(([0-9]|[1-9][0-9]|1[0-9]{2}", "bad-address"),
    ("^([0-9a-f]{2}[:])", "bad-address"),
)
_CODES_OF_LIMITS: Final[Mapping[str, str]] = {
    "minItems": "too-few",
    "minProperties": "too-few",
    "maxItems": "too-many",
    "maxProperties": "too-many",
    "minLength": "length-out-of-range",
    "maxLength": "length-out-of-range",
    "minimum": "number-out-of-range",
    "maximum": "number-out-of-range",
    "exclusiveMinimum": "number-out-of-range",
    "exclusiveMaximum": "number-out-of-range",
}

_NAMES_OF_KINDS: Final[Mapping[str, str]] = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
    "null": "null",
}


# Any, here and below: what is validated is JSON of any shape.
def validate(value: Mapping[str, Any], *, size: int) -> tuple[Finding, ...]:
    """Judge one object.

    A type that STIX 2.1 does not define is held against the common properties: those of observables when
    it has neither ``created`` nor ``modified``, else those of domain objects. Patterns of indicators are
    bounded in size and not read.

    Args:
        value: a JSON object with a ``type`` that is a text.
        size: how long the object is as text, in characters.

    Returns:
        What was found; the object is valid when none of it is an error. At most 20 findings, and beyond 64
        KiB of text the schema's first.
    """
    type_ = value["type"]
    is_observable = "created" not in value and "modified" not in value
    validator = schemas.validator(type_ if schemas.is_standard(type_) else "", is_observable=is_observable)
    findings = list(_own_rules(value, type_))
    if not validator.is_valid(value):
        findings += _schema_findings(validator, value, size)
    if not findings:
        return ()
    empty = {finding.path for finding in findings if finding.code == "empty-value"}
    unique = {
        (finding.path, finding.code): finding
        for finding in findings
        # that nothing stands there says already that it is of no kind
        if not (finding.code == "wrong-type" and finding.path in empty)
    }
    return tuple(unique.values())[:_MOST_FINDINGS]


def parse_time(text: str) -> datetime | None:
    """Read a STIX timestamp (RFC 3339 in UTC); beyond microseconds it is cut.

    Returns:
        The instant; None when the text is no timestamp, also for a day or year that does not exist. A leap
        second counts as the second before it.
    """
    if not text.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(_LEAP_SECOND.sub(":59", text))
    except ValueError:
        return None


def _own_rules(value: Mapping[str, Any], type_: str) -> Iterator[Finding]:
    identifier = value.get("id")
    if isinstance(identifier, str) and not identifier.startswith(f"{type_}--"):
        yield Finding("error", "wrong-prefix", ("id",), {"value": shown(identifier), "type": shown(type_)})
    longest = max(value, key=len)
    if len(longest) > _LONGEST_PROPERTY:
        yield Finding("error", "property-name-too-long", (shown(longest),))
    yield from _time_rules(value, type_)
    if type_ == "indicator":
        yield from _pattern_rules(value.get("pattern"))
    elif type_ == "ipv6-addr":
        yield from _address_rules(value.get("value"))


def _time_rules(value: Mapping[str, Any], type_: str) -> Iterator[Finding]:
    names = schemas.times_of(type_)
    times: dict[str, datetime] = {}
    for name in [name for name in value if name in names]:
        text = value[name]
        if not isinstance(text, str):
            params = {"found": kind_of(text), "expected": _NAMES_OF_KINDS["string"]}
            yield Finding("error", "wrong-type", (name,), params)
            continue
        instant = parse_time(text)
        if instant is None:
            yield Finding("error", "bad-timestamp", (name,), {"value": shown(text)})
        else:
            times[name] = instant
    if "modified" in times and "created" in times and times["modified"] < times["created"]:
        params = {"earlier": value["created"], "later": value["modified"]}
        yield Finding("error", "modified-before-created", ("modified",), params)
    for first, last in _ORDERED_TIMES:
        if first in times and last in times and times[last] < times[first]:
            params = {"first": first, "last": last, "earlier": value[first], "later": value[last]}
            yield Finding("warning", "times-reversed", (last,), params)


def _pattern_rules(pattern: object) -> Iterator[Finding]:
    if not isinstance(pattern, str):
        return
    size = len(pattern.encode("utf-8", "surrogatepass"))
    if size > PATTERN_LIMIT:
        params = {"size": str(size), "limit": str(PATTERN_LIMIT)}
        yield Finding("error", "pattern-too-long", ("pattern",), params)


def _address_rules(address: object) -> Iterator[Finding]:
    if not isinstance(address, str):
        return
    try:
        ipaddress.IPv6Interface(address)
    except ValueError:
        yield Finding("error", "bad-address", ("value",), {"value": shown(address)})


def _schema_findings(
    validator: jsonschema_rs.Draft202012Validator, value: Mapping[str, Any], size: int
) -> list[Finding]:
    if size > _ALL_ERRORS_UP_TO:
        return [*_translated(_first_error(validator, value), value), Finding("info", "more-errors")]
    return list(islice(_translated(validator.iter_errors(value), value), 4 * _MOST_FINDINGS))


def _first_error(
    validator: jsonschema_rs.Draft202012Validator, value: Mapping[str, Any]
) -> list[jsonschema_rs.ValidationError]:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return [error]
    return []


def _translated(
    errors: Iterable[jsonschema_rs.ValidationError], value: Mapping[str, Any]
) -> Iterator[Finding]:
    several: list[Finding] = []
    found = False
    for error in errors:
        path = tuple(error.instance_path)
        if isinstance(error.kind, Kind.OneOfMultipleValid):
            several.append(Finding("error", "several-forms-fit", path))
            continue
        found = True
        yield from _findings_of(error, path, value)
    # "Several forms fit" follows from any other error in the same alternatives; alone it is the only thing
    # to say.
    if not found:
        yield from several


def _findings_of(
    error: jsonschema_rs.ValidationError, path: tuple[str | int, ...], value: Mapping[str, Any]
) -> Iterator[Finding]:
    kind = error.kind
    at_path = _at(value, path)
    match kind:
        case Kind.Required(property=name):
            yield Finding("error", "missing-property", (*path, name), {"property": shown(name)})
        case Kind.AdditionalProperties(unexpected=names):
            for name in names[:_MOST_FINDINGS]:
                yield Finding("error", "unexpected-property", (*path, name), {"property": shown(name)})
        case Kind.Type(types=types):
            params = {
                "found": kind_of(at_path),
                "expected": " or ".join(_NAMES_OF_KINDS[each] for each in types),
            }
            yield Finding("error", "wrong-type", path, params)
        case Kind.Pattern(pattern=pattern):
            yield _pattern_finding(pattern, path, at_path)
        case Kind.Format(format=name):
            observed = path == ("value",) and value["type"] in _OBSERVED_VALUES
            params = {"value": shown(at_path), "format": name}
            yield (
                Finding("warning", "unusual-value", path, params)
                if observed
                else Finding("error", "bad-format", path, params)
            )
        case Kind.Enum(options=options):
            params = {"value": shown(at_path), "allowed": ", ".join(map(str, options[:_MOST_FINDINGS]))}
            yield Finding("error", "not-in-list", path, params)
        case Kind.AnyOf(context=branches) | Kind.OneOfNotValid(context=branches):
            yield from _findings_of_alternatives(branches, path, value, at_path)
        case _:
            yield _finding_of_limit(kind, path, at_path)


def _finding_of_limit(kind: Kind, path: tuple[str | int, ...], at_path: object) -> Finding:
    if isinstance(kind, Kind.Not):
        # At the top the only thing ruled out is a reserved name (STIX 2.1, section 3.1).
        return Finding("error", "not-allowed" if path else "reserved-property", path)
    code = _CODES_OF_LIMITS.get(kind.name)
    if code is None:
        return Finding("error", "not-valid", path, {"rule": kind.name})
    limit = str(kind.value)
    if code == "too-few" and limit == "1":
        return Finding("error", "empty-value", path)
    return Finding("error", code, path, {"limit": limit, "value": shown(at_path)})


def _findings_of_alternatives(
    branches: list[list[jsonschema_rs.ValidationError]],
    path: tuple[str | int, ...],
    value: Mapping[str, Any],
    at_path: object,
) -> Iterator[Finding]:
    if at_path is None or at_path in ([], {}):
        yield Finding("error", "empty-value", path)
        return
    candidates = [branch for branch in branches if branch]
    if not candidates:
        yield Finding("error", "no-form-fits", path)
        return
    # The alternative that was missed most narrowly is the one that was meant; of equal ones the later.
    nearest = min(reversed(candidates), key=lambda branch: (len(branch), _distance(branch[0])))
    yield from _translated(nearest, value)


def _distance(error: jsonschema_rs.ValidationError) -> int:
    if isinstance(error.kind, Kind.Required):
        return 0
    return 2 if isinstance(error.kind, Kind.Not) else 1


def _pattern_finding(pattern: str, path: tuple[str | int, ...], at_path: object) -> Finding:
    params = {"value": shown(at_path)}
    prefix = _PREFIX_PATTERN.match(pattern)
    if prefix:
        return Finding("error", "wrong-prefix", path, params | {"type": prefix[1]})
    if pattern.startswith(_IDENTIFIER_PATTERN):
        type_ = str(at_path).partition("--")[0] if path == ("id",) else "type"
        return Finding("error", "bad-identifier", path, params | {"type": shown(type_)})
    code = next((code for begin, code in _CODES_OF_PATTERNS if pattern.startswith(begin)), "bad-form")
    return Finding("error", code, path, params)


def _at(value: Mapping[str, Any], path: tuple[str | int, ...]) -> Any:
    # The value is looked up in our own object: asking the error for it would copy it.
    current: Any = value
    for step in path:
        current = current[step]
    return current
