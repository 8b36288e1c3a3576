"""Keys that followed the one of a backup: partners of a restored node know them, and the node does not.

Their statements prove themselves: the key that is held here, or the recovery key, has signed them. So whoever shows
them is believed that far, and no further. A node that has such a key follows it; one that has not tells its people, for
nobody but they know whether it was lost with a disk or never was theirs (docs/operating.md, "The return of a restored
node").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction

from taawun.cooperation.partners.identity import keys, own_keys, rotation
from taawun.cooperation.partners.identity.rotation import CURRENT
from taawun.cooperation.partners.logs.lanes import one_speaker
from taawun.cooperation.partners.models import Awaited, ShownRotation
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import now, timestamp
from taawun.foundation.signing import SignatureRefused
from taawun.foundation.strict_json import JsonRefused
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taawun.cooperation.partners.identity.rotation import Rotation
    from taawun.cooperation.partners.models import Partner

__all__ = ["hear"]

_MOST: Final = 32


@transaction.atomic
def hear(partner: Partner, shown: object) -> None:
    """Take note of how our keys followed each other, as a partner shows it; what proves nothing is passed over.

    Args:
        partner: who shows it.
        shown: a list of statements, as it came.
    """
    statements = list(_read(shown))
    if not statements:
        return
    one_speaker()
    walked = own_keys.walked(statements)
    followed = [step for step in walked.steps if step.key == CURRENT]
    if not followed:
        return
    for step in walked.steps:
        ShownRotation.objects.get_or_create(kid=step.new.kid, defaults={"tokens": list(step.tokens)})
    current = walked.lineage.current.kid
    if current in keys.private_keys():
        own_keys.take_up(SystemActor("partners.sync"))
        return
    revoked = next((step.revoked_since for step in followed if step.revoked_since), None)
    facts = {"node": partner.node, "from": followed[0].old, "to": current}
    if revoked:
        facts["since"] = timestamp(revoked)
    Awaited.objects.filter(partner=partner, answered=None).update(
        fault=own_keys.FORGOTTEN, fault_detail=f"the key {current} is not here"
    )
    raise_notice("partners.own-key-forgotten", own_keys.own_urn(), Notice.Level.ALARM, facts)


def _read(shown: object) -> Iterator[Rotation]:
    if not isinstance(shown, list):
        return
    for each in shown[-_MOST:]:
        try:
            yield rotation.read(each, node=settings.BASE_URL, at=now())
        except (AttributeError, JsonRefused, KeyError, SignatureRefused, TypeError, ValueError):
            continue
