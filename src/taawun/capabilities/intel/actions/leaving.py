"""How a report leaves: in which version, as whose word, and with what it was made from."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext as _

from taawun.capabilities.intel.composing import (
    DERIVED,
    derivation_object,
    identity_id,
    identity_object,
    report_object,
)
from taawun.capabilities.intel.errors import ReportRefused
from taawun.capabilities.intel.models import Reference, Report, ReportObject, ReportReader, StixObject
from taawun.capabilities.intel.preparing import Origin as StoredFrom
from taawun.capabilities.intel.preparing import prepare_own, prepared_again
from taawun.capabilities.intel.reports import title_of
from taawun.capabilities.intel.rules import current_objects, visible_objects
from taawun.capabilities.intel.stix import validate
from taawun.capabilities.intel.stix.checking import written
from taawun.capabilities.intel.store import store
from taawun.capabilities.intel.wording import issue_sentence
from taawun.cooperation.federation.models import Release
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from taawun.capabilities.intel.collecting import Collected
    from taawun.capabilities.intel.preparing import Prepared
    from taawun.cooperation.people.actors import Actor

__all__ = ["LeavesAs", "Leaving", "keep_version", "leaving_of", "subject_of"]

LeavesAs = Literal["own", "passed-on", "derived"]


@dataclass(frozen=True, slots=True)
class Leaving:
    """The report's object as it leaves, with what it was made from.

    Args:
        version: as its header names it.
        objects: the report first.
        leaves_as: ``own``, what we wrote; ``passed-on``, what somebody else wrote, to the letter; ``derived``, a
            report of ours that was made from somebody else's.
    """

    version: str
    objects: tuple[Prepared, ...]
    leaves_as: LeavesAs


def subject_of(stix_id: str) -> str:
    """What a release about a STIX object is about."""
    return f"urn:taawun:stix:{stix_id}"


def leaving_of(actor: Actor, report: Report, collected: Collected) -> Leaving:
    """How a report would leave now.

    Raises:
        ReportRefused: it was passed on already, or cannot be written as STIX.
    """
    versions = _versions(actor, report)
    is_taken = _is_taken(report)
    theirs = next((each for each in versions if each.creator != identity_id() and _says(each, report)), None)
    if theirs is not None and not is_taken:
        return _passing_on(theirs)
    # json keeps whole numbers of any length, and this is written out again
    previous = json.loads(versions[0].text) if versions else None
    if previous and is_taken:
        # so it leaves under an identifier of its own, as what is made from somebody else's does
        previous.pop("created_by_ref", None)
    value = report_object(report, previous, collected.refs, now())
    text = written(value)
    problems = [each for each in validate(value, size=len(text)) if each.severity == "error"]
    if problems:
        raise ReportRefused(
            "not-valid",
            _("The report cannot be written as STIX. %(reason)s")
            % {"reason": issue_sentence(problems[0].code, problems[0].params)},
        )
    own = replace(prepare_own(value, Tlp(report.tlp)), search=report.search)
    if previous is None or previous["id"] == value["id"]:
        return Leaving(value["modified"], (own, *_derivations(actor, report)), "own")
    tie = prepare_own(derivation_object(value, previous["id"], Tlp(report.tlp)), Tlp(report.tlp))
    return Leaving(value["modified"], (own, tie), "derived")


def _is_taken(report: Report) -> bool:
    """Whether another report of ours has left under its identifier, for another audience.

    An identifier that left is that of one report: whoever withdraws it withdraws all that left under it.
    """
    left = Report.objects.filter(stix_id=report.stix_id, origin="", release__isnull=False)
    return report.release_id is None and left.exclude(pk=report.pk).exists()


def _versions(actor: Actor, report: Report) -> list[StixObject]:
    """What is held of the report that is our word or was brought here, the current one first.

    Only what the publisher may see: another organisation here may hold a version of its own.
    """
    held = StixObject.objects.filter(visible_objects(actor), stix_id=report.stix_id, origin="")
    return list(held.filter(state=StixObject.State.LIVE).order_by("-is_current", "-version", "id"))


def _says(row: StixObject, report: Report) -> bool:
    """Whether a version says what the report says, so that nobody here has changed it."""
    # a form sends the ends of lines as it likes
    is_same_text = report.title == title_of(row) and report.summary.split() == row.summary.split()
    if not is_same_text or report.tlp != row.tlp:
        return False
    named = ReportObject.objects.filter(report=report).values_list("stix_id", flat=True)
    return set(named) == set(json.loads(row.text).get("object_refs", []))


def _passing_on(theirs: StixObject) -> Leaving:
    version = json.loads(theirs.text)["modified"]
    left = Release.objects.filter(subject=subject_of(theirs.stix_id), version=version, origin__isnull=True)
    if left.exists():
        raise ReportRefused(
            "passed-on",
            _(
                "This was passed on already, as its author wrote it. Import their next version and pass that on, or "
                "write a report of your own."
            ),
        )
    return Leaving(version, (prepared_again(theirs),), "passed-on")


def _derivations(actor: Actor, report: Report) -> list[Prepared]:
    """From what a report of ours was made, as it was said with its first version."""
    within = Tlp(report.tlp)
    ties = StixObject.objects.filter(
        current_objects(actor, within=within),
        type="relationship",
        name=DERIVED,
        creator=identity_id(),
        tlp__lte=within,
    )
    said = Reference.objects.filter(relation="source_ref", target=report.stix_id, source__in=ties)
    return [prepared_again(each.source) for each in said.select_related("source").order_by("id")]


def keep_version(report: Report, leaving: Leaving, release: Release) -> None:
    """Keep what was published as one more version of the report's object, and who we said we are beside it."""
    readers = ReportReader.objects.filter(report=report).select_related("person")
    persons = {each.person for each in readers} | ({report.author} if report.author else set())
    own = StoredFrom(
        report.organisation, release=release, readers=sorted(persons, key=lambda person: person.pk)
    )
    for _counts in store([*leaving.objects, prepare_own(identity_object(), Tlp.CLEAR)], own):
        pass
