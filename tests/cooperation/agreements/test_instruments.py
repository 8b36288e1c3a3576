"""Joining, leaving and narrowing by message: any order ends in one standing, and whoever lies is seen."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from taawun.cooperation.agreements import actions, arriving, forwarding
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP, SIGNATURE_TYP
from taawun.cooperation.agreements.document import (
    Document,
    Narrowing,
    Part,
    Party,
    narrowing_json,
    parse,
    party_json,
    write,
)
from taawun.cooperation.agreements.errors import DocumentRefused, StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.policy import Allowed, Denied, Facts
from taawun.cooperation.agreements.queries import current_policy, standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import canonical
from taawun.foundation.strict_json import parse as parse_json
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.models import Notice
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    document,
    partner,
    sign_version,
)
from tests.lanes import TheirLane, talk_lane

REPORT = Facts("intel.report", Tlp.GREEN)
EAST = "https://east.example"
DONE = ("done", "")


@dataclass
class Community:
    """South is the depositary, west and this node are parties, and east is a stranger who may join."""

    south: PartnerNode
    west: PartnerNode
    south_lane: TheirLane
    west_lane: TheirLane
    east: SigningKey
    text: Document

    @property
    def entry(self) -> Party:
        """East as it is invited."""
        return Party("xe", "node", EAST, "", "XE", Text.of(en="East"), self.east.kid)

    def token(self, key: SigningKey, node: str, kind: str = "", /, **members: Any) -> str:
        """What a node signs about the text; without a kind a signature. Members are of whatever type."""
        said = {
            "id": str(uuid4()),
            "agreement": str(self.text.id),
            "digest": self.text.digest,
            "node": node,
            "at": timestamp(now()),
            "to": [settings.BASE_URL],
            **({"kind": kind, "note": ""} if kind else {}),
            **members,
        }
        return key.sign(canonical(said), INSTRUMENT_TYP if kind else SIGNATURE_TYP)

    def of_south(self, kind: str = "", **members: Any) -> str:
        """What the depositary signs."""
        return self.token(self.south.key, self.south.node, kind, **members)

    def of_west(self, kind: str = "", **members: Any) -> str:
        """What the other party signs."""
        return self.token(self.west.key, self.west.node, kind, **members)

    def of_east(self, kind: str, **members: Any) -> str:
        """What the stranger signs."""
        return self.token(self.east, EAST, kind, **members)

    def invited(self, **members: Any) -> str:
        """The depositary's invitation of the stranger."""
        return self.of_south(
            "invited", party=party_json(self.entry), jwk=self.east.public.to_jwk(), **members
        )

    def acceded(self, invitation: str) -> str:
        """The stranger's accession."""
        return self.of_east("acceded", answers=id_of(invitation), of=self.south.node)

    def countersigned(self, accession: str, **members: Any) -> str:
        """The depositary's countersignature of the accession."""
        return self.of_south(
            "countersigned",
            **{"answers": id_of(accession), "of": EAST, "sees": sha256(accession.encode()), **members},
        )

    def evidence(self, *instruments: str, signatures: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
        """A message that passes on what others signed."""
        keys = [self.south.key, self.west.key, self.east]
        return {
            "agreement": str(self.text.id),
            "documents": [],
            "signatures": list(signatures),
            "instruments": [{"instrument": each} for each in instruments],
            "keys": [key.public.to_jwk() for key in keys],
            **more,
        }


def id_of(token: str) -> str:
    """The id that was given to what was signed."""
    said = parse_json(peek(token).payload)
    return str(said["id"])


@pytest.fixture
def community(node: Organisation) -> Community:
    south, west = partner(nation="XS"), partner(nation="XW")
    text = document(south, west, depositary=south, accession="by-invitation", notice_days=0)
    parties = tuple(replace(each, ratifies=each.node == west.node) for each in text.parties)
    text = parse(write(replace(text, parties=parties)))
    return Community(south, west, talk_lane(south), talk_lane(west), SigningKey.generate(), text)


def told(lane: TheirLane, kind: str, payload: Mapping[str, object]) -> tuple[str, str]:
    """Deliver one message; what became of it."""
    lane.say(kind, payload)
    return lane.deliver()[-1]


def standing_now(community: Community) -> tuple[Any, ...]:
    """Where the agreement stands here, without what only this node knows; each part has its own type."""
    standing = standing_of(Agreement.objects.get(id=community.text.id))
    return (
        standing.state,
        sorted(standing.signatories),
        sorted(standing.ratified_by),
        standing.ends,
        standing.leaves,
        [each.id for each in standing.suspensions],
        [each.id for each in standing.declared],
        [each.id for each in standing.accessions],
        [(each.opens, each.closes) for each in standing.windows],
    )


def _everything(community: Community, at: datetime) -> list[tuple[str, str, dict[str, object]]]:
    """All that three nodes say about the agreement: through which lane, the kind of message, and the message."""

    def when(minutes: int) -> str:
        return timestamp(at + timedelta(minutes=minutes))

    c = community
    invitation = c.invited(at=when(3))
    accession = c.token(c.east, EAST, "acceded", answers=id_of(invitation), of=c.south.node, at=when(4))
    word = c.countersigned(accession, at=when(5))
    declared = c.of_west("declared", narrows=[narrowing_json(Narrowing("1", "takes"))], at=when(6))
    kept = c.of_south("declared", narrows=[narrowing_json(Narrowing("1", "gives", Tlp.CLEAR))], at=when(6))
    suspended = c.of_south("suspended", at=when(7))
    direct: dict[str, list[tuple[str, dict[str, object]]]] = {
        "south": [
            ("agreement.declared", {"instrument": each})
            for each in (
                invitation,
                word,
                kept,
                suspended,
                c.of_south("resumed", lifts=id_of(suspended), at=when(8)),
            )
        ],
        "west": [
            ("agreement.declared", {"instrument": each})
            for each in (
                c.of_west("ratified", at=when(2)),
                declared,
                c.of_west("lifted", lifts=id_of(declared), at=when(7)),
                c.of_west("left", at=when(9)),
            )
        ],
    }
    direct["south"] += [
        ("agreement.proposed", {"document": c.text.text.decode()}),
        ("agreement.signed", {"signature": c.of_south(at=when(0))}),
        ("agreement.evidence", c.evidence(accession, invitation)),
    ]
    direct["west"] += [
        ("agreement.signed", {"signature": c.of_west(at=when(1))}),
        ("agreement.evidence", c.evidence(accession, word)),
    ]
    return [(lane, kind, message) for lane, said in direct.items() for kind, message in said]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_any_doubling_and_any_loss_that_is_repeated_end_in_the_same_standing(
    community: Community, seed: int
) -> None:
    chance, begin = random.Random(seed), now() - timedelta(minutes=20)  # noqa: S311 - no secret
    everything = _everything(community, begin)
    lanes = {"south": community.south_lane, "west": community.west_lane}
    first = [each for each in everything * 2 if chance.random() < 0.6]
    chance.shuffle(first)
    again = list(everything)
    chance.shuffle(again)
    for lane, kind, message in [*first, *again, *again]:
        told(lanes[lane], kind, message)
    sign_version(Version.objects.get(), settings.BASE_URL, node_key())
    with frozen(now()):
        found = standing_now(community)
    state, signatories, ratified, _ends, leaves, suspensions, declared, accessions, windows = found
    assert state == State.IN_FORCE
    assert (signatories, ratified) == (["us", "xe", "xs"], ["us", "xe", "xs", "xw"])
    # it left before the last one had signed
    assert leaves == {"xw": windows[0][0]}
    assert (suspensions, len(declared), accessions) == ([], 1, [])


# ---- a stranger that joins -----------------------------------------------------------------------------------------


@pytest.fixture
def in_force(community: Community) -> Community:
    c = community
    told(c.south_lane, "agreement.proposed", {"document": c.text.text.decode()})
    told(c.south_lane, "agreement.signed", {"signature": c.of_south()})
    told(c.west_lane, "agreement.signed", {"signature": c.of_west()})
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("ratified")})
    sign_version(Version.objects.get(), settings.BASE_URL, node_key())
    return c


def test_a_newcomer_is_a_party_once_it_was_countersigned_and_gets_nothing_before_it_was_compared(
    in_force: Community,
) -> None:
    c = in_force
    invitation = c.invited()
    accession = c.acceded(invitation)
    word = c.countersigned(accession)
    assert told(c.south_lane, "agreement.declared", {"instrument": invitation}) == DONE
    assert told(c.south_lane, "agreement.evidence", c.evidence(accession)) == DONE
    assert "xe" not in standing_of(Agreement.objects.get()).signatories
    assert told(c.south_lane, "agreement.declared", {"instrument": word}) == DONE
    assert "xe" in standing_of(Agreement.objects.get()).signatories
    refused = current_policy().decide(EAST, REPORT, now().timestamp())
    assert isinstance(refused, Denied)
    assert refused.reason == "not-verified"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda c, said: c.token(SigningKey.generate(), EAST, "acceded", **said), ("refused", "unknown-key")),
        (lambda c, said: c.token(c.west.key, EAST, "acceded", **said), DONE),
        (lambda c, said: c.token(c.west.key, c.west.node, "acceded", **said), DONE),
        (lambda c, said: c.token(c.east, EAST, "acceded", **{**said, "agreement": str(uuid4())}), DONE),
    ],
    ids=["a key that nobody named", "the key of a party", "a party itself", "another agreement"],
)
def test_an_accession_that_its_node_did_not_sign_makes_nobody_a_party(
    in_force: Community, change: Callable[[Community, dict[str, Any]], str], outcome: tuple[str, str]
) -> None:
    c = in_force
    invitation = c.invited()
    told(c.south_lane, "agreement.declared", {"instrument": invitation})
    forged = change(c, {"answers": id_of(invitation), "of": c.south.node})
    assert told(c.south_lane, "agreement.evidence", c.evidence(forged)) == outcome
    told(c.south_lane, "agreement.declared", {"instrument": c.countersigned(forged)})
    assert sorted(standing_of(Agreement.objects.get()).signatories) == ["us", "xs", "xw"]


def test_a_depositary_cannot_accede_for_a_node_whose_key_was_compared_here(in_force: Community) -> None:
    c = in_force
    # East has a key of its own; the one that the invitation names was made up by the depositary
    partner(nation="XE", node=EAST)
    invitation = c.invited()
    accession = c.acceded(invitation)
    told(c.south_lane, "agreement.declared", {"instrument": invitation})
    assert told(c.south_lane, "agreement.evidence", c.evidence(accession)) == ("refused", "unknown-key")
    told(c.south_lane, "agreement.declared", {"instrument": c.countersigned(accession)})
    assert sorted(standing_of(Agreement.objects.get()).signatories) == ["us", "xs", "xw"]


def test_what_was_signed_before_a_node_was_compared_counts_only_under_the_key_that_was_compared(
    in_force: Community,
) -> None:
    c = in_force
    invitation = c.invited()
    accession = c.acceded(invitation)
    told(c.south_lane, "agreement.declared", {"instrument": invitation})
    told(c.south_lane, "agreement.evidence", c.evidence(accession))
    told(c.south_lane, "agreement.declared", {"instrument": c.countersigned(accession)})
    assert "xe" in standing_of(Agreement.objects.get()).signatories
    partner(nation="XE", node=EAST)
    assert sorted(standing_of(Agreement.objects.get()).signatories) == ["us", "xs", "xw"]
    refused = current_policy().decide(EAST, REPORT, now().timestamp())
    assert isinstance(refused, Denied)


@pytest.mark.parametrize("is_by_words", [False, True])
def test_a_depositary_that_countersigns_twice_is_alarmed_about_and_gains_nothing(
    in_force: Community, is_by_words: bool
) -> None:
    c = in_force
    invitation = c.invited()
    accession = c.acceded(invitation)
    again = c.countersigned(accession, **({"sees": sha256(peek(accession).payload)} if is_by_words else {}))
    told(c.south_lane, "agreement.declared", {"instrument": invitation})
    told(c.west_lane, "agreement.evidence", c.evidence(accession))
    told(c.south_lane, "agreement.declared", {"instrument": c.countersigned(accession)})
    told(c.west_lane, "agreement.evidence", c.evidence(again))
    arriving.settle()
    assert Notice.objects.filter(kind="agreements.two-countersignatures", resolved=None).count() == 1
    assert "xe" in standing_of(Agreement.objects.get()).signatories


def test_a_word_that_was_told_to_others_only_arrives_through_them(in_force: Community) -> None:
    c = in_force
    suspended = c.of_south("suspended")
    assert told(c.west_lane, "agreement.evidence", c.evidence(suspended)) == DONE
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED


def test_parties_tell_each_other_what_they_hold_and_show_what_the_other_lacks(in_force: Community) -> None:
    c = in_force
    agreement = Agreement.objects.get()
    assert forwarding.compare() == 2
    assert forwarding.compare() == 0
    own = set(forwarding.held_of(agreement))
    ours = sorted(own)[1:]
    told(c.west_lane, "agreement.held", {"agreement": str(agreement.id), "held": [*ours, "f" * 64]})
    before = LaneEntry.objects.filter(lane__sender=None, kind="agreement.evidence").count()
    assert forwarding.answer_comparisons() == 1
    assert LaneEntry.objects.filter(lane__sender=None, kind="agreement.evidence").count() == before + 1
    # of what it has more it is asked, by telling what is held here, unless it was just told
    said = LaneEntry.objects.filter(lane__sender=None, kind="agreement.held")
    assert (forwarding.answer_comparisons(), said.count()) == (0, 2)
    with frozen(now() + timedelta(minutes=6)):
        assert (forwarding.answer_comparisons(), said.count()) == (1, 3)
        assert forwarding.answer_comparisons() == 0


def test_what_two_hold_is_answered_once_as_long_as_neither_has_anything_new(in_force: Community) -> None:
    c = in_force
    agreement = Agreement.objects.get()
    # the mark of a word that this node never takes, as of an author that signed two things
    held = {"agreement": str(agreement.id), "held": ["f" * 64]}
    said = LaneEntry.objects.filter(lane__sender=None, kind__in=["agreement.held", "agreement.evidence"])
    told(c.west_lane, "agreement.held", held)
    assert forwarding.answer_comparisons() == 1
    before = said.count()
    for _ in range(5):
        told(c.west_lane, "agreement.held", held)
        assert forwarding.answer_comparisons() == 0
    assert said.count() == before
    told(c.south_lane, "agreement.declared", {"instrument": c.of_south("suspended")})
    told(c.west_lane, "agreement.held", held)
    assert forwarding.answer_comparisons() == 1


def test_a_declaration_that_would_widen_is_refused_and_one_that_narrows_counts_at_once(
    in_force: Community,
) -> None:
    c = in_force
    wide = c.of_west("declared", narrows=[{"clause": "1", "direction": "gives", "tlp_max": "TLP:RED"}])
    assert told(c.west_lane, "agreement.declared", {"instrument": wide}) == ("refused", "widens")
    assert isinstance(current_policy().decide(c.west.node, REPORT, now().timestamp()), Allowed)
    narrow = c.of_west("declared", narrows=[{"clause": "1", "direction": "takes"}])
    assert told(c.west_lane, "agreement.declared", {"instrument": narrow}) == DONE
    refused = current_policy().decide(c.west.node, REPORT, now().timestamp())
    assert isinstance(refused, Denied)
    assert refused.reason == "narrowed"


@pytest.mark.parametrize(
    "narrows", [None, [], [{"clause": "1"}], [{"clause": "1", "direction": "up"}], "1", [{"clause": 1}]]
)
def test_a_declaration_that_cannot_be_read_is_refused(in_force: Community, narrows: object) -> None:
    token = in_force.of_west("declared", narrows=narrows)
    assert told(in_force.west_lane, "agreement.declared", {"instrument": token}) == ("refused", "malformed")


# ---- this node is invited ------------------------------------------------------------------------------------------


@pytest.fixture
def invited_here(node: Organisation) -> Community:
    """An agreement of south and west, to which this node is invited."""
    south, west = partner(nation="XS"), partner(nation="XW", state=Partner.State.MET)
    text = document(south, west, depositary=south, accession="by-invitation")
    parties = tuple(each for each in text.parties if each.ref != "us")
    text = parse(write(replace(text, parties=parties)))
    return Community(south, west, talk_lane(south), talk_lane(west), SigningKey.generate(), text)


def _bundle(c: Community, **changes: Any) -> dict[str, Any]:
    """What the depositary shows to this node; ``changes`` are members of the party that it invites."""
    us = Party("us", "node", settings.BASE_URL, "", "XN", Text.of(en="Us"), node_key().kid)
    invitation = c.of_south(
        "invited", party=party_json(replace(us, **changes)), jwk=node_key().public.to_jwk()
    )
    return c.evidence(invitation, signatures=(c.of_south(), c.of_west()), documents=[c.text.text.decode()])


def test_who_is_invited_sees_the_agreement_approves_it_twice_and_accedes(
    cast: Cast, invited_here: Community
) -> None:
    c = invited_here
    assert told(c.south_lane, "agreement.evidence", _bundle(c)) == DONE
    agreement = Agreement.objects.get()
    standing = standing_of(agreement)
    assert (standing.state, sorted(standing.signatories), len(standing.invitations)) == (
        State.IN_FORCE,
        ["xs", "xw"],
        1,
    )
    actions.accede(cast.officer.actor, agreement, c.text.digest)
    with pytest.raises(StepRefused) as refused:
        actions.accede(cast.officer.actor, agreement, c.text.digest)
    assert refused.value.code == "approved-before"
    assert not PartyInstrument.objects.filter(kind="acceded").exists()
    actions.accede(cast.other_officer.actor, agreement, c.text.digest)
    accession = PartyInstrument.objects.get(kind="acceded")
    assert [each.id for each in standing_of(agreement).accessions] == [accession.id]
    # every party that this node has met is told by itself, not by the depositary alone
    assert LaneEntry.objects.filter(lane__sender=None, kind="agreement.declared").count() == 2
    word = c.of_south(
        "countersigned",
        answers=str(accession.id),
        of=settings.BASE_URL,
        sees=sha256(accession.token.encode()),
    )
    assert told(c.south_lane, "agreement.declared", {"instrument": word}) == DONE
    assert sorted(standing_of(agreement).signatories) == ["us", "xs", "xw"]
    decided = current_policy()
    assert isinstance(decided.decide(c.south.node, REPORT, now().timestamp()), Allowed)
    refusal = decided.decide(c.west.node, REPORT, now().timestamp())
    assert isinstance(refusal, Denied)
    assert refusal.reason == "not-verified"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: _bundle(c, node="https://else.example"),
        lambda c: {**_bundle(c), "instruments": []},
        lambda c: {**_bundle(c), "documents": []},
        lambda c: _bundle(c, kid="k" * 43),
    ],
    ids=["another node is invited", "nobody is invited", "without the text", "with another key"],
)
def test_of_an_agreement_that_is_not_known_here_nothing_is_taken_but_an_invitation(
    invited_here: Community, spoil: Callable[[Community], dict[str, Any]]
) -> None:
    assert told(invited_here.south_lane, "agreement.evidence", spoil(invited_here))[0] == "refused"
    assert not Agreement.objects.exists()
    assert not PartySignature.objects.exists()


def test_nobody_but_the_depositary_brings_an_agreement(invited_here: Community) -> None:
    assert told(invited_here.west_lane, "agreement.evidence", _bundle(invited_here))[0] == "refused"
    assert not Agreement.objects.exists()


def test_who_was_not_invited_does_not_accede(cast: Cast, in_force: Community) -> None:
    with pytest.raises(NotAllowed):
        actions.accede(cast.officer.actor, Agreement.objects.get(), in_force.text.digest)


# ---- this node is the depositary -------------------------------------------------------------------------------------


def test_the_depositary_invites_and_countersigns_what_it_invited(cast: Cast) -> None:
    south, west, east = partner(nation="XS"), partner(nation="XW"), partner(nation="XE", node=EAST)
    agreement = agreement_in_force(south, west, accession="by-invitation")
    text = Version.objects.get().document()
    entry = Party("xe", "node", "", "", "XE", Text.of(en="East"), "")
    invitation = actions.invite(
        cast.officer.actor, agreement, east.row, entry, "Welcome.", parts=(Part("1", ("takes",)),)
    )
    assert invitation.said["party"]["kid"] == east.key.kid
    lane = talk_lane(east)
    said = {
        "id": str(uuid4()),
        "kind": "acceded",
        "agreement": str(text.id),
        "digest": text.digest,
        "node": EAST,
        "at": timestamp(now()),
        "note": "",
        "answers": str(invitation.id),
        "of": settings.BASE_URL,
        "to": [settings.BASE_URL, south.node, west.node],
    }
    token = east.key.sign(canonical(said), INSTRUMENT_TYP)
    assert told(lane, "agreement.declared", {"instrument": token}) == DONE
    assert "xe" not in standing_of(agreement).signatories
    # what follows from a countersignature is looked for once more
    assert [arriving.settle() for _ in range(3)] == [1, 1, 0]
    assert PartyInstrument.objects.filter(kind="countersigned").count() == 1
    assert "xe" in standing_of(agreement).signatories
    # each party is shown the newcomer's own word, and the newcomer all that was said
    shown = LaneEntry.objects.filter(lane__sender=None, kind="agreement.evidence")
    assert {each.lane.readers.get().partner.node for each in shown} == {south.node, west.node, EAST}


def test_the_depositary_invites_nobody_twice_nobody_unverified_and_to_no_closed_agreement(cast: Cast) -> None:
    south, stranger = partner(nation="XS"), partner(nation="XE", state=Partner.State.MET)
    entry = Party("xe", "node", "", "", "XE", Text.of(en="East"), "")
    closed = agreement_in_force(south)
    with pytest.raises(NotAllowed):
        actions.invite(cast.officer.actor, closed, stranger.row, entry, "")
    opened = agreement_in_force(south, accession="by-invitation")
    for whom, ref, code in (
        (stranger, "xe", "not-verified"),
        (south, "xe", "party-already"),
        (partner(nation="XF"), "xs", "ref-taken"),
    ):
        with pytest.raises(StepRefused) as refused:
            actions.invite(cast.officer.actor, opened, whom.row, replace(entry, ref=ref), "")
        assert refused.value.code == code
    with pytest.raises(NotAllowed):
        actions.invite(cast.analyst.actor, opened, stranger.row, entry, "")


def test_nothing_is_ratified_that_was_not_signed(cast: Cast) -> None:
    south = partner(nation="XS")
    parties = tuple(replace(each, ratifies=True) for each in document(south).parties)
    agreement = agreement_proposed(south, parties=parties)
    for officer in (cast.officer, cast.other_officer):
        with pytest.raises(NotAllowed) as refused:
            actions.ratify(officer.actor, agreement, Version.objects.get().digest)
        assert refused.value.reason == "unsigned"
    assert not PartyInstrument.objects.exists()


def test_a_party_ratifies_leaves_declares_and_lifts(cast: Cast) -> None:
    south, west = partner(nation="XS"), partner(nation="XW")
    text = document(south, west, depositary=south)
    parties = tuple(replace(each, ratifies=each.ref == "us") for each in text.parties)
    agreement = agreement_in_force(south, west, depositary=south, parties=parties)
    digest = Version.objects.get().digest
    assert standing_of(agreement).state == State.PROPOSED
    actions.ratify(cast.officer.actor, agreement, digest)
    assert standing_of(agreement).state == State.PROPOSED
    actions.ratify(cast.other_officer.actor, agreement, digest)
    assert standing_of(agreement).state == State.IN_FORCE
    with pytest.raises(NotAllowed):
        actions.ratify(cast.officer.actor, agreement, digest)
    declared = actions.declare(cast.officer.actor, agreement, [Narrowing("1", "gives", without=("xw",))], "")
    assert isinstance(current_policy().decide(west.node, REPORT, now().timestamp()), Denied)
    assert isinstance(current_policy().decide(south.node, REPORT, now().timestamp()), Allowed)
    with pytest.raises(DocumentRefused) as refused:
        actions.declare(cast.officer.actor, agreement, [Narrowing("1", "gives", tlp_max=Tlp.RED)], "")
    assert refused.value.place == "/narrows/0/tlp_max"
    with pytest.raises(StepRefused):
        actions.lift(cast.officer.actor, agreement, UUID(int=1), "")
    actions.lift(cast.officer.actor, agreement, declared.id, "")
    assert isinstance(current_policy().decide(west.node, REPORT, now().timestamp()), Allowed)
    actions.leave(cast.officer.actor, agreement, "")
    assert isinstance(current_policy().decide(west.node, REPORT, now().timestamp()), Denied)
    assert sorted(standing_of(agreement).signatories) == ["xs", "xw"]
