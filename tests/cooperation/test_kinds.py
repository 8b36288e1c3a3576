"""Every kind of release and message answers what a restore and a revoked key ask of it, or says why it need not."""

from __future__ import annotations

from typing import Final

import pytest

from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.partners.exchange.messages import MessageKind
from taawun.platform.registry import registry

# a message of ours that is not made known again after a restore, and why nothing is lost by it
NOT_REGAINED: Final = {
    "deleted": "what ended here ends again and is said again; of two statements the first counts",
    "reached": "it is counted and told again",
    "read": "who was told holds it, and what a guest reads from then on is told",
    "lane.stopped": "a lane that does not hold is stopped again as soon as it is read",
    "lane.forked": "the proofs are found again, and the other readers hold them",
}
# a partner's message of which nothing is taken out when its key is revoked, and why nothing of it counts
NOT_SET_ASIDE: Final = {
    "agreement.evidence": "each word in it goes by the key that signed it, whoever brought it (`Revocation.put_away`)",
    "lane.followed": "who follows the public lane has what everybody may have; its owner says otherwise when it likes",
    "lane.stopped": "it leaves a notice, which a person settles",
    "lane.forked": "who shows a fork is not believed: the two words in it prove it, and a doubtful key proves none",
}
# a kind of release that is taken in one by one, and why
NOT_TOGETHER: Final = {"intel.sighting": "a partner sends few of them, and each is held to who said it first"}
# a kind of release of ours that is not made known again after a restore, and why nothing is lost by it
NOT_REGAINED_RELEASES: Final[dict[str, str]] = {}


def _lacking(part: type[MessageKind | ReleaseKind], hook: str) -> set[str]:
    return {each.name for each in registry.all(part) if getattr(each, hook) is None}


@pytest.mark.parametrize(
    ("part", "hook", "reasons"),
    [
        (MessageKind, "regain", NOT_REGAINED),
        (MessageKind, "set_aside", NOT_SET_ASIDE),
        (ReleaseKind, "receive_together", NOT_TOGETHER),
        (ReleaseKind, "regain", NOT_REGAINED_RELEASES),
        (ReleaseKind, "regain_withdrawal", NOT_REGAINED_RELEASES),
    ],
)
def test_every_kind_has_the_part_or_a_reason(
    part: type[MessageKind | ReleaseKind], hook: str, reasons: dict[str, str]
) -> None:
    assert len(list(registry.all(part))) > 1
    assert _lacking(part, hook) == set(reasons)
    assert all(reasons.values())
