"""From an invitation to a person of this node, by way of its pages."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.cooperation.people import actions
from taawun.cooperation.people.errors import InvitationRefused
from taawun.cooperation.people.models import Invitation, Membership, Nation, Organisation, Person
from taawun.cooperation.people.permissions import Role
from taawun.foundation.clock import frozen, now
from tests.cast import Cast, Member, person
from tests.pages import Markup, read

pytestmark = pytest.mark.usefixtures("pages")
PASSWORD = "seven quiet harbours"


def form_for(email: str, /, **changes: object) -> dict[str, object]:
    host = str(Organisation.objects.get(is_host=True).id)
    return {"email": email, "organisation": host, "roles": ["analyst"], "language": "ar"} | changes


def invited(cast: Cast, email: str = "layla@cert.example") -> str:
    """The secret of an open invitation."""
    host = Organisation.objects.get(is_host=True)
    minted = actions.invite(
        cast.administrator.actor,
        email=email,
        organisation=host,
        roles=["analyst", "instructor"],
        language="en",
    )
    return minted.secret


def link_on(page: Markup) -> str:
    [link] = [has["data-copy"] for has in page.all("button") if "/invitations/" in has.get("data-copy", "")]
    return link


def test_without_mail_the_link_is_shown_once_with_its_qr_code(cast: Cast) -> None:
    browser = cast.administrator.browser()
    page = read(browser.post(reverse("invite"), form_for("layla@cert.example"), follow=True))
    link = link_on(page)
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/ar/people/invitations/[\w-]{43}/", link)
    assert len(page.all("path", stroke="#000")) == 1
    assert "layla@cert.example" in page.text
    listed = browser.get(reverse("invitations")).content.decode()
    assert link.rsplit("/", 2)[1] not in listed
    assert len(mail.outbox) == 0


def test_the_page_of_the_link_loaded_again_shows_nothing_and_makes_nothing(cast: Cast) -> None:
    browser = cast.administrator.browser()
    answer = browser.post(reverse("invite"), form_for("layla@cert.example"))
    [made] = Invitation.objects.all()
    assert (answer.status_code, answer["Location"]) == (302, reverse("invited", args=[made.id]))
    assert browser.head(answer["Location"]).status_code == 302
    link = link_on(read(browser.get(answer["Location"])))
    again = read(browser.get(answer["Location"], follow=True))
    assert "The link of this invitation was shown once." in again.text
    assert not [has for has in again.all("button") if "/invitations/" in has.get("data-copy", "")]
    assert [each.id for each in Invitation.objects.all()] == [made.id]
    assert Client().get(link.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_the_link_is_shown_to_no_other_administrator(cast: Cast) -> None:
    answer = cast.administrator.browser().post(reverse("invite"), form_for("layla@cert.example"))
    other = Member(person(Role.ADMINISTRATOR), None).browser()
    assert other.get(answer["Location"]).status_code == 302


def test_how_long_an_invitation_lives_is_told_in_the_readers_digits(cast: Cast) -> None:
    browser = cast.administrator.browser()
    assert "14 days" in read(browser.get(reverse("invite"))).text
    arabic = read(browser.get(reverse("invite").replace("/en/", "/ar/"))).text
    assert "١٤ يومًا" in arabic
    assert "14" not in arabic


def test_with_mail_the_link_is_sent_in_the_language_of_the_invited(
    cast: Cast, pages: SettingsWrapper
) -> None:
    pages.EMAIL_URL = "smtp://mail.example"
    page = read(
        cast.administrator.browser().post(reverse("invite"), form_for("layla@cert.example"), follow=True)
    )
    assert "The invitation was sent to layla@cert.example." in page.text
    [letter] = mail.outbox
    assert letter.to == ["layla@cert.example"]
    assert "فريق الشمال" in letter.subject
    assert "/ar/people/invitations/" in letter.body
    assert "١٤ يومًا" in letter.body
    assert "&" not in letter.body


def test_a_mail_server_that_refuses_leaves_the_link_with_the_administrator(
    cast: Cast, pages: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.EMAIL_URL = "smtp://mail.example"

    def refuse(*_arguments: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("taawun.cooperation.people.letters.send_mail", refuse)
    page = read(
        cast.administrator.browser().post(reverse("invite"), form_for("layla@cert.example"), follow=True)
    )
    assert "The mail server did not take the invitation." in page.text
    assert link_on(page)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"email": "no address"}, "Enter a valid email address."),
        ({"roles": []}, "Choose at least one role."),
        ({"roles": ["king"]}, "Select a valid choice. king is not one of the available choices."),
        ({"language": "de"}, "Select a valid choice. de is not one of the available choices."),
    ],
)
def test_an_invitation_that_does_not_fit_is_refused(
    cast: Cast, changes: dict[str, object], told: str
) -> None:
    page = read(
        cast.administrator.browser().post(reverse("invite"), form_for("l@cert.example", **changes)), 422
    )
    assert told in page.text
    assert not Invitation.objects.exists()


def test_each_role_is_described_where_it_is_given_and_leads_to_who_may_do_what(cast: Cast) -> None:
    page = read(cast.administrator.browser().get(reverse("invite")))
    assert "analyst publish and withdraw reports" in page.text
    assert "observer see what everybody here may see" in page.text
    assert page.all("a", href="/en/people/permissions/")


def test_who_is_here_already_is_not_invited_again(cast: Cast) -> None:
    there = cast.analyst.row.email
    page = read(cast.administrator.browser().post(reverse("invite"), form_for(there)), 422)
    assert f"{there} is a person of this node already" in page.text


def test_the_invited_becomes_a_person_with_the_roles_of_the_invitation(cast: Cast) -> None:
    address = reverse("invitation-accept", args=[invited(cast)])
    browser = Client()
    page = read(browser.get(address))
    assert "layla@cert.example" in page.text
    assert "at least 12 characters" in page.text
    asked = {has["name"] for has in page.all("input")} - {"csrfmiddlewaretoken"}
    assert asked == {"name", "password"}
    french = address.replace("/en/", "/fr/")
    answer = browser.post(french, {"name": "Layla M.", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/fr/account/login/")
    made = Person.objects.get(email="layla@cert.example")
    assert (made.name, made.language, made.check_password(PASSWORD)) == ("Layla M.", "fr", True)
    assert set(Membership.objects.filter(person=made).values_list("role", flat=True)) == {
        "analyst",
        "instructor",
    }
    assert browser.get(address).status_code == 404


@pytest.mark.parametrize(
    ("nation", "of_the_node", "zone"),
    [
        ("NP", "UTC", "Asia/Kathmandu"),
        # the clocks of all its zones show the same
        ("MY", "UTC", "Asia/Kuala_Lumpur"),
        # they do not, so nobody guesses
        ("ID", "UTC", ""),
        # nobody has data of an invented nation
        ("XN", "UTC", ""),
        # the node goes by the nation's time already, whichever of its zones that is
        ("JO", "Asia/Amman", ""),
        ("ID", "Asia/Makassar", ""),
    ],
)
def test_the_invited_begin_with_the_clock_of_their_nation(
    cast: Cast, settings: SettingsWrapper, nation: str, of_the_node: str, zone: str
) -> None:
    settings.DISPLAY_TIME_ZONE = of_the_node
    place = Organisation.objects.create(
        names={"en": "Lab"}, nation=Nation.objects.get_or_create(code=nation)[0]
    )
    minted = actions.invite(
        cast.administrator.actor, email="layla@cert.example", organisation=place, roles=["analyst"]
    )
    made = actions.accept_invitation(minted.secret, name="Layla", password=PASSWORD, language="en")
    assert Person.objects.get(id=made.id).zone == zone


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "Layla", "password": "short"}, "This password is too short."),
        ({"name": "Layla", "password": "password1234"}, "This password is too common."),
        ({"name": "Layla", "password": "layla@cert.example"}, "too similar to the e-mail address"),
        ({"name": "Layla Haddad", "password": "layla-haddad-1"}, "too similar to the name"),
        ({"name": "", "password": PASSWORD}, "This field is required."),
    ],
)
def test_a_weak_password_or_a_missing_name_makes_nobody(cast: Cast, form: dict[str, str], told: str) -> None:
    address = reverse("invitation-accept", args=[invited(cast)])
    page = read(Client().post(address, form), 422)
    assert told in page.text
    assert page.all("input", name="name")[0].get("value", "") == form["name"]
    assert "value" not in page.all("input", name="password")[0]
    assert not Person.objects.filter(email="layla@cert.example").exists()


def test_a_weak_password_is_told_in_the_language_of_the_page(cast: Cast) -> None:
    address = reverse("invitation-accept", args=[invited(cast)]).replace("/en/", "/ar/")
    page = read(Client().post(address, {"name": "ليلى", "password": "short"}), 422)
    assert "كلمة المرور هذه قصيرة جدًا. يجب ألا تقل عن ١٢ حرفًا." in page.text
    assert "12" not in page.text
    assert "password" not in page.text


def test_several_invitations_are_revoked_at_once_and_those_that_are_over_are_told(cast: Cast) -> None:
    for name in ("a", "b", "c"):
        invited(cast, f"{name}@cert.example")
    held = {each.email[0]: each for each in Invitation.objects.all()}
    actions.revoke_invitation(cast.administrator.actor, held["b"])
    browser, address = cast.administrator.browser(), reverse("invitations-revoke")
    asked = f"{address}?chosen={held['a'].id}&chosen={held['b'].id}&chosen=nonsense"
    question = read(browser.get(asked)).text
    assert "Revoke 2 invitations?" in question
    assert "b@cert.example and a@cert.example" in question
    told = read(browser.post(asked, follow=True)).text
    assert "1 invitation is closed; its link opens nothing now." in told
    assert "b@cert.example: It was not open any more." in told
    assert list(Invitation.objects.filter(revoked=None).values_list("email", flat=True)) == ["c@cert.example"]


def test_an_unknown_a_used_a_revoked_and_an_old_invitation_say_the_same(cast: Cast) -> None:
    told = "This invitation is unknown, used or expired."
    revoked, old = invited(cast, "a@cert.example"), invited(cast, "b@cert.example")
    actions.revoke_invitation(cast.administrator.actor, Invitation.objects.get(email="a@cert.example"))
    assert told in read(Client().get(reverse("invitation-accept", args=[revoked])), 404).text
    assert told in read(Client().get(reverse("invitation-accept", args=["x" * 43])), 404).text
    with frozen(now() + timedelta(days=15)):
        address = reverse("invitation-accept", args=[old])
        form = {"name": "B", "password": PASSWORD}
        assert told in read(Client().post(address, form), 404).text


@pytest.mark.parametrize("became", ["accepted", "revoked", "expires"])
def test_an_invitation_that_is_over_makes_nobody_a_person_whoever_asks(cast: Cast, became: str) -> None:
    secret = invited(cast)
    # the page looked before; by now it is used, revoked or too old
    Invitation.objects.update(**{became: now()})
    with pytest.raises(InvitationRefused):
        actions.accept_invitation(secret, name="Layla", password=PASSWORD, language="ar")
    assert not Person.objects.filter(email="layla@cert.example").exists()


def test_who_is_signed_in_does_not_become_somebody_else(cast: Cast) -> None:
    address = reverse("invitation-accept", args=[invited(cast)])
    page = read(cast.analyst.browser().get(address), 409)
    assert "You are signed in as Analyst." in page.text


def test_a_secret_page_is_kept_by_no_cache(cast: Cast) -> None:
    answer = Client().get(reverse("invitation-accept", args=[invited(cast)]))
    assert "no-store" in answer["Cache-Control"]


def test_the_list_tells_what_became_of_each(cast: Cast) -> None:
    invited(cast, "open@cert.example")
    secret = invited(cast, "used@cert.example")
    actions.accept_invitation(secret, name="Used", password=PASSWORD, language="en")
    invited(cast, "gone@cert.example")
    gone = Invitation.objects.get(email="gone@cert.example")
    browser = cast.administrator.browser()
    address = reverse("invitation-revoke", args=[gone.id])
    assert "Revoke the invitation of gone@cert.example?" in read(browser.get(address)).text
    # in its row, and among the states that can be asked for
    assert read(browser.post(address, follow=True)).text.count("Revoked") == 2
    text = read(browser.get(reverse("invitations"))).text
    assert re.search(
        r"gone@cert\.example .*? Revoked .*? used@cert\.example .*? Used .*? open@cert\.example", text
    )


def test_the_list_is_searched_filtered_and_exported(cast: Cast) -> None:
    invited(cast, "noor@cert.example")
    invited(cast, "omar@cert.example")
    Invitation.objects.filter(email="omar@cert.example").update(revoked=now())
    browser, path = cast.administrator.browser(), reverse("invitations")
    found = read(browser.get(f"{path}?q=OMAR&state=revoked")).text
    assert ("omar@cert.example" in found, "noor@cert.example" in found) == (True, False)
    assert "No invitation fits" in read(browser.get(f"{path}?state=expired")).text
    [row] = json.loads(browser.get(f"{path}?format=json&q=noor").getvalue())
    assert (row["state"], row["roles"]) == ("open", ["analyst", "instructor"])
    lines = browser.get(f"{path}?format=csv&state=open").getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "id,email,organisation,roles,state,invited_by,expires"
    assert [",noor@cert.example," in line for line in lines[1:]] == [True]
    assert ",analyst instructor,open," in lines[1]
