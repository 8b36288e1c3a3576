"""Two persons, or two workers, at once, on whichever database the tests run: one outcome, and nothing lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.actions import ReportFields
from taawun.capabilities.intel.errors import EditedMeanwhile
from taawun.capabilities.intel.models import Import, Report, Source, StixObject
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.tlp import Tlp
from tests.at_once import at_once
from tests.capabilities.intel.factories import SYSTEM, Silent, bring, indicator, report, sender
from tests.capabilities.intel.stix.examples import bundle, identifier
from tests.cast import establish_node

if TYPE_CHECKING:
    from tests.cast import Cast

FIRST = identifier("indicator", 1)


def fields(title: str) -> ReportFields:
    return ReportFields(title=title, summary="", tlp=Tlp.GREEN, object_ids=(FIRST,))


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_objects_at_once_store_each_once() -> None:
    establish_node()
    objects = [indicator(number) for number in range(1, 2001)]
    orders = (objects, objects[::-1], objects[1000:] + objects[:1000])
    held = [
        actions.begin_import(SYSTEM, bundle(*order), name="file", default_tlp=Tlp.CLEAR) for order in orders
    ]
    outcomes = at_once(*(lambda each=each: actions.run_import(Silent(), str(each.id)) for each in held))
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert StixObject.objects.filter(is_current=True).count() == StixObject.objects.count() == 2000
    assert Source.objects.count() == 6000
    counts = [Import.objects.get(id=each.id).counts for each in held]
    assert sum(each["new"] for each in counts) == 2000
    assert sum(each["known"] for each in counts) == 4000


@pytest.mark.django_db(transaction=True)
def test_the_same_bundle_sent_twice_at_once_is_two_imports_of_one_file_and_one_draft() -> None:
    establish_node()
    data = bundle(indicator(1), report(1, FIRST))

    def take_in() -> Import:
        held = actions.begin_import(SYSTEM, data, name="file", default_tlp=Tlp.CLEAR)
        actions.run_import(Silent(), str(held.id))
        return Import.objects.get(id=held.id)

    first, second = at_once(take_in, take_in)
    assert isinstance(first, Import)
    assert isinstance(second, Import)
    assert first.file == second.file
    assert sorted([first.counts["new"], second.counts["new"]]) == [0, 2]
    assert (StixObject.objects.count(), Source.objects.count(), Report.objects.count()) == (2, 4, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_edits_at_once_one_is_kept_whole_and_the_other_is_told(cast: Cast) -> None:
    bring(indicator(1))
    actor = cast.analyst.actor
    held = actions.create_report(actor, fields("Begun"))
    titles = ("By one", "By the other")
    outcomes = at_once(
        *(lambda title=title: actions.edit_report(actor, held, fields(title), edition=1) for title in titles)
    )
    (lost,) = (place for place, each in enumerate(outcomes) if isinstance(each, EditedMeanwhile))
    held.refresh_from_db()
    assert isinstance(outcomes[1 - lost], Report)
    assert (held.title, held.edition) == (titles[1 - lost], 2)


@pytest.mark.django_db(transaction=True)
def test_two_who_publish_at_once_publish_one_version(cast: Cast) -> None:
    bring(indicator(1))
    sender("South", "XS")
    actor = cast.analyst.actor
    held = actions.create_report(actor, fields("Wave 3"))
    outcomes = at_once(*[lambda: actions.publish_report(actor, held, edition=1)] * 2)
    assert sorted(type(each).__name__ for each in outcomes) == ["EditedMeanwhile", "Report"]
    assert (Release.objects.count(), LaneEntry.objects.filter(kind="intel.report").count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_who_edits_while_another_publishes_either_comes_first_or_is_told(cast: Cast) -> None:
    bring(indicator(1))
    sender("South", "XS")
    actor = cast.analyst.actor
    held = actions.create_report(actor, fields("Wave 3"))
    outcomes = at_once(
        lambda: actions.publish_report(actor, held, edition=1),
        lambda: actions.edit_report(actor, held, fields("Wave 4"), edition=1),
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["EditedMeanwhile", "Report"]
    held.refresh_from_db()
    is_published = isinstance(outcomes[0], Report)
    assert (held.state == Report.State.PUBLISHED, held.title) == (
        is_published,
        "Wave 3" if is_published else "Wave 4",
    )
    assert Release.objects.count() == is_published


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("holds_to_the_edition", [True, False])
def test_what_is_withdrawn_while_a_version_is_published_leaves_nothing_standing(
    cast: Cast, holds_to_the_edition: bool
) -> None:
    bring(indicator(1))
    sender("South", "XS")
    actor = cast.analyst.actor
    held = actions.publish_report(actor, actions.create_report(actor, fields("Wave 3")))
    edition = held.edition if holds_to_the_edition else None
    published, withdrawn = at_once(
        lambda: actions.publish_report(actor, held, edition=edition),
        lambda: actions.withdraw_report(actor, held, "It was wrong.", edition=edition),
    )
    held.refresh_from_db()
    live = Release.objects.filter(state=Release.State.LIVE).count()
    if holds_to_the_edition:
        # whoever comes second looked at something else than what is there now, and is told
        assert sorted(type(each).__name__ for each in (published, withdrawn)) == ["EditedMeanwhile", "Report"]
        assert live == (2 if isinstance(published, Report) else 0)
        return
    assert isinstance(withdrawn, Report)
    assert isinstance(published, Report | NotAllowed)
    assert (held.state, live) == (Report.State.WITHDRAWN, 0)
    withdrawals = LaneEntry.objects.filter(kind="intel.report", action="withdraw").count()
    assert withdrawals == Release.objects.count()
