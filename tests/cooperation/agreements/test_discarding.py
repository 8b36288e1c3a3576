"""A draft that was never proposed can be thrown away by those who write agreements, after a question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.digests import sha256
from taawun.platform.audit.models import Entry
from tests.cast import Cast, PartnerNode, agreement_in_force, document
from tests.cooperation.agreements.viewing import south
from tests.pages import read

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")


def drafted(cast: Cast, south: PartnerNode) -> Agreement:
    return actions.draft(cast.officer.actor, document(south))


def next_version_drafted(cast: Cast, south: PartnerNode) -> Agreement:
    held = agreement_in_force(south)
    found = standing_of(held).current
    assert found is not None
    text = replace(found, notice_days=9)
    return actions.edit_draft(cast.officer.actor, held, text, edition=held.draft_edition)


def test_a_draft_that_was_never_proposed_goes_with_its_agreement_and_leaves_a_row_in_the_trail(
    cast: Cast, south: PartnerNode
) -> None:
    held = drafted(cast, south)
    page = f"/en/agreements/{held.id}/"
    client = cast.officer.browser()
    assert read(client.get(page)).all("a", href=page + "discard/")
    asked = read(client.get(page + "discard/"))
    assert "Discard the draft of “Sharing agreement”?" in asked.text
    assert "It cannot be brought back" in asked.text
    assert "AG-001 goes with it" in asked.text
    assert Agreement.objects.count() == 1
    answer = client.post(page + "discard/", {"edition": "1"}, follow=True)
    assert "The draft is discarded." in read(answer).text
    assert Agreement.objects.count() == 0
    row = Entry.objects.get(verb="agreements.draft-discarded")
    assert (row.subject, row.actor_id) == (actions.urn(held), str(cast.officer.row.id))
    assert row.details == {"code": "AG-001", "edition": 1, "digest": sha256(held.draft.encode())}


def test_a_draft_of_a_next_version_goes_and_what_is_in_force_stays(cast: Cast, south: PartnerNode) -> None:
    held = next_version_drafted(cast, south)
    answer = cast.officer.api.delete(f"/agreements/{held.id}/draft", If_Match=f'"{held.draft_edition}"')
    assert (answer.status_code, answer.content) == (204, b"")
    held.refresh_from_db()
    assert (held.draft, held.draft_edition, standing_of(held).state) == ("", 3, State.IN_FORCE)
    gone = cast.officer.api.delete(f"/agreements/{held.id}/draft", If_Match='"3"')
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:taawun:problem:no-draft")


def test_a_draft_that_somebody_edited_meanwhile_is_not_discarded(cast: Cast, south: PartnerNode) -> None:
    held = next_version_drafted(cast, south)
    with pytest.raises(StepRefused, match="meanwhile"):
        actions.discard_draft(cast.officer.actor, held, edition=held.draft_edition - 1)
    stale = cast.officer.api.delete(f"/agreements/{held.id}/draft", If_Match='"1"')
    assert (stale.status_code, Agreement.objects.get().draft) == (412, held.draft)
    page = f"/en/agreements/{held.id}/discard/"
    assert "Somebody else edited" in read(cast.officer.browser().post(page, {"edition": "1"}), 422).text
    assert cast.officer.browser().post(page).status_code == 422
    assert Agreement.objects.get().draft == held.draft


def test_only_those_who_write_agreements_discard_a_draft(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    path = f"/agreements/{held.id}/draft"
    for member in (cast.analyst, cast.administrator):
        with pytest.raises(NotAllowed):
            actions.discard_draft(member.actor, held, edition=1)
        assert member.browser().post(f"/en/agreements/{held.id}/discard/").status_code == 403
        assert member.api.delete(path, If_Match='"1"').status_code == 403
    assert Agreement.objects.count() == 1


def test_where_there_is_no_draft_there_is_nothing_to_discard(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    with pytest.raises(StepRefused, match="no draft"):
        actions.discard_draft(cast.officer.actor, held, edition=1)
    page = f"/en/agreements/{held.id}/"
    assert cast.officer.browser().get(page + "discard/")["Location"] == page
    assert not read(cast.officer.browser().get(page)).all("a", href=page + "discard/")
