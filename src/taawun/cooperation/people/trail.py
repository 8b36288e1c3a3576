"""What the trail calls the acts and things of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.models import ApiToken, Community, Invitation, Organisation, Person
from taawun.cooperation.people.queries import nation_name
from taawun.platform.audit.acts import Act, SystemPart, Thing, Things

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

__all__ = ["TRAIL"]

_NATION: Final = "urn:taawun:nation:"


def _find(ids: Collection[UUID], permissions: frozenset[str]) -> Mapping[UUID, Thing]:
    reads, manages = "read:people" in permissions, "manage:people" in permissions
    language = get_language() or "en"
    found: dict[UUID, Thing] = {}
    for person in Person.objects.filter(id__in=ids):
        found[person.id] = Thing(person.name, reverse("person", args=[person.id]) if reads else "")
    for organisation in Organisation.objects.filter(id__in=ids):
        url = reverse("organisation", args=[organisation.id]) if reads else ""
        found[organisation.id] = Thing(organisation.name.in_language(language).value, url)
    for invitation in Invitation.objects.filter(id__in=ids):
        found[invitation.id] = Thing(invitation.email, reverse("invitations") if manages else "")
    for community in Community.objects.filter(id__in=ids):
        url = reverse("community", args=[community.id]) if reads else ""
        found[community.id] = Thing(community.name.in_language(language).value, url)
    for token in ApiToken.objects.filter(id__in=ids):
        found[token.id] = Thing(_("Token “%(name)s”") % {"name": token.name})
    return found


def _find_named(urns: Collection[str], _permissions: frozenset[str]) -> Mapping[str, Thing]:
    language = get_language() or "en"
    return {
        urn: Thing(nation_name(urn.removeprefix(_NATION)).in_language(language).value)
        for urn in urns
        if urn.startswith(_NATION)
    }


TRAIL = (
    Act("people.host-established", _("Organisation of this node established")),
    Act("people.nation-named", _("Nation named")),
    Act("people.organisation-added", _("Organisation added")),
    Act("people.invited", _("Person invited")),
    Act("people.invitation-revoked", _("Invitation revoked")),
    Act("people.invitation-accepted", _("Invitation accepted")),
    Act("people.role-given", _("Role given")),
    Act("people.role-taken", _("Role taken")),
    Act("people.left-organisation", _("Organisation left")),
    Act("people.ways-in-ended", _("Ways of signing in ended")),
    Act("people.disabled", _("Person disabled")),
    Act("people.enabled", _("Person enabled")),
    Act("people.community-added", _("Community added")),
    Act("people.community-renamed", _("Community renamed")),
    Act("people.roll-replaced", _("Roll of a community replaced")),
    Act("people.span-begun", _("Membership of a community written down")),
    Act("people.span-ended", _("Membership of a community ended")),
    Act("people.span-struck", _("Membership of a community struck")),
    Act("people.organisation-changed", _("Organisation changed")),
    Act("people.contact-added", _("Duty contact added")),
    Act("people.contact-changed", _("Duty contact changed")),
    Act("people.contact-removed", _("Duty contact removed")),
    Act("people.contact-tested", _("Duty contact tested")),
    Act("people.provider-added", _("Identity provider added")),
    Act("people.provider-changed", _("Identity provider changed")),
    Act("people.provider-removed", _("Identity provider removed")),
    Act("people.identity-linked", _("Person known by their identity provider")),
    Act("people.came-by-group", _("Person came in by a group of their identity provider")),
    Act("people.sign-in-refused", _("Sign-in by an identity provider refused")),
    Act("people.token-created", _("Token created")),
    Act("people.token-revoked", _("Token revoked")),
    Act("people.password-link-made", _("Link for a new password made")),
    Act("people.password-changed", _("Password changed")),
    Act("people.renamed", _("Own name changed")),
    Act("people.reading-changed", _("Way of reading changed")),
    Act("people.notifications-chosen", _("Notifications chosen")),
    Act("people.letters-stopped", _("Letters ended")),
    Act("people.signed-in", _("Signed in")),
    Act("people.signed-out", _("Signed out")),
    Act("people.factor-added", _("Second factor added")),
    Act("people.factor-removed", _("Second factor removed")),
    Act("people.factor-renewed", _("Recovery codes made anew")),
    SystemPart("people.sign-in", _("Signing in")),
    Things("people", _find, _find_named),
)
