"""Migrations: what Django writes passes the checks as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with what `makemigrations` would write if there were no migrations yet."""
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    anew = MigrationQuestioner(specified_apps={config.label for config in apps.get_app_configs()})
    detector = MigrationAutodetector(ProjectState(), ProjectState.from_apps(apps), anew)
    for label, migrations in detector.changes(graph=MigrationGraph()).items():
        config = apps.get_app_config(label)
        folder = tmp_path / "src" / config.name.replace(".", "/") / "migrations"
        if config.name.startswith("taawun."):
            folder.mkdir(parents=True)
            (folder / "__init__.py").touch()
            for migration in migrations:
                text = MigrationWriter(migration, include_header=True).as_string()
                (folder / f"{migration.name}.py").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_a_new_migration_passes_the_checks_as_django_writes_it(written: Path, command: list[str]) -> None:
    assert len(list(written.rglob("migrations/0001_initial.py"))) > 5

    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "--output-format", "concise", "src"]
    done = subprocess.run(ruff, cwd=written, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
