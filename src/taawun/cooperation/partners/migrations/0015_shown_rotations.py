from django.db import migrations, models

import taawun.foundation.clock


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0014_joined'),
    ]

    operations = [
        migrations.AddField(
            model_name='ownkey',
            name='shown',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='ShownRotation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kid', models.CharField(max_length=43, unique=True)),
                ('tokens', models.JSONField()),
                ('shown', models.DateTimeField(default=taawun.foundation.clock.now)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
    ]
