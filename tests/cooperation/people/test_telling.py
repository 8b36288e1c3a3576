"""Letters that tell people what began and what waits: who gets them, when, and what stands in them."""

from __future__ import annotations

import re
import secrets
import smtplib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from taawun.capabilities.intel.models import Report
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people import actions
from taawun.cooperation.people.gathering import gather
from taawun.cooperation.people.models import Letterbox, Membership, Organisation, Person, Untold, Wish
from taawun.cooperation.people.telling import REFUSED, STUCK, send_letters
from taawun.cooperation.people.wishes import last_due
from taawun.foundation.clock import FrozenClock, frozen, now
from taawun.foundation.identifiers import lowest_uuid7
from taawun.foundation.multilingual import LANGUAGES
from taawun.foundation.tlp import Tlp
from taawun.foundation.weeks import in_order, working_days
from taawun.platform.audit.models import Entry
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.notices.news import NewsKind, Topic, Way
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, agreement_proposed, partner
from tests.pages import read

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings as SettingsWrapper

# a Tuesday, an hour before summaries go out
BEGIN = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
SECRET = "Zinnober"


@pytest.fixture
def clock(pages: SettingsWrapper, cast: Cast) -> Iterator[FrozenClock]:
    """A node that sends mail, has gathered what was before, and stands at the beginning."""
    pages.EMAIL_URL = "smtp://mail.example"
    with frozen(BEGIN) as stopped:
        rounds(stopped, timedelta(0))
        yield stopped


def rounds(clock: FrozenClock, after: timedelta = timedelta(minutes=2)) -> list[str]:
    """What the worker does after so long; the addresses to which letters went, in order."""
    clock.advance(after)
    before = len(mail.outbox)
    gather()
    send_letters()
    return sorted(letter.to[0] for letter in mail.outbox[before:])


def alarm(node: PartnerNode, kind: str = "partners.key-changed") -> Notice:
    facts = {"node": SECRET, "partner": str(node.row.id)}
    return raise_notice(kind, f"urn:taawun:node:{node.node}", Notice.Level.ALARM, facts)


def made_now() -> UUID:
    """A key of this moment: those of tests before may be of later ones, and new ones never come before them."""
    return UUID(int=lowest_uuid7(now()).int + secrets.randbits(60))


def release(node: PartnerNode, tlp: Tlp = Tlp.GREEN, **members: object) -> Release:
    return Release.objects.create(
        id=made_now(),
        kind="intel.report",
        subject=f"urn:{SECRET}:{uuid4()}",
        title=SECRET,
        digest="0" * 64,
        size=1,
        tlp=tlp,
        origin=node.row,
        **members,
    )


def wish(person: Person, **ways: Way) -> None:
    for name, way in ways.items():
        Wish.objects.update_or_create(person=person, kind=name.replace("__", "."), defaults={"way": way})


# ---- kinds ------------------------------------------------------------------------------------------------------
def test_every_notice_is_news_of_its_room_and_every_kind_of_news_can_be_said_and_found(
    cast: Cast,
) -> None:
    news = {each.name: each for each in registry.all(NewsKind)}
    rooms = {each.name.partition(".")[0] for each in registry.all(NoticeKind)}
    assert {f"{room}.{level}" for room in rooms for level in ("alarms", "notices")} <= news.keys()
    for each in news.values():
        assert each.room
        assert reverse(each.page)
        assert "1" in each.counted(1)
        assert each.counted(2) != each.counted(1)
        assert (Way.NEVER in each.ways) is (each.topic != Topic.RISK)


# ---- at once ----------------------------------------------------------------------------------------------------
def test_an_alarm_goes_at_once_to_those_who_can_act_and_once(cast: Cast, clock: FrozenClock) -> None:
    alarm(partner())
    assert rounds(clock, timedelta(seconds=30)) == []  # what is so new may not have been committed yet
    assert rounds(clock) == [cast.administrator.row.email]
    [letter] = mail.outbox
    assert letter.subject == "Partners: there is 1 new alarm (Northern CERT)"
    assert "Partners: there is 1 new alarm.\nhttp://127.0.0.1:8000/en/notices/\n" in letter.body
    assert rounds(clock) == rounds(clock, timedelta(minutes=30)) == []


def test_what_is_over_before_the_letter_is_written_is_not_told(cast: Cast, clock: FrozenClock) -> None:
    notice = alarm(partner())
    clock.advance(timedelta(minutes=2))
    gather()
    resolve(notice.kind, notice.subject)
    assert rounds(clock) == []
    assert Untold.objects.filter(count__gt=0).count() == 0


def test_a_flood_is_one_letter_and_another_an_hour_later_for_the_rest(cast: Cast, clock: FrozenClock) -> None:
    wish(cast.analyst.row, federation__received=Way.AT_ONCE)
    south = partner()
    release(south)
    assert rounds(clock) == [cast.analyst.row.email]
    for _minute in range(10):
        Release.objects.bulk_create(
            Release(
                id=made_now(),
                kind="intel.report",
                subject=f"urn:{uuid4()}",
                digest="0" * 64,
                size=1,
                tlp=Tlp.GREEN,
                origin=south.row,
            )
            for _each in range(100)
        )
        assert rounds(clock, timedelta(minutes=5)) == []
    assert rounds(clock, timedelta(minutes=15)) == [cast.analyst.row.email]
    assert "1,000 releases came from partners." in mail.outbox[-1].body


def test_a_release_is_counted_for_whom_it_names_and_for_nobody_else(cast: Cast, clock: FrozenClock) -> None:
    south = partner()
    for member in (cast.analyst, cast.observer):
        wish(member.row, federation__received=Way.AT_ONCE)
    release(south, Tlp.RED, persons=[cast.observer.row.email], names_persons=True)
    assert rounds(clock) == [cast.observer.row.email]


# ---- the summary -------------------------------------------------------------------------------------------------
def test_what_waits_stands_in_every_summary_until_it_is_done(cast: Cast, clock: FrozenClock) -> None:
    waiting = agreement_proposed(partner())
    assert rounds(clock) == []
    officers = sorted([cast.officer.row.email, cast.other_officer.row.email])
    assert rounds(clock, timedelta(hours=1)) == officers
    assert mail.outbox[-1].subject == "Agreements: 1 agreement waits for your approval (Northern CERT)"
    assert rounds(clock, timedelta(hours=1)) == []
    assert rounds(clock, timedelta(days=1)) == officers
    waiting.versions.all().delete()
    waiting.delete()
    assert rounds(clock, timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("rhythm", "hour", "days", "expected"),
    [
        ("daily", 8, None, ["Tue 8", "Wed 8", "Thu 8", "Fri 8", "Mon 8", "Tue 8"]),
        ("daily", 17, [6, 3], ["Thu 17", "Sun 17"]),
        ("weekly", 6, None, ["Mon 6"]),
        ("weekly", 0, [2, 4], ["Wed 0", "Wed 0"]),
        ("never", 8, None, []),
    ],
)
def test_a_summary_comes_on_working_days_at_its_hour(
    rhythm: str, hour: int, days: list[int] | None, expected: list[str]
) -> None:
    box = Letterbox(person=Person(), rhythm=rhythm, hour=hour, days=days)
    hours = [BEGIN + timedelta(hours=each) for each in range(1, 8 * 24)]
    came = sorted({due for at in hours if (due := last_due(box, working_days("FR"), at)) and due > BEGIN})
    assert [f"{due:%a} {due.hour}" for due in came] == expected


@pytest.mark.parametrize(
    ("nation", "days"),
    [
        ("FR", (0, 1, 2, 3, 4)),
        ("SA", (6, 0, 1, 2, 3)),
        ("AF", (5, 6, 0, 1, 2)),
        ("IR", (5, 6, 0, 1, 2, 3)),
        ("XN", (0, 1, 2, 3, 4)),
        ("", (0, 1, 2, 3, 4)),
    ],
)
def test_a_nation_works_on_its_own_days(nation: str, days: tuple[int, ...]) -> None:
    assert in_order(working_days(nation)) == days


def test_who_chooses_another_hour_is_not_told_twice_on_that_day(cast: Cast, clock: FrozenClock) -> None:
    agreement_proposed(partner())
    wish(cast.officer.row, agreements__approval=Way.NEVER)
    me = cast.other_officer
    assert rounds(clock, timedelta(hours=2)) == [me.row.email]
    actions.choose_notifications(me.actor, me.row, ways={}, rhythm="daily", hour=9, days=None)
    assert rounds(clock, timedelta(minutes=30)) == []
    assert rounds(clock, timedelta(days=1)) == [me.row.email]


def test_news_stand_in_one_summary_and_in_the_language_of_who_reads(cast: Cast, clock: FrozenClock) -> None:
    Person.objects.filter(id=cast.analyst.row.id).update(language="ar")
    wish(cast.analyst.row, federation__received=Way.SUMMARY, intel__imported=Way.NEVER)
    release(partner())
    assert rounds(clock) == []
    assert rounds(clock, timedelta(hours=1)) == [cast.analyst.row.email]
    [letter] = mail.outbox
    assert "فريق الشمال" in letter.subject
    assert "/ar/releases/" in letter.body
    assert not re.search(r"[a-z]{3}", re.sub(r"http\S+", "", str(letter.body)))
    assert rounds(clock, timedelta(days=1)) == []


# ---- who gets nothing -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["disabled", "without the role", "left for the summary"])
def test_who_may_no_more_gets_nothing_from_that_moment(cast: Cast, clock: FrozenClock, how: str) -> None:
    alarm(partner())
    clock.advance(timedelta(minutes=2))
    gather()
    assert Untold.objects.get().person == cast.administrator.row
    if how == "disabled":
        Person.objects.filter(id=cast.administrator.row.id).update(is_active=False)
    elif how == "without the role":
        Membership.objects.filter(person=cast.administrator.row).delete()
    else:
        wish(cast.administrator.row, partners__alarms=Way.PAGE)
    assert rounds(clock) == []
    assert rounds(clock, timedelta(days=1)) == []


def test_without_a_mail_server_nothing_is_kept_for_letters(
    cast: Cast, clock: FrozenClock, pages: SettingsWrapper
) -> None:
    pages.EMAIL_URL = None
    alarm(partner())
    assert rounds(clock) == []
    assert not Untold.objects.exists()
    # whoever sets one up after days is not flooded with what is old by then
    clock.advance(timedelta(days=3))
    pages.EMAIL_URL = "smtp://mail.example"
    assert rounds(clock) == []


def test_what_gathered_while_no_summary_was_wanted_is_not_made_up_for(cast: Cast, clock: FrozenClock) -> None:
    me, south = cast.analyst, partner()
    wish(me.row, federation__received=Way.SUMMARY)
    ways = {"federation.received": Way.SUMMARY}
    actions.choose_notifications(me.actor, me.row, ways=ways, rhythm="never", hour=8, days=None)
    release(south)
    assert rounds(clock) == rounds(clock, timedelta(days=1)) == []
    actions.choose_notifications(me.actor, me.row, ways=ways, rhythm="daily", hour=8, days=None)
    assert rounds(clock, timedelta(days=1)) == []
    release(south)
    rounds(clock)
    assert rounds(clock, timedelta(days=1)) == [me.row.email]
    assert "1 release came from partners." in mail.outbox[-1].body


# ---- what a letter holds ----------------------------------------------------------------------------------------
def test_no_letter_holds_a_word_of_what_it_tells(cast: Cast, clock: FrozenClock) -> None:
    for _name, member in cast:
        if member.person is not None:
            for kind in registry.all(NewsKind):
                Wish.objects.create(person=member.person, kind=kind.name, way=Way.AT_ONCE)
    south = partner(SECRET)
    Partner.objects.filter(id=south.row.id).update(state=Partner.State.MET)
    release(south, Tlp.AMBER, source=SECRET)
    alarm(south)
    agreement_proposed(south)
    assert cast.officer.row.email in rounds(clock)
    assert len(mail.outbox) >= 4
    for language in LANGUAGES:
        Person.objects.update(language=language)
        Untold.objects.update(count=3, at_once=True, told=None)
        rounds(clock)
    assert len(mail.outbox) >= 16
    for letter in mail.outbox:
        whole = letter.message().as_bytes().decode() + letter.subject + letter.body
        assert SECRET not in whole
        assert south.node not in whole


def test_a_letter_counts_reports_and_says_no_word_of_them(cast: Cast, clock: FrozenClock) -> None:
    Report.objects.create(
        stix_id=f"report--{SECRET}",
        title=SECRET,
        summary=SECRET,
        tlp=Tlp.RED,
        author=cast.analyst.row,
        organisation=Organisation.objects.get(is_host=True),
    )
    wish(cast.analyst.row, intel__draft=Way.SUMMARY)
    assert cast.analyst.row.email in rounds(clock, timedelta(hours=2))
    [letter] = [each for each in mail.outbox if each.to == [cast.analyst.row.email]]
    assert "1 report of yours is not published." in letter.body
    assert SECRET not in letter.message().as_bytes().decode() + letter.subject + letter.body


# ---- ending letters by their link ------------------------------------------------------------------------------
def test_the_link_of_a_letter_asks_and_ends_such_letters_alone(cast: Cast, clock: FrozenClock) -> None:
    me = cast.administrator.row
    wish(me, federation__received=Way.AT_ONCE)
    alarm(partner())
    rounds(clock)
    [letter] = mail.outbox
    assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = letter.extra_headers["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    assert address in letter.body
    stranger = Client(enforce_csrf_checks=True)
    asked = read(stranger.get(address))
    assert "End these letters? Partners: Alarms" in asked.text
    assert not Wish.objects.filter(kind="partners.alarms").exists()
    answer = stranger.post(address, {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, "These letters come no more." in read(answer).text) == (200, True)
    assert {each.kind: each.way for each in Wish.objects.filter(person=me)} == {
        "partners.alarms": Way.PAGE,
        "federation.received": Way.AT_ONCE,
    }
    assert stranger.post(address).status_code == 200
    assert Entry.objects.filter(verb="people.letters-stopped").count() == 1
    assert stranger.get(address[:-3] + "xx/").status_code == 404


def test_the_link_of_a_summary_ends_the_summary(cast: Cast, clock: FrozenClock) -> None:
    agreement_proposed(partner())
    rounds(clock, timedelta(hours=2))
    link = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>")
    assert (
        "The summary comes no more." in read(Client().post(link.removeprefix("http://127.0.0.1:8000"))).text
    )
    assert Letterbox.objects.get(person__email=mail.outbox[0].to[0]).rhythm == Letterbox.Rhythm.NEVER
    assert len(rounds(clock, timedelta(days=1))) == 1


# ---- the mail server --------------------------------------------------------------------------------------------
class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs; refuses whom its server refuses."""

    server: _Server

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            words = line.decode().strip()
            if words.upper().startswith("RCPT"):
                refused = next((code for whom, code in self.server.refused.items() if whom in words), None)
                self._say(f"{refused} no" if refused else "250 ok")
            elif words.upper() == "DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.taken.append(b"".join(each.removeprefix(b".") for each in lines))
                self._say("250 ok")
            elif words.upper() == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.taken: list[bytes] = []
        self.refused: dict[str, int] = {}


@contextmanager
def mail_server(settings: SettingsWrapper) -> Iterator[_Server]:
    with _Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server
        server.shutdown()


def test_letters_go_to_a_real_server_and_whom_it_refuses_keeps_nobody_else_waiting(
    cast: Cast, clock: FrozenClock, pages: SettingsWrapper
) -> None:
    agreement_proposed(partner())
    Person.objects.filter(id=cast.officer.row.id).update(language="ar")
    with mail_server(pages) as server:
        server.refused = {cast.other_officer.row.email: 550}
        clock.advance(timedelta(hours=2))
        assert send_letters() == 1
        [taken] = [message_from_bytes(each, policy=policy.default) for each in server.taken]
        assert taken["To"] == cast.officer.row.email
        assert taken.get_content_type() == "text/plain"
        assert "اتفاقية" in taken["Subject"]
        assert taken["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert Notice.objects.get(resolved=None).kind == REFUSED
        # for now is not for good
        server.refused = {cast.other_officer.row.email: 450}
        clock.advance(timedelta(days=1))
        send_letters()
        server.refused = {}
        assert send_letters() == 0
        clock.advance(timedelta(minutes=2))
        assert send_letters() == 1
        assert not Notice.objects.filter(resolved=None).exists()


def test_a_server_that_is_gone_is_asked_again_for_a_day_and_told_to_the_administrators(
    cast: Cast, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement_proposed(partner())
    wish(cast.officer.row, agreements__approval=Way.PAGE)
    asked = []

    def refuse(*_arguments: object) -> int:
        asked.append(clock.now())
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as gone:
        gone.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        for _time in range(26 * 6):
            clock.advance(timedelta(minutes=10))
            send_letters()
            if len(asked) == 1:
                assert not Notice.objects.exists()
    assert 10 < len(asked) < 40
    assert asked[-1] - asked[0] >= timedelta(days=1)
    assert Notice.objects.get(resolved=None).kind == STUCK
    # what was given up is not sent late; what waits stands in the next summary, which says that mail goes again
    clock.advance(timedelta(days=1))
    assert send_letters() >= 1
    assert not Notice.objects.filter(resolved=None).exists()


def test_a_crash_between_sending_and_noting_sends_the_same_letter_again(
    cast: Cast, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(partner())
    clock.advance(timedelta(minutes=2))
    gather()
    with monkeypatch.context() as killed:

        def die(*_arguments: object) -> None:
            raise KeyboardInterrupt

        killed.setattr("taawun.cooperation.people.telling._note", die)
        with pytest.raises(KeyboardInterrupt):
            send_letters()
    assert send_letters() == 1
    first, second = (letter.extra_headers["Message-ID"] for letter in mail.outbox)
    assert first == second
    assert send_letters() == 0
