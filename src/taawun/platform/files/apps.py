"""Django app of files."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FilesConfig(AppConfig):
    """Announces the sweep that removes what nobody uses."""

    name = "taawun.platform.files"
    label = "files"
    verbose_name = "Files"

    def ready(self) -> None:
        """Register the sweep of unused files."""
        from taawun.platform.files.actions import sweep
        from taawun.platform.registry import Capability, registry
        from taawun.platform.work.schedules import Schedule

        registry.register(
            Capability("files", _("Files"), (Schedule("files.sweep", timedelta(minutes=10), sweep),))
        )
