"""A table that all processes of a node count in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("web", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Counted",
            fields=[
                ("cache_key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("value", models.TextField()),
                ("expires", models.DateTimeField()),
            ],
            options={
                "db_table": "web_counted",
                "indexes": [models.Index(fields=["expires"], name="web_counted_expiry")],
            },
        ),
    ]
