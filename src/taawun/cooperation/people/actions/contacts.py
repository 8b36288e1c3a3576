"""Duty contacts of an organisation: whom to call, and whether somebody answered when it was tried."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.people.actions.editions import held_to
from taawun.cooperation.people.errors import ContactRefused
from taawun.cooperation.people.models import DutyContact, Organisation
from taawun.cooperation.people.rules import ensure, holds_in
from taawun.foundation import openpgp
from taawun.foundation.clock import now
from taawun.foundation.strict_json import canonical
from taawun.foundation.zones import is_zone
from taawun.platform.audit.actions import record
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from datetime import time

    from taawun.cooperation.people.actors import Actor
    from taawun.foundation.multilingual import Text

__all__ = [
    "MAX_CONTACTS",
    "ContactFields",
    "add_contact",
    "change_contact",
    "record_contact_test",
    "remove_contact",
]

# all of the host's are in its descriptor, which has at most 64 KiB
MAX_CONTACTS: Final = 6
_PHONE: Final = re.compile(r"\+[0-9][0-9 ().-]{4,38}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_MAX_LANGUAGES: Final = 10
# in bytes, all languages together: contacts travel in the descriptor
_LONGEST_NAME: Final = 1000


@dataclass(frozen=True, slots=True)
class ContactFields:
    """What is said of a contact.

    Args:
        name: a person's name or, better, a function.
        zone: IANA name of the time zone.
        is_always: whether somebody answers at any hour of any day; then days and hours are left out.
        days: days of the week, 0 is Monday.
        opens: from when on these days.
        closes: until when; earlier than ``opens`` where the duty goes over midnight.
        languages: language tags.
        phone: with the country's code, as in ``+60 3 1234 5678``.
        email: an address.
        pgp_key: an OpenPGP public key block.
    """

    name: Text
    zone: str
    is_always: bool = False
    days: tuple[int, ...] = ()
    opens: time | None = None
    closes: time | None = None
    languages: tuple[str, ...] = ()
    phone: str = ""
    email: str = ""
    pgp_key: str = ""


def _fill(contact: DutyContact, given: ContactFields) -> None:
    _check(given)
    contact.names = given.name.to_json()
    contact.zone, contact.is_always = given.zone, given.is_always
    contact.days = [] if given.is_always else sorted(set(given.days))
    contact.opens, contact.closes = (None, None) if given.is_always else (given.opens, given.closes)
    contact.languages = list(dict.fromkeys(given.languages))
    contact.phone, contact.email = given.phone.strip(), given.email.strip()
    contact.pgp_key, contact.pgp_fingerprint = _key(given.pgp_key) if given.pgp_key.strip() else ("", "")


def _key(key: str) -> tuple[str, str]:
    try:
        return openpgp.tidied(key), openpgp.fingerprint(key)
    except openpgp.KeyRefused as refused:
        raise ContactRefused("pgp_key", _key_sentence(refused.code)) from None


def _key_sentence(code: str) -> str:
    match code:
        case "secret-key":
            return _("This is a secret key. Nobody else may have it: export the public one.")
        case "too-large":
            return _("A key has at most 4096 characters here. Export it without the signatures of others.")
        case "version":
            return _("This version of a key is not known. Make one of version 4 or 6.")
        case _:
            return _("This is no whole OpenPGP public key block. Export it once more and copy all of it.")


def _check(given: ContactFields) -> None:
    """Refuse what cannot be, naming the member."""
    if len(canonical(given.name.to_json())) > _LONGEST_NAME:
        raise ContactRefused("name", _("This name is too long; a few words in each language do."))
    if not is_zone(given.zone):
        raise ContactRefused("zone", _("This is no time zone; choose one like Asia/Kuala_Lumpur."))
    if not given.is_always and not (given.days and given.opens and given.closes):
        raise ContactRefused(
            "days", _("Say on which days and from when until when, or that it is at any hour.")
        )
    if any(day not in range(7) for day in given.days):
        raise ContactRefused("days", _("A day of the week is one of 0 (Monday) to 6 (Sunday)."))
    if not given.is_always and given.opens == given.closes:
        raise ContactRefused("closes", _("It closes when it opens. Choose “at any hour” if it never closes."))
    _check_reach(given)


def _check_reach(given: ContactFields) -> None:
    if not (given.phone.strip() or given.email.strip()):
        raise ContactRefused("phone", _("Give a telephone number or an e-mail address."))
    if given.phone.strip() and not _PHONE.fullmatch(given.phone.strip()):
        raise ContactRefused("phone", _("Write the number with its country’s code, as in +60 3 1234 5678."))
    if given.email.strip():
        try:
            validate_email(given.email.strip())
        except ValidationError:
            raise ContactRefused("email", _("This is no e-mail address.")) from None
    if len(given.languages) > _MAX_LANGUAGES or not all(
        _LANGUAGE.fullmatch(each) for each in given.languages
    ):
        raise ContactRefused("languages", _("Name at most ten languages by their tags, as in ar, en, fr."))


@transaction.atomic
def add_contact(actor: Actor, organisation: Organisation, given: ContactFields) -> DutyContact:
    """Add a duty contact of an organisation. Those of this node's own are in its descriptor from the next hour on.

    Raises:
        NotAllowed: the actor may not.
        ContactRefused: with the member that is wrong, or there are six already.
    """
    ensure(holds_in(actor, "manage:contacts", organisation.id))
    take_turn("people.contacts")
    if DutyContact.objects.filter(organisation=organisation).count() >= MAX_CONTACTS:
        raise ContactRefused("name", _("An organisation has at most six duty contacts. Remove one first."))
    contact = DutyContact(organisation=organisation)
    _fill(contact, given)
    contact.save()
    record(
        actor, "people.contact-added", f"urn:uuid:{organisation.id}", {"contact": f"urn:uuid:{contact.id}"}
    )
    return contact


@transaction.atomic
def change_contact(
    actor: Actor, contact: DutyContact, given: ContactFields, *, edition: int | None = None
) -> DutyContact:
    """Change what is said of a contact. Another number, address or key was not tested yet.

    Args:
        actor: who changes it.
        contact: which.
        given: what is said of it now.
        edition: the one the editor had before them; None where they are not held to it.

    Raises:
        NotAllowed: the actor may not.
        EditedMeanwhile: somebody else changed it since.
        ContactRefused: with the member that is wrong.
    """
    ensure(holds_in(actor, "manage:contacts", contact.organisation_id))
    held = held_to(contact, edition)
    before = (held.phone, held.email, held.pgp_fingerprint)
    _fill(held, given)
    if before != (held.phone, held.email, held.pgp_fingerprint):
        held.tested, held.outcome = None, ""
    held.edition += 1
    held.save()
    about = {"contact": f"urn:uuid:{held.id}"}
    record(actor, "people.contact-changed", f"urn:uuid:{held.organisation_id}", about)
    return held


@transaction.atomic
def remove_contact(actor: Actor, contact: DutyContact) -> None:
    """Remove a contact.

    Raises:
        NotAllowed: the actor may not.
    """
    ensure(holds_in(actor, "manage:contacts", contact.organisation_id))
    if DutyContact.objects.filter(id=contact.id).delete()[0]:
        about = {"contact": f"urn:uuid:{contact.id}"}
        record(actor, "people.contact-removed", f"urn:uuid:{contact.organisation_id}", about)


@transaction.atomic
def record_contact_test(actor: Actor, contact: DutyContact, outcome: str) -> DutyContact:
    """Write down that a contact was tried now, and what came of it.

    Args:
        actor: who tried it.
        contact: who was called or written to.
        outcome: a value of ``DutyContact.Outcome``.

    Raises:
        NotAllowed: the actor may not.
        ContactRefused: there is no such outcome.
    """
    ensure(holds_in(actor, "manage:contacts", contact.organisation_id))
    if outcome not in DutyContact.Outcome.values:
        raise ContactRefused("outcome", _("A test ends with: answered, late or failed."))
    contact.tested, contact.outcome = now(), outcome
    contact.save(update_fields=["tested", "outcome"])
    about = {"contact": f"urn:uuid:{contact.id}", "outcome": outcome}
    record(actor, "people.contact-tested", f"urn:uuid:{contact.organisation_id}", about)
    return contact
