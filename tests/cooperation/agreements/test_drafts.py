"""A draft is a working paper: it renames nothing that was proposed, and is gone when it has been sent."""

from __future__ import annotations

from dataclasses import replace

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import standing_of
from taawun.foundation.multilingual import Text
from tests.cast import Cast, agreement_in_force, agreement_proposed, document, partner


def test_a_first_draft_is_called_what_it_calls_itself(cast: Cast) -> None:
    begun = actions.draft(cast.officer.actor, document(partner()))
    other = replace(document(partner(nation="XW")), id=begun.id, title=Text.of(en="Another name"))
    actions.edit_draft(cast.officer.actor, begun, other, edition=begun.draft_edition)
    assert Agreement.objects.get().titles == {"en": "Another name"}


def test_a_draft_of_a_next_version_does_not_rename_the_one_in_force(cast: Cast) -> None:
    south = partner()
    held = agreement_in_force(south)
    now_in_force = standing_of(held).current
    assert now_in_force is not None
    renamed = replace(now_in_force, title=Text.of(en="Another name"))
    actions.edit_draft(cast.officer.actor, held, renamed, edition=held.draft_edition)
    assert Agreement.objects.get().titles == now_in_force.title.to_json()


def test_a_counter_proposal_that_was_sent_leaves_no_draft_behind(cast: Cast) -> None:
    south = partner()
    held = agreement_proposed(south, depositary=south)
    about = standing_of(held).current
    assert about is not None
    written = actions.edit_draft(cast.officer.actor, held, about, edition=held.draft_edition)
    assert written.draft
    actions.counter(
        cast.officer.actor, held, about, "A shorter notice, please.", edition=written.draft_edition
    )
    after = Agreement.objects.get()
    assert (after.draft, after.draft_edition) == ("", written.draft_edition + 1)
