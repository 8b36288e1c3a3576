"""What is asked for to keep the scan of a paper instrument."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

__all__ = ["ScanForm"]


class ScanForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=gettext_lazy("The scan"),
        help_text=gettext_lazy(
            "Exactly the file whose digest the agreement names, byte for byte; at most 64 MiB."
        ),
        error_messages={"empty": gettext_lazy("This file is empty. Choose the scan itself.")},
    )
