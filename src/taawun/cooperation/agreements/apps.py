"""Django app of agreements."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AgreementsConfig(AppConfig):
    """Announces permissions and the messages by which parties agree."""

    name = "taawun.cooperation.agreements"
    label = "agreements"
    verbose_name = "Agreements"

    def ready(self) -> None:
        """Register everything agreements bring."""
        from taawun.cooperation.agreements.exchange import MESSAGE_KINDS
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.platform.registry import Capability, registry

        everyone = frozenset(Role)
        officers = frozenset({Role.OFFICER})
        registry.register(
            Capability(
                "agreements",
                _("Agreements"),
                (
                    Permission("read:agreements", _("read agreements"), everyone),
                    Permission("write:agreements", _("draft and negotiate agreements"), officers),
                    Permission(
                        "approve:agreements", _("approve, suspend and terminate agreements"), officers
                    ),
                    *MESSAGE_KINDS,
                ),
            )
        )
