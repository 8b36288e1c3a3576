"""What a monitoring asks again and again: how far partners are behind, what waits, what fails, what room is left.

Written in the text format of Prometheus (version 0.0.4). It tells with whom the node works and how much passes, so it
is given only to who brings the token of ``TAAWUN_METRICS_TOKEN``; without that setting there is nothing here.
"""

from __future__ import annotations

import secrets
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Count, F, Q, Sum
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

import taawun
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.platform.audit.queries import chain
from taawun.platform.notices.models import Notice
from taawun.platform.web.problems import problem
from taawun.platform.work.models import Job, ScheduleState

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

__all__ = ["metrics"]

_MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Gauge:
    """One figure with its lines.

    Args:
        name: without the ``taawun_`` before it; it ends with its unit, where it has one.
        words: what it tells.
        values: each with its labels.
    """

    name: str
    words: str
    values: Iterable[tuple[Labels, float]]

    def lines(self) -> Iterator[str]:
        """It in the text format."""
        yield f"# HELP taawun_{self.name} {self.words}"
        yield f"# TYPE taawun_{self.name} gauge"
        for labels, value in self.values:
            said = ",".join(f'{name}="{text.translate(_ESCAPED)}"' for name, text in labels.items())
            yield f"taawun_{self.name}{{{said}}} {value:.15g}" if said else f"taawun_{self.name} {value:.15g}"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """``/metrics``: to who brings the token of ``TAAWUN_METRICS_TOKEN``; 404 where none is set, 401 without it."""
    if not settings.METRICS_TOKEN:
        return problem(404, "not-found", _("There is nothing at this address."))
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    brought = token.strip().encode(errors="replace") if scheme.lower() == "bearer" else b""
    if not secrets.compare_digest(brought, settings.METRICS_TOKEN.encode()):
        refused = problem(
            401, "unauthenticated", _("Bring the token of TAAWUN_METRICS_TOKEN as a bearer token.")
        )
        refused["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    text = "\n".join(line for gauge in _gauges() for line in gauge.lines())
    return HttpResponse(f"{text}\n", content_type=_MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _gauges() -> Iterator[_Gauge]:
    yield _Gauge("info", "The version of the program, as a label.", [({"version": taawun.__version__}, 1.0)])
    yield from _of_partners()
    yield from _of_work()
    found = chain()
    yield _Gauge("audit_rows_sealed", "Rows of the audit trail that are chained.", [({}, found.rows)])
    yield _Gauge(
        "audit_rows_waiting", "Rows of the audit trail that are not chained yet.", [({}, found.waiting)]
    )
    disk = shutil.disk_usage(settings.HOME)
    yield _Gauge("disk_free_bytes", "Room on the disk of the home.", [({}, disk.free)])
    yield _Gauge(
        "disk_least_bytes",
        "Below this nothing is read from partners (TAAWUN_FREE_DISK_BYTES).",
        [({}, settings.FREE_DISK_BYTES)],
    )


# ---- partners -----------------------------------------------------------------------------------------------------
def _of_partners() -> Iterator[_Gauge]:
    partners = list(Partner.objects.exclude(state=Partner.State.CLAIMED).order_by("node"))
    nodes = {each.id: each.node for each in partners}
    theirs = Lane.objects.filter(sender__in=nodes).exclude(state=Lane.State.LEFT)
    behind = dict(theirs.values_list("sender").annotate(sum=Sum(F("known_seq") - F("head_seq"))).order_by())
    stopped = dict(
        theirs.filter(state=Lane.State.STOPPED).values_list("sender").annotate(Count("id")).order_by()
    )
    waiting = dict(
        LaneEntry.objects.filter(state=LaneEntry.State.PENDING, lane__sender__in=nodes)
        .values_list("lane__sender")
        .annotate(Count("id"))
        .order_by()
    )
    unsigned = dict(
        LaneReader.objects.filter(lane__sender=None, partner__in=nodes)
        .values_list("partner")
        .annotate(sum=Sum(F("lane__head_seq") - F("receipt_seq")))
        .order_by()
    )

    def each_of(counts: Mapping[object, int | None]) -> list[tuple[Labels, float]]:
        return [({"partner": node}, counts.get(key) or 0) for key, node in nodes.items()]

    yield _Gauge(
        "partner_verified",
        "1 where the partner's fingerprint was compared and it is not blocked.",
        [({"partner": each.node}, each.state == Partner.State.VERIFIED) for each in partners],
    )
    yield _Gauge(
        "partner_entries_behind",
        "Entries that the partner has for this node and that are not here yet.",
        each_of(behind),
    )
    yield _Gauge(
        "partner_entries_waiting",
        "Entries of the partner that are here and not taken in yet.",
        each_of(waiting),
    )
    yield _Gauge("partner_lanes_stopped", "Lanes of the partner that do not hold.", each_of(stopped))
    yield _Gauge(
        "partner_entries_unsigned",
        "Entries for the partner that it has not signed a receipt for.",
        each_of(unsigned),
    )
    yield _Gauge(
        "partner_failures",
        "Calls to the partner that failed one after the other; 0 since one succeeded.",
        [({"partner": each.node}, each.failures) for each in partners],
    )
    yield _Gauge(
        "partner_last_contact_timestamp_seconds",
        "When the partner was last spoken with.",
        _instants(partners, "last_contact"),
    )
    yield _Gauge(
        "partner_descriptor_valid_until_timestamp_seconds",
        "When the partner's descriptor lapses; nothing is sent to it afterwards.",
        _instants(partners, "descriptor_valid_until"),
    )


def _instants(partners: Iterable[Partner], name: str) -> list[tuple[Labels, float]]:
    found: list[tuple[Labels, datetime | None]] = [
        ({"partner": each.node}, getattr(each, name)) for each in partners
    ]
    return [(labels, at.timestamp()) for labels, at in found if at is not None]


# ---- work -----------------------------------------------------------------------------------------------------
def _of_work() -> Iterator[_Gauge]:
    jobs: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, state, count in (
        Job.objects.filter(~Q(state=Job.State.DONE))
        .values_list("kind", "state")
        .annotate(Count("id"))
        .order_by("kind", "state")
    ):
        jobs[state][kind] = count
    for state, name, words in (
        (Job.State.QUEUED, "jobs_waiting", "Jobs that wait for a worker."),
        (Job.State.RUNNING, "jobs_running", "Jobs that run."),
        (Job.State.FAILED, "jobs_failed", "Jobs that failed for good."),
    ):
        yield _Gauge(
            name, words, [({"kind": kind}, count) for kind, count in jobs[state].items()] or [({}, 0)]
        )
    schedules = list(ScheduleState.objects.order_by("name"))
    yield _Gauge(
        "schedule_failed",
        "1 where the last run of a schedule failed.",
        [({"schedule": each.name}, bool(each.error)) for each in schedules],
    )
    yield _Gauge(
        "schedule_last_run_timestamp_seconds",
        "When a schedule last began.",
        [({"schedule": each.name}, each.started.timestamp()) for each in schedules if each.started],
    )
    levels = dict(Notice.objects.filter(resolved=None).values_list("level").annotate(Count("id")).order_by())
    yield _Gauge(
        "notices_open",
        "Notices that nobody has settled.",
        [({"level": str(level)}, levels.get(str(level), 0)) for level in Notice.Level.values],
    )
