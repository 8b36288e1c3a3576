"""The Traffic Light Protocol 2.0 (FIRST), and how STIX 2.1 writes it.

The members are ordered by strictness: ``Tlp.GREEN < Tlp.AMBER`` means that AMBER travels less far. A marking
that is not known is RED.
"""

from enum import IntEnum
from typing import Any, Final, Self

from taawun.foundation.errors import CodedError

# OASIS "TLP 2.0 Marking Definition" common object: all five share this extension and this creation time.
_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_CREATED: Final = "2022-10-01T00:00:00.000Z"


class UnknownMarking(CodedError):
    """A text that names no level of the protocol; code: ``unknown-marking``."""


class Tlp(IntEnum):
    """A level of TLP 2.0; a greater one is stricter.

    CLEAR: no limit. GREEN: the community. AMBER: the receiving organisation and its clients who need to know.
    AMBER_STRICT: the receiving organisation only. RED: the named persons only.
    """

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @property
    def label(self) -> str:
        """The level as the standard writes it, for example ``TLP:AMBER+STRICT``."""
        return "TLP:" + self.name.replace("_", "+")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a level however it is usually written; case and white space do not matter.

        ``TLP:AMBER+STRICT``, ``tlp:amber+strict`` (MISP), ``amber-strict`` and ``AMBER_STRICT`` are one;
        ``WHITE`` of TLP 1.0 is CLEAR.

        Args:
            text: the marking, with or without ``TLP:``.

        Returns:
            The level.

        Raises:
            UnknownMarking: for anything else, also an empty text.
        """
        word = "".join(text.split()).lower().removeprefix("tlp:")
        level = _BY_WORD.get(word)
        if level is None:
            choices = ", ".join(each.label for each in cls)
            raise UnknownMarking("unknown-marking", f"{text[:40]!a} is no TLP marking; use one of {choices}.")
        return cls(level)

    @classmethod
    def parse_or_red(cls, text: str) -> Self:
        """Read a level as :meth:`parse` does; what is unknown is RED, so doubt never widens an audience."""
        try:
            return cls.parse(text)
        except UnknownMarking:
            return cls(cls.RED)


_BY_WORD: Final = {
    "clear": Tlp.CLEAR,
    "white": Tlp.CLEAR,
    "green": Tlp.GREEN,
    "amber": Tlp.AMBER,
    "amber+strict": Tlp.AMBER_STRICT,
    "amber-strict": Tlp.AMBER_STRICT,
    "amber_strict": Tlp.AMBER_STRICT,
    "amberstrict": Tlp.AMBER_STRICT,
    "red": Tlp.RED,
}

# The identifiers OASIS fixed for TLP 2.0.
_STIX_ID: Final = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

# The identifiers STIX 2.1, section 7.2.1.4, fixed for TLP 1.0.
_STIX_ID_OF_TLP_1: Final = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
}

_BY_STIX_ID: Final = {**_STIX_ID_OF_TLP_1, **{identifier: level for level, identifier in _STIX_ID.items()}}


def stix_marking_id(tlp: Tlp) -> str:
    """Tell the identifier of the TLP 2.0 marking definition that OASIS published for a level."""
    return _STIX_ID[tlp]


def from_stix_marking(marking_id: str) -> Tlp | None:
    """Tell which level a STIX marking definition stands for.

    Args:
        marking_id: the ``id`` of a marking definition, of TLP 2.0 or of TLP 1.0 as fixed in STIX 2.1.

    Returns:
        The level, or None when the marking is not one of the protocol's (a statement, for example).
    """
    return _BY_STIX_ID.get(marking_id)


def stix_marking_definition(tlp: Tlp) -> dict[str, Any]:
    """Write the STIX 2.1 object that OASIS published for a level of TLP 2.0.

    Args:
        tlp: the level.

    Returns:
        A new dictionary, ready to be put into a bundle beside the objects that refer to it.
    """
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _STIX_ID[tlp],
        "created": _CREATED,
        "name": tlp.label,
        "extensions": {
            _EXTENSION: {
                "extension_type": "property-extension",
                "tlp_2_0": tlp.label.removeprefix("TLP:").lower(),
            },
        },
    }
