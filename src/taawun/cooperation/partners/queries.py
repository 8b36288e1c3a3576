"""Reading partners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.partners.models import Partner
from taawun.foundation.folding import query_terms, tokens
from taawun.foundation.multilingual import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["matching", "nation_words", "words_match"]


def matching(text: str = "", state: str = "") -> list[Partner]:
    """Partners by nation and address. Who may ask is the caller's question (``read:partners``).

    Names are compared folded and in every language they are given in, so «الجنوب» finds «جنوب». A node has at most
    some hundred partners: they are read and compared one by one.

    Args:
        text: words of a name, a nation or an address; empty for all.
        state: a ``Partner.State`` value; empty for any.
    """
    found = Partner.objects.order_by("nation", "node")
    if state:
        found = found.filter(state=state)
    return [partner for partner in found if words_match(text, _texts(partner))]


def nation_words() -> dict[str, Text]:
    """What nations call themselves, as the partners that speak for them say; only those that were compared."""
    found = Partner.objects.filter(kind="nation", state=Partner.State.VERIFIED).exclude(nation_names={})
    told = found.order_by("-verified", "node").values_list("nation", "nation_names")
    # two nodes of one nation: the one that was compared first
    return {code: Text.from_json(names) for code, names in told}


def words_match(text: str, among: Iterable[str]) -> bool:
    """Whether every word of a query begins a word of these texts."""
    wanted = query_terms(text)
    held = {token for each in among for token in tokens(each)} if wanted else set()
    return all(any(token.startswith(word) for token in held) for word in wanted)


def _texts(partner: Partner) -> list[str]:
    return [*partner.names.values(), *partner.nation_names.values(), partner.nation, partner.node]
