"""What the sign-in page offers: the providers by which one can sign in."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.cooperation.people.models import IdentityProvider
from taawun.platform.web.entrance import Way

__all__ = ["ways"]


def ways() -> list[Way]:
    """The providers by which one can sign in, for the sign-in page."""
    found = IdentityProvider.objects.filter(is_active=True).order_by("name", "id").values_list("id", "name")
    return [
        Way(_("Sign in with %(name)s") % {"name": name}, reverse("provider-go", args=[provider]))
        for provider, name in found
    ]
