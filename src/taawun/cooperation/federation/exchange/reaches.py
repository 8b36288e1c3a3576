"""A receiver tells how many parties a release reached that it shared onward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import Exists, OuterRef

from taawun.cooperation.federation.bounds import MOST_IN_A_MESSAGE, MOST_PARTIES_REACHED
from taawun.cooperation.federation.models import Passage, Reach, Release
from taawun.cooperation.federation.readers import is_reader
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.foundation.strict_json import as_count

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REACHED"]


def receive_reach(message: messages.Message) -> None:
    """Keep the last count of each release that was sent to who tells it; of others it has nothing to tell."""
    told = _read(message.payload)
    sent = Passage.objects.filter(is_reader(message.partner), release=OuterRef("pk"))
    found = Release.objects.filter(Exists(sent), subject__in={subject for subject, _v, _d in told})
    releases = {(each.subject, each.version, each.digest): each for each in found}
    if not releases.keys() >= told.keys():
        raise MessageRefused("unknown-release", "it counts a release that was not sent to who counts it")
    Reach.objects.bulk_create(
        (
            Reach(release=releases[about], partner=message.partner, parties=parties, at=message.sent)
            for about, parties in told.items()
        ),
        update_conflicts=True,
        unique_fields=["release", "partner"],
        update_fields=["parties", "at"],
    )


def _read(payload: Mapping[str, Any]) -> dict[tuple[str, str, str], int]:
    # Any: JSON at the edge
    try:
        releases = payload["releases"]
        if not isinstance(releases, list) or not 0 < len(releases) <= MOST_IN_A_MESSAGE:
            raise ValueError  # noqa: TRY301 - one answer for every malformed message
        return {
            (str(each["subject"]), str(each["version"]), str(each["digest"])): as_count(
                each["parties"], MOST_PARTIES_REACHED
            )
            for each in releases
        }
    except (KeyError, TypeError, ValueError):
        raise MessageRefused("malformed", "the counts are malformed") from None


def put_away_reach(message: messages.Message) -> None:
    """A thief's counts count for nothing; who is robbed counts anew."""
    told = _read(message.payload)
    Reach.objects.filter(
        partner=message.partner,
        at=message.sent,
        release__subject__in={subject for subject, _version, _digest in told},
    ).delete()


# what this node forgot that it counted, it counts again
REACHED: Final = messages.MessageKind("reached", receive_reach, set_aside=put_away_reach)
