"""The pages of guests: who lets them in, and what they look like."""

from __future__ import annotations

import json

import pytest

from taawun.cooperation.federation.actions import publish
from taawun.cooperation.federation.models import GuestToken
from tests.cast import Caller, Cast, PartnerNode
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_guests import hosting, note_draft, south, token
from tests.pages import read

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")

LIST = "/en/releases/guests/"
TOKENS = f"{LIST}tokens/"


def test_an_administrator_lets_a_guest_in_and_sees_its_token_once(cast: Cast, south: PartnerNode) -> None:
    agreement = hosting(south)
    browser = cast.administrator.browser()
    sent = {"guest": f"{agreement.id}#uni", "name": "library <b>", "email": "", "days": "30"}
    assert browser.post(f"{LIST}tokens/new/", sent).status_code == 302
    row = GuestToken.objects.get()
    assert (row.guest, row.name, row.made_by) == ("uni", "library <b>", cast.administrator.row)
    page = browser.get(TOKENS).content.decode()
    assert "taawun_guest_" in page
    assert "shown only now" in page
    assert "library &lt;b&gt;" in page
    again = browser.get(TOKENS).content.decode()
    assert "shown only now" not in again
    assert "No guest fits" in read(browser.get(f"{LIST}?q=nothing")).text
    assert "No token fits" in read(browser.get(f"{TOKENS}?state=lapsed")).text
    assert "library <b>" in read(browser.get(f"{TOKENS}?q=LIBRARY&state=active")).text
    [kept] = json.loads(browser.get(f"{TOKENS}?format=json").getvalue())
    assert (kept["guest"], kept["agreement"], kept["state"]) == ("uni", agreement.code, "active")
    [guest] = json.loads(browser.get(f"{LIST}?format=json&chosen={agreement.id}%23uni").getvalue())
    assert (guest["guest"], guest["tokens"], guest["read"]) == ("uni", 1, 0)
    assert browser.post(f"{LIST}tokens/{row.id}/revoke/").status_code == 302
    assert GuestToken.objects.get().revoked is not None
    wrong = browser.post(f"{LIST}tokens/new/", sent | {"email": "nobody", "guest": "x#y"})
    assert wrong.status_code == 422
    # who only reads sees the guests, and none of their tokens
    assert cast.observer.browser().get(TOKENS).status_code == 403
    seen = cast.observer.browser().get(LIST).content.decode()
    assert "University of the North" in seen
    assert "library" not in seen


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ("BIBLIOTHEQUE", True),
        ("bibliothèque école", True),
        ("UNI", True),
        ("@nord.EX", True),
        ("iotheque", False),
        ("bibliothèque uni", False),
    ],
)
def test_tokens_of_guests_are_found_by_words_of_their_name_or_a_part_of_ref_or_holder(
    cast: Cast, south: PartnerNode, asked: str, *, is_found: bool
) -> None:
    agreement = hosting(south)
    sent = {
        "guest": f"{agreement.id}#uni",
        "name": "École, Bibliothèque",
        "email": "l@nord.example",
        "days": "30",
    }
    browser = cast.administrator.browser()
    assert browser.post(f"{LIST}tokens/new/", sent).status_code == 302
    found = json.loads(browser.get(TOKENS, {"q": asked, "format": "json"}).getvalue())
    assert [each["name"] for each in found] == (["École, Bibliothèque"] if is_found else [])


def test_a_release_and_an_agreement_tell_of_the_guests_that_read(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    guest = Caller(token(cast, agreement))
    release = publish(cast.analyst.actor, note_draft())
    browser = cast.officer.browser()
    assert "Read by guests" not in browser.get(f"/en/releases/{release.id}/").content.decode()
    guest.get(f"/guest/contents/{release.digest}")
    page = browser.get(f"/en/releases/{release.id}/").content.decode()
    assert "Read by guests" in page
    assert "University of the North" in page
    assert "University of the North" in browser.get(f"/en/agreements/{agreement.id}/").content.decode()
