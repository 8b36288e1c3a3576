"""Bringing files in: refused at the door, or taken in the background with every issue listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.capabilities.intel.errors import ImportRefused
from taawun.capabilities.intel.models import JOB, STIX_ID, Import, ImportIssue, Source
from taawun.capabilities.intel.preparing import Origin, Prepared, prepared_from
from taawun.capabilities.intel.queries import home_of
from taawun.capabilities.intel.reports import reports_from_import, reports_without_import
from taawun.capabilities.intel.stix import ReadingRefused, read
from taawun.capabilities.intel.store import Counts, remove_import, store
from taawun.capabilities.intel.wording import issue_sentence, mended, refusal_sentence
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.files import actions as files
from taawun.platform.web import formats
from taawun.platform.work.actions import enqueue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taawun.capabilities.intel.stix import IssueList, Reading
    from taawun.cooperation.people.actors import Actor
    from taawun.platform.work.schedules import Reporter

__all__ = ["JOB", "begin_import", "give_up_import", "run_import"]

_REPORT_EVERY: Final = 500
_MOST_DIFFERING: Final = 1000
_COUNTS: Final = ("new", "known", "differing", "refused", "errors", "warnings", "remarks", "not_listed")


def begin_import(
    actor: Actor, data: bytes, *, name: str, default_tlp: Tlp, leave_out_refused: bool = False
) -> Import:
    """Check a file at the door, keep it as received, and have it taken in by the worker.

    Args:
        actor: who brings it; what is marked AMBER+STRICT stays inside their organisation, and RED with them alone.
        data: its exact bytes.
        name: what it is called; it decides nothing.
        default_tlp: the marking of objects that carry none of their own.
        leave_out_refused: take the rest when single objects are refused; otherwise nothing is stored then.

    Returns:
        The import, waiting; its issues and counts appear when the worker has done it.

    Raises:
        NotAllowed: the actor may not.
        ImportRefused: the file is no intelligence this node accepts, or is RED and brought by no person; nothing is
            stored.
    """
    require(actor, "write:intel")
    if default_tlp == Tlp.RED and not isinstance(actor, PersonActor):
        raise ImportRefused("no-reader", issue_sentence("no-reader", {}))
    if len(data) > settings.MAX_UPLOAD_BYTES:
        raise ImportRefused(
            "too-large",
            mended(
                "too-large",
                _("The file has %(size)s; at most %(most)s are accepted.")
                % {
                    "size": formats.filesize(len(data)),
                    "most": formats.filesize(settings.MAX_UPLOAD_BYTES),
                },
            ),
        )
    reading = _read(data, name, default_tlp)
    with transaction.atomic():
        held = Import(
            name=name.strip()[:300] or "—",
            size=len(data),
            format=reading.format,
            default_tlp=default_tlp,
            leave_out_refused=leave_out_refused,
            person_id=actor.id if isinstance(actor, PersonActor) else None,
            organisation=home_of(actor),
        )
        stored = files.store([data], owner=_owner(held), limit=settings.MAX_UPLOAD_BYTES, name=held.name)
        held.file = stored.digest
        held.save()
        record(
            actor,
            "intel.import-begun",
            _owner(held),
            for_the_trail(default_tlp, {"name": held.name, "size": held.size, "format": held.format}),
        )
        enqueue(JOB, str(held.id))
    return held


def _read(data: bytes, name: str, default_tlp: Tlp) -> Reading:
    try:
        return read(data, default_tlp=default_tlp, name=name)
    except ReadingRefused as refused:
        raise ImportRefused(
            refused.code,
            refusal_sentence(refused),
            line=refused.line,
            column=refused.column,
            pointer=refused.pointer,
        ) from None


def run_import(reporter: Reporter, import_id: str) -> dict[str, object]:
    """Take an import in. Called by the worker, and again from the start if a worker died over it.

    Nothing is stored before every object has been checked. Then it is stored in batches, so that others can write
    in between; a batch that was committed before a crash is met again and changes nothing. If it fails for good,
    :func:`give_up_import` takes all of it back.

    Args:
        reporter: told how far it is.
        import_id: which.

    Returns:
        The counts.
    """
    held = Import.objects.select_related("person", "organisation").get(id=import_id)
    if held.state != Import.State.WAITING:
        return dict(held.counts)
    reading = _read(files.read(held.file), held.name, Tlp(held.default_tlp))
    prepared: list[Prepared] = []
    origin = _origin(held)
    for each in prepared_from(reading, has_readers=bool(origin.readers)):
        prepared.append(each)
        if len(prepared) % _REPORT_EVERY == 0:
            reporter.progress(len(prepared))
    if reading.issues.errors and not held.leave_out_refused:
        return _finish(held, Import.State.REFUSED, reading.issues, Counts(), 0)
    counts = Counts()
    for counts in store(prepared, origin):
        reporter.progress(counts.new + counts.known, len(prepared))
    reports_from_import(held, prepared)
    return _finish(held, Import.State.DONE, reading.issues, counts, len(prepared))


def _origin(held: Import) -> Origin:
    return Origin(
        organisation=held.organisation,
        imported=held,
        # a RED file names nobody but the person who brought it
        readers=[held.person] if held.person else [],
    )


@transaction.atomic
def _finish(
    held: Import, state: Import.State, issues: IssueList, counts: Counts, total: int
) -> dict[str, object]:
    now_held = Import.objects.select_for_update().get(id=held.id)
    if now_held.state != Import.State.WAITING:
        # a worker that was taken for dead was slow: what is over stays as it is, and a failed one leaves nothing
        if now_held.state == Import.State.FAILED:
            reports_without_import(held, remove_import(held))
        return dict(now_held.counts)
    ImportIssue.objects.filter(owner=held).delete()
    ImportIssue.objects.bulk_create([*_listed(held, issues), *_differing(held, counts)])
    # counted in the store and not on the way, so that a second run after a crash counts what the first brought
    new = Source.objects.filter(imported=held, is_first=True).count()
    held.state, held.finished = state, now()
    held.counts = _counted(
        new=new,
        known=total - new,
        differing=len(counts.differing),
        refused=issues.refused,
        errors=issues.errors,
        warnings=issues.warnings,
        remarks=issues.infos,
        not_listed=issues.not_kept + max(0, len(counts.differing) - _MOST_DIFFERING),
    )
    held.save(update_fields=["state", "finished", "counts"])
    record(_author(held), f"intel.import-{state}", _owner(held), dict(held.counts))
    return dict(held.counts)


def _counted(**numbers: int) -> dict[str, int]:
    """What came of an import. Whoever reads the counts finds every number, also where it is of nothing."""
    return {**dict.fromkeys(_COUNTS, 0), **numbers}


def _author(held: Import) -> Actor:
    return actor_of(held.person) if held.person else SystemActor("intel.import")


def _listed(held: Import, issues: IssueList) -> Iterator[ImportIssue]:
    for issue in issues:
        yield ImportIssue(
            owner=held,
            severity=issue.severity,
            code=issue.code,
            place=issue.place[:500],
            line=issue.line or 0,
            object_id=issue.object_id[:STIX_ID],
            params=dict(issue.params),
        )


def _differing(held: Import, counts: Counts) -> Iterator[ImportIssue]:
    for stix_id in counts.differing[:_MOST_DIFFERING]:
        yield ImportIssue(owner=held, severity="info", code="held-differs", object_id=stix_id)


@transaction.atomic
def give_up_import(import_id: str, error: str) -> None:
    """Say on the import itself that it failed for good, and take back what it had stored until then.

    Args:
        import_id: which; one that is over already stays as it is.
        error: why; it stands on the job, and the importer is told no more than that this node failed.
    """
    del error
    held = Import.objects.select_for_update().filter(id=import_id, state=Import.State.WAITING).first()
    if held is None:
        return
    reports_without_import(held, remove_import(held))
    ImportIssue.objects.filter(owner=held).delete()
    ImportIssue.objects.create(owner=held, severity="error", code="import-failed")
    held.state, held.finished, held.counts = Import.State.FAILED, now(), _counted(errors=1)
    held.save(update_fields=["state", "finished", "counts"])
    record(_author(held), "intel.import-failed", _owner(held))


def _owner(held: Import) -> str:
    return f"urn:uuid:{held.id}"
