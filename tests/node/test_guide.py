"""The guide for a new node: steps that are ticked by what is the case, for each of the cast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from taawun.capabilities.intel.models import Report
from taawun.cooperation.agreements import actions
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Membership, Organisation
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.node.guide import guide_for
from taawun.platform.audit.actions import record
from tests.cast import Cast, document, partner, person
from tests.pages import read

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

    from taawun.cooperation.people.actors import PersonActor

pytestmark = pytest.mark.usefixtures("pages")

HOME, GUIDE = "/en/", "/en/guide/"
TITLE = "First steps of this node"


def done(actor: PersonActor) -> list[str]:
    return [each.step.name for each in guide_for(actor).ticked]


def shown_to(client: Client, path: str = HOME) -> str:
    return read(client.get(path)).text


def test_each_step_is_ticked_by_what_is_the_case(cast: Cast, settings: Settings) -> None:
    administrator = cast.administrator.actor
    settings.EMAIL_URL = None
    # the cast has names in three languages, and many people
    assert done(administrator) == ["people.named", "people.invited"]
    Organisation.objects.filter(is_host=True).update(names={"en": "Northern CERT"})
    Membership.objects.exclude(person=cast.administrator.row).delete()
    assert done(administrator) == []
    Authenticator.objects.create(user=cast.administrator.row, type=Authenticator.Type.TOTP, data={})
    assert done(administrator) == ["people.second-factor"]
    assert done(cast.officer.actor) == []
    west = partner("Western CERT", nation="XW", state=Partner.State.MET)
    assert "partners.found" in done(administrator)
    assert "partners.compared" not in done(administrator)
    Partner.objects.filter(id=west.row.id).update(state=Partner.State.VERIFIED, verified=now())
    officer = person("officer")
    assert done(administrator)[1:] == ["people.invited", "partners.found", "partners.compared"]
    actions.draft(actor_of(officer), document(west))
    Report.objects.create(
        stix_id="report--mine",
        title="Mine",
        tlp=Tlp.AMBER,
        author=officer,
        organisation=Organisation.objects.get(is_host=True),
    )
    record(SystemActor("console"), "node.backed-up", "urn:x")
    settings.EMAIL_URL = ("smtp", "mail.example")
    Organisation.objects.filter(is_host=True).update(names={"en": "North", "ar": "الشمال", "fr": "Nord"})
    assert guide_for(administrator).is_complete


def test_a_new_node_leads_its_administrator_from_step_to_step(cast: Cast) -> None:
    Membership.objects.exclude(person=cast.administrator.row).delete()
    Organisation.objects.filter(is_host=True).update(names={"en": "Northern CERT"})
    client = cast.administrator.browser()
    page = read(client.get(HOME))
    assert TITLE in page.text
    # the first that can be done is the one primary act of the page
    [first] = page.all("a", **{"class": "button primary"})
    assert first["href"] == reverse("organisation-change", args=[Organisation.objects.get(is_host=True).id])
    # what waits for another step, and what another role does
    assert "Compare the fingerprint words By telephone" in page.text
    assert "First comes: Add a partner." in page.text
    assert "This needs the role of analyst, which nobody here has yet." in page.text
    assert len(page.all("a", href=reverse("invite"))) == 3
    assert "taawun backup FILE" in page.text
    assert "TAAWUN_EMAIL_URL" in page.text


def test_what_a_role_may_not_do_is_explained_and_says_who_can(cast: Cast) -> None:
    text = shown_to(cast.analyst.browser(), GUIDE)
    assert f"This needs the role of administrator: {cast.administrator.row.name} can do it here." in text
    page = read(cast.observer.browser().get(GUIDE))
    assert not page.all("a", href=reverse("partner-add"))
    # it is their own, whatever their role
    assert page.all("a", href=reverse("mfa_index"))[-1]["class"].startswith("button")


def test_who_has_no_role_reads_there_nothing_of_the_node_and_its_people(cast: Cast) -> None:
    partner("Southern CERT")
    page = shown_to(cast.stranger.browser(), GUIDE)
    assert [each.step.name for each in guide_for(cast.stranger.actor).steps] == ["people.second-factor"]
    assert "Protect how you sign in" in page
    assert cast.administrator.row.name not in page
    assert "Add a partner" not in page


def test_the_first_page_shows_it_to_those_who_can_do_something_that_is_left(cast: Cast) -> None:
    assert TITLE in shown_to(cast.administrator.browser())
    assert TITLE in shown_to(cast.analyst.browser())
    assert TITLE not in shown_to(cast.observer.browser())
    # an officer begins when there is somebody to agree with
    assert TITLE not in shown_to(cast.officer.browser())
    partner()
    assert TITLE in shown_to(cast.officer.browser())


def test_who_hides_it_finds_it_again_and_hides_it_from_nobody_else(cast: Cast) -> None:
    client, analyst = cast.administrator.browser(), cast.analyst.browser()
    assert client.post(GUIDE, {"guide": "hide"})["Location"] == HOME
    page = read(client.get(HOME))
    assert TITLE not in page.text
    assert "The guide for a new node 2 of 9 steps are done." in page.text
    assert TITLE in shown_to(analyst)
    assert "Show it on the first page" in shown_to(client, GUIDE)
    client.post(GUIDE, {"guide": "show"})
    assert TITLE in shown_to(client)
