"""The thread of a negotiation and the timeline of its signatures: who said what, when, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.models import Agreement, PartyInstrument
from taawun.cooperation.agreements.presenting import Remark, record_of, signing_chart, thread
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.views import reading
from taawun.foundation.multilingual import Text
from taawun.platform.web.charts import Timeline
from tests.cast import Cast, PartnerNode, agreement_in_force, agreement_proposed, clause
from tests.cooperation.agreements.viewing import countered, drafted, page_of, seen, south

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")


def said_in(held: Agreement) -> list[Remark]:
    return thread(record_of(held), standing_of(held))


def proposed(cast: Cast, south: PartnerNode) -> Agreement:
    held = drafted(cast, south)
    actions.propose(cast.officer.actor, held, edition=held.draft_edition)
    held.refresh_from_db()
    return held


def adopted(cast: Cast, held: Agreement, counter: PartyInstrument) -> str:
    actions.adopt(cast.officer.actor, held, counter, edition=held.draft_edition)
    held.refresh_from_db()
    actions.propose(cast.officer.actor, held, edition=held.draft_edition)
    return "It was adopted as version 2."


def turned_down(cast: Cast, held: Agreement, counter: PartyInstrument) -> str:
    actions.turn_down(cast.officer.actor, held, counter, "Sixty days, or none.")
    return "It was turned down."


def answered(cast: Cast, held: Agreement, counter: PartyInstrument) -> str:
    del counter
    following = replace(held.versions.get().document(), notice_days=45)
    held = actions.edit_draft(cast.officer.actor, held, following, edition=held.draft_edition)
    actions.propose(cast.officer.actor, held, edition=held.draft_edition)
    return "Version 2 answered it."


def test_a_counter_proposal_waits_with_its_words_for_an_answer(cast: Cast, south: PartnerNode) -> None:
    held = proposed(cast, south)
    counter = countered(held, south, note="Thirty <b>days</b>, please.")
    first, second = said_in(held)
    assert (first.title, first.is_own, first.code, first.outcome) == ("Version 1 proposed", True, "XN", "")
    assert (second.title, second.is_own, second.code) == ("Counter-proposal", False, "XS")
    assert (second.note, second.outcome, second.is_open) == (
        "Thirty <b>days</b>, please.",
        "It waits for an answer.",
        True,
    )
    assert second.url == page_of(held, "compare/") + f"?old=v1&new=c{counter.id}"


@pytest.mark.parametrize("answer", [adopted, turned_down, answered])
def test_an_answered_counter_proposal_says_what_came_of_it(
    cast: Cast, south: PartnerNode, answer: Callable[[Cast, Agreement, PartyInstrument], str]
) -> None:
    held = proposed(cast, south)
    sentence = answer(cast, held, countered(held, south))
    found = said_in(held)
    assert [(each.outcome, each.is_open) for each in found if each.title == "Counter-proposal"] == [
        (sentence, False)
    ]
    assert found[-1].note == ("Sixty days, or none." if answer is turned_down else "")


def test_the_page_tells_the_thread_and_offers_answers_to_who_may_give_them(
    cast: Cast, south: PartnerNode
) -> None:
    held = proposed(cast, south)
    countered(held, south, note="<script>alert(1)</script>")
    shown = seen(cast.officer.browser(), page_of(held))
    for words in (
        "Negotiation",
        "<script>alert(1)</script>",
        "It waits for an answer.",
        "Write a next version",
    ):
        assert words in shown.text
    reading = seen(cast.analyst.browser(), page_of(held))
    assert "It waits for an answer." in reading.text
    assert not reading.all("a", href=page_of(held, "edit/"))


def test_a_draft_has_no_thread(cast: Cast, south: PartnerNode) -> None:
    assert "Negotiation" not in seen(cast.officer.browser(), page_of(drafted(cast, south))).text


# ---- signatures -------------------------------------------------------------------------------------------------
def timeline_of(held: Agreement) -> tuple[str, Timeline] | None:
    standing = standing_of(held)
    assert standing.current is not None
    chart = signing_chart(record_of(held), standing, standing.pending or standing.current)
    if chart is None:
        return None
    assert isinstance(chart.picture, Timeline)
    return str(chart.finding), chart.picture


def test_nobody_has_signed_a_version_that_was_only_proposed(cast: Cast, south: PartnerNode) -> None:
    assert timeline_of(agreement_proposed(south)) is None


def test_approvals_and_signatures_stand_on_the_line_of_their_party(cast: Cast, south: PartnerNode) -> None:
    held = proposed(cast, south)
    version = held.versions.get()
    for officer in (cast.officer, cast.other_officer):
        actions.approve(officer.actor, held, version.digest)
    told = timeline_of(held)
    assert told is not None
    finding, picture = told
    assert finding == "Version 1 has 1 of the 2 signatures it needs."
    ours, theirs = picture.rows
    assert (ours.code, ours.is_own, theirs.code, theirs.deeds) == ("XN", True, "XS", ())
    assert [(str(deed.sign.words), deed.inject) for deed in ours.deeds] == [
        ("approval by an officer of this node", "1"),
        ("approval by an officer of this node", "1"),
        ("signature", "1"),
    ]
    assert [str(sign.words) for sign in picture.wording.signs] == [
        "approval by an officer of this node",
        "signature",
    ]
    # it waits for the other party, so the line goes on to now
    assert picture.now == picture.ends
    assert "Signatures" in seen(cast.analyst.browser(), page_of(held)).text


def test_the_timeline_of_what_all_have_signed_ends_with_the_last_signature(south: PartnerNode) -> None:
    held = agreement_in_force(south)
    told = timeline_of(held)
    assert told is not None
    finding, picture = told
    assert finding == "Version 1 has 2 of the 2 signatures it needs."
    assert picture.now is None
    assert picture.ends == max(deed.at for row in picture.rows for deed in row.deeds)


# ---- what changed -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_long", [False, True], ids=["short", "long"])
def test_the_page_compares_the_two_newest_versions_unless_they_are_long(
    cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch, is_long: bool
) -> None:
    if is_long:
        monkeypatch.setattr(reading, "_MOST_COMPARED_HERE", 10)
    held = agreement_in_force(south)
    titled = clause(title=Text.of(en="Words that are new"))
    following = replace(held.versions.get().document(), clauses=(titled,))
    held = actions.edit_draft(cast.officer.actor, held, following, edition=held.draft_edition)
    actions.propose(cast.officer.actor, held, edition=held.draft_edition)
    shown = seen(cast.officer.browser(), page_of(held))
    assert ("Words that are new" in shown.text) is not is_long
    assert ("These texts are long" in shown.text) is is_long
    assert shown.all("form", action=page_of(held, "compare/"), method="get")
