"""A report that is ticked for everybody: on the page and by a program, with what is asked before."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.errors import ReportRefused
from taawun.capabilities.intel.models import Report
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.partners.models import Lane
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.permissions import Role
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import bring, indicator, marked
from tests.capabilities.intel.stix.examples import identifier
from tests.capabilities.intel.viewing import draft, page_of, refused, shown, three_partners
from tests.cast import Cast, Member, person, token_of

pytestmark = pytest.mark.usefixtures("pages")


@pytest.fixture
def speaker(cast: Cast) -> Member:
    """Somebody who writes reports and may speak to everybody."""
    made = person(Role.ANALYST, Role.OFFICER, name="Speaker")
    return Member(made, token_of(made))


def clear(member: Member) -> Report:
    bring(marked(indicator(1), Tlp.CLEAR))
    return draft(member, tlp=Tlp.CLEAR)


def answer(held: Report, receivers: tuple[str, ...], **more: Any) -> dict[str, Any]:
    return {"edition": held.edition, "shown": receivers, "receivers": receivers, **more}


def test_the_box_stands_before_who_may_tick_it_alone_and_says_what_it_means(
    cast: Cast, speaker: Member
) -> None:
    held = clear(speaker)
    markup = shown(speaker.browser(), page_of(held, "publish/"))
    assert "Anybody, over the public lane" in markup.text
    assert "Anybody may read the release" in markup.text
    (box,) = markup.all("input", name="public")
    assert "checked" not in box
    assert (
        "Anybody, over the public lane" not in shown(cast.analyst.browser(), page_of(held, "publish/")).text
    )
    green = draft(speaker)
    markup = shown(speaker.browser(), page_of(green, "publish/"))
    assert "Only TLP:CLEAR is for everybody" in markup.text
    assert not markup.all("input", name="public")


def test_a_ticked_report_goes_to_everybody_without_an_agreement(cast: Cast, speaker: Member) -> None:
    held, client = clear(speaker), speaker.browser()
    assert client.post(page_of(held, "publish/"), answer(held, (), public="1")).status_code == 302
    assert held.title in shown(Client(), "/en/public/").text
    held.refresh_from_db()
    assert held.release is not None
    assert b"".join([Client().get(f"/federation/public/{held.release.digest}").content]).startswith(b"{")
    actions.withdraw_report(speaker.actor, held, "a mistake")
    assert Client().get("/en/public/").status_code == 404
    assert Client().get(f"/federation/public/{held.release.digest}").status_code == 404


def test_an_unticked_one_goes_by_its_clauses_alone(cast: Cast, speaker: Member) -> None:
    three_partners()
    held = clear(speaker)
    receivers = tuple(each.party for each in actions.preview_report(speaker.actor, held).receivers)
    assert len(receivers) == 3
    assert speaker.browser().post(page_of(held, "publish/"), answer(held, receivers)).status_code == 302
    assert not Lane.objects.filter(purpose="public").exists()


def test_one_that_leaves_somebody_out_does_not_go_to_everybody(cast: Cast, speaker: Member) -> None:
    three_partners()
    held = clear(speaker)
    receivers = tuple(each.party for each in actions.preview_report(speaker.actor, held).receivers)
    given = {**answer(held, receivers, public="1"), "receivers": receivers[:1]}
    markup = refused(speaker.browser(), page_of(held, "publish/"), given)
    assert "It was meant for some receivers" in markup.text
    # what was ticked stays ticked
    assert "checked" in markup.all("input", name="public")[0]
    held.refresh_from_db()
    assert held.state == Report.State.DRAFT


def test_a_program_asks_first_and_ticks_it(cast: Cast, speaker: Member) -> None:
    held = clear(speaker)
    path = f"/intel/reports/{held.id}"
    assert speaker.api.post(f"{path}/preview", {}).json()["public"] == {
        "allowed": True,
        "reason": "",
        "sentence": "",
    }
    assert cast.analyst.api.post(f"{path}/publish", {"public": True}).status_code == 403
    assert speaker.api.post(f"{path}/publish", {"public": True}).status_code == 200
    assert Lane.objects.filter(purpose="public", head_seq=1).exists()


def test_what_holds_something_stricter_or_is_marked_stricter_never_goes_to_everybody(
    cast: Cast, speaker: Member
) -> None:
    held = draft(speaker)
    with pytest.raises(ReleaseRefused) as why:
        actions.publish_report(speaker.actor, held, in_public=True)
    assert why.value.code == "not-clear"
    with pytest.raises(NotAllowed):
        actions.publish_report(cast.analyst.actor, held, in_public=True)
    bring(marked(indicator(3), Tlp.GREEN))
    inner = draft(speaker, tlp=Tlp.CLEAR, object_ids=(identifier("indicator", 3),))
    with pytest.raises(ReportRefused) as strict:
        actions.publish_report(speaker.actor, inner, in_public=True)
    assert strict.value.code == "stricter-objects"
    assert not Lane.objects.filter(purpose="public").exists()
