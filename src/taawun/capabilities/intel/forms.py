"""What the pages of intelligence ask for."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from taawun.capabilities.intel.models import Import, Report
from taawun.capabilities.intel.wording import type_name
from taawun.foundation.multilingual import OWN_NAMES
from taawun.foundation.tlp import Tlp
from taawun.platform.web.formats import filesize

__all__ = [
    "TYPES",
    "ImportFilters",
    "ImportForm",
    "ObjectFilters",
    "ReportFilters",
    "ReportForm",
    "SightingForm",
    "WithdrawForm",
]

_TECHNICAL: Final = {"dir": "ltr", "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
# Django keeps the fields of a form in memory, and refuses a whole form of more than 2 MiB without showing it again
_LONGEST_PASTE: Final = 1_000_000
# the types people look for; any other is found by its words
TYPES: Final = (
    "indicator", "malware", "tool", "campaign", "intrusion-set", "threat-actor", "attack-pattern", "vulnerability",
    "infrastructure", "incident", "course-of-action", "domain-name", "url", "ipv4-addr", "ipv6-addr", "email-addr",
    "file", "observed-data", "relationship", "sighting", "report", "grouping", "note", "identity", "location",
)  # fmt: skip


def _markings(first: str = "") -> list[tuple[str, Any]]:
    # Any: a lazy translation or a text
    head: list[tuple[str, Any]] = [("", gettext_lazy("all"))] if first == "all" else []
    return [*head, *((each.label, each.label) for each in Tlp)]


def lines_of(written: str) -> tuple[str, ...]:
    """Entries that stand one a line or parted by spaces, each once, in their order."""
    return tuple(dict.fromkeys(written.split()))


class ReportFilters(forms.Form):
    """Search and filters of the list of reports."""

    q = forms.CharField(label=gettext_lazy("Words of the report"), required=False, max_length=200)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("all")), *Report.State.choices],
    )
    tlp = forms.ChoiceField(label=gettext_lazy("Marking"), required=False, choices=_markings("all"))
    warnings = forms.ChoiceField(
        label=pgettext_lazy("of an object", "Kind"),
        required=False,
        choices=[("", gettext_lazy("all")), ("only", gettext_lazy("early warnings"))],
    )


class ObjectFilters(forms.Form):
    """Search and filters of the list of objects."""

    q = forms.CharField(label=gettext_lazy("Words, value or identifier"), required=False, max_length=200)
    type = forms.ChoiceField(label=pgettext_lazy("of an object", "Kind"), required=False)
    tlp = forms.ChoiceField(label=gettext_lazy("Marking"), required=False, choices=_markings("all"))
    report = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        kinds = self.fields["type"]
        if isinstance(kinds, forms.ChoiceField):
            kinds.choices = [("", _("all")), *((each, type_name(each)) for each in TYPES)]


class ImportFilters(forms.Form):
    """Filters of the list of imports."""

    q = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=200)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("all")), *Import.State.choices],
    )


class ImportForm(forms.Form):
    """A file or a paste, and how it is to be taken."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy("STIX 2.1, STIX 2.0 or MISP, as JSON."),
        widget=forms.FileInput(attrs={"accept": ".json,.stix,application/json"}),
    )
    paste = forms.CharField(
        label=gettext_lazy("Or paste it here"),
        required=False,
        strip=False,
        max_length=_LONGEST_PASTE,
        help_text=gettext_lazy("Up to a million characters; send more as a file."),
        widget=forms.Textarea(attrs={"rows": 6, **_TECHNICAL}),
    )
    name = forms.CharField(
        label=pgettext_lazy("of a file", "Name"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("How it is called in the list; the file’s own name if this is empty."),
    )
    tlp = forms.ChoiceField(
        label=gettext_lazy("Marking of what carries none"),
        choices=_markings(),
        initial=Tlp.AMBER.label,
        help_text=gettext_lazy("Objects that are marked keep their own marking."),
    )
    leave_out_refused = forms.BooleanField(
        label=gettext_lazy("Leave out what is not valid and take in the rest"),
        required=False,
        help_text=gettext_lazy("Without this, nothing is stored as soon as one object is not valid."),
    )

    def clean(self) -> dict[str, Any]:
        """Exactly one of file and paste, and not too large."""
        given = super().clean() or {}
        file, paste = given.get("file"), given.get("paste", "").strip()
        if file and paste:
            self.add_error("paste", _("Send the file or the paste, not both."))
        elif not file and not paste and "file" not in self.errors:
            self.add_error("file", _("Choose a file, or paste the text."))
        if file and file.size > settings.MAX_UPLOAD_BYTES:
            most = {"size": filesize(file.size), "most": filesize(settings.MAX_UPLOAD_BYTES)}
            self.add_error("file", _("The file has %(size)s; at most %(most)s are accepted.") % most)
        return given


class ReportForm(forms.Form):
    """Everything a person writes of a report."""

    edition = forms.IntegerField(widget=forms.HiddenInput, required=False)
    title = forms.CharField(
        label=gettext_lazy("Title"), max_length=300, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    summary = forms.CharField(
        label=gettext_lazy("Summary"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
    )
    tlp = forms.ChoiceField(
        label=gettext_lazy("Marking"),
        choices=_markings(),
        initial=Tlp.AMBER.label,
        help_text=gettext_lazy("It is never lowered after publishing."),
    )
    is_warning = forms.BooleanField(
        label=gettext_lazy("Early warning"),
        required=False,
        help_text=gettext_lazy(
            "It goes before everything else on a slow line, and only where a clause covers early warnings."
        ),
    )
    persons = forms.CharField(
        label=gettext_lazy("Persons it names"),
        required=False,
        help_text=gettext_lazy("For TLP:RED only: the e-mail addresses of whom it is for, one a line."),
        widget=forms.Textarea(attrs={"rows": 2, **_TECHNICAL}),
    )
    topics = forms.CharField(
        label=gettext_lazy("Topics"),
        required=False,
        help_text=gettext_lazy(
            "One a line: the short name of a vocabulary, a colon and the identifier of a term in it, as in "
            "attack:T1566 for technique T1566 of ATT&CK. Clauses may allow certain topics only."
        ),
        widget=forms.Textarea(attrs={"rows": 3, **_TECHNICAL}),
    )
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"),
        required=False,
        choices=list(OWN_NAMES.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    other_languages = forms.CharField(
        label=gettext_lazy("Other languages"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("By their codes, as in ms for Malay or tr for Turkish, parted by spaces."),
        widget=forms.TextInput(attrs=_TECHNICAL),
    )
    objects = forms.CharField(
        label=gettext_lazy("Objects"),
        required=False,
        help_text=gettext_lazy(
            "At least one before it is published. STIX identifiers, one a line: search for them and tick them under "
            "“Add objects”."
        ),
        widget=forms.Textarea(attrs={"rows": 8, **_TECHNICAL}),
    )


class SightingForm(forms.Form):
    """That something was seen."""

    count = forms.IntegerField(
        label=gettext_lazy("How often"), min_value=1, max_value=999_999_999, initial=1, localize=False
    )
    first_seen = forms.DateTimeField(
        label=gettext_lazy("First seen"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("In this node’s time zone; now if both are empty."),
    )
    last_seen = forms.DateTimeField(
        label=gettext_lazy("Last seen"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=10_000,
        help_text=gettext_lazy(
            "For whoever receives it. Name no person and no victim that need not be named."
        ),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    may_count = forms.BooleanField(
        label=gettext_lazy("It may travel on as a count"),
        required=False,
        help_text=gettext_lazy(
            "Whoever told of the object may tell others how often it was seen and in which months, together with at "
            "least two other nodes and without naming any. Up to TLP:AMBER."
        ),
    )


class WithdrawForm(forms.Form):
    """Why a report is withdrawn."""

    edition = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2000,
        help_text=gettext_lazy("Its receivers will read it."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        error_messages={"required": gettext_lazy("Say why it is withdrawn: its receivers will ask.")},
    )
