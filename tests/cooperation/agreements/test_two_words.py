"""A party that says two things under one name, to some and not to others: all come to the same, and people see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from taawun.cooperation.agreements import actions, forwarding, keeping
from taawun.cooperation.agreements.actions import speaking
from taawun.cooperation.agreements.document import parse, write
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.policy import Allowed, Denied
from taawun.cooperation.agreements.queries import current_policy, standing_of
from taawun.cooperation.agreements.standing import Standing, State, words
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import now, timestamp
from taawun.foundation.signing import SigningKey
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import Cast, agreement_in_force, instrument_kept, partner
from tests.cooperation.agreements.test_instruments import (
    DONE,
    EAST,
    REPORT,
    Community,
    community,
    in_force,
    standing_now,
    told,
)
from tests.lanes import talk_lane

__all__ = ["community", "in_force"]


def _forget(kept: Sequence[type[Any]] = (PartyInstrument,)) -> None:
    for model in kept:
        model.objects.all().delete()


def _in_each_order(
    c: Community, words: Sequence[str], tell: Callable[[str], object]
) -> Iterator[tuple[Any, ...]]:
    """Where the agreement stands after the words came in each order, from the same beginning."""
    before = set(PartyInstrument.objects.values_list("pk", flat=True))
    for order in permutations(words):
        for word in order:
            tell(word)
        yield standing_now(c)
        PartyInstrument.objects.exclude(pk__in=before).delete()


def test_two_things_under_one_id_both_count_whichever_came_first(in_force: Community) -> None:
    c, name = in_force, str(uuid4())
    words = [c.of_west("suspended", id=name), c.of_west("left", id=name)]

    def tell(word: str) -> None:
        assert told(c.west_lane, "agreement.declared", {"instrument": word}) == DONE

    first, second = _in_each_order(c, words, tell)
    assert first == second
    assert "xw" in first[4]


def test_who_says_two_things_under_one_id_is_alarmed_about_by_name(in_force: Community) -> None:
    c, name = in_force, str(uuid4())
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("suspended", id=name)})
    assert not Notice.objects.filter(kind="agreements.two-words").exists()
    told(c.south_lane, "agreement.evidence", c.evidence(c.of_west("declined", id=name)))
    notice = Notice.objects.get(kind="agreements.two-words", resolved=None)
    assert (notice.level, notice.params["node"]) == (Notice.Level.ALARM, c.west.node)
    kind = registry.get(NoticeKind, notice.kind)
    assert c.west.node in kind.sentence(notice.params)
    # each is there to be read, under an id of its own
    assert PartyInstrument.objects.filter(chosen=name).count() == 2
    assert len(set(PartyInstrument.objects.filter(chosen=name).values_list("id", flat=True))) == 2


def test_what_lifts_a_name_lifts_all_that_was_said_under_it(in_force: Community) -> None:
    c, name = in_force, str(uuid4())
    words = [
        c.of_west("suspended", id=name),
        c.of_west("suspended", id=name, note="another"),
        c.of_west("resumed", lifts=name),
    ]
    found = set(
        map(
            str,
            _in_each_order(
                c, words, lambda word: told(c.west_lane, "agreement.declared", {"instrument": word})
            ),
        )
    )
    assert len(found) == 1
    for word in words:
        told(c.west_lane, "agreement.declared", {"instrument": word})
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE


def test_an_id_that_another_party_used_first_is_lifted_by_its_own_party_in_any_order(
    in_force: Community,
) -> None:
    c, name = in_force, str(uuid4())
    lanes = {c.west.node: c.west_lane, c.south.node: c.south_lane}
    suspended, resumed = c.of_west("suspended", id=name), c.of_west("resumed", lifts=name)
    foreign = c.of_south("declined", id=name)
    said = {suspended: c.west_lane, resumed: c.west_lane, foreign: c.south_lane}
    assert len(lanes) == 2
    found = list(
        _in_each_order(
            c, list(said), lambda word: told(said[word], "agreement.declared", {"instrument": word})
        )
    )
    assert len(found) == 6
    assert {each[0] for each in found} == {State.IN_FORCE}
    assert not Notice.objects.filter(kind="agreements.two-words").exists()


def test_of_two_signatures_the_first_by_its_own_word_is_held_in_any_order(in_force: Community) -> None:
    c = in_force
    text = parse(write(replace(c.text, version=2, notice_days=3)))
    told(c.south_lane, "agreement.proposed", {"document": text.text.decode()})
    early = timestamp(now() - timedelta(minutes=1))
    # two of one instant, and a later one
    signatures = [c.of_west(digest=text.digest, at=early) for _ in range(2)] + [c.of_west(digest=text.digest)]
    held = set()
    for order in permutations(signatures):
        for each in order:
            assert told(c.west_lane, "agreement.signed", {"signature": each}) == DONE
        row = PartySignature.objects.get(digest=text.digest, node=c.west.node)
        held.add(row.token)
        row.delete()
    assert len(held) == 1
    assert held < set(signatures[:2])


# ---- a depositary with two texts ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("pages")
def test_two_texts_under_one_number_are_held_alarmed_about_and_signed_by_nobody_here(
    cast: Cast, in_force: Community
) -> None:
    c = in_force
    one, two = (parse(write(replace(c.text, version=2, notice_days=days))) for days in (3, 4))
    told(c.south_lane, "agreement.proposed", {"document": one.text.decode()})
    agreement = Agreement.objects.get()
    actions.approve(cast.officer.actor, agreement, one.digest)
    shown = c.evidence(
        signatures=(c.of_south(digest=two.digest), c.of_west(digest=two.digest)),
        documents=[two.text.decode()],
    )
    assert told(c.west_lane, "agreement.evidence", shown) == DONE
    # the alarm stays, though the texts contradict each other
    notice = Notice.objects.get(kind="agreements.two-texts", resolved=None)
    assert (notice.level, notice.params["node"]) == (Notice.Level.ALARM, c.south.node)
    assert {each.digest for each in Version.objects.filter(number=2)} == {one.digest, two.digest}
    for digest in (one.digest, two.digest):
        with pytest.raises(StepRefused) as refused:
            actions.approve(cast.other_officer.actor, agreement, digest)
        assert refused.value.code == "two-texts"
    assert standing_of(agreement).state == State.IN_FORCE
    # each of them can be read, compared and fetched
    page = cast.analyst.browser().get(f"/en/agreements/{agreement.id}/versions/2/?digest={two.digest}")
    assert one.digest[:12] in page.content.decode()
    api = cast.observer.api
    base = f"/agreements/{agreement.id}"
    for each in (one, two):
        answer = api.get(f"{base}/versions/2/text", digest=each.digest)
        assert answer.content == each.text
    compared = api.get(f"{base}/compare", before=one.digest, after=two.digest).json()
    assert [each["place"] for each in compared["changes"]] == ["/notice_days"]
    browser = cast.analyst.browser()
    assert browser.get(f"/en/agreements/{agreement.id}/compare/").status_code == 200
    assert browser.get(f"/en/agreements/{agreement.id}/").status_code == 200
    # a next version ends it
    three = parse(write(replace(c.text, version=3)))
    told(c.south_lane, "agreement.proposed", {"document": three.text.decode()})
    actions.approve(cast.officer.actor, agreement, three.digest)


def test_no_version_is_taken_from_who_made_up_a_key_for_its_depositary(in_force: Community) -> None:
    c = in_force
    Partner.objects.filter(node=c.south.node).update(state=Partner.State.MET)
    made_up = SigningKey.generate()
    parties = tuple(
        replace(each, kid=made_up.kid) if each.node == c.south.node else each for each in c.text.parties
    )
    text = parse(write(replace(c.text, version=2, parties=parties)))
    signature = c.token(made_up, c.south.node, digest=text.digest)
    shown = c.evidence(signatures=(signature,), documents=[text.text.decode()])
    shown["keys"].append(made_up.public.to_jwk())
    assert told(c.west_lane, "agreement.evidence", shown) == ("refused", "not-depositary")
    assert Version.objects.count() == 1


# ---- a party that says too much --------------------------------------------------------------------------------------


def test_of_what_a_party_says_too_often_the_same_is_kept_in_any_order(
    in_force: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = in_force
    monkeypatch.setattr(words, "MOST_SAID", 2)
    # one more than it may say is kept, which shows that there was more
    said = [c.of_west("suspended") for _ in range(4)]
    kept = set()
    for order in permutations(said):
        for word in order:
            assert told(c.west_lane, "agreement.declared", {"instrument": word}) == DONE
        rows = PartyInstrument.objects.filter(kind="suspended")
        kept.add(frozenset(rows.values_list("token", flat=True)))
        rows.delete()
    assert [len(each) for each in kept] == [3]
    notice = Notice.objects.get(kind="agreements.too-many-words", resolved=None)
    assert notice.params["node"] == c.west.node
    # of another kind it has as many
    for _ in range(2):
        told(c.west_lane, "agreement.declared", {"instrument": c.of_west("declined")})
    assert PartyInstrument.objects.filter(kind="declined").count() == 2


def test_this_node_says_nothing_that_others_would_not_keep(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "MOST_SAID", 1)
    agreement = agreement_in_force(partner())
    actions.suspend(cast.officer.actor, agreement, "")
    actions.resume(cast.officer.actor, agreement, "")
    with pytest.raises(StepRefused) as refused:
        actions.suspend(cast.officer.actor, agreement, "")
    assert refused.value.code == "too-many-words"


def test_what_is_said_again_and_what_lets_nothing_flow_is_not_reckoned_with(
    in_force: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = in_force
    word = c.of_west("suspended")
    told(c.west_lane, "agreement.declared", {"instrument": word})
    reckoned = list[Agreement]()

    def reckon(held: Agreement) -> Standing:
        reckoned.append(held)
        return standing_of(held)

    monkeypatch.setattr(speaking, "standing_of", reckon)
    told(c.west_lane, "agreement.declared", {"instrument": word})
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("declined")})
    assert reckoned == []
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("left")})
    assert len(reckoned) == 2


def test_an_invitation_that_comes_last_makes_a_party_of_who_acceded_at_once(in_force: Community) -> None:
    c = in_force
    east = partner(nation="XE", node=EAST)
    c.east = east.key
    invitation = c.invited()
    accession = c.acceded(invitation)
    told(talk_lane(east), "agreement.declared", {"instrument": accession})
    told(c.south_lane, "agreement.declared", {"instrument": c.countersigned(accession)})
    assert isinstance(current_policy().decide(EAST, REPORT, now().timestamp()), Denied)
    told(c.south_lane, "agreement.declared", {"instrument": invitation})
    assert isinstance(current_policy().decide(EAST, REPORT, now().timestamp()), Allowed)


def test_a_depositary_countersigns_no_flood(cast: Cast) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    about = Version.objects.get().digest
    for _ in range(30):
        instrument_kept(south.node, agreement.id, about, "lifted")
    assert [actions.countersign(agreement) for _ in range(2)] == [20, 0]


# ---- a depositary that tells some of its parties nothing -------------------------------------------------------------


def test_who_is_named_as_a_party_and_told_nothing_learns_it_from_another_party(community: Community) -> None:
    c = community
    # west tells of an agreement that this node has never heard of, and is asked to show it
    told(c.west_lane, "agreement.held", {"agreement": str(c.text.id), "held": ["f" * 64]})
    assert [forwarding.answer_comparisons() for _ in range(2)] == [1, 0]
    shown = c.evidence(signatures=(c.of_south(), c.of_west()), documents=[c.text.text.decode()])
    assert told(c.west_lane, "agreement.evidence", shown) == DONE
    assert standing_of(Agreement.objects.get()).signed_by == {"xs", "xw"}


def test_a_signature_that_names_another_agreement_than_its_version_is_about_neither(
    in_force: Community,
) -> None:
    c = in_force
    text = parse(write(replace(c.text, version=2)))
    told(c.south_lane, "agreement.proposed", {"document": text.text.decode()})
    wrong = c.of_west(digest=text.digest, agreement=str(uuid4()))
    told(c.west_lane, "agreement.evidence", c.evidence(signatures=(wrong,)))
    assert not PartySignature.objects.filter(token=wrong).exists()


def test_a_version_that_nobody_here_knew_is_taken_by_no_word_under_a_key_that_it_does_not_name(
    community: Community,
) -> None:
    c, made_up = community, SigningKey.generate()
    Partner.objects.filter(node=c.south.node).update(state=Partner.State.MET)
    forged = c.token(made_up, c.south.node)
    shown = c.evidence(signatures=(forged, c.of_west()), documents=[c.text.text.decode()])
    shown["keys"].append(made_up.public.to_jwk())
    assert told(c.west_lane, "agreement.evidence", shown)[0] == "refused"
    assert not Version.objects.exists()


def test_of_unknown_agreements_no_more_are_asked_for_than_wait_and_none_of_a_stranger(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = community
    monkeypatch.setattr(keeping, "MOST_WAITING", 2)
    held = [{"agreement": str(uuid4()), "held": []} for _ in range(3)]
    assert [told(c.west_lane, "agreement.held", each) for each in held] == [
        DONE,
        DONE,
        ("refused", "too-many-waiting"),
    ]
    Partner.objects.filter(node=c.south.node).update(state=Partner.State.MET)
    c.south.row.refresh_from_db()
    assert told(c.south_lane, "agreement.held", held[0]) == ("refused", "not-a-party")
