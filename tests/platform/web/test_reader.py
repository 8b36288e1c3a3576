"""Pages are written for their reader; what leaves for others is not."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, time
from typing import Final

import pytest
from django.core import mail
from django.utils.translation import override
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.cooperation.people.models import Organisation, Person
from taawun.foundation.clock import frozen
from taawun.platform.web import formats
from taawun.platform.web.reader import ANYBODY, Calendar, Digits, Reader, for_everybody, read_by, reader
from tests.cast import Cast
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
# 07:58 in UTC; the clocks of New York went back on the first of November, those of Paris on 25 October
AT: Final = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
SUMMER: Final = datetime(2026, 7, 1, 20, 30, tzinfo=UTC)
_ARAB, _WEST, _HIJRI = Digits.ARABIC_INDIC, Digits.WESTERN, Calendar.WITH_HIJRI


@pytest.mark.parametrize(
    ("language", "who", "at", "shown"),
    [
        ("en", Reader(), AT, "22 Nov 2026, 07:58"),
        ("en", Reader("Asia/Kathmandu"), AT, "22 Nov 2026, 13:43"),
        ("en", Reader("America/New_York"), AT, "22 Nov 2026, 02:58"),
        ("en", Reader("America/New_York"), SUMMER, "1 Jul 2026, 16:30"),
        ("en", Reader("Europe/Paris"), AT, "22 Nov 2026, 08:58"),
        ("en", Reader("Europe/Paris"), SUMMER, "1 Jul 2026, 22:30"),
        # the day is that of the reader's clock in both calendars
        (
            "en",
            Reader("Asia/Kathmandu", _HIJRI),
            SUMMER,
            "2 Jul 2026, 16 Muharram 1448, 02:15",
        ),
        ("en", Reader(digits=_ARAB), AT, "22 Nov 2026, 07:58"),
        ("en", Reader(calendar=_HIJRI), AT, "22 Nov 2026, 11 Jumada al-Akhirah 1448, 07:58"),
        ("fr", Reader("Asia/Kathmandu", _HIJRI), AT, "22 nov. 2026, 11 joumada ath-thania 1448, 13:43"),
        ("fr", Reader(digits=_ARAB), AT, "22 nov. 2026, 07:58"),
        ("ar", Reader(), AT, "٢٢ نوفمبر ٢٠٢٦، ٧:٥٨"),
        ("ar", Reader(digits=_WEST), AT, "22 نوفمبر 2026، 7:58"),
        ("ar", Reader("Asia/Kathmandu", _HIJRI, _WEST), AT, "22 نوفمبر 2026، 11 جمادى الآخرة 1448، 13:43"),
        ("ar", Reader("Asia/Kathmandu", _HIJRI, _ARAB), AT, "٢٢ نوفمبر ٢٠٢٦، ١١ جمادى الآخرة ١٤٤٨، ١٣:٤٣"),
        # a zone that this machine's list does not have (any more) is the node's
        ("en", Reader("Mars/Olympus"), AT, "22 Nov 2026, 07:58"),
    ],
)
def test_a_moment_is_written_for_its_reader(language: str, who: Reader, at: datetime, shown: str) -> None:
    with override(language), read_by(lambda: who):
        assert formats.moment(at).replace("\u00a0", " ") == shown
        with for_everybody():
            assert reader() == ANYBODY
    assert reader() == ANYBODY


@pytest.mark.parametrize(
    ("language", "chosen", "number", "share", "clause"),
    [
        ("ar", Digits.TERRITORY, "١٬٢٣٤٫٥", "٦٢٪", "٢.١"),
        ("ar", _ARAB, "١٬٢٣٤٫٥", "٦٢٪", "٢.١"),
        ("ar", _WEST, "1,234.5", "62%", "2.1"),
        ("en", _ARAB, "1,234.5", "62%", "2.1"),
        ("fr", _ARAB, "1\u202f234,5", "62\u202f%", "2.1"),
    ],
)
def test_digits_are_the_readers_in_arabic_and_others_nowhere(
    language: str, chosen: Digits, number: str, share: str, clause: str
) -> None:
    with override(language), read_by(lambda: Reader(digits=chosen)):
        assert formats.number(1234.5) == number
        assert formats.percent(0.62).replace("\u200e", "").replace("\u00a0", "\u202f") == share
        assert formats.digits("2.1") == clause


def test_the_hijri_date_stands_behind_a_comma_and_is_not_broken() -> None:
    with read_by(lambda: Reader(calendar=_HIJRI)):
        assert formats.day(AT) == "22 November 2026, 11\u00a0Jumada\u00a0al-Akhirah\u00a01448"
        # where there is no room for two, and where the calendar had not begun
        assert formats.short_day(AT) == "22 Nov 2026"
        assert formats.day(date(600, 1, 1)) == "1 January 600"
    assert formats.day(AT, with_hijri=True) == "22 November 2026, 11\u00a0Jumada\u00a0al-Akhirah\u00a01448"
    assert formats.day(AT) == "22 November 2026"


@pytest.mark.parametrize(
    ("there", "who", "shown"),
    [
        ("Asia/Kuala_Lumpur", Reader(), ("22 Nov 2026, 15:58", "Kuala Lumpur", "07:58")),
        ("Asia/Kathmandu", Reader("Asia/Amman"), ("22 Nov 2026, 13:43", "Kathmandu", "10:58")),
        # another day here
        ("Pacific/Auckland", Reader("America/Lima"), ("22 Nov 2026, 20:58", "Auckland", "02:58")),
        ("Pacific/Kiritimati", Reader("America/Lima"), ("22 Nov 2026, 21:58", "Kiritimati", "02:58")),
        # the reader's clock shows the same, whatever its zone is called
        ("Asia/Riyadh", Reader("Africa/Nairobi"), ("22 Nov 2026, 10:58", "", "")),
        ("Mars/Olympus", Reader(), ("22 Nov 2026, 07:58", "", "")),
    ],
)
def test_an_event_is_told_on_its_own_clock_first(
    there: str, who: Reader, shown: tuple[str, str, str]
) -> None:
    with read_by(lambda: who):
        told = formats.event_time(AT, there)
    assert (told.there, told.place, told.here) == shown


def test_an_event_on_another_day_here_says_which() -> None:
    with read_by(lambda: Reader("America/Lima", _HIJRI)):
        told = formats.event_time(datetime(2026, 11, 22, 1, 0, tzinfo=UTC), "Asia/Kathmandu")
    assert told.there == "22 Nov 2026, 11\u00a0Jumada\u00a0al-Akhirah\u00a01448, 06:45"
    assert told.here == "21 Nov 2026, 10\u00a0Jumada\u00a0al-Akhirah\u00a01448, 20:00"


@pytest.mark.parametrize(
    ("days", "there", "mine", "shown"),
    [
        ((6, 0, 1, 2, 3), "Asia/Kathmandu", "UTC", "02:15 to 10:15"),
        ((6, 0, 1, 2, 3), "Pacific/Auckland", "UTC", "Sat to Wed, 19:00 to 03:00"),
        ((0, 2), "America/Los_Angeles", "Asia/Tokyo", "Tue and Thu, 01:00 to 09:00"),
        ((0, 2), "Asia/Riyadh", "Africa/Nairobi", ""),
        ((), "Asia/Tokyo", "UTC", ""),
    ],
)
def test_hours_of_another_zone_are_told_on_the_readers_clock(
    days: tuple[int, ...], there: str, mine: str, shown: str
) -> None:
    with frozen(AT), read_by(lambda: Reader(mine)):
        assert formats.hours_here(days, time(8), time(16), there) == shown


@pytest.mark.parametrize(
    ("days", "english", "arabic"),
    [
        ((6, 0, 1, 2, 3), "Sun to Thu", "من الأحد إلى الخميس"),
        ((0, 1, 2, 3, 5), "Mon, Tue, Wed, Thu, and Sat", "الاثنين والثلاثاء والأربعاء والخميس والسبت"),
        ((0, 1), "Mon and Tue", "الاثنين والثلاثاء"),
        ((0, 1, 2, 3, 4, 5, 6), "Mon, Tue, Wed, Thu, Fri, Sat, and Sun", ""),
    ],
)
def test_days_that_follow_one_another_are_told_by_the_first_and_the_last(
    days: tuple[int, ...], english: str, arabic: str
) -> None:
    assert formats.days_of_week(days) == english
    with override("ar"):
        assert not arabic or formats.days_of_week(days) == arabic


def test_what_machines_and_others_read_does_not_change_with_who_asks(
    cast: Cast, settings: SettingsWrapper
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    plain, chosen = cast.observer, cast.administrator
    Person.objects.filter(id=chosen.row.id).update(
        zone="Asia/Kathmandu", calendar="with-hijri", digits="western", addressed="feminine"
    )
    browser = chosen.browser()
    page = read(browser.get("/ar/people/"))
    assert "جمادى" in page.text or "1448" in page.text
    for ending in ("csv", "json"):
        theirs = browser.get(f"/ar/people/?format={ending}").getvalue().decode("utf-8-sig")
        mine = plain.browser().get(f"/ar/people/?format={ending}").getvalue().decode("utf-8-sig")
        # but for the addresses, which only one of the two may see
        rows, others = (
            json.loads(text) if ending == "json" else list(csv.DictReader(text.splitlines()))
            for text in (theirs, mine)
        )
        assert [{**each, "email": ""} for each in rows] == [{**each, "email": ""} for each in others]
    path = f"/people/{plain.row.id}"
    told = chosen.api.get(path).json()
    assert {**told, "email": None} == {**cast.analyst.api.get(path).json(), "email": None}
    host = Organisation.objects.get(is_host=True)
    form = {"email": "new@cert.example", "organisation": str(host.id), "roles": ["analyst"], "language": "ar"}
    assert browser.post("/en/people/invitations/new/", form).status_code == 302
    [letter] = mail.outbox
    assert "١٤" in letter.body
