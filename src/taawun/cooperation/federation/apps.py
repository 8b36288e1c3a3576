"""Django app of federation."""

from datetime import timedelta

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy


class FederationConfig(AppConfig):
    """Announces clause lanes, receipts, permissions and notices."""

    name = "taawun.cooperation.federation"
    label = "federation"
    verbose_name = "Federation"

    def ready(self) -> None:
        """Register everything federation brings."""
        from taawun.cooperation.agreements.history import History
        from taawun.cooperation.agreements.presenting.parts import AgreementSection, ClauseFigure
        from taawun.cooperation.federation import accounts, home, ledger, news
        from taawun.cooperation.federation.actions import PUBLIC_AGAIN, let_go, tell_reach, tell_readings
        from taawun.cooperation.federation.exchange import (
            CLAUSE_LANES,
            DELETED,
            PUBLIC_LANES,
            REACHED,
            READ,
            RECEIPT,
            REVOCATION,
            WITHDRAWN,
        )
        from taawun.cooperation.federation.guest_door import DOOR, GUESTS
        from taawun.cooperation.federation.help_topics import TOPICS
        from taawun.cooperation.federation.history import (
            earlier_for,
            has_begun,
            has_read,
            let_newcomers_in,
            open_to_newcomers,
        )
        from taawun.cooperation.federation.trail import TRAIL
        from taawun.cooperation.partners.presenting import LaneCaption, PartnerSection
        from taawun.cooperation.partners.wording import entry_reason
        from taawun.cooperation.people.permissions import Permission, Role
        from taawun.platform.notices.kinds import NoticeKind
        from taawun.platform.registry import Capability, registry
        from taawun.platform.web.formats import digits, number
        from taawun.platform.web.home import HomePanel, HomeSource
        from taawun.platform.web.navigation import Group, NavigationEntry
        from taawun.platform.web.rooms import Operations, Pages
        from taawun.platform.work.schedules import Schedule

        registry.register(
            Capability(
                "federation",
                gettext_lazy("Federation"),
                (
                    Pages("releases", "taawun.cooperation.federation.urls"),
                    Pages("public", "taawun.cooperation.federation.public_urls"),
                    Operations("federation", "taawun.cooperation.federation.api"),
                    Operations("guests", "taawun.cooperation.federation.api.as_guest", door=GUESTS),
                    Permission(
                        "read:federation", gettext_lazy("see what was given and received"), frozenset(Role)
                    ),
                    Permission(
                        "manage:guests",
                        gettext_lazy("let the guests of this node in by tokens"),
                        frozenset({Role.ADMINISTRATOR}),
                        of_node=True,
                    ),
                    Permission(
                        "publish:public",
                        gettext_lazy("publish to everybody, over the public lane"),
                        frozenset({Role.ADMINISTRATOR, Role.OFFICER}),
                        of_node=True,
                    ),
                    LaneCaption("public", home.public_captions),
                    CLAUSE_LANES,
                    PUBLIC_LANES,
                    RECEIPT,
                    WITHDRAWN,
                    DELETED,
                    REACHED,
                    REVOCATION,
                    READ,
                    DOOR,
                    History("federation", open_to_newcomers, earlier_for, has_begun, has_read),
                    PUBLIC_AGAIN,
                    Schedule("federation.history", timedelta(seconds=10), let_newcomers_in),
                    Schedule("federation.keeping", timedelta(minutes=10), let_go),
                    Schedule("federation.reach", timedelta(hours=1), tell_reach),
                    Schedule("federation.readings", timedelta(minutes=1), tell_readings),
                    *TRAIL,
                    *TOPICS,
                    *news.NEWS,
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
                    HomePanel(
                        "federation.weeks",
                        gettext_lazy("Given and received"),
                        "approve:agreements",
                        home.by_week,
                        order=10,
                    ),
                    AgreementSection(
                        "federation-ledger",
                        gettext_lazy("Given and received"),
                        "read:federation",
                        drawing=accounts.of_agreement,
                    ),
                    ClauseFigure(
                        "federation-flowed",
                        pgettext_lazy("releases under a clause", "Flowed"),
                        "read:federation",
                        lambda agreement: ledger.flowed(agreement.id),
                    ),
                    PartnerSection(
                        "federation",
                        gettext_lazy("Given and received"),
                        "read:federation",
                        home.of_partner,
                        gettext_lazy("Nothing was given to it or received from it yet."),
                        home.more_of_partner,
                    ),
                    NoticeKind(
                        "federation.origin",
                        "read:federation",
                        lambda p: (
                            _(
                                "%(node)s shared something onward that is not what it says it received: %(reason)s. "
                                "It was not taken in."
                            )
                            % {**p, "reason": entry_reason(p["reason"])}
                        ),
                        lambda _p: _(
                            "Ask that partner, and if you know the source ask it too. Neither has to be at fault: "
                            "whoever changed it is."
                        ),
                        lambda p: reverse("partner", args=[p["partner"]]),
                    ),
                    AgreementSection(
                        "guests",
                        gettext_lazy("Guests of this node"),
                        "read:federation",
                        home.guests_of_agreement,
                    ),
                    AgreementSection(
                        "federation",
                        gettext_lazy("After its end"),
                        "read:federation",
                        home.of_agreement,
                    ),
                    NoticeKind(
                        "federation.guest-gives-much",
                        "read:federation",
                        lambda p: (
                            _(
                                "%(guest)s, a guest of this node in %(code)s, has given as much as one may in a day."
                            )
                            % p
                        ),
                        lambda _p: _("Ask the guest whether that is its own doing; else revoke its tokens."),
                        lambda _p: reverse("guests"),
                    ),
                    NoticeKind(
                        "federation.guest-tokens-unbound",
                        "read:federation",
                        lambda p: (
                            _(
                                "Older tokens of %(guest)s, a guest of this node in %(code)s, open nothing, for "
                                "nothing says which organisation they were made for: %(tokens)s."
                            )
                            % p
                        ),
                        lambda _p: _("Revoke them, and make new ones."),
                        lambda _p: reverse("guests"),
                    ),
                    NoticeKind(
                        "federation.public-waits",
                        "publish:public",
                        lambda _p: _(
                            "This node was restored from a backup. What stood for everybody goes to nobody until "
                            "somebody here decides: some of it may have been withdrawn since."
                        ),
                        lambda _p: _("See what it is, and put it back or leave it off."),
                        lambda _p: reverse("public-again"),
                    ),
                    NoticeKind(
                        "federation.ends-soon",
                        "read:federation",
                        lambda p: (
                            ngettext(
                                "%(count)s release goes within seven days: the time that its clause gives it is over.",
                                "%(count)s releases go within seven days: the time that their clauses give them is "
                                "over.",
                                int(p["count"]),
                            )
                            % {"count": number(int(p["count"]))}
                        ),
                        lambda _p: _("See which, and export what you may keep."),
                        lambda _p: f"{reverse('releases')}?ends=7",
                    ),
                    NoticeKind(
                        "federation.ends-with-agreement",
                        "read:federation",
                        lambda p: (
                            _(
                                "%(code)s is over. What was received under its clauses that delete goes on %(day)s "
                                "at %(time)s UTC."
                            )
                            % {**p, "day": digits(p["at"][:10]), "time": digits(p["at"][11:16])}
                        ),
                        lambda _p: _(
                            "Nothing has to be done: this node deletes it and signs a statement for each sender."
                        ),
                        lambda p: reverse("agreement-duties", args=[p["agreement"]]),
                    ),
                    NoticeKind(
                        "federation.deletion-overdue",
                        "read:federation",
                        lambda p: (
                            _(
                                "%(code)s is over, and not everything of ours was said to be deleted in time by: "
                                "%(node)s."
                            )
                            % p
                        ),
                        lambda _p: _("See what is proven and what is not, and ask them."),
                        lambda p: reverse("agreement-duties", args=[p["agreement"]]),
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
