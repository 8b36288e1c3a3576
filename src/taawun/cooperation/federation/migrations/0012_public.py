"""What passes over a public lane passes under no agreement. On the way back those ways go: nothing else could hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations, models

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps


def forget_public_ways(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Every way needs an agreement."""
    apps.get_model("federation", "Passage").objects.filter(agreement=None).delete()
    if schema_editor.connection.vendor == "postgresql":
        # a table is not altered while checks wait
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("SET CONSTRAINTS ALL DEFERRED")


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0011_by_lane'),
    ]

    operations = [
        migrations.AlterField(
            model_name='passage',
            name='agreement',
            field=models.UUIDField(null=True),
        ),
        migrations.AlterField(
            model_name='passage',
            name='clause',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
        migrations.AlterField(
            model_name='passage',
            name='document',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_public_ways),
    ]
