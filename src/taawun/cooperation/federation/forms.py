"""What the pages of releases ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import TOPIC
from taawun.cooperation.agreements.forms.days import Day
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.ledger import Wanted
from taawun.cooperation.partners.queries import partner_names
from taawun.cooperation.people.forms import LIVES
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.components import STATES
from taawun.platform.web.forms import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.utils.functional import _StrOrPromise

    from taawun.cooperation.federation.guests import Hosted

__all__ = [
    "GuestFilters",
    "GuestTokenForm",
    "LedgerFilters",
    "PublicFilters",
    "QuestionForm",
    "ReasonForm",
    "ReceivedFilters",
    "ReleaseFilters",
    "TitleFilter",
]

_YEAR: Final = 12


def _kinds() -> list[tuple[str, _StrOrPromise]]:
    return [(kind.name, kind.label) for kind in registry.all(ReleaseKind)]


class QuestionForm(forms.Form):
    """What would be published; the answer is who would receive it."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"))
    tlp = forms.ChoiceField(
        label=gettext_lazy("Marking"),
        choices=[(each.label, each.label) for each in Tlp],
        initial=Tlp.AMBER.label,
    )
    topics = forms.CharField(
        label=gettext_lazy("Topics"),
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
        help_text=gettext_lazy("Terms like attack:T1566, separated by spaces."),
    )
    persons = forms.BooleanField(
        label=gettext_lazy("It names the persons it is for"),
        required=False,
        help_text=gettext_lazy("Only TLP:RED asks for this."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = _kinds()

    def clean_topics(self) -> frozenset[str]:
        """Terms of vocabularies."""
        found = frozenset(self.cleaned_data["topics"].replace(",", " ").replace("،", " ").split())
        for topic in sorted(found):
            if not TOPIC.fullmatch(topic):
                raise ValidationError(
                    _("“%(term)s” is no topic; write one like attack:T1566.") % {"term": topic[:60]}
                )
        return found


class ReasonForm(forms.Form):
    """Why something is withdrawn, or what was shared onward taken back."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2000,
        help_text=gettext_lazy("Its receivers will read it."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        error_messages={"required": gettext_lazy("Say why it is withdrawn: its receivers will ask.")},
    )


class PublicFilters(forms.Form):
    """Search and filter of what anybody may read."""

    q = forms.CharField(label=gettext_lazy("Title"), required=False, max_length=200)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [("", gettext_lazy("all")), *_kinds()]


class ReleaseFilters(forms.Form):
    """Search and filters of the list of releases."""

    q = forms.CharField(label=gettext_lazy("Title"), required=False, max_length=200)
    direction = forms.ChoiceField(
        label=gettext_lazy("Direction"),
        required=False,
        choices=[
            ("", gettext_lazy("both")),
            ("given", pgettext_lazy("release", "given")),
            ("received", pgettext_lazy("release", "received")),
        ],
    )
    partner = forms.ChoiceField(label=gettext_lazy("Partner"), required=False)
    readable_by = forms.ChoiceField(label=gettext_lazy("Readable now by"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("all")),
            ("live", gettext_lazy("published")),
            ("withdrawn", pgettext_lazy("release", "withdrawn")),
            ("ended", pgettext_lazy("release", "ended")),
        ],
    )

    ends = forms.ChoiceField(
        label=gettext_lazy("Ends"),
        required=False,
        choices=[
            ("", gettext_lazy("any time")),
            ("7", gettext_lazy("within 7 days")),
            ("30", gettext_lazy("within 30 days")),
        ],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        kind, everybody = self.fields["kind"], _partners()
        for name, nobody in (("partner", _("all")), ("readable_by", _("not filtered"))):
            chosen = self.fields[name]
            if isinstance(chosen, forms.ChoiceField):
                chosen.choices = [("", nobody), *everybody]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [("", _("all")), *_kinds()]


class ReceivedFilters(forms.Form):
    """Search and filters of what partners gave."""

    q = forms.CharField(label=gettext_lazy("Title"), required=False, max_length=200)
    partner = forms.ChoiceField(label=gettext_lazy("Partner"), required=False)
    agreement = forms.ChoiceField(label=gettext_lazy("Agreement"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    since = Day(label=pgettext_lazy("first day", "From"), required=False)
    until = Day(label=pgettext_lazy("last day", "Until"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        # Any: a label may be a lazy translation
        choices: dict[str, list[tuple[str, Any]]] = {
            "partner": [("", _("all")), *_partners()],
            "agreement": [("", _("all")), *((str(each.id), each.code) for each in _agreements())],
            "kind": [("", _("all")), *_kinds()],
        }
        for name, shown in choices.items():
            chosen = self.fields[name]
            if isinstance(chosen, forms.ChoiceField):
                chosen.choices = shown


class LedgerFilters(forms.Form):
    """Which part of the ledger, and by what it is summed."""

    by = forms.ChoiceField(
        label=gettext_lazy("By"),
        required=False,
        choices=[
            ("", gettext_lazy("agreement")),
            ("partner", gettext_lazy("partner")),
            ("kind", pgettext_lazy("release", "kind")),
            ("month", gettext_lazy("month")),
        ],
    )
    agreement = forms.ChoiceField(label=gettext_lazy("Agreement"), required=False)
    partner = forms.ChoiceField(label=gettext_lazy("Partner"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    since = forms.ChoiceField(label=pgettext_lazy("month", "From"), required=False)
    until = forms.ChoiceField(label=pgettext_lazy("month", "Until"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        months = [(each, formats.month(each)) for each in _months()]
        # Any: a label may be a lazy translation
        choices: dict[str, list[tuple[str, Any]]] = {
            "agreement": [("", _("all")), *((str(each.id), each.code) for each in _agreements())],
            "partner": [("", _("all")), *_partners()],
            "kind": [("", _("all")), *_kinds()],
            "since": [("", _("a year ago")), ("all", _("the beginning")), *months],
            "until": [("", _("now")), *months],
        }
        for name, shown in choices.items():
            chosen = self.fields[name]
            if isinstance(chosen, forms.ChoiceField):
                chosen.choices = shown

    def wanted(self) -> Wanted:
        """What was asked for; what is no choice counts as not asked for, so that an old link still opens."""
        found = understood(self)
        since = found.get("since", "")
        return Wanted(
            agreement=UUID(found["agreement"]) if found.get("agreement") else None,
            partner=UUID(found["partner"]) if found.get("partner") else None,
            kind=found.get("kind", ""),
            since="" if since == "all" else since or _months()[_YEAR - 1],
            until=found.get("until", ""),
        )

    @property
    def dimension(self) -> str:
        """By what it is summed."""
        return understood(self).get("by") or "agreement"


def _agreements() -> QuerySet[Agreement]:
    return Agreement.objects.only("number").order_by("-number")


def _partners() -> list[tuple[str, str]]:
    language = get_language() or "en"
    return [(str(key), name.in_language(language).value) for key, name in partner_names().items()]


def _months() -> list[str]:
    """The last three years' months, the newest first."""
    at = now()
    count = at.year * 12 + at.month - 1
    return [f"{(count - back) // 12:04d}-{(count - back) % 12 + 1:02d}" for back in range(3 * _YEAR)]


class TitleFilter(forms.Form):
    """What a list of releases is searched by where there is nothing else to choose."""

    q = forms.CharField(
        label=gettext_lazy("Title"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )


class GuestFilters(forms.Form):
    """Which guests."""

    q = forms.CharField(label=gettext_lazy("Guest or agreement"), required=False, max_length=100)


class GuestTokenFilters(forms.Form):
    """Which tokens of guests."""

    q = forms.CharField(label=gettext_lazy("Purpose, guest or holder"), required=False, max_length=100)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("all")),
            *((name, STATES[name].word) for name in ("active", "lapsed", "revoked")),
        ],
    )


class GuestTokenForm(forms.Form):
    """A token for a guest of this node."""

    guest = forms.ChoiceField(label=gettext_lazy("Guest"))
    name = forms.CharField(
        label=gettext_lazy("What or whom it is for"),
        max_length=100,
        help_text=gettext_lazy("For example: the library's reader."),
    )
    email = forms.EmailField(
        label=gettext_lazy("Who holds it"),
        required=False,
        help_text=gettext_lazy(
            "The e-mail address of one person, where TLP:RED may be read with it: that is served only to whom it "
            "names. Leave it empty for a program."
        ),
        widget=forms.EmailInput(attrs={"dir": "ltr"}),
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("How long it lives"), coerce=int, choices=LIVES, initial=90
    )

    def __init__(self, *args: Any, guests: Sequence[Hosted], **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        self._guests = {f"{each.agreement.id}#{each.ref}": each for each in guests}
        language = get_language() or "en"
        field = self.fields["guest"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [
                (key, f"{each.name.in_language(language).value} ({each.agreement.code})")
                for key, each in self._guests.items()
            ]

    @property
    def chosen(self) -> tuple[Agreement, str]:
        """The agreement and the ref of the guest that was chosen."""
        found = self._guests[self.cleaned_data["guest"]]
        return found.agreement, found.ref
