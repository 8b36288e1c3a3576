"""Forms about persons: invitations, roles, oneself, tokens."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.forms.places import OrganisationField, choose_among
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.permissions import Role, matrix
from taawun.foundation.multilingual import OWN_NAMES
from taawun.platform.web.formats import number

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet
    from django.http import QueryDict

__all__ = [
    "LANGUAGES",
    "LIVES",
    "AcceptForm",
    "InvitationFilters",
    "InviteForm",
    "MoveForm",
    "PeopleFilters",
    "PermissionFilters",
    "RoleForm",
    "RolesForm",
    "TokenFilters",
    "TokenForm",
]

LANGUAGES = tuple(OWN_NAMES.items())


def _days(count: int) -> str:
    return ngettext("%(shown)s day", "%(shown)s days", count) % {"shown": number(count)}


# in the digits of each reader, not in those of the first import
_days_later = lazy(_days, str)
LIVES = (
    (7, _("one week")),
    (30, _days_later(30)),
    (90, _days_later(90)),
    (366, _("one year")),
)


def _password_rules() -> SafeString:
    rules = ((rule,) for rule in password_validators_help_texts())
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", rules))


# in the language of each reader, not in that of the first import
_password_rules_later = lazy(_password_rules, SafeString)


class PeopleFilters(forms.Form):
    """Search and filter of the list of persons."""

    q = forms.CharField(label=_("Name or e-mail"), required=False, max_length=200)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("all")), *Role.choices])
    organisation = OrganisationField(
        label=_("Organisation"),
        required=False,
        queryset=Organisation.objects.order_by("-is_host", "created"),
        empty_label=_("all"),
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("all")), ("active", _("active")), ("inactive", _("inactive"))],
    )

    def __init__(self, data: QueryDict, *, by_address: bool) -> None:
        super().__init__(data)
        if not by_address:
            self.fields["q"].label = _("Name")


class PermissionFilters(forms.Form):
    """Search and filter of the list of permissions."""

    q = forms.CharField(label=_("Permission"), required=False, max_length=100)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("all")), *Role.choices])


class InvitationFilters(forms.Form):
    """Search and filter of the list of invitations."""

    q = forms.CharField(label=_("E-mail address"), required=False, max_length=254)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("all")),
            ("open", pgettext_lazy("an invitation", "Open")),
            ("accepted", pgettext_lazy("an invitation", "Used")),
            ("revoked", pgettext_lazy("an invitation", "Revoked")),
            ("expired", pgettext_lazy("an invitation", "Expired")),
        ],
    )


def _described_roles() -> list[tuple[str, SafeString]]:
    """Each role with what it lets one do that not everybody may, what the fewest may first."""
    fewest_first = sorted(matrix().permissions, key=lambda each: len(each.roles))
    found = []
    for role in Role:
        own = [str(each.label) for each in fewest_first if role in each.roles and each.roles != set(Role)]
        told = reduce(_apart, own) if own else gettext("see what everybody here may see")
        found.append((role.value, format_html('{}<br><span class="hint">{}</span>', role.label, told)))
    return found


def _apart(first: str, second: str) -> str:
    # some have commas of their own
    return gettext("%(first)s; %(second)s") % {"first": first, "second": second}


def _roles_hint_now() -> SafeString:
    return format_html(
        '{} <a href="{}">{}</a>',
        gettext("A role is a set of permissions; several roles add up."),
        reverse("permissions"),
        gettext("Who may do what"),
    )


# in the language of each reader, not in that of the first import
_roles_hint = lazy(_roles_hint_now, SafeString)


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    organisation = OrganisationField(
        label=_("Organisation"),
        queryset=Organisation.objects.order_by("-is_host", "created"),
        empty_label=None,
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=_described_roles,
        widget=forms.CheckboxSelectMultiple,
        help_text=_roles_hint(),
        error_messages={"required": _("Choose at least one role.")},
    )
    language = forms.ChoiceField(
        label=_("Language of the invitation"),
        choices=LANGUAGES,
        help_text=_("They can change it afterwards."),
    )

    def __init__(
        self, *args: Any, places: QuerySet[Organisation], **kwargs: Any
    ) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        choose_among(self, places)


class RoleForm(forms.Form):
    """A role to give in an organisation."""

    organisation = OrganisationField(
        label=_("Organisation"),
        queryset=Organisation.objects.order_by("-is_host", "created"),
        empty_label=None,
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)

    def __init__(
        self, *args: Any, places: QuerySet[Organisation], **kwargs: Any
    ) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        choose_among(self, places)


class RolesForm(forms.Form):
    """The roles of a person in one organisation, and no others."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=_described_roles,
        widget=forms.CheckboxSelectMultiple,
        help_text=_roles_hint(),
        error_messages={"required": _("Choose at least one role.")},
    )


class MoveForm(RolesForm):
    """Where a person goes, and what they are there."""

    organisation = OrganisationField(
        label=_("To the organisation"), queryset=Organisation.objects.none(), empty_label=None
    )
    field_order = ("organisation", "roles")

    def __init__(
        self, *args: Any, places: QuerySet[Organisation], **kwargs: Any
    ) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        choose_among(self, places)


class AcceptForm(forms.Form):
    """What somebody who was invited tells of themself."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=200,
        help_text=_("As colleagues and partners should see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_password_rules_later(),
    )


class TokenFilters(forms.Form):
    """Search and filter of one's tokens."""

    q = forms.CharField(label=_("What it is for"), required=False, max_length=100)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("all")),
            ("open", pgettext_lazy("tokens", "open")),
            ("revoked", pgettext_lazy("tokens", "revoked")),
            ("expired", pgettext_lazy("tokens", "expired")),
        ],
    )


class TokenForm(forms.Form):
    """A key for a machine."""

    name = forms.CharField(
        label=_("What it is for"), max_length=100, help_text=_("For example: import from our sensors.")
    )
    days = forms.TypedChoiceField(label=_("How long it lives"), coerce=int, choices=LIVES, initial=90)

    def __init__(self, *args: Any, permissions: Collection[str], **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        own = (each for each in matrix().permissions if each.name in permissions)
        self.fields["scopes"] = forms.MultipleChoiceField(
            label=_("What it may do"),
            widget=forms.CheckboxSelectMultiple,
            help_text=_("Only what you may do yourself; as little as the machine needs."),
            choices=[
                (
                    each.name,
                    format_html('{} <bdi dir="ltr" class="mono quiet">{}</bdi>', each.label, each.name),
                )
                for each in own
            ],
        )
        self.order_fields(("name", "scopes", "days"))
