"""What people's pages ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.permissions import Permission, Role
from taawun.foundation.multilingual import OWN_NAMES
from taawun.platform.registry import registry
from taawun.platform.web.formats import number
from taawun.platform.web.shell import THEMES

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet
    from django.http import QueryDict

__all__ = [
    "AcceptForm",
    "InviteForm",
    "MoveForm",
    "PeopleFilters",
    "ProfileForm",
    "RoleForm",
    "RolesForm",
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


if TYPE_CHECKING:
    _Choice = forms.ModelChoiceField[Organisation]
else:
    _Choice = forms.ModelChoiceField  # Django's own takes its model only in the stubs


class _OrganisationField(_Choice):
    """Chooses an organisation by its name in the reader's language."""

    def label_from_instance(self, obj: Organisation) -> str:
        """The organisation's name."""
        return obj.name.in_language(get_language() or "en").value


class PeopleFilters(forms.Form):
    """Search and filter of the list of persons."""

    q = forms.CharField(label=_("Name or e-mail"), required=False, max_length=200)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("all")), *Role.choices])
    organisation = _OrganisationField(
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


def _choose_among(form: forms.Form, places: QuerySet[Organisation]) -> None:
    field = form.fields["organisation"]
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = places


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    organisation = _OrganisationField(
        label=_("Organisation"),
        queryset=Organisation.objects.order_by("-is_host", "created"),
        empty_label=None,
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A role is a set of permissions; several roles add up."),
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
        _choose_among(self, places)


class RoleForm(forms.Form):
    """A role to give in an organisation."""

    organisation = _OrganisationField(
        label=_("Organisation"),
        queryset=Organisation.objects.order_by("-is_host", "created"),
        empty_label=None,
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)

    def __init__(
        self, *args: Any, places: QuerySet[Organisation], **kwargs: Any
    ) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        _choose_among(self, places)


class RolesForm(forms.Form):
    """The roles of a person in one organisation, and no others."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A role is a set of permissions; several roles add up."),
    )


class MoveForm(RolesForm):
    """Where a person goes, and what they are there."""

    organisation = _OrganisationField(
        label=_("To the organisation"), queryset=Organisation.objects.none(), empty_label=None
    )
    field_order = ("organisation", "roles")

    def __init__(
        self, *args: Any, places: QuerySet[Organisation], **kwargs: Any
    ) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        _choose_among(self, places)


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
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)


class ProfileForm(forms.Form):
    """What a person changes about themself."""

    name = forms.CharField(
        label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)
    theme = forms.ChoiceField(
        label=_("Appearance"),
        required=False,
        choices=[("", _("as this device")), *zip(THEMES, (_("light"), _("dark")), strict=True)],
        help_text=_("Kept in this browser only."),
    )


class TokenForm(forms.Form):
    """A key for a machine."""

    name = forms.CharField(
        label=_("What it is for"), max_length=100, help_text=_("For example: import from our sensors.")
    )
    days = forms.TypedChoiceField(label=_("How long it lives"), coerce=int, choices=LIVES, initial=90)

    def __init__(self, *args: Any, permissions: Collection[str], **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        own = (each for each in registry.all(Permission) if each.name in permissions)
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
