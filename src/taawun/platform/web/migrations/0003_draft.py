"""What people wrote into forms and did not send."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("web", "0002_counted"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("page", models.CharField(max_length=300)),
                ("version", models.CharField(blank=True, default="", max_length=100)),
                ("sealed", models.TextField()),
                ("written", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["person", "page", "-written"], name="web_draft_of_page"),
                    models.Index(fields=["written"], name="web_draft_written"),
                ],
            },
        ),
    ]
