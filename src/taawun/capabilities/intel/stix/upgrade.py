"""From STIX 2.0 to STIX 2.1, object by object. The same object always gives the same result.

Source of the differences: STIX 2.1, the change log (Appendix C), and the two specifications side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from taawun.capabilities.intel.stix.findings import Finding
from taawun.capabilities.intel.stix.observed_data import rename_hashes, separate_observables

SPEC_VERSION: Final = "2.1"

# STIX 2.0 used `labels` for the vocabulary of these types; 2.1 has a property of its own for each.
_TYPES_PROPERTY: Final[Mapping[str, str]] = {
    "indicator": "indicator_types",
    "malware": "malware_types",
    "report": "report_types",
    "threat-actor": "threat_actor_types",
    "tool": "tool_types",
}
# STIX 2.1, section 7.2.1.4: the definitions of TLP 1.0 are fixed, and 2.1 gave them names.
_TLP_1_NAMES: Final[Mapping[str, str]] = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "TLP:WHITE",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "TLP:GREEN",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "TLP:AMBER",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "TLP:RED",
}


# Any: STIX objects are JSON of any shape until they are validated.
@dataclass(frozen=True, slots=True)
class Upgraded:
    """What one object of STIX 2.0 became.

    Attributes:
        value: the object in STIX 2.1.
        observables: what was observed, as objects of their own, by the key each had; only observed data
            has any.
        findings: warnings about what was left behind; their paths go from the object of STIX 2.0.
    """

    value: dict[str, Any]
    observables: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def upgrade(value: Mapping[str, Any]) -> Upgraded:
    """Raise an object of STIX 2.0 to STIX 2.1.

    Labels become the types of the object where 2.1 has such a property, and stay labels; words that are
    not in the open vocabularies are kept. Malware is an instance unless it says otherwise; patterns are
    STIX patterns. Observed objects become objects of their own with deterministic identifiers. Custom
    properties and custom types are kept. The result still has to be validated.

    Args:
        value: an object with a ``type``; not changed.

    Returns:
        The object in STIX 2.1 with all it brings along.
    """
    type_ = value["type"]
    raised = {"type": type_, "spec_version": SPEC_VERSION}
    raised.update(value)
    raised["spec_version"] = SPEC_VERSION
    references = raised.get("external_references")
    if isinstance(references, list) and any(
        "hashes" in each for each in references if isinstance(each, dict)
    ):
        raised["external_references"] = rename_hashes(references)
    if type_ in _TYPES_PROPERTY and "labels" in raised:
        raised.setdefault(_TYPES_PROPERTY[type_], raised["labels"])
    if type_ == "malware":
        raised.setdefault("is_family", False)
    elif type_ == "indicator":
        raised.setdefault("pattern_type", "stix")
    elif type_ == "marking-definition" and value.get("id") in _TLP_1_NAMES:
        raised["name"] = _TLP_1_NAMES[value["id"]]
    elif type_ == "observed-data" and "objects" in raised:
        separated = separate_observables(raised)
        return Upgraded(separated.value, separated.observables, separated.findings)
    return Upgraded(raised)
