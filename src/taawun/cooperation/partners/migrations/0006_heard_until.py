"""Until when all that a partner had said is here: what comes later was not said before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0005_by_sender"),
    ]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="heard_until",
            field=models.DateTimeField(null=True),
        ),
    ]
