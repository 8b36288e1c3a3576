"""What is open is read newest first without sorting it all."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0001_initial'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('resolved__isnull', True)), fields=['-last_seen', '-id'], name='notices_newest'),
        ),
    ]
