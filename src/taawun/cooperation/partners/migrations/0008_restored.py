"""A restored node never continues some lanes. On the way back nobody finds those by their readers, so it stays so."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import django.db.models.deletion
from django.db import migrations, models

import taawun.foundation.clock

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps


def find_no_more(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A closed lane and the one that took its place are for the same readers, by whom one lane was found."""
    closed = apps.get_model("partners", "Lane").objects.filter(is_closed=True)
    for lane in closed.values_list("id", flat=True):
        closed.filter(id=lane).update(audience_digest=sha256(f"closed {lane}".encode()).hexdigest())


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0007_told_heads'),
    ]

    operations = [
        migrations.CreateModel(
            name='Awaited',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField(default=taawun.foundation.clock.now)),
                ('answered', models.DateTimeField(null=True)),
                ('given_up', models.DateTimeField(null=True)),
                ('fault', models.CharField(blank=True, default='', max_length=40)),
                ('fault_detail', models.CharField(blank=True, default='', max_length=500)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='lane',
            name='partners_one_lane_per_choice',
        ),
        migrations.AddField(
            model_name='lane',
            name='is_closed',
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name='lane',
            constraint=models.UniqueConstraint(condition=models.Q(('is_closed', False), ('purpose', 'clause'), ('sender__isnull', True)), fields=('agreement', 'clause', 'audience_digest'), name='partners_one_lane_per_choice'),
        ),
        migrations.AddField(
            model_name='awaited',
            name='partner',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='awaited', to='partners.partner'),
        ),
        migrations.RunPython(migrations.RunPython.noop, find_no_more),
    ]
