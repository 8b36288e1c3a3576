from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery, TextField
from django.db.models.functions import Cast, Substr


def place(apps: Any, editor: Any) -> None:  # historical apps and their editor have no types
    """Write down where the ledger counts what is there already."""
    entries = apps.get_model("partners", "LaneEntry").objects.filter(id=OuterRef("entry_id"))

    def of_entry(name: str) -> Subquery:
        return Subquery(entries.values(name)[:1])

    # both databases write an instant in UTC as 2026-11-29…
    month = Subquery(entries.annotate(of=Substr(Cast(F("recorded"), TextField()), 1, 7)).values("of")[:1])
    for name, more in (("Passage", {"size": of_entry("size")}), ("Receipt", {})):
        apps.get_model("federation", name).objects.update(
            lane=of_entry("lane"), kind=of_entry("kind"), month=month, **more
        )
    if editor.connection.vendor == "postgresql":
        # what is still to be checked of these rows is checked now: else their columns cannot become NOT NULL in this
        # transaction, and a migration of several would stay half done where it is cut off
        editor.connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("partners", "0008_restored"), ("federation", "0007_quarantined_ways")]

    operations = [
        *(
            operation
            for name in ("passage", "receipt")
            for operation in (
                migrations.AddField(name, "kind", models.CharField(max_length=80, default=""), preserve_default=False),
                migrations.AddField(name, "month", models.CharField(max_length=7, default=""), preserve_default=False),
                migrations.AddField(
                    name,
                    "lane",
                    models.ForeignKey(
                        null=True,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="partners.lane",
                    ),
                ),
            )
        ),
        migrations.AddField("passage", "size", models.BigIntegerField(default=0), preserve_default=False),
        migrations.RunPython(place, migrations.RunPython.noop),
        *(
            migrations.AlterField(
                name,
                "lane",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="partners.lane",
                ),
            )
            for name in ("passage", "receipt")
        ),
        migrations.AddIndex(
            "passage",
            models.Index(
                fields=["agreement", "lane", "kind", "month", "size", "ended"], name="federation_carried"
            ),
        ),
        migrations.AddIndex(
            "receipt",
            models.Index(fields=["lane", "partner", "kind", "month", "outcome"], name="federation_signed"),
        ),
    ]
