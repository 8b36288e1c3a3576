from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('federation', '0015_served'),
    ]

    operations = [
        migrations.AddField(
            model_name='passage',
            name='left_off',
            field=models.DateTimeField(null=True),
        ),
    ]
