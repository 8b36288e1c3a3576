from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def mark_ways(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What no room has came for guests by each of its ways; of what a room has no way was told apart until now."""
    passages = apps.get_model('federation', 'Passage').objects
    passages.filter(release__is_for_guests=True, entry__lane__sender__isnull=False).update(is_for_guests=True)


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0013_guest_identity'),
    ]

    operations = [
        migrations.AddField(
            model_name='passage',
            name='is_for_guests',
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(mark_ways, migrations.RunPython.noop),
    ]
