"""The index over words knows where short beginnings of words stand; and objects are listed by their marking."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from taawun.capabilities.intel import search


def make_again(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        return
    for statement in (*search.SQLITE_INDEX_GONE, *search.SQLITE_INDEX):
        schema_editor.execute(statement)
    schema_editor.execute("INSERT INTO intel_object_words(intel_object_words) VALUES ('rebuild')")


class Migration(migrations.Migration):
    dependencies = [("intel", "0004_audiences")]
    operations = [
        # backwards there is nothing to do: who knows more beginnings than are asked for answers the same
        migrations.RunPython(make_again, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="stixobject",
            index=models.Index(
                condition=models.Q(("is_current", True)), fields=["tlp", "-id"], name="intel_by_tlp"
            ),
        ),
    ]
