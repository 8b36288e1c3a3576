"""How an agreement is to be printed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from taawun.foundation.multilingual import LANGUAGES
from taawun.platform.web import formats

__all__ = ["PaperForm"]


class PaperForm(forms.Form):
    """In which languages, and as what."""

    language = forms.ChoiceField(label=gettext_lazy("Language"))
    beside = forms.ChoiceField(
        label=gettext_lazy("Beside it"),
        required=False,
        help_text=gettext_lazy("Two languages stand in two columns, clause by clause."),
    )
    form = forms.ChoiceField(
        label=pgettext_lazy("of a file", "Form"),
        choices=[("pdf", gettext_lazy("PDF, to keep")), ("docx", gettext_lazy("DOCX, to work on"))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        names = formats.reader_locale().languages
        languages = [(each, str(names.get(each, each))) for each in LANGUAGES]
        for name, choices in (
            ("language", languages),
            ("beside", [("", _("no second language")), *languages]),
        ):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = choices

    @property
    def languages(self) -> tuple[str, ...]:
        """The chosen ones, each once; only of a valid form."""
        chosen = (self.cleaned_data["language"], self.cleaned_data["beside"])
        return tuple(dict.fromkeys(each for each in chosen if each))
