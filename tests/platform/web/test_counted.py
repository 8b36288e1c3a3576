"""Guesses are counted by all web processes together, and forgotten when their time is over."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection

from taawun.foundation.clock import now
from taawun.platform.registry import registry
from taawun.platform.web.limits import forget_counted
from taawun.platform.web.models import Counted
from taawun.platform.work.schedules import Schedule
from tests.cast import establish_node, person

if TYPE_CHECKING:
    from taawun.cooperation.people.models import Person

PASSWORD = "seven quiet harbours"
WRONG = "eight loud harbours"


@pytest.fixture
def somebody(transactional_db: None) -> Person:
    establish_node()
    made = person("analyst")
    made.set_password(PASSWORD)
    made.save()
    return made


def _database_url() -> str:
    held = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{held['NAME']}"
    return f"postgresql://{held['USER']}@/{held['NAME']}?host={held['HOST']}"


def _in_another_process(email: str, password: str, times: int) -> list[str]:
    environment = {
        **os.environ,
        "TAAWUN_HOME": str(django_settings.HOME),
        "TAAWUN_DATABASE_URL": _database_url(),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-m", "tests.platform.web.sign_in_process", email, password, str(times)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.split()


def test_guesses_in_one_web_process_hold_off_a_guess_in_another(somebody: Person) -> None:
    assert _in_another_process(somebody.email, WRONG, 5) == ["200"] * 5
    # the sixth would be right, and meets another process
    assert _in_another_process(somebody.email, PASSWORD, 1) == ["200"]
    Counted.objects.all().delete()
    assert _in_another_process(somebody.email, PASSWORD, 1) == ["302"]


def test_those_who_guess_in_several_processes_at_once_are_held_off_too(somebody: Person) -> None:
    with ThreadPoolExecutor(3) as tries:
        answers = list(tries.map(lambda _: _in_another_process(somebody.email, WRONG, 2), range(3)))
    assert answers == [["200", "200"]] * 3
    assert _in_another_process(somebody.email, PASSWORD, 1) == ["200"]


def test_a_code_that_was_used_is_used_in_every_process(somebody: Person) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    held = TOTP.activate(somebody, secret)
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    assert [held.validate_code(code), held.validate_code(code)] == [True, False]
    # where every process looks
    assert Counted.objects.count() == 1


@pytest.mark.django_db
def test_what_is_over_is_forgotten_by_the_sweep_and_the_rest_is_kept() -> None:
    cache.set("over", 1, timeout=60)
    cache.set("counts", 2, timeout=3600)
    Counted.objects.filter(cache_key__endswith=":over").update(expires=now() - timedelta(seconds=1))
    assert registry.get(Schedule, "web.counted").run is forget_counted
    assert forget_counted() == 1
    assert (cache.get("over"), cache.get("counts")) == (None, 2)


@pytest.mark.django_db
def test_a_value_is_added_once() -> None:
    assert [cache.add("lock", True, timeout=10), cache.add("lock", True, timeout=10)] == [True, False]
    cache.delete("lock")
    assert cache.add("lock", True, timeout=10)
