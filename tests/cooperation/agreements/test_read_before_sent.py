"""What is sent to the other parties is what somebody read, whatever others write meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import Document, parse
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from tests.cast import Cast, PartnerNode, agreement_in_force, agreement_proposed
from tests.cooperation.agreements.viewing import countered, drafted, edit_form, page_of, seen, south
from tests.pages import read

__all__ = ["south"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

MEANWHILE = "Somebody else edited the draft meanwhile. Load it again."


def in_force(agreement: Agreement) -> Document:
    found = standing_of(agreement).current
    assert found is not None
    return found


def rewritten(cast: Cast, held: Agreement, about: Document, days: int) -> Agreement:
    """Another officer writes the draft anew."""
    held.refresh_from_db()
    text = replace(about, notice_days=days)
    return actions.edit_draft(cast.other_officer.actor, held, text, edition=held.draft_edition)


# ---- proposing ----------------------------------------------------------------------------------------------------
def test_the_page_that_asks_shows_the_text_in_plain_words(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    shown = seen(cast.officer.browser(), page_of(held, "propose/"))
    assert "What you propose" in shown.text
    assert "Northern CERT" in shown.text
    assert parse(held.draft.encode()).clauses[0].title.in_language("en").value in shown.text


def test_a_draft_that_was_edited_meanwhile_is_not_proposed_and_the_new_one_is_shown(
    cast: Cast, south: PartnerNode
) -> None:
    held = drafted(cast, south)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "propose/")))
    rewritten(cast, held, parse(held.draft.encode()), 77)
    shown = read(client.post(page_of(held, "propose/"), form), 422)
    assert MEANWHILE in shown.text
    assert not Version.objects.exists()
    # having read it, they may
    assert client.post(page_of(held, "propose/"), edit_form(shown))["Location"] == page_of(held)
    assert Version.objects.get().document().notice_days == 77


def test_an_answer_without_an_edition_proposes_nothing(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    assert MEANWHILE in read(cast.officer.browser().post(page_of(held, "propose/")), 422).text
    assert not Version.objects.exists()


def test_a_program_names_the_edition_it_proposes(cast: Cast, south: PartnerNode) -> None:
    held = drafted(cast, south)
    path = f"/agreements/{held.id}/propose"
    assert cast.officer.api.post(path).status_code == 428
    rewritten(cast, held, parse(held.draft.encode()), 77)
    late = cast.officer.api.post(path, If_Match='"1"')
    assert (late.status_code, late.headers["ETag"]) == (412, '"2"')
    assert not Version.objects.exists()
    assert cast.officer.api.post(path, If_Match='"2"').json()["state"] == "proposed"


# ---- countering ---------------------------------------------------------------------------------------------------
def test_what_was_written_after_the_comparison_was_shown_is_not_sent(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south, depositary=south)
    about = in_force(held)
    rewritten(cast, held, about, 45)
    client = cast.officer.browser()
    form = edit_form(seen(client, page_of(held, "counter/")))
    rewritten(cast, held, about, 0)
    assert MEANWHILE in read(client.post(page_of(held, "counter/"), {**form, "note": "x"}), 422).text
    assert not PartyInstrument.objects.exists()


def test_a_text_is_not_sent_as_an_answer_to_a_version_that_was_not_compared(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_proposed(south, depositary=south)
    about = held.versions.get().document()
    with pytest.raises(StepRefused, match="Another version came meanwhile") as refused:
        actions.counter(cast.officer.actor, held, about, "", edition=0, digest="0" * 64)
    assert refused.value.code == "edited-meanwhile"
    actions.counter(cast.officer.actor, held, about, "", edition=0, digest=about.digest)
    assert standing_of(held).state == State.COUNTERED


def test_a_program_that_counters_ends_no_draft_it_has_not_read(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south, depositary=south)
    about = in_force(held)
    edition = rewritten(cast, held, about, 45).draft_edition
    body = {"document": cast.officer.api.get(f"/agreements/{held.id}/draft").json()["document"]}
    path = f"/agreements/{held.id}/counter"
    assert cast.officer.api.post(path, body).status_code == 428
    assert cast.officer.api.post(path, body, If_Match='"1"').status_code == 412
    stale = {**body, "digest": "0" * 64}
    assert cast.officer.api.post(path, stale, If_Match=f'"{edition}"').status_code == 412
    assert not PartyInstrument.objects.exists()
    assert cast.officer.api.post(path, body, If_Match=f'"{edition}"').status_code == 200
    assert Agreement.objects.get(id=held.id).draft == ""


# ---- adopting -----------------------------------------------------------------------------------------------------
def test_a_draft_that_came_meanwhile_is_not_replaced_unread(cast: Cast, south: PartnerNode) -> None:
    held = agreement_proposed(south)
    instrument = countered(held, south)
    client = cast.officer.browser()
    adopt = page_of(held, f"adopt/{instrument.id}/")
    form = edit_form(seen(client, adopt))
    about = held.versions.get().document()
    rewritten(cast, held, about, 77)
    assert MEANWHILE in read(client.post(adopt, form), 422).text
    answer = cast.officer.api.post(f"/agreements/{held.id}/adopt", {"suggestion": str(instrument.id)})
    assert answer.status_code == 428
    assert parse(Agreement.objects.get(id=held.id).draft.encode()).notice_days == 77
