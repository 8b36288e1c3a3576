"""Django app of the web shell."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    """The shell: templates, components, static files; what the machine interface remembers for a day; drafts."""

    name = "taawun.platform.web"
    label = "web"
    verbose_name = "Web shell"

    def ready(self) -> None:
        """Register the pages of help and drafts, and the sweeps: of kept answers, of counts, of drafts."""
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web import drafts
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
                    Schedule("web.drafts", timedelta(hours=6), drafts.prune),
                    Pages("drafts", "taawun.platform.web.drafts.urls"),
                ),
            )
        )
