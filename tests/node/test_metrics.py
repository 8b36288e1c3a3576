"""Metrics: nothing without the setting, nothing without the token, and then what a monitoring asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from taawun.cooperation.partners.models import Lane, LaneReader, Partner
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record, seal
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.work.models import Job, ScheduleState
from tests.cast import SYSTEM, partner
from tests.lanes import talk_lane

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries
    from pytest_django.fixtures import Settings

    from taawun.cooperation.people.models import Organisation

TOKEN = "only-for-the-monitoring-of-tests"
_LINE = re.compile(r"[a-z_]+(?:\{[a-z]+=\"(?:[^\"\\]|\\.)*\"\})? -?[0-9.e+]+")


def asked(token: str = TOKEN, scheme: str = "Bearer") -> tuple[int, str]:
    answer = Client(raise_request_exception=False).get(
        "/metrics", headers={"Authorization": f"{scheme} {token}"}
    )
    return answer.status_code, answer.content.decode()


def figures() -> dict[str, float]:
    status, text = asked()
    assert status == 200, text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not _LINE.fullmatch(line)] == []
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def on(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def test_without_the_setting_there_is_nothing(node: Organisation, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert asked()[0] == 404
    assert asked("")[0] == 404


@pytest.mark.usefixtures("on")
@pytest.mark.parametrize("token", ["", "another", f"{TOKEN}x", TOKEN[:-1], "\xe9"])
def test_whoever_does_not_bring_the_token_learns_nothing(node: Organisation, token: str) -> None:
    status, text = asked(token)
    assert status == 401
    assert "taawun_" not in text


@pytest.mark.usefixtures("on")
def test_the_token_is_no_password_of_another_scheme(node: Organisation) -> None:
    assert asked(scheme="Basic")[0] == 401


@pytest.mark.usefixtures("on")
def test_it_tells_how_far_partners_are_behind_what_fails_and_what_waits(node: Organisation) -> None:
    south, east = partner("Southern CERT"), partner("Eastern CERT", nation="XE", state=Partner.State.MET)
    lane = talk_lane(south)
    lane.take()
    lane.row.refresh_from_db()
    Lane.objects.filter(id=lane.row.id).update(known_seq=lane.row.head_seq + 7, state=Lane.State.STOPPED)
    ours = Lane.objects.create(purpose=Lane.Purpose.TALK, head_seq=5)
    LaneReader.objects.create(lane=ours, partner=south.row, receipt_seq=2)
    at = now()
    Partner.objects.filter(id=south.row.id).update(failures=3, last_contact=at)
    Job.objects.create(kind="intel.import", subject_id="1")
    Job.objects.create(kind="intel.import", subject_id="2", state=Job.State.FAILED)
    ScheduleState.objects.create(name="audit.seal", started=at, error="no")
    raise_notice("partners.lane-stopped", "urn:x", Notice.Level.ALARM, {})
    seal()
    record(SYSTEM, "tests.done", "urn:x")
    found = figures()
    there, elsewhere = f'partner="{south.row.node}"', f'partner="{east.row.node}"'
    expected = {
        f"taawun_partner_verified{{{there}}}": 1,
        f"taawun_partner_verified{{{elsewhere}}}": 0,
        f"taawun_partner_entries_behind{{{there}}}": 7,
        f"taawun_partner_entries_behind{{{elsewhere}}}": 0,
        f"taawun_partner_entries_waiting{{{there}}}": 1,
        f"taawun_partner_lanes_stopped{{{there}}}": 1,
        f"taawun_partner_entries_unsigned{{{there}}}": 3,
        f"taawun_partner_failures{{{there}}}": 3,
        f"taawun_partner_last_contact_timestamp_seconds{{{there}}}": pytest.approx(at.timestamp(), abs=0.001),
        'taawun_jobs_waiting{kind="intel.import"}': 1,
        "taawun_jobs_running": 0,
        'taawun_jobs_failed{kind="intel.import"}': 1,
        'taawun_schedule_failed{schedule="audit.seal"}': 1,
        'taawun_notices_open{level="alarm"}': 1,
        'taawun_notices_open{level="warning"}': 0,
        "taawun_audit_rows_waiting": 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert found["taawun_disk_free_bytes"] > 0


@pytest.mark.usefixtures("on")
def test_a_partners_address_cannot_break_out_of_its_label(node: Organisation) -> None:
    row = partner("Southern CERT").row
    Partner.objects.filter(id=row.id).update(node='https://x.example/"} 1\ntaawun_jobs_waiting 9\\')
    assert "taawun_jobs_waiting" in figures()
    assert figures()["taawun_jobs_waiting"] == 0


@pytest.mark.usefixtures("on")
def test_its_questions_do_not_grow_with_the_partners(
    node: Organisation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    figures()
    for _number in range(6):
        talk_lane(partner()).take()
    with django_assert_max_num_queries(11):
        figures()
