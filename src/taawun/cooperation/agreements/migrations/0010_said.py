"""What of its own words a node said itself: what it holds at the upgrade counts as said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import migrations, models

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def mark_own(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Mark what this node holds in its own name."""
    del schema_editor
    for name, author in (("Version", "depositary"), ("PartySignature", "node"), ("PartyInstrument", "node")):
        apps.get_model("agreements", name).objects.filter(**{author: settings.BASE_URL}).update(is_said=True)


class Migration(migrations.Migration):
    """Adds the columns and marks what is held."""

    dependencies = (("agreements", "0009_showing"),)
    operations = (
        *(
            migrations.AddField(
                model_name=name, name="is_said", field=models.BooleanField(default=False)
            )
            for name in ("version", "partysignature", "partyinstrument")
        ),
        migrations.RunPython(mark_own, migrations.RunPython.noop),
    )
