from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery


def uncount(apps: Any, _editor: Any) -> None:  # historical apps and their editor have no types
    """A receipt for a withdrawal is no receipt for something taken in, and the ledger finds it under no kind."""
    apps.get_model("federation", "Receipt").objects.filter(entry__action="withdraw").update(kind="")


def count(apps: Any, _editor: Any) -> None:  # as above
    """Write the kind back."""
    entries = apps.get_model("partners", "LaneEntry").objects.filter(id=OuterRef("entry_id"))
    withdrawals = apps.get_model("federation", "Receipt").objects.filter(entry__action="withdraw")
    withdrawals.update(kind=Subquery(entries.values("kind")[:1]))


class Migration(migrations.Migration):
    dependencies = [("federation", "0018_guest_identity_known")]

    operations = [migrations.RunPython(uncount, count)]
