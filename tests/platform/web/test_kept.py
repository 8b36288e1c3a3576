"""What is kept from one page to the next: as long as nothing is written, and for no form, job or command."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.people.actions.organisations import change_organisation
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Text
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import resolve
from taawun.platform.web import kept
from taawun.platform.web.kept import LIFE, Kept, as_written, once_a_page
from taawun.platform.web.unit import unit
from tests.cast import Cast
from tests.pages import pages
from tests.platform.web.test_live import open_notice

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["pages"]

PATH = "/en/people/profile/"


class Source:
    """Something that is read, and counts how often."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self) -> int:
        self.read += 1
        return self.read


class TestKept:
    def test_it_is_read_once_while_nothing_is_written(self) -> None:
        value = Kept(Source())
        for _page in range(3):
            with as_written({"audit": "7", "notices": "1"}):
                assert [value.get(), value.get()] == [1, 1]

    def test_it_is_read_anew_by_the_first_page_after_a_write(self) -> None:
        value = Kept(Source())
        told = []
        for pulse in ("7", "8", "8", "7"):
            with as_written({"audit": pulse}):
                told.append(value.get())
        assert told == [1, 2, 2, 3]

    def test_it_watches_the_pulse_that_it_depends_on(self) -> None:
        value = Kept(Source(), watches="notices")
        told = []
        for audit, notices in (("7", "1"), ("8", "1"), ("8", "2")):
            with as_written({"audit": audit, "notices": notices}):
                told.append(value.get())
        assert told == [1, 1, 2]

    def test_a_page_that_does_not_know_what_was_written_reads_it(self) -> None:
        value = Kept(Source())
        for expected in (1, 2):
            with as_written({"notices": "1"}):
                assert value.get() == expected

    def test_what_is_no_page_reads_it_each_time_and_keeps_nothing(self) -> None:
        value = Kept(Source())
        with as_written({"audit": "7"}):
            assert value.get() == 1
        assert [value.get(), value.get()] == [2, 3]
        with as_written({"audit": "7"}):
            assert value.get() == 1

    def test_it_is_read_anew_after_its_time(self) -> None:
        value = Kept(Source())
        with frozen(now()) as clock, as_written({"audit": "7"}):
            told = [value.get()]
            clock.advance(LIFE - timedelta(microseconds=1))
            told.append(value.get())
            clock.advance(timedelta(microseconds=1))
            told.append(value.get())
        assert told == [1, 1, 2]

    def test_what_could_not_be_read_is_not_kept(self) -> None:
        answers: list[Exception | str] = [OSError("no disk"), "there"]

        def read() -> str:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        value = Kept(read)
        with as_written({"audit": "7"}):
            with pytest.raises(OSError, match="no disk"):
                value.get()
            assert [value.get(), value.get()] == ["there", "there"]

    def test_everything_is_forgotten_at_once(self) -> None:
        values = [Kept(Source()), Kept(Source())]
        with as_written({"audit": "7"}):
            first = [each.get() for each in values]
            kept.forget()
            assert (first, [each.get() for each in values]) == ([1, 1], [2, 2])


class TestOnceAPage:
    def test_a_page_reads_it_once_and_the_next_anew(self) -> None:
        source = Source()
        told = []
        for _page in range(2):
            with unit(), as_written({"audit": "7"}):
                told.append([once_a_page("tests", source, int) for _again in range(2)])
        assert told == [[1, 1], [2, 2]]

    def test_what_is_no_page_reads_it_each_time(self) -> None:
        source = Source()
        with unit():
            assert [once_a_page("tests", source, int) for _again in range(2)] == [1, 2]


@pytest.mark.usefixtures("pages")
class TestOnPages:
    def test_the_frame_counts_what_was_raised_and_settled_since_the_last_page(self, cast: Cast) -> None:
        client = cast.administrator.browser()
        told = [_open_notices(client)]
        open_notice()
        told.append(_open_notices(client))
        resolve("partners.lane-stopped", "urn:x")
        assert [*told, _open_notices(client)] == [0, 1, 0]

    def test_another_name_of_who_runs_the_node_is_on_the_next_page(self, cast: Cast) -> None:
        client = cast.administrator.browser()
        before = _header(client)
        here = Organisation.objects.get(is_host=True)
        names, nation = Text.of(en="Otherwise Called"), here.nation_id
        change_organisation(
            SystemActor("tests"), here, names=names, kind=Organisation.Kind(here.kind), nation=nation
        )
        assert ("Otherwise Called" in before, "Otherwise Called" in _header(client)) == (False, True)

    def test_a_page_after_another_asks_for_none_of_it_again(self, cast: Cast) -> None:
        client = cast.officer.browser()
        first, second = _tables_asked(client), _tables_asked(client)
        assert first - second >= {"agreements_agreement", "people_community", "people_nation"}
        record(SystemActor("tests"), "tests.wrote", "urn:x")
        assert _tables_asked(client) == first


def _open_notices(client: Client) -> int:
    """The number beside the entry of the notices."""
    [entry] = re.findall(r'data-entry="notices".*?</a>', client.get(PATH).content.decode(), re.DOTALL)
    found = re.search(r'class="count">([0-9]+)<', entry)
    return int(found[1]) if found else 0


def _header(client: Client) -> str:
    return client.get(PATH).content.decode().partition("<main")[0]


def _tables_asked(client: Client) -> set[str]:
    with CaptureQueriesContext(connection) as asked:
        client.get(PATH)
    return {part.split('"')[1] for each in asked for part in each["sql"].split("FROM ")[1:] if part[0] == '"'}
