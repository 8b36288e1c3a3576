"""Instruments as their parties name them: what two parties, or one that lies, call by one id is held apart.

Also several versions under one number, and what was shown to whom.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError
from django.db.models import Count

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_NAMES: Final = ("chosen", "words", "mark", "lifts", "answers", "of")


def _signed(token: str) -> tuple[bytes, dict[str, Any]]:
    """The payload of a JWS that was verified when it was kept, as it was signed and as JSON."""
    part = token.split(".")[1]
    payload = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    return payload, json.loads(payload)


def name_instruments(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Read off what was signed how its party names it, and what it answers."""
    del schema_editor
    model = apps.get_model("agreements", "PartyInstrument")
    for row in model.objects.defer("suggestion").iterator(chunk_size=200):
        payload, said = _signed(row.token)
        row.chosen = UUID(said["id"])
        row.words = hashlib.sha256(payload).hexdigest()
        row.mark = hashlib.sha256(row.token.encode()).hexdigest()
        row.lifts = UUID(said["lifts"]) if "lifts" in said else None
        row.answers = UUID(said["answers"]) if "answers" in said else None
        row.of = str(said.get("of", ""))[:300]
        row.save(update_fields=_NAMES)


def name_as_before(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Name what is lifted and answered by its id here, as it was."""
    del schema_editor
    model = apps.get_model("agreements", "PartyInstrument")
    for row in model.objects.exclude(lifts=None, answers=None).defer("suggestion").iterator(chunk_size=200):
        same = model.objects.filter(lineage=row.lineage).order_by("words")
        lifted = same.filter(node=row.node, chosen=row.lifts).first() if row.lifts else None
        answered = same.filter(node=row.of, chosen=row.answers).first() if row.answers else None
        row.lifts = lifted.id if lifted else row.lifts
        row.answers = answered.id if answered else row.answers
        row.save(update_fields=["lifts", "answers"])


def nothing(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Forward, nothing stands in the way."""
    del apps, schema_editor


def one_text_a_number(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Go back only where no depositary has proposed two texts: neither may be thrown away.

    Raises:
        IrreversibleError: one has; it names where.
    """
    del schema_editor
    model = apps.get_model("agreements", "Version")
    twice = model.objects.values("agreement__number", "number").annotate(texts=Count("id")).filter(texts__gt=1)
    first = twice.order_by("agreement__number", "number").first()
    if first is not None:
        raise IrreversibleError(
            f"agreement {first['agreement__number']} holds {first['texts']} texts under the number "
            f"{first['number']}, of a depositary that proposed them all; the version before this one can hold "
            "one only. Restore the backup that was made before the upgrade, or stay with this version."
        )


def forget_comparisons(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What parties told in parts cannot be held as a whole; they tell it again when something new comes."""
    del schema_editor
    apps.get_model("agreements", "Comparison").objects.all().delete()


class Migration(migrations.Migration):
    """Adds the columns and reads them off what was signed."""

    dependencies = (("agreements", "0007_answered"),)
    operations = (
        migrations.AddField(
            model_name="partyinstrument",
            name="chosen",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="partyinstrument",
            name="words",
            field=models.CharField(default="", max_length=64),
        ),
        migrations.AddField(
            model_name="partyinstrument",
            name="of",
            field=models.CharField(blank=True, default="", max_length=300),
        ),
        migrations.RunPython(name_instruments, name_as_before),
        migrations.AlterField(
            model_name="partyinstrument",
            name="chosen",
            field=models.UUIDField(db_index=True),
        ),
        migrations.AlterField(
            model_name="partyinstrument",
            name="words",
            field=models.CharField(max_length=64),
        ),
        migrations.AddConstraint(
            model_name="partyinstrument",
            constraint=models.UniqueConstraint(fields=("node", "words"), name="agreements_say_once"),
        ),
        migrations.AddIndex(
            model_name="partyinstrument",
            index=models.Index(fields=["lineage", "node", "kind"], name="agreements_said_by"),
        ),
        migrations.AddField(
            model_name="version", name="proposal", field=models.TextField(blank=True, default="")
        ),
        migrations.RemoveConstraint(model_name="version", name="agreements_version_once"),
        migrations.RunPython(nothing, one_text_a_number),
        migrations.AddIndex(
            model_name="version",
            index=models.Index(fields=["agreement", "number"], name="agreements_version_number"),
        ),
        migrations.RemoveConstraint(model_name="comparison", name="agreements_compare_once"),
        migrations.RunPython(nothing, forget_comparisons),
        migrations.AddField(
            model_name="comparison",
            name="prefix",
            field=models.CharField(blank=True, default="", max_length=1),
        ),
        migrations.AddField(
            model_name="agreement", name="compared", field=models.DateTimeField(db_index=True, null=True)
        ),
        migrations.AddField(model_name="comparison", name="not_before", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="comparison", name="shown", field=models.JSONField(default=list)),
        migrations.AddField(model_name="comparison", name="begun", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="comparison", name="asked", field=models.DateTimeField(null=True)),
        migrations.AddConstraint(
            model_name="comparison",
            constraint=models.UniqueConstraint(
                fields=("lineage", "node", "prefix"), name="agreements_compare_once"
            ),
        ),
    )
