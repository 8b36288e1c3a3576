"""What partners tell on the first page and to the search."""

from __future__ import annotations

from taawun.cooperation.partners import home
from taawun.cooperation.partners.models import Partner
from taawun.platform.web.search import Wanted
from tests.cast import Cast, partner


def test_an_uncompared_fingerprint_waits_for_administrators_alone(cast: Cast) -> None:
    west = partner("Western CERT", nation="XW", state=Partner.State.MET)
    partner("Southern CERT")
    (line,) = home.waiting(cast.administrator.actor)
    assert (line.title, line.url, line.code) == (
        "Compare the fingerprint of Western CERT",
        f"/en/partners/{west.row.id}/verify/",
        "XW",
    )
    assert home.count_waiting(cast.administrator.actor) == 1
    assert home.waiting(cast.officer.actor) == []
    assert home.count_waiting(cast.officer.actor) == 0


def test_the_first_step_is_to_add_a_partner_until_there_is_one(cast: Cast) -> None:
    (hint,) = home.hints(cast.administrator.actor)
    assert hint.url == "/en/partners/new/"
    assert home.hints(cast.analyst.actor) == []
    partner()
    assert home.hints(cast.administrator.actor) == []


def test_a_partner_is_found_by_any_of_its_names_folded(cast: Cast) -> None:
    south = partner("Southern CERT")
    Partner.objects.update(names={"en": "Southern CERT", "ar": "فريق الجنوب", "fr": "Équipe du Sud"})
    for text in ("جنوب", "equipe", "SOUTHERN", "xs", south.node.removeprefix("https://")):
        assert [found.url for found in home.find(cast.analyst.actor, Wanted(text), 5)] == [
            f"/en/partners/{south.row.id}/"
        ], text
    assert home.find(cast.analyst.actor, Wanted("north"), 5) == []
    assert home.find(cast.analyst.actor, Wanted("southern"), 0) == []
