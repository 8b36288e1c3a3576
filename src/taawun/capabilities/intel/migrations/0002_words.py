"""The full-text index over the folded words of objects, one body a database."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from taawun.capabilities.intel import search


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _run(schema_editor, search.SQLITE_INDEX, search.POSTGRESQL_INDEX)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _run(schema_editor, search.SQLITE_INDEX_GONE, search.POSTGRESQL_INDEX_GONE)


def _run(editor: BaseDatabaseSchemaEditor, sqlite: str, postgresql: str) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(postgresql)
        return
    statement = ""
    # triggers hold semicolons of their own: a statement ends where its END or its parenthesis does
    for line in sqlite.strip().splitlines():
        statement += line + "\n"
        if line.startswith(("END;", "DROP")) or line.endswith(");") and "VALUES" not in line:
            editor.execute(statement)
            statement = ""


class Migration(migrations.Migration):
    dependencies = [("intel", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
