"""The one word with which a form keeps what is typed into it: ``{% keeps_draft "its-id" form %}``, before the form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django import template
from django.forms import Textarea
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from taawun.platform.web import formats
from taawun.platform.web.drafts import FIELD, differences, gone_on_with, kept, read_mark, refill
from taawun.platform.web.drafts.marks import new_mark, page_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django.forms import BaseForm
    from django.http import HttpRequest
    from django.template.context import Context

    from taawun.platform.web.drafts import Difference, Mark
    from taawun.platform.web.drafts.keeping import Kept

register = template.Library()


@dataclass(frozen=True, slots=True)
class _Shown:
    """A draft as the page tells of it."""

    id: UUID
    day: str
    time: str
    is_older: bool
    differences: Sequence[Difference]

    @classmethod
    def of(cls, draft: Kept, form: BaseForm | None, edition: str) -> _Shown:
        is_older = draft.version != edition
        tells = is_older and form is not None and not form.is_bound
        told = differences(form, draft.typed) if tells and form is not None else ()
        at = draft.written
        return cls(draft.id, formats.day(at), formats.time_of_day(at), is_older, told)


@register.simple_tag(takes_context=True)
def keeps_draft(
    context: Context,
    form_id: str,
    form: BaseForm | None = None,
    version: object = None,
) -> SafeString:
    """Let a form keep what is typed into it, and say what was kept when it was open before.

    It stands before the form. Where the page is opened with a draft, the form is filled with that here.

    Args:
        context: of the template.
        form_id: id of the ``<form>``.
        form: the form; None where its view fills it itself (:func:`~taawun.platform.web.drafts.gone_on_with`).
        version: edition of what the form changes; drafts of an older one say so.
    """
    request: HttpRequest = context["request"]
    page = page_of(request, form_id)
    if not page or not getattr(request, "user", None) or request.user.pk is None:
        return mark_safe("")
    edition = "" if version is None else str(version)
    opened = gone_on_with(request, form_id)
    others = [] if request.method == "POST" else kept(request, form_id)
    continues = opened.id if opened else None
    mark = _sent_again(request, page, edition) or new_mark(request.user.pk, page, edition, continues)
    shown = [_Shown.of(each, form, edition) for each in others if opened is None or each.id != opened.id]
    drawn = {
        "id": form_id,
        "name": FIELD,
        "mark": mark.signed(),
        "shown": shown,
        "opened": _Shown.of(opened, form, edition) if opened else None,
        "path": request.path,
    }
    if form is not None and opened is not None and not form.is_bound:
        refill(form, opened.typed)
    return SafeString(render_to_string("web/drafts/kept.html", drawn, request=request))


@register.filter
def takes_prose(form: BaseForm) -> bool:
    """Whether somebody writes more than a line into a form."""
    return any(isinstance(each.widget, Textarea) for each in form.fields.values())


def _sent_again(request: HttpRequest, page: str, edition: str) -> Mark | None:
    """The mark with which a form was sent that is shown again: the same opening, about the edition it now names."""
    if request.method != "POST":
        return None
    mark = read_mark(request.POST.get(FIELD, ""), request.user.pk)
    return replace(mark, version=edition) if mark is not None and mark.page == page else None
