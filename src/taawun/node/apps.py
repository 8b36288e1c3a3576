"""Django app of the node itself: what composes the rooms."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NodeConfig(AppConfig):
    """Home, search and the commands."""

    name = "taawun.node"
    label = "node"
    verbose_name = "Node"

    def ready(self) -> None:
        """Register the first page in the navigation, and what the node tells of itself."""
        from taawun.node import (
            checks,  # noqa: F401 - they register themselves
            keeping,
            notices,
        )
        from taawun.node.help_topics import TOPICS
        from taawun.platform.audit.acts import Act, SystemPart
        from taawun.platform.notices.news import risks_of
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.home import HomeSource
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.work.schedules import Schedule

        home = NavigationEntry("home", Group.HOME, _("Home"), "home", order=0, icon="home")
        begun = SystemPart("init", _("The set-up of this node"))
        console = SystemPart("console", _("The operator at the console"))
        # notices and the trail stand side by side: neither knows the other
        settled = Act("notices.resolved", _("Notice dealt with"))
        reopened = Act("notices.reopened", _("Notice opened again"))
        backed_up = Act("node.backed-up", _("Backup made"))
        restored = Act("node.restored", _("Node restored from a backup"))
        watch = Schedule("node.recovery-key", timedelta(minutes=1), notices.watch_recovery_key)
        risks = risks_of("node", "manage:notices", ())
        kept = HomeSource("node", "manage:notices", checks=keeping.checks)
        acts = (begun, console, settled, reopened, backed_up, restored)
        registry.register(
            Capability(
                "node", _("Node"), (home, kept, *keeping.STEPS, *acts, *TOPICS, *notices.KINDS, *risks, watch)
            )
        )
