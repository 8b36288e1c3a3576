from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0016_shown_keys'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='laneentry',
            index=models.Index(fields=['recorded'], name='partners_recorded'),
        ),
    ]
