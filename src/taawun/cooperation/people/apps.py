"""Django app of people."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    """Announces who may manage people and read the trail."""

    name = "taawun.cooperation.people"
    label = "people"
    verbose_name = "People"

    def ready(self) -> None:
        """Register permissions."""
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.platform.registry import Capability, registry

        everyone = frozenset(Role)
        administrators = frozenset({Role.ADMINISTRATOR})
        registry.register(
            Capability(
                "people",
                _("People"),
                (
                    Permission("read:people", _("see the people of this node"), everyone),
                    Permission("manage:people", _("invite people and give roles"), administrators),
                    Permission(
                        "read:audit", _("read the audit trail"), administrators | {Role.OFFICER, Role.POLICYMAKER}
                    ),
                ),
            )
        )
