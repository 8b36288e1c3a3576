"""Why a call failed is kept as a code with its facts, and said in the language of whoever reads it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0003_stopped_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="last_error_code",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AddField(
            model_name="partner",
            name="last_error_facts",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
