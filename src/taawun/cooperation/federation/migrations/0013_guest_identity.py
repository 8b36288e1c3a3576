from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0012_public'),
    ]

    operations = [
        migrations.AddField(
            model_name='guesttoken',
            name='identity',
            field=models.CharField(default='', max_length=64),
        ),
    ]
