from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0014_ways_for_guests'),
    ]

    operations = [
        migrations.AddField(
            model_name='guestcopy',
            name='served',
            field=models.JSONField(default=list),
        ),
    ]
