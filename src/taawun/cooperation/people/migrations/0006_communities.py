"""Communities of nations, and who belongs to them from which day to which."""

import django.db.models.deletion
import taawun.foundation.clock
import taawun.foundation.identifiers
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0005_host_administrators'),
    ]

    operations = [
        migrations.CreateModel(
            name='Community',
            fields=[
                ('id', models.UUIDField(default=taawun.foundation.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=32, unique=True)),
                ('names', models.JSONField()),
                ('nation_names', models.JSONField(blank=True, default=dict)),
                ('created', models.DateTimeField(default=taawun.foundation.clock.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='Span',
            fields=[
                ('id', models.UUIDField(default=taawun.foundation.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('standing', models.CharField(choices=[('member', 'member'), ('associate', 'associate'), ('observer', 'observer'), ('applicant', 'applicant'), ('chair', 'chair'), ('suspended', 'suspended')], max_length=12)),
                ('since', models.DateField(null=True)),
                ('until', models.DateField(null=True)),
                ('community', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='spans', to='people.community')),
                ('nation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.nation')),
                ('organisation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.organisation')),
            ],
            options={
                'indexes': [models.Index(fields=['community', 'standing', 'until'], name='people_span_now')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('nation__isnull', False), ('organisation__isnull', True)), models.Q(('nation__isnull', True), ('organisation__isnull', False)), _connector='OR'), name='people_span_of_one'), models.CheckConstraint(condition=models.Q(('since__isnull', True), ('until__isnull', True), ('since__lt', models.F('until')), _connector='OR'), name='people_span_forward')],
            },
        ),
    ]
