"""Dates, numbers and sizes as each language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils.translation import override
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.cooperation.people.models import Nation, Organisation
from taawun.foundation.clock import frozen
from taawun.platform.web import formats
from taawun.platform.web.formats import with_names
from taawun.platform.web.hijri import HijriDate, hijri
from taawun.platform.web.unit import unit

AT = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
NARROW = "\u202f"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "22 November 2026"), ("fr", "22 novembre 2026"), ("ar", "٢٢ نوفمبر ٢٠٢٦")],
)
def test_a_day_is_written_in_the_readers_language_and_digits(language: str, shown: str) -> None:
    with override(language):
        assert formats.day(date(2026, 11, 22)) == shown
        assert formats.day(AT) == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "one, two, and {0}"), ("fr", "one, two et {0}"), ("ar", "one وtwo و{0}")],
)
def test_things_in_a_row_are_joined_as_the_readers_language_does(language: str, shown: str) -> None:
    with override(language):
        assert formats.listed(["one", "two", "{0}"]) == shown
        assert (formats.listed(["one"]), formats.listed([])) == ("one", "")


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "22 Nov 2026, 07:58"), ("fr", "22 nov. 2026, 07:58"), ("ar", "٢٢ نوفمبر ٢٠٢٦، ٧:٥٨")],
)
def test_a_moment_has_its_time_behind_a_comma(language: str, shown: str) -> None:
    with override(language):
        assert formats.moment(AT) == shown


def test_a_moment_is_shown_in_the_zone_of_the_node(settings: SettingsWrapper) -> None:
    settings.DISPLAY_TIME_ZONE = "Asia/Amman"
    assert formats.moment(datetime(2026, 11, 22, 22, 30, tzinfo=UTC)) == "23 Nov 2026, 01:30"
    assert formats.day(datetime(2026, 11, 22, 22, 30, tzinfo=UTC)) == "23 November 2026"


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Asia/Amman", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("America/Lima", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_ends_of_the_calendar_are_shown_though_the_zone_has_no_such_time(
    settings: SettingsWrapper, zone: str, at: datetime
) -> None:
    settings.DISPLAY_TIME_ZONE = zone
    assert formats.local(at) == at


@pytest.mark.parametrize(
    ("language", "value", "shown"),
    [
        ("en", 1234567, "1,234,567"),
        ("fr", 1234567, f"1{NARROW}234{NARROW}567"),
        ("ar", 1234567, "١٬٢٣٤٬٥٦٧"),
        ("ar", 0, "٠"),
        ("en", 12.5, "12.5"),
        ("fr", 12.5, "12,5"),
        ("ar", 12.5, "١٢٫٥"),
    ],
)
def test_a_number_has_the_readers_digits_and_separators(language: str, value: float, shown: str) -> None:
    with override(language):
        assert formats.number(value) == shown


@pytest.mark.parametrize(("language", "shown"), [("en", "62%"), ("fr", "62\u00a0%"), ("ar", "٦٢٪")])
def test_a_share_is_a_percentage(language: str, shown: str) -> None:
    with override(language):
        assert formats.percent(0.62).replace(NARROW, "\u00a0").replace("\u200e", "") == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (64 * 1024**2, "64 MiB"),
        (3 * 1024**3, "3 GiB"),
        (5000 * 1024**3, "5,000 GiB"),
    ],
)
def test_a_size_is_told_in_the_largest_unit_that_fits(size: int, shown: str) -> None:
    assert formats.filesize(size) == shown


@pytest.mark.parametrize(
    ("distance", "shown"),
    [
        (timedelta(seconds=-20), "now"),
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(days=2), "in 2 days"),
    ],
)
def test_a_distance_in_time_is_told_in_words(distance: timedelta, shown: str) -> None:
    with frozen(AT):
        assert formats.ago(AT + distance) == shown


def test_a_numbering_keeps_its_dots_and_gets_the_readers_digits() -> None:
    assert formats.digits("2.1") == "2.1"
    with override("ar"):
        assert formats.digits("2.1") == "٢.١"


@pytest.mark.parametrize(("nation", "shown"), [("MA", "1.234"), ("SA", "١٬٢٣٤"), ("XN", "١٬٢٣٤")])
def test_arabic_digits_are_those_of_the_territory(nation: str, shown: str) -> None:
    Organisation.objects.create(names={"en": "CERT"}, is_host=True, nation=Nation.objects.create(code=nation))
    with override("ar"), unit():
        assert formats.number(1234) == shown


@pytest.mark.parametrize(
    ("gregorian", "expected"),
    [
        # the calendar's first day; then days on which the tabular and the sighted calendar agree
        (date(622, 7, 19), HijriDate(1, 1, 1)),
        (date(2022, 7, 30), HijriDate(1444, 1, 1)),
        (date(2023, 7, 19), HijriDate(1445, 1, 1)),
        (date(2024, 3, 11), HijriDate(1445, 9, 1)),
        (date(2025, 3, 1), HijriDate(1446, 9, 1)),
        (date(2026, 2, 18), HijriDate(1447, 9, 1)),
    ],
)
def test_the_hijri_date_of_a_day(gregorian: date, expected: HijriDate) -> None:
    assert hijri(gregorian) == expected


def test_hijri_days_follow_one_another_without_a_gap() -> None:
    day, before = date(1990, 1, 1), hijri(date(1989, 12, 31))
    for _ in range(30 * 366):
        found = hijri(day)
        same_month = (found.year, found.month) == (before.year, before.month)
        assert found.day == before.day + 1 if same_month else found.day == 1 and before.day in {29, 30}
        assert found > before
        day, before = day + timedelta(days=1), found


def test_there_is_no_hijri_date_before_the_calendar() -> None:
    with pytest.raises(ValueError, match="before the Hijri calendar"):
        hijri(date(622, 7, 18))


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "11 Jumada al-Akhirah 1448"),
        ("ar", "١١ جمادى الآخرة ١٤٤٨"),
        ("fr", "11 joumada ath-thania 1448"),
    ],
)
def test_a_hijri_day_is_written_in_the_readers_language(language: str, shown: str) -> None:
    with override(language):
        assert formats.hijri_day(date(2026, 11, 22)) == shown


def test_names_in_a_sentence_are_isolated_and_stay_text() -> None:
    told = with_names("Take “%(role)s” from %(name)s?", role="officer", name="<b>Nadia R.")
    assert told == "Take “<bdi>officer</bdi>” from <bdi>&lt;b&gt;Nadia R.</bdi>?"
    assert told.__html__() == told
