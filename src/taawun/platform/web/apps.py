"""Django app of the web shell."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    """The shell: templates, components, static files; and what the machine interface remembers for a day."""

    name = "taawun.platform.web"
    label = "web"
    verbose_name = "Web shell"

    def ready(self) -> None:
        """Register the help, and the sweeps: of answers kept for requests sent twice, and of what was counted."""
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.idempotency import prune
        from taawun.platform.web.limits import forget_counted
        from taawun.platform.web.rooms import Pages
        from taawun.platform.work.schedules import Schedule

        registry.register(
            Capability(
                "web",
                _("Web shell"),
                (
                    Pages("help", "taawun.platform.web.help_urls"),
                    Schedule("web.answers", timedelta(hours=1), prune),
                    Schedule("web.counted", timedelta(hours=1), forget_counted),
                ),
            )
        )
