"""The list of what a party may have is read from indexes alone, whatever it leaves out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("federation", "0002_organisation"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="release", name="federation_newest"),
        migrations.RemoveIndex(model_name="release", name="federation_live"),
        migrations.AddIndex(
            model_name="release",
            index=models.Index(
                fields=[
                    "-id",
                    "kind",
                    "tlp",
                    "has_audience",
                    "is_bound",
                    "onward",
                    "names_persons",
                    "onward_agreement",
                ],
                name="federation_decided",
                condition=models.Q(("state", "live")),
            ),
        ),
        migrations.AddIndex(
            model_name="releaseparty",
            index=models.Index(fields=["party", "role", "owner"], name="federation_names"),
        ),
        migrations.AddIndex(
            model_name="releasetopic",
            index=models.Index(fields=["topic", "owner"], name="federation_about"),
        ),
    ]
