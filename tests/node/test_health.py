"""Liveness looks at nothing; readiness says in one line what is missing, and never fails itself."""

from __future__ import annotations

import pytest
from django.conf import settings as node_settings
from django.db import InterfaceError, OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from taawun.cooperation.people.models import Organisation


def _ready() -> tuple[int, str]:
    answer = Client(raise_request_exception=False).get("/readyz")
    return answer.status_code, answer.content.decode()


def test_a_node_with_all_it_needs_is_ready(node: Organisation) -> None:
    assert _ready() == (200, "ok\n")


def test_without_an_organisation_it_is_not(db: None) -> None:
    assert _ready() == (503, "there is no node here yet: run `taawun init`\n")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_its_database_it_is_not(
    node: Organisation, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail() -> None:
        raise error("the server closed the connection")

    monkeypatch.setattr("taawun.node.health.host", fail)
    assert _ready() == (503, "the database does not answer\n")


def test_with_a_key_that_is_none_it_is_not(node: Organisation, settings: Settings) -> None:
    settings.NODE_KEY = "junk"
    assert _ready() == (503, "the node's key is missing or cannot be used\n")


@pytest.mark.parametrize("content", [None, b"", b"junk"])
def test_with_a_file_that_holds_no_key_it_is_not(node: Organisation, content: bytes | None) -> None:
    place = node_settings.HOME / "keys" / "node.pem"
    kept = place.read_bytes()
    try:
        place.unlink()
        if content is not None:
            place.write_bytes(content)
        assert _ready() == (503, "the node's key is missing or cannot be used\n")
    finally:
        place.write_bytes(kept)


def test_alive_is_whoever_answers() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
