"""When a word was put away with its key: said again much later, it counts from then on."""

from __future__ import annotations

from django.db import migrations, models

from taawun.foundation.clock import now


class Migration(migrations.Migration):
    """Add the instant; what was put away before the upgrade counts from the upgrade."""

    dependencies = (("agreements", "0011_reckoned_once"),)

    operations = (migrations.AddField("DoubtedWord", "put_away", models.DateTimeField(default=now)),)
