from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0016_left_off'),
    ]

    operations = [
        migrations.AddField(
            model_name='passage',
            name='names_readers',
            field=models.BooleanField(default=False),
        ),
    ]
