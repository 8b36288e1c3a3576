"""The verbs on intelligence: import, write and publish reports, sight."""

from taawun.capabilities.intel.actions.counting import Counted, count_sightings, publish_count
from taawun.capabilities.intel.actions.importing import begin_import, give_up_import, run_import
from taawun.capabilities.intel.actions.reporting import (
    Previewed,
    ReportFields,
    create_report,
    edit_report,
    faults_of,
    preview_report,
    publish_report,
    withdraw_report,
)
from taawun.capabilities.intel.actions.sighting import SightingOutcome, sight, sighting_outcome

__all__ = [
    "Counted",
    "Previewed",
    "ReportFields",
    "SightingOutcome",
    "begin_import",
    "count_sightings",
    "create_report",
    "edit_report",
    "faults_of",
    "give_up_import",
    "preview_report",
    "publish_count",
    "publish_report",
    "run_import",
    "sight",
    "sighting_outcome",
    "withdraw_report",
]
