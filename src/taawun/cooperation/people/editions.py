"""Which edition of a thing is saved, and who saved it when: what forms about it are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taawun.cooperation.people.models import Community, DutyContact, IdentityProvider, Organisation
from taawun.cooperation.people.rules import Granted, holds_everywhere, holds_in
from taawun.platform.audit.queries import Filters, entries
from taawun.platform.web.drafts import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["community_standing", "contact_standing", "organisation_standing", "provider_standing"]


# each is called with the arguments of the address at which the thing is changed (DraftSubject)
def organisation_standing(actor: PersonActor, arguments: Mapping[str, Any]) -> Standing | None:
    """Of an organisation; None where the actor may not change it."""
    found = Organisation.objects.filter(id=arguments["organisation_id"]).first()
    if found is None or not isinstance(holds_in(actor, "manage:people", found.id), Granted):
        return None
    return _standing(found.edition, "people.organisation-changed", f"urn:uuid:{found.id}")


def contact_standing(actor: PersonActor, arguments: Mapping[str, Any]) -> Standing | None:
    """Of a duty contact; None where the actor may not change it."""
    found = DutyContact.objects.filter(id=arguments["contact_id"]).first()
    if found is None or not isinstance(holds_in(actor, "manage:contacts", found.organisation_id), Granted):
        return None
    subject, about = f"urn:uuid:{found.organisation_id}", {"details__contact": f"urn:uuid:{found.id}"}
    return _standing(found.edition, "people.contact-changed", subject, **about)


def provider_standing(actor: PersonActor, arguments: Mapping[str, Any]) -> Standing | None:
    """Of an identity provider; None where the actor may not change it."""
    found = IdentityProvider.objects.filter(id=arguments["provider_id"]).first()
    if found is None or not isinstance(holds_in(actor, "manage:people", found.organisation_id), Granted):
        return None
    subject, about = f"urn:uuid:{found.organisation_id}", {"details__provider": str(found.id)}
    return _standing(found.edition, "people.provider-changed", subject, **about)


def community_standing(actor: PersonActor, arguments: Mapping[str, Any]) -> Standing | None:
    """Of the name of a community; None where the actor may not change it."""
    found = Community.objects.filter(id=arguments["community_id"]).first()
    if found is None or not isinstance(holds_everywhere(actor, "manage:communities"), Granted):
        return None
    return _standing(found.edition, "people.community-renamed", f"urn:uuid:{found.id}")


def _standing(edition: int, verb: str, subject: str, **about: str) -> Standing:
    last = entries(Filters(verb=verb, subject=subject)).filter(**about).first()
    return Standing(str(edition), last.actor_label, last.at) if last else Standing(str(edition))
