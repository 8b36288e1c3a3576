"""The form of an organisation's own identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils.functional import lazy
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.forms.places import EditionForm, OrganisationField, choose_among
from taawun.cooperation.people.models import IdentityProvider, Organisation
from taawun.platform.web.components import STATES
from taawun.platform.web.formats import with_names

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.db.models import QuerySet
    from django.http import QueryDict

__all__ = [
    "ProviderFilters",
    "ProviderForm",
]


def _groups_hint_now() -> SafeString:
    # whatever the language around it, the example runs from left to right
    sentence = gettext("A line for each group, as in %(example)s. They come in without an invitation.")
    return with_names(sentence, example="soc: analyst, instructor")


_groups_hint = lazy(_groups_hint_now, SafeString)


class ProviderFilters(forms.Form):
    """Search and filters of the list of providers."""

    q = forms.CharField(label=_("Name, issuer or domain"), required=False, max_length=100)
    protocol = forms.ChoiceField(
        label=_("What it speaks"),
        required=False,
        choices=[("", _("all")), *IdentityProvider.Protocol.choices],
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("all")), *((name, STATES[name].word) for name in ("active", "inactive"))],
    )


class ProviderForm(EditionForm):
    """An organisation's own provider: what one that speaks OpenID Connect, or SAML, is asked, and nothing else."""

    organisation = OrganisationField(
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
            choose_among(self, places)

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
