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
        from datetime import timedelta

        from taawun.cooperation.agreements import doubting, forwarding, home, news, notices, queries
        from taawun.cooperation.agreements.arriving import settle
        from taawun.cooperation.agreements.exchange import MESSAGE_KINDS
        from taawun.cooperation.agreements.help_topics import TOPICS
        from taawun.cooperation.agreements.kinds import ROOMS_TO_COME
        from taawun.cooperation.agreements.paper.printing import JOB
        from taawun.cooperation.agreements.trail import TRAIL
        from taawun.cooperation.partners.logs.purposes import Revocation
        from taawun.cooperation.partners.presenting import LaneCaption, PartnerSection
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.drafts import DraftSubject
        from taawun.platform.web.home import HomePanel, HomeSource
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.web.rooms import LargeBodies, Operations, Pages
        from taawun.platform.web.search import SearchSource
        from taawun.platform.work.schedules import Schedule

        everyone = frozenset(Role)
        negotiators = frozenset({Role.OFFICER, Role.DELEGATE})
        approvers = frozenset({Role.OFFICER, Role.POLICYMAKER})
        registry.register(
            Capability(
                "agreements",
                _("Agreements"),
                (
                    Pages("agreements", "taawun.cooperation.agreements.urls"),
                    Operations("agreements", "taawun.cooperation.agreements.api"),
                    Operations("agreements-joining", "taawun.cooperation.agreements.joining_api"),
                    LargeBodies("agreements.scans", "/scan"),
                    Permission("read:agreements", _("read agreements"), everyone),
                    Permission(
                        "write:agreements", _("draft and negotiate agreements"), negotiators, of_node=True
                    ),
                    Permission(
                        "approve:agreements",
                        _("approve, suspend and terminate agreements"),
                        approvers,
                        of_node=True,
                    ),
                    *MESSAGE_KINDS,
                    Revocation("agreements", doubting.repeat, doubting.put_away),
                    *ROOMS_TO_COME,
                    *JOB,
                    *TRAIL,
                    *TOPICS,
                    *notices.KINDS,
                    *news.NEWS,
                    Schedule("agreements.settle", timedelta(seconds=2), settle),
                    Schedule("agreements.answer", timedelta(seconds=10), forwarding.answer_comparisons),
                    Schedule("agreements.compare", timedelta(minutes=5), forwarding.compare),
                    NavigationEntry(
                        "agreements",
                        Group.COOPERATE,
                        _("Agreements"),
                        "agreements",
                        "read:agreements",
                        order=10,
                        icon="agreement",
                        count=home.count_waiting,
                    ),
                    DraftSubject("agreement-edit", queries.draft_standing),
                    SearchSource("agreements", _("Agreements and clauses"), "read:agreements", home.find),
                    HomeSource(
                        "agreements", "read:agreements", waiting=home.waiting_lines, counts=home.counts
                    ),
                    HomePanel(
                        "agreements.standings",
                        _("How agreements stand"),
                        "approve:agreements",
                        home.how_they_stand,
                        order=20,
                        is_flush=True,
                    ),
                    *home.STEPS,
                    LaneCaption("clause", home.captions),
                    PartnerSection(
                        "agreements",
                        _("Agreements"),
                        "read:agreements",
                        home.of_partner,
                        _("No agreement with this partner yet, so nothing is sent to it."),
                    ),
                ),
            )
        )
