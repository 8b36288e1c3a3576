"""Django app of the audit trail."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Announces the sealing sweep."""

    name = "taawun.platform.audit"
    label = "audit"
    verbose_name = "Audit trail"

    def ready(self) -> None:
        """Register the schedule that seals new rows."""
        from taawun.platform.audit.actions import seal
        from taawun.platform.registry import Capability, registry
        from taawun.platform.work.schedules import Schedule

        registry.register(
            Capability("audit", _("Audit trail"), (Schedule("audit.seal", timedelta(seconds=10), seal),))
        )
