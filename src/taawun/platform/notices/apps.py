"""Django app of notices."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    """Notices; their kinds are registered by the rooms that raise them."""

    name = "taawun.platform.notices"
    label = "notices"
    verbose_name = "Notices"

    def ready(self) -> None:
        """Register the page of notices, with the number of those that are open."""
        from taawun.platform.notices.help_topics import TOPICS
        from taawun.platform.notices.queries import count_open, pulse
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.live import Pulse
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.web.rooms import Operations, Pages

        page = NavigationEntry(
            "notices", Group.NODE, _("Notices"), "notices", order=5, icon="bell", count=count_open
        )
        room = Pages("notices", "taawun.platform.notices.urls")
        operations = Operations("notices", "taawun.platform.notices.api")
        registry.register(
            Capability("notices", _("Notices"), (room, operations, page, Pulse("notices", pulse), *TOPICS))
        )
