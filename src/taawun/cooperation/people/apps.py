"""Django app of people."""

from datetime import timedelta

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    """Announces who may manage people and read the trail."""

    name = "taawun.cooperation.people"
    label = "people"
    verbose_name = "People"

    def ready(self) -> None:
        """Register permissions, the doorkeeper and the navigation, and hear what allauth does."""
        from taawun.cooperation.people import (
            account_trail,
            editions,
            finding,
            guide,
            providers,
            sessions,
            telling,
        )
        from taawun.cooperation.people.gathering import gather
        from taawun.cooperation.people.help_topics import TOPICS
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.cooperation.people.tokens import DOOR
        from taawun.cooperation.people.trail import TRAIL
        from taawun.cooperation.people.wording import refused_because
        from taawun.platform.notices.kinds import NoticeKind
        from taawun.platform.notices.news import risks_of
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.access import Doorkeeper
        from taawun.platform.web.drafts import DraftSubject
        from taawun.platform.web.entrance import SignInWays
        from taawun.platform.web.formats import with_names
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.web.rooms import Operations, Pages
        from taawun.platform.web.search import SearchSource
        from taawun.platform.work.schedules import Loop, Schedule

        account_trail.listen()
        everyone = frozenset(Role)
        administrators = frozenset({Role.ADMINISTRATOR})
        registry.register(
            Capability(
                "people",
                _("People"),
                (
                    Pages("people", "taawun.cooperation.people.urls"),
                    Pages("account", "taawun.cooperation.people.account_urls"),
                    Operations("people", "taawun.cooperation.people.api"),
                    Permission("read:people", _("see the people of this node"), everyone),
                    Permission("manage:people", _("invite people and give roles"), administrators),
                    Permission(
                        "read:audit",
                        _("read the audit trail"),
                        administrators | {Role.OFFICER, Role.POLICYMAKER},
                        of_node=True,
                    ),
                    Permission(
                        "manage:notices", _("mark notices as dealt with"), administrators, of_node=True
                    ),
                    Permission(
                        "manage:communities",
                        _("say who belongs to a community of nations"),
                        administrators | {Role.OFFICER},
                        of_node=True,
                    ),
                    Permission(
                        "manage:contacts",
                        _("keep the duty contacts of an organisation"),
                        administrators | {Role.OFFICER},
                    ),
                    SignInWays("people", providers.ways),
                    NoticeKind(
                        "people.sign-in-refused",
                        "manage:notices",
                        lambda p: with_names(
                            gettext("Signing in by %(name)s let nobody in: %(why)s."),
                            name=p["name"],
                            why=refused_because(p["code"]),
                        ),
                        lambda _p: gettext(
                            "Once may be a mistake. If it goes on, look at what is said of the provider here and there."
                        ),
                        lambda _p: reverse("providers"),
                    ),
                    NoticeKind(
                        "people.identity-linked",
                        "manage:notices",
                        lambda p: with_names(
                            gettext("%(email)s, who was here already, now also signs in by %(name)s."),
                            email=p["email"],
                            name=p["name"],
                        ),
                        lambda _p: gettext(
                            "Ask them whether it was they; else disable the account and see that provider."
                        ),
                        lambda _p: reverse("people"),
                    ),
                    NoticeKind(
                        telling.STUCK,
                        "manage:notices",
                        lambda _p: gettext("The mail server has taken no letters for half an hour."),
                        lambda _p: gettext(
                            "See `taawun doctor` and TAAWUN_EMAIL_URL. Letters are tried again for a day; what they "
                            "tell of stands on the pages."
                        ),
                        lambda _p: "",
                    ),
                    NoticeKind(
                        telling.REFUSED,
                        "manage:notices",
                        lambda p: with_names(
                            gettext("The mail server refused a letter to %(name)s for good."), name=p["name"]
                        ),
                        lambda _p: gettext("Ask them whether their e-mail address is still right."),
                        lambda p: reverse("person", args=[p["person"]]),
                    ),
                    *risks_of("people", "manage:notices", {"manage:people"}),
                    Schedule("people.gather", timedelta(minutes=1), gather),
                    Loop("people.letters", telling.run),
                    DOOR,
                    *guide.STEPS,
                    *TRAIL,
                    *TOPICS,
                    Doorkeeper("people", sessions.visitor, sessions.reader, sessions.host, sessions.admit),
                    DraftSubject("organisation-change", editions.organisation_standing),
                    DraftSubject("contact", editions.contact_standing),
                    DraftSubject("provider", editions.provider_standing),
                    DraftSubject("community-rename", editions.community_standing),
                    # after what the node is there for
                    SearchSource(
                        "people", _("People and organisations"), "read:people", finding.find_people, order=10
                    ),
                    SearchSource(
                        "nations", _("Nations and communities"), "read:people", finding.find_nations, order=10
                    ),
                    NavigationEntry(
                        "people", Group.NODE, _("People"), "people", "read:people", order=10, icon="people"
                    ),
                    NavigationEntry(
                        "communities",
                        Group.COOPERATE,
                        _("Nations and communities"),
                        "communities",
                        "read:people",
                        order=40,
                        icon="globe",
                    ),
                ),
            )
        )
