"""The picture of a report: which ties are drawn, and that a file which ties everything to everything costs little."""

from __future__ import annotations

import time
from typing import Any

import pytest

from taawun.capabilities.intel import picturing, queries
from taawun.capabilities.intel.models import Reference, Report, StixObject
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import SYSTEM, bring, indicator, marked, report
from tests.capabilities.intel.stix.examples import identifier, sdo
from tests.capabilities.intel.viewing import page_of, shown
from tests.cast import Cast
from tests.pages import pages, stranger_client

__all__ = ["pages", "stranger_client"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def tie(number: int, source: str, target: str, **properties: Any) -> dict[str, Any]:
    given = {"relationship_type": "indicates", "source_ref": source, "target_ref": target}
    return sdo("relationship", number, **{**given, **properties})


def test_relationships_and_properties_that_name_another_are_ties(cast: Cast) -> None:
    first, second, malware = identifier("indicator", 1), identifier("indicator", 2), identifier("malware", 3)
    bring(
        indicator(1, x_next_ref=second),
        indicator(2, x_next_ref=second),
        sdo("malware", 3, name="Loader", is_family=False),
        tie(1, first, malware),
        tie(2, first, identifier("malware", 9)),
        marked(tie(3, second, malware), Tlp.RED),
        report(1, first, second, malware),
        actor=cast.analyst.actor,
        tlp=Tlp.GREEN,
    )
    # what is for somebody else only is not drawn for this reader
    made = picturing.picture_of(cast.officer.actor, Report.objects.get())
    assert made is not None
    assert [(each.source.name, each.relation, each.target.name) for each in made.ties] == [
        ("Indicator 1", "indicates", "Loader"),
        ("Indicator 1", "x next", "Indicator 2"),
    ]
    assert (made.more, made.is_cut) == (0, False)


def test_ties_beyond_the_limit_are_not_drawn_and_the_page_says_so(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picturing, "_MOST_TIES", 5)
    stix_ids = [identifier("x-thing", number) for number in range(1, 4)]
    things = [sdo("x-thing", number, name="n", x_refs=stix_ids) for number in range(1, 4)]
    bring(*things, report(1, *stix_ids[:2]), report(2, *stix_ids), actor=cast.analyst.actor)
    says = "It ties its objects more often than a picture can tell"
    for held, cut in zip(Report.objects.order_by("id"), (False, True), strict=True):
        made = picturing.picture_of(cast.analyst.actor, held)
        assert made is not None
        assert (len(made.ties), made.is_cut) == (5 if cut else 2, cut)
        assert (says in shown(cast.analyst.browser(), page_of(held)).text) == cut


@pytest.mark.slow
def test_a_report_whose_400_objects_all_name_each_other_opens_in_a_moment(cast: Cast) -> None:
    stix_ids = [identifier("x-thing", number) for number in range(1, 401)]
    things = [sdo("x-thing", number, name="n", x_refs=stix_ids) for number in range(1, 401)]
    bring(*things, report(1, *stix_ids), actor=cast.analyst.actor)
    assert Reference.objects.count() == 160_400
    begun = time.process_time()
    shown(cast.analyst.browser(), page_of(Report.objects.get()))
    assert time.process_time() - begun < 1


def test_ties_are_read_without_the_texts_of_the_objects_they_begin_at(cast: Cast) -> None:
    held = StixObject(pk=1, stix_id=identifier("report", 1))
    asked = str(queries.references_of(SYSTEM, held).query).partition(" FROM ")[0]
    assert '"stix_id"' in asked
    for name in ("text", "received", "search", "summary"):
        assert f'"{name}"' not in asked
