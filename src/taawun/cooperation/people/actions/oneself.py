"""What belongs to a person alone: their name, language, way of reading and password."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.people.actions.minting import Minted
from taawun.cooperation.people.errors import NameRefused, PeopleError, ZoneRefused
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.rules import ensure, may_manage
from taawun.foundation.clock import now
from taawun.foundation.zones import is_zone, zone_of_nation, zones_of_nation
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor, PersonActor
    from taawun.cooperation.people.models import Organisation
    from taawun.platform.web.reader import Reader

__all__ = [
    "change_password",
    "hide_guide",
    "look",
    "make_password_link",
    "rename",
    "set_language",
    "set_reading",
    "zone_for",
]

# who comes back later than this has been away, and what came meanwhile is new to them
_VISIT: Final = timedelta(minutes=30)
_NOTED: Final = timedelta(minutes=1)


@transaction.atomic
def make_password_link(actor: Actor, person: Person) -> Minted[Person]:
    """Let a person who forgot their password choose a new one; the secret makes the link that is handed over.

    The secret is that of allauth, which mails the same link where there is mail: it opens nothing any more once its
    person signed in or has a new password, nor after ``PASSWORD_RESET_TIMEOUT``.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: the person is not active, so a password would open nothing.
    """
    # imported late: allauth's models may only be loaded once Django's registry is complete
    from allauth.account.forms import default_token_generator  # noqa: PLC0415 - its models need the registry
    from allauth.account.utils import user_pk_to_url_str  # noqa: PLC0415 - its models need the registry

    ensure(may_manage(actor, person))
    if not person.is_active:
        raise PeopleError(_("%(name)s is no longer active here.") % {"name": person.name})
    secret = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    record(actor, "people.password-link-made", f"urn:uuid:{person.id}", {})
    return Minted(person, secret)


@transaction.atomic
def change_password(person: Person, password: str) -> None:
    """Give a person the password they chose, which ends the sessions that began with the one before.

    Args:
        person: who proved to be it, by the password before or by a link.
        password: held to the password rules by the form that asked for it.
    """
    person.set_password(password)
    person.save(update_fields=["password"])
    record(actor_of(person), "people.password-changed", f"urn:uuid:{person.id}", {})


def set_language(person: Person, language: str) -> None:
    """Remember the language a person chose."""
    Person.objects.filter(id=person.id).exclude(language=language).update(language=language)


def look(person: Person) -> None:
    """Remember that a person looks at what is new, so that the next time the page can say what came since.

    It is noted once a minute at most, and leaves no row in the trail: nobody is told when somebody looks.
    """
    at = now()
    if person.looked is not None and at - person.looked < _NOTED:
        return
    changed = {"looked": at}
    if person.looked is not None and at - person.looked > _VISIT:
        changed["looked_before"] = person.looked
    Person.objects.filter(id=person.id).update(**changed)
    for name, value in changed.items():
        setattr(person, name, value)


def hide_guide(person: Person, *, hidden: bool) -> None:
    """Take the guide for a new node out of a person's sight, or bring it back."""
    Person.objects.filter(id=person.id).update(hides_guide=hidden)


@transaction.atomic
def set_reading(person: Person, wanted: Reader) -> None:
    """Remember how a person wants to read.

    Raises:
        ZoneRefused: the time zone is none that this machine knows.
    """
    changed = {name: str(value) for name, value in asdict(wanted).items() if getattr(person, name) != value}
    if not changed:
        return
    if wanted.zone and not is_zone(wanted.zone):
        raise ZoneRefused
    Person.objects.filter(id=person.id).update(**changed)
    record(actor_of(person), "people.reading-changed", f"urn:uuid:{person.id}", {"changed": sorted(changed)})


def zone_for(organisation: Organisation) -> str:
    """The time zone with which somebody begins at an organisation: its nation's, empty where that is the node's.

    A nation with several is not guessed at: its people begin with the node's.
    """
    nation = organisation.nation_id or ""
    return "" if settings.DISPLAY_TIME_ZONE in zones_of_nation(nation) else zone_of_nation(nation)


@transaction.atomic
def rename(actor: PersonActor, person: Person, name: str) -> None:
    """Change what a person is called: one's own name, or of whom one manages.

    Raises:
        NotAllowed: it is somebody else's name, and the actor may not.
        NameRefused: the name is empty or longer than 200 characters.
    """
    if actor.id != person.id:
        ensure(may_manage(actor, person))
    wanted = " ".join(name.split())
    if not 0 < len(wanted) <= 200:  # noqa: PLR2004 - the column's width
        raise NameRefused
    if Person.objects.filter(id=person.id).exclude(name=wanted).update(name=wanted):
        record(actor, "people.renamed", f"urn:uuid:{person.id}", {})
