"""The pages of intelligence: reports, publishing them, bringing files in, objects and sightings."""

from taawun.capabilities.intel.views.counting import sighting_count
from taawun.capabilities.intel.views.importing import import_new, import_page, imports
from taawun.capabilities.intel.views.objects import (
    object_download,
    object_page,
    object_picture,
    objects,
    sighting_new,
    sighting_told,
)
from taawun.capabilities.intel.views.publishing import report_publish, report_withdraw
from taawun.capabilities.intel.views.reports import report, report_bundle, report_picture, reports
from taawun.capabilities.intel.views.writing import report_edit, report_new

__all__ = [
    "import_new",
    "import_page",
    "imports",
    "object_download",
    "object_page",
    "object_picture",
    "objects",
    "report",
    "report_bundle",
    "report_edit",
    "report_new",
    "report_picture",
    "report_publish",
    "report_withdraw",
    "reports",
    "sighting_count",
    "sighting_new",
    "sighting_told",
]
