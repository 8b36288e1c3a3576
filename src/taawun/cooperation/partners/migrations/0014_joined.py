"""Lanes go on when somebody joins, who reads them from a floor."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def close_what_stands_twice(apps: StateApps, _schema: BaseDatabaseSchemaEditor) -> None:
    """Before this there is one lane of a clause and a choice of readers: of several the newest goes on."""
    known: set[tuple[object, ...]] = set()
    lanes = apps.get_model("partners", "Lane").objects
    for lane in lanes.filter(sender=None, purpose="clause", is_closed=False).order_by("-opened", "-id"):
        key = (lane.agreement, lane.clause, lane.audience_digest)
        if key in known:
            lanes.filter(id=lane.id).update(is_closed=True)
        known.add(key)


class Migration(migrations.Migration):

    dependencies = [
        ('partners', "0013_public"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='lane',
            name='partners_one_lane_per_choice',
        ),
        migrations.AddField(
            model_name='lane',
            name='floor',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='lane',
            name='floor_digest',
            field=models.CharField(default='0000000000000000000000000000000000000000000000000000000000000000', max_length=64),
        ),
        migrations.AddField(
            model_name='lane',
            name='floor_seq',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='lane',
            name='is_whole',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='lanereader',
            name='first_seq',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name='laneentry',
            index=models.Index(condition=models.Q(('kind', 'lane.joined')), fields=['lane'], name='partners_joined'),
        ),
        migrations.AddConstraint(
            model_name='lane',
            constraint=models.UniqueConstraint(condition=models.Q(('is_closed', False), ('is_whole', False), ('purpose', 'clause'), ('sender__isnull', True)), fields=('agreement', 'clause', 'audience_digest'), name='partners_one_lane_per_choice'),
        ),
        migrations.RunPython(migrations.RunPython.noop, close_what_stands_twice),
    ]
