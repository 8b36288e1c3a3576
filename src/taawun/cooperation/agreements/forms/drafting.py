"""What a new agreement begins with."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from taawun.cooperation.agreements.drafting import TEMPLATES
from taawun.cooperation.agreements.forms.days import Day, check_order
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import now
from taawun.platform.web import formats
from taawun.platform.web.formats import called

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.drafting import Template

__all__ = ["NewForm", "label_of", "possible_partners"]

if TYPE_CHECKING:
    _Choice = forms.ModelMultipleChoiceField[Partner]
else:
    _Choice = forms.ModelMultipleChoiceField  # Django's own takes its model only in the stubs


class _PartnersField(_Choice):
    """Chooses partners by their names in the reader's language."""

    def label_from_instance(self, obj: Partner) -> str:
        """Its name, its nation's letters, and whether it is compared."""
        return label_of(obj)


def label_of(partner: Partner) -> str:
    """A partner in a choice: its name, its nation's letters, and whether it is compared."""
    name = called(partner.name)
    shown = f"{name} ({partner.nation})" if partner.nation else name
    if partner.state == Partner.State.VERIFIED:
        return shown
    return _("%(name)s, not yet compared") % {"name": shown}


def possible_partners() -> QuerySet[Partner]:
    """The partners with whom an agreement can be drafted: they have shown their key and are not blocked."""
    met = Partner.objects.filter(state__in=(Partner.State.MET, Partner.State.VERIFIED))
    return met.exclude(kid="").order_by("nation", "node")


def _as_choice(template: Template) -> SafeString:
    """A template in a choice: its name, its purpose, and what few partners make of the signatures that it asks for."""
    shown = format_html("<b>{}</b><br>{}", template.label, template.purpose)
    if template.signatures is None:
        return shown
    sentence = ngettext(
        "It enters into force when %(count)s party has signed; among fewer, when all have.",
        "It enters into force when %(count)s parties have signed; among fewer, when all have.",
        template.signatures,
    )
    return format_html("{}<br>{}", shown, sentence % {"count": formats.number(template.signatures)})


class NewForm(forms.Form):
    """With whom, from which template, from when until when."""

    partner = _PartnersField(
        label=gettext_lazy("Partners"),
        queryset=Partner.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "One for an agreement between two, several for one among many. You can draft and negotiate before a "
            "fingerprint is compared, but not sign."
        ),
        error_messages={"required": gettext_lazy("Choose at least one partner.")},
    )
    template = forms.ChoiceField(
        label=gettext_lazy("Template"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "A start, not a standard form: every word can be changed before it is proposed."
        ),
    )
    valid_from = Day(label=gettext_lazy("In force from"))
    last_day = Day(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Leave it empty for no end.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        partner, template = self.fields["partner"], self.fields["template"]
        if isinstance(partner, forms.ModelMultipleChoiceField):
            partner.queryset = possible_partners()
        if isinstance(template, forms.ChoiceField):
            template.choices = [(each.name, _as_choice(each)) for each in TEMPLATES]
        self.fields["valid_from"].initial = now().astimezone(UTC).date()
        self.fields["template"].initial = self.initial.get("template") or TEMPLATES[0].name

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        found = super().clean() or {}
        check_order(self, found)
        return found
