"""What is asked for to name a paper instrument in a draft, and to keep its scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.cooperation.agreements.document import Document, Paper
from taawun.cooperation.agreements.forms.days import Day
from taawun.cooperation.agreements.forms.terms import InLanguages, filled_in
from taawun.foundation.digests import Sha256Stream, as_sha256
from taawun.platform.web import formats
from taawun.platform.web.forms import western

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files.uploadedfile import UploadedFile

__all__ = ["InstrumentForm", "ScanForm"]


class ScanForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=gettext_lazy("The scan"),
        help_text=gettext_lazy(
            "Exactly the file whose digest the agreement names, byte for byte; at most 64 MiB."
        ),
        error_messages={"empty": gettext_lazy("This file is empty. Choose the scan itself.")},
    )


class InstrumentForm(InLanguages):
    """Title, date and scan of the paper instrument that a draft is to be the annex of.

    Args:
        base: the draft.
        most: the most bytes that a scan may have.
    """

    def __init__(
        self, *args: Any, base: Document, languages: Sequence[str], most: int, **kwargs: Any
    ) -> None:
        self._most = most
        if base.instrument is not None:
            kwargs.setdefault("initial", self.filled(base.instrument))
        super().__init__(*args, languages=languages, **kwargs)
        self.add_text("title", _("Title"))
        self.fields["date"] = Day(label=_("Date"), help_text=_("The day that stands on the paper."))
        self.fields["file"] = forms.FileField(
            label=_("The scan"),
            required=False,
            widget=forms.FileInput,
            help_text=_(
                "Its digest is computed from this file, and the file is kept here as the scan at once; "
                "at most 64 MiB."
            ),
            error_messages={"empty": _("This file is empty. Choose the scan itself.")},
        )
        self.fields["digest"] = forms.CharField(
            label=_("Digest of its scan (SHA-256)"),
            required=False,
            max_length=100,
            widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
            help_text=_("Only where you have no scan at hand: 64 hexadecimal digits. A file goes before it."),
        )

    @staticmethod
    def filled(paper: Paper) -> dict[str, Any]:
        """The fields as a paper fills them."""
        return {**filled_in("title", paper.title), "date": paper.date, "digest": paper.digest}

    def clean_file(self) -> UploadedFile[bytes] | None:
        """A scan that can be kept."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > self._most:
            raise forms.ValidationError(
                _("This file has more than %(most)s. Choose a smaller scan.")
                % {"most": formats.filesize(self._most)}
            )
        return file

    def clean_digest(self) -> str:
        """A digest in the one way it is written; another way of writing the same one is mended."""
        written = western("".join(self.cleaned_data["digest"].split())).lower()
        try:
            return as_sha256(written) if written else ""
        except ValueError:
            raise forms.ValidationError(
                _("A SHA-256 has 64 hexadecimal digits. Choose the scan, or copy all of them.")
            ) from None

    def clean(self) -> dict[str, Any]:
        """A title there must be, and a scan or its digest."""
        found = super().clean() or {}
        self.require_text(found, "title")
        if file := found.get("file"):
            found["digest"] = _digest(file)
        elif not found.get("digest") and not {"file", "digest"} & set(self.errors):
            self.add_error("file", _("Choose the scan, or write its digest."))
        return found

    def paper(self) -> Paper:
        """The paper as it was named; only of a valid form."""
        found = self.cleaned_data
        title = self.text(found, "title")
        if title is None:
            raise ValueError("a form without a title is not valid")
        return Paper(title, found["date"], found["digest"])


def _digest(file: UploadedFile[bytes]) -> str:
    stream = Sha256Stream()
    for piece in file.chunks():
        stream.update(piece)
    file.seek(0)
    return stream.hexdigest()
