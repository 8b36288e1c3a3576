"""What people's pages ask for."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.models import DutyContact, IdentityProvider, Organisation, Span
from taawun.cooperation.people.permissions import Role, matrix
from taawun.foundation.multilingual import LANGUAGES as LANGUAGE_CODES
from taawun.foundation.multilingual import OWN_NAMES, Text, TextRefused
from taawun.platform.web import formats
from taawun.platform.web.formats import number, with_names
from taawun.platform.web.shell import THEMES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.db.models import QuerySet
    from django.http import QueryDict

__all__ = [
    "AcceptForm",
    "CommunityForm",
    "ContactForm",
    "ContactTestForm",
    "EndForm",
    "InvitationFilters",
    "InviteForm",
    "MoveForm",
    "NationFilters",
    "OrganisationFilters",
    "OrganisationForm",
    "PeopleFilters",
    "ProfileForm",
    "ProviderForm",
    "RoleForm",
    "RolesForm",
    "RollForm",
    "SpanFilters",
    "SpanForm",
    "TextForm",
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
    organisation = _OrganisationField(
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
        choices=_described_roles,
        widget=forms.CheckboxSelectMultiple,
        help_text=_roles_hint(),
        error_messages={"required": _("Choose at least one role.")},
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


class NationFilters(forms.Form):
    """Search of the list of nations."""

    q = forms.CharField(label=_("Name or code"), required=False, max_length=100)
    source = forms.ChoiceField(
        label=_("Named by"),
        required=False,
        choices=[
            ("", _("all")),
            ("own", _("the nation itself")),
            ("community", _("a community")),
            ("locale", _("locale data")),
        ],
    )


class SpanFilters(forms.Form):
    """Which part of a community's history: by default what is so today."""

    q = forms.CharField(label=_("Name or code"), required=False, max_length=100)
    at = forms.DateField(label=_("On the day"), required=False, widget=forms.DateInput({"type": "date"}))
    standing = forms.ChoiceField(
        label=_("Standing"), required=False, choices=[("", _("all")), *Span.Standing.choices]
    )
    history = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("what is so")), ("all", _("the whole history"))]
    )


class TextForm(forms.Form):
    """A name in the languages of the house; at least one is given."""

    name_en = forms.CharField(label=_("Name in English"), required=False, max_length=300)
    name_ar = forms.CharField(label=_("Name in Arabic"), required=False, max_length=300)
    name_fr = forms.CharField(label=_("Name in French"), required=False, max_length=300)
    is_named = True

    def clean(self) -> dict[str, Any]:
        """Make a text of the names."""
        given = super().clean() or {}
        try:
            words = {language: given.get(f"name_{language}", "") for language in LANGUAGE_CODES}
            given["name"] = Text.of(**words) if any(words.values()) else None
        except TextRefused as refused:
            raise forms.ValidationError(str(refused)) from None
        if self.is_named and given["name"] is None:
            raise forms.ValidationError(_("Give a name in at least one language."))
        return given


class CommunityForm(TextForm):
    """A community of nations to be added."""

    code = forms.CharField(
        label=_("Code"),
        max_length=32,
        help_text=_("Short and unique: small letters, digits and hyphens, as in oic."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    field_order = ("code", "name_en", "name_ar", "name_fr")


class SpanForm(TextForm):
    """What a nation or an organisation is, or was, to a community."""

    is_named = False
    nation = forms.CharField(
        label=_("Code of the nation"),
        required=False,
        max_length=2,
        help_text=_("Two capital letters of ISO 3166-1, as in MY. Leave it empty for an organisation."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    organisation = _OrganisationField(
        label=_("Organisation"),
        required=False,
        queryset=Organisation.objects.order_by("-is_host", "created"),
        empty_label=_("none"),
    )
    standing = forms.ChoiceField(label=_("Standing"), choices=Span.Standing.choices)
    since = forms.DateField(
        label=_("Since"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("The first day; empty where it is not written down."),
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("The first day no longer; empty while it lasts."),
    )
    field_order = ("nation", "organisation", "standing", "since", "until", "name_en", "name_ar", "name_fr")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        self.fields["name_en"].help_text = _("What the community calls the nation; empty leaves it as it is.")

    def clean_nation(self) -> str:
        """The code in capital letters."""
        return str(self.cleaned_data["nation"]).strip().upper()


class OrganisationForm(TextForm):
    """An organisation whose people work here."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Organisation.Kind.choices)
    nation = forms.CharField(
        label=_("Code of the nation"),
        required=False,
        max_length=2,
        help_text=_("Two capital letters of ISO 3166-1, as in MY. A secretariat or a donor may have none."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    field_order = ("name_en", "name_ar", "name_fr", "kind", "nation")

    def clean_nation(self) -> str:
        """The code in capital letters."""
        return str(self.cleaned_data["nation"]).strip().upper()


class OrganisationFilters(forms.Form):
    """Search and filter of the list of organisations."""

    q = forms.CharField(label=_("Name"), required=False, max_length=100)
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("all")), *Organisation.Kind.choices]
    )


def _weekdays() -> list[tuple[str, str]]:
    return [(str(day), formats.weekday(day)) for day in range(7)]


class ContactForm(TextForm):
    """Whom to call at an organisation."""

    zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        help_text=_("By its IANA name, as in Asia/Kuala_Lumpur."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    is_always = forms.BooleanField(label=_("At any hour of any day"), required=False)
    days = forms.TypedMultipleChoiceField(
        label=_("Days"), required=False, coerce=int, choices=_weekdays, widget=forms.CheckboxSelectMultiple
    )
    opens = forms.TimeField(label=_("From"), required=False, widget=forms.TimeInput({"type": "time"}))
    closes = forms.TimeField(
        label=_("Until"),
        required=False,
        widget=forms.TimeInput({"type": "time"}),
        help_text=_("Earlier than the beginning where the duty goes over midnight."),
    )
    languages = forms.CharField(
        label=_("Languages"),
        required=False,
        max_length=100,
        help_text=_("Their tags, separated by blanks, as in ar en fr."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    phone = forms.CharField(
        label=_("Telephone"),
        required=False,
        max_length=40,
        help_text=_("With the country’s code, as in +60 3 1234 5678."),
        widget=forms.TextInput({"type": "tel"}),
    )
    email = forms.CharField(
        label=_("E-mail address"), required=False, max_length=254, widget=forms.TextInput({"dir": "ltr"})
    )
    pgp_key = forms.CharField(
        label=_("PGP key"),
        required=False,
        max_length=8192,
        help_text=_("The public key block. Its fingerprint is shown; nothing else of it is used here."),
        widget=forms.Textarea({"dir": "ltr", "rows": 6, "class": "mono"}),
    )
    field_order = ("name_en", "name_ar", "name_fr", "zone", "is_always", "days", "opens", "closes")

    def clean_languages(self) -> tuple[str, ...]:
        """The tags, apart."""
        return tuple(self.cleaned_data["languages"].replace(",", " ").split())


class ContactTestForm(forms.Form):
    """How a test of a contact ended."""

    outcome = forms.ChoiceField(
        label=_("What came of it"), choices=DutyContact.Outcome.choices, widget=forms.RadioSelect
    )


def _groups_hint_now() -> SafeString:
    # whatever the language around it, the example runs from left to right
    sentence = gettext("A line for each group, as in %(example)s. They come in without an invitation.")
    return with_names(sentence, example="soc: analyst, instructor")


_groups_hint = lazy(_groups_hint_now, SafeString)


class ProviderForm(forms.Form):
    """An organisation's own provider: what one that speaks OpenID Connect, or SAML, is asked, and nothing else."""

    organisation = _OrganisationField(
        label=_("Organisation"), queryset=Organisation.objects.none(), empty_label=None
    )
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("Stands on the button of the sign-in page.")
    )
    protocol = forms.ChoiceField(
        label=_("What it speaks"), choices=IdentityProvider.Protocol.choices, widget=forms.HiddenInput
    )
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=300,
        help_text=_("The provider’s address, exactly as it calls itself, as in https://login.cert.example."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    client = forms.CharField(
        label=_("Client"),
        max_length=200,
        help_text=_("What the provider calls this node."),
        error_messages={"required": _("The client is required in OpenID Connect.")},
        widget=forms.TextInput({"dir": "ltr"}),
    )
    secret = forms.CharField(
        label=_("Secret of the client"),
        required=False,
        strip=False,
        max_length=500,
        help_text=_("Kept sealed and never shown. Empty keeps the one there is, or none."),
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )
    sign_in_url = forms.CharField(
        label=_("Address for requests"),
        max_length=500,
        help_text=_("Where the provider takes requests by redirect; its metadata names it."),
        error_messages={"required": _("The address for requests is required in SAML 2.0.")},
        widget=forms.TextInput({"dir": "ltr"}),
    )
    certificates = forms.CharField(
        label=_("Certificates"),
        max_length=20_000,
        help_text=_("Those of the keys with which the provider signs, one to four, as PEM."),
        error_messages={"required": _("A certificate is required in SAML 2.0.")},
        widget=forms.Textarea({"dir": "ltr", "rows": 4, "class": "mono"}),
    )
    domains = forms.CharField(
        label=_("Domains"),
        required=False,
        max_length=2000,
        help_text=_(
            "For addresses of these the provider’s word is taken, as in cert.example; separated by blanks."
        ),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    groups_claim = forms.CharField(
        label=_("Claim or attribute with the groups"),
        required=False,
        max_length=200,
        help_text=_("Often groups. Leave it empty to let in only who was invited."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    roles_by_group = forms.CharField(
        label=_("Roles by group"),
        required=False,
        max_length=5000,
        help_text=_groups_hint(),
        widget=forms.Textarea({"dir": "ltr", "rows": 4, "class": "mono"}),
    )
    is_active = forms.BooleanField(label=_("One can sign in by it"), required=False, initial=True)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        protocol: str = "",
        places: QuerySet[Organisation] | None = None,
        initial: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(data, initial={**(initial or {})})
        # which fields were shown is said by what was sent
        said = data.get("protocol", "") if data is not None else protocol
        saml, oidc = IdentityProvider.Protocol.SAML, IdentityProvider.Protocol.OIDC
        self.spoken = saml if said == saml else oidc
        self.initial["protocol"] = self.spoken
        for name in ("client", "secret") if self.spoken == saml else ("sign_in_url", "certificates"):
            del self.fields[name]
        if self.spoken == saml:
            self.fields["issuer"].label = _("Entity id")
            self.fields["issuer"].help_text = _("The provider’s entity id, exactly as its metadata says it.")
        if places is None:
            del self.fields["organisation"]
        else:
            _choose_among(self, places)

    @staticmethod
    def lines(roles_by_group: Mapping[str, Collection[str]]) -> str:
        """Groups and roles as they are typed."""
        return "\n".join(f"{group}: {', '.join(roles)}" for group, roles in roles_by_group.items())

    def clean_domains(self) -> tuple[str, ...]:
        """The domains, apart."""
        return tuple(self.cleaned_data["domains"].lower().replace(",", " ").split())

    def clean_roles_by_group(self) -> dict[str, tuple[str, ...]]:
        """The groups with their roles."""
        found: dict[str, tuple[str, ...]] = {}
        for line in self.cleaned_data["roles_by_group"].splitlines():
            group, _colon, roles = line.rpartition(":")
            if line.strip():
                found[group.strip()] = tuple(roles.replace(",", " ").split())
        return found


class EndForm(forms.Form):
    """When something ends."""

    until = forms.DateField(label=_("The first day no longer"), widget=forms.DateInput({"type": "date"}))


class RollForm(forms.Form):
    """A roll to be imported."""

    file = forms.FileField(
        label=_("Roll as CSV or JSON"),
        help_text=_("As this page exports it. It takes the place of the whole history."),
    )


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
