"""Who plays: invented nations and their people. No real agency, nation or person is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["EAST", "NORTH", "SOUTH", "Nation", "Player"]


@dataclass(frozen=True, slots=True)
class Player:
    """A person of the demonstration.

    Args:
        name: what they are called.
        role: their role.
        email: how they sign in.
        language: ``ar``, ``en`` or ``fr``.
    """

    name: str
    role: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Nation:
    """An invented nation, the organisation that runs its node, and its people.

    Args:
        key: short name for folders and messages.
        code: user-assigned code (ISO 3166-1: XA…XZ are nobody's).
        organisation, nation: names in English, Arabic and French.
        players: the administrator first.
    """

    key: str
    code: str
    organisation: tuple[str, str, str]
    nation: tuple[str, str, str]
    players: tuple[Player, ...]

    def player(self, role: str, which: int = 0) -> Player:
        """A person with this role; the second officer is ``player("officer", 1)``."""
        return [each for each in self.players if each.role == role][which]


NORTH: Final = Nation(
    key="north",
    code="XN",
    organisation=("Demo CERT North", "مركز الشمال التجريبي", "CERT de démonstration Nord"),
    nation=("Demo North", "الشمال التجريبية", "Démo Nord"),
    players=(
        Player("Idris K.", "administrator", "admin@north.example", "en"),
        Player("Salma H.", "analyst", "analyst@north.example", "ar"),
        Player("Maryam T.", "officer", "officer@north.example", "en"),
        Player("Yusuf A.", "officer", "second-officer@north.example", "fr"),
        Player("Nadia R.", "policymaker", "policy@north.example", "en"),
        Player("Tariq M.", "trainee", "trainee@north.example", "en"),
    ),
)
SOUTH: Final = Nation(
    key="south",
    code="XS",
    organisation=("Demo CERT South", "مركز الجنوب التجريبي", "CERT de démonstration Sud"),
    nation=("Demo South", "الجنوب التجريبية", "Démo Sud"),
    players=(
        Player("Amina B.", "administrator", "admin@south.example", "fr"),
        Player("Karim D.", "analyst", "analyst@south.example", "fr"),
        Player("Leila S.", "officer", "officer@south.example", "ar"),
        Player("Omar N.", "officer", "second-officer@south.example", "en"),
        Player("Huda F.", "policymaker", "policy@south.example", "ar"),
        Player("Bilal O.", "trainee", "trainee@south.example", "fr"),
    ),
)
# who joins the two, where a third nation is needed
EAST: Final = Nation(
    key="east",
    code="XE",
    organisation=("Demo CERT East", "مركز الشرق التجريبي", "CERT de démonstration Est"),
    nation=("Demo East", "الشرق التجريبية", "Démo Est"),
    players=(
        Player("Zaynab Q.", "administrator", "admin@east.example", "en"),
        Player("Hamza L.", "analyst", "analyst@east.example", "en"),
        Player("Samir W.", "officer", "officer@east.example", "ar"),
        Player("Rim D.", "officer", "second-officer@east.example", "fr"),
    ),
)
