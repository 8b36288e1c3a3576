"""What people do to their own accounts on allauth's pages, written into the trail.

Those pages are borrowed, so no action of this room stands behind them; allauth sends a signal for each of these acts.
A new password has an action, which :class:`~.accounts.AccountAdapter` calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import signals as account
from allauth.account.authentication import get_authentication_records
from allauth.mfa import signals as factors

from taawun.cooperation.people.models import Person
from taawun.cooperation.people.queries import actor_of
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator
    from django.http import HttpRequest

__all__ = ["listen"]

# Every receiver takes what else a signal carries (its sender among it) as `said`, of whatever type allauth sends.


def listen() -> None:
    """Begin to hear allauth's signals; called once, when the app is ready."""
    account.user_logged_in.connect(_signed_in)
    account.user_logged_out.connect(_signed_out)
    factors.authenticator_added.connect(_factor_added)
    factors.authenticator_removed.connect(_factor_removed)
    factors.authenticator_reset.connect(_factor_renewed)


def _urn(person: Person) -> str:
    return f"urn:uuid:{person.id}"


def _signed_in(request: HttpRequest, user: Person, **said: Any) -> None:
    del said
    by = [each.get("type") or each["method"] for each in get_authentication_records(request, user)]
    record(actor_of(user), "people.signed-in", _urn(user), {"by": by})


def _signed_out(user: object, **said: Any) -> None:
    del said
    if isinstance(user, Person):  # signing out twice is signing out nobody
        record(actor_of(user), "people.signed-out", _urn(user), {})


def _factor_added(user: Person, authenticator: Authenticator, **said: Any) -> None:
    del said
    record(actor_of(user), "people.factor-added", _urn(user), {"type": str(authenticator.type)})


def _factor_removed(user: Person, authenticator: Authenticator, **said: Any) -> None:
    del said
    record(actor_of(user), "people.factor-removed", _urn(user), {"type": str(authenticator.type)})


def _factor_renewed(user: Person, authenticator: Authenticator, **said: Any) -> None:
    del said
    record(actor_of(user), "people.factor-renewed", _urn(user), {"type": str(authenticator.type)})
