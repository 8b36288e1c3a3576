"""STIX 2.1: reading it and its neighbours (STIX 2.0, MISP), and what its markings say. No database.

The door is :func:`read`. Every object it hands out is valid STIX 2.1 under a level of the Traffic Light
Protocol.
"""

from taawun.capabilities.intel.stix.checking import CheckedObject
from taawun.capabilities.intel.stix.describing import Reference
from taawun.capabilities.intel.stix.findings import SENTENCES, Finding, Issue, IssueList
from taawun.capabilities.intel.stix.identity import deterministic_sco_id
from taawun.capabilities.intel.stix.markings import LoweringRefused, Markings, with_tlp
from taawun.capabilities.intel.stix.reading import ACCEPTED, Limits, Reading, ReadingRefused, read
from taawun.capabilities.intel.stix.upgrade import upgrade
from taawun.capabilities.intel.stix.validation import validate

__all__ = [
    "ACCEPTED",
    "SENTENCES",
    "CheckedObject",
    "Finding",
    "Issue",
    "IssueList",
    "Limits",
    "LoweringRefused",
    "Markings",
    "Reading",
    "ReadingRefused",
    "Reference",
    "deterministic_sco_id",
    "read",
    "upgrade",
    "validate",
    "with_tlp",
]
