"""How often somebody may ask: token buckets in the memory of one process.

A bucket holds so many requests, and fills up again evenly. Each web process counts for itself: the limit keeps a
loop that went wild from taking a node's time, it is no quota to be accounted. What holds off those who guess
passwords and codes is counted by all processes together, in Django's cache (:class:`.models.Counted`).
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass

from taawun.foundation.clock import now
from taawun.platform.web.models import Counted

__all__ = ["Buckets", "Rate", "forget_counted", "network_of"]

# so many callers are remembered at once before those whose bucket is full again are forgotten
_MOST_CALLERS = 10_000
# the least that is given to one customer (RFC 6177, section 2): who has one address of it has them all
_IPV6_SITE = 64


def network_of(address: str) -> str:
    """What of an address counts as one caller: an IPv4 address whole, of an IPv6 address its /64.

    Args:
        address: the client's address, as the server found it (``REMOTE_ADDR``).

    Returns:
        The address or network in its one spelling; ``unknown`` for what is no address.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_SITE), strict=False))


@dataclass(frozen=True, slots=True)
class Rate:
    """How many requests may come.

    Args:
        burst: at once.
        per_second: in the long run.
    """

    burst: int
    per_second: float


class Buckets:
    """One bucket for each caller.

    Args:
        rate: how large the buckets are and how fast they fill.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, caller: str) -> float:
        """Take one request out of a caller's bucket.

        Args:
            caller: who asks, for example an address.

        Returns:
            0 when there was one; else the seconds until there is one again, and none was taken.
        """
        at = now().timestamp()
        with self._lock:
            left = self._filled(caller, at)
            if left < 1:
                return (1 - left) / self.rate.per_second
            self._left[caller] = (left - 1, at)
            if len(self._left) > _MOST_CALLERS:
                self._forget_full(at)
            return 0

    def empty(self) -> None:
        """Forget everybody."""
        with self._lock:
            self._left.clear()

    def _filled(self, caller: str, at: float) -> float:
        left, then = self._left.get(caller, (float(self.rate.burst), at))
        # a clock that was set back fills nothing
        return min(self.rate.burst, left + max(0.0, at - then) * self.rate.per_second)

    def _forget_full(self, at: float) -> None:
        self._left = {
            caller: held for caller, held in self._left.items() if self._filled(caller, at) < self.rate.burst
        }


def forget_counted() -> int:
    """Forget what was counted and is over: it names addresses of people.

    Returns:
        How many rows were forgotten.
    """
    removed, _by_model = Counted.objects.filter(expires__lte=now()).delete()
    return removed
