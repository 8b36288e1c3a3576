"""What leaves the node for a person's hand: invitations, by e-mail or on paper, links for a new password, and news."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import UUID

import segno
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage, send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from taawun.cooperation.people.actions import INVITATION_LIFE
from taawun.cooperation.people.queries import host
from taawun.foundation.digests import sha256
from taawun.platform.notices.news import Topic
from taawun.platform.web.reader import for_everybody

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taawun.cooperation.people.models import Invitation, Person
    from taawun.platform.notices.news import NewsKind

__all__ = [
    "Told",
    "invitation_link",
    "mail_invitation",
    "mail_when_committed",
    "notification",
    "password_link",
    "qr",
    "read_stop_mark",
    "stop_mark",
]

log = logging.getLogger(__name__)

_STOP: Final = "taawun.cooperation.people.letters.stop"


@dataclass(frozen=True, slots=True)
class Told:
    """A line of a letter.

    Args:
        kind: what kind of thing.
        count: how many there are of it.
        since: when a letter at once told of the kind before, if one did.
    """

    kind: NewsKind
    count: int
    since: datetime | None = None


def invitation_link(invitation: Invitation, secret: str) -> str:
    """The address that opens an invitation, in the language of the invited."""
    with override(invitation.language):
        return str(settings.BASE_URL) + reverse("invitation-accept", args=[secret])


def password_link(person: Person, secret: str) -> str:
    """The address at which a person chooses a new password, in their language."""
    uid, key = secret.split("-", 1)
    with override(person.language):
        return str(settings.BASE_URL) + reverse("account_reset_password_from_key", args=[uid, key])


def mail_invitation(invitation: Invitation, link: str) -> bool:
    """Send the invitation by e-mail.

    Returns:
        Whether it was handed to the mail server. Without one, or when it refuses, the link is for the
        administrator to hand over.
    """
    if not settings.EMAIL_URL:
        return False
    with override(invitation.language), for_everybody():
        name = invitation.organisation.name.in_language(invitation.language).value
        subject = _("Invitation to the node of %(organisation)s") % {"organisation": name}
        body = render_to_string(
            "people/invitation.txt",
            {"invitation": invitation, "link": link, "organisation": name, "days": INVITATION_LIFE.days},
        )
    try:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [invitation.email])
    except Exception:
        # whatever it is, the invitation stands, and its link is told once: now
        log.exception("the invitation %s could not be mailed", invitation.id)
        return False
    return True


def mail_when_committed(invitation: Invitation, link: str) -> bool:
    """Send the invitation by e-mail as soon as it is committed, and not at all if it is undone.

    A mail server may take its time, which nobody who waits for the database has; and a letter cannot be taken back.

    Returns:
        Whether it was handed to the mail server by now. Inside a transaction that is not known yet, so it is False and
        the link is told to the administrator as well.
    """
    outcome: list[bool] = []
    transaction.on_commit(lambda: outcome.append(mail_invitation(invitation, link)), robust=True)
    return any(outcome)


def notification(person: Person, told: Sequence[Told], due: datetime | None) -> EmailMessage:
    """A letter that says what kinds of things there are, how many of each, and where; never what they are.

    Args:
        person: to whom, in whose language.
        told: what.
        due: when it was due, for a summary; None for a letter at once.
    """
    stop = stop_mark(person, None if due else [each.kind.name for each in told])
    with override(person.language):
        base = str(settings.BASE_URL)
        stop_link = base + reverse("notifications-stop", args=[stop])
        topics = [
            (
                topic.label,
                [(_line(each), base + reverse(each.kind.page)) for each in told if each.kind.topic == topic],
            )
            for topic in Topic
        ]
        context = {
            "topics": [(label, lines) for label, lines in topics if lines],
            "is_summary": due is not None,
            "choices": base + reverse("notifications"),
            "stop": stop_link,
        }
        first = _line(told[0]).rstrip(".") if len(told) == 1 else ""
        name = host().name.in_language(person.language).value
        if first:
            # the sentence first: a name in other letters would turn the whole line around
            subject = _("%(what)s (%(node)s)") % {"what": first, "node": name}
        elif due:
            subject = _("What is new and what waits (%(node)s)") % {"node": name}
        else:
            subject = _("What you want to know at once (%(node)s)") % {"node": name}
        body = render_to_string("people/notification.txt", context)
    return EmailMessage(
        " ".join(subject.split()),
        body,
        settings.DEFAULT_FROM_EMAIL,
        [person.email],
        headers={
            "Message-ID": f"<{_letter_id(person, told, due)}@{urlsplit(base).hostname}>",
            "Auto-Submitted": "auto-generated",
            # RFC 8058: the mailbox posts there when its reader asks it to
            "List-Unsubscribe": f"<{stop_link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


def _line(each: Told) -> str:
    return _("%(room)s: %(what)s") % {"room": each.kind.room, "what": each.kind.counted(each.count)}


def _letter_id(person: Person, told: Sequence[Told], due: datetime | None) -> str:
    """The same for the same letter, so that a mailbox knows again what is sent twice."""
    what = (
        f"{due.isoformat()}"
        if due
        else " ".join(f"{each.kind.name} {each.count} {each.since}" for each in told)
    )
    return sha256(f"{person.id} {what}".encode())[:40]


def stop_mark(person: Person, kinds: Sequence[str] | None) -> str:
    """What a link carries that ends letters without signing in: it proves itself and does nothing else.

    Args:
        person: whose letters.
        kinds: names of the kinds of which they are told no more at once; None for the summary.
    """
    return signing.dumps([person.id.hex, kinds], salt=_STOP, compress=True)


def read_stop_mark(mark: str) -> tuple[UUID, list[str] | None] | None:
    """Whose letters a link ends, and about which kinds; None where this node did not make it."""
    try:
        person, kinds = signing.loads(mark, salt=_STOP)
    except signing.BadSignature:
        return None
    return UUID(person), kinds


def qr(text: str) -> SafeString:
    """A text as a QR code (ISO/IEC 18004): inline SVG without a style of its own."""
    code = segno.make(text, error="m", micro=False)
    return SafeString(code.svg_inline(omitsize=True, border=2, svgclass=None, lineclass=None))
