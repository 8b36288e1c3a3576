"""What was shared onward has a source. On the way back what partners vouched for stays, under versions of its own."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import migrations, models

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps


def tell_apart(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """One partner may vouch for the same version of several sources, which earlier were one release."""
    releases = apps.get_model("federation", "Release").objects.filter(origin__isnull=False).exclude(source="")
    for release in releases.only("id", "version", "source").iterator():
        which = sha256(f"{release.version} {release.source}".encode()).hexdigest()[:32]
        releases.filter(id=release.id).update(version=f"{release.version[:30]}~{which}")


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0003_lists'),
        ('partners', '0006_heard_until'),
        ('people', '0003_made_with'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='release',
            name='federation_received_once',
        ),
        migrations.AddField(
            model_name='passage',
            name='ends',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='passage',
            name='why_ended',
            field=models.CharField(blank=True, choices=[('source', 'withdrawn by its source'), ('sender', 'withdrawn by who shared it onward'), ('retention', 'the time that its clause gives it is over'), ('agreement', 'its agreement ended, and nothing else lets this node keep it')], default='', max_length=9),
        ),
        migrations.AddField(
            model_name='release',
            name='gone',
            field=models.CharField(blank=True, choices=[('source', 'withdrawn by its source'), ('sender', 'withdrawn by who shared it onward'), ('retention', 'the time that its clause gives it is over'), ('agreement', 'its agreement ended, and nothing else lets this node keep it')], default='', max_length=9),
        ),
        migrations.AddField(
            model_name='release',
            name='source',
            field=models.CharField(blank=True, default='', max_length=300),
        ),
        migrations.AlterField(
            model_name='release',
            name='state',
            field=models.CharField(choices=[('live', 'published'), ('withdrawn', 'withdrawn'), ('ended', 'ended')], default='live', max_length=9),
        ),
        migrations.AddIndex(
            model_name='passage',
            index=models.Index(condition=models.Q(('ended', None), ('ends__isnull', False)), fields=['ends'], name='federation_ends'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.UniqueConstraint(condition=models.Q(('origin__isnull', False)), fields=('subject', 'version', 'origin', 'source'), name='federation_received_once'),
        ),
        migrations.RunPython(migrations.RunPython.noop, tell_apart),
    ]
