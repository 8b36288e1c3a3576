"""How a newcomer is confirmed."""

from __future__ import annotations

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy

__all__ = ["NewcomerForm"]

EVERYTHING: Final = "everything"


class NewcomerForm(forms.Form):
    """From where it reads; nothing is chosen beforehand, for either may be wrong."""

    reads = forms.ChoiceField(
        label=gettext_lazy("It may read"),
        widget=forms.RadioSelect,
        choices=[
            (EVERYTHING, gettext_lazy("everything that is listed here, and what follows")),
            ("accession", gettext_lazy("only what is sent from its accession on")),
        ],
        error_messages={"required": gettext_lazy("Choose from where it reads.")},
    )

    @property
    def reads_earlier(self) -> bool:
        """Whether it may read what was sent before it joined."""
        return bool(self.cleaned_data["reads"] == EVERYTHING)
