"""A node may have a lane that anybody reads. On the way back nobody reads it, and nothing of a partner's is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations, models
from django.db.models import F

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps


def leave_public_lanes(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The node of before knows no such lane: it would be asked to serve one, or to sign for it."""
    lanes = apps.get_model("partners", "Lane").objects.filter(purpose="public")
    entries = apps.get_model("partners", "LaneEntry").objects
    entries.filter(lane__in=lanes, state="pending").update(state="unopened", reason="unknown-kind")
    apps.get_model("partners", "LaneReader").objects.filter(lane__in=lanes).delete()
    lanes.update(is_closed=True, acknowledged_seq=F("head_seq"))


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0012_swept'),
    ]

    operations = [
        migrations.AddField(
            model_name='partner',
            name='is_followed',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='partner',
            name='is_follower',
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name='lane',
            name='purpose',
            field=models.CharField(choices=[('talk', 'talk'), ('clause', 'clause'), ('public', 'public')], max_length=8),
        ),
        migrations.AddConstraint(
            model_name='lane',
            constraint=models.UniqueConstraint(condition=models.Q(('is_closed', False), ('purpose', 'public'), ('sender__isnull', True)), fields=('purpose',), name='partners_one_public_lane'),
        ),
        migrations.RunPython(migrations.RunPython.noop, leave_public_lanes),
    ]
