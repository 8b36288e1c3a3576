"""Django app of the web shell."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The shell: templates, components, static files. It announces nothing; it shows what others announced."""

    name = "taawun.platform.web"
    label = "web"
    verbose_name = "Web shell"
