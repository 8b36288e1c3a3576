"""Making and revoking API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.cooperation.people.actions.minting import Minted, fresh_secret
from taawun.cooperation.people.errors import PeopleError, ScopeRefused, TokenOutlives
from taawun.cooperation.people.models import ApiToken
from taawun.cooperation.people.permissions import matrix
from taawun.cooperation.people.queries import was_made_with
from taawun.cooperation.people.rules import Granted, may_manage
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.platform.audit.actions import record
from taawun.platform.web.formats import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taawun.cooperation.people.actors import PersonActor
    from taawun.cooperation.people.models import Person

__all__ = ["create_token", "revoke_token"]

TOKEN_LIFE = timedelta(days=90)
LONGEST_TOKEN_LIFE = timedelta(days=366)


@transaction.atomic
def create_token(  # noqa: PLR0913 - each argument is one fact of the token
    actor: PersonActor,
    person: Person,
    *,
    name: str,
    scopes: Iterable[str],
    life: timedelta | None = None,
    made_with: UUID | None = None,
) -> Minted[ApiToken]:
    """Make an API token for oneself (or, by the operator's console, for a person).

    Args:
        actor: the person as who acts; a token can never do more than they can.
        person: whose token it is.
        name: what it is for.
        scopes: names of permissions.
        life: how long it lives, at most 366 days; by default 90 days, or as long as the token that asks.
        made_with: the token that asks, with which the new one ends; None where its person is signed in.

    Raises:
        ScopeRefused: a scope is unknown, not theirs, or not one of the token that asks.
        TokenOutlives: it would live longer than the token that asks, or that has ended.
        PeopleError: the life is not between an instant and 366 days.
    """
    # held, so that it cannot be revoked meanwhile and leave this one behind
    asking = ApiToken.objects.select_for_update().get(id=made_with, person=person) if made_with else None
    wanted = sorted(set(scopes))
    known = matrix().names
    allowed = actor.permissions.intersection(asking.scopes) if asking else actor.permissions
    refused = [scope for scope in wanted if scope not in known or scope not in allowed]
    if refused or not wanted:
        raise ScopeRefused(refused or ["—"])
    at = now()
    if life is None:
        life = asking.expires - at if asking else TOKEN_LIFE
    if asking and (asking.revoked or at + life > asking.expires):
        raise TokenOutlives
    if not timedelta(0) < life <= LONGEST_TOKEN_LIFE:
        most = LONGEST_TOKEN_LIFE.days
        sentence = ngettext(
            "A token lives at most %(count)s day.", "A token lives at most %(count)s days.", most
        )
        raise PeopleError(sentence % {"count": number(most)})
    secret = "taawun_" + fresh_secret()
    token = ApiToken.objects.create(
        person=person,
        name=name.strip()[:100] or _("unnamed"),
        digest=sha256(secret.encode()),
        hint=secret[:12],
        scopes=wanted,
        expires=at + life,
        made_with=asking,
    )
    about = {"scopes": wanted, "expires": timestamp(token.expires)}
    record(
        actor,
        "people.token-created",
        f"urn:uuid:{token.id}",
        about | ({"made_with": f"urn:uuid:{asking.id}"} if asking else {}),
    )
    return Minted(token, secret)


@transaction.atomic
def revoke_token(actor: PersonActor, token_id: UUID | str, *, asking: UUID | None = None) -> bool:
    """Revoke one of one's own tokens, or of whom one manages; what was made with it ends too.

    Args:
        actor: as who acts.
        token_id: the token to be revoked.
        asking: the token that asks: it ends only itself and what was made with it, unless its person manages
            people. None where its person is signed in.

    Returns:
        Whether there was such an open token that the actor may revoke.
    """
    open_ones = ApiToken.objects.filter(id=token_id, revoked__isnull=True)
    token = open_ones.select_related("person").first()
    if token is None:
        return False
    if not isinstance(may_manage(actor, token.person), Granted):
        if token.person_id != actor.id:
            return False
        if asking is not None and not was_made_with(token_id, asking):
            return False
    if not open_ones.update(revoked=now()):
        return False
    record(actor, "people.token-revoked", f"urn:uuid:{token_id}", {})
    # from the top downwards: a token that is just being made waits for the one it is made with, and is refused then
    level = {UUID(str(token_id))}
    while level := set(ApiToken.objects.filter(made_with__in=level).values_list("id", flat=True)):
        for each in sorted(level):
            if ApiToken.objects.filter(id=each, revoked__isnull=True).update(revoked=now()):
                record(actor, "people.token-revoked", f"urn:uuid:{each}", {"with": f"urn:uuid:{token_id}"})
    return True
