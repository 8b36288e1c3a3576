"""Which forms keep what is typed into them by themselves, and which do not, with the reason."""

from __future__ import annotations

import pytest

from taawun.platform.web.drafts import FIELD
from tests.cast import Cast, partner
from tests.pages import pages, read

__all__ = ["pages"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages"), pytest.mark.any_database]

KEPT = [
    "/en/releases/guests/tokens/new/",
    "/en/people/invitations/new/",
    "/en/people/organisations/new/",
    "/en/people/communities/new/",
    "/en/people/providers/new/",
    "/en/partners/{partner}/statement/",
    "/en/intel/imports/new/",
    "/en/agreements/new/",
]

# a form of one line or one choice is written again faster than a kept one is found; a file cannot be kept by a page,
# and a password must not be
NOT_KEPT = {
    "/en/partners/new/": "one address",
    "/en/partners/{partner}/verify/": "words that are read to one another now, and prove nothing tomorrow",
    "/en/partners/{partner}/lane-files/": "a file",
    "/en/people/tokens/": "a name and a choice",
}


@pytest.mark.parametrize("path", KEPT)
def test_a_form_of_more_than_a_line_keeps_itself(cast: Cast, path: str) -> None:
    at = path.format(partner=partner("Southern CERT").row.id)
    openers = (cast.administrator, cast.officer, cast.analyst)
    shown = next(page for who in openers if (page := who.browser().get(at)).status_code == 200)
    (mark,) = read(shown).all("input", name=FIELD)
    # it is the mark of a form that stands on the page
    assert read(shown).all("form", id=mark["form"], method="post")


@pytest.mark.parametrize(("path", "reason"), NOT_KEPT.items())
def test_a_form_that_has_a_reason_keeps_nothing(cast: Cast, path: str, reason: str) -> None:
    at = path.format(partner=partner("Southern CERT").row.id)
    assert read(cast.administrator.browser().get(at)).all("input", name=FIELD) == [], reason
