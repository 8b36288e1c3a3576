"""How releases are served on our lanes and taken in from a partner's."""

from __future__ import annotations

from typing import Final

from taawun.cooperation.federation.exchange.arriving import prepare, receive
from taawun.cooperation.federation.exchange.deletions import DELETED
from taawun.cooperation.federation.exchange.judging import accepts
from taawun.cooperation.federation.exchange.public import PUBLIC_LANES
from taawun.cooperation.federation.exchange.reaches import REACHED
from taawun.cooperation.federation.exchange.readings import READ
from taawun.cooperation.federation.exchange.receipts import RECEIPT, acknowledge
from taawun.cooperation.federation.exchange.regaining import catch_up, regain
from taawun.cooperation.federation.exchange.repeating import nothing_to_put_away, repeat
from taawun.cooperation.federation.exchange.serving import readable, readers, serves, urgent_kinds
from taawun.cooperation.federation.exchange.setting_aside import set_aside
from taawun.cooperation.federation.exchange.together import together
from taawun.cooperation.federation.exchange.withdrawals import WITHDRAWN
from taawun.cooperation.partners.logs.purposes import LanePurpose, Revocation

__all__ = [
    "CLAUSE_LANES",
    "DELETED",
    "PUBLIC_LANES",
    "REACHED",
    "READ",
    "RECEIPT",
    "REVOCATION",
    "WITHDRAWN",
    "accepts",
    "acknowledge",
    "readable",
]

CLAUSE_LANES: Final = LanePurpose(
    "clause",
    readable,
    accepts,
    receive,
    acknowledge,
    serves,
    prepare,
    readers,
    together=together,
    regain=regain,
    catch_up=catch_up,
    urgent_kinds=urgent_kinds,
    set_aside=set_aside,
)

REVOCATION: Final = Revocation("federation", repeat, nothing_to_put_away)
