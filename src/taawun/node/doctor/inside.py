"""What needs the settings and the database: rows, files, the worker, partners, mail, and the address from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from taawun.cooperation.partners.errors import DescriptorRefused, KeyUnusable
from taawun.cooperation.partners.identity import descriptor as descriptors
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Lane, Partner
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.digests import Sha256Stream
from taawun.foundation.outbound import Outbound, OutboundFailed, OutboundRefused
from taawun.node.doctor.findings import Finding
from taawun.node.keeping import BACKUP_AGE, last_backup
from taawun.platform.files import actions as files
from taawun.platform.files.errors import FileGone
from taawun.platform.files.models import StoredFile
from taawun.platform.work.queries import late_and_failed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "check_address",
    "check_backup",
    "check_database",
    "check_files",
    "check_mail",
    "check_node",
    "check_partners",
    "check_worker",
]

_PIECE: Final = 1024 * 1024
_SAMPLE: Final = 200
_MOST_NAMED: Final = 20
_FAILING: Final = 5
_OK: Final = 200
# what another node answers to a request that is dated wrongly
_CLOCK: Final = frozenset({"expired", "not-yet-valid", "future"})


def check_database() -> Iterator[Finding]:
    """The database is of this program's version and whole."""
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Finding(
            "database",
            "fault",
            f"{len(plan)} migrations are not applied.",
            "Run `taawun up`, which applies them.",
        )
    strange = set(executor.loader.applied_migrations) - set(executor.loader.graph.nodes)
    ours = sorted(f"{app}.{name}" for app, name in strange)
    if ours:
        yield Finding(
            "database",
            "fault",
            f"The database was migrated by a newer program ({ours[0]}).",
            "Install that version again, or restore a backup made with this one.",
        )
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        said = [row[0] for row in cursor.execute("PRAGMA quick_check(5)").fetchall()]
    if mode != "wal":
        yield Finding(
            "database",
            "fault",
            f"The journal of the database is {mode}, not wal: readers and writers wait for each other.",
            "Put the home on a local disk; a network share cannot hold it.",
        )
    if said != ["ok"]:
        yield Finding(
            "database", "fault", f"The database is damaged: {said[0][:200]}.", "Restore the newest backup."
        )


def check_node() -> Iterator[Finding]:
    """There is a node, with a key that can be used."""
    if not Organisation.objects.filter(is_host=True).exists():
        yield Finding(
            "node", "fault", "There is no node here yet.", "Run `taawun init`, or `taawun restore`."
        )
    try:
        node_key()
    except KeyUnusable as problem:
        yield Finding("keys", "fault", f"{str(problem).capitalize()}.", "Put it back from a backup.")


def check_files() -> Iterator[Finding]:
    """A sample of stored files is there, byte for byte."""
    sample = list(StoredFile.objects.order_by("?").values_list("digest", flat=True)[:_SAMPLE])
    for digest in sample:
        try:
            stream = Sha256Stream()
            with files.open_file(digest) as handle:
                while piece := handle.read(_PIECE):
                    stream.update(piece)
            problem = "" if stream.hexdigest() == digest else "is damaged"
        except FileGone:
            problem = "is missing"
        if problem:
            yield Finding(
                "files",
                "fault",
                f"The stored file {digest} {problem}.",
                f"Copy it from a backup to {settings.HOME / 'files' / files.place_of(digest)}, and look at the disk.",
            )


def check_worker() -> Iterator[Finding]:
    """Schedules run, and do not fail."""
    late, failed = late_and_failed(now())
    for name, error in failed.items():
        yield Finding(
            "schedules",
            "fault",
            f"The schedule {name} failed: {error[:200]}.",
            "Look at the log of the worker.",
        )
    if late:
        yield Finding(
            "worker",
            "fault",
            f"{len(late)} schedules did not run when they should have, {late[0]} among them: no worker runs.",
            "Run `taawun up`, or `taawun up --only worker` where the parts run apart; look at its log.",
        )


def check_partners() -> Iterator[Finding]:
    """Partners answer, and their lanes move."""
    for waiting in returning.awaited().filter(answered=None, given_up=None)[:_MOST_NAMED]:
        yield Finding(
            "returning",
            "fault",
            f"This node was restored and waits for {waiting.partner.node}: it says nothing until then.",
            "See that it can be called; where it is gone for good, an administrator gives it up on its page.",
        )
    for partner in Partner.objects.filter(state=Partner.State.VERIFIED).order_by("node"):
        yield from _check_partner(partner)
    stopped = Lane.objects.filter(sender__isnull=False, state=Lane.State.STOPPED).select_related("sender")
    for lane in stopped[:_MOST_NAMED]:
        sender = lane.sender.node if lane.sender else ""
        yield Finding(
            "lanes",
            "fault",
            f"Lane {lane.id} of {sender} is stopped at entry {lane.stopped_at} ({lane.stop_reason}).",
            "Speak with its administrator; the partner's page tells what was found.",
        )


def _check_partner(partner: Partner) -> Iterator[Finding]:
    if not partner.is_current(now()):
        yield Finding(
            "partners",
            "fault",
            f"The descriptor of {partner.node} has lapsed: nothing is sent to it.",
            "See that it can be called, and that its node runs.",
        )
    said = str(partner.last_error_facts.get("type", "")) if partner.last_error_facts else ""
    if said in _CLOCK:
        yield Finding(
            "clock",
            "fault",
            f"The clock of this machine and that of {partner.node} differ by more than a minute.",
            "Have the clock set by NTP; ask its administrator the same.",
        )
    elif partner.failures >= _FAILING:
        yield Finding(
            "partners",
            "advice",
            f"{partner.node} did not answer {partner.failures} times: {partner.last_error[:200]}.",
            "See whether its node runs and can be called from here.",
        )


def check_address() -> Iterator[Finding]:
    """The node answers under its own address, and it is this one that does."""
    base = urlsplit(settings.BASE_URL)
    # its own address may be a private one, seen from inside
    own = f"{base.hostname}:{base.port or (443 if base.scheme == 'https' else 80)}"
    outbound = Outbound(allow=frozenset({*settings.OUTBOUND_ALLOW, own}))
    try:
        answer = outbound.request(
            "GET",
            f"{settings.BASE_URL}/.well-known/taawun",
            limit_bytes=descriptors.MAX_BYTES,
            deadline_seconds=10,
        )
    except (OutboundFailed, OutboundRefused) as problem:
        yield Finding(
            "address",
            "fault",
            f"{settings.BASE_URL} cannot be reached from here: {str(problem).rstrip('.')}.",
            "Run `taawun up`; see that the proxy, the certificate and the name of the host are right.",
        )
        return
    if answer.status != _OK:
        yield Finding(
            "address",
            "fault",
            f"{settings.BASE_URL} answers {answer.status} instead of the node's descriptor.",
            "See that the proxy passes every path on to the node.",
        )
        return
    try:
        told = descriptors.read(answer.body.decode("ascii", errors="replace").strip(), at=now())
    except DescriptorRefused as refused:
        yield Finding(
            "address",
            "fault",
            f"{settings.BASE_URL} answers something else: {refused}.",
            "See what answers there.",
        )
        return
    if (told.node, told.key.kid) != (settings.BASE_URL, node_key().kid):
        yield Finding(
            "address",
            "fault",
            f"Under {settings.BASE_URL} another node answers: {told.node} with the key {told.key.kid}.",
            "See where the proxy leads; two nodes never share an address or a key.",
        )


def check_mail() -> Iterator[Finding]:
    """Letters can be handed over."""
    if settings.EMAIL_URL is None:
        yield Finding(
            "mail",
            "advice",
            "No mail is sent: links are shown to administrators, who hand them over.",
            "Set TAAWUN_EMAIL_URL, if that is not meant.",
        )
        return
    try:
        opened = get_connection(timeout=10)
        opened.open()
        opened.close()
    except OSError as problem:
        yield Finding(
            "mail",
            "fault",
            f"The mail server does not take letters: {' '.join(str(problem).split())[:200]}.",
            "See TAAWUN_EMAIL_URL: host, port, user and password.",
        )


def check_backup() -> Iterator[Finding]:
    """There is a backup, and not an old one."""
    last = last_backup()
    if last is None:
        yield Finding(
            "backup", "fault", "There was never a backup of this node.", "Run `taawun backup FILE` daily."
        )
    elif last < now() - BACKUP_AGE:
        days = (now() - last).days
        yield Finding(
            "backup",
            "fault",
            f"The newest backup is {days} days old.",
            "Run `taawun backup FILE` daily, from cron.",
        )
