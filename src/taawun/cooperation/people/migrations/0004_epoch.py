"""A person counts how often they were disabled, so that no session from before opens anything again."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0003_made_with'),
    ]

    operations = [
        migrations.AddField(
            model_name='person',
            name='epoch',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
