"""Sends letters that tell people what began and what waits: at once, and as a summary.

A letter is sent first and noted after, so a crash between the two sends it again and loses none: at least once. It
bears the same Message-ID then, by which a mailbox knows it. Who may be told what is asked when a letter is written,
never before. A mail server that is slow or gone delays letters alone: they have a thread of their own.
"""

from __future__ import annotations

import logging
import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.mail import get_connection
from django.db import close_old_connections
from django.db.models import Exists, F, OuterRef, Q

from taawun.cooperation.people.letters import Told, notification
from taawun.cooperation.people.models import Letterbox, Person, Untold
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.wishes import last_due, standard_week, wishes_of
from taawun.foundation.clock import now
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.notices.news import Topic, Way
from taawun.platform.work.turns import hold_turn

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from datetime import datetime

    from django.core.mail.backends.base import BaseEmailBackend

    from taawun.cooperation.people.wishes import Chosen

__all__ = ["REFUSED", "STUCK", "run", "send_letters"]

log = logging.getLogger(__name__)

STUCK: Final = "people.mail-stuck"
REFUSED: Final = "people.mail-refused"
_SUBJECT: Final = "urn:taawun:mail"
_POLL_SECONDS: Final = 15.0
# what comes so soon after a letter of the same kind waits for the next: a flood is one letter
_QUIET: Final = timedelta(hours=1)
_QUIET_OF_RISKS: Final = timedelta(minutes=10)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_TOLD_AFTER: Final = timedelta(minutes=30)
_GIVEN_UP_AFTER: Final = timedelta(days=1)
_PERMANENT: Final = 500


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is to be sent to one person.

    Args:
        box: whose it is.
        told: what it tells; nothing where no letter is needed.
        taken: how many of each row are told by it, or need not be any more.
        due: of a summary, when it was due; None for a letter at once.
    """

    box: Letterbox
    told: list[Told]
    taken: list[tuple[Untold, int]]
    due: datetime | None


def run(stop: threading.Event) -> None:
    """Send letters until told to stop."""
    while not stop.wait(_POLL_SECONDS):
        close_old_connections()
        send_letters()


def send_letters() -> int:
    """Send every letter that is due. One worker does it at a time.

    Returns:
        How many the mail server took.
    """
    if not settings.EMAIL_URL:
        return 0
    with hold_turn("people.letters") as is_ours:
        return _send() if is_ours else 0


def _send() -> int:
    at, sent = now(), 0
    connection = get_connection()
    try:
        for letter in _due(at):
            if letter.told:
                try:
                    _hand_over(connection, letter)
                except (smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused) as refused:
                    _refused(letter, at, refused)
                    continue
                except OSError:
                    # the server itself: whoever is next would only wait as long
                    log.warning("the mail server takes no letters", exc_info=True)
                    _gone(letter, at)
                    break
                except Exception:  # what is wrong with one letter keeps no other from being sent
                    log.exception("a letter to %s could not be written", letter.box.person_id)
                    _put_off(letter, at)
                    continue
                sent += 1
            _note(letter, at)
    finally:
        with suppress(OSError):  # it is to be closed, and is
            connection.close()
    if sent:
        resolve(STUCK, _SUBJECT)
    return sent


def _hand_over(connection: BaseEmailBackend, letter: _Letter) -> None:
    connection.open()  # once for all letters
    message = notification(letter.box.person, letter.told, letter.due)
    message.connection = connection
    message.send()


# ---- what is due ------------------------------------------------------------------------------------------------
def _due(at: datetime) -> Iterator[_Letter]:
    """Letters that are to be written now, each as its person may be told at this moment."""
    lacking = Person.objects.filter(is_active=True).exclude(letterbox__isnull=False)
    # the first summary tells of what comes from now on
    Letterbox.objects.bulk_create(
        (Letterbox(person=person, summarised=at) for person in lacking), ignore_conflicts=True
    )
    urgent = Untold.objects.filter(person=OuterRef("pk"), at_once=True, count__gt=0)
    boxes = Letterbox.objects.filter(person__is_active=True).annotate(is_urgent=Exists(urgent))
    boxes = (
        boxes.filter(Q(not_before=None) | Q(not_before__lte=at)).select_related("person").order_by("person")
    )
    week = standard_week()
    for box in boxes:
        due = last_due(box, week, at)
        is_due = due is not None and due > box.summarised
        if not (box.is_urgent or is_due):
            continue
        try:
            letters = list(_letters(box, at, due if is_due else None))
        except Exception:  # what cannot be told to one person keeps nobody else from being told
            log.exception("what to tell %s could not be found out", box.person_id)
            _put_off(_Letter(box, [], [], None), at)
            continue
        yield from letters


def _letters(box: Letterbox, at: datetime, due: datetime | None) -> Iterator[_Letter]:
    wishes = wishes_of(actor_of(box.person))
    rows = {each.kind: each for each in Untold.objects.filter(person=box.person)}
    yield _at_once(box, wishes, rows, at)
    if due is not None:
        yield _summary(box, wishes, rows, due)


def _at_once(box: Letterbox, wishes: list[Chosen], rows: dict[str, Untold], at: datetime) -> _Letter:
    by_name = {each.kind.name: each for each in wishes}
    told, taken = [], []
    for name, row in rows.items():
        chosen = by_name.get(name)
        if not row.at_once or not row.count or (chosen and chosen.way == Way.SUMMARY):
            continue
        if chosen is None or chosen.way != Way.AT_ONCE:
            taken.append((row, row.count))
            continue
        quiet = _QUIET_OF_RISKS if chosen.kind.topic == Topic.RISK else _QUIET
        if row.told and row.told > at - quiet:
            continue
        taken.append((row, row.count))
        if count := _standing(box, chosen, row.count):
            told.append(Told(chosen.kind, count, row.told))
    return _Letter(box, told, taken, None)


def _summary(box: Letterbox, wishes: list[Chosen], rows: dict[str, Untold], due: datetime) -> _Letter:
    ways = {each.kind.name: each.way for each in wishes}
    told = []
    # also what is wanted no more: if it ever is again, what is old by then is no news
    taken = [(row, row.count) for name, row in rows.items() if row.count and ways.get(name) != Way.AT_ONCE]
    for chosen in wishes:
        row = rows.get(chosen.kind.name)
        if chosen.way != Way.SUMMARY:
            continue
        # what waits is told as long as it waits, the rest once
        began = row.count if row is not None else 0
        is_waiting = chosen.kind.topic == Topic.WAITING
        count = _standing(box, chosen, None if is_waiting else began)
        if count:
            told.append(Told(chosen.kind, count))
    return _Letter(box, told, taken, due)


def _standing(box: Letterbox, chosen: Chosen, most: int | None) -> int:
    """How many of a kind there are to be told of: what is over meanwhile is not."""
    kind = chosen.kind
    if most == 0 or kind.standing is None:
        return most or 0
    standing = kind.standing(actor_of(box.person))
    return standing if most is None else min(standing, most)


# ---- how it went ------------------------------------------------------------------------------------------------
def _note(letter: _Letter, at: datetime) -> None:
    """Note that a letter was sent, or that there was nothing to send."""
    for row, count in letter.taken:
        # meanwhile more may have been gathered: that is for the next letter
        Untold.objects.filter(id=row.id).update(count=F("count") - count)
    if letter.due is None:
        names = [each.kind.name for each in letter.told]
        Untold.objects.filter(person=letter.box.person, kind__in=names).update(told=at)
    boxes = Letterbox.objects.filter(person=letter.box.person)
    if letter.due is not None:
        boxes.update(summarised=letter.due)
    if letter.told:
        resolve(REFUSED, f"urn:uuid:{letter.box.person_id}")
        boxes.update(failures=0, failing_since=None, not_before=None)


def _refused(
    letter: _Letter, at: datetime, refused: smtplib.SMTPDataError | smtplib.SMTPRecipientsRefused
) -> None:
    """The server is there and does not take this letter, for now or at all (RFC 5321, section 4.2.1)."""
    if isinstance(refused, smtplib.SMTPDataError):
        code = refused.smtp_code
    else:
        code = min((code for code, _why in refused.recipients.values()), default=0)
    if code < _PERMANENT and not _put_off(letter, at):
        return
    person = letter.box.person
    about = {"person": str(person.id), "name": person.name}
    raise_notice(REFUSED, f"urn:uuid:{person.id}", Notice.Level.WARNING, about)
    _give_up(letter)


def _gone(letter: _Letter, at: datetime) -> None:
    """The server is not there, or takes nothing: its administrators are told before long."""
    since = letter.box.failing_since or at
    if at - since >= _TOLD_AFTER and not Notice.objects.filter(kind=STUCK, resolved=None).exists():
        raise_notice(STUCK, _SUBJECT, Notice.Level.ALARM, {})
    if _put_off(letter, at):
        _give_up(letter)


def _put_off(letter: _Letter, at: datetime) -> bool:
    """Try again later, at longer and longer intervals.

    Returns:
        Whether that goes on for a day by now, which is enough.
    """
    box = letter.box
    since = box.failing_since or at
    pause = min(timedelta(minutes=2 ** min(box.failures, 6)), _LONGEST_PAUSE)
    Letterbox.objects.filter(person=box.person).update(
        failures=F("failures") + 1, failing_since=since, not_before=at + pause
    )
    return at - since >= _GIVEN_UP_AFTER


def _give_up(letter: _Letter) -> None:
    """Leave a letter unsent: what it would have told stands on the pages."""
    for row, count in letter.taken:
        Untold.objects.filter(id=row.id).update(count=F("count") - count)
    given_up = {"summarised": letter.due} if letter.due is not None else {}
    Letterbox.objects.filter(person=letter.box.person).update(
        failures=0, failing_since=None, not_before=None, **given_up
    )
