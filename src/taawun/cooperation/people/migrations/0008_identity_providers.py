"""Identity providers of organisations, and whom they know."""

import django.db.models.deletion
import taawun.foundation.clock
import taawun.foundation.identifiers
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0007_duty_contacts'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdentityProvider',
            fields=[
                ('id', models.UUIDField(default=taawun.foundation.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('issuer', models.URLField(max_length=300, unique=True)),
                ('client', models.CharField(max_length=200)),
                ('secret', models.TextField(blank=True, default='')),
                ('domains', models.JSONField(blank=True, default=list)),
                ('groups_claim', models.CharField(blank=True, default='', max_length=60)),
                ('roles_by_group', models.JSONField(blank=True, default=dict)),
                ('is_active', models.BooleanField(default=True)),
                ('created', models.DateTimeField(default=taawun.foundation.clock.now, editable=False)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identity_providers', to='people.organisation')),
            ],
        ),
        migrations.CreateModel(
            name='Identity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=255)),
                ('created', models.DateTimeField(default=taawun.foundation.clock.now, editable=False)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to='people.identityprovider')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'subject'), name='people_one_identity')],
            },
        ),
    ]
