"""Every address of the node, by room."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from taawun.node.health import healthz, readyz

urlpatterns = [
    path("", include("taawun.cooperation.partners.protocol_urls")),
    path("", include("taawun.node.api")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]

# a room's pages live under its own name, below the language
_ROOMS = (
    ("people/", "taawun.cooperation.people.urls"),
    ("audit/", "taawun.platform.audit.urls"),
    ("notices/", "taawun.platform.notices.urls"),
    ("partners/", "taawun.cooperation.partners.urls"),
    ("agreements/", "taawun.cooperation.agreements.urls"),
    ("releases/", "taawun.cooperation.federation.urls"),
    ("intel/", "taawun.capabilities.intel.urls"),
    ("", "taawun.node.page_urls"),
)

urlpatterns += i18n_patterns(
    path("account/", include("allauth.urls")),
    *(path(prefix, include(module)) for prefix, module in _ROOMS if find_spec(module)),
)

handler400 = "taawun.platform.web.views.bad_request"
handler403 = "taawun.platform.web.views.forbidden"
handler404 = "taawun.platform.web.views.not_found"
handler500 = "taawun.platform.web.views.server_error"
