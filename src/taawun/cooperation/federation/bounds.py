"""How much the header of a release may name: what is refused at its receiver does not leave here either. Pure.

A header is read, asked about and kept by everybody it reaches, at every attempt, so what stands in its lists is bounded
(docs/protocol.md, "Header").
"""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Final

from taawun.cooperation.federation.models import MOST_OF_A_PARTY, MOST_OF_A_TOPIC

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "MOST_IN_A_MESSAGE",
    "MOST_LANGUAGES",
    "MOST_PARTIES_REACHED",
    "MOST_PERSONS",
    "are_within",
    "fitting",
]

# all techniques of ATT&CK, as a report on it names them, and as many again
_MOST_TOPICS: Final = 2_000
# an agreement has no more (docs/protocol.md, "Agreement document")
_MOST_PARTIES: Final = 250
MOST_PERSONS: Final = 100
# entries or releases that one message speaks of
MOST_IN_A_MESSAGE: Final = 1_000
# that a partner says it passed a release on to: more nodes than any community has
MOST_PARTIES_REACHED: Final = 100_000
MOST_LANGUAGES: Final = 100
_MOST_OF_A_PERSON: Final = 254  # RFC 5321, section 4.5.3.1.3, without its brackets
_MOST_OF_A_LANGUAGE: Final = 64
# of the 48 KiB that a header can say
_BYTES_OF_TOPICS: Final = 24 * 1024


def are_within(
    *,
    topics: Collection[str],
    audience: Collection[str],
    persons: Collection[str],
    languages: Collection[str],
) -> bool:
    """Whether a header may name all of this: not more, and nothing longer, than a receiver keeps."""
    bounds = (
        (topics, _MOST_TOPICS, MOST_OF_A_TOPIC),
        (audience, _MOST_PARTIES, MOST_OF_A_PARTY),
        (persons, MOST_PERSONS, _MOST_OF_A_PERSON),
        (languages, MOST_LANGUAGES, _MOST_OF_A_LANGUAGE),
    )
    return all(
        len(named) <= most and all(len(each) <= longest for each in named) for named, most, longest in bounds
    )


def fitting(topics: Iterable[str]) -> frozenset[str]:
    """As many of these topics as one header may name, for what takes them over from several releases."""
    ordered = sorted(set(topics))[:_MOST_TOPICS]
    # quoted, and with a comma behind it
    sizes = accumulate(len(each.encode()) + 3 for each in ordered)
    kept = takewhile(lambda pair: pair[1] <= _BYTES_OF_TOPICS, zip(ordered, sizes, strict=True))
    return frozenset(topic for topic, _size in kept)
