"""Duty contacts get rows of their own; the column that nothing ever wrote goes."""

import django.db.models.deletion
import taawun.foundation.clock
import taawun.foundation.identifiers
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0006_communities'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='organisation',
            name='contacts',
        ),
        migrations.AlterField(
            model_name='organisation',
            name='kind',
            field=models.CharField(choices=[('national-cert', 'national CERT'), ('sector-cert', 'sector CERT'), ('ministry', 'ministry'), ('university', 'university'), ('company', 'company'), ('operator', 'operator of critical infrastructure'), ('secretariat', 'secretariat'), ('donor', 'donor'), ('other', 'other organisation')], default='other', max_length=16),
        ),
        migrations.CreateModel(
            name='DutyContact',
            fields=[
                ('id', models.UUIDField(default=taawun.foundation.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('names', models.JSONField()),
                ('zone', models.CharField(max_length=64)),
                ('is_always', models.BooleanField(default=False)),
                ('days', models.JSONField(blank=True, default=list)),
                ('opens', models.TimeField(null=True)),
                ('closes', models.TimeField(null=True)),
                ('languages', models.JSONField(blank=True, default=list)),
                ('phone', models.CharField(blank=True, default='', max_length=40)),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('pgp_key', models.TextField(blank=True, default='')),
                ('pgp_fingerprint', models.CharField(blank=True, default='', max_length=64)),
                ('tested', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, choices=[('answered', 'answered'), ('late', 'answered late'), ('failed', 'did not answer')], default='', max_length=8)),
                ('created', models.DateTimeField(default=taawun.foundation.clock.now, editable=False)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='duty_contacts', to='people.organisation')),
            ],
        ),
    ]
