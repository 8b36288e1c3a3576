"""What a session keeps for some minutes: sealed, once, and not for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.foundation.clock import frozen, now
from taawun.platform.web.sealed import look_at, put_away, take_out, throw_away

pytestmark = pytest.mark.django_db
SHORT = timedelta(minutes=5)


@pytest.fixture
def request_() -> HttpRequest:
    request = HttpRequest()
    request.method = "GET"
    request.session = SessionStore()
    return request


def test_what_is_kept_is_taken_once(request_: HttpRequest) -> None:
    put_away(request_, "token", {"سر": [1, "two"]})
    assert look_at(request_, "token", SHORT) == {"سر": [1, "two"]}
    assert take_out(request_, "token", SHORT) == {"سر": [1, "two"]}
    assert take_out(request_, "token", SHORT) is None


def test_the_database_does_not_hold_it_in_clear(request_: HttpRequest) -> None:
    put_away(request_, "token", "harbour-secret")
    request_.session.save()
    [row] = Session.objects.all()
    assert "harbour-secret" not in row.session_data
    assert "harbour-secret" not in str(row.get_decoded())


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_only_a_get_takes_it(request_: HttpRequest, method: str) -> None:
    put_away(request_, "token", "kept")
    request_.method = method
    assert take_out(request_, "token", SHORT) is None
    assert look_at(request_, "token", SHORT) == "kept"


def test_it_is_not_kept_for_long(request_: HttpRequest) -> None:
    put_away(request_, "token", "kept")
    with frozen(now() + timedelta(minutes=4)):
        assert look_at(request_, "token", SHORT) == "kept"
    with frozen(now() + timedelta(minutes=6)):
        assert take_out(request_, "token", SHORT) is None


def test_under_another_key_it_is_nothing(request_: HttpRequest, settings: SettingsWrapper) -> None:
    put_away(request_, "token", "kept")
    settings.SECRET_KEY = "another key of the node " * 3
    assert look_at(request_, "token", SHORT) is None


def test_what_is_thrown_away_is_gone_and_nothing_is_written_for_nothing(request_: HttpRequest) -> None:
    throw_away(request_, "token")
    assert request_.session.modified is False
    put_away(request_, "token", "kept")
    throw_away(request_, "token")
    assert look_at(request_, "token", SHORT) is None
