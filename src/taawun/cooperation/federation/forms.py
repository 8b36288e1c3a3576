"""What the pages of releases ask for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.partners.models import Partner
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

__all__ = ["QuestionForm", "ReasonForm", "ReleaseFilters"]

_TOPIC: Final = re.compile(r"[a-z0-9][a-z0-9-]*:\S{1,120}")


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
            if not _TOPIC.fullmatch(topic):
                raise ValidationError(
                    _("“%(term)s” is no topic; write one like attack:T1566.") % {"term": topic[:60]}
                )
        return found


class ReasonForm(forms.Form):
    """Why something is taken back."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2000,
        help_text=gettext_lazy("Its receivers will read it."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        error_messages={"required": gettext_lazy("Say why it is withdrawn: its receivers will ask.")},
    )


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
        partner, kind = self.fields["partner"], self.fields["kind"]
        language = get_language() or "en"
        everybody = Partner.objects.exclude(kid="").order_by("nation", "node")
        if isinstance(partner, forms.ChoiceField):
            partner.choices = [
                ("", _("all")),
                *((str(each.id), each.name.in_language(language).value) for each in everybody),
            ]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [("", _("all")), *_kinds()]
