"""The scan of the paper instrument that an agreement belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.actions.speaking import urn
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, Scan
from taawun.cooperation.people.rules import require
from taawun.platform.audit.actions import record
from taawun.platform.files import actions as files
from taawun.platform.web.formats import either

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taawun.cooperation.people.actors import Actor

__all__ = ["MAX_SCAN_BYTES", "attach_scan", "let_go_of_unnamed_scans", "scan_owner"]

MAX_SCAN_BYTES = 64 * 1024 * 1024
# so many signs of a digest tell two files apart, and can be read out
_SHOWN = 12


def scan_owner(agreement: Agreement, digest: str) -> str:
    """As whose file a scan is kept."""
    return f"{urn(agreement)}#{digest}"


@transaction.atomic
def attach_scan(actor: Actor, agreement: Agreement, chunks: Iterable[bytes], name: str) -> Scan:
    """Keep the scan of a paper instrument that a version or our draft names; each party keeps its own, none sends it.

    Args:
        actor: an officer.
        agreement: which.
        chunks: the bytes of the scan.
        name: what the file was called.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: no version names a paper instrument, or this is not the scan whose digest it names.
        FileTooLarge: it has more than 64 MiB.
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    wanted = _named_digests(held)
    if not wanted:
        raise StepRefused("no-instrument", _("No version of this agreement names a paper instrument."))
    owner = f"{urn(held)}#unchecked"
    stored = files.store(chunks, owner=owner, limit=MAX_SCAN_BYTES, name=name)
    if stored.digest not in wanted:
        files.let_go(owner)
        raise StepRefused(
            "other-scan",
            _(
                "This is not the scan that the agreement names: its digest begins with %(digest)s, and what is wanted "
                "begins with %(wanted)s. Ask who wrote that text, at %(whom)s, for the file."
            )
            % {
                "digest": stored.digest[:_SHOWN],
                "wanted": either([each[:_SHOWN] for each in sorted(wanted)]),
                "whom": either(sorted(set(wanted.values()))),
            },
        )
    files.store(
        [files.read(stored.digest)], owner=scan_owner(held, stored.digest), limit=MAX_SCAN_BYTES, name=name
    )
    files.let_go(owner)
    scan, is_new = Scan.objects.get_or_create(
        lineage=held.id,
        digest=stored.digest,
        defaults={"size": stored.size, "name": name[:200], "attached_by": actor.audit_identity.label[:200]},
    )
    if is_new:
        record(actor, "agreements.scan-attached", urn(held), {"digest": stored.digest, "size": stored.size})
    return scan


def let_go_of_unnamed_scans(held: Agreement) -> None:
    """Keep no scan of a paper that was in a draft alone and is in it no longer.

    Args:
        held: the agreement, locked, with its draft as it is now.
    """
    scans = Scan.objects.filter(lineage=held.id)
    if not scans.exists():
        return
    for scan in scans.exclude(digest__in=list(_named_digests(held))):
        files.let_go(scan_owner(held, scan.digest))
        scan.delete()


def _named_digests(held: Agreement) -> dict[str, str]:
    """The digests of the papers that its versions, our counter-proposals and our draft name, and whose text does."""
    suggested = PartyInstrument.objects.filter(
        lineage=held.id, node=settings.BASE_URL, suggestion__isnull=False
    )
    documents = [version.document() for version in held.versions.all()]
    documents += [parse(bytes(each)) for each in suggested.values_list("suggestion", flat=True) if each]
    if held.draft:
        documents.append(parse(held.draft.encode()))
    return {each.instrument.digest: each.depositary.node for each in documents if each.instrument is not None}
