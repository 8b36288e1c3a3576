"""A database in which every table is: to make the tables takes longer than all else of `taawun init`."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

__all__ = ["put_tables", "tables"]


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
