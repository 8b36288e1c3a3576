"""Pages that any room needs: a confirmation that names its effect, and a refusal that gives its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language_from_path

from taawun.platform.web.problems import problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.forms import BaseForm
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

_SENT_AGAIN: Final = frozenset({400, 413, 429})

__all__ = ["confirm", "is_by_script", "refuse", "wants_page"]


def confirm(  # noqa: PLR0913 - each argument is one part of the question
    request: HttpRequest,
    *,
    question: _StrOrPromise,
    effects: Sequence[_StrOrPromise],
    action: _StrOrPromise,
    cancel_url: str,
    tone: str = "",
    form: BaseForm | None = None,
    hidden: Mapping[str, str] | None = None,
    refusal: str = "",
) -> HttpResponse:
    """A question as a page of its own; its buttons are the answers, and the yes posts to the same address.

    Args:
        request: of the page.
        question: the title, ending in a question mark.
        effects: what will happen, a sentence each.
        action: the words of the button that does it; they name the effect. Empty where there is nothing to do, so that
            no button stands there.
        cancel_url: where the other button leads.
        tone: ``gold`` when something leaves the node, ``alarm`` when something is lost, empty otherwise.
        form: asked for in the same breath, for example a reason.
        hidden: values that the answer carries along.
        refusal: why the answer could not be carried out when it was given before.
    """
    context = {
        "question": question,
        "effects": effects,
        "action": action,
        "cancel_url": cancel_url,
        "tone": tone,
        "form": form,
        "hidden": hidden or {},
        "refusal": refusal,
    }
    return render(request, "web/confirm.html", context, status=422 if refusal else 200)


def refuse(
    request: HttpRequest, status: int, title: str, sentence: str, *, code: str = "refused"
) -> HttpResponse:
    """A refusal in the shell for browsers, and as a problem document for everything else.

    Args:
        request: what was asked.
        status: the HTTP status.
        title: a few words.
        sentence: the reason and the next step.
        code: of the problem document.
    """
    if not wants_page(request):
        return problem(status, code, sentence)
    # what a form carried is refused with its reason; where it came too often or too large it may be sent again
    was_sent = request.method == "POST" and status in _SENT_AGAIN
    context = {"title": title, "sentence": sentence, "status": status, "was_sent": was_sent}
    return render(request, "web/refusal.html", context, status=status)


def wants_page(request: HttpRequest) -> bool:
    """Whether the answer is for a person: addresses below a language are pages, and browsers ask for HTML."""
    if get_language_from_path(request.path_info):
        return True
    return "text/html" in request.headers.get("Accept", "") and not request.path_info.startswith("/api/")


def is_by_script(request: HttpRequest) -> bool:
    """Whether a script of a page asks, which shows a part of the answer or none: it cannot be led to another page."""
    return "HX-Request" in request.headers or request.headers.get("X-Requested-With") == "XMLHttpRequest"
