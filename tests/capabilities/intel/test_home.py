"""What intelligence tells on the first page."""

from __future__ import annotations

from taawun.capabilities.intel import home
from taawun.capabilities.intel.models import Report
from taawun.cooperation.people.models import Membership, Organisation, Person
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, person


def report(author: Person, title: str, state: str = Report.State.DRAFT) -> Report:
    return Report.objects.create(
        stix_id=f"report--{title}",
        title=title,
        tlp=Tlp.AMBER,
        state=state,
        author=author,
        organisation=Organisation.objects.get(is_host=True),
    )


def test_a_draft_waits_for_its_author_alone(cast: Cast) -> None:
    mine = report(cast.analyst.row, "Mine")
    report(cast.officer.row, "Another's")
    report(cast.analyst.row, "Out already", Report.State.PUBLISHED)
    (line,) = home.waiting(cast.analyst.actor)
    assert line.title == "Finish the report “Mine”"
    assert line.url.endswith(f"/{mine.id}/")
    assert "TLP:AMBER" in line.detail
    assert home.waiting(cast.officer.actor) == []


def test_a_draft_that_stays_inside_an_organisation_waits_for_nobody_who_left_it(cast: Cast) -> None:
    university = Organisation.objects.create(names={"en": "University"}, kind="university")
    author = person("analyst")
    held = report(author, "Only for us")
    Report.objects.filter(id=held.id).update(tlp=Tlp.AMBER_STRICT)
    assert [each.title for each in home.waiting(actor_of(author))] == ["Finish the report “Only for us”"]
    Membership.objects.filter(person=author).update(organisation=university)
    assert home.waiting(actor_of(author)) == []
    assert home.drafts_of(actor_of(author)).count() == 0
