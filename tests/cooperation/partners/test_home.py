"""What partners tell on the first page and to the search."""

from __future__ import annotations

from datetime import timedelta

from taawun.cooperation.partners import home
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import now
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


def test_a_partner_that_does_not_answer_is_told_to_administrators_alone(cast: Cast) -> None:
    assert home.checks(cast.administrator.actor) == []
    partner("Eastern CERT", nation="XE")
    (well,) = home.checks(cast.administrator.actor)
    assert (well.sentence, well.is_well) == ("All partners are in step.", True)
    south = partner("<b>Southern</b> CERT")
    Partner.objects.filter(id=south.row.id).update(failures=3, last_contact=now() - timedelta(hours=26))
    (silent,) = home.checks(cast.administrator.actor)
    assert silent.sentence == (
        "<bdi>&lt;b&gt;Southern&lt;/b&gt; CERT</bdi> does not answer; the last contact was <bdi>26 hours ago</bdi>."
    )
    assert (silent.is_well, silent.url) == (False, f"/en/partners/{south.row.id}/")
    for number in range(6):
        partner(f"CERT {number}", issued=now() - timedelta(days=30))
    assert home.checks(cast.administrator.actor)[-1].sentence == "2 more partners are silent."
    assert home.checks(cast.officer.actor) == []


def test_a_partner_is_found_by_any_of_its_names_folded(cast: Cast) -> None:
    south = partner("Southern CERT")
    Partner.objects.update(names={"en": "Southern CERT", "ar": "فريق الجنوب", "fr": "Équipe du Sud"})
    for text in ("جنوب", "equipe", "SOUTHERN", "xs", south.node.removeprefix("https://")):
        assert [found.url for found in home.find(cast.analyst.actor, Wanted(text), 5)] == [
            f"/en/partners/{south.row.id}/"
        ], text
    assert home.find(cast.analyst.actor, Wanted("north"), 5) == []
    assert home.find(cast.analyst.actor, Wanted("southern"), 0) == []
