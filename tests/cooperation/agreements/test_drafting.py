"""First drafts from templates."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils.translation import override

from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.drafting import TEMPLATES, draft_from, specimen, template
from taawun.cooperation.agreements.errors import DocumentRefused, StepRefused
from taawun.cooperation.agreements.presenting import clause_in_words
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.foundation.tlp import Tlp
from tests.cast import partner

NAMES = [each.name for each in TEMPLATES]


def test_the_templates_are_those_that_are_documented() -> None:
    assert NAMES == ["threat-sharing", "community-sharing", "training", "drill", "early-warning"]


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_holds_together_and_names_both_parties_with_their_keys(node: Organisation, name: str) -> None:
    south = partner()
    document = draft_from(name, [south.row], valid_from=now())
    assert parse(document.text) == document
    ours, theirs = document.parties
    assert (ours.ref, ours.node, ours.kid) == ("XN", settings.BASE_URL, node_key().kid)
    assert (theirs.ref, theirs.node, theirs.kid) == ("XS", south.node, south.key.kid)
    assert document.depositary == ours
    assert (document.version, document.required_signatures()) == (1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_no_language_of_a_draft_prevails_before_its_parties_say_so(node: Organisation, name: str) -> None:
    document = draft_from(name, [partner().row], valid_from=now())
    assert (document.authentic_languages, document.prevailing) == (LANGUAGES, "")


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_a_draft_is_there_in_the_three_languages(node: Organisation, name: str) -> None:
    document = draft_from(name, [partner().row], valid_from=now())
    assert document.preamble is not None
    texts = [document.title, document.preamble, *(clause.title for clause in document.clauses)]
    assert [set(text.to_json()) for text in texts] == [set(LANGUAGES)] * len(texts)
    assert document.authentic_languages == ("ar", "en", "fr")


@pytest.mark.parametrize("name", NAMES)
def test_no_template_lets_red_flow_or_anything_go_on_to_everybody(node: Organisation, name: str) -> None:
    document = draft_from(name, [partner().row], valid_from=now())
    assert all(clause.tlp_max < Tlp.RED for clause in document.clauses)
    assert {clause.onward.rule for clause in document.clauses} <= {"none", "parties"}
    # what may be AMBER or more is kept for a time that is named
    assert all(clause.retention_days for clause in document.clauses if clause.tlp_max >= Tlp.AMBER)


def test_two_drafts_are_two_agreements(node: Organisation) -> None:
    south = partner()
    first, second = (draft_from("training", [south.row], valid_from=now()) for _ in range(2))
    assert first.id != second.id


def test_parties_that_share_a_nation_or_have_none_are_told_apart(node: Organisation) -> None:
    others = [partner(nation="XS"), partner(nation="XS"), partner(nation="XE"), partner(nation="XN")]
    Partner.objects.filter(id=others[2].row.id).update(nation="")
    rows = [Partner.objects.get(id=each.row.id) for each in others]
    document = draft_from("training", rows, valid_from=now())
    assert [party.ref for party in document.parties] == ["XN-1", "XS-2", "XS-3", "P-4", "XN-5"]


def test_an_unknown_template_is_refused_with_the_names_of_those_there_are(node: Organisation) -> None:
    with pytest.raises(
        StepRefused, match="threat-sharing, community-sharing, training, drill, and early-warning"
    ):
        draft_from("friendship", [partner().row], valid_from=now())


def test_a_partner_that_has_not_answered_cannot_be_a_party(node: Organisation) -> None:
    row = Partner.objects.create(node="https://east.example", state=Partner.State.CLAIMED)
    with pytest.raises(StepRefused, match=r"east\.example"):
        draft_from("training", [row], valid_from=now())


def test_an_agreement_with_nobody_or_that_ends_before_it_begins_is_refused(node: Organisation) -> None:
    with pytest.raises(DocumentRefused, match="at least two nodes"):
        draft_from("training", [], valid_from=now())
    with pytest.raises(DocumentRefused, match="Until: is not after the beginning"):
        draft_from("training", [partner().row], valid_from=now(), valid_until=now() - timedelta(days=1))


def test_the_purposes_of_every_template_come_in_the_three_languages(node: Organisation) -> None:
    for each in TEMPLATES:
        document = draft_from(each.name, [partner().row], valid_from=now())
        for clause in document.clauses:
            [purpose] = clause.purpose
            assert isinstance(purpose, Text)
            assert tuple(purpose.by_language) == ("ar", "en", "fr")
    with override("ar"):
        told = " ".join(clause_in_words(document.clauses[0], document))
    assert "الحماية من الهجوم المُنذَر به" in told
    assert "protection" not in told


def test_a_multilateral_agreement_binds_from_three_signatures_on_and_lets_others_join(
    node: Organisation,
) -> None:
    others = [partner(name, nation=code).row for name, code in (("S", "XS"), ("E", "XE"), ("W", "XW"))]
    document = draft_from("community-sharing", others, valid_from=now())
    assert (document.required_signatures(), document.accession, document.notice_days) == (
        3,
        "by-invitation",
        180,
    )
    assert {(clause.senders, clause.receivers) for clause in document.clauses} == {(("any",), ("any",))}
    # what goes on to every party is never what a clause keeps with its receiver
    assert [(clause.tlp_max, clause.onward.rule, clause.history) for clause in document.clauses] == [
        (Tlp.AMBER, "none", "from-accession"),
        (Tlp.GREEN, "parties", "all"),
        (Tlp.AMBER, "none", "from-accession"),
    ]


def test_a_template_may_name_a_room_that_is_not_built_yet_by_words_and_never_by_its_code(
    node: Organisation,
) -> None:
    for language, words in (("en", "courses and other"), ("ar", "الدورات"), ("fr", "cours et autres")):
        with override(language):
            told = " ".join(
                clause_in_words(specimen(template("training")).clauses[0], specimen(template("training")))
            )
        assert words in told
        assert "learning" not in told.replace("learning resources", "")


def test_a_specimen_is_the_same_at_each_look(node: Organisation) -> None:
    for each in TEMPLATES:
        assert specimen(each).text == specimen(each).text
