"""Django app of federation."""

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class FederationConfig(AppConfig):
    """Announces clause lanes, receipts, permissions and notices."""

    name = "taawun.cooperation.federation"
    label = "federation"
    verbose_name = "Federation"

    def ready(self) -> None:
        """Register everything federation brings."""
        from taawun.cooperation.federation import home
        from taawun.cooperation.federation.exchange import CLAUSE_LANES, RECEIPT, WITHDRAWN
        from taawun.cooperation.federation.trail import TRAIL
        from taawun.cooperation.partners.presenting import PartnerSection
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.platform.notices.kinds import NoticeKind
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.home import HomeSource
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.web.rooms import Operations, Pages

        registry.register(
            Capability(
                "federation",
                gettext_lazy("Federation"),
                (
                    Pages("releases", "taawun.cooperation.federation.urls"),
                    Operations("federation", "taawun.cooperation.federation.api"),
                    Permission(
                        "read:federation", gettext_lazy("see what was given and received"), frozenset(Role)
                    ),
                    CLAUSE_LANES,
                    RECEIPT,
                    WITHDRAWN,
                    *TRAIL,
                    NavigationEntry(
                        "releases",
                        Group.COOPERATE,
                        gettext_lazy("Given and received"),
                        "releases",
                        "read:federation",
                        order=30,
                        icon="link",
                    ),
                    HomeSource("federation", "read:federation", fresh=home.fresh, sentences=home.sentences),
                    PartnerSection(
                        "federation",
                        gettext_lazy("Given and received"),
                        "read:federation",
                        home.of_partner,
                        gettext_lazy("Nothing was given to it or received from it yet."),
                    ),
                    NoticeKind(
                        "federation.conflict",
                        "read:federation",
                        lambda p: (
                            _(
                                "%(node)s sent one version of %(subject)s twice, with another content, marking or "
                                "readers."
                            )
                            % p
                        ),
                        lambda _p: _(
                            "The first is kept. Ask the partner which is right; the right one needs a new version."
                        ),
                        lambda _p: reverse("partners"),
                    ),
                ),
            )
        )
