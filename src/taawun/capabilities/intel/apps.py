"""Django app of threat intelligence."""

from django.apps import AppConfig


class IntelConfig(AppConfig):
    """Announces everything intelligence brings to the node."""

    name = "taawun.capabilities.intel"
    label = "intel"
    verbose_name = "Threat intelligence"
