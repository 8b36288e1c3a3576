"""Django app of notices."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Notices; their kinds are registered by the rooms that raise them."""

    name = "taawun.platform.notices"
    label = "notices"
    verbose_name = "Notices"
