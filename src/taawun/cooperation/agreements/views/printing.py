"""Agreements to print: which languages, which form, and the page that waits for a long one."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from taawun.cooperation.agreements import waiting
from taawun.cooperation.agreements.forms import PaperForm
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.paper.printing import DRAFT, FORMS, PrintOrder, printed
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web.downloads import attachment

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["draft_paper", "paper"]


@require_safe
@signed_in("read:agreements")
def paper(request: HttpRequest, actor: PersonActor, agreement_id: UUID, number: int) -> HttpResponseBase:
    """One version to print."""
    del actor
    held = get_object_or_404(Agreement, id=agreement_id)
    return _paper(request, held, str(number))


@require_safe
@signed_in(waiting.WRITE)
def draft_paper(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """The draft to print, marked as one on every page."""
    del actor
    held = get_object_or_404(Agreement, id=agreement_id)
    return _paper(request, held, DRAFT)


def _paper(request: HttpRequest, held: Agreement, text: str) -> HttpResponseBase:
    asked = request.GET if "form" in request.GET else None
    form = PaperForm(asked, initial={"language": get_language() or "en", "form": "pdf"})
    # Any: what the page shows
    context: dict[str, Any] = {
        "agreement": held,
        "number": None if text == DRAFT else int(text),
        "form": form,
    }
    try:
        order = PrintOrder.of(
            held,
            text,
            languages=form.languages if form.is_valid() else ("en",),
            form=form.cleaned_data["form"] if form.is_valid() else "pdf",
        )
    except LookupError:
        raise Http404 from None
    if asked is None or not form.is_valid():
        return render(request, "agreements/paper.html", context, status=422 if form.errors else 200)
    made = printed(order)
    if isinstance(made, bytes):
        name = f"{held.code}-{text}-{'-'.join(order.languages)}.{order.form}"
        return attachment(made, name=name, content_type=FORMS[order.form])
    context |= {"job": made, "is_busy": made is None}
    status = HTTPStatus.SERVICE_UNAVAILABLE if made is None else HTTPStatus.OK
    return render(request, "agreements/paper.html", context, status=status)
