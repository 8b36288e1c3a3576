"""What people's pages ask for."""

from __future__ import annotations

from taawun.cooperation.people.forms.persons import (
    LIVES,
    AcceptForm,
    InvitationFilters,
    InviteForm,
    MoveForm,
    PeopleFilters,
    PermissionFilters,
    RoleForm,
    RolesForm,
    TokenFilters,
    TokenForm,
)
from taawun.cooperation.people.forms.places import (
    CommunityForm,
    ContactForm,
    ContactTestForm,
    EditionForm,
    EndForm,
    NationFilters,
    OrganisationFilters,
    OrganisationForm,
    RenameForm,
    RollForm,
    SpanFilters,
    SpanForm,
)
from taawun.cooperation.people.forms.profile import ProfileForm
from taawun.cooperation.people.forms.providers import (
    ProviderFilters,
    ProviderForm,
)
from taawun.cooperation.people.forms.wishes import SummaryForm, WishesForm

__all__ = [
    "LIVES",
    "AcceptForm",
    "CommunityForm",
    "ContactForm",
    "ContactTestForm",
    "EditionForm",
    "EndForm",
    "InvitationFilters",
    "InviteForm",
    "MoveForm",
    "NationFilters",
    "OrganisationFilters",
    "OrganisationForm",
    "PeopleFilters",
    "PermissionFilters",
    "ProfileForm",
    "ProviderFilters",
    "ProviderForm",
    "RenameForm",
    "RoleForm",
    "RolesForm",
    "RollForm",
    "SpanFilters",
    "SpanForm",
    "SummaryForm",
    "TokenFilters",
    "TokenForm",
    "WishesForm",
]
