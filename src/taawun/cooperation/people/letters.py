"""What leaves the node for a person's hand: an invitation, by e-mail or on paper, and a link for a new password."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import segno
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from taawun.cooperation.people.actions import INVITATION_LIFE
from taawun.platform.web.reader import for_everybody

if TYPE_CHECKING:
    from taawun.cooperation.people.models import Invitation, Person

__all__ = ["invitation_link", "mail_invitation", "mail_when_committed", "password_link", "qr"]

log = logging.getLogger(__name__)


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


def qr(text: str) -> SafeString:
    """A text as a QR code (ISO/IEC 18004): inline SVG without a style of its own."""
    code = segno.make(text, error="m", micro=False)
    return SafeString(code.svg_inline(omitsize=True, border=2, svgclass=None, lineclass=None))
