"""Agreements in plain words: sentences, differences, timelines."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils.html import strip_tags
from django.utils.translation import override

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import Clause, Document, Onward, Paper, Party
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.presenting import (
    clause_in_words,
    compare,
    history,
    period,
    record_of,
    state_steps,
    term_day,
)
from taawun.cooperation.agreements.presenting.differences import word_changes
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Prose, Text
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, agreement_in_force, agreement_proposed, clause, document, partner, sign_version

PAPER = Paper(Text.of(en="Convention", ar="اتفاقية"), date(2026, 9, 9), "ab" * 32)
KID = "9jHbP7b4WFAVTdYB4zCLOciH5SHWOoUAOA8gQ14-Mwc"


def party(ref: str, name: str, node: str = "") -> Party:
    return Party(
        ref, "node", node or f"https://{ref}.example", "", ref.upper(), Text.of(en=name, ar=f"ع{name}"), KID
    )


def between(*parties: Party, **changes: object) -> Document:
    members: dict[str, object] = {
        "title": Text.of(en="Sharing"),
        "parties": parties or (party("xn", "North"), party("xs", "South")),
        "clauses": (clause(),),
        "valid_from": datetime(2026, 10, 1, tzinfo=UTC),
        "valid_until": None,
        "supersedes": "",
        "accession": "closed",
        "min_signatories": 2,
        "entry_into_force": "all",
        "notice_days": 30,
        "authentic_languages": ("en",),
        "prevailing": "en",
        "preamble": None,
    }
    # a document as nobody wrote it down: what is shown asks neither for its text nor for its digest
    return Document(id=None, version=1, text=b"", digest="", **(members | changes))  # type: ignore[arg-type]  # members are of their own types


def said(given: Clause, held: Document | None = None) -> list[str]:
    return [strip_tags(sentence) for sentence in clause_in_words(given, held or between())]


# ---- sentences --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("senders", "receivers", "sentence"),
    [
        (("any",), ("any",), "North and South may send each other everything, up to TLP:AMBER."),
        (("xn", "xs"), ("xs", "xn"), "North and South may send each other everything, up to TLP:AMBER."),
        (("xn",), ("xs",), "North may send South everything, up to TLP:AMBER."),
        (("xs",), ("any",), "South may send North everything, up to TLP:AMBER."),
        (("any",), ("xs",), "North may send South everything, up to TLP:AMBER."),
    ],
)
def test_between_two_parties_any_other_party_has_a_name(
    db: None, senders: tuple[str, ...], receivers: tuple[str, ...], sentence: str
) -> None:
    assert said(clause(senders=senders, receivers=receivers))[0] == sentence


@pytest.mark.parametrize(
    ("senders", "receivers", "sentence"),
    [
        (("any",), ("any",), "Every party may send every other party everything, up to TLP:AMBER."),
        (("xn",), ("any",), "North may send every other party everything, up to TLP:AMBER."),
        (("any",), ("xn", "xs"), "Every other party may send North and South everything, up to TLP:AMBER."),
        (("xn",), ("xs", "xe"), "North may send South and East everything, up to TLP:AMBER."),
    ],
)
def test_among_several_parties_any_means_each(
    db: None, senders: tuple[str, ...], receivers: tuple[str, ...], sentence: str
) -> None:
    three = between(party("xn", "North"), party("xs", "South"), party("xe", "East"))
    assert said(clause(senders=senders, receivers=receivers), three)[0] == sentence


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (("intel.report",), "threat reports"),
        (("intel.report", "intel.sighting"), "threat reports and sightings"),
        (("intel.*",), "everything under “Threat intelligence”"),
        (("intel.report", "*"), "everything"),
        (("learning.course",), "learning.course"),
        (("learning.*",), "courses and other learning resources"),
        (("hunting.*",), "hunting.*"),
    ],
)
def test_kinds_are_nouns_where_a_room_has_words_for_them(
    db: None, kinds: tuple[str, ...], words: str
) -> None:
    assert said(clause(kinds=kinds))[0] == f"North and South may send each other {words}, up to TLP:AMBER."


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "The receiver does not share it onward."),
        (
            {"onward": Onward("parties"), "tlp_max": Tlp.GREEN},
            "The receiver may share it onward with the other parties of this agreement.",
        ),
        (
            {"onward": Onward("parties")},
            "The receiver may share it onward with the other parties of this agreement, but nothing above TLP:GREEN.",
        ),
        (
            {"onward": Onward("public"), "tlp_max": Tlp.CLEAR},
            "The receiver may share it onward with anybody.",
        ),
        (
            {"onward": Onward("named", ("https://xs.example", "https://xe.example"))},
            "The receiver may share it onward with South and https://xe.example.",
        ),
        (
            {"onward": Onward("named", ("https://xs.example",)), "tlp_max": Tlp.RED},
            "The receiver may share it onward with South, but nothing above TLP:AMBER.",
        ),
        ({"retention_days": 1}, "It is deleted after 1 day."),
        ({"retention_days": 730}, "It is deleted after 730 days."),
        ({}, "It may be kept without limit of time."),
        (
            {"on_termination": "delete"},
            "When the agreement ends, the receiver deletes what it holds under this clause.",
        ),
        ({"on_termination": "keep"}, "What was received may be kept when the agreement ends."),
        ({"history": "all"}, "A party that joins later may read what was sent before."),
        ({"topics": ("attack:T1566", "attack:T1110")}, "Only what is about attack:T1566 and attack:T1110."),
        ({"purpose": ("defence", "research")}, "Purpose: defence and research."),
        ({"recognises": ({"issuer": "x"},)}, "It gives standing to 1 credential."),
    ],
)
def test_a_clause_says_what_its_limits_are(db: None, changes: dict[str, Any], sentence: str) -> None:
    assert sentence in said(clause(**changes))


def test_what_does_not_apply_is_not_said(db: None) -> None:
    assert len(said(clause())) == 4


def test_names_and_purposes_are_escaped_and_isolated(db: None) -> None:
    evil = between(party("xn", "<b>North"), party("xs", "South"))
    told = clause_in_words(clause(purpose=("<script>",)), evil)
    assert "<bdi>&lt;b&gt;North</bdi>" in told[0]
    assert "&lt;script&gt;" in told[-1]


def test_a_clause_speaks_the_language_of_the_page(db: None) -> None:
    with override("ar"):
        sentences = said(clause())
    assert "عNorth" in sentences[0]
    assert not any("may send" in sentence for sentence in sentences)


# ---- terms ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ((2026, 10, 1), None, "from 1 October 2026, without end"),
        ((2026, 10, 1), (2028, 10, 1), "1 October 2026 to 30 September 2028"),
    ],
)
def test_the_last_day_is_the_one_before_the_end(
    db: None, begin: tuple[int, int, int], end: tuple[int, int, int] | None, words: str
) -> None:
    held = between(
        valid_from=datetime(*begin, tzinfo=UTC), valid_until=datetime(*end, tzinfo=UTC) if end else None
    )
    assert period(held) == words


def test_an_instant_within_a_day_is_shown_to_the_minute(db: None) -> None:
    assert term_day(datetime(2026, 10, 1, 9, 30, tzinfo=UTC)) == "1 Oct 2026, 09:30"


# ---- differences ------------------------------------------------------------------------------------------------
def test_words_that_went_and_came_are_marked_and_the_blanks_around_them_are_not() -> None:
    before, after = word_changes(
        "exchange indicators monthly with <care>", "exchange indicators without delay with <care>"
    )
    assert before == "exchange indicators <del>monthly</del> with &lt;care&gt;"
    assert after == "exchange indicators <ins>without delay</ins> with &lt;care&gt;"


def test_a_raised_marking_says_so(db: None) -> None:
    found = compare(between(), between(clauses=(clause(tlp_max=Tlp.RED),)))
    (section,) = found.sections
    (change,) = section.changes
    assert (section.clause, section.kind, change.label, change.note) == ("1", "changed", "Up to", "raised")
    assert "<del>" in change.before
    assert "TLP:AMBER" in change.before
    assert "<ins>" in change.after
    assert "TLP:RED" in change.after
    assert found.same == 0


def test_a_lowered_marking_says_so_too(db: None) -> None:
    found = compare(between(), between(clauses=(clause(tlp_max=Tlp.CLEAR),)))
    assert found.sections[0].changes[0].note == "lowered"


@pytest.mark.parametrize(
    ("changes", "label", "before", "after"),
    [
        ({"senders": ("xn",)}, "From", "any other party", "North"),
        ({"receivers": ("xs",)}, "To", "any other party", "South"),
        ({"kinds": ("intel.report",)}, "What may flow", "everything", "threat reports"),
        ({"topics": ("attack:T1566",)}, "Topics", "all", "attack:T1566"),
        ({"onward": Onward("parties")}, "Onward", "no", "parties only"),
        ({"retention_days": 90}, "Kept", "no limit", "90 days"),
        ({"on_termination": "keep"}, "If ended", "delete", "keep"),
        ({"history": "all"}, "For newcomers", "from their accession on", "everything sent before"),
        ({"recognises": ({"issuer": "x"},)}, "Recognises", "0 credentials", "1 credential"),
        ({"title": Text.of(en="Clause one")}, "Title (English)", "Clause 1", "Clause one"),
        ({"purpose": ("defence",)}, "Purpose", "", "defence"),
    ],
)
def test_each_field_of_a_clause_is_compared_in_words(
    db: None, changes: dict[str, Any], label: str, before: str, after: str
) -> None:
    (section,) = compare(between(), between(clauses=(clause(**changes),))).sections
    shown = [(each.label, strip_tags(each.before), strip_tags(each.after)) for each in section.changes]
    assert shown == [(label, before, after)]


@pytest.mark.parametrize(
    ("changes", "label", "before", "after"),
    [
        ({"valid_until": datetime(2027, 1, 1, tzinfo=UTC)}, "Until", "without end", "31 December 2026"),
        (
            {"valid_from": datetime(2026, 11, 1, tzinfo=UTC)},
            "In force from",
            "1 October 2026",
            "1 November 2026",
        ),
        ({"notice_days": 90}, "Notice", "30 days", "90 days"),
        ({"accession": "by-invitation"}, "Accession", "closed", "by invitation"),
        ({"preamble": Text.of(fr="Pour se défendre")}, "Preamble (French)", "none", "Pour se défendre"),
        ({"prevailing": "fr"}, "Prevailing language", "English", "French"),
        ({"prevailing": ""}, "Prevailing language", "English", "none: all are of equal weight"),
        ({"authentic_languages": ("en", "ar")}, "Authentic in", "English", "English and Arabic"),
        (
            {"instrument": PAPER},
            "Annex of",
            "none",
            f"اتفاقية / Convention, 9 September 2026 {'ab' * 32}",
        ),
        # who must be bound is the same, and yet the text says something else
        (
            {"entry_into_force": 2},
            "Enters into force",
            "once all its parties are bound all",
            "once all its parties are bound 2",
        ),
    ],
)
def test_each_term_of_the_agreement_is_compared_in_words(
    db: None, changes: dict[str, Any], label: str, before: str, after: str
) -> None:
    (section,) = compare(between(), between(**changes)).sections
    shown = [(each.label, strip_tags(each.before), strip_tags(each.after)) for each in section.changes]
    assert (section.clause, section.title) == ("", None)
    assert shown == [(label, before, after)]


# for each member that may differ, another value of it: a member that is new to the document has to be added here
OTHER_TERMS: dict[str, Any] = {  # members are of their own types
    "title": Text.of(en="Sharing", ar="تبادل"),
    "valid_from": datetime(2026, 10, 1, 0, 0, 1, tzinfo=UTC),
    "valid_until": datetime(2027, 1, 1, tzinfo=UTC),
    "accession": "by-invitation",
    "min_signatories": 3,
    "entry_into_force": 2,
    "notice_days": 31,
    "authentic_languages": ("en", "fr"),
    "prevailing": "",
    "preamble": Prose.of(en="Whereas"),
    "instrument": PAPER,
}
OTHER_PARTY: dict[str, Any] = {
    "ref": "xw",
    "kind": "guest",
    "node": "https://west.example",
    "host": "xn",
    "nation": "XW",
    "organisation": Text.of(en="South", ar="الجنوب"),
    "kid": KID.lower(),
    "ratifies": True,
}
OTHER_CLAUSE: dict[str, Any] = {
    "ref": "1.1",
    "title": Text.of(en="Clause 1", fr="Article 1"),
    "senders": ("xn",),
    "receivers": ("xn",),
    "kinds": ("intel.report",),
    "topics": ("attack:T1",),
    "tlp_max": Tlp.RED,
    "purpose": (Text.of(en="defence", ar="الدفاع"),),
    "onward": Onward("named", ("https://west.example",)),
    "history": "all",
    "retention_days": 9,
    "on_termination": "keep",
    "recognises": ({"issuer": "y"},),
}
OTHER_PAPER: dict[str, Any] = {
    "title": Text.of(en="Convention", ar="معاهدة"),
    "date": date(2026, 9, 10),
    "digest": "cd" * 32,
}
# what tells a text from another without saying anything of what is agreed, and what a text as it is read never holds
OF_THE_TEXT = {"id", "version", "supersedes", "text", "digest", "acceded"}


def every_other_text() -> list[tuple[str, Document, Document]]:
    """A text and one that differs from it in a single member."""
    rich = clause(recognises=({"issuer": "x"},), purpose=(Text.of(en="defence", ar="دفاع"),))
    base = between(clauses=(rich,), instrument=PAPER)
    north, south = base.parties
    guest = replace(south, kind="guest", node="", host="xn")
    found = [(f"document.{name}", between(), between(**{name: value})) for name, value in OTHER_TERMS.items()]
    found += [
        (
            f"party.{name}",
            replace(base, parties=(north, guest if name == "host" else south)),
            replace(base, parties=(north, replace(guest if name == "host" else south, **{name: value}))),
        )
        for name, value in (OTHER_PARTY | {"host": "xe"}).items()
    ]
    found += [
        (f"clause.{name}", base, replace(base, clauses=(replace(rich, **{name: value}),)))
        for name, value in OTHER_CLAUSE.items()
    ]
    found += [
        (f"paper.{name}", base, replace(base, instrument=replace(PAPER, **{name: value})))
        for name, value in OTHER_PAPER.items()
    ]
    named = replace(base, clauses=(replace(rich, onward=Onward("named", ("https://west.example",))),))
    other = replace(base, clauses=(replace(rich, onward=Onward("named", ("https://east.example",))),))
    two, turned = (clause("1"), clause("2")), (clause("2"), clause("1", tlp_max=Tlp.RED))
    return [
        *found,
        ("onward.named", named, other),
        ("depositary", base, replace(base, parties=(south, north))),
        ("order of clauses", between(clauses=two), between(clauses=turned)),
    ]


def test_another_value_is_known_of_every_member_that_may_differ() -> None:
    members = {each.name for each in fields(Document)}
    assert members == OF_THE_TEXT | OTHER_TERMS.keys() | {"parties", "clauses"}
    assert {each.name for each in fields(Party)} == OTHER_PARTY.keys()
    assert {each.name for each in fields(Clause)} == OTHER_CLAUSE.keys()
    assert {each.name for each in fields(Paper)} == OTHER_PAPER.keys()
    assert {each.name for each in fields(Onward)} == {"rule", "named"}


@pytest.mark.parametrize(
    ("member", "before", "after"), [pytest.param(*each, id=each[0]) for each in every_other_text()]
)
def test_no_member_of_a_text_differs_without_a_line_that_tells_the_two_apart(
    db: None, member: str, before: Document, after: Document
) -> None:
    changes = [change for section in compare(before, after).sections for change in section.changes]
    assert changes
    assert all(strip_tags(change.before) != strip_tags(change.after) for change in changes)


def test_clauses_that_came_and_went_are_told_whole_and_the_others_counted(db: None) -> None:
    before = between(clauses=(clause("1"), clause("2"), clause("3")))
    after = between(clauses=(clause("1"), clause("3"), clause("4", tlp_max=Tlp.GREEN)))
    found = compare(before, after)
    assert [(each.clause, each.kind) for each in found.sections] == [("4", "added"), ("2", "removed")]
    assert found.same == 2
    assert "up to <bdi" in found.sections[0].changes[0].after
    assert strip_tags(found.sections[0].changes[0].before) == "none"
    assert found.sections[1].changes[0].before.startswith("<del>")


def test_a_text_compared_with_itself_says_the_same(db: None) -> None:
    assert compare(between(), between()).sections == ()


# ---- timelines --------------------------------------------------------------------------------------------------
def steps_of(held: Agreement) -> list[tuple[str, str]]:
    return [(str(each.label), each.when) for each in state_steps(record_of(held), standing_of(held), now())]


def titles_of(held: Agreement) -> list[str]:
    return [str(each.title) for each in history(record_of(held), standing_of(held), now())]


def test_a_draft_has_everything_before_it(cast: Cast) -> None:
    held = actions.draft(cast.officer.actor, document(partner()))
    assert steps_of(held) == [
        ("Draft", "now"),
        ("Proposed", "future"),
        ("Signed", "future"),
        ("In force", "future"),
    ]
    assert titles_of(held) == ["Drafted on this node"]


def test_a_proposal_waits_for_its_signatures(cast: Cast) -> None:
    held = agreement_proposed(partner())
    assert steps_of(held) == [("Proposed", "now"), ("Signed", "future"), ("In force", "future")]


def test_one_signature_of_two_is_told(node: Organisation) -> None:
    south = partner()
    held = agreement_proposed(south)
    sign_version(held.versions.get(), south.node, south.key)
    signed = next(
        each for each in state_steps(record_of(held), standing_of(held), now()) if each.label == "Signed"
    )
    assert signed.detail == "1 of 2 signatures"


def test_what_is_in_force_was_proposed_and_signed(node: Organisation) -> None:
    held = agreement_in_force(partner(), valid_until=now() + timedelta(days=10))
    assert steps_of(held) == [
        ("Proposed", "done"),
        ("Signed", "done"),
        ("In force", "now"),
        ("Expires", "future"),
    ]


def test_what_is_signed_for_later_is_not_in_force_yet(node: Organisation) -> None:
    held = agreement_in_force(partner(), valid_from=now() + timedelta(days=2))
    assert steps_of(held) == [("Proposed", "done"), ("Signed", "now"), ("In force", "future")]


def test_a_suspension_is_where_the_line_stands(cast: Cast) -> None:
    held = agreement_in_force(partner())
    actions.suspend(cast.officer.actor, held, "A review.")
    assert steps_of(held) == [
        ("Proposed", "done"),
        ("Signed", "done"),
        ("In force", "done"),
        ("Suspended", "now"),
    ]
    actions.resume(cast.officer.actor, held, "The review is done.")
    assert steps_of(held)[-1] == ("In force", "now")
    assert titles_of(held)[:2] == ["Suspension lifted", "Suspended"]


def test_a_notice_ends_the_line_later_and_then_has_ended_it(cast: Cast) -> None:
    held = agreement_in_force(partner(), notice_days=30)
    actions.terminate(cast.officer.actor, held, "Replaced.")
    assert steps_of(held)[-1] == ("Ends", "future")
    with frozen(now() + timedelta(days=31)):
        assert steps_of(held)[-2:] == [("In force", "done"), ("Terminated", "now")]
        assert titles_of(held)[0] == "Version 1 no longer in force"


def test_a_next_version_that_is_proposed_does_not_stand_before_the_signature_of_the_first(cast: Cast) -> None:
    south = partner()
    held = agreement_in_force(south)
    in_force = standing_of(held).current
    assert in_force is not None
    held = actions.edit_draft(
        cast.officer.actor, held, replace(in_force, notice_days=5), edition=held.draft_edition
    )
    actions.propose(cast.officer.actor, held, edition=held.draft_edition)
    assert steps_of(held) == [("Proposed", "done"), ("Signed", "done"), ("In force", "now")]
    assert titles_of(held)[0] == "Version 2 proposed"


def test_a_declined_proposal_ends_there(cast: Cast) -> None:
    south = partner()
    held = agreement_proposed(south, depositary=south)
    actions.decline(cast.officer.actor, held, "Not now.")
    assert steps_of(held) == [("Proposed", "done"), ("Declined", "now")]


def test_history_names_who_approved_and_with_which_key_who_signed(cast: Cast) -> None:
    south = partner()
    held = agreement_proposed(south, depositary=south)
    version = held.versions.get()
    actions.approve(cast.officer.actor, held, version.digest)
    actions.approve(cast.other_officer.actor, held, version.digest)
    told = [
        (str(each.title), strip_tags(str(each.detail)))
        for each in history(record_of(held), standing_of(held), now())
    ]
    titles = [title for title, _detail in told]
    assert titles == ["Version 1 signed", "Version 1 approved", "Version 1 approved", "Version 1 proposed"]
    assert told[0][1].startswith("by Northern CERT, key ")
    assert told[1][1] == "by Other officer"
    assert told[2][1] == "by Officer"
    assert told[3][1] == "by Southern CERT"
