"""A stopped lane knows the entry at which it broke."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0002_introduced_from"),
    ]

    operations = [
        migrations.AddField(
            model_name="lane",
            name="stopped_at",
            field=models.BigIntegerField(null=True),
        ),
    ]
