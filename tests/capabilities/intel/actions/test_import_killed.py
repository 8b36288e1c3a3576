"""A worker process that is killed in the middle of an import, and the one that takes over."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Count

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.models import Import, Source, StixObject
from taawun.foundation.tlp import Tlp
from taawun.platform.work.models import Job
from tests.capabilities.intel.factories import SYSTEM
from tests.cast import establish_node

CHECKOUT = Path(__file__).resolve().parents[4]
WHOLE = 24_771


def _database_url() -> str:
    """The database of the tests, as another process names it."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    given = urlsplit(f"postgresql://{connection.settings_dict['USER']}@/{name}")
    return f"{given.geturl()}?host={connection.settings_dict['HOST']}"


@contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "TAAWUN_HOME": str(settings.HOME),
        "TAAWUN_DATABASE_URL": _database_url(),
        "PYTHONPATH": str(CHECKOUT / "src"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "taawun", "up", "--only", "worker"], env=environment, cwd=CHECKOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_over_an_import_loses_and_doubles_nothing(data_dir: Path) -> None:
    establish_node()
    data = gzip.decompress((data_dir / "attack" / "enterprise-attack-stix20.json.gz").read_bytes())
    held = actions.begin_import(SYSTEM, data, name="attack", default_tlp=Tlp.CLEAR)
    with _worker() as first:
        _until(lambda: StixObject.objects.count() >= 5000, 120)
        first.send_signal(signal.SIGKILL)
        first.wait()
    stored = StixObject.objects.count()
    held.refresh_from_db()
    assert 5000 <= stored < WHOLE, "the worker was not killed in the middle"
    assert stored % 500 == 0, "a batch was half stored"
    assert held.state == Import.State.WAITING
    assert Source.objects.count() == stored

    with _worker():
        # the sweep of the new worker finds the job when its lease has run out
        _until(lambda: Import.objects.get(id=held.id).state != Import.State.WAITING, 180)
        _until(lambda: Job.objects.get(subject_id=str(held.id)).state == Job.State.DONE, 20)
    held.refresh_from_db()
    assert held.state == Import.State.DONE
    assert (held.counts["new"], held.counts["known"], held.counts["refused"]) == (WHOLE, 0, 0)
    assert StixObject.objects.count() == Source.objects.count() == WHOLE
    assert StixObject.objects.filter(is_current=True).count() == WHOLE
    doubled = StixObject.objects.values("stix_id", "version").annotate(times=Count("id")).filter(times__gt=1)
    assert not doubled.exists()
    assert Job.objects.get(subject_id=str(held.id)).attempts == 2
