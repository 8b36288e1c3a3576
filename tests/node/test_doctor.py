"""`taawun doctor`: each thing that is wrong is told with its mend, and what is right is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as node_settings
from django.utils.connection import ConnectionDoesNotExist
from pytest_django.fixtures import Settings

from taawun.cooperation.partners.models import Lane, Partner
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.node.doctor import before, inside
from taawun.node.doctor.findings import Finding, gathered
from taawun.platform.audit.actions import record
from taawun.platform.audit.models import Entry
from taawun.platform.files import actions as files
from taawun.platform.registry import registry
from taawun.platform.work.models import ScheduleState
from taawun.platform.work.schedules import Schedule
from tests.cast import partner
from tests.node.commands.console import in_own_process


def _told(found: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(each.check, each.what) for each in found]


# ---- without Django ---------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with its two keys."""
    for name in [name for name in os.environ if name.startswith("TAAWUN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TAAWUN_HOME", str(tmp_path))
    monkeypatch.setenv("TAAWUN_FREE_DISK_BYTES", "0")
    (tmp_path / "keys").mkdir()
    for place in (tmp_path / "keys" / "node.pem", tmp_path / "secret-key"):
        place.write_text("x")
        place.chmod(0o600)
    return tmp_path


def test_a_home_as_it_should_be_is_not_spoken_of(home: Path) -> None:
    for check in (before.check_settings, before.check_home, before.check_keys, before.check_outbound):
        assert list(check()) == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "TAAWUN_POLL_SECONDS",
            "often",
            "TAAWUN_POLL_SECONDS: 'often' is not a whole number from 1 to 86400.",
        ),
        (
            "TAAWUN_POLL_SECOND",
            "3",
            "TAAWUN_POLL_SECOND: there is no such setting; did you mean TAAWUN_POLL_SECONDS?.",
        ),
        ("TAAWUN_DEBUG", "yes", "TAAWUN_DEBUG is on: pages of errors show secrets."),
        (
            "TAAWUN_BASE_URL",
            "http://cert.example",
            "TAAWUN_BASE_URL is http://cert.example: partners call HTTPS only, and sign-in is open to whoever listens.",
        ),
    ],
)
def test_a_setting_that_is_wrong_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    assert _told(before.check_settings()) == [("settings", told)]


def test_a_wide_exception_is_told_and_a_host_is_not(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAAWUN_OUTBOUND_ALLOW", "10.0.0.0/8,partner.internal,10.1.0.0/16,0.0.0.0/0")
    assert [(each.level, "10.0.0.0/8" in each.what) for each in before.check_outbound()] == [
        ("advice", True),
        ("fault", False),
    ]


def test_keys_that_others_read_or_that_are_missing_are_told(home: Path) -> None:
    key = home / "keys" / "node.pem"
    key.chmod(0o644)
    (home / "secret-key").unlink()
    (home / "keys" / "recovery.pem").write_text("x")
    (home / "keys" / "recovery.pem").chmod(0o600)
    found = list(before.check_keys())
    assert [each.what.split(" ")[0] for each in found] == [f"{home / 'secret-key'}", "Others", "The"]
    assert found[1].mend == f"Run `chmod 600 {key}`."


def test_a_disk_that_is_almost_full_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAAWUN_FREE_DISK_BYTES", str(2**50))
    assert [each.check for each in before.check_home()] == ["disk"]


def test_a_node_that_does_not_start_is_looked_at_all_the_same(tmp_path: Path) -> None:
    ended = in_own_process(tmp_path, "doctor", "--json", TAAWUN_TIME_ZONE="Mars/Base")
    assert (ended.code, ended.err) == (1, "")
    assert [each["check"] for each in ended.json["findings"]] == ["settings"]
    ended = in_own_process(tmp_path, "doctor", "--json")
    checks = [each["check"] for each in ended.json["findings"]]
    assert (ended.code, checks[:3]) == (1, ["keys", "keys", "database"])


def test_a_check_that_falls_over_does_not_keep_the_others_from_looking() -> None:
    def fall() -> Iterable[Finding]:
        raise ConnectionDoesNotExist("no\nsuch")

    other = Finding("b", "fault", "x.", "y.")
    found = gathered([("a", fall), ("b", lambda: [other])])
    assert _told(found) == [("a", "This cannot be looked at: ConnectionDoesNotExist: no such."), ("b", "x.")]


# ---- with the database ------------------------------------------------------------------------------------------


@pytest.fixture
def running(node: Organisation) -> None:
    """Every schedule has just run."""
    ScheduleState.objects.bulk_create(
        ScheduleState(name=each.name, started=now()) for each in registry.all(Schedule)
    )


@pytest.mark.usefixtures("running")
def test_a_node_that_is_well_is_not_spoken_of() -> None:
    record(SystemActor("console"), "node.backed-up", "urn:x")
    for check in (
        inside.check_node,
        inside.check_files,
        inside.check_worker,
        inside.check_partners,
        inside.check_backup,
        inside.check_database,
    ):
        assert list(check()) == [], check


@pytest.mark.usefixtures("running")
def test_a_worker_that_is_gone_and_a_schedule_that_fails_are_told() -> None:
    ScheduleState.objects.filter(name="audit.seal").update(error="OSError: disk")
    assert _told(inside.check_worker()) == [("schedules", "The schedule audit.seal failed: OSError: disk.")]
    ScheduleState.objects.update(started=now() - timedelta(days=60))
    [late] = inside.check_worker()
    assert (late.check, late.what.endswith("no worker runs.")) == ("worker", True)


def test_files_that_are_missing_or_damaged_are_named(node: Organisation) -> None:
    lost, changed, whole = (files.store([each], owner="urn:x", limit=10) for each in (b"1", b"2", b"3"))
    (node_settings.HOME / "files" / files.place_of(lost.digest)).unlink()
    (node_settings.HOME / "files" / files.place_of(changed.digest)).write_bytes(b"x")
    assert sorted(_told(inside.check_files())) == sorted(
        [
            ("files", f"The stored file {lost.digest} is missing."),
            ("files", f"The stored file {changed.digest} is damaged."),
        ]
    )
    assert whole.digest


def _lapsed(row: Partner) -> None:
    Partner.objects.filter(id=row.id).update(descriptor_valid_until=now() - timedelta(days=1))


def _failing(row: Partner) -> None:
    Partner.objects.filter(id=row.id).update(failures=9, last_error="it cannot be reached")


def _other_clock(row: Partner) -> None:
    Partner.objects.filter(id=row.id).update(failures=9, last_error_facts={"type": "expired"})


def _stopped(row: Partner) -> None:
    Lane.objects.create(purpose="talk", sender=row, state="stopped", stop_reason="fork", stopped_at=3)


def _awaited(row: Partner) -> None:
    assert returning.begin(SystemActor("tests")) == (row.node,)


@pytest.mark.parametrize(
    ("trouble", "check", "said"),
    [
        (_lapsed, "partners", "has lapsed: nothing is sent to it"),
        (_failing, "partners", "did not answer 9 times: it cannot be reached."),
        (_other_clock, "clock", "differ by more than a minute"),
        (_stopped, "lanes", "is stopped at entry 3 (fork)"),
        (_awaited, "returning", "it says nothing until then"),
    ],
)
def test_a_partner_in_trouble_is_named(
    node: Organisation, trouble: Callable[[Partner], None], check: str, said: str
) -> None:
    south = partner()
    trouble(south.row)
    [found] = inside.check_partners()
    assert (found.check, said in found.what, south.node in found.what) == (check, True, True)
    returning._Known.is_over = False


def test_the_age_of_the_backup_is_told(node: Organisation) -> None:
    assert _told(inside.check_backup()) == [("backup", "There was never a backup of this node.")]
    row = record(SystemActor("console"), "node.backed-up", "urn:x")
    Entry.objects.filter(id=row.id).update(at=now() - timedelta(days=9, hours=1))
    assert _told(inside.check_backup()) == [("backup", "The newest backup is 9 days old.")]


def test_an_address_that_nobody_answers_at_is_told(node: Organisation, settings: Settings) -> None:
    settings.BASE_URL = "http://127.0.0.1:9"
    [found] = inside.check_address()
    assert (found.check, found.what.startswith("http://127.0.0.1:9 cannot be reached from here:")) == (
        "address",
        True,
    )


def test_without_a_mail_server_it_is_said_how_links_travel(node: Organisation) -> None:
    [found] = inside.check_mail()
    assert (found.level, found.what) == (
        "advice",
        "No mail is sent: links are shown to administrators, who hand them over.",
    )
