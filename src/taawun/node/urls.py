"""Every address of the node, by room.

A room's pages live under its own name, below the language: it registers them as
:class:`taawun.platform.web.rooms.Pages`.
"""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from taawun.node.health import healthz, readyz
from taawun.node.metrics import metrics
from taawun.platform.registry import registry
from taawun.platform.web.rooms import Pages

urlpatterns = [
    path("", include("taawun.cooperation.partners.exchange.protocol_urls")),
    path("", include("taawun.node.api")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]

urlpatterns += i18n_patterns(
    *(path(f"{room.name}/", include(room.module)) for room in registry.all(Pages)),
    path("", include("taawun.node.page_urls")),
)

handler400 = "taawun.platform.web.views.bad_request"
handler403 = "taawun.platform.web.views.forbidden"
handler404 = "taawun.platform.web.views.not_found"
# allauth asks for it when somebody tries too often
handler429 = "taawun.platform.web.views.too_many_requests"
handler500 = "taawun.platform.web.views.server_error"
