"""Where a stranger's first word came from; those that introduced themselves before are known by the trail alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations, models

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

STRANGERS = ("claimed", "met")


def mark_strangers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Mark the nodes that introduced themselves and that nobody compared."""
    partners = apps.get_model("partners", "Partner").objects.using(schema_editor.connection.alias)
    entries = apps.get_model("audit", "Entry").objects.using(schema_editor.connection.alias)
    told = entries.filter(verb="partners.introduced-itself").values_list("actor_id", flat=True)
    partners.filter(state__in=STRANGERS, node__in=list(told)).update(introduced_from="unknown")


class Migration(migrations.Migration):
    """Adds the column."""

    dependencies = [("audit", "0001_initial"), ("partners", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="partner",
            name="introduced_from",
            field=models.CharField(blank=True, default="", max_length=50),
        ),
        migrations.RunPython(mark_strangers, migrations.RunPython.noop),
    ]
