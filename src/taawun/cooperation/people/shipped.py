"""Communities of nations that a node knows without being told: who belongs to them, and what they call their members.

Facts, written down by us: the member states as the organisation's general secretariat lists them, their names in the
usage of its official languages. Where a member's own usage and locale data part (Palestine, Côte d'Ivoire, Türkiye),
the member's holds. Since when each is a member, and every later change, is for the node to enter: nothing here says
more of a nation than that it is in the list. See docs/nations.md for the sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from taawun.foundation.multilingual import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SHIPPED", "ShippedCommunity", "shipped_names"]


@dataclass(frozen=True, slots=True)
class ShippedCommunity:
    """A community as it ships.

    Args:
        code: short and unique.
        name: what it is called.
        members: its members by code, each by the name that the community uses.
    """

    code: str
    name: Text
    members: Mapping[str, Text]


def _members(lines: str) -> Mapping[str, Text]:
    found = {}
    for line in lines.strip().splitlines():
        code, arabic, english, french = line.split("|")
        found[code] = Text.of(ar=arabic, en=english, fr=french)
    return found


_OIC: Final = """
AE|الإمارات العربية المتحدة|United Arab Emirates|Émirats arabes unis
AF|أفغانستان|Afghanistan|Afghanistan
AL|ألبانيا|Albania|Albanie
AZ|أذربيجان|Azerbaijan|Azerbaïdjan
BD|بنغلاديش|Bangladesh|Bangladesh
BF|بوركينا فاسو|Burkina Faso|Burkina Faso
BH|البحرين|Bahrain|Bahreïn
BJ|بنين|Benin|Bénin
BN|بروناي دار السلام|Brunei Darussalam|Brunéi Darussalam
CI|كوت ديفوار|Côte d’Ivoire|Côte d’Ivoire
CM|الكاميرون|Cameroon|Cameroun
DJ|جيبوتي|Djibouti|Djibouti
DZ|الجزائر|Algeria|Algérie
EG|مصر|Egypt|Égypte
GA|الغابون|Gabon|Gabon
GM|غامبيا|The Gambia|Gambie
GN|غينيا|Guinea|Guinée
GW|غينيا بيساو|Guinea-Bissau|Guinée-Bissau
GY|غيانا|Guyana|Guyana
ID|إندونيسيا|Indonesia|Indonésie
IQ|العراق|Iraq|Iraq
IR|إيران|Iran|Iran
JO|الأردن|Jordan|Jordanie
KG|قيرغيزستان|Kyrgyzstan|Kirghizistan
KM|جزر القمر|Comoros|Comores
KW|الكويت|Kuwait|Koweït
KZ|كازاخستان|Kazakhstan|Kazakhstan
LB|لبنان|Lebanon|Liban
LY|ليبيا|Libya|Libye
MA|المغرب|Morocco|Maroc
ML|مالي|Mali|Mali
MR|موريتانيا|Mauritania|Mauritanie
MV|المالديف|Maldives|Maldives
MY|ماليزيا|Malaysia|Malaisie
MZ|موزمبيق|Mozambique|Mozambique
NE|النيجر|Niger|Niger
NG|نيجيريا|Nigeria|Nigéria
OM|عُمان|Oman|Oman
PK|باكستان|Pakistan|Pakistan
PS|دولة فلسطين|State of Palestine|État de Palestine
QA|قطر|Qatar|Qatar
SA|المملكة العربية السعودية|Saudi Arabia|Arabie saoudite
SD|السودان|Sudan|Soudan
SL|سيراليون|Sierra Leone|Sierra Leone
SN|السنغال|Senegal|Sénégal
SO|الصومال|Somalia|Somalie
SR|سورينام|Suriname|Suriname
SY|سوريا|Syria|Syrie
TD|تشاد|Chad|Tchad
TG|توغو|Togo|Togo
TJ|طاجيكستان|Tajikistan|Tadjikistan
TM|تركمانستان|Turkmenistan|Turkménistan
TN|تونس|Tunisia|Tunisie
TR|تركيا|Türkiye|Türkiye
UG|أوغندا|Uganda|Ouganda
UZ|أوزبكستان|Uzbekistan|Ouzbékistan
YE|اليمن|Yemen|Yémen
"""

SHIPPED: Final[Mapping[str, ShippedCommunity]] = {
    "oic": ShippedCommunity(
        "oic",
        Text.of(
            ar="منظمة التعاون الإسلامي",
            en="Organisation of Islamic Cooperation",
            fr="Organisation de la coopération islamique",
        ),
        _members(_OIC),
    )
}


@cache
def shipped_names() -> Mapping[str, tuple[Text, Text]]:
    """What each nation is called by a community that ships, and the community's name; the first one that has it."""
    found: dict[str, tuple[Text, Text]] = {}
    for community in SHIPPED.values():
        for code, name in community.members.items():
            found.setdefault(code, (name, community.name))
    return found
