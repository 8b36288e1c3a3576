"""Django app of the audit trail."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Announces the sealing sweep and the page of the trail."""

    name = "taawun.platform.audit"
    label = "audit"
    verbose_name = "Audit trail"

    def ready(self) -> None:
        """Register the schedule that seals new rows, and the page."""
        from taawun.platform.audit.actions import seal
        from taawun.platform.audit.help_topics import TOPICS
        from taawun.platform.audit.queries import pulse
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.live import Pulse
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.web.rooms import Operations, Pages
        from taawun.platform.work.schedules import Schedule

        registry.register(
            Capability(
                "audit",
                _("Audit trail"),
                (
                    Pages("audit", "taawun.platform.audit.urls"),
                    Operations("audit", "taawun.platform.audit.api"),
                    Pulse("audit", pulse),
                    Schedule("audit.seal", timedelta(seconds=10), seal),
                    *TOPICS,
                    NavigationEntry(
                        "audit", Group.NODE, _("Audit trail"), "audit", "read:audit", order=20, icon="audit"
                    ),
                ),
            )
        )
