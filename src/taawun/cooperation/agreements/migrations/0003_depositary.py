"""Who proposed a version, as a column: what of one partner waits for an answer is counted by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import migrations, models

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def name_depositaries(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The first party of a document is its depositary."""
    del schema_editor
    version_model = apps.get_model("agreements", "Version")
    for version in version_model.objects.iterator(chunk_size=20):
        version.depositary = json.loads(bytes(version.text))["parties"][0]["node"]
        version.save(update_fields=["depositary"])


class Migration(migrations.Migration):
    """Adds the column and reads it off the documents."""

    dependencies = (("agreements", "0002_answered_proposals"),)
    operations = (
        migrations.AddField(
            model_name="version",
            name="depositary",
            field=models.CharField(blank=True, db_index=True, default="", max_length=300),
        ),
        migrations.RunPython(name_depositaries, migrations.RunPython.noop),
    )
