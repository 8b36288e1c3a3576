"""The tests' own PostgreSQL is a real one, and leaves nothing behind."""

import os
from pathlib import Path

import psycopg
import pytest

from tests import postgresql


def test_a_server_starts_answers_and_leaves_nothing_behind():
    server = postgresql.TemporaryPostgres()
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.info.server_version // 10_000 == 18
            assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
            row = connection.execute("select pg_backend_pid(), current_setting('data_directory')").fetchone()
    finally:
        server.stop()

    assert row is not None
    backend, data = row
    assert not Path(data).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(backend, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_as_root_a_wheel_in_a_private_folder_is_copied_and_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wheel = postgresql._installation().parent
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        (private / folder.name).symlink_to(folder)
    monkeypatch.setattr(postgresql, "_installation", lambda: private / wheel.name / postgresql.VERSION_FOLDER)

    server = postgresql.TemporaryPostgres()
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        server.stop()

    assert private.stat().st_mode & 0o777 == 0o700


def test_a_missing_wheel_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgresql, "PACKAGE", "no_such_wheel")

    with pytest.raises(postgresql.PostgresUnavailable, match="no_such_wheel is not installed"):
        postgresql.TemporaryPostgres()
