"""What is in quarantine says so, so that its day is not forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations, models

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps


def say_so(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A way that ended for no reason, of an entry that nobody has decided about, is in quarantine."""
    ways = apps.get_model("federation", "Passage").objects.filter(ended__isnull=False, why_ended="")
    waiting = ways.filter(entry__state="quarantined").values_list("id", flat=True)
    ways.filter(id__in=list(waiting)).update(why_ended="aside")


def say_nothing(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """As it was: the entry alone knows."""
    apps.get_model("federation", "Passage").objects.filter(why_ended="aside").update(why_ended="")


REASONS = [
    ("source", "withdrawn by its source"),
    ("sender", "withdrawn by who shared it onward"),
    ("retention", "the time that its clause gives it is over"),
    ("agreement", "its agreement ended, and nothing else lets this node keep it"),
    ("aside", "in quarantine"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("federation", "0006_aside"),
        ("partners", "0012_swept"),
    ]

    operations = [
        migrations.AlterField("deletion", "why", models.CharField(choices=REASONS, max_length=9)),
        migrations.AlterField(
            "passage",
            "why_ended",
            models.CharField(blank=True, choices=REASONS, default="", max_length=9),
        ),
        migrations.AlterField(
            "release", "gone", models.CharField(blank=True, choices=REASONS, default="", max_length=9)
        ),
        migrations.RunPython(say_so, say_nothing),
        migrations.AddIndex(
            "passage",
            models.Index(
                fields=["ends"], name="federation_ends_aside", condition=models.Q(("why_ended", "aside"))
            ),
        ),
    ]
