"""Why a job failed is kept as a code too, and said in the language of whoever asks."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("work", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="error_code",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AddField(
            model_name="job",
            name="error_facts",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
