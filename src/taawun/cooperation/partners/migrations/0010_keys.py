"""A node has more than one key over the years: the lineage of each partner's, and of our own."""

import base64
import json

import django.db.models.deletion
import taawun.foundation.clock
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery

from taawun.foundation.signing import VerifyKey


def _pin_and_name(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Until now a partner had one key: it signed all that came, and its descriptor named the recovery key."""
    entry, lane = apps.get_model("partners", "LaneEntry"), apps.get_model("partners", "Lane")
    signer = lane.objects.filter(id=OuterRef("lane_id")).values("sender__kid")[:1]
    entry.objects.filter(lane__sender__isnull=False).update(kid=Subquery(signer))
    for partner in apps.get_model("partners", "Partner").objects.filter(state="verified").exclude(descriptor=""):
        segment = partner.descriptor.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
        # as it was verified when it was stored; to_jwk() gives a key its thumbprint
        if recovery := told["keys"].get("recovery"):
            partner.recovery = VerifyKey.from_jwk(recovery).to_jwk()
            partner.save(update_fields=["recovery"])


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0009_reach'),
    ]

    operations = [
        migrations.CreateModel(
            name='OwnKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(unique=True)),
                ('kid', models.CharField(max_length=43, unique=True)),
                ('jwk', models.JSONField()),
                ('since', models.DateTimeField(null=True)),
                ('until', models.DateTimeField(null=True)),
                ('revoked_since', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('position',),
            },
        ),
        migrations.CreateModel(
            name='OwnRotation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=8)),
                ('jwk', models.JSONField()),
                ('tokens', models.JSONField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='PartnerKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('kid', models.CharField(max_length=43)),
                ('jwk', models.JSONField()),
                ('since', models.DateTimeField(null=True)),
                ('until', models.DateTimeField(null=True)),
                ('learned', models.DateTimeField(null=True)),
                ('replaced', models.DateTimeField(default=taawun.foundation.clock.now)),
                ('revoked_since', models.DateTimeField(null=True)),
                ('proof', models.JSONField(blank=True, default=list)),
            ],
            options={
                'ordering': ('position',),
            },
        ),
        migrations.AddField(
            model_name='lane',
            name='newest_kid',
            field=models.CharField(blank=True, default='', max_length=43),
        ),
        migrations.AddField(
            model_name='lane',
            name='older_until',
            field=models.BigIntegerField(default=-1),
        ),
        migrations.AddField(
            model_name='lane',
            name='vouched_seq',
            field=models.BigIntegerField(default=-1),
        ),
        migrations.AddField(
            model_name='laneentry',
            name='cleared',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='laneentry',
            name='kid',
            field=models.CharField(blank=True, default='', max_length=43),
        ),
        migrations.AddField(
            model_name='partner',
            name='key_learned',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='partner',
            name='key_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='partner',
            name='recovery',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AlterField(
            model_name='laneentry',
            name='state',
            field=models.CharField(choices=[('pending', 'arrived'), ('done', 'taken in'), ('unopened', 'kept unopened'), ('refused', 'refused'), ('withdrawn', 'withdrawn'), ('quarantined', 'in quarantine')], max_length=12),
        ),
        migrations.AddIndex(
            model_name='laneentry',
            index=models.Index(condition=models.Q(('state', 'quarantined')), fields=['lane', 'seq'], name='partners_quarantined'),
        ),
        migrations.AddField(
            model_name='partnerkey',
            name='partner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='earlier_keys', to='partners.partner'),
        ),
        migrations.AddIndex(
            model_name='partnerkey',
            index=models.Index(fields=['kid'], name='partners_by_old_key'),
        ),
        migrations.AddConstraint(
            model_name='partnerkey',
            constraint=models.UniqueConstraint(fields=('partner', 'position'), name='partners_key_place'),
        ),
        migrations.AddConstraint(
            model_name='partnerkey',
            constraint=models.UniqueConstraint(fields=('partner', 'kid'), name='partners_key_once'),
        ),
        migrations.RunPython(_pin_and_name, migrations.RunPython.noop, elidable=True),
    ]
