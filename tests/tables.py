"""A database in which every table is: to make the tables takes longer than all else of `taawun init`.

They are made once for what stands in ``src``, by the migrations as on any node, and kept beside pytest's other notes:
each process of each run begins with a copy.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

__all__ = ["begin_with_tables", "put_tables", "tables"]

SOURCE = Path(__file__).resolve().parent.parent / "src"


def begin_with_tables(folder: Path) -> bool:
    """Let the database of the tests, which is yet to be made, begin with every table.

    Args:
        folder: where the tables are kept for later runs.

    Returns:
        Whether the database is there; Django makes it of a template otherwise.
    """
    with _alone(folder / "lock"):
        if connection.vendor == "sqlite":
            shutil.copyfile(_file(folder), str(connection.settings_dict["TEST"]["NAME"]))
            return True
        connection.settings_dict["TEST"]["TEMPLATE"] = _template()
        return False


def _file(folder: Path) -> Path:
    made = folder / f"{_state_of_the_source()}.sqlite3"
    if not made.exists():
        for older in folder.glob("*.sqlite3"):
            older.unlink()
        unfinished = Path(settings.HOME) / "tables.sqlite3"
        _migrate(f"sqlite:///{unfinished}")
        shutil.move(unfinished, made)
    return made


def _template() -> str:
    """The name of the template on the server of the tests, which ends with them."""
    name = "taawun_tables"
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {name}")
            _migrate(os.environ["TAAWUN_DATABASE_URL"].replace("/postgres?", f"/{name}?"))
    return name


def _migrate(url: str) -> None:
    """In a process of its own: here a connection to another database would be in the way of the tests'."""
    environment = os.environ | {"TAAWUN_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "taawun.node.settings"}
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0", "--no-input"]
    subprocess.run(command, env=environment, check=True)


def _state_of_the_source() -> str:
    """Changes with everything that a migration may be made of: a line of ours, or another package."""
    state = sha256(sqlite3.sqlite_version.encode())
    for path in sorted(SOURCE.rglob("*.py")):
        state.update(f"{path.relative_to(SOURCE)} ".encode() + path.read_bytes())
    for each in sorted(f"{each.name} {each.version} " for each in distributions()):
        state.update(each.encode())
    return state.hexdigest()[:32]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time; those that wait find what the first has made."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def tables(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of a node in which every table is, and no row."""
    if connection.vendor != "sqlite":
        pytest.skip("a node of its own keeps a SQLite file here: run it without --database")
    made = tmp_path_factory.mktemp("tables") / "taawun.sqlite3"
    with (
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as held,
        closing(sqlite3.connect(made)) as copy,
    ):
        held.backup(copy)
    return made


def put_tables(home: Path, tables: Path) -> Path:
    """Give the home of a node that is yet to be made its tables; the home."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(tables, home / "taawun.sqlite3")
    return home
