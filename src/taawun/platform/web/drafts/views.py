"""What the script of a form asks: keep what was typed. And what a person asks: forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from taawun.foundation.clock import now
from taawun.platform.web import formats
from taawun.platform.web.access import signed_in
from taawun.platform.web.drafts import keeping
from taawun.platform.web.drafts.marks import FIELD, read_mark
from taawun.platform.web.drafts.subjects import standing_at
from taawun.platform.web.pages import refuse

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.platform.web.drafts.marks import Mark

__all__ = ["discard_draft", "keep_draft"]


# the mark proves that the page is ours and its reader's: it is signed, and names them. So a page that is older than the
# last sign-in, whose CSRF token is over, loses nothing
@csrf_exempt
@require_POST
@signed_in()
def keep_draft(request: HttpRequest, actor: Any) -> HttpResponseBase:  # Any: the room of people's
    """Keep what was typed into a form so far.

    Answers with the sentence that the page shows; 409, with what is to be decided, where the same person wrote into
    the same form elsewhere, or somebody saved its subject, since the page was opened. Both are kept until then.
    """
    mark = read_mark(request.POST.get(FIELD, ""), actor.id)
    if mark is None:
        sentence = _("This page is too old, or is not yours. Load it again; copy what you typed before.")
        return refuse(request, 403, _("The form was not accepted"), sentence, code="form-not-accepted")
    decided = bool(request.POST.get("draft-keep"))
    try:
        other = keeping.keep(mark, keeping.writable(request.POST), decided=decided)
    except keeping.TooLong:
        said = _("Not kept by itself: this is too long. Send it to save it.")
        return JsonResponse({"said": said}, status=413)
    standing = standing_at(actor, mark.page)
    answer = {"said": _("Kept %(time)s") % {"time": formats.time_of_day(now())}}
    if decided:
        return JsonResponse(answer | {"mark": mark.renewed(standing.version if standing else "").signed()})
    if other is not None:
        told = _("You wrote into this form elsewhere on %(day)s at %(time)s, after you opened it here.")
        names = {"day": formats.day(other.written), "time": formats.time_of_day(other.written)}
        return _to_decide(answer, mark, told % names, f"?draft={other.id}")
    if standing is not None and mark.version and standing.version != mark.version:
        return _to_decide(answer, mark, str(standing), "")
    return JsonResponse(answer)


def _to_decide(answer: dict[str, str], mark: Mark, told: str, query: str) -> HttpResponse:
    context = {"told": told, "load": f"/{get_language()}{mark.page.partition('#')[0]}{query}"}
    drawn = render_to_string("web/drafts/decide.html", context)
    return JsonResponse(answer | {"notice": drawn}, status=409)


@require_POST
@signed_in()
def discard_draft(request: HttpRequest, actor: Any) -> HttpResponseBase:  # Any: as above
    """Forget a draft of one's own, and go back to its form."""
    try:
        page = keeping.discard(actor.id, UUID(request.POST.get("draft", "")))
    except ValueError:
        page = ""
    if not page:
        messages.info(request, _("That draft is no longer kept."))
        return HttpResponseRedirect(reverse("home"))
    messages.success(request, _("Discarded."))
    return HttpResponseRedirect(f"/{get_language()}{page}")
