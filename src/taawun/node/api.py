"""The machine interface: every room's router under ``/api/v1/``, behind one gate.

A room registers its part as :class:`taawun.platform.web.rooms.Operations`. What it may need to know is in
``platform/web/api.py``.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Final

from django.http import HttpResponseRedirect
from django.urls import URLPattern, include, path, re_path, reverse
from django.views.decorators.http import require_safe

from taawun import __version__
from taawun.platform.registry import registry
from taawun.platform.web.api import Renderer, StrictParser, TokenAuth, gate, handle_errors, no_such_address
from taawun.platform.web.openapi import DocumentedAPI
from taawun.platform.web.rooms import Operations

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["api", "urlpatterns"]

_ROUTE_PARAMETER: Final = re.compile(r"{([^{}]+)}")
_PUBLIC: Final = frozenset({"openapi-json", "openapi-view", "api-root"})
_DESCRIPTION: Final = """\
Everything a person may do on this node, a program may do with their token; but passwords, passkeys and second factors
are for the person at the page.

- **Tokens** are sent as `Authorization: Bearer …`. A token may do what its scopes and its person's roles both allow.
- **Errors** are problem documents (RFC 9457): a stable `type`, and a `detail` in the language of `Accept-Language`.
- **Lists** take `limit` (50, at most 500) and `after`, which is the `next` of the page before.
- **Edits** of what several people write need the ETag of what was edited as `If-Match`.
- **Every POST** takes an `Idempotency-Key`: sent again within 24 hours, it is not done again.
- A text in several languages is an object: `{"ar": …, "en": …, "fr": …}`.
"""

api = DocumentedAPI(
    title="Taawun",
    version="1",
    description=_DESCRIPTION,
    urls_namespace="api",
    auth=TokenAuth(),
    parser=StrictParser(),
    renderer=Renderer(),
    openapi_extra={"info": {"x-software-version": __version__}},
)
_rooms: Final = registry.all(Operations)
_modules: Final = [import_module(room.module) for room in _rooms]
for _module in _modules:
    api.add_router("", _module.router)
# which door each address has, by its route as Django writes it
_doors: Final = {
    _ROUTE_PARAMETER.sub(r"<\1>", route).strip("/"): room.door
    for room, module in zip(_rooms, _modules, strict=True)
    for route in module.router.path_operations
}
handle_errors(api, *(getattr(module, "ERRORS", {}) for module in _modules))


def _root(request: HttpRequest, **_arguments: object) -> HttpResponse:
    del request
    return HttpResponseRedirect(reverse("api:openapi-view"))


def _behind_the_gate(pattern: URLPattern) -> URLPattern:
    view = _root if pattern.name == "api-root" else pattern.callback
    is_public = pattern.name in _PUBLIC
    # ninja's own views of the document take every method; an operation knows its methods itself
    door = _doors.get(str(pattern.pattern).strip("/"), "people")
    gated = gate(require_safe(view) if is_public else view, is_public=is_public, door=door)
    return path(str(pattern.pattern), gated, name=pattern.name)


_patterns, _application, _namespace = api.urls
_gated: Final = [_behind_the_gate(each) for each in _patterns if isinstance(each, URLPattern)]

urlpatterns = [
    path("api/v1/", include((_gated, _application), namespace=_namespace)),
    # whatever else is asked for below /api/ gets a problem, not a page
    re_path(r"^api(?:/.*)?$", no_such_address),
]
