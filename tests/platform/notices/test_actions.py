"""Notices: said once while they are open, counted when they come again, and closed."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection, connections

from taawun.foundation.clock import frozen, now
from taawun.platform.notices.actions import raise_notice, reopen, resolve, settle
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.notices.queries import count_open, open_notices, pulse
from taawun.platform.registry import NotRegistered, registry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tests.first", "tests.second"):
        kind = NoticeKind(
            name, f"read:{name}", lambda params: params["word"], lambda _params: "", lambda _params: ""
        )
        monkeypatch.setitem(registry._parts[NoticeKind], name, kind)


def _raise(
    kind: str = "tests.first",
    subject: str = "urn:a",
    word: str = "once",
    level: Notice.Level = Notice.Level.WARNING,
) -> Notice:
    return raise_notice(kind, subject, level, {"word": word})


def test_the_same_thing_again_is_the_same_notice_seen_again() -> None:
    with frozen(now()) as clock:
        first = _raise()
        clock.advance(timedelta(minutes=5))
        again = _raise(word="twice", level=Notice.Level.ALARM)
        assert again.id == first.id
        assert (again.times, again.params, again.level) == (2, {"word": "twice"}, "alarm")
        assert (again.created, again.last_seen) == (first.created, clock.now())
    assert Notice.objects.count() == 1


def test_another_kind_or_subject_is_another_notice() -> None:
    made = {_raise().id, _raise(subject="urn:b").id, _raise("tests.second").id}
    assert len(made) == 3


def test_a_notice_that_was_closed_is_followed_by_a_new_one() -> None:
    first = _raise()
    assert [resolve("tests.first", "urn:a"), resolve("tests.first", "urn:a")] == [1, 0]
    second = _raise()
    assert (second.id != first.id, second.times) == (True, 1)
    assert resolve("tests.second", "urn:a") == 0


def test_a_kind_nobody_registered_is_not_raised() -> None:
    with pytest.raises(NotRegistered):
        _raise("tests.unknown")
    assert not Notice.objects.exists()


def test_a_person_settles_a_notice_once_and_it_is_written_down() -> None:
    notice, acts = _raise(), []
    for expected in (True, False):
        assert settle(notice, lambda verb, subject: acts.append((verb, subject))) is expected
    assert acts == [("notices.resolved", f"urn:uuid:{notice.id}")]


def test_everybody_sees_what_is_open_and_meant_for_them_newest_first() -> None:
    with frozen(now()) as clock:
        old = _raise(subject="urn:old")
        clock.advance(timedelta(minutes=1))
        new = _raise(subject="urn:new")
        _raise("tests.second")
        clock.advance(timedelta(minutes=1))
        _raise(subject="urn:old")
    _raise(subject="urn:closed")
    resolve("tests.first", "urn:closed")
    assert list(open_notices({"read:tests.first"})) == [old, new]
    assert list(open_notices(set())) == []

    class Reader:
        permissions = frozenset({"read:tests.first", "read:tests.second"})

    assert count_open(Reader()) == 3


def test_whatever_is_done_with_notices_changes_their_pulse() -> None:
    def nothing(_verb: str, _subject: str) -> None:
        """The row in the trail, which other tests look at."""

    with frozen(now()) as clock:

        def later() -> str:
            clock.advance(timedelta(minutes=1))
            return pulse()

        told = [pulse()]
        over = _raise(subject="urn:over")
        told.append(later())
        other = _raise("tests.second", subject="urn:other")
        told.append(later())
        _raise(subject="urn:newest")
        told.append(later())
        settle(over, nothing)
        told.append(later())
        # as many are open then, and the newest of them is the same
        settle(other, nothing)
        reopen(over, nothing)
        told.append(later())
        _raise(subject="urn:newest")
        told.append(later())
        resolve("tests.first", "urn:newest")
        told.append(later())
    assert len(set(told)) == len(told)
    assert all(re.fullmatch(r"[a-z0-9@:_/-]*", each) for each in told)


@pytest.mark.django_db(transaction=True)
def test_many_that_raise_the_same_at_once_raise_it_once_and_are_all_counted() -> None:
    def work() -> None:
        try:
            for _ in range(5):
                _raise()
        finally:
            connections.close_all()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Notice.objects.get().times == 20


def test_what_is_open_is_walked_newest_first_and_not_sorted() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by how much there is")
    plan = open_notices({"read:partners", "read:federation"})[:50].explain()
    assert "notices_newest" in plan
    assert "TEMP B-TREE" not in plan
