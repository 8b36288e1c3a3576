"""Codes of nations: ISO 3166-1 alpha-2, and those that the standard leaves to its users."""

from __future__ import annotations

from typing import Final

__all__ = ["ASSIGNED", "is_code", "is_user_assigned"]

# the officially assigned code elements, as of ISO 3166-1:2020 with the newsletters since
_ASSIGNED: Final = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
ASSIGNED: Final = frozenset(_ASSIGNED.split())


def is_user_assigned(code: str) -> bool:
    """Whether the standard leaves a code to its users: AA, QM to QZ, XA to XZ, ZZ (ISO 3166-1, 8.1.3).

    What such a code means is for whoever uses it to say: XA and XB are pseudo-locales to locale data, XK is a name
    that others gave it, and an exercise may give any of them to an invented nation.
    """
    return code in {"AA", "ZZ"} or (len(code) == 2 and (code[0] == "X" or "QM" <= code <= "QZ"))  # noqa: PLR2004 - alpha-2


def is_code(code: str) -> bool:
    """Whether a text is a nation's code: an assigned one or one of the users', two capital letters of ASCII."""
    if code in ASSIGNED:
        return True
    is_shaped = len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()  # noqa: PLR2004 - alpha-2
    return is_shaped and is_user_assigned(code)
