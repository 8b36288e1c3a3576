"""An administrator of the node is one in the organisation that runs it: whoever was one elsewhere alone becomes that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forward(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Where the host has no active administrator, all who are administrators elsewhere become its own too."""
    del schema_editor
    membership = apps.get_model("people", "Membership")
    organisation = apps.get_model("people", "Organisation")
    host = organisation.objects.filter(is_host=True).first()
    administrators = membership.objects.filter(role="administrator", person__is_active=True)
    if host is None or administrators.filter(organisation=host).exists():
        return
    for person in administrators.order_by("person_id").values_list("person_id", flat=True).distinct():
        membership.objects.get_or_create(person_id=person, organisation=host, role="administrator")


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0004_epoch"),
    ]

    operations = [
        migrations.RunPython(forward, migrations.RunPython.noop),
    ]
