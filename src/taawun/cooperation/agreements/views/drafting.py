"""Writing a draft: a new one from a template, and changing one clause by clause."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.agreements import actions, waiting
from taawun.cooperation.agreements.drafting import TEMPLATES, draft_from, specimen
from taawun.cooperation.agreements.editing import Editor, place_in
from taawun.cooperation.agreements.errors import AgreementError, StepRefused
from taawun.cooperation.agreements.forms import NewForm, first_instant, first_instant_after
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.presenting import compare as differences
from taawun.cooperation.agreements.presenting import is_being_signed, template_facts
from taawun.cooperation.agreements.queries import draft_standing, standing_of
from taawun.cooperation.agreements.views.asking import draft_or_text, edition_in, tried_on_draft
from taawun.cooperation.agreements.views.reading import clause_rows
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web.drafts import Stale, gone_on_with

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.drafting import Template
    from taawun.cooperation.agreements.presenting import Comparison
    from taawun.cooperation.agreements.views.reading import ClauseRow
    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.components import Fact

__all__ = ["edit", "new", "template", "templates"]

# what of a draft has a page of its own: it is saved before that is opened
_FORM: Final = "editor"
_PAGES: Final = {"paper": "agreement-draft-scan", "parties": "agreement-draft-parties"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A template on the page of all templates."""

    template: Template
    clauses: list[ClauseRow]
    facts: list[Fact]


# ---- templates --------------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:agreements")
def templates(request: HttpRequest, actor: PersonActor) -> HttpResponse:
    """What there is to begin from, and what each would let flow."""
    context = {"shown": [_shown(each) for each in TEMPLATES], "may_write": waiting.WRITE in actor.permissions}
    return render(request, "agreements/templates.html", context)


@require_safe
@signed_in("read:agreements")
def template(request: HttpRequest, actor: PersonActor, name: str) -> HttpResponse:
    """One template as it would read, before anybody is named in it."""
    found = next((each for each in TEMPLATES if each.name == name), None)
    if found is None:
        raise Http404
    document = specimen(found)
    context = {
        "template": found,
        "document": document,
        "clauses": clause_rows(document),
        "facts": template_facts(document),
        "may_write": waiting.WRITE in actor.permissions,
    }
    return render(request, "agreements/template.html", context)


def _shown(start: Template) -> _Shown:
    document = specimen(start)
    return _Shown(start, clause_rows(document), template_facts(document))


# ---- a new one --------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def new(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Begin an agreement with a partner from a template."""
    asked = {"partner": request.GET.getlist("partner"), "template": request.GET.get("template")}
    form = NewForm(request.POST or None, initial=asked)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            document = draft_from(
                given["template"],
                list(given["partner"]),
                valid_from=first_instant(given["valid_from"]),
                valid_until=first_instant_after(given["last_day"]) if given["last_day"] else None,
            )
            begun = actions.draft(actor, document)
        except AgreementError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request,
                _("%(code)s is drafted. Read it, change what you like, and propose it when it is ready.")
                % {"code": begun.code},
            )
            return redirect("agreement-edit", begun.id)
    context = {
        "form": form,
        "has_partners": Partner.objects.exclude(kid="").exists(),
        "may_add": "manage:partners" in actor.permissions,
    }
    return render(request, "agreements/new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def edit(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Change the draft, or begin a next version or a counter-proposal from the text that is on the table."""
    held = get_object_or_404(Agreement, id=agreement_id)
    base = draft_or_text(held)
    if request.method != "POST":
        draft = gone_on_with(request, _FORM)
        if draft is not None:
            return _gone_on_with(request, held, Editor(base, draft.typed))
        return _editor_page(
            request, held, Editor(base, first=place_in(request.GET.get("first"))), held.draft_edition
        )
    editor, step, status = Editor(base, request.POST), request.POST.get("do", "save"), 200
    if not editor.rearrange(step):
        if not editor.is_valid():
            status = 422
        elif step == "check":
            editor.is_checked = True
        else:
            edition = edition_in(request)
            editor.refusal, status = tried_on_draft(lambda: _save(actor, held, editor, edition))
            if not editor.refusal:
                return _after_saving(request, held, step, base)
            if status == HTTPStatus.CONFLICT:
                return _stale_page(request, actor, agreement_id, editor)
    return _editor_page(request, held, editor, edition_in(request), status=status)


def _gone_on_with(request: HttpRequest, held: Agreement, editor: Editor) -> HttpResponse:
    """The editor with what was typed and not sent; beside what is saved, where that was saved since."""
    comparison = None
    if not editor.is_of_this_text and editor.put_over() and editor.is_valid():
        comparison = differences(editor.base, editor.document())
    editor.as_typed()
    return _editor_page(request, held, editor, held.draft_edition, comparison=comparison)


def _stale_page(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, sent: Editor
) -> HttpResponseBase:
    """What was typed beside what somebody saved meanwhile; saved again, it takes its place."""
    held = get_object_or_404(Agreement, id=agreement_id)
    editor = Editor(draft_or_text(held), request.POST)
    if not editor.put_over():
        # a part of a long text: what is typed stays in the form, to be copied into the text as it is now
        return _editor_page(request, held, sent, edition_in(request), status=409)
    comparison = differences(editor.base, editor.document()) if editor.is_valid() else None
    stale = Stale(draft_standing(actor, {"agreement_id": held.id}), _FORM, "do")
    return _editor_page(
        request, held, editor, held.draft_edition, status=409, comparison=comparison, stale=stale
    )


def _save(actor: PersonActor, held: Agreement, editor: Editor, edition: int) -> None:
    if not editor.is_of_this_text:
        # where there was no draft yet, another text may have come onto the table without an edition of ours
        raise StepRefused("edited-meanwhile", _("Somebody else edited the draft meanwhile. Load it again."))
    actions.edit_draft(actor, held, editor.document(), edition=edition)


def _after_saving(request: HttpRequest, held: Agreement, step: str, base: Document) -> HttpResponseBase:
    if step in _PAGES:
        return redirect(_PAGES[step], held.id)
    if step == "send":
        return redirect("agreement-propose" if _is_depositary(base) else "agreement-counter", held.id)
    messages.success(request, _("The draft is saved. Nobody else has seen it."))
    verb, _dash, first = step.partition("-")
    if verb == "go":
        return redirect(reverse("agreement-edit", args=[held.id], query={"first": place_in(first)}))
    return redirect("agreement", held.id)


def _is_depositary(document: Document) -> bool:
    return document.depositary.node == settings.BASE_URL


def _editor_page(  # noqa: PLR0913 - each is a part of the page
    request: HttpRequest,
    held: Agreement,
    editor: Editor,
    edition: int,
    *,
    status: int = 200,
    comparison: Comparison | None = None,
    stale: Stale | None = None,
) -> HttpResponse:
    context = {
        "agreement": held,
        "editor": editor,
        "edition": edition,
        "rows": editor.rows,
        "faults": editor.faults,
        "comparison": comparison,
        "stale": stale,
        "old_label": pgettext("beside what was typed", "Saved"),
        "new_label": pgettext("beside what is saved", "Yours"),
        "is_depositary": _is_depositary(editor.base),
        "is_change": not is_being_signed(standing_of(held)),
        "is_first": not held.versions.exists(),
    }
    return render(request, "agreements/edit.html", context, status=status)
