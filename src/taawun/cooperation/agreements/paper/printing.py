"""Having an agreement printed: at once where that takes no time, else as background work that is asked for again.

What is printed is kept for a day under a name made of everything it depends on (the text, the signatures, the
languages, the form), so that a long agreement is set once for all who ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.utils.translation import gettext_lazy

from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.models import Agreement, PartySignature
from taawun.cooperation.agreements.paper.content import paper_of
from taawun.cooperation.agreements.paper.pdf import as_pdf
from taawun.cooperation.agreements.presenting.parties import partners_of
from taawun.cooperation.agreements.versions import version_of
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.platform.files.actions import let_go, read, store
from taawun.platform.files.errors import FileGone
from taawun.platform.work.actions import enqueue
from taawun.platform.work.models import Job
from taawun.platform.work.schedules import JobKind, Schedule

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.work.schedules import Reporter

__all__ = ["DRAFT", "FORMS", "JOB", "LONG", "PrintOrder", "clear", "printed"]

DRAFT: Final = "draft"
FORMS: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
# bytes of exact text that are set well within a second (docs/performance.md)
LONG: Final = 24 * 1024
_KEPT: Final = timedelta(days=1)
_RETRY: Final = timedelta(minutes=10)
_KIND: Final = "agreements.print"
# a megabyte of text in two languages comes to some eight
_MOST: Final = 64 * 1024 * 1024
# printing takes a worker a minute at most; more than these wait until one is done
_MOST_WAITING: Final = 8


@dataclass(frozen=True, slots=True)
class PrintOrder:
    """What is to be printed.

    Args:
        agreement: id of the agreement.
        text: number of a version, or ``draft``.
        digest: of the exact text.
        evidence: digest of the signatures on it.
        languages: one or two of the interface's.
        form: a key of :data:`FORMS`.
    """

    agreement: UUID
    text: str
    digest: str
    evidence: str
    languages: tuple[str, ...]
    form: str

    @classmethod
    def of(cls, held: Agreement, text: str, *, languages: tuple[str, ...], form: str) -> PrintOrder:
        """An order for a text as it stands.

        Raises:
            LookupError: the agreement has no such text.
        """
        exact = _exact(held, text)
        if exact is None:
            raise LookupError(text)
        digest = sha256(exact)
        signed = sorted(f"{each.node} {each.token}" for each in _signatures(held, digest))
        return cls(held.id, text, digest, sha256("\n".join(signed).encode())[:16], languages, form)

    @property
    def subject(self) -> str:
        """All of it in one line, by which the work and its outcome are found again."""
        named = "+".join(self.languages)
        return " ".join((str(self.agreement), self.text, self.digest, self.evidence, named, self.form))

    @classmethod
    def read(cls, subject: str) -> PrintOrder:
        """The order of such a line."""
        agreement, text, digest, evidence, named, form = subject.split(" ")
        return cls(UUID(agreement), text, digest, evidence, tuple(named.split("+")), form)

    @property
    def owner(self) -> str:
        """Who needs the file."""
        return f"urn:taawun:paper:{sha256(self.subject.encode())}"


def printed(order: PrintOrder) -> bytes | Job | None:
    """The printed agreement; a job while it is being set; None where too many others wait for that.

    Raises:
        LookupError: the text is not there any more.
    """
    held = Agreement.objects.get(id=order.agreement)
    exact = _exact(held, order.text)
    if exact is None:
        raise LookupError(order.text)
    if len(exact) <= LONG:
        return _set(order)
    job = Job.objects.filter(kind=_KIND, subject_id=order.subject).order_by("-created").first()
    if job and job.state == Job.State.DONE:
        try:
            return read(str(job.result["file"]))
        except FileGone:  # a day is over; it is set again
            job = None
    if job and (job.state in {Job.State.QUEUED, Job.State.RUNNING} or _failed_just_now(job)):
        return job
    waiting = Job.objects.filter(kind=_KIND, state__in=(Job.State.QUEUED, Job.State.RUNNING)).count()
    return enqueue(_KIND, order.subject) if waiting < _MOST_WAITING else None


def _failed_just_now(job: Job) -> bool:
    # whoever looks at its page would start it again and again
    return job.state == Job.State.FAILED and job.finished is not None and job.finished > now() - _RETRY


def clear() -> int:
    """Let go of what was printed more than a day ago.

    Returns:
        How many papers were let go of.
    """
    old = Job.objects.filter(kind=_KIND, state=Job.State.DONE, finished__lt=now() - _KEPT)
    return sum(let_go(PrintOrder.read(subject).owner) for subject in old.values_list("subject_id", flat=True))


def _run(reporter: Reporter, subject: str) -> dict[str, object]:
    del reporter  # the one step that takes its time cannot say how far it is
    order = PrintOrder.read(subject)
    stored = store([_set(order)], owner=order.owner, limit=_MOST, name=f"agreement.{order.form}")
    return {"file": stored.digest, "size": stored.size}


def _set(order: PrintOrder) -> bytes:
    held = Agreement.objects.get(id=order.agreement)
    exact = _exact(held, order.text)
    if exact is None or sha256(exact) != order.digest:
        raise LookupError(order.text)
    document = parse(exact)
    paper = paper_of(
        document,
        _signatures(held, order.digest),
        partners_of(document),
        languages=order.languages,
        is_draft=order.text == DRAFT,
    )
    if order.form == "pdf":
        return as_pdf(paper)
    # a twentieth of what every process and every command of a node would wait for at its start
    from taawun.cooperation.agreements.paper.word import as_docx  # noqa: PLC0415 - who prints no DOCX does not wait for it

    return as_docx(paper)


def _exact(held: Agreement, text: str) -> bytes | None:
    if text == DRAFT:
        return held.draft.encode() or None
    version = version_of(held, int(text))
    return bytes(version.text) if version else None


def _signatures(held: Agreement, digest: str) -> list[PartySignature]:
    return list(PartySignature.objects.filter(lineage=held.id, digest=digest).order_by("at", "node"))


def _is_visible(actor: PersonActor, subject: str) -> bool:
    order = PrintOrder.read(subject)
    return ("write:agreements" if order.text == DRAFT else "read:agreements") in actor.permissions


JOB: Final = (
    JobKind(_KIND, gettext_lazy("Printing an agreement"), _run, visible=_is_visible),
    Schedule("agreements.clear-papers", timedelta(hours=1), clear),
)
