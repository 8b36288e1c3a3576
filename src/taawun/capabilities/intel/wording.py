"""What was noticed in a file, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from taawun.capabilities.intel.stix import SENTENCES

if TYPE_CHECKING:
    from taawun.capabilities.intel.models import ImportIssue

__all__ = ["sentence_of"]


def sentence_of(issue: ImportIssue) -> str:
    """The sentence of an issue."""
    # the sentences are constants of the pure package; the catalogues' extractor reads them there
    return _(SENTENCES[issue.code]) % issue.params
