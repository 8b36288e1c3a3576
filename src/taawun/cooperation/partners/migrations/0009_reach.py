"""Nodes that cannot be called: they call, and deliver what they say."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0008_restored"),
    ]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="is_reachable",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="partner",
            name="carried",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="partner",
            name="expected_kid",
            field=models.CharField(blank=True, default="", max_length=43),
        ),
        migrations.AddField(
            model_name="partner",
            name="told",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="lanereader",
            name="delivered_seq",
            field=models.BigIntegerField(default=-1),
        ),
    ]
