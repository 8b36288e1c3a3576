"""Forms about nations, communities, organisations and whom to call there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.models import DutyContact, Organisation, Span
from taawun.foundation.multilingual import LANGUAGES as LANGUAGE_CODES
from taawun.foundation.multilingual import Text, TextRefused
from taawun.platform.web import formats
from taawun.platform.web.formats import called

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = [
    "CommunityForm",
    "ContactForm",
    "ContactTestForm",
    "EditionForm",
    "EndForm",
    "NationFilters",
    "OrganisationField",
    "OrganisationFilters",
    "OrganisationForm",
    "RenameForm",
    "RollForm",
    "SpanFilters",
    "SpanForm",
    "TextForm",
    "choose_among",
]

if TYPE_CHECKING:
    _Choice = forms.ModelChoiceField[Organisation]
else:
    _Choice = forms.ModelChoiceField  # Django's own takes its model only in the stubs


class OrganisationField(_Choice):
    """Chooses an organisation by its name in the reader's language."""

    def label_from_instance(self, obj: Organisation) -> str:
        """The organisation's name."""
        return called(obj.name)


def choose_among(form: forms.Form, places: QuerySet[Organisation]) -> None:
    """Let a form's field ``organisation`` offer these and no others."""
    field = form.fields["organisation"]
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = places


def _weekdays() -> list[tuple[str, str]]:
    return [(str(day), formats.weekday(day)) for day in range(7)]


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


class EditionForm(forms.Form):
    """A form about something that several people change: it carries the edition that was opened."""

    edition = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @property
    def opened(self) -> int:
        """The edition that whoever sent it had before them; 0, which none is, where they do not say."""
        return self.cleaned_data["edition"] or 0


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


class RenameForm(EditionForm, TextForm):
    """What a community is called."""


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
    organisation = OrganisationField(
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


class OrganisationForm(EditionForm, TextForm):
    """An organisation whose people work here."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Organisation.Kind.choices)
    nation = forms.CharField(
        label=_("Code of the nation"),
        required=False,
        max_length=2,
        help_text=_("Two capital letters of ISO 3166-1, as in MY. A secretariat or a donor may have none."),
        widget=forms.TextInput({"dir": "ltr"}),
    )
    working_days = forms.TypedMultipleChoiceField(
        label=_("Working days"),
        required=False,
        coerce=int,
        choices=_weekdays,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none where it works on the days of its nation."),
    )
    field_order = ("name_en", "name_ar", "name_fr", "kind", "nation", "working_days")

    def clean_nation(self) -> str:
        """The code in capital letters."""
        return str(self.cleaned_data["nation"]).strip().upper()


class OrganisationFilters(forms.Form):
    """Search and filter of the list of organisations."""

    q = forms.CharField(label=_("Name"), required=False, max_length=100)
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("all")), *Organisation.Kind.choices]
    )


class ContactForm(EditionForm, TextForm):
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


class EndForm(forms.Form):
    """When something ends."""

    until = forms.DateField(label=_("The first day no longer"), widget=forms.DateInput({"type": "date"}))


class RollForm(forms.Form):
    """A roll to be imported."""

    file = forms.FileField(
        label=_("Roll as CSV or JSON"),
        help_text=_("As this page exports it. It takes the place of the whole history."),
    )
