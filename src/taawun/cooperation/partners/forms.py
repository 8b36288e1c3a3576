"""What the pages of partners ask for."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.partners.models import Lane, Partner

__all__ = ["AddForm", "CompareForm", "LaneFilters", "PartnerFilters", "QuarantineFilters", "StatementForm"]


class PartnerFilters(forms.Form):
    """Search and filter of the list of partners."""

    q = forms.CharField(label=_("Name or address"), required=False, max_length=200)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("all")), *Partner.State.choices]
    )


class QuarantineFilters(forms.Form):
    """Search of what is in quarantine."""

    q = forms.CharField(label=_("Kind"), required=False, max_length=80)


class LaneFilters(forms.Form):
    """Filters of the lanes of a partner."""

    direction = forms.ChoiceField(
        label=_("Direction"),
        required=False,
        choices=[("", _("all")), ("received", _("it sends")), ("sent", _("we send"))],
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("all")), ("waiting", _("not in step")), *Lane.State.choices],
    )


class AddForm(forms.Form):
    """Where another node is."""

    node = forms.CharField(
        label=_("Address of the node"),
        max_length=400,
        help_text=_(
            "As its administrator told you, for example https://cert.example; or what the QR code of its fingerprint "
            "says, and then only its key is taken."
        ),
        widget=forms.TextInput(
            attrs={"dir": "ltr", "inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    calls_us = forms.BooleanField(
        label=_("It cannot be called: it calls this node."),
        required=False,
        help_text=_("So it is where a network allows outgoing connections alone. Its administrator knows."),
    )


class CompareForm(forms.Form):
    """That two administrators compared the fingerprint that was shown."""

    kid = forms.CharField(widget=forms.HiddenInput, max_length=43)
    compared = forms.BooleanField(
        label=_("We spoke, and all sixteen words were the same."),
        error_messages={"required": _("Compare first: read the words to each other, then tick this box.")},
    )


class StatementForm(forms.Form):
    """A partner's signed statement about a stopped lane."""

    statement = forms.CharField(
        label=_("Statement"),
        max_length=40_000,
        help_text=_("As its administrator sent it to you: three parts with full stops between them."),
        widget=forms.Textarea(attrs={"dir": "ltr", "rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )
