"""The depositary says no to a counter-proposal without saying no to the version it is about."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column; what was declined before was always a version."""

    dependencies = (("agreements", "0001_initial"),)
    operations = (
        migrations.AddField(
            model_name="partyinstrument",
            name="answers",
            field=models.UUIDField(null=True),
        ),
    )
