"""Django app of background work."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkConfig(AppConfig):
    """Announces the recovery sweep."""

    name = "taawun.platform.work"
    label = "work"
    verbose_name = "Background work"

    def ready(self) -> None:
        """Register the sweep that starts again what a dead worker left."""
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.live import Pulse
        from taawun.platform.web.rooms import Operations
        from taawun.platform.work.actions import prune, sweep
        from taawun.platform.work.queries import pulse
        from taawun.platform.work.schedules import Schedule

        registry.register(
            Capability(
                "work",
                _("Background work"),
                (
                    Operations("work", "taawun.platform.work.api"),
                    Pulse("work", pulse),
                    Schedule("work.sweep", timedelta(seconds=5), sweep),
                    Schedule("work.prune", timedelta(hours=1), prune),
                ),
            )
        )
