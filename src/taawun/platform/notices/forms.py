"""What the page of notices asks for."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from taawun.platform.notices.models import Notice

__all__ = ["NoticeFilters"]


class NoticeFilters(forms.Form):
    """Filter of the list of notices."""

    level = forms.ChoiceField(
        label=_("How much it matters"), required=False, choices=[("", _("all")), *Notice.Level.choices]
    )
