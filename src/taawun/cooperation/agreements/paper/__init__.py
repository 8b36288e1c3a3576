"""Agreements on paper: any version, or a draft, as PDF and as DOCX, in one language or in two side by side."""

from taawun.cooperation.agreements.paper.content import Paper, paper_of
from taawun.cooperation.agreements.paper.pdf import as_pdf

__all__ = ["Paper", "as_pdf", "paper_of"]
