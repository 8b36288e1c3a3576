"""What the templates of agreements are built from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from taawun.cooperation.agreements.paper.provisions import parties
from taawun.cooperation.agreements.presenting import agreed_facts, partners_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.views.reading import ClauseRow

register = template.Library()


@register.inclusion_tag("agreements/contract.html")
def contract(document: Document, clauses: Sequence[ClauseRow]) -> dict[str, Any]:  # what a template is given
    """Everything that whoever approves or proposes a text agrees to: its parties, its terms and its clauses.

    Args:
        document: the text.
        clauses: its clauses as pages show them.
    """
    said = parties(document, partners_of(document))
    return {
        "document": document,
        "parties": list(zip(document.parties, said, strict=True)),
        "facts": agreed_facts(document),
        "clauses": clauses,
    }
