"""A third source of an object: a sighting that was recorded here."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def keep(_apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """There is none yet."""


def forget(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The objects stay; that they were recorded here is told by their sightings."""
    apps.get_model("intel", "NamedReader").objects.filter(source__sighting__isnull=False).delete()
    apps.get_model("intel", "Source").objects.filter(sighting__isnull=False).delete()
    if schema_editor.connection.vendor == "postgresql":
        # the table cannot be altered while checks of what was deleted are put off
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("federation", "0002_organisation"),
        ("intel", "0002_words"),
    ]

    operations = [
        migrations.RemoveConstraint("source", "intel_source_one"),
        migrations.AddField(
            model_name="source",
            name="sighting",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="intel.sighting",
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(
                condition=models.Q(sighting__isnull=False),
                fields=("object", "sighting"),
                name="intel_recorded_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(imported__isnull=False, release__isnull=True, sighting__isnull=True),
                    models.Q(imported__isnull=True, release__isnull=False, sighting__isnull=True),
                    models.Q(imported__isnull=True, release__isnull=True, sighting__isnull=False),
                    _connector="OR",
                ),
                name="intel_source_one",
            ),
        ),
        migrations.RunPython(keep, forget),
    ]
