"""Django app of partners."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PartnersConfig(AppConfig):
    """Announces the sync loop, the talk lane, permissions and notices."""

    name = "taawun.cooperation.partners"
    label = "partners"
    verbose_name = "Partners"

    def ready(self) -> None:
        """Register everything partners bring."""
        from taawun.cooperation.partners import actions, home, news, notices, queries
        from taawun.cooperation.partners.carried.carrying import JOB
        from taawun.cooperation.partners.exchange import partials, sync, talk
        from taawun.cooperation.partners.exchange.following import FOLLOWED
        from taawun.cooperation.partners.exchange.messages import MessageKind
        from taawun.cooperation.partners.help_topics import TOPICS
        from taawun.cooperation.partners.identity import own_keys
        from taawun.cooperation.partners.logs import forks, witness
        from taawun.cooperation.partners.logs.purposes import LanePurpose
        from taawun.cooperation.partners.restarts import resets
        from taawun.cooperation.partners.trail import TRAIL
        from taawun.cooperation.people.naming import NationWords
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.home import HomeSource
        from taawun.platform.web.live import Pulse
        from taawun.platform.web.navigation import Group, NavigationEntry, SideNote
        from taawun.platform.web.rooms import LargeBodies, Operations, Pages
        from taawun.platform.web.search import SearchSource
        from taawun.platform.work.schedules import Loop, Schedule

        everyone = frozenset(Role)
        administrators = frozenset({Role.ADMINISTRATOR})
        registry.register(
            Capability(
                "partners",
                _("Partners"),
                (
                    Pages("partners", "taawun.cooperation.partners.urls"),
                    Operations("partners", "taawun.cooperation.partners.api"),
                    Operations("partners.restarts", "taawun.cooperation.partners.restarts.api"),
                    Operations("partners.carried", "taawun.cooperation.partners.carried.api"),
                    LargeBodies("partners.carried", "/lane-files"),
                    JOB,
                    SideNote("partners", "read:partners", home.side_note),
                    Permission("read:partners", _("see partners and their lanes"), everyone),
                    Permission(
                        "manage:partners", _("add, verify and block partners"), administrators, of_node=True
                    ),
                    LanePurpose(
                        "talk",
                        talk.readable,
                        talk.accepts,
                        talk.receive,
                        talk.acknowledge,
                        regain=talk.regain,
                        set_aside=talk.set_aside,
                    ),
                    NationWords("partners", queries.nation_words),
                    Pulse("partners", queries.pulse),
                    MessageKind("lane.stopped", talk.lane_stopped_there),
                    MessageKind("lane.forked", forks.shown),
                    MessageKind("lane.reset", resets.hear, resets.regain, resets.set_aside),
                    FOLLOWED,
                    Loop("partners.sync", sync.run),
                    Schedule("partners.heads", timedelta(minutes=1), witness.compare),
                    Schedule("partners.nonces", timedelta(minutes=5), actions.prune_nonces),
                    Schedule("partners.strangers", timedelta(hours=1), actions.forget_strangers),
                    Schedule("partners.partials", timedelta(hours=1), partials.sweep),
                    Schedule("partners.keys", timedelta(hours=1), own_keys.settle),
                    *notices.KINDS,
                    *news.NEWS,
                    *TRAIL,
                    *TOPICS,
                    NavigationEntry(
                        "partners",
                        Group.COOPERATE,
                        _("Partners"),
                        "partners",
                        "read:partners",
                        order=20,
                        icon="partners",
                        count=home.count_waiting,
                    ),
                    SearchSource("partners", _("Partners"), "read:partners", home.find),
                    HomeSource(
                        "partners",
                        "read:partners",
                        waiting=home.waiting,
                        counts=home.counts,
                        checks=home.checks,
                    ),
                    *home.STEPS,
                ),
            )
        )
