"""Whose a guest's token is that was made before tokens were bound to who the guest is.

It is filled where all versions to which this node is bound mean one and the same by the ref. Where they do not, it is
not to be guessed: the token opens nothing, and a notice names it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import migrations
from django.utils import timezone

if TYPE_CHECKING:
    from uuid import UUID

    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def bind_tokens(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Fill the column for each guest that has such tokens, or say that it could not be."""
    del schema_editor
    tokens = apps.get_model("federation", "GuestToken").objects.filter(identity="")
    unbound = sorted(set(tokens.order_by().values_list("agreement", "guest")), key=str)
    for agreement, guest in unbound:
        identities = _identities(apps, agreement, guest)
        its_own = tokens.filter(agreement=agreement, guest=guest)
        if len(identities) == 1:
            its_own.update(identity=identities.pop())
            continue
        still_open = its_own.filter(revoked=None, expires__gt=timezone.now())
        names = list(still_open.order_by("name").values_list("name", flat=True))
        if names:
            _tell(apps, agreement, guest, names)


def _identities(apps: Apps, agreement: UUID, guest: str) -> set[str]:
    """Who bore the ref, as a guest of this node, in the versions that this node signed or acceded to."""
    about = {"lineage": agreement, "node": settings.BASE_URL}
    signed = apps.get_model("agreements", "PartySignature").objects.filter(**about)
    acceded = apps.get_model("agreements", "PartyInstrument").objects.filter(**about, kind="acceded")
    digests = {*signed.values_list("digest", flat=True), *acceded.values_list("digest", flat=True)}
    versions = apps.get_model("agreements", "Version").objects.filter(digest__in=digests)
    found = set()
    for version in versions.iterator(chunk_size=20):
        # Any: a document that was checked when it came
        parties: list[dict[str, Any]] = json.loads(bytes(version.text))["parties"]
        ours = {each["ref"] for each in parties if each.get("node") == settings.BASE_URL}
        named = [each for each in parties if each["ref"] == guest]
        found |= {_identity(each) for each in named if each.get("kind") == "guest" and each["host"] in ours}
    return found


def _identity(party: dict[str, Any]) -> str:
    about = {
        "host": settings.BASE_URL,
        "guest": party["ref"],
        "nation": party.get("nation", ""),
        "organisation": party["organisation"],
    }
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tell(apps: Apps, agreement: UUID, guest: str, names: list[str]) -> None:
    held = apps.get_model("agreements", "Agreement").objects.filter(id=agreement).first()
    apps.get_model("notices", "Notice").objects.get_or_create(
        kind="federation.guest-tokens-unbound",
        subject=f"urn:taawun:guest:{agreement}:{guest}",
        resolved=None,
        defaults={
            "level": "warning",
            "params": {
                "guest": guest,
                "code": f"AG-{held.number:03d}" if held else str(agreement),
                "tokens": ", ".join(names)[:1000],
            },
        },
    )


class Migration(migrations.Migration):
    """Reads the column off the documents."""

    dependencies = (
        ("federation", "0017_names_readers"),
        ("agreements", "0009_showing"),
        ("notices", "0002_newest"),
    )
    operations = (migrations.RunPython(bind_tokens, migrations.RunPython.noop),)
