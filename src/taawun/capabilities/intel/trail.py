"""What the trail calls the acts and things of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from taawun.capabilities.intel.models import Import, Report, Sighting
from taawun.capabilities.intel.wording import type_name
from taawun.platform.audit.acts import Act, SystemPart, Thing, Things

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

__all__ = ["TRAIL"]

_OBJECT: Final = "urn:taawun:stix:"


def _find(ids: Collection[UUID], permissions: frozenset[str]) -> Mapping[UUID, Thing]:
    # titles and names may be marked: the pages tell them to those who may
    reads, writes = "read:intel" in permissions, "write:intel" in permissions
    found: dict[UUID, Thing] = {}
    for each in Report.objects.filter(id__in=ids).values_list("id", flat=True):
        url = reverse("report", args=[each]) if reads else ""
        found[each] = Thing(pgettext_lazy("a thing", "Report"), url)
    for each in Import.objects.filter(id__in=ids).values_list("id", flat=True):
        url = reverse("import", args=[each]) if writes else ""
        found[each] = Thing(pgettext_lazy("a thing", "Import"), url)
    for each in Sighting.objects.filter(id__in=ids).values_list("id", flat=True):
        found[each] = Thing(pgettext_lazy("a thing", "Sighting"))
    return found


def _find_named(urns: Collection[str], permissions: frozenset[str]) -> Mapping[str, Thing]:
    # an object by its type alone; who may not see it finds no page there
    reads = "read:intel" in permissions
    found: dict[str, Thing] = {}
    for urn in urns:
        type_, between, rest = urn.removeprefix(_OBJECT).partition("--")
        if urn.startswith(_OBJECT) and between:
            # a partner may have written it: not everything has an address
            has_page = reads and "/" not in urn
            found[urn] = Thing(
                type_name(type_), reverse("object", args=[f"{type_}--{rest}"]) if has_page else ""
            )
    return found


TRAIL = (
    Act("intel.import-begun", _("Import begun")),
    Act("intel.import-done", _("Import taken in")),
    Act("intel.import-refused", _("Import refused")),
    Act("intel.import-failed", _("Import failed")),
    Act("intel.report-created", _("Report written")),
    Act("intel.report-edited", _("Report edited")),
    Act("intel.report-published", _("Report published")),
    Act("intel.report-withdrawn", _("Report withdrawn")),
    Act("intel.sighted", _("Sighting recorded")),
    Act("intel.sightings-counted", _("Count of sightings published")),
    SystemPart("intel.import", _("Import begun at the console")),
    Things("intel", _find, _find_named),
)
