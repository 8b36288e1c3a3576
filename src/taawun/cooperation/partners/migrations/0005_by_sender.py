"""A lane is known by its sender and the id that the sender gave it, and contents are held per lane."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_AT_ONCE = 1000


def _hold_what_is_here(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """What is here is held for every lane that names it: over which of them it came was not kept."""
    content, entry = apps.get_model("partners", "Content"), apps.get_model("partners", "LaneEntry")
    holding = apps.get_model("partners", "Holding")
    named = (
        entry.objects.filter(content_digest__in=content.objects.values("digest"))
        .exclude(state__in=("withdrawn", "refused"))
        .values_list("lane_id", "content_digest")
        .distinct()
    )
    holding.objects.bulk_create(
        (holding(lane_id=lane, content_id=digest) for lane, digest in named), batch_size=_AT_ONCE
    )


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0004_last_error_code"),
    ]

    operations = [
        migrations.AddField(
            model_name="lane",
            name="alias",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="laneentry",
            name="not_before",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name="lane",
            constraint=models.UniqueConstraint(fields=("sender", "alias"), name="partners_alias_once"),
        ),
        migrations.CreateModel(
            name="Holding",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "content",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held_for",
                        to="partners.content",
                    ),
                ),
                (
                    "lane",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holds",
                        to="partners.lane",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("lane", "content"), name="partners_held_once")
                ],
            },
        ),
        migrations.RunPython(_hold_what_is_here, migrations.RunPython.noop, elidable=True),
    ]
