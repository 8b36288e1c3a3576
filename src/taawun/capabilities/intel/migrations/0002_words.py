"""The full-text index over the folded words of objects, one body a database."""

from collections.abc import Iterable

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from taawun.capabilities.intel import search


def make(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _run(schema_editor, search.SQLITE_INDEX, search.POSTGRESQL_INDEX)


def drop(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _run(schema_editor, search.SQLITE_INDEX_GONE, search.POSTGRESQL_INDEX_GONE)


def _run(editor: BaseDatabaseSchemaEditor, sqlite: Iterable[str], postgresql: Iterable[str]) -> None:
    for statement in postgresql if editor.connection.vendor == "postgresql" else sqlite:
        editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("intel", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
