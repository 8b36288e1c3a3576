"""The pages of the help: all topics with a search, and one topic, whole or as the part that the panel loads.

Anybody may read them, also before the door: they say how Taawun works, and nothing of this node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from taawun.platform.registry import registry
from taawun.platform.web.help import HelpTopic, text_of, topic_of_page, topics_for

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["topic", "topics"]

_LONGEST: Final = 200


@require_safe
def topics(request: HttpRequest) -> HttpResponse:
    """Every topic by group, or those that have the words asked for; and what Taawun is."""
    asked = request.GET.get("q", "").strip()[:_LONGEST]
    first = topic_of_page("help")
    context = {
        "asked": asked,
        "groups": topics_for(asked),
        "first": text_of(first) if first and not asked else None,
    }
    return render(request, "web/help_topics.html", context)


@require_safe
def topic(request: HttpRequest, name: str) -> HttpResponse:
    """One topic; what htmx asks for comes without the frame, for the panel."""
    found = registry.find(HelpTopic, name)
    if found is None:
        raise Http404
    part = "web/help_text.html" if request.headers.get("HX-Request") else "web/help_topic.html"
    response = render(request, part, {"text": text_of(found)})
    patch_vary_headers(response, ["HX-Request"])
    return response
