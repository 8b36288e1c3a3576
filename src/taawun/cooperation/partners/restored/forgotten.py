"""Keys that followed the one of a backup: partners of a restored node know them, and the node does not.

Their statements prove themselves: the key that is held here, or the recovery key, has signed them. So whoever shows
them is believed that far, and no further. A node that has such a key follows it; one that has not tells its people, for
nobody but they know whether it was lost with a disk or never was theirs (docs/operating.md, "The return of a restored
node").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from taawun.cooperation.partners.identity import own_keys, rotation, shown_keys
from taawun.cooperation.partners.identity.descriptor import CARRIED_ROTATIONS
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Awaited, ShownKeys
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import now
from taawun.foundation.signing import SignatureRefused
from taawun.foundation.strict_json import JsonRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taawun.cooperation.partners.identity.rotation import Rotation
    from taawun.cooperation.partners.models import Partner

__all__ = ["hear"]


@transaction.atomic
def hear(partner: Partner, shown: object) -> None:
    """Take note of how our keys followed each other, as a partner shows it; what proves nothing is passed over.

    It has had its say by that; one that proves nothing has, where it refuses nothing. A node that is not returning, or
    does not wait for the partner, keeps nothing of it and tells its people.

    Args:
        partner: who shows it.
        shown: a list of statements, as it came.
    """
    # as long as a restored node waits, nobody speaks
    one_speaker()
    said = shown_keys.shown_by(partner, list(_read(shown)))
    waiting = Awaited.objects.filter(partner=partner, given_up=None).first()
    if waiting is None or not returning.is_returning():
        if said.is_news:
            own_keys.alarm(said)
        return
    if said.is_news:
        tokens = [list(each.tokens) for each in said.statements]
        ShownKeys.objects.update_or_create(partner=partner, defaults={"statements": tokens, "shown": now()})
        # whoever had told all that it holds had not told this
        Awaited.objects.filter(id=waiting.id).update(answered=None)
        own_keys.take_up(SystemActor("partners.sync"))
        returning.heard(partner)


def _read(shown: object) -> Iterator[Rotation]:
    if not isinstance(shown, list):
        return
    for each in shown[-CARRIED_ROTATIONS:]:
        try:
            yield rotation.read(each, node=settings.BASE_URL, at=now())
        except (AttributeError, JsonRefused, KeyError, SignatureRefused, TypeError, ValueError):
            continue
