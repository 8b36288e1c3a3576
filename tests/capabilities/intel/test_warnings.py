"""Early warnings: reports that go before everything else, under a kind that clauses speak of by itself."""

from __future__ import annotations

import pytest

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.actions import ReportFields
from taawun.capabilities.intel.errors import ReportRefused
from taawun.capabilities.intel.models import Report
from taawun.cooperation.agreements.decision import Denied
from taawun.cooperation.federation.errors import NobodyReceives
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.urgency import is_urgent, urgent_lanes
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from tests.capabilities.intel.factories import bring, indicator, report, sender
from tests.capabilities.intel.stix.examples import identifier
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.lanes import clause_lane
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

FIRST = identifier("indicator", 1)
TOLD = report(1, FIRST)
# one clause for reports, another for early warnings
APART = (clause("1", kinds=("intel.report",)), clause("2", kinds=("intel.warning",)))


def written(cast: Cast, *, is_warning: bool = True, title: str = "Wave 3") -> Report:
    bring(indicator(1))
    fields = ReportFields(title, "", Tlp.GREEN, object_ids=(FIRST,), is_warning=is_warning)
    return actions.create_report(cast.analyst.actor, fields)


def lanes(reader: PartnerNode) -> dict[str, bool]:
    """Our lanes to a partner by their clause, and whether something urgent is on them."""
    held = list(Lane.objects.filter(sender=None, purpose="clause"))
    urgent = urgent_lanes(reader.row, held)
    return {each.clause: each.id in urgent for each in held}


def test_an_early_warning_leaves_by_the_clause_for_warnings_and_its_lane_goes_first(cast: Cast) -> None:
    south = partner("South")
    agreement_in_force(south, clauses=APART)
    actions.publish_report(cast.analyst.actor, written(cast, is_warning=False, title="Slow"))
    actions.publish_report(cast.analyst.actor, written(cast))
    assert dict(LaneEntry.objects.exclude(kind="lane.opened").values_list("lane__clause", "kind")) == {
        "1": "intel.report",
        "2": "intel.warning",
    }
    assert lanes(south) == {"1": False, "2": True}


def test_early_warnings_are_the_only_kind_that_is_urgent() -> None:
    urgent = {kind for purpose in registry.all(LanePurpose) for kind in purpose.urgent_kinds()}
    assert urgent == {"intel.warning"}


@pytest.mark.parametrize(("size", "goes_first"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_what_a_partner_calls_a_warning_goes_before_its_other_contents_only_where_it_is_small(
    cast: Cast, size: int, goes_first: bool
) -> None:
    south = partner("South")
    lane = clause_lane(south, agreement_in_force(south))
    lane.write(kind="intel.warning", content=None, digest="ab" * 32, size=size)
    lane.take()
    assert LaneEntry.objects.filter(is_urgent(), lane=lane.row).exists() is goes_first


def test_a_clause_on_reports_alone_lets_no_early_warning_out_and_says_so(cast: Cast) -> None:
    agreement_in_force(partner("South"), clauses=APART[:1])
    made = written(cast)
    [other] = actions.preview_report(cast.analyst.actor, made).others
    assert isinstance(other.decision, Denied)
    assert other.decision.reason == "kind"
    with pytest.raises(NobodyReceives):
        actions.publish_report(cast.analyst.actor, made)
    assert not Release.objects.exists()


def test_an_early_warning_is_small(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    agreement_in_force(partner("South"))
    monkeypatch.setattr("taawun.capabilities.intel.actions.reporting._MOST_OF_A_WARNING", 500)
    with pytest.raises(ReportRefused) as caught:
        actions.publish_report(cast.analyst.actor, written(cast))
    assert (caught.value.code, caught.value.field) == ("warning-too-large", "objects")
    assert not Release.objects.exists()
    assert actions.publish_report(cast.analyst.actor, written(cast, is_warning=False)).release is not None


def test_a_partners_early_warning_is_one_here_and_withdrawn_as_any_report(cast: Cast) -> None:
    south = sender("South", "XS")
    south.publish(TOLD, indicator(1), kind="intel.warning")
    came = Report.objects.get()
    assert (came.is_warning, came.state) == (True, Report.State.RECEIVED)
    later = {**TOLD, "modified": "2024-03-01T00:00:00.000Z"}
    south.publish(later, indicator(1))
    came.refresh_from_db()
    assert came.is_warning is False
    south.withdraw(later)
    came.refresh_from_db()
    assert (came.is_warning, came.state) == (True, Report.State.RECEIVED)
    south.withdraw(TOLD, kind="intel.warning")
    came.refresh_from_db()
    assert came.state == Report.State.WITHDRAWN


def test_early_warnings_are_written_shown_and_found_by_page_and_by_program(cast: Cast) -> None:
    agreement_in_force(partner("South"))
    bring(indicator(1))
    client, api = cast.analyst.browser(), cast.analyst.api
    form = {"title": "Now", "tlp": "TLP:GREEN", "objects": FIRST, "is_warning": "on", "step": "save"}
    assert client.post("/en/intel/reports/new/", form).status_code == 302
    made = Report.objects.get()
    assert made.is_warning is True
    assert "early warning" in read(client.get(f"/en/intel/reports/{made.id}/")).text
    asked = read(client.get(f"/en/intel/reports/{made.id}/publish/")).text
    assert "It goes as an early warning" in asked
    body = {"title": "Later", "tlp": "TLP:GREEN", "object_ids": [FIRST]}
    assert api.post("/intel/reports", body).json()["is_warning"] is False
    assert api.post("/intel/reports", {**body, "is_warning": True}).json()["is_warning"] is True
    found = api.get("/intel/reports", early_warnings="true").json()["items"]
    assert [each["title"] for each in found] == ["Later", "Now"]
    listed = read(client.get("/en/intel/?warnings=only"))
    assert listed.text.count("early warning ") >= 2
    assert api.get("/intel/reports").json()["items"][1]["is_warning"] is False
