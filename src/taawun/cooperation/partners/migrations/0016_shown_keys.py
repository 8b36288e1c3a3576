from django.db import migrations, models

import taawun.foundation.clock


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0015_shown_rotations'),
    ]

    operations = [
        # whose word each of them was nobody had written down; who holds them shows them again
        migrations.DeleteModel(name='ShownRotation'),
        migrations.CreateModel(
            name='ShownKeys',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('statements', models.JSONField()),
                ('shown', models.DateTimeField(default=taawun.foundation.clock.now)),
                (
                    'partner',
                    models.OneToOneField(
                        on_delete=models.deletion.CASCADE, related_name='shown_keys', to='partners.partner'
                    ),
                ),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.AddField(
            model_name='awaited',
            name='heard',
            field=models.DateTimeField(null=True),
        ),
    ]
