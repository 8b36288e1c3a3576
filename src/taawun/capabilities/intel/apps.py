"""Django app of threat intelligence."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntelConfig(AppConfig):
    """Announces everything intelligence brings to the node."""

    name = "taawun.capabilities.intel"
    label = "intel"
    verbose_name = "Threat intelligence"

    def ready(self) -> None:
        """Register permissions, release kinds and the import job."""
        from taawun.capabilities.intel import finding, home, news, queries
        from taawun.capabilities.intel.actions import give_up_import, run_import
        from taawun.capabilities.intel.exchange import RELEASE_KINDS
        from taawun.capabilities.intel.help_topics import TOPICS
        from taawun.capabilities.intel.models import JOB
        from taawun.capabilities.intel.trail import TRAIL
        from taawun.cooperation.agreements.kinds import KindWords
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.drafts import DraftSubject
        from taawun.platform.web.home import HomeSource
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.web.rooms import LargeBodies, Operations, Pages
        from taawun.platform.web.search import SearchSource
        from taawun.platform.work.schedules import JobKind

        readers = frozenset(
            {Role.ANALYST, Role.RESEARCHER, Role.INSTRUCTOR, Role.CONTROLLER, Role.POLICYMAKER, Role.OFFICER}
        )
        analysts = frozenset({Role.ANALYST})
        registry.register(
            Capability(
                "intel",
                _("Threat intelligence"),
                (
                    Pages("intel", "taawun.capabilities.intel.urls"),
                    Operations("intel", "taawun.capabilities.intel.api"),
                    LargeBodies("intel.imports", "/intel/imports"),
                    Permission("read:intel", _("read threat intelligence"), readers),
                    Permission("write:intel", _("import intelligence, write reports, sight"), analysts),
                    Permission("publish:intel", _("publish and withdraw reports"), analysts),
                    JobKind(JOB, _("Import"), run_import, give_up_import, queries.sees_import),
                    *RELEASE_KINDS,
                    *TRAIL,
                    *TOPICS,
                    *news.NEWS,
                    KindWords("intel.report", _("threat reports")),
                    KindWords("intel.warning", _("early warnings")),
                    KindWords("intel.sighting", _("sightings")),
                    NavigationEntry(
                        "intel.reports",
                        Group.DEFEND,
                        _("Reports"),
                        "reports",
                        "read:intel",
                        order=10,
                        icon="intelligence",
                    ),
                    NavigationEntry(
                        "intel.objects",
                        Group.DEFEND,
                        _("Objects"),
                        "objects",
                        "read:intel",
                        order=20,
                        icon="object",
                    ),
                    NavigationEntry(
                        "intel.imports",
                        Group.DEFEND,
                        _("Imports"),
                        "imports",
                        "write:intel",
                        order=30,
                        icon="import",
                    ),
                    DraftSubject("report-edit", queries.edited),
                    HomeSource("intel", "read:intel", waiting=home.waiting, counts=home.counts),
                    *home.STEPS,
                    SearchSource(
                        "intel.reports",
                        _("Reports"),
                        "read:intel",
                        finding.find_reports,
                        finding.NARROWED,
                        finding.report_kinds,
                    ),
                    SearchSource(
                        "intel.objects",
                        _("Objects"),
                        "read:intel",
                        finding.find_objects,
                        finding.NARROWED,
                        finding.object_kinds,
                    ),
                ),
            )
        )
